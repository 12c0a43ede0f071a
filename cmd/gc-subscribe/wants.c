/* Whose events: what was asked for, and which topics that makes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/log.h"
#include "lib/str.h"

#define TOPIC_MAX 200		/* the platform's */
#define USERS_PAGE 500
#define MEMBERS_PAGE 100

static const char *const filters[] = {
	[SOURCE_USER] = "userId", [SOURCE_QUEUE] = "queueId",
	[SOURCE_TEAM] = "teamId",
};
#define FILTERS (sizeof(filters) / sizeof(filters[0]))

static size_t
source_of(struct scope *s, enum source_kind kind, const char *id)
{
	struct source *new;

	for (size_t i = 0; i < s->source_count; i++)
		if (s->sources[i].kind == kind && (id == NULL ||
		    strcmp(s->sources[i].id, id) == 0))
			return i;
	s->sources = xreallocarray(s->sources, s->source_count + 1,
	    sizeof(*s->sources));
	new = &s->sources[s->source_count];
	*new = (struct source){ .kind = kind, .page_size =
	    kind == SOURCE_ACTIVE ? USERS_PAGE : MEMBERS_PAGE };
	new->id = id != NULL ? xstrdup(id) : NULL;
	return s->source_count++;
}

/* One filter of a subscription; 0, or -1 and why. */
static int
add_filter(struct scope *s, struct want *w, struct slice key,
    struct slice value, struct err *e)
{
	struct buf id;
	size_t kind = SOURCE_USER;

	while (kind < FILTERS && !slice_is(key, filters[kind]))
		kind++;
	if (kind == FILTERS)
		return err_set(e, GC_EX_USAGE, "channels has the filters "
		    "userId, queueId and teamId; there is no '%.*s'",
		    (int)(key.len < 40 ? key.len : 40), key.p);
	buf_init(&id, PLATFORM_ID_MAX);
	if (slice_unescape(value, &id) == -1 ||
	    !platform_is_id(id.data, id.len)) {
		buf_free(&id);
		return err_set(e, GC_EX_USAGE, "filter %s: '%.*s' is no id",
		    filters[kind], (int)(value.len < 60 ? value.len :
		    60), value.p);
	}
	w->sources = xreallocarray(w->sources, w->count + 1,
	    sizeof(*w->sources));
	w->sources[w->count++] = source_of(s, (enum source_kind)kind, id.data);
	buf_free(&id);
	return 0;
}

static int
add_users(struct scope *s, struct slice filter, struct err *e)
{
	struct want w = { 0 };
	struct slice key, value;
	const char *at = filter.kind == SCAN_OBJECT ? filter.p + 1 : NULL;

	while (at != NULL && slice_next(filter, &at, &key, &value))
		if (add_filter(s, &w, key, value, e) == -1) {
			free(w.sources);
			return -1;
		}
	if (w.count == 0) {
		w.sources = xreallocarray(NULL, 1, sizeof(*w.sources));
		w.sources[w.count++] = source_of(s, SOURCE_ACTIVE, NULL);
	}
	s->wants = xreallocarray(s->wants, s->want_count + 1,
	    sizeof(*s->wants));
	s->wants[s->want_count++] = w;
	return 0;
}

/* A topic as it is: what the platform would take, and no system topic. */
static bool
is_topic(const struct buf *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (t->data[i] <= ' ' || t->data[i] > '~' ||
		    t->data[i] == '"' || t->data[i] == '\\')
			return false;
	return t->len <= TOPIC_MAX && str_starts(t->data, "v2.") &&
	    !str_starts(t->data, "v2.system.");
}

static int
add_payload(struct scope *s, const char *text, struct err *e)
{
	enum { EVENT, ID, FILTER, KEYS };
	static const struct scan_key keys[KEYS] = {
		[EVENT] = SCAN_KEY("event", -1), [ID] = SCAN_KEY("id", -1),
		[FILTER] = SCAN_KEY("filter", -1),
	};
	struct slice v[KEYS], name;
	struct buf topic;
	int status = 0;

	scan_object(text, strlen(text), keys, KEYS, v);
	name = v[v[EVENT].kind == SCAN_STRING ? EVENT : ID];
	if (slice_is(name, EVENT_STATUS_NAME))
		return add_users(s, v[FILTER], e);
	buf_init(&topic, 4096);
	if (slice_unescape(name, &topic) == -1 || topic.len == 0 ||
	    !is_topic(&topic))
		status = err_set(e, GC_EX_USAGE, "in channels an event is "
		    EVENT_STATUS_NAME " or a topic such as "
		    "v2.users.ID.presence; '%.*s' is neither",
		    (int)(name.len < 60 ? name.len : 60),
		    name.p ? name.p : "");
	else if (v[FILTER].kind == SCAN_OBJECT)
		status = err_set(e, GC_EX_USAGE, "a topic has no filter: "
		    "'%.60s'", topic.data);
	else
		names_add(&s->topics, topic.data, topic.len);
	buf_free(&topic);
	return status;
}

void
scope_init(struct app *app, bool from_file)
{
	struct scope *s = &app->fleet->scope;
	struct err e;

	for (size_t i = 0; i < app->registry.count; i++)
		if (add_payload(s, app->registry.payloads[i], &e) == -1)
			die(from_file ? GC_EX_DATAERR : e.code, "%s", e.msg);
	names_seal(&s->topics);
	s->due_ms = CLOCK_NEVER;
}

void
scope_free(struct scope *s)
{
	for (size_t i = 0; i < s->source_count; i++) {
		free(s->sources[i].id);
		names_free(&s->sources[i].users);
		names_free(&s->sources[i].found);
	}
	for (size_t i = 0; i < s->want_count; i++)
		free(s->wants[i].sources);
	free(s->sources);
	free(s->wants);
	free(s->cursor);
	names_free(&s->topics);
	*s = (struct scope){ 0 };
}

static void
add_want(const struct scope *s, const struct want *w, struct names *topics)
{
	const struct names *first = &s->sources[w->sources[0]].users;
	char topic[TOPIC_MAX + 1];

	for (size_t i = 0; i < first->count; i++) {
		bool all = true;

		for (size_t k = 1; k < w->count && all; k++)
			all = names_has(&s->sources[w->sources[k]].users,
			    first->all[i]);
		if (!all)
			continue;
		snprintf(topic, sizeof(topic), "v2.users.%s.activity",
		    first->all[i]);
		names_add(topics, topic, strlen(topic));
	}
}

void
scope_topics(const struct scope *s, struct names *topics)
{
	for (size_t i = 0; i < s->want_count; i++)
		add_want(s, &s->wants[i], topics);
	for (size_t i = 0; i < s->topics.count; i++)
		names_add(topics, s->topics.all[i],
		    strlen(s->topics.all[i]));
	names_seal(topics);
}
