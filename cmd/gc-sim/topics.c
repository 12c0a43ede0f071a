/* What a channel may be subscribed to. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "lib/scan.h"
#include "lib/str.h"

#define OF_USER "v2.users."
#define OF_QUEUE "v2.routing.queues."

/* What there is of a user; 0: it is understood, and nothing comes. */
static const struct { const char *name; unsigned kinds; } parts[] = {
	{ "activity", TOPIC_ACTIVITY }, { "presence", TOPIC_PRESENCE },
	{ "routingStatus", TOPIC_ROUTING }, { "outofoffice", 0 },
	{ "station", 0 }, { "conversationsummary", 0 }, { "tokens", 0 },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static bool
read_part(const char *name, size_t len, unsigned *kinds)
{
	for (size_t i = 0; i < PARTS; i++)
		if (strlen(parts[i].name) == len &&
		    memcmp(parts[i].name, name, len) == 0) {
			*kinds |= parts[i].kinds;
			return true;
		}
	return false;
}

/* `.presence`, or `?presence&routingStatus`. */
static bool
read_parts(const char *text, unsigned *kinds)
{
	bool many = *text == '?';
	size_t len;

	if (*text != '.' && *text != '?')
		return false;
	do {
		text++;
		len = strcspn(text, "&");
		if (!read_part(text, len, kinds))
			return false;
		text += len;
	} while (many && *text == '&');
	return *text == '\0';
}

static int
find_queue(const struct org *o, const char *id)
{
	for (int i = 0; i < o->queue_count; i++)
		if (strcmp(o->queues[i], id) == 0)
			return i;
	return -1;
}

/* False if there is no such topic. */
static bool
understand(const struct sim *s, struct topic *t)
{
	const char *id = t->id + (str_starts(t->id, OF_USER) ?
	    strlen(OF_USER) : strlen(OF_QUEUE));
	const struct sim_agent *a;
	char whose[ID_LEN + 1];
	bool user = str_starts(t->id, OF_USER);

	if ((!user && !str_starts(t->id, OF_QUEUE)) ||
	    strlen(t->id) > TOPIC_LEN_MAX || strcspn(id, ".?") != ID_LEN)
		return false;
	strlcpy(whose, id, sizeof(whose));
	if (!user) {
		t->queue = find_queue(&s->org, whose);
		t->kinds = TOPIC_MEMBERS;
		return strcmp(id + ID_LEN, ".users") == 0;
	}
	if ((a = org_find(&s->org, whose)) != NULL)
		t->agent = (size_t)(a - s->org.agents);
	return read_parts(id + ID_LEN, &t->kinds);
}

/* Is it one of those that this client may not have?  Always the same. */
static bool
is_denied(const struct sim *s, const char *id)
{
	struct rng r = { s->seed };

	for (; *id != '\0'; id++)
		r.state = rng_next(&r) ^ (unsigned char)*id;
	return rng_chance(&r, s->faults.deny);
}

static void
judge(const struct sim *s, struct topic *t)
{
	t->agent = SIZE_MAX;
	t->queue = -1;
	if (!understand(s, t)) {
		t->rejected = "Invalid topic";
		t->kinds = 0;
	} else if (is_denied(s, t->id)) {
		t->rejected = "Missing permissions";
		t->missing = t->kinds == TOPIC_MEMBERS ?
		    "routing:queue:view" : "directory:user:view";
		t->kinds = 0;
	}
}

static int
by_agent(const void *x, const void *y)
{
	const struct topic *a = x, *b = y;

	if (a->agent != b->agent)
		return a->agent < b->agent ? -1 : 1;
	return strcmp(a->id, b->id);
}

static void
sort(struct topics *t)
{
	size_t n = 0;

	if (t->count > 0)
		qsort(t->items, t->count, sizeof(*t->items), by_agent);
	t->rejected = 0;
	for (size_t i = 0; i < t->count; i++) {
		if (n > 0 && strcmp(t->items[n - 1].id, t->items[i].id) == 0) {
			free(t->items[i].id);
			continue;
		}
		t->rejected += t->items[i].rejected != NULL;
		t->items[n++] = t->items[i];
	}
	t->count = n;
}

/* The id in an element of the list; NULL if there is none. */
static char *
read_id(struct slice item, bool bare)
{
	const char *at = item.p + 1;
	struct slice key, value, id = { .kind = SCAN_ABSENT };
	struct buf text;

	if (bare)
		id = item;
	while (!bare && item.kind == SCAN_OBJECT &&
	    slice_next(item, &at, &key, &value))
		if (slice_is(key, "id"))
			id = value;
	buf_init(&text, 4096);
	if (id.kind != SCAN_STRING || slice_unescape(id, &text) == -1 ||
	    text.len == 0) {
		buf_free(&text);
		return NULL;
	}
	return buf_take(&text);
}

static void
add(const struct sim *s, struct topics *t, char *id)
{
	t->items = xreallocarray(t->items, t->count + 1, sizeof(*t->items));
	t->items[t->count] = (struct topic){ .id = id };
	judge(s, &t->items[t->count++]);
}

struct topics
topics_read(const struct sim *s, const char *text, size_t len, bool bare)
{
	static const struct scan_key keys[] = { SCAN_KEY("list", -1) };
	struct topics t = { .items = NULL };
	struct slice list, key, item;
	struct buf whole;	/* lib/scan reads objects */
	const char *at;
	char *id;

	buf_init(&whole, len + 16);
	buf_adds(&whole, "{\"list\":");
	buf_add(&whole, text, len);
	buf_adds(&whole, "}");
	if (scan_object(whole.data, whole.len, keys, 1, &list) != SCAN_OK ||
	    list.kind != SCAN_ARRAY)
		t.wrong = "The request could not be understood by the server "
		    "due to malformed syntax.";
	at = list.p + 1;
	while (t.wrong == NULL && slice_next(list, &at, &key, &item)) {
		if ((id = read_id(item, bare)) == NULL)
			t.wrong = "A topic has no id";
		else
			add(s, &t, id);
	}
	buf_free(&whole);
	sort(&t);
	return t;
}

void
topics_free(struct topics *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i].id);
	free(t->items);
	*t = (struct topics){ .items = NULL };
}

void
topics_merge(struct topics *t, struct topics *more)
{
	t->items = xreallocarray(t->items, t->count + more->count + 1,
	    sizeof(*t->items));
	if (more->count > 0)
		memcpy(t->items + t->count, more->items,
		    more->count * sizeof(*t->items));
	t->count += more->count;
	more->count = 0;
	topics_free(more);
	sort(t);
}

void
topics_remove(struct topics *t, const struct topics *which)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (which->count > 0 && bsearch(&t->items[i], which->items,
		    which->count, sizeof(*t->items), by_agent) != NULL)
			free(t->items[i].id);
		else
			t->items[n++] = t->items[i];
	}
	t->count = n;
	sort(t);
}

void
topic_add(const struct topic *t, struct buf *out)
{
	buf_adds(out, "{\"id\":");
	buf_add_json(out, t->id, strlen(t->id));
	if (t->rejected == NULL) {
		buf_adds(out, ",\"state\":\"Permitted\"}");
		return;
	}
	buf_addf(out, ",\"state\":\"Rejected\",\"rejectionReason\":\"%s\"",
	    t->rejected);
	if (t->missing != NULL)
		buf_addf(out, ",\"missingPermissions\":[\"%s\"]", t->missing);
	buf_adds(out, "}");
}
