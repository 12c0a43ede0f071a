#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/scan.h"

#define ROW_TOP (-1)		/* the object that rows `in` -1 are of */
#define ROW_NONE (-2)		/* nobody asked for this value */
#define NUMBER_MAX (UINT64_C(1) << 53)
#define EXPONENT_MAX 99999999	/* where it is larger the rest is moot */

/* An object or array that a row asked for, around where the pass is. */
struct level {
	int row;
	size_t first, end;	/* rows that are members of it */
};

struct pass {
	const char *end;
	const struct scan_key *keys;
	size_t count;
	struct slice *out;
	int row;		/* whose value comes next */
	size_t depth;
	size_t levels;		/* == depth: members here may be wanted */
	enum scan_verdict why;
	struct slice spare;	/* takes the values nobody asked for */
	struct level level[SCAN_KEYS_MAX + 1];
	char closer[SCAN_DEPTH_MAX];
};

static const char *const reasons[] = {
	[SCAN_OK] = "fine",
	[SCAN_EMPTY] = "empty",
	[SCAN_NOT_OBJECT] = "not a JSON object",
	[SCAN_SYNTAX] = "not valid JSON",
	[SCAN_CUT] = "JSON that ends in the middle",
	[SCAN_TRAILING] = "more than one JSON value",
	[SCAN_NUL] = "a NUL byte in it",
	[SCAN_UTF8] = "not valid UTF-8",
	[SCAN_BOM] = "begins with a byte order mark",
	[SCAN_DEEP] = "nested deeper than 256",
};

static inline const char *
skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' ||
	    *p == '\r'))
		p++;
	return p;
}

/* How long the character at p is, p being at a byte above 0x7f: 2 to 4;
 * 0 where it is none, -1 where the text ends before that is known. */
static int
utf8_len(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned char low = 0x80, high = 0xbf;
	int len;

	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	/* RFC 3629 section 4: no overlong form, surrogate, above U+10FFFF */
	if (u[0] == 0xe0)
		low = 0xa0;
	else if (u[0] == 0xed)
		high = 0x9f;
	else if (u[0] == 0xf0)
		low = 0x90;
	else if (u[0] == 0xf4)
		high = 0x8f;
	for (int i = 1; i < len; i++) {
		if (end - p == i)
			return -1;
		if (u[i] < low || u[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

/* What is wrong with a byte that cannot stand where it does. */
static enum scan_verdict
blame(const char *p, const char *end)
{
	int len;

	if (p == end)
		return SCAN_CUT;
	if (*p == '\0')
		return SCAN_NUL;
	if ((*p & 0x80) == 0)
		return SCAN_SYNTAX;
	len = utf8_len(p, end);
	return len == 0 ? SCAN_UTF8 : len == -1 ? SCAN_CUT : SCAN_SYNTAX;
}

static const char *
fail(struct pass *s, const char *p)
{
	s->why = blame(p, s->end);
	return NULL;
}

/* Past the bytes of a string that need no look of their own. */
static inline const char *
skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	while (end - p >= 16) {
		__m128i v = _mm_loadu_si128((const void *)p);
		/* signed: bytes above 0x7f are below the space, too */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote),
		    _mm_cmpeq_epi8(v, backslash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);

		if (mask != 0)
			return p + __builtin_ctz(mask);
		p += 16;
	}
#endif
	while (p < end && *p != '"' && *p != '\\' &&
	    (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80)
		p++;
	return p;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* p is behind the backslash; the end of the escape. */
static const char *
escape_end(struct pass *s, const char *p)
{
	if (p == s->end || *p == '\0' || strchr("\"\\/bfnrtu", *p) == NULL)
		return fail(s, p);
	if (*p++ != 'u')
		return p;
	for (int i = 0; i < 4; i++, p++)
		if (p == s->end || hex_digit(*p) == -1)
			return fail(s, p);
	return p;
}

/* p is behind the opening quote; the closing one. */
static inline const char *
string_end(struct pass *s, const char *p, bool *escaped)
{
	int len;

	*escaped = false;
	for (;;) {
		p = skip_plain(p, s->end);
		if (p == s->end)
			return fail(s, p);
		if (*p == '"')
			return p;
		if (*p == '\\') {
			*escaped = true;
			p = escape_end(s, p + 1);
			if (p == NULL)
				return NULL;
		} else {
			len = *p & 0x80 ? utf8_len(p, s->end) : 0;
			if (len <= 0)
				return fail(s, p);
			p += len;
		}
	}
}

static const char *
digits_end(struct pass *s, const char *p)
{
	if (p == s->end || *p < '0' || *p > '9')
		return fail(s, p);
	while (p < s->end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static const char *
number_end(struct pass *s, const char *p)
{
	if (*p == '-')
		p++;
	if (p < s->end && *p == '0')
		p++;
	else
		p = digits_end(s, p);
	if (p != NULL && p < s->end && *p == '.')
		p = digits_end(s, p + 1);
	if (p != NULL && p < s->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < s->end && (*p == '+' || *p == '-'))
			p++;
		p = digits_end(s, p);
	}
	return p;
}

static const char *
literal_end(struct pass *s, const char *p, const char *word)
{
	for (; *word != '\0'; word++, p++)
		if (p == s->end || *p != *word)
			return fail(s, p);
	return p;
}

/* A value that holds no others, p at its first byte; the byte after it. */
static inline const char *
scalar(struct pass *s, const char *p)
{
	struct slice *v = s->row >= 0 ? &s->out[s->row] : &s->spare;
	const char *end;

	s->row = ROW_NONE;
	if (p == s->end)
		return fail(s, p);
	if (*p == '"') {
		end = string_end(s, p + 1, &v->escaped);
		if (end == NULL)
			return NULL;
		v->p = p + 1;
		v->len = (uint32_t)(end - v->p);
		v->kind = SCAN_STRING;
		return end + 1;
	}
	v->escaped = false;
	v->p = p;
	if (*p == 'n') {
		end = literal_end(s, p, "null");
		v->kind = SCAN_NULL;
	} else if (*p == 't') {
		end = literal_end(s, p, "true");
		v->kind = SCAN_TRUE;
	} else if (*p == 'f') {
		end = literal_end(s, p, "false");
		v->kind = SCAN_FALSE;
	} else if (*p == '-' || (*p >= '0' && *p <= '9')) {
		end = number_end(s, p);
		v->kind = SCAN_NUMBER;
	} else {
		return fail(s, p);
	}
	v->len = end == NULL ? 0 : (uint32_t)(end - p);
	return end;
}

/* The row is told again: what was found inside it no longer counts. */
static void
forget_members(struct pass *s, size_t row)
{
	uint64_t gone = UINT64_C(1) << row;

	for (size_t i = row + 1; i < s->count; i++)
		if (s->keys[i].in >= 0 && (gone >> s->keys[i].in & 1) != 0) {
			gone |= UINT64_C(1) << i;
			memset(&s->out[i], 0, sizeof(s->out[i]));
		}
}

static int
find_row(struct pass *s, struct slice key)
{
	const struct level *l = &s->level[s->levels - 1];

	for (size_t i = l->first; i < l->end; i++) {
		const char *name = s->keys[i].name;

		if (s->keys[i].in != l->row)
			continue;
		if (key.escaped ? !slice_is(key, name) :
		    (key.len == 0 ? *name != '\0' : *name != *key.p ||
		    strncmp(name, key.p, key.len) != 0 ||
		    name[key.len] != '\0'))
			continue;
		if (s->out[i].kind != SCAN_ABSENT)
			forget_members(s, i);
		return (int)i;
	}
	return ROW_NONE;
}

/* A key and its colon; where its value begins. */
static inline const char *
member(struct pass *s, const char *p)
{
	struct slice key = { .kind = SCAN_STRING };
	const char *end;

	if (p == s->end || *p != '"')
		return fail(s, p);
	key.p = p + 1;
	end = string_end(s, key.p, &key.escaped);
	if (end == NULL)
		return NULL;
	key.len = (uint32_t)(end - key.p);
	p = skip_space(end + 1, s->end);
	if (p == s->end || *p != ':')
		return fail(s, p);
	if (s->levels == s->depth)
		s->row = find_row(s, key);
	return skip_space(p + 1, s->end);
}

static inline bool
enter(struct pass *s, const char *p)
{
	struct level *l = &s->level[s->levels];
	bool object = *p == '{';

	if (s->depth == SCAN_DEPTH_MAX) {
		s->why = SCAN_DEEP;
		return false;
	}
	s->closer[s->depth++] = object ? '}' : ']';
	if (s->row == ROW_NONE)
		return true;
	if (s->row >= 0)
		s->out[s->row] = (struct slice){ p, 0,
		    object ? SCAN_OBJECT : SCAN_ARRAY, false };
	*l = (struct level){ .row = s->row };
	while (l->first < s->count && s->keys[l->first].in != l->row)
		l->first++;
	for (size_t i = l->first; i < s->count; i++)
		if (s->keys[i].in == l->row)
			l->end = i + 1;
	s->levels++;
	s->row = ROW_NONE;
	return true;
}

static inline void
leave(struct pass *s, const char *p)
{
	if (s->levels == s->depth) {
		int row = s->level[--s->levels].row;

		if (row >= 0)
			s->out[row].len = (uint32_t)(p + 1 - s->out[row].p);
	}
	s->depth--;
}

/* One value, p at its first byte; the byte after it, or NULL and why. */
static const char *
walk(struct pass *s, const char *p)
{
	for (;;) {
		if (p < s->end && (*p == '{' || *p == '[')) {
			if (!enter(s, p))
				return NULL;
			p = skip_space(p + 1, s->end);
			if (p == s->end)
				return fail(s, p);
			if (*p != s->closer[s->depth - 1]) {
				if (s->closer[s->depth - 1] == '}')
					p = member(s, p);
				if (p == NULL)
					return NULL;
				continue;
			}
			leave(s, p++);
		} else {
			p = scalar(s, p);
			if (p == NULL)
				return NULL;
		}
		for (; s->depth > 0; leave(s, p++)) {
			p = skip_space(p, s->end);
			if (p == s->end || (*p != ',' &&
			    *p != s->closer[s->depth - 1]))
				return fail(s, p);
			if (*p == ',')
				break;
		}
		if (s->depth == 0)
			return p;
		p = skip_space(p + 1, s->end);
		if (s->closer[s->depth - 1] == '}')
			p = member(s, p);
		if (p == NULL)
			return NULL;
	}
}

static void
begin(struct pass *s, const char *end)
{
	s->end = end;
	s->keys = NULL;
	s->count = s->depth = s->levels = 0;
	s->out = NULL;
	s->row = ROW_NONE;
}

enum scan_verdict
scan_object(const char *text, size_t len, const struct scan_key *keys,
    size_t count, struct slice *out)
{
	struct pass s;
	const char *p, *end = text + len;

	begin(&s, end);
	if (count > 0) {
		memset(out, 0, count * sizeof(*out));
		s.keys = keys;
		s.count = count;
		s.out = out;
		s.row = ROW_TOP;
	}
	p = skip_space(text, end);
	if (p == end)
		return SCAN_EMPTY;
	if (len > UINT32_MAX)
		return SCAN_SYNTAX;	/* more than a slice can name */
	if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return SCAN_BOM;
	if (*p != '{') {
		s.why = blame(p, end);
		return s.why == SCAN_SYNTAX ? SCAN_NOT_OBJECT : s.why;
	}
	p = walk(&s, p);
	if (p == NULL)
		return s.why;
	p = skip_space(p, end);
	if (p == end)
		return SCAN_OK;
	s.why = blame(p, end);
	return s.why == SCAN_NUL || s.why == SCAN_UTF8 ? s.why :
	    SCAN_TRAILING;
}

const char *
scan_reason(enum scan_verdict v)
{
	return reasons[v];
}

bool
scan_next(struct slice s, const char **at, struct slice *key,
    struct slice *value)
{
	const char *last = s.p + s.len - 1, *p = skip_space(*at, last);
	struct pass pass;
	struct slice *v = &pass.spare;

	memset(key, 0, sizeof(*key));
	if (p < last && *p == ',')
		p = skip_space(p + 1, last);
	if (p >= last)
		return false;
	begin(&pass, last);
	if (s.kind == SCAN_OBJECT) {
		key->p = p + 1;
		p = string_end(&pass, key->p, &key->escaped);
		key->len = (uint32_t)(p - key->p);
		key->kind = SCAN_STRING;
		p = skip_space(skip_space(p + 1, last) + 1, last);
	}
	*at = walk(&pass, p);
	if (*p == '{' || *p == '[')
		*v = (struct slice){ p, (uint32_t)(*at - p),
		    *p == '{' ? SCAN_OBJECT : SCAN_ARRAY, false };
	*value = *v;
	return true;
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
scan_unescape(struct slice s, struct buf *out)
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
		if (*value > NUMBER_MAX / 10)
			return -1;
		*value *= 10;
	}
	*value += digit;
	return *value > NUMBER_MAX ? -1 : 0;
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
