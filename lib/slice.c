#include <string.h>

#include "lib/slice.h"

#define EXPONENT_MAX 99999999	/* where it is larger the rest is moot */

static const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' ||
	    *p == '\r'))
		p++;
	return p;
}

/* p is behind the opening quote; the closing one. */
static const char *
string_end(const char *p, const char *end, bool *escaped)
{
	*escaped = false;
	for (; p < end && *p != '"'; p++)
		if (*p == '\\') {
			*escaped = true;
			p++;
		}
	return p;
}

/* Past an object or array, p at its bracket. */
static const char *
nested_end(const char *p, const char *end)
{
	size_t depth = 0;
	bool escaped;

	for (; p < end; p++) {
		if (*p == '"')
			p = string_end(p + 1, end, &escaped);
		else if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
	}
	return end;
}

static enum scan_kind
kind_of(char first)
{
	switch (first) {
	case '{':
		return SCAN_OBJECT;
	case '[':
		return SCAN_ARRAY;
	case '"':
		return SCAN_STRING;
	case 'n':
		return SCAN_NULL;
	case 't':
		return SCAN_TRUE;
	case 'f':
		return SCAN_FALSE;
	}
	return SCAN_NUMBER;
}

/* A value, p at its first byte; the byte after it. */
static const char *
take(const char *p, const char *end, struct slice *v)
{
	const char *stop = p;

	*v = (struct slice){ p, 0, kind_of(*p), false };
	if (v->kind == SCAN_STRING) {
		v->p = p + 1;
		stop = string_end(p + 1, end, &v->escaped);
		v->len = (uint32_t)(stop - v->p);
		return stop + 1;
	}
	if (v->kind == SCAN_OBJECT || v->kind == SCAN_ARRAY)
		stop = nested_end(p, end);
	else
		while (stop < end && strchr(",]} \t\n\r", *stop) == NULL)
			stop++;
	v->len = (uint32_t)(stop - p);
	return stop;
}

bool
slice_next(struct slice s, const char **at, struct slice *key,
    struct slice *value)
{
	const char *last = s.p + s.len - 1, *p = skip_space(*at, last);

	memset(key, 0, sizeof(*key));
	if (p < last && *p == ',')
		p = skip_space(p + 1, last);
	if (p >= last)
		return false;
	if (s.kind == SCAN_OBJECT) {
		p = take(p, last, key);
		/* the colon */
		p = skip_space(skip_space(p, last) + 1, last);
	}
	*at = take(p, last, value);
	return true;
}

static int
hex_digit(char c)
{
	if (c <= '9')
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

static unsigned
hex4(const char *p)
{
	unsigned u = 0;

	for (int i = 0; i < 4; i++)
		u = u << 4 | (unsigned)hex_digit(p[i]);
	return u;
}

/* One escaped character; how many bytes it is, or -1: a NUL or a lone
 * surrogate.  *p is behind the backslash, and is moved on. */
static int
unescape_one(const char **p, const char *end, char c[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned u, low;

	if (**p != 'u') {
		c[0] = to[strchr(from, *(*p)++) - from];
		return 1;
	}
	u = hex4(*p + 1);
	*p += 5;
	if (u == 0 || (u >= 0xdc00 && u <= 0xdfff))
		return -1;
	if (u >= 0xd800 && u <= 0xdbff) {
		if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
			return -1;
		low = hex4(*p + 2);
		if (low < 0xdc00 || low > 0xdfff)
			return -1;
		*p += 6;
		u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
		c[0] = (char)(0xf0 | u >> 18);
		c[1] = (char)(0x80 | (u >> 12 & 0x3f));
		c[2] = (char)(0x80 | (u >> 6 & 0x3f));
		c[3] = (char)(0x80 | (u & 0x3f));
		return 4;
	}
	if (u < 0x80) {
		c[0] = (char)u;
		return 1;
	}
	if (u < 0x800) {
		c[0] = (char)(0xc0 | u >> 6);
		c[1] = (char)(0x80 | (u & 0x3f));
		return 2;
	}
	c[0] = (char)(0xe0 | u >> 12);
	c[1] = (char)(0x80 | (u >> 6 & 0x3f));
	c[2] = (char)(0x80 | (u & 0x3f));
	return 3;
}

int
slice_unescape(struct slice s, struct buf *out)
{
	const char *p = s.p, *end, *stop;
	size_t from = out->len;
	char c[4];
	int n;

	if (s.kind != SCAN_STRING)
		return -1;
	end = p + s.len;
	while (p < end) {
		stop = memchr(p, '\\', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		if (buf_add(out, p, (size_t)(stop - p)) == -1)
			goto undo;
		if (stop == end)
			break;
		p = stop + 1;
		n = unescape_one(&p, end, c);
		if (n == -1 || buf_add(out, c, (size_t)n) == -1)
			goto undo;
	}
	return 0;
undo:
	out->len = from;
	if (out->data != NULL)
		out->data[from] = '\0';
	return -1;
}

bool
slice_is(struct slice s, const char *text)
{
	const char *p = s.p, *end;
	char c[4];
	int n;

	if (s.kind != SCAN_STRING)
		return false;
	end = p + s.len;
	if (!s.escaped)
		return strlen(text) == s.len &&
		    memcmp(text, s.p, s.len) == 0;
	for (; p < end; text += n) {
		n = 1;
		c[0] = *p++;
		if (c[0] == '\\')
			n = unescape_one(&p, end, c);
		if (n == -1 || strncmp(text, c, (size_t)n) != 0)
			return false;
	}
	return *text == '\0';
}

/* value * 10^n + digit, if that stays within the limit. */
static int
shift_in(uint64_t *value, int64_t n, unsigned digit)
{
	for (; n > 0 && *value > 0; n--) {
		if (*value > SLICE_NUMBER_MAX / 10)
			return -1;
		*value *= 10;
	}
	*value += digit;
	return *value > SLICE_NUMBER_MAX ? -1 : 0;
}

int
slice_number(struct slice s, uint64_t *value)
{
	const char *p = s.p, *end;
	int64_t scale = 0, exponent = 0, zeros = 0;
	uint64_t v = 0;
	bool fraction = false, negative;

	if (s.kind != SCAN_NUMBER)
		return -1;
	end = p + s.len;
	negative = *p == '-';
	for (p += negative; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		scale -= fraction;
		zeros++;
		if (*p == '0')
			continue;
		if (shift_in(&v, zeros, (unsigned)(*p - '0')) == -1)
			return -1;
		zeros = 0;
	}
	if (p < end) {
		bool minus = *++p == '-';

		for (p += *p == '-' || *p == '+'; p < end; p++)
			if (exponent <= EXPONENT_MAX)
				exponent = exponent * 10 + (*p - '0');
		scale += minus ? -exponent : exponent;
	}
	scale += zeros;
	if (v > 0 && (negative || scale < 0 || shift_in(&v, scale, 0) == -1))
		return -1;
	*value = v;
	return 0;
}
