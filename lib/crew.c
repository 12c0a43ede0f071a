#include <stdlib.h>
#include <string.h>

#include "lib/crew.h"
#include "lib/die.h"
#include "lib/str.h"

#define ACT_ON (EVENT_BIT(EVENT_AGENT) | EVENT_BIT(EVENT_OPEN) | \
    EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_FAILOVER))

enum {				/* rows of keys[] */
	K_EFFECTIVE, K_NAMES, K_GLOBAL, K_QUEUES, K_LEN
};

static const struct scan_key keys[K_LEN] = {
	[K_EFFECTIVE] = SCAN_KEY("effective", -1),
	[K_NAMES] = SCAN_KEY("queueNames", -1),
	[K_GLOBAL] = SCAN_KEY("global", K_EFFECTIVE),
	[K_QUEUES] = SCAN_KEY("queues", K_EFFECTIVE),
};

void
crew_init(struct crew *c, uint64_t key)
{
	memset(c, 0, sizeof(*c));
	index_init(&c->ids, key);
	index_init(&c->statuses, key);
	index_init(&c->queues, key);
	index_add(&c->statuses, (struct text){ "", 0 });
	event_init(&c->ev);
}

void
crew_free(struct crew *c)
{
	for (size_t i = 0; i < c->ids.count; i++) {
		free(c->agents[i].name);
		free(c->agents[i].posts);
	}
	for (size_t i = 0; i < c->queues.count; i++)
		free(c->queue_names[i]);
	free(c->agents);
	free(c->told);
	free(c->met);
	free(c->queue_names);
	index_free(&c->ids);
	index_free(&c->statuses);
	index_free(&c->queues);
	event_free(&c->ev);
}

static void *
copy_of(const void *p, size_t size)
{
	return size > 0 ? memcpy(xmalloc(size), p, size) : NULL;
}

void
crew_copy(struct crew *to, const struct crew *from)
{
	size_t agents = from->ids.count, queues = from->queues.count;

	*to = *from;
	index_copy(&to->ids, &from->ids);
	index_copy(&to->statuses, &from->statuses);
	index_copy(&to->queues, &from->queues);
	event_init(&to->ev);
	to->told = NULL;
	to->told_count = to->told_alloc = 0;
	to->met = NULL;
	to->agents = copy_of(from->agents, agents * sizeof(*to->agents));
	to->agent_alloc = agents;
	for (size_t i = 0; i < agents; i++) {
		struct crew_agent *a = &to->agents[i];

		a->name = a->name != NULL ? xstrdup(a->name) : NULL;
		a->posts = copy_of(a->posts, a->post_count *
		    sizeof(*a->posts));
	}
	to->queue_names = copy_of(from->queue_names, queues *
	    sizeof(*to->queue_names));
	to->queue_alloc = queues;
	for (size_t i = 0; i < queues; i++)
		if (to->queue_names[i] != NULL)
			to->queue_names[i] = xstrdup(to->queue_names[i]);
}

/* --- an agent ----------------------------------------------------------- */

static struct crew_agent *
have_agent(struct crew *c, struct text id)
{
	size_t known = c->ids.count, n = index_add(&c->ids, id);

	if (c->ids.count > c->agent_alloc) {
		c->agent_alloc = c->agent_alloc > 0 ? 2 * c->agent_alloc : 64;
		c->agents = xreallocarray(c->agents, c->agent_alloc,
		    sizeof(*c->agents));
	}
	if (n == known) {
		memset(&c->agents[n], 0, sizeof(c->agents[n]));
		c->namings++;
	}
	return &c->agents[n];
}

static size_t
have_queue(struct crew *c, struct text id)
{
	size_t known = c->queues.count, n = index_add(&c->queues, id);

	if (c->queues.count > c->queue_alloc) {
		c->queue_alloc = c->queue_alloc > 0 ? 2 * c->queue_alloc : 64;
		c->queue_names = xreallocarray(c->queue_names, c->queue_alloc,
		    sizeof(*c->queue_names));
		c->met = xreallocarray(c->met, c->queue_alloc,
		    sizeof(*c->met));
	}
	if (n == known) {
		c->queue_names[n] = NULL;
		c->met[n] = (struct crew_met){ 0, 0 };
	}
	return n;
}

/* True if it is another one than before. */
static bool
set_name(char **name, struct text t)
{
	if (t.p == NULL || (*name != NULL && strlen(*name) == t.len &&
	    memcmp(*name, t.p, t.len) == 0))
		return false;
	free(*name);
	*name = xstrndup(t.p, t.len);
	return true;
}

/* Null, and one too many, are unknown. */
static uint32_t
have_status(struct crew *c, struct text t)
{
	size_t n;

	if (t.p == NULL)
		return 0;
	n = index_get(&c->statuses, t);
	if (n == INDEX_NONE && c->statuses.count < CREW_STATUSES_MAX)
		n = index_add(&c->statuses, t);
	return n == INDEX_NONE ? 0 : (uint32_t)n;
}

static struct stamp
later(struct stamp a, struct stamp b)
{
	return stamp_cmp(a, b) > 0 ? a : b;
}

/* The last change that the line tells of the agent itself. */
static struct stamp
changed_at(const struct event *ev)
{
	struct stamp none = { 0, 0 }, at = none;

	if (ev->tier.at.text.p != NULL)
		at = ev->tier.at.stamp;
	if (ev->parts.presence.at.text.p != NULL)
		at = later(at, ev->parts.presence.at.stamp);
	return at;
}

/* What is not known of the active queues is no doubt: see lib/agent.h. */
static bool
is_doubted(const struct event *ev)
{
	bool doubted = !ev->tier.verified ||
	    (ev->parts.presence.status.p != NULL &&
	    !ev->parts.presence.verified);

	for (size_t i = 0; i < ev->queues.count; i++)
		doubted = doubted || !ev->queues.tiers[i].verified;
	return doubted;
}

static const char malformed[] = "effective is malformed";

/* Into c->told, so that a line that is rejected changes nothing. */
static const char *
read_posts(struct crew *c, struct slice queues)
{
	struct slice key, value;
	struct crew_told told;
	const char *at = queues.p + 1;
	size_t new = 0;

	c->told_count = 0;
	if (queues.kind <= SCAN_NULL)
		return NULL;
	if (queues.kind != SCAN_OBJECT)
		return malformed;
	while (slice_next(queues, &at, &key, &value)) {
		if (!take_id_or_null(&c->ev.take, key, &told.queue) ||
		    !take_text_or_null(&c->ev.take, value, &told.status))
			return malformed;
		if (c->told_count == c->told_alloc) {
			c->told_alloc = c->told_alloc > 0 ?
			    2 * c->told_alloc : 16;
			c->told = xreallocarray(c->told, c->told_alloc,
			    sizeof(*c->told));
		}
		c->told[c->told_count++] = told;
		new += index_get(&c->queues, told.queue) == INDEX_NONE;
	}
	return c->queues.count + new > CREW_QUEUES_MAX ?
	    "more queues than are told apart" : NULL;
}

/* Of a queue that is named twice the last counts, as everywhere. */
static void
set_posts(struct crew *c, struct crew_agent *a)
{
	struct crew_met *met;
	size_t queue;

	if (c->told_count > a->post_count)
		a->posts = xreallocarray(a->posts, c->told_count,
		    sizeof(*a->posts));
	a->post_count = 0;
	c->line++;
	for (size_t i = 0; i < c->told_count; i++) {
		queue = have_queue(c, c->told[i].queue);
		met = &c->met[queue];
		if (met->line != c->line)
			*met = (struct crew_met){ c->line, a->post_count++ };
		a->posts[met->post] = (struct crew_post){ (uint32_t)queue,
		    have_status(c, c->told[i].status) };
	}
}

static void
take_names(struct crew *c, struct slice names)
{
	struct slice key, value;
	struct text id, name;
	const char *at = names.p + 1;
	size_t queue;

	while (names.kind == SCAN_OBJECT &&
	    slice_next(names, &at, &key, &value)) {
		if (!take_id(&c->ev.take, key, &id) ||
		    !take_text(&c->ev.take, value, &name))
			continue;
		if (c->queues.count >= CREW_QUEUES_MAX &&
		    index_get(&c->queues, id) == INDEX_NONE)
			continue;
		queue = have_queue(c, id);	/* the names may move */
		set_name(&c->queue_names[queue], name);
	}
}

static const char *
take_agent(struct crew *c, const struct slice *v, int64_t wall_ms)
{
	const struct event *ev = &c->ev;
	struct stamp at = changed_at(ev);
	struct crew_agent *a;
	struct text global;
	uint32_t status;
	const char *why;
	bool fresh;

	if (v[K_EFFECTIVE].kind != SCAN_OBJECT ||
	    !take_text_or_null(&c->ev.take, v[K_GLOBAL], &global))
		return malformed;
	if ((why = read_posts(c, v[K_QUEUES])) != NULL)
		return why;
	a = have_agent(c, ev->user_id);
	c->here -= a->here;
	c->doubted -= a->here && a->doubted;
	fresh = !a->here;
	a->here = !ev->gone;
	a->doubted = is_doubted(ev);
	c->namings += set_name(&a->name, ev->name);
	status = have_status(c, global);
	if (fresh || status != a->status)
		a->since = at;
	a->status = status;
	set_posts(c, a);
	take_names(c, v[K_NAMES]);
	c->lines++;
	/* a change that an event has brought is as late as it says */
	sight_count(&c->sight, wall_ms, fresh || ev->tier.from_rest ||
	    at.sec == 0 ? NULL : &at);
	c->here += a->here;
	c->doubted += a->here && a->doubted;
	return NULL;
}

const char *
crew_line(struct crew *c, const char *line, size_t len, int64_t wall_ms)
{
	const char *why = event_parse(&c->ev, line, len, ACT_ON);
	struct slice v[K_LEN];

	if (why != NULL)
		return why;
	c->heard_ms = wall_ms;
	if (!c->ev.control)
		return NULL;
	if (c->ev.kind != EVENT_AGENT)
		return sight_control(&c->sight, &c->ev.take, line, len,
		    wall_ms);
	scan_object(line, len, keys, K_LEN, v);
	return take_agent(c, v, wall_ms);
}

/* --- to look at --------------------------------------------------------- */

const char *
crew_queue_name(const struct crew *c, size_t queue)
{
	const char *name = c->queue_names[queue];

	return name != NULL && *name != '\0' ? name :
	    index_text(&c->queues, queue).p;
}

const char *
crew_agent_name(const struct crew *c, size_t agent)
{
	const char *name = c->agents[agent].name;

	return name != NULL && *name != '\0' ? name :
	    index_text(&c->ids, agent).p;
}

const char *
crew_status_name(const struct crew *c, size_t status)
{
	return status == 0 ? "unknown" : index_text(&c->statuses, status).p;
}

enum crew_kind
crew_kind(const char *status)
{
	static const struct { const char *letters; enum crew_kind kind; }
	    kinds[] = {
		{ "available", CREW_READY }, { "onqueue", CREW_READY },
		{ "idle", CREW_READY }, { "ready", CREW_READY },
		{ "interacting", CREW_TALKING },
		{ "communicating", CREW_TALKING },
		{ "oncall", CREW_TALKING }, { "busy", CREW_BUSY },
		{ "meeting", CREW_BUSY }, { "training", CREW_BUSY },
		{ "aftercallwork", CREW_BUSY }, { "notready", CREW_AWAY },
		{ "away", CREW_AWAY }, { "break", CREW_AWAY },
		{ "meal", CREW_AWAY }, { "notresponding", CREW_ALARM },
		{ "offline", CREW_OFF }, { "offqueue", CREW_OFF },
	};
	char letters[32];
	size_t n = 0;

	if (strncmp(status, "Queue ", 6) == 0)
		status += 6;
	for (; *status != '\0' && n < sizeof(letters) - 1; status++) {
		if (*status >= 'A' && *status <= 'Z')
			letters[n++] = (char)(*status - 'A' + 'a');
		else if (*status >= 'a' && *status <= 'z')
			letters[n++] = *status;
	}
	letters[n] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].letters, letters) == 0)
			return kinds[i].kind;
	return CREW_OTHER;
}

const char *
crew_kind_name(enum crew_kind k)
{
	static const char *const names[CREW_KINDS] = { [CREW_READY] = "ready",
	    [CREW_TALKING] = "talking", [CREW_BUSY] = "busy",
	    [CREW_AWAY] = "away", [CREW_ALARM] = "alarm",
	    [CREW_OFF] = "off", [CREW_OTHER] = "other" };

	return names[k];
}

const struct crew_post *
crew_post(const struct crew_agent *a, size_t queue)
{
	for (size_t i = 0; i < a->post_count; i++)
		if (a->posts[i].queue == queue)
			return &a->posts[i];
	return NULL;
}

size_t
crew_count(const struct crew *c, size_t queue, struct crew_count *counts)
{
	const struct crew_post *post;
	size_t sum = 0, status;

	memset(counts, 0, c->statuses.count * sizeof(*counts));
	for (size_t i = 0; i < c->ids.count; i++) {
		const struct crew_agent *a = &c->agents[i];

		if (!a->here)
			continue;
		status = a->status;
		if (queue != INDEX_NONE) {
			if ((post = crew_post(a, queue)) == NULL)
				continue;
			status = post->status;
		}
		sum++;
		counts[status].agents++;
		counts[status].doubted += a->doubted;
	}
	return sum;
}

void
crew_queue_sizes(const struct crew *c, size_t *sizes)
{
	memset(sizes, 0, c->queues.count * sizeof(*sizes));
	for (size_t i = 0; i < c->ids.count; i++)
		for (size_t p = 0; c->agents[i].here &&
		    p < c->agents[i].post_count; p++)
			sizes[c->agents[i].posts[p].queue]++;
}
