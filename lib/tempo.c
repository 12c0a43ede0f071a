#include "lib/tempo.h"

#define NSEC INT64_C(1000000000)
#define FAR_SEC INT64_C(3000000000)	/* 95 years: its ns fit an int64_t */

static bool
is_far(struct stamp a, struct stamp b)
{
	return a.sec - b.sec > FAR_SEC || b.sec - a.sec > FAR_SEC;
}

/* From the anchor to the moment in our time, ns; it must not be far. */
static int64_t
since_anchor_ns(const struct tempo *t, struct stamp moment)
{
	int64_t ns = (moment.sec - t->from.sec) * NSEC + moment.nsec -
	    t->from.nsec;
	double scaled;

	if (t->speed == 1)
		return ns;
	scaled = (double)ns / t->speed;
	if (scaled > (double)(FAR_SEC * NSEC))
		return FAR_SEC * NSEC;
	if (scaled < (double)(-FAR_SEC * NSEC))
		return -FAR_SEC * NSEC;
	return (int64_t)scaled;
}

int64_t
tempo_due_ms(struct tempo *t, struct stamp moment, int64_t *skipped_ms)
{
	int64_t step;

	*skipped_ms = 0;
	if (!t->begun) {
		t->begun = true;
		t->from = t->latest = moment;
		t->to_ms = 0;
		return 0;
	}
	step = stamp_diff_ms(moment, t->latest);
	if (t->skip_ms != CLOCK_NEVER && (step > t->skip_ms ||
	    step < -t->skip_ms || is_far(moment, t->from))) {
		t->to_ms += since_anchor_ns(t, t->latest) / 1000000;
		t->from = t->latest = moment;
		*skipped_ms = step;
		return t->to_ms;
	}
	if (stamp_cmp(moment, t->latest) > 0)
		t->latest = moment;
	return t->to_ms + since_anchor_ns(t, t->latest) / 1000000;
}

struct stamp
tempo_move(const struct tempo *t, struct stamp moment, int64_t zero_ms)
{
	struct stamp to = stamp_of_ms(zero_ms + t->to_ms);
	int64_t ns;

	if (is_far(moment, t->from))
		return moment;
	ns = since_anchor_ns(t, moment) + to.nsec;
	to.sec += ns / NSEC;
	ns %= NSEC;
	if (ns < 0) {
		ns += NSEC;
		to.sec--;
	}
	to.nsec = (int32_t)ns;
	return to;
}
