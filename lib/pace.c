#include <math.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/pace.h"

#define MINUTE_MS 60000.0

static void
set_rate(struct pace *p, uint64_t rate)
{
	double burst = floor((double)rate / 10);

	if (burst < 1)
		burst = 1;
	p->rate = rate;
	p->burst = burst;
	/* a single request in the burst is one of the even spread itself */
	p->per_ms = ((double)rate - (burst > 1 ? burst : 0)) / MINUTE_MS;
}

void
pace_init(struct pace *p, uint64_t rate, int64_t now_ms)
{
	*p = (struct pace){ .at_ms = now_ms, .span = now_ms / PACE_SPAN_MS };
	set_rate(p, rate);
	p->level = p->burst;
}

static void
fill(struct pace *p, int64_t now_ms)
{
	if (now_ms <= p->at_ms)
		return;
	p->level += (double)(now_ms - p->at_ms) * p->per_ms;
	if (p->level > p->burst)
		p->level = p->burst;
	p->at_ms = now_ms;
}

/* Forget the spans whose last moment is 60 s ago. */
static void
forget(struct pace *p, int64_t now_ms)
{
	int64_t now = now_ms / PACE_SPAN_MS;

	if (now - p->span >= PACE_SPANS) {
		memset(p->ends, 0, sizeof(p->ends));
		p->recent = 0;
		p->span = now;
	}
	while (p->span < now) {
		uint32_t *oldest = &p->ends[++p->span % PACE_SPANS];

		p->recent -= *oldest;
		*oldest = 0;
	}
}

/* When so many of the ends are 60 s ago that there is room for one. */
static int64_t
room_ms(const struct pace *p, int64_t now_ms)
{
	uint64_t over = p->flying + p->recent;

	if (over < p->rate)
		return now_ms;
	if (p->flying >= p->rate)
		return CLOCK_NEVER;
	over -= p->rate - 1;
	for (int64_t span = p->span - PACE_SPANS + 1; span < p->span; span++) {
		uint64_t n = span < 0 ? 0 : p->ends[span % PACE_SPANS];

		if (n >= over)
			return (span + PACE_SPANS) * PACE_SPAN_MS;
		over -= n;
	}
	return (p->span + PACE_SPANS) * PACE_SPAN_MS;
}

void
pace_rate(struct pace *p, uint64_t rate, int64_t now_ms)
{
	double share;

	fill(p, now_ms);
	/* a share of the burst that was spent is one of the new one's too */
	share = p->level / p->burst;
	set_rate(p, rate);
	p->level = p->burst * share;
}

int64_t
pace_next_ms(struct pace *p, int64_t now_ms)
{
	int64_t next, room;

	fill(p, now_ms);
	forget(p, now_ms);
	next = now_ms;
	if (p->level < 1)
		next += (int64_t)ceil((1 - p->level) / p->per_ms);
	room = room_ms(p, now_ms);
	if (next < room)
		next = room;
	return next > p->hold_ms ? next : p->hold_ms;
}

void
pace_take(struct pace *p, int64_t now_ms)
{
	fill(p, now_ms);
	p->level -= 1;
	p->flying++;
}

void
pace_done(struct pace *p, int64_t now_ms)
{
	forget(p, now_ms);
	p->flying--;
	p->recent++;
	p->ends[p->span % PACE_SPANS]++;
}

void
pace_hold(struct pace *p, int64_t until_ms)
{
	if (until_ms > p->hold_ms)
		p->hold_ms = until_ms;
}
