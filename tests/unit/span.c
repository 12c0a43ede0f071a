/* Both ways past the plain bytes of a string against the obvious one, at
 * every place and length, on copies of the exact size. */
#include <stdlib.h>

#include "lib/span.h"
#include "tests/tap.h"

#define LEN_MAX 70

static uint32_t seed = 11;

static uint32_t
below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Mostly plain: bytes at the bounds, and any byte. */
static char
some_byte(uint32_t rare)
{
	static const char edges[] = "\x1f\x20\x21\x22\x23\x5b\x5c\x5d\x7f\x80"
	    "\xff\x01\xa0\xa2\xdc";

	if (below(rare) > 0)
		return (char)('a' + below(26));
	return below(2) ? edges[below(sizeof(edges))] : (char)below(256);
}

static int
wrong(const char *p, const char *end)
{
	const char *is = span_plain_bytes(p, end);
	int n = span_plain_words(p, end) != is;

#ifdef SPAN_SSE2
	n += span_plain_sse2(p, end) != is;
#endif
	return n + (span_plain(p, end) != is);
}

static void
test_each_byte(void)
{
	int bad = 0, plain = 0;

	for (int c = 0; c < 256; c++)
		for (size_t at = 0; at < 24; at++) {
			char text[24];

			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			bad += wrong(text, text + sizeof(text));
			plain += span_plain_bytes(text, text + sizeof(text)) ==
			    text + sizeof(text);
		}
	is_int(bad, 0, "each byte, at each of 24 places");
	is_int(plain, 24 * (0x60 - 2), "and so many are plain");
}

static void
test_random(void)
{
	int bad = 0;

	for (int i = 0; i < 50000; i++) {
		size_t len = below(LEN_MAX);
		char *text = malloc(len ? len : 1);

		for (size_t k = 0; k < len; k++)
			text[k] = some_byte(4 + below(60));
		for (size_t at = 0; at <= len; at += 1 + below(8))
			bad += wrong(text + at, text + len);
		free(text);
	}
	is_int(bad, 0, "50000 random texts");
}

int
main(void)
{
	test_each_byte();
	test_random();
	return done();
}
