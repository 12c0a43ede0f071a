#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/platform.h"
#include "lib/str.h"

#define URI_MAX 8192
#define WHY_MAX 1024
#define CURSOR_MAX 1024

/* The wanted members of a text that may be no object; absent then. */
static enum scan_verdict
members(const char *text, size_t len, const struct scan_key *keys,
    size_t count, struct slice *v)
{
	enum scan_verdict verdict = text == NULL ? SCAN_EMPTY :
	    scan_object(text, len, keys, count, v);

	if (verdict != SCAN_OK)
		memset(v, 0, count * sizeof(*v));
	return verdict;
}

/* --- a channel ---------------------------------------------------------- */

/* Yours, or NULL. */
static char *
take_string(struct slice s, size_t cap)
{
	struct buf text;

	buf_init(&text, cap);
	if (slice_unescape(s, &text) == -1 || text.len == 0) {
		buf_wipe(&text);
		return NULL;
	}
	return buf_take(&text);
}

static int64_t
take_time(struct slice s)
{
	struct stamp at;

	if (s.kind != SCAN_STRING || clock_parse(s.p, s.len, &at) == -1)
		return 0;
	return stamp_to_ms(at);
}

static void
wipe(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void
platform_channel_free(struct platform_channel *c)
{
	wipe(&c->id);
	wipe(&c->uri);
	c->expires_ms = 0;
}

int
platform_channel(struct platform_channel *c, const char *text, size_t len,
    struct err *e)
{
	enum { ID, URI, EXPIRES, KEYS };
	static const struct scan_key keys[KEYS] = {
		[ID] = SCAN_KEY("id", -1), [URI] = SCAN_KEY("connectUri", -1),
		[EXPIRES] = SCAN_KEY("expires", -1),
	};
	struct slice v[KEYS];

	members(text, len, keys, KEYS, v);
	*c = (struct platform_channel){
		.id = take_string(v[ID], PLATFORM_ID_MAX),
		.uri = take_string(v[URI], URI_MAX),
		.expires_ms = take_time(v[EXPIRES]),
	};
	/* what is told must be fit for an address and a request's head */
	if (c->id != NULL && c->uri != NULL && platform_is_id(c->id,
	    strlen(c->id)) && (str_starts(c->uri, "wss://") ||
	    str_starts(c->uri, "ws://")))
		return 0;
	platform_channel_free(c);
	return err_set(e, GC_EX_UNAVAILABLE, "the answer holds no channel: "
	    "no id, or no connectUri");
}

/* --- errors ------------------------------------------------------------- */

/* Control bytes and line ends become blanks; cut at the end. */
static void
take_text(struct slice s, char *out, size_t size)
{
	struct buf text;
	size_t n = 0;

	buf_init(&text, 64 << 10);
	if (slice_unescape(s, &text) == 0)
		for (; n < text.len && n < size - 1; n++)
			out[n] = (unsigned char)text.data[n] < ' ' ||
			    text.data[n] == 0x7f ? ' ' : text.data[n];
	out[n] = '\0';
	/* not within a character */
	while (n > 0 && !str_is_utf8(out, n))
		out[--n] = '\0';
	buf_free(&text);
}

bool
platform_error(struct platform_error *pe, const char *text, size_t len)
{
	enum { CODE, MESSAGE, CONTEXT, ERROR, DESCRIPTION, KEYS };
	static const struct scan_key keys[KEYS] = {
		[CODE] = SCAN_KEY("code", -1),
		[MESSAGE] = SCAN_KEY("message", -1),
		[CONTEXT] = SCAN_KEY("contextId", -1),
		[ERROR] = SCAN_KEY("error", -1),
		[DESCRIPTION] = SCAN_KEY("description", -1),
	};
	struct slice v[KEYS];

	members(text, len, keys, KEYS, v);
	take_text(v[v[CODE].kind == SCAN_STRING ? CODE : ERROR], pe->code,
	    sizeof(pe->code));
	take_text(v[v[MESSAGE].kind == SCAN_STRING ? MESSAGE : DESCRIPTION],
	    pe->message, sizeof(pe->message));
	take_text(v[CONTEXT], pe->context_id, sizeof(pe->context_id));
	return pe->code[0] != '\0' || pe->message[0] != '\0';
}

/* --- pages -------------------------------------------------------------- */

/* Is it ready to stand in a query? */
static bool
is_query_value(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] > '~' || strchr("&#?\"\\<>", s[i]) !=
		    NULL)
			return false;
	return len > 0 && len <= CURSOR_MAX;
}

/* The value of `after` in an address's query. */
static struct slice
after_of(struct slice uri)
{
	const char *p = uri.p, *end, *stop;

	if (uri.kind != SCAN_STRING || uri.escaped)
		return (struct slice){ 0 };
	end = p + uri.len;
	p = memchr(p, '?', uri.len);
	for (; p != NULL && p < end; p = stop) {
		p++;
		stop = memchr(p, '&', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		if (stop - p > 6 && memcmp(p, "after=", 6) == 0)
			return (struct slice){ p + 6, (uint32_t)(stop - p - 6),
			    SCAN_STRING, false };
	}
	return (struct slice){ 0 };
}

static uint64_t
number(struct slice s)
{
	uint64_t n;

	return slice_number(s, &n) == 0 ? n : 0;
}

int
platform_page(struct platform_page *p, const char *text, size_t len,
    struct err *e)
{
	enum { ENTITIES, RESULTS, TOTAL, COUNT, NEXT, CURSOR, AFTER, KEYS };
	static const struct scan_key keys[KEYS] = {
		[ENTITIES] = SCAN_KEY("entities", -1),
		[RESULTS] = SCAN_KEY("results", -1),
		[TOTAL] = SCAN_KEY("total", -1),
		[COUNT] = SCAN_KEY("pageCount", -1),
		[NEXT] = SCAN_KEY("nextUri", -1),
		[CURSOR] = SCAN_KEY("cursor", -1),
		[AFTER] = SCAN_KEY("after", -1),
	};
	struct slice v[KEYS], from[3];
	enum scan_verdict verdict = members(text, len, keys, KEYS, v);

	*p = (struct platform_page){ 0 };
	if (verdict != SCAN_OK)
		return err_set(e, GC_EX_UNAVAILABLE, "the answer is no list: "
		    "%s", scan_reason(verdict));
	p->entities = v[v[ENTITIES].kind == SCAN_ARRAY ? ENTITIES : RESULTS];
	if (p->entities.kind != SCAN_ARRAY)
		return err_set(e, GC_EX_UNAVAILABLE, "the answer is no list: "
		    "no entities");
	p->total = number(v[TOTAL]);
	p->page_count = number(v[COUNT]);
	p->next = v[NEXT].kind == SCAN_STRING && v[NEXT].len > 0;
	from[0] = v[CURSOR];
	from[1] = v[AFTER];
	from[2] = after_of(v[NEXT]);
	for (int i = 0; i < 3 && p->cursor.kind == SCAN_ABSENT; i++)
		if (from[i].kind == SCAN_STRING && !from[i].escaped &&
		    is_query_value(from[i].p, from[i].len))
			p->cursor = from[i];
	return 0;
}

bool
platform_each(const struct platform_page *p, const char **at,
    struct slice *element)
{
	struct slice key;

	if (*at == NULL)
		*at = p->entities.p + 1;
	return slice_next(p->entities, at, &key, element);
}

bool
platform_more(const struct platform_page *p, uint64_t page)
{
	const char *at = NULL;
	struct slice element;

	/* whatever is promised, nothing comes behind an empty page */
	if (!platform_each(p, &at, &element))
		return false;
	return p->page_count > 0 ? page < p->page_count : p->next;
}

/* --- users -------------------------------------------------------------- */

bool
platform_is_id(const char *id, size_t len)
{
	static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_:@";

	for (size_t i = 0; i < len; i++)
		if (id[i] == '\0' || strchr(fine, id[i]) == NULL)
			return false;
	return len > 0 && len < PLATFORM_ID_MAX;
}

int
platform_user(struct slice element, struct buf *id)
{
	enum { ID, USER_ID, USER, USER_USER_ID, KEYS };
	static const struct scan_key keys[KEYS] = {
		[ID] = SCAN_KEY("id", -1),
		[USER_ID] = SCAN_KEY("userId", -1),
		[USER] = SCAN_KEY("user", -1),
		[USER_USER_ID] = SCAN_KEY("id", USER),
	};
	static const int order[] = { USER_USER_ID, USER_ID, ID };
	struct slice v[KEYS];

	if (element.kind != SCAN_OBJECT)
		return -1;
	members(element.p, element.len, keys, KEYS, v);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		buf_reset(id);
		if (slice_unescape(v[order[i]], id) == 0 && id->len > 0)
			return platform_is_id(id->data, id->len) ? 0 : -1;
	}
	return -1;
}

/* --- topics ------------------------------------------------------------- */

void
platform_topic_init(struct platform_topic *t)
{
	t->rejected = false;
	buf_init(&t->id, WHY_MAX);
	buf_init(&t->why, WHY_MAX);
}

void
platform_topic_free(struct platform_topic *t)
{
	buf_free(&t->id);
	buf_free(&t->why);
}

/* Add words as far as they fit. */
static void
say(struct buf *why, const char *between, struct slice words)
{
	char text[256];

	take_text(words, text, sizeof(text));
	if (text[0] != '\0')
		buf_addf(why, "%s%s", why->len > 0 ? between : "", text);
}

int
platform_topic(struct platform_topic *t, struct slice element)
{
	enum { ID, STATE, REASON, MISSING, KEYS };
	static const struct scan_key keys[KEYS] = {
		[ID] = SCAN_KEY("id", -1), [STATE] = SCAN_KEY("state", -1),
		[REASON] = SCAN_KEY("rejectionReason", -1),
		[MISSING] = SCAN_KEY("missingPermissions", -1),
	};
	struct slice v[KEYS], key, permission;
	const char *at, *between = ", missing permission ";

	buf_reset(&t->id);
	buf_reset(&t->why);
	t->rejected = false;
	if (element.kind != SCAN_OBJECT)
		return -1;
	members(element.p, element.len, keys, KEYS, v);
	if (slice_unescape(v[ID], &t->id) == -1 || t->id.len == 0)
		return -1;
	/* a state that is not known is no refusal */
	t->rejected = v[STATE].kind == SCAN_STRING &&
	    v[STATE].len == strlen("rejected") &&
	    strncasecmp(v[STATE].p, "rejected", v[STATE].len) == 0;
	if (!t->rejected)
		return 0;
	say(&t->why, "", v[REASON]);
	if (v[MISSING].kind != SCAN_ARRAY)
		return 0;
	if (t->why.len == 0)
		buf_adds(&t->why, "rejected");
	at = v[MISSING].p + 1;
	while (slice_next(v[MISSING], &at, &key, &permission)) {
		say(&t->why, between, permission);
		between = ", ";
	}
	return 0;
}
