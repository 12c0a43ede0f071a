#include <math.h>

#include "lib/pace.h"

#define MINUTE_MS 60000.0

void
pace_init(struct pace *p, uint64_t rate, int64_t now_ms)
{
	double burst = floor((double)rate / 10);

	if (burst < 1)
		burst = 1;
	/* a single request in the burst is one of the even spread itself */
	*p = (struct pace){ .burst = burst, .level = burst, .at_ms = now_ms,
	    .per_ms = ((double)rate - (burst > 1 ? burst : 0)) / MINUTE_MS };
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

int64_t
pace_next_ms(struct pace *p, int64_t now_ms)
{
	int64_t next = now_ms;

	fill(p, now_ms);
	if (p->level < 1)
		next += (int64_t)ceil((1 - p->level) / p->per_ms);
	return next > p->hold_ms ? next : p->hold_ms;
}

void
pace_take(struct pace *p, int64_t now_ms)
{
	fill(p, now_ms);
	p->level -= 1;
}

void
pace_hold(struct pace *p, int64_t until_ms)
{
	if (until_ms > p->hold_ms)
		p->hold_ms = until_ms;
}
