#include "lib/hear.h"

/* What a frame was to one part. */
enum heard { HEARD_NOTHING, HEARD_SAME, HEARD_OLD, HEARD_NEW };

bool
hear_says(const struct event *ev)
{
	return ev->tier.status.p != NULL || parts_say(&ev->parts);
}

/* told is later than what is held: > 0.  Without a time it is as new as its
 * arrival. */
static int
order_of(const struct tier *t, const struct tier_told *told)
{
	return !own_has(&t->status) || !t->timed ||
	    told->at.text.p == NULL ? 1 :
	    stamp_cmp(told->at.stamp, t->stamp);
}

static enum heard
hear_part(struct tier *t, const struct tier_told *told, uint64_t seq,
    int64_t now_ms)
{
	bool same = own_has(&t->status) && own_is(&t->status, told->status);
	int order;

	if (told->status.p == NULL)
		return HEARD_NOTHING;
	order = order_of(t, told);
	if (order < 0)
		return HEARD_OLD;
	if (same && (order == 0 || told->at.text.p == NULL)) {
		t->touched_ms = now_ms;
		if (t->verified)
			return HEARD_SAME;
	} else {
		tier_set(t, told, now_ms);
	}
	t->from_rest = false;
	t->verified = true;
	if (order == 0 && !same)
		/* two values of one moment: that the later to arrive is the
		 * later one is a guess */
		tier_doubt(t, seq);
	return HEARD_NEW;
}

static enum heard
hear_routing(struct agent *a, const struct event *ev, uint64_t seq,
    int64_t now_ms)
{
	struct tier_told told = ev->tier;

	told.previous = agent_previous(a, &told);
	return hear_part(&a->global, &told, seq, now_ms);
}

/* Of a presence that is told again the name stays. */
static enum heard
hear_presence(struct agent_parts *p, const struct tier_told *told,
    uint64_t seq, int64_t now_ms)
{
	bool again = own_is(&p->presence.status, told->status) &&
	    (told->at.text.p == NULL || order_of(&p->presence, told) == 0);
	enum heard heard = hear_part(&p->presence, told, seq, now_ms);

	if (heard == HEARD_NEW && !again)
		own_set(&p->label, (struct text){ NULL, 0 });
	return heard;
}

enum agent_fate
hear_frame(struct agent *a, const struct event *ev, uint64_t seq,
    int64_t now_ms)
{
	struct agent_parts *p = agent_have_parts(a);
	enum heard most, heard[3] = {
		hear_routing(a, ev, seq, now_ms),
		hear_presence(p, &ev->parts.presence, seq, now_ms),
		hear_part(&p->active, &ev->parts.active, seq, now_ms),
	};

	most = heard[0];
	for (int i = 1; i < 3; i++)
		if (heard[i] > most)
			most = heard[i];
	if (most == HEARD_NEW)
		a->seq = seq;
	return most == HEARD_NEW ? AGENT_APPLIED :
	    most == HEARD_OLD ? AGENT_STALE : AGENT_DUPLICATE;
}
