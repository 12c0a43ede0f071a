/* Values of validated text: walked, unescaped, compared, as numbers. */
#include <stdlib.h>

#include "lib/json.h"
#include "lib/scan.h"
#include "tests/tap.h"

/* Objects that are put together again from their slices, and must come out
 * as libjq writes them. */
static const char *const documents[] = {
	"{}", " { } ", "{\"a\":1}", "{ \"a\" : 1 , \"b\" : [ ] }",
	"{\"a\":[1,[2,[3,{\"b\":{}}]],null,true,false,-0.5]}",
	"{\"a\\\"b\":\"c\\\\\",\"}\":\"]\",\"[\":\"{\\\"}\",\",\":\":\"}",
	"{\"deep\":[[[[[[]]]]]],\"x\":{\"y\":{\"z\":[{},{}]}}}",
	"{\t\"a\"\n:\r1,\"b\":\t\"x\"\n,\"c\":[ 1\n,\t2 ] \r}",
	"{\"\":\"\",\"caf\xc3\xa9\":\"\xf0\x9f\x98\x80\"}",
	"{\"last\":12345}", "{\"last\":null}", "{\"a\":[\"]\",\"\\\\\"]}",
};

/* A string between its quotes, its characters; NULL: refused. */
static const struct { const char *json, *text; } strings[] = {
	{ "plain", "plain" }, { "", "" },
	{ "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
	{ "\\u0041\\u00e9\\u20ac", "A\xc3\xa9\xe2\x82\xac" },
	{ "\\uD83D\\uDE00x", "\xf0\x9f\x98\x80x" },
	{ "\\ud800\\udc00\\uDBFF\\uDFFF", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
	{ "\\u007f\\u0080\\u07ff\\u0800\\uffff",
	    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf" },
	{ "a\\u0000", NULL }, { "\\ud83d", NULL }, { "\\ude00", NULL },
	{ "\\ud83d\\u0041", NULL }, { "\\ud83dx\\ude00", NULL },
	{ "\\ude00\\ud83d", NULL },
};

/* none: no whole number of at most 2^53. */
#define NONE UINT64_MAX
static const struct { const char *text; uint64_t value; } numbers[] = {
	{ "0", 0 }, { "-0", 0 }, { "0.0", 0 }, { "0e99999999999", 0 },
	{ "7", 7 }, { "7.0", 7 }, { "70e-1", 7 }, { "0.7e1", 7 },
	{ "7E+2", 700 }, { "1.25e2", 125 }, { "1.25e1", NONE },
	{ "9007199254740992", UINT64_C(1) << 53 },
	{ "9007199254740993", NONE }, { "9.007199254740992e15",
	    UINT64_C(1) << 53 }, { "1e16", NONE }, { "1e999999999999", NONE },
	{ "1e-999999999999", NONE }, { "-1", NONE }, { "0.5", NONE },
	{ "10000000000000000000000e-22", 1 }, { "18446744073709551617", NONE },
};

static void
rebuild(struct slice s, struct buf *out)
{
	bool object = s.kind == SCAN_OBJECT;
	struct slice key, value;
	const char *at = s.p + 1, *comma = "";

	if (!object && s.kind != SCAN_ARRAY) {
		const char *quote = s.kind == SCAN_STRING ? "\"" : "";

		buf_adds(out, quote);
		buf_add(out, s.p, s.len);
		buf_adds(out, quote);
		return;
	}
	buf_adds(out, object ? "{" : "[");
	for (; slice_next(s, &at, &key, &value); comma = ",") {
		buf_adds(out, comma);
		if (object)
			rebuild(key, out);
		buf_adds(out, object ? ":" : "");
		rebuild(value, out);
	}
	buf_adds(out, object ? "}" : "]");
}

static void
test_walk(void)
{
	struct buf ours, theirs;

	buf_init(&ours, 4096);
	buf_init(&theirs, 4096);
	for (size_t i = 0; i < sizeof(documents) / sizeof(char *); i++) {
		size_t len = strlen(documents[i]);
		const char *from = strchr(documents[i], '{');
		const char *to = strrchr(documents[i], '}');

		buf_reset(&ours);
		buf_reset(&theirs);
		ok(scan_object(documents[i], len, NULL, 0, NULL) == SCAN_OK &&
		    json_compact(documents[i], len, &theirs) == 0,
		    "valid: document %zu", i);
		rebuild((struct slice){ from, (uint32_t)(to + 1 - from),
		    SCAN_OBJECT, false }, &ours);
		is_str(ours.data, theirs.data, "the same");
	}
	buf_free(&ours);
	buf_free(&theirs);
}

/* {"v":TEXT}, on an exactly sized copy; the slice of TEXT. */
static struct slice
slice_of(const char *text, const char *quote, char **copy)
{
	static const struct scan_key key = SCAN_KEY("v", -1);
	struct slice s = { NULL, 0, 0, false };
	struct buf line;

	buf_init(&line, 4096);
	buf_addf(&line, "{\"v\":%s%s%s}", quote, text, quote);
	*copy = malloc(line.len);
	memcpy(*copy, line.data, line.len);
	is_int(scan_object(*copy, line.len, &key, 1, &s), SCAN_OK, line.data);
	buf_free(&line);
	return s;
}

static void
test_strings(void)
{
	struct buf out;
	char *copy;

	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		const char *want = strings[i].text;
		struct slice s = slice_of(strings[i].json, "\"", &copy);

		buf_reset(&out);
		buf_adds(&out, "<");
		is_int(slice_unescape(s, &out), want ? 0 : -1, "unescaped");
		is_str(out.data + 1, want ? want : "", "its characters");
		if (want != NULL)
			ok(slice_is(s, want) && !slice_is(s, "other") &&
			    (*want == '\0' || !slice_is(s, want + 1)),
			    "compared");
		free(copy);
	}
	buf_free(&out);
	buf_init(&out, 3);
	is_int(slice_unescape(slice_of("a\\nbc", "\"", &copy), &out), -1,
	    "more than fits");
	is_int((long long)out.len, 0, "leaves nothing");
	free(copy);
	buf_free(&out);
}

static void
test_numbers(void)
{
	struct slice text = { "7", 1, SCAN_STRING, false };
	uint64_t got;
	char *copy;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct slice s = slice_of(numbers[i].text, "", &copy);

		got = NONE;
		ok(slice_number(s, &got) == (numbers[i].value == NONE ? -1 :
		    0) && got == numbers[i].value, "%s", numbers[i].text);
		free(copy);
	}
	is_int(slice_number(text, &got), -1, "a string is none");
	text.kind = SCAN_ABSENT;
	ok(slice_number(text, &got) == -1 && !slice_is(text, "7"),
	    "nor is what is absent");
}

int
main(void)
{
	test_walk();
	test_strings();
	test_numbers();
	return done();
}
