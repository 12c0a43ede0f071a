/*
 * Past the plain bytes of a JSON string: to the first byte of it that needs
 * a look.  That is a quote, a backslash, a control character, or a byte of a
 * character beyond ASCII.
 *
 * The one place of the suite that knows the processor.  span_plain is
 * span_plain_sse2 where the compiler has SSE2, and span_plain_words, in plain
 * C, elsewhere and with `make SIMD=0`.  Both give the same answer for any
 * bytes: tests/unit/span.c.  Neither reads at or behind end.  Pure.
 */
#ifndef GC_SPAN_H
#define GC_SPAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(GC_NO_SIMD)
#define SPAN_SSE2 1
#include <emmintrin.h>
#endif

static inline bool
span_is_plain(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 0x20 && u < 0x80 && u != '"' && u != '\\';
}

static inline const char *
span_plain_bytes(const char *p, const char *end)
{
	while (p < end && span_is_plain(*p))
		p++;
	return p;
}

/*
 * Eight at a time.  A byte below its bound borrows from the top of its place,
 * and so may, falsely, those behind it: the first hit is true.
 */
static inline const char *
span_plain_words(const char *p, const char *end)
{
	const uint64_t each = 0x0101010101010101u;
	uint64_t w, hit;

	for (; end - p >= 8; p += 8) {
		memcpy(&w, p, sizeof(w));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		w = __builtin_bswap64(w);
#endif
		hit = (w | (w - ' ' * each) | ((w ^ '"' * each) - each) |
		    ((w ^ '\\' * each) - each)) & 0x80 * each;
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
	}
	return span_plain_bytes(p, end);
}

#ifdef SPAN_SSE2
static inline const char *
span_plain_sse2(const char *p, const char *end)
{
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const void *)p);
		/* signed: bytes above 0x7f are below the space, too */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote),
		    _mm_cmpeq_epi8(v, backslash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);

		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
	return span_plain_words(p, end);
}
#define span_plain span_plain_sse2
#else
#define span_plain span_plain_words
#endif

#endif
