/* One file, though a long one: the compiler makes one loop of the pass. */
#include <ctype.h>
#include <string.h>

#include "lib/scan.h"
#include "lib/span.h"

#define ROW_TOP (-1)		/* the object that rows `in` -1 are of */
#define ROW_NONE SCAN_NO_ROW

/* An object or array that a row asked for, around where the pass is. */
struct level {
	int row;
	bool sought;		/* first and end are known */
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
	if (p < end && (unsigned char)*p > ' ')
		return p;
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

/* p is behind the backslash; the end of the escape. */
static const char *
escape_end(struct pass *s, const char *p)
{
	if (p == s->end || *p == '\0' || strchr("\"\\/bfnrtu", *p) == NULL)
		return fail(s, p);
	if (*p++ != 'u')
		return p;
	for (int i = 0; i < 4; i++, p++)
		if (p == s->end || !isxdigit((unsigned char)*p))
			return fail(s, p);
	return p;
}

/* As string_end, from a byte that is no plain one. */
static const char *
string_rest(struct pass *s, const char *p, bool *escaped)
{
	int len;

	for (; p < s->end && *p != '"'; p = span_plain(p, s->end)) {
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
	return p < s->end ? p : fail(s, p);
}

/* p is behind the opening quote; the closing one. */
static inline const char *
string_end(struct pass *s, const char *p, bool *escaped)
{
	p = span_plain(p, s->end);
	*escaped = false;
	return p < s->end && *p == '"' ? p : string_rest(s, p, escaped);
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

static inline const char *
literal_end(struct pass *s, const char *p, const char *word, size_t len)
{
	if ((size_t)(s->end - p) >= len && memcmp(p, word, len) == 0)
		return p + len;
	while (p < s->end && *p == *word)
		p++, word++;
	return fail(s, p);
}

/* As scalar, of what is no string. */
static const char *
bare(struct pass *s, const char *p, struct slice *v)
{
	const char *end;

	if (p == s->end)
		return fail(s, p);
	v->escaped = false;
	v->p = p;
	if (*p == 'n') {
		end = literal_end(s, p, "null", 4);
		v->kind = SCAN_NULL;
	} else if (*p == 't') {
		end = literal_end(s, p, "true", 4);
		v->kind = SCAN_TRUE;
	} else if (*p == 'f') {
		end = literal_end(s, p, "false", 5);
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

/* A value that holds no others, p at its first byte; the byte after it. */
static inline const char *
scalar(struct pass *s, const char *p)
{
	struct slice *v = s->row >= 0 ? &s->out[s->row] : &s->spare;
	const char *end;

	s->row = ROW_NONE;
	if (p == s->end || *p != '"')
		return bare(s, p, v);
	end = string_end(s, p + 1, &v->escaped);
	if (end == NULL)
		return NULL;
	v->p = p + 1;
	v->len = (uint32_t)(end - v->p);
	v->kind = SCAN_STRING;
	return end + 1;
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

/* Which rows are members of the object. */
static void
seek_rows(struct pass *s, struct level *l)
{
	l->first = l->end = 0;
	while (l->first < s->count && s->keys[l->first].in != l->row)
		l->first++;
	for (size_t i = l->first; i < s->count; i++)
		if (s->keys[i].in == l->row)
			l->end = i + 1;
	l->sought = true;
}

static inline uint64_t
word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t
half(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* As memcmp says, without a call for what names are: two words cover it. */
static inline bool
is_same(const char *p, const char *q, size_t len)
{
	if (len > 2 * sizeof(uint64_t) || len < sizeof(uint32_t))
		return memcmp(p, q, len) == 0;
	if (len >= sizeof(uint64_t)) {
		size_t last = len - sizeof(uint64_t);

		return ((word(p) ^ word(q)) |
		    (word(p + last) ^ word(q + last))) == 0;
	}
	return ((half(p) ^ half(q)) |
	    (half(p + len - sizeof(uint32_t)) ^
	    half(q + len - sizeof(uint32_t)))) == 0;
}

static const struct scan_key *
find_escaped(struct pass *s, const struct level *l, const char *p, size_t len)
{
	struct slice name = { p, (uint32_t)len, SCAN_STRING, true };

	for (size_t i = l->first; i < l->end; i++)
		if (s->keys[i].in == l->row && slice_is(name, s->keys[i].name))
			return &s->keys[i];
	return NULL;
}

static inline const struct scan_key *
find_key(struct pass *s, const struct level *l, const char *p, size_t len)
{
	const struct scan_key *key = s->keys + l->first;
	const struct scan_key *end = s->keys + l->end;

	for (; key < end; key++)
		if (key->len == len && key->in == l->row &&
		    is_same(p, key->name, len))
			return key;
	return NULL;
}

/* Whose value the member is that has this name. */
static inline int
find_row(struct pass *s, const char *p, size_t len, bool escaped)
{
	struct level *l = &s->level[s->levels - 1];
	const struct scan_key *key;
	size_t row;

	if (!l->sought)
		seek_rows(s, l);
	key = escaped ? find_escaped(s, l, p, len) : find_key(s, l, p, len);
	if (key == NULL)
		return ROW_NONE;
	row = (size_t)(key - s->keys);
	if (s->out[row].kind != SCAN_ABSENT)
		forget_members(s, row);
	return (int)row;
}

/* A key and its colon; where its value begins. */
static inline const char *
member(struct pass *s, const char *p)
{
	const char *key, *end;
	bool escaped;

	if (p == s->end || *p != '"')
		return fail(s, p);
	key = p + 1;
	end = string_end(s, key, &escaped);
	if (end == NULL)
		return NULL;
	p = skip_space(end + 1, s->end);
	if (p == s->end || *p != ':')
		return fail(s, p);
	if (s->levels == s->depth)
		s->row = find_row(s, key, (size_t)(end - key), escaped);
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
	l->row = s->row;
	l->sought = false;
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

/* From behind a value to where the next one or its key begins, or, of the
 * last, to behind all: then the depth is 0. */
static inline const char *
next(struct pass *s, const char *p)
{
	for (; s->depth > 0; leave(s, p++)) {
		p = skip_space(p, s->end);
		if (p == s->end || (*p != ',' &&
		    *p != s->closer[s->depth - 1]))
			return fail(s, p);
		if (*p == ',')
			return skip_space(p + 1, s->end);
	}
	return p;
}

/* All from p on, where a value begins or, if it is behind one, has ended; the
 * end of the object. */
static inline const char *
values(struct pass *s, const char *p, bool behind)
{
	for (;; behind = false) {
		if (!behind && p < s->end && (*p == '{' || *p == '[')) {
			if (!enter(s, p))
				return NULL;
			p = skip_space(p + 1, s->end);
			/* empty: as if behind a value of it */
			behind = p < s->end && *p == s->closer[s->depth - 1];
		} else if (!behind) {
			p = scalar(s, p);
			behind = true;
		}
		if (behind && p != NULL)
			p = next(s, p);
		if (p == NULL || s->depth == 0)
			return p;
		if (s->closer[s->depth - 1] == '}' &&
		    (p = member(s, p)) == NULL)
			return NULL;
	}
}

/* Are the bytes at p those of the step?  Three words cover it. */
static inline bool
is_step(const char *p, const struct scan_step *t)
{
	size_t last = t->len - sizeof(uint64_t), middle = last / 2;

	if (t->len < sizeof(uint64_t))
		return memcmp(p, t->text, t->len) == 0;
	return ((word(p) ^ word(t->text)) |
	    (word(p + middle) ^ word(t->text + middle)) |
	    (word(p + last) ^ word(t->text + last))) == 0;
}

static inline bool
begins_scalar(char c)
{
	return c == '"' || c == 'n' || c == 't' || c == 'f' || c == '-' ||
	    (c >= '0' && c <= '9');
}

/*
 * The members that usually come, one by one, p at the opening bracket of all.
 * A step's text is its whole grammar, so only its value is left to be looked
 * at.  Where something else comes it ends, behind what it has taken, and the
 * strict pass goes on from there; p itself if it has taken nothing.
 */
static inline const char *
follow(struct pass *s, const char *p, const struct scan_step *t)
{
	const char *from, *at;

	for (; t->text != NULL; t++) {
		at = p + t->len;
		/* all but a scalar right behind the colon is left to the
		 * strict pass: white space, too, is JSON there */
		if (s->end - p <= SCAN_STEP_MAX || !is_step(p, t) ||
		    !begins_scalar(*at))
			break;
		from = p + t->open;
		if (*from == '{') {
			s->row = t->into;
			if (!enter(s, from))
				return NULL;
		}
		s->row = t->row;
		p = scalar(s, at);
		if (p == NULL)
			return NULL;
	}
	return p;
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
scan_usual(const char *text, size_t len, const struct scan_key *keys,
    size_t count, const struct scan_step *usual, struct slice *out)
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
	if (usual != NULL)
		p = follow(&s, p, usual);
	p = values(&s, p, s.depth > 0);
	if (p == NULL)
		return s.why;
	p = skip_space(p, end);
	if (p == end)
		return SCAN_OK;
	s.why = blame(p, end);
	return s.why == SCAN_NUL || s.why == SCAN_UTF8 ? s.why :
	    SCAN_TRAILING;
}

enum scan_verdict
scan_object(const char *text, size_t len, const struct scan_key *keys,
    size_t count, struct slice *out)
{
	return scan_usual(text, len, keys, count, NULL, out);
}

const char *
scan_reason(enum scan_verdict v)
{
	return reasons[v];
}
