/*
 * No more than so many requests in any 60 s: a tenth of them may go in one
 * burst, the rest evenly spread.  CONTRACT section 7.
 *
 * What the other side counts is when a request is on the wire, and that may
 * be any moment between its start here and its end: a connect can be slow.
 * So one goes only if those that are under way and those that ended in the
 * last 60 s leave room for it.  The ends are kept as counts of short spans,
 * so that memory does not grow with the rate.  Pure: the time is an
 * argument.
 */
#ifndef GC_PACE_H
#define GC_PACE_H

#include <stdint.h>

#define PACE_SPAN_MS 100
#define PACE_SPANS (60000 / PACE_SPAN_MS + 1)

struct pace {
	uint64_t rate;
	double burst;		/* what the bucket holds */
	double per_ms;		/* what flows in */
	double level;		/* requests that may go now */
	int64_t at_ms;		/* when level was right */
	int64_t hold_ms;	/* nobody goes before: Retry-After */
	uint64_t flying;	/* taken, not done */
	uint64_t recent;	/* the sum of ends */
	int64_t span;		/* number of the newest span */
	uint32_t ends[PACE_SPANS];	/* by number of the span, modulo */
};

/* rate: requests in 60 s, 1 or more. */
void pace_init(struct pace *p, uint64_t rate, int64_t now_ms);

/* The rate is another from now on; what has gone still counts. */
void pace_rate(struct pace *p, uint64_t rate, int64_t now_ms);

/* When the next request may go: now_ms or later; CLOCK_NEVER: not before
 * another one is done. */
int64_t pace_next_ms(struct pace *p, int64_t now_ms);

/* One goes now; pace_next_ms said that it may. */
void pace_take(struct pace *p, int64_t now_ms);

/* One that was taken has ended, whatever came of it. */
void pace_done(struct pace *p, int64_t now_ms);

/* The server wants to be left alone until then. */
void pace_hold(struct pace *p, int64_t until_ms);

#endif
