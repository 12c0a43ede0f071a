/* The byte buffer: its cap to the byte, and text as JSON strings. */
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "tests/tap.h"

static const struct { const char *text, *json; } strings[] = {
	{ "", "\"\"" },
	{ "plain", "\"plain\"" },
	{ "say \"hi\" \\ /", "\"say \\\"hi\\\" \\\\ /\"" },
	{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
	{ "\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\"" },
	{ "\xc3\xa9 \xf0\x9f\x98\x80", "\"\xc3\xa9 \xf0\x9f\x98\x80\"" },
	{ "\"", "\"\\\"\"" },
};

static void
test_cap(void)
{
	struct buf b;

	buf_init(&b, 5);
	is_int(buf_adds(&b, "abc"), 0, "three of five");
	is_int(buf_adds(&b, "def"), -1, "three more are too many");
	is_str(b.data, "abc", "and change nothing");
	is_int(buf_addf(&b, "%d", 123), -1, "nor do formatted ones");
	is_int(buf_add_json(&b, "x", 1), -1, "nor a JSON string");
	is_str(b.data, "abc", "of which no part stays");
	is_int(buf_addf(&b, "%d", 12), 0, "two fit");
	is_str(b.data, "abc12", "to the last byte");
	ok(buf_room(&b, 1) == NULL, "and there is no more room");
	is_int(buf_add(&b, "", 0), 0, "nothing always fits");
	is_int(buf_add(&b, "x", SIZE_MAX), -1, "a length that wraps does not");
	buf_free(&b);
	buf_free(&b);
	ok(b.data == NULL && b.cap == 5, "freed twice, the cap stays");
	is_int(buf_adds(&b, "12345"), 0, "and it can be used again");
	buf_wipe(&b);
	ok(b.data == NULL && b.len == 0, "wiped: empty");
}

static void
test_drop_and_take(void)
{
	struct buf b;
	char *text;

	buf_init(&b, 1 << 20);
	text = buf_take(&b);
	is_str(text, "", "taken from an empty one: no NULL");
	free(text);
	buf_drop(&b, 3);
	is_int((long long)b.len, 0, "dropped from an empty one");
	buf_adds(&b, "abcdef");
	buf_drop(&b, 0);
	buf_drop(&b, 2);
	is_str(b.data, "cdef", "dropped from the front");
	buf_drop(&b, 4);
	is_str(b.data, "", "all of it");
	buf_adds(&b, "gh");
	buf_drop(&b, 99);
	is_str(b.data, "", "more than there is");
	for (int i = 0; i < 1000; i++)
		buf_addf(&b, "%03d,", i);
	ok(b.len == 4000 && strcmp(b.data + 3996, "999,") == 0,
	    "it grows, and stays text");
	buf_reset(&b);
	is_str(b.data, "", "reset: empty");
	buf_adds(&b, "new");
	is_str(b.data, "new", "and from the start");
	text = buf_take(&b);
	ok(b.data == NULL && b.len == 0 && b.alloc == 0, "taken: empty");
	is_str(text, "new", "and the text is mine");
	free(text);
}

static void
test_room(void)
{
	struct buf b;

	buf_init(&b, 1024);
	buf_room(&b, 1000);
	is_str(b.data, "", "room is no text yet");
	memcpy(buf_room(&b, 4), "wxyz", 4);
	is_int((long long)b.len, 0, "room alone adds nothing");
	buf_grew(&b, 2);
	is_str(b.data, "wx", "as much as was written");
	buf_free(&b);
}

static void
test_secret(void)
{
	struct buf b;
	char want[2001];

	buf_init_secret(&b, 4096);
	for (int i = 0; i < 2000; i++) {
		want[i] = (char)('a' + i % 26);
		buf_add(&b, want + i, 1);
	}
	want[2000] = '\0';
	is_str(b.data, want, "a secret one keeps what it holds as it grows");
	buf_wipe(&b);
	ok(b.data == NULL && buf_adds(&b, "x") == 0, "and can be used again");
	buf_wipe(&b);
}

/* Every byte that JSON has to escape, and libjq reads it back. */
static void
test_json(void)
{
	char *back, all[0x80];
	const struct json_field field = { "s", JSON_STRING, &back, NULL };
	struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		buf_reset(&b);
		buf_add_json(&b, strings[i].text, strlen(strings[i].text));
		is_str(b.data, strings[i].json, strings[i].json);
	}
	for (int c = 1; c < 0x80; c++)
		all[c - 1] = (char)c;
	all[0x7f] = '\0';
	buf_reset(&b);
	buf_adds(&b, "{\"s\":");
	buf_add_json(&b, all, strlen(all));
	buf_adds(&b, "}");
	is_int(json_read(b.data, b.len, &field, 1, NULL), 0, "it is JSON");
	is_str(back, all, "of the same characters");
	free(back);
	buf_reset(&b);
	buf_add_json(&b, "a\0b", 3);
	is_str(b.data, "\"a\\u0000b\"", "a NUL among them");
	buf_free(&b);
}

static void
test_number(void)
{
	struct buf b;

	buf_init(&b, 24);
	buf_add_number(&b, 0);
	buf_adds(&b, " ");
	buf_add_number(&b, UINT64_MAX);
	is_str(b.data, "0 18446744073709551615", "numbers");
	is_int(buf_add_number(&b, 100), -1, "but none that does not fit");
	buf_free(&b);
}

int
main(void)
{
	test_cap();
	test_drop_and_take();
	test_room();
	test_secret();
	test_json();
	test_number();
	return done();
}
