#include <stdlib.h>

#include "lib/die.h"
#include "lib/settle.h"

/*
 * The queues of a line are sorted and so are the held ones.  Those that are
 * new wait aside, sorted too, and all go in at once: however many there are,
 * settling takes one pass.
 */
struct fresh {
	struct tier *tiers;
	size_t count;
};

/* The tier that is told of, marked as named; made if it is not held. */
static struct tier *
name_tier(struct agent *a, const struct event *ev,
    const struct tier_told *told, struct fresh *fresh)
{
	struct tier *t = agent_tier(a, told->queue_id);

	if (t == NULL && told->queue_id.p == NULL)
		t = &a->global;
	if (t == NULL) {
		if (fresh->tiers == NULL)
			fresh->tiers = xcalloc(ev->queues.count,
			    sizeof(*fresh->tiers));
		t = &fresh->tiers[fresh->count++];
		own_set(&t->queue_id, told->queue_id);
	}
	t->named = true;
	return t;
}

static void
name_none(struct agent *a)
{
	for (size_t i = 0; i < a->queue_count; i++)
		a->queues[i].named = false;
}

static void
add_fresh(struct agent *a, struct fresh *fresh)
{
	agent_add_queues(a, fresh->tiers, fresh->count);
	free(fresh->tiers);
}

/* One answer, about one agent. */
struct settling {
	const struct event *ev;
	bool current;		/* no change or doubt since it was asked */
	bool audit;
	int64_t now_ms;
	struct fresh fresh;
	struct settle_answer answer;
};

/* May the answer replace what the tier holds? */
static bool
may_replace(const struct settling *s, const struct tier *t,
    const struct tier_told *told)
{
	if (told->at.text.p == NULL)
		return s->current;
	/* when what came without a time was, nobody can say: but it came after
	 * the question */
	if (t->untimed && !s->current)
		return false;
	return !t->timed ||
	    stamp_cmp(told->at.stamp, t->stamp) >= 0 ||
	    (s->audit && s->current);
}

/* True if what the tier says was replaced. */
static bool
settle_known(struct tier *t, bool known, const struct tier_told *told,
    struct settling *s)
{
	bool agrees = known && own_is(&t->status, told->status), verifies;
	bool replaced = (!known || may_replace(s, t, told)) &&
	    !(known && tier_says(t, told));

	if (replaced) {
		tier_set(t, told, s->now_ms);
		t->from_rest = true;
		s->answer.changed = true;
		agrees = true;
	}
	verifies = agrees && s->ev->seq >= t->doubt_seq;
	if (verifies)
		t->touched_ms = s->now_ms;
	if (verifies && !t->verified) {
		t->verified = true;
		t->from_rest = true;
		s->answer.changed = true;
	}
	if (!t->verified)
		s->answer.refused = true;
	return replaced;
}

static void
settle_tier(struct agent *a, const struct tier_told *told,
    struct settling *s)
{
	bool known = agent_tier(a, told->queue_id) != NULL;

	if (!known && told->at.text.p == NULL && !s->current)
		/* it may be of a queue that the agent has left since */
		s->answer.refused = true;
	else
		settle_known(name_tier(a, s->ev, told, &s->fresh), known,
		    told, s);
}

static void
settle_global(struct agent *a, struct settling *s)
{
	struct tier_told told = s->ev->tier;

	if (s->ev->parts.any && told.previous.p == NULL)
		told.previous = agent_previous(a, &told);
	settle_tier(a, &told, s);
}

static void
settle_part(struct tier *t, const struct tier_told *told,
    struct settling *s, struct own *label, struct text label_told)
{
	bool known = own_has(&t->status), replaced;

	if (!known && told->at.text.p == NULL && !s->current) {
		s->answer.refused = true;
		return;
	}
	replaced = settle_known(t, known, told, s);
	if (label == NULL || own_is(label, label_told) ||
	    !own_is(&t->status, told->status))
		return;
	/* a name that is not told is unknown only of what is new */
	if (replaced || label_told.p != NULL) {
		own_set(label, label_told);
		s->answer.changed = true;
	}
}

static void
settle_parts(struct agent *a, struct settling *s)
{
	const struct parts_told *told = &s->ev->parts;
	struct agent_parts *p;

	if (!told->any)
		return;
	p = agent_have_parts(a);
	if (told->presence.status.p != NULL)
		settle_part(&p->presence, &told->presence, s, &p->label,
		    told->label);
	if (told->active.status.p != NULL)
		settle_part(&p->active, &told->active, s, NULL, told->label);
}

/* A queue that the answer leaves out is one that the agent has left. */
static void
settle_missing(struct agent *a, struct settling *s)
{
	if (!s->ev->queues.told || s->ev->partial)
		return;
	if (s->current) {
		s->answer.changed |= agent_keep_named(a);
		return;
	}
	for (size_t i = 0; i < a->queue_count; i++)
		if (!a->queues[i].named && !a->queues[i].verified)
			s->answer.refused = true;
}

static bool
says_gone(const struct event *ev)
{
	return ev->tier.status.p == NULL && !ev->partial &&
	    !parts_say(&ev->parts) &&
	    ev->queues.told && ev->queues.count == 0;
}

struct settle_answer
settle_state(struct agent *a, const struct event *ev, uint64_t seq,
    int64_t now_ms)
{
	struct settling s = { .ev = ev, .current = ev->seq >= a->seq,
	    .audit = text_is(ev->reason, "audit"), .now_ms = now_ms };

	if (says_gone(ev)) {
		/* it has no time of its own: only if nothing came since */
		s.answer.gone = s.answer.changed = s.current;
		s.answer.refused = !s.current;
	} else {
		name_none(a);
		if (ev->tier.status.p != NULL)
			settle_global(a, &s);
		settle_parts(a, &s);
		for (size_t i = 0; i < ev->queues.count; i++)
			settle_tier(a, &ev->queues.tiers[i], &s);
		settle_missing(a, &s);
		add_fresh(a, &s.fresh);
	}
	if (ev->name.p != NULL && !own_is(&a->name, ev->name)) {
		own_set(&a->name, ev->name);
		s.answer.changed = true;
	}
	if (s.answer.changed)
		a->seq = seq;
	return s.answer;
}

/* Take one tier of a gc:agent line; false if the held one is newer. */
static bool
merge_known(const struct agent *a, struct tier *t, bool known,
    const struct event *ev, const struct tier_told *told, int64_t now_ms)
{
	int order;

	if (known && t->timed) {
		order = told->at.text.p == NULL ? -1 :
		    stamp_cmp(told->at.stamp, t->stamp);
		if (order < 0 || (order == 0 && ev->seq <= a->seq))
			return false;
	}
	tier_set(t, told, now_ms);
	t->verified = told->verified;
	t->from_rest = told->from_rest;
	t->doubt_seq = told->verified ? 0 : ev->seq;
	return true;
}

static bool
merge_tier(struct agent *a, const struct event *ev,
    const struct tier_told *told, struct fresh *fresh, int64_t now_ms)
{
	bool known = agent_tier(a, told->queue_id) != NULL;

	return merge_known(a, name_tier(a, ev, told, fresh), known, ev, told,
	    now_ms);
}

/* One that the line does not tell is kept, if it is known. */
static bool
merge_part(const struct agent *a, struct tier *t, const struct event *ev,
    const struct tier_told *told, int64_t now_ms, bool *kept)
{
	bool known = own_has(&t->status);
	bool taken = told->status.p != NULL &&
	    merge_known(a, t, known, ev, told, now_ms);

	*kept = *kept || (known && !taken);
	return taken;
}

static bool
merge_parts(struct agent *a, const struct event *ev, int64_t now_ms,
    bool *kept)
{
	const struct parts_told *told = &ev->parts;
	struct agent_parts *p;
	bool presence, active;

	if (!told->any) {
		*kept = *kept || a->parts != NULL;
		return false;
	}
	p = agent_have_parts(a);
	presence = merge_part(a, &p->presence, ev, &told->presence, now_ms,
	    kept);
	active = merge_part(a, &p->active, ev, &told->active, now_ms, kept);
	if (presence)
		own_set(&p->label, told->label);
	return presence || active;
}

static bool
all_named(const struct agent *a)
{
	for (size_t i = 0; i < a->queue_count; i++)
		if (!a->queues[i].named)
			return false;
	return true;
}

enum settle_merge
settle_agent(struct agent *a, const struct event *ev, uint64_t seq,
    int64_t now_ms)
{
	struct fresh fresh = { NULL, 0 };
	bool taken = false, kept = false, newer = ev->seq > a->seq;

	name_none(a);
	if (ev->tier.status.p != NULL)
		*(merge_tier(a, ev, &ev->tier, &fresh, now_ms) ?
		    &taken : &kept) = true;
	for (size_t i = 0; i < ev->queues.count; i++)
		*(merge_tier(a, ev, &ev->queues.tiers[i], &fresh, now_ms) ?
		    &taken : &kept) = true;
	taken = merge_parts(a, ev, now_ms, &kept) || taken;
	if (newer && !kept)
		agent_keep_named(a);
	else
		kept = kept || !all_named(a);
	add_fresh(a, &fresh);
	if (ev->name.p != NULL)
		own_set(&a->name, ev->name);
	if (!taken && !newer)
		return SETTLE_OLDER;
	/* a record that goes back in seq would be taken by nobody */
	a->seq = newer ? ev->seq : seq;
	return kept || !newer ? SETTLE_MIXED : SETTLE_TAKEN;
}
