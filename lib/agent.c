#include <stdlib.h>
#include <string.h>

#include "lib/agent.h"
#include "lib/die.h"

#define QUEUES_FIRST 1

static const char *const reasons[] = {
	[ASK_SEQUENCE] = "sequence", [ASK_START] = "start",
	[ASK_RECONNECT] = "reconnect", [ASK_POLL] = "poll",
	[ASK_AUDIT] = "audit"
};

const char *
ask_name(enum ask_reason reason)
{
	return reasons[reason];
}

struct agent *
agent_new(struct text user_id)
{
	struct agent *a = xcalloc(1, sizeof(*a) + user_id.len + 1);

	memcpy(a->user_id, user_id.p, user_id.len);
	a->user_id_len = user_id.len;
	a->question.again_ms = CLOCK_NEVER;
	return a;
}

void
agent_del(struct agent *a)
{
	tier_free(&a->global);
	for (size_t i = 0; i < a->queue_count; i++)
		tier_free(&a->queues[i]);
	free(a->queues);
	if (a->parts != NULL) {
		tier_free(&a->parts->presence);
		tier_free(&a->parts->active);
		words_drop(a->parts->label.word);
		free(a->parts);
	}
	free(a->question.detail);
	words_drop(a->name.word);
	free(a);
}

/* Where a queue stands or would stand. */
static size_t
place(const struct agent *a, struct text id)
{
	size_t low = 0, high = a->queue_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (text_cmp(own_text(&a->queues[mid].queue_id), id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct tier *
agent_tier(struct agent *a, struct text queue_id)
{
	size_t i;

	if (queue_id.p == NULL)
		return own_has(&a->global.status) ? &a->global : NULL;
	i = place(a, queue_id);
	return i < a->queue_count && own_is(&a->queues[i].queue_id, queue_id) ?
	    &a->queues[i] : NULL;
}

static struct text
id_of(const struct tier *t)
{
	return own_text(&t->queue_id);
}

void
agent_add_queues(struct agent *a, const struct tier *tiers, size_t n)
{
	size_t i = a->queue_count, to = i + n;
	size_t alloc = a->queue_alloc ? a->queue_alloc : QUEUES_FIRST;

	while (alloc < to)
		alloc *= 2;
	if (n > 0 && alloc != a->queue_alloc)
		a->queues = xreallocarray(a->queues, alloc,
		    sizeof(*a->queues));
	if (n > 0)
		a->queue_alloc = (uint32_t)alloc;
	a->queue_count = (uint32_t)to;
	/* from behind, so that each moves once */
	while (n > 0)
		if (i > 0 && text_cmp(id_of(&a->queues[i - 1]),
		    id_of(&tiers[n - 1])) > 0)
			a->queues[--to] = a->queues[--i];
		else
			a->queues[--to] = tiers[--n];
}

bool
agent_keep_named(struct agent *a)
{
	size_t kept = 0;
	bool any;

	for (size_t i = 0; i < a->queue_count; i++)
		if (a->queues[i].named)
			a->queues[kept++] = a->queues[i];
		else
			tier_free(&a->queues[i]);
	any = kept < a->queue_count;
	a->queue_count = (uint32_t)kept;
	return any;
}

/* The tier of the event, which is not held. */
static struct tier *
add_tier(struct agent *a, struct text queue_id)
{
	struct tier t = { .verified = true };

	if (queue_id.p == NULL) {
		a->global.verified = true;
		return &a->global;
	}
	own_set(&t.queue_id, queue_id);
	agent_add_queues(a, &t, 1);
	return agent_tier(a, queue_id);
}

struct agent_parts *
agent_have_parts(struct agent *a)
{
	if (a->parts != NULL)
		return a->parts;
	a->parts = xcalloc(1, sizeof(*a->parts));
	/* a doubt about all is one about what was not known then */
	a->parts->presence.doubt_seq = a->parts->active.doubt_seq =
	    a->global.doubt_seq;
	a->parts->presence.touched_ms = a->parts->active.touched_ms =
	    a->global.touched_ms;
	return a->parts;
}

/* Routing statuses that stand whatever the presence is: a call goes on. */
static bool
is_at_work(const struct own *routing)
{
	static const char *const at_work[] = { "INTERACTING",
	    "COMMUNICATING", "NOT_RESPONDING" };

	for (size_t i = 0; i < sizeof(at_work) / sizeof(at_work[0]); i++)
		if (text_is(own_text(routing), at_work[i]))
			return true;
	return false;
}

const struct own *
agent_effective(const struct agent *a)
{
	const struct own *routing = &a->global.status, *presence;

	if (a->parts == NULL || is_at_work(routing))
		return routing;
	presence = &a->parts->presence.status;
	if (!text_is(own_text(presence), "ON_QUEUE") ||
	    text_is(own_text(routing), "IDLE"))
		return presence;
	return routing;
}

struct text
agent_previous(const struct agent *a, const struct tier_told *told)
{
	const struct tier *t = &a->global;
	bool again = own_is(&t->status, told->status) &&
	    (!t->timed || told->at.text.p == NULL ||
	    stamp_cmp(told->at.stamp, t->stamp) == 0);

	return own_text(again ? &t->previous : &t->status);
}

bool
agent_is_doubted(const struct agent *a)
{
	const struct agent_parts *p = a->parts;

	if (!a->global.verified ||
	    (p != NULL && own_has(&p->presence.status) &&
	    !p->presence.verified))
		return true;
	for (size_t i = 0; i < a->queue_count; i++)
		if (!a->queues[i].verified)
			return true;
	return false;
}

int64_t
agent_touched_ms(const struct agent *a)
{
	int64_t oldest = a->global.touched_ms;

	if (a->parts != NULL && own_has(&a->parts->presence.status) &&
	    a->parts->presence.touched_ms < oldest)
		oldest = a->parts->presence.touched_ms;
	for (size_t i = 0; i < a->queue_count; i++)
		if (a->queues[i].touched_ms < oldest)
			oldest = a->queues[i].touched_ms;
	return oldest;
}

void
agent_touch(struct agent *a, int64_t now_ms)
{
	a->global.touched_ms = now_ms;
	if (a->parts != NULL)
		a->parts->presence.touched_ms =
		    a->parts->active.touched_ms = now_ms;
	for (size_t i = 0; i < a->queue_count; i++)
		a->queues[i].touched_ms = now_ms;
}

/* Where the event says that the tier was before. */
static struct text
told_previous(const struct event *ev)
{
	return ev->merged ? ev->merged_previous : ev->tier.previous;
}

struct agent_verdict
agent_judge(struct agent *a, const struct event *ev)
{
	const struct tier *t = agent_tier(a, ev->tier.queue_id);
	struct agent_verdict v = { AGENT_APPLIED, false };
	struct text previous = told_previous(ev);
	int order = 1;

	if (t == NULL)
		return v;
	if (t->timed)
		order = stamp_cmp(ev->tier.at.stamp, t->stamp);
	if (order < 0) {
		v.fate = AGENT_STALE;
	} else if (order == 0 && own_is(&t->status, ev->tier.status)) {
		v.fate = AGENT_DUPLICATE;
	} else if (order == 0) {
		/* two changes in one moment: their order is a guess */
		v.fate = own_is(&t->status, ev->tier.previous) ?
		    AGENT_APPLIED : AGENT_STALE;
		v.gap = t->verified;
	} else if (ev->merged && ev->intact && t->timed &&
	    stamp_cmp(ev->since.stamp, t->stamp) <= 0) {
		/* it tells again what is known, and goes on from there */
		v.gap = false;
	} else {
		v.gap = (previous.p != NULL && !own_is(&t->status, previous)) ||
		    (ev->merged && !ev->intact);
	}
	return v;
}

void
agent_take(struct agent *a, const struct event *ev,
    struct agent_verdict verdict, uint64_t seq, int64_t now_ms)
{
	struct tier *t = agent_tier(a, ev->tier.queue_id);
	bool same_moment = t != NULL && t->timed &&
	    stamp_cmp(ev->tier.at.stamp, t->stamp) == 0;

	if (t == NULL) {
		t = add_tier(a, ev->tier.queue_id);
	} else if (!verdict.gap && !same_moment &&
	    told_previous(ev).p != NULL) {
		t->verified = true;
	}
	tier_set(t, &ev->tier, now_ms);
	t->from_rest = false;
	a->seq = seq;
	if (verdict.gap)
		agent_doubt(a, t, seq);
}

void
agent_doubt(struct agent *a, struct tier *which, uint64_t seq)
{
	a->seq = seq;
	if (which != NULL) {
		tier_doubt(which, seq);
		return;
	}
	tier_doubt(&a->global, seq);
	if (a->parts != NULL) {
		tier_doubt(&a->parts->presence, seq);
		tier_doubt(&a->parts->active, seq);
	}
	for (size_t i = 0; i < a->queue_count; i++)
		tier_doubt(&a->queues[i], seq);
}
