/* Percent-encoding to and fro, and what is none. */
#include <stdlib.h>

#include "lib/percent.h"
#include "tests/tap.h"

static const struct { const char *text, *encoded; } pairs[] = {
	{ "", "" }, { "aZ09-._~", "aZ09-._~" }, { "a b", "a%20b" },
	{ "a+b&c=d#e?f/g%", "a%2Bb%26c%3Dd%23e%3Ff%2Fg%25" },
	{ "\xc3\xa9\n\x7f\xff", "%C3%A9%0A%7F%FF" },
	{ "http://localhost:8085/", "http%3A%2F%2Flocalhost%3A8085%2F" },
};

/* text NULL: refused */
static const struct { const char *value, *text; } values[] = {
	{ "a+b", "a b" }, { "%2b%2B", "++" }, { "%c3%A9", "\xc3\xa9" },
	{ "1234567", "1234567" }, { "%31234567", "1234567" },
	{ "12345678", NULL }, { "1234567%38", NULL },
	{ "%", NULL }, { "%4", NULL }, { "a%4", NULL }, { "%4g", NULL },
	{ "%g4", NULL }, { "%%41", NULL }, { "%00", NULL }, { "a%00b", NULL },
};

int
main(void)
{
	char text[64], small[8];
	struct buf out;

	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_reset(&out);
		is_int(percent_add(&out, pairs[i].text), 0, "it fits");
		is_str(out.data ? out.data : "", pairs[i].encoded,
		    "encoded");
		is_int(percent_decode(text, sizeof(text), pairs[i].encoded,
		    strlen(pairs[i].encoded)), 0, "and decoded");
		is_str(text, pairs[i].text, "to the same");
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		int status = percent_decode(small, sizeof(small),
		    values[i].value, strlen(values[i].value));

		ok(values[i].text != NULL ? status == 0 &&
		    strcmp(small, values[i].text) == 0 :
		    status == -1 && *small == '\0', "'%s': %s",
		    values[i].value, values[i].text ? values[i].text :
		    "refused");
	}
	is_int(percent_decode(small, sizeof(small), "a\0b", 3), -1, "a NUL");
	is_int(percent_decode(small, sizeof(small), "%41", 2), -1,
	    "no byte is read behind the end");
	buf_free(&out);
	buf_init(&out, 4);
	is_int(percent_add(&out, "ab%"), -1, "no room");
	buf_free(&out);
	return done();
}
