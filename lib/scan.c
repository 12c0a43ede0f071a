#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/scan.h"

#define NO_ROW (-1)		/* a value that nobody wants */
#define TOP (-1)		/* keys[].in of the top object's members */
#define NOWHERE (-2)		/* inside an object that no row names */
#define ESCAPED_MAX (6 * SCAN_KEY_LEN_MAX)	/* a name, all \uXXXX */

/* Where the pass stands. */
struct walk {
	const char *p, *end;
	const struct scan_key *keys;
	size_t count;
	struct slice *out;
	size_t guess;			/* the row that likely comes next */
	int depth;			/* containers that are open */
	struct {
		bool object;
		int in;			/* the row whose members these are */
		int row;		/* the row that this value is for */
	} open[SCAN_DEPTH_MAX + 1];
};

const char *
scan_reason(enum scan_verdict v)
{
	static const char *const reasons[] = {
		[SCAN_OK] = "nothing is wrong",
		[SCAN_EMPTY] = "not JSON: nothing but white space",
		[SCAN_NOT_OBJECT] = "not a JSON object",
		[SCAN_SYNTAX] = "not JSON",
		[SCAN_CUT] = "not JSON: it ends in the middle",
		[SCAN_TRAILING] = "not JSON: more follows the object",
		[SCAN_NUL] = "not JSON: a NUL byte",
		[SCAN_UTF8] = "invalid UTF-8",
		[SCAN_BOM] = "a byte order mark",
		[SCAN_DEEP] = "nested deeper than 256",
	};

	return reasons[v];
}

static void
skip_space(struct walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' ||
	    *w->p == '\r' || *w->p == '\n'))
		w->p++;
}

/* What a byte that fits nowhere says about the text. */
static enum scan_verdict
misfit(const struct walk *w)
{
	if (w->p >= w->end)
		return SCAN_CUT;
	return *w->p == '\0' ? SCAN_NUL : SCAN_SYNTAX;
}

static bool
follows(const unsigned char *s, size_t n)
{
	while (n-- > 0)
		if ((*s++ & 0xc0) != 0x80)
			return false;
	return true;
}

/* The length of the UTF-8 sequence at s (RFC 3629), or 0. */
static size_t
utf8_length(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		return left >= 2 && follows(s + 1, 1) ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0)
		return left >= 3 && follows(s + 1, 2) &&
		    !(s[0] == 0xe0 && s[1] < 0xa0) &&
		    !(s[0] == 0xed && s[1] > 0x9f) ? 3 : 0;
	if (s[0] >= 0xf0 && s[0] <= 0xf4)
		return left >= 4 && follows(s + 1, 3) &&
		    !(s[0] == 0xf0 && s[1] < 0x90) &&
		    !(s[0] == 0xf4 && s[1] > 0x8f) ? 4 : 0;
	return 0;
}

/* Step over bytes that mean nothing in a string: ASCII, no control, quote
 * or backslash. */
static const char *
skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i b = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* signed: bytes from 0x80 on are below the space too */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(b, space),
		    _mm_or_si128(_mm_cmpeq_epi8(b, quote),
		    _mm_cmpeq_epi8(b, slash)));
		int mask = _mm_movemask_epi8(hit);

		if (mask != 0)
			return p + __builtin_ctz((unsigned)mask);
	}
#endif
	while (p < end && (signed char)*p >= ' ' && *p != '"' && *p != '\\')
		p++;
	return p;
}

static int
hex4(const char *s)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = s[i];

		v <<= 4;
		if (c >= '0' && c <= '9')
			v |= c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v |= (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return v;
}

static enum scan_verdict
escape(struct walk *w)
{
	if (++w->p >= w->end)
		return SCAN_CUT;
	if (*w->p != 'u') {
		if (*w->p == '\0' || strchr("\"\\/bfnrt", *w->p) == NULL)
			return misfit(w);
		w->p++;
		return SCAN_OK;
	}
	for (int i = 0; i < 4; i++) {
		w->p++;
		if (w->p >= w->end || !((*w->p >= '0' && *w->p <= '9') ||
		    ((*w->p | 32) >= 'a' && (*w->p | 32) <= 'f')))
			return misfit(w);
	}
	w->p++;
	return SCAN_OK;
}

/* w->p is at the opening quote; afterwards behind the closing one. */
static enum scan_verdict
string(struct walk *w, struct slice *s)
{
	enum scan_verdict v;
	size_t n;

	s->p = ++w->p;
	s->kind = SCAN_STRING;
	s->escaped = false;
	for (;;) {
		w->p = skip_plain(w->p, w->end);
		if (w->p >= w->end)
			return SCAN_CUT;
		if (*w->p == '"')
			break;
		if (*w->p == '\\') {
			s->escaped = true;
			if ((v = escape(w)) != SCAN_OK)
				return v;
		} else if ((unsigned char)*w->p >= 0x80) {
			n = utf8_length(w->p, (size_t)(w->end - w->p));
			if (n == 0)
				return SCAN_UTF8;
			w->p += n;
		} else {
			return misfit(w);
		}
	}
	s->len = (uint32_t)(w->p - s->p);
	w->p++;
	return SCAN_OK;
}

static bool
digits(struct walk *w)
{
	const char *from = w->p;

	while (w->p < w->end && *w->p >= '0' && *w->p <= '9')
		w->p++;
	return w->p > from;
}

static enum scan_verdict
number(struct walk *w, struct slice *s)
{
	s->p = w->p;
	s->kind = SCAN_NUMBER;
	if (*w->p == '-')
		w->p++;
	if (w->p < w->end && *w->p == '0')
		w->p++;
	else if (!digits(w))
		return misfit(w);
	if (w->p < w->end && *w->p == '.') {
		w->p++;
		if (!digits(w))
			return misfit(w);
	}
	if (w->p < w->end && (*w->p | 32) == 'e') {
		w->p++;
		if (w->p < w->end && (*w->p == '+' || *w->p == '-'))
			w->p++;
		if (!digits(w))
			return misfit(w);
	}
	s->len = (uint32_t)(w->p - s->p);
	return SCAN_OK;
}

static enum scan_verdict
literal(struct walk *w, const char *word, enum scan_kind kind,
    struct slice *s)
{
	s->p = w->p;
	s->kind = (uint8_t)kind;
	for (; *word != '\0'; word++, w->p++)
		if (w->p >= w->end || *w->p != *word)
			return misfit(w);
	s->len = (uint32_t)(w->p - s->p);
	return SCAN_OK;
}

/* A value that is no container. */
static enum scan_verdict
scalar(struct walk *w, struct slice *s)
{
	switch (*w->p) {
	case '"':
		return string(w, s);
	case 't':
		return literal(w, "true", SCAN_TRUE, s);
	case 'f':
		return literal(w, "false", SCAN_FALSE, s);
	case 'n':
		return literal(w, "null", SCAN_NULL, s);
	default:
		if (*w->p == '-' || (*w->p >= '0' && *w->p <= '9'))
			return number(w, s);
		return misfit(w);
	}
}

static bool
is_row(const struct walk *w, size_t row, struct slice key)
{
	const struct scan_key *k = &w->keys[row];

	if (k->in != w->open[w->depth].in)
		return false;
	if (key.escaped)
		return slice_is(key, k->name);
	return strncmp(k->name, key.p, key.len) == 0 &&
	    k->name[key.len] == '\0';
}

/* The row of a member, or NO_ROW. */
static int
find_row(struct walk *w, struct slice key)
{
	if (w->open[w->depth].in == NOWHERE || key.len > ESCAPED_MAX)
		return NO_ROW;
	/* senders keep their order: the next row is the likely one */
	for (size_t i = 0, row = w->guess; i < w->count; i++, row++) {
		if (row >= w->count)
			row = 0;
		if (is_row(w, row, key)) {
			w->guess = row + 1;
			return (int)row;
		}
	}
	return NO_ROW;
}

/* The member was given before: what was inside it no longer counts. */
static void
forget(struct walk *w, int row)
{
	bool dead[SCAN_KEYS_MAX] = { false };

	dead[row] = true;
	for (size_t i = (size_t)row + 1; i < w->count; i++)
		if (w->keys[i].in >= 0 && dead[w->keys[i].in]) {
			dead[i] = true;
			w->out[i] = (struct slice){ .kind = SCAN_ABSENT };
		}
}

static void
found(struct walk *w, int row, struct slice value)
{
	if (row == NO_ROW)
		return;
	if (w->out[row].kind != SCAN_ABSENT)
		forget(w, row);
	w->out[row] = value;
}

static enum scan_verdict
open_container(struct walk *w, int row)
{
	bool object = *w->p == '{';

	if (w->depth == SCAN_DEPTH_MAX)
		return SCAN_DEEP;
	found(w, row, (struct slice){ w->p, 0,
	    object ? SCAN_OBJECT : SCAN_ARRAY, false });
	w->depth++;
	w->open[w->depth].object = object;
	w->open[w->depth].row = row;
	w->open[w->depth].in = w->depth == 1 ? TOP :
	    object && row != NO_ROW ? row : NOWHERE;
	w->p++;
	return SCAN_OK;
}

static void
close_container(struct walk *w)
{
	int row = w->open[w->depth--].row;

	w->p++;
	if (row != NO_ROW)
		w->out[row].len = (uint32_t)(w->p - w->out[row].p);
}

/* A member's key and colon. */
static enum scan_verdict
member(struct walk *w, int *row)
{
	enum scan_verdict v;
	struct slice key;

	if (w->p >= w->end || *w->p != '"')
		return misfit(w);
	if ((v = string(w, &key)) != SCAN_OK)
		return v;
	*row = find_row(w, key);
	skip_space(w);
	if (w->p >= w->end || *w->p != ':')
		return misfit(w);
	w->p++;
	skip_space(w);
	return SCAN_OK;
}

/* Close what ends here, and step over the comma to the next value. */
static enum scan_verdict
next(struct walk *w)
{
	for (;;) {
		skip_space(w);
		if (w->p >= w->end)
			return SCAN_CUT;
		if (*w->p == ',') {
			w->p++;
			skip_space(w);
			return SCAN_OK;
		}
		if (*w->p != (w->open[w->depth].object ? '}' : ']'))
			return misfit(w);
		close_container(w);
		if (w->depth == 0)
			return SCAN_OK;
	}
}

/* Everything from the top object's bracket to its end. */
static enum scan_verdict
walk(struct walk *w)
{
	enum scan_verdict v = open_container(w, NO_ROW);
	bool fresh = true;		/* the container was just opened */
	struct slice value;
	int row;

	while (v == SCAN_OK && w->depth > 0) {
		if (fresh)
			skip_space(w);
		if (fresh && w->p < w->end &&
		    *w->p == (w->open[w->depth].object ? '}' : ']')) {
			close_container(w);
			fresh = false;
			if (w->depth > 0)
				v = next(w);
			continue;
		}
		row = NO_ROW;
		if (w->open[w->depth].object &&
		    (v = member(w, &row)) != SCAN_OK)
			return v;
		if (w->p >= w->end)
			return SCAN_CUT;
		fresh = *w->p == '{' || *w->p == '[';
		if (fresh) {
			v = open_container(w, row);
			continue;
		}
		if ((v = scalar(w, &value)) != SCAN_OK)
			return v;
		found(w, row, value);
		v = next(w);
	}
	return v;
}

enum scan_verdict
scan_object(const char *text, size_t len, const struct scan_key *keys,
    size_t count, struct slice *out)
{
	struct walk w;
	enum scan_verdict v;

	w.p = text;
	w.end = text + len;
	w.keys = keys;
	w.count = count;
	w.out = out;
	w.guess = 0;
	w.depth = 0;
	for (size_t i = 0; i < count; i++)
		out[i] = (struct slice){ .kind = SCAN_ABSENT };
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return SCAN_BOM;
	skip_space(&w);
	if (w.p == w.end)
		return SCAN_EMPTY;
	if (*w.p != '{')
		return *w.p != '\0' && strchr("[\"-0123456789tfn", *w.p) ?
		    SCAN_NOT_OBJECT : misfit(&w);
	if ((v = walk(&w)) != SCAN_OK)
		return v;
	skip_space(&w);
	if (w.p == w.end)
		return SCAN_OK;
	return *w.p == '\0' ? SCAN_NUL : SCAN_TRAILING;
}

/* Behind the container at p, which is known to be valid. */
static const char *
skip_container(const char *p)
{
	int depth = 0;

	do {
		if (*p == '"')
			for (p++; *p != '"'; p++)
				p += *p == '\\';
		else if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
	} while (depth > 0);
	return p;
}

static const char *
skip_filler(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n' ||
	    *p == ',' || *p == ':')
		p++;
	return p;
}

bool
scan_next(struct slice s, const char **at, struct slice *key,
    struct slice *value)
{
	struct walk w = { .end = s.p + s.len };
	const char *from;

	*key = (struct slice){ .kind = SCAN_ABSENT };
	w.p = skip_filler(*at);
	if (*w.p == '}' || *w.p == ']')
		return false;
	if (s.kind == SCAN_OBJECT) {
		string(&w, key);
		w.p = skip_filler(w.p);
	}
	if (*w.p == '{' || *w.p == '[') {
		from = w.p;
		w.p = skip_container(from);
		*value = (struct slice){ from, (uint32_t)(w.p - from),
		    *from == '{' ? SCAN_OBJECT : SCAN_ARRAY, false };
	} else {
		value->escaped = false;
		scalar(&w, value);
	}
	*at = w.p;
	return true;
}

/* The code point of the \u escape at p, a pair of them taken as one; -1 for
 * a lone surrogate.  *p moves behind it. */
static long
code_point(const char **p, const char *end)
{
	long high = hex4(*p + 2), low;

	*p += 6;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || end - *p < 6 || (*p)[0] != '\\' ||
	    (*p)[1] != 'u')
		return -1;
	low = hex4(*p + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*p += 6;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static size_t
put_utf8(char *to, long c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Unescape into room for s.len bytes (never longer); -1 as scan_unescape. */
static long
unescape(struct slice s, char *to)
{
	static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
	const char *p = s.p, *end = s.p + s.len, *named;
	char *start = to;
	long c;

	while (p < end) {
		if (*p != '\\') {
			*to++ = *p++;
		} else if (p[1] == 'u') {
			if ((c = code_point(&p, end)) <= 0)
				return -1;
			to += put_utf8(to, c);
		} else {
			named = strchr(from, p[1]);
			*to++ = named ? into[named - from] : p[1];
			p += 2;
		}
	}
	return to - start;
}

int
scan_unescape(struct slice s, struct buf *out)
{
	char *to = buf_room(out, s.len);
	long n;

	if (to == NULL || (n = unescape(s, to)) == -1)
		return -1;
	buf_grew(out, (size_t)n);
	return 0;
}

bool
slice_is(struct slice s, const char *text)
{
	char plain[ESCAPED_MAX];
	size_t len = strlen(text);
	long n;

	if (s.kind != SCAN_STRING)
		return false;
	if (!s.escaped)
		return s.len == len && memcmp(s.p, text, len) == 0;
	if (s.len > sizeof(plain) || (n = unescape(s, plain)) == -1)
		return false;
	return (size_t)n == len && memcmp(plain, text, len) == 0;
}

int
slice_number(struct slice s, uint64_t *value)
{
	uint64_t v = 0;

	if (s.kind != SCAN_NUMBER || s.len > 16)
		return -1;
	for (uint32_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');

		if (digit > 9)
			return -1;
		v = v * 10 + digit;
	}
	if (v > UINT64_C(1) << 53)
		return -1;
	*value = v;
	return 0;
}
