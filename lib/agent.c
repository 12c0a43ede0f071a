#include <stdlib.h>
#include <string.h>

#include "lib/agent.h"
#include "lib/die.h"

#define QUEUES_FIRST 4

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

static struct text
own_text(const struct own *o)
{
	return (struct text){ o->set ? o->p : NULL, o->len };
}

static bool
own_is(const struct own *o, struct text t)
{
	return text_eq(own_text(o), t);
}

static void
own_set(struct own *o, struct text t)
{
	o->set = t.p != NULL;
	o->len = o->set ? t.len : 0;
	if (!o->set)
		return;
	if (o->alloc < t.len + 1) {
		o->alloc = t.len + 1;
		o->p = xreallocarray(o->p, o->alloc, 1);
	}
	memmove(o->p, t.p, t.len);
	o->p[t.len] = '\0';
}

static void
tier_free(struct tier *t)
{
	free(t->queue_id.p);
	free(t->status.p);
	free(t->previous.p);
	free(t->wrap_up_code.p);
	free(t->timestamp.p);
}

struct agent *
agent_new(struct text user_id, uint64_t hash)
{
	struct agent *a = xcalloc(1, sizeof(*a));

	a->user_id = xmalloc((size_t)user_id.len + 1);
	memcpy(a->user_id, user_id.p, user_id.len);
	a->user_id[user_id.len] = '\0';
	a->user_id_len = user_id.len;
	a->hash = hash;
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
	free(a->question.line);
	free(a->name.p);
	free(a->user_id);
	free(a);
}

static int
id_cmp(const struct own *a, struct text b)
{
	uint32_t n = a->len < b.len ? a->len : b.len;
	int c = memcmp(a->p, b.p, n);

	return c != 0 ? c : (a->len > b.len) - (a->len < b.len);
}

/* Where a queue stands or would stand. */
static size_t
place(const struct agent *a, struct text id)
{
	size_t low = 0, high = a->queue_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (id_cmp(&a->queues[mid].queue_id, id) < 0)
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
		return a->global.status.set ? &a->global : NULL;
	i = place(a, queue_id);
	return i < a->queue_count && own_is(&a->queues[i].queue_id, queue_id) ?
	    &a->queues[i] : NULL;
}

static struct tier *
add_tier(struct agent *a, struct text queue_id)
{
	size_t i, n = a->queue_count;

	if (queue_id.p == NULL)
		return &a->global;
	if ((n & (n - 1)) == 0 && (n == 0 || n >= QUEUES_FIRST))
		a->queues = xreallocarray(a->queues,
		    n == 0 ? QUEUES_FIRST : 2 * n, sizeof(*a->queues));
	i = place(a, queue_id);
	memmove(&a->queues[i + 1], &a->queues[i],
	    (n - i) * sizeof(*a->queues));
	memset(&a->queues[i], 0, sizeof(*a->queues));
	own_set(&a->queues[i].queue_id, queue_id);
	a->queue_count++;
	return &a->queues[i];
}

static void
remove_queue(struct agent *a, size_t i)
{
	tier_free(&a->queues[i]);
	a->queue_count--;
	memmove(&a->queues[i], &a->queues[i + 1],
	    (a->queue_count - i) * sizeof(*a->queues));
}

bool
agent_is_doubted(const struct agent *a)
{
	if (!a->global.verified && (a->global.status.set ||
	    a->queue_count == 0))
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

	if (!a->global.status.set && a->queue_count > 0)
		oldest = a->queues[0].touched_ms;
	for (size_t i = 0; i < a->queue_count; i++)
		if (a->queues[i].touched_ms < oldest)
			oldest = a->queues[i].touched_ms;
	return oldest;
}

void
agent_touch(struct agent *a, int64_t now_ms)
{
	a->global.touched_ms = now_ms;
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
	if (t->timestamp.set)
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
	} else if (ev->merged && ev->intact && t->timestamp.set &&
	    stamp_cmp(ev->since.stamp, t->stamp) <= 0) {
		/* it tells again what is known, and goes on from there */
		v.gap = false;
	} else {
		v.gap = (previous.p != NULL && !own_is(&t->status, previous)) ||
		    (ev->merged && !ev->intact);
	}
	return v;
}

/* Everything that a telling says about a tier, save doubt. */
static void
set_tier(struct tier *t, const struct tier_told *told, int64_t now_ms)
{
	own_set(&t->status, told->status);
	own_set(&t->previous, told->previous);
	own_set(&t->wrap_up_code, told->wrap_up_code);
	if (told->at.text.p != NULL) {
		own_set(&t->timestamp, told->at.text);
		t->stamp = told->at.stamp;
	}
	t->touched_ms = now_ms;
}

void
agent_take(struct agent *a, const struct event *ev,
    struct agent_verdict verdict, uint64_t seq, int64_t now_ms)
{
	struct tier *t = agent_tier(a, ev->tier.queue_id);
	bool same_moment = t != NULL && t->timestamp.set &&
	    stamp_cmp(ev->tier.at.stamp, t->stamp) == 0;

	if (t == NULL) {
		t = add_tier(a, ev->tier.queue_id);
		t->verified = true;
	} else if (!verdict.gap && !same_moment &&
	    told_previous(ev).p != NULL) {
		t->verified = true;
	}
	set_tier(t, &ev->tier, now_ms);
	t->from_rest = false;
	a->seq = seq;
	if (verdict.gap)
		agent_doubt(a, t, seq);
}

static void
doubt_tier(struct tier *t, uint64_t seq)
{
	t->verified = false;
	t->doubt_seq = seq;
}

void
agent_doubt(struct agent *a, struct tier *which, uint64_t seq)
{
	a->seq = seq;
	if (which != NULL) {
		doubt_tier(which, seq);
		return;
	}
	doubt_tier(&a->global, seq);
	for (size_t i = 0; i < a->queue_count; i++)
		doubt_tier(&a->queues[i], seq);
}

/* One answer, about one tier. */
struct settling {
	const struct event *ev;
	bool current;		/* no change or doubt since it was asked */
	bool audit;
	int64_t now_ms;
	struct agent_answer *answer;
};

/* May the answer replace what the tier holds? */
static bool
may_replace(const struct settling *s, const struct tier *t,
    const struct tier_told *told)
{
	if (told->at.text.p == NULL)
		return s->current;
	return !t->timestamp.set ||
	    stamp_cmp(told->at.stamp, t->stamp) >= 0 ||
	    (s->audit && s->current);
}

static bool
says_the_same(const struct tier *t, const struct tier_told *told)
{
	return own_is(&t->status, told->status) &&
	    own_is(&t->previous, told->previous) &&
	    own_is(&t->wrap_up_code, told->wrap_up_code) &&
	    (told->at.text.p == NULL || (t->timestamp.set &&
	    stamp_cmp(told->at.stamp, t->stamp) == 0));
}

static void
settle_tier(struct agent *a, const struct tier_told *told,
    const struct settling *s)
{
	struct tier *t = agent_tier(a, told->queue_id);
	bool known = t != NULL, agrees, verifies;

	if (!known && told->at.text.p == NULL && !s->current) {
		/* it may be of a queue that the agent has left since */
		s->answer->refused = true;
		return;
	}
	if (!known)
		t = told->queue_id.p == NULL ? &a->global :
		    add_tier(a, told->queue_id);
	agrees = known && own_is(&t->status, told->status);
	if ((!known || may_replace(s, t, told)) &&
	    !(known && says_the_same(t, told))) {
		set_tier(t, told, s->now_ms);
		t->from_rest = true;
		s->answer->changed = true;
		agrees = true;
	}
	verifies = agrees && s->ev->seq >= t->doubt_seq;
	if (verifies)
		t->touched_ms = s->now_ms;
	if (verifies && !t->verified) {
		t->verified = true;
		t->from_rest = true;
		s->answer->changed = true;
	}
	if (!t->verified)
		s->answer->refused = true;
}

static bool
is_named(struct event *ev, const struct own *queue_id)
{
	struct tier_told told;
	const char *at = NULL;

	while (event_queue(ev, &at, &told) == 1)
		if (own_is(queue_id, told.queue_id))
			return true;
	return false;
}

/* A queue that the answer leaves out is one that the agent has left. */
static void
settle_missing(struct agent *a, struct event *ev, const struct settling *s)
{
	if (ev->queues.kind != SCAN_OBJECT || ev->partial)
		return;
	for (size_t i = a->queue_count; i-- > 0;) {
		if (is_named(ev, &a->queues[i].queue_id))
			continue;
		if (s->current) {
			remove_queue(a, i);
			s->answer->changed = true;
		} else if (!a->queues[i].verified) {
			s->answer->refused = true;
		}
	}
}

static bool
says_gone(const struct event *ev)
{
	struct slice key, value;
	const char *at = ev->queues.p + 1;

	return ev->tier.status.p == NULL && !ev->partial &&
	    ev->queues.kind == SCAN_OBJECT &&
	    !slice_next(ev->queues, &at, &key, &value);
}

struct agent_answer
agent_settle(struct agent *a, struct event *ev, uint64_t seq, int64_t now_ms)
{
	struct agent_answer answer = { false, false, false };
	struct settling s = { ev, ev->seq >= a->seq,
	    text_is(ev->reason, "audit"), now_ms, &answer };
	struct tier_told told;
	const char *at = NULL;

	if (says_gone(ev)) {
		/* it has no time of its own: only if nothing came since */
		answer.gone = answer.changed = s.current;
		answer.refused = !s.current;
	} else {
		if (ev->tier.status.p != NULL)
			settle_tier(a, &ev->tier, &s);
		while (event_queue(ev, &at, &told) == 1)
			settle_tier(a, &told, &s);
		settle_missing(a, ev, &s);
	}
	if (ev->name.p != NULL && !own_is(&a->name, ev->name)) {
		own_set(&a->name, ev->name);
		answer.changed = true;
	}
	if (answer.changed)
		a->seq = seq;
	return answer;
}

/* Take one tier of a gc:agent line; false if the held one is newer. */
static bool
merge_tier(struct agent *a, const struct tier_told *told, uint64_t line_seq,
    int64_t now_ms)
{
	struct tier *t = agent_tier(a, told->queue_id);
	int order;

	if (t == NULL) {
		t = told->queue_id.p == NULL ? &a->global :
		    add_tier(a, told->queue_id);
	} else if (t->timestamp.set) {
		order = told->at.text.p == NULL ? -1 :
		    stamp_cmp(told->at.stamp, t->stamp);
		if (order < 0 || (order == 0 && line_seq <= a->seq))
			return false;
	}
	set_tier(t, told, now_ms);
	t->verified = told->verified;
	t->from_rest = told->from_rest;
	t->doubt_seq = told->verified ? 0 : line_seq;
	return true;
}

enum agent_merge
agent_merge(struct agent *a, struct event *ev, int64_t now_ms)
{
	struct tier_told told;
	const char *at = NULL;
	bool taken = false, kept = false;
	bool newer = ev->seq > a->seq;

	if (ev->tier.status.p != NULL)
		*(merge_tier(a, &ev->tier, ev->seq, now_ms) ?
		    &taken : &kept) = true;
	while (event_queue(ev, &at, &told) == 1)
		*(merge_tier(a, &told, ev->seq, now_ms) ?
		    &taken : &kept) = true;
	for (size_t i = a->queue_count; i-- > 0;) {
		if (is_named(ev, &a->queues[i].queue_id))
			continue;
		if (newer && !kept)
			remove_queue(a, i);
		else
			kept = true;
	}
	if (ev->name.p != NULL)
		own_set(&a->name, ev->name);
	if (newer)
		a->seq = ev->seq;
	return !taken && !newer ? AGENT_OLDER :
	    kept ? AGENT_MIXED : AGENT_TAKEN;
}
