/*
 * No more than so many requests in any 60 s: a tenth of them may go in one
 * burst, the rest evenly spread.  Pure: the time is an argument.  CONTRACT
 * section 7.
 */
#ifndef GC_PACE_H
#define GC_PACE_H

#include <stdint.h>

struct pace {
	double burst;		/* what the bucket holds */
	double per_ms;		/* what flows in */
	double level;		/* requests that may go now */
	int64_t at_ms;		/* when level was right */
	int64_t hold_ms;	/* nobody goes before: Retry-After */
};

/* rate: requests in 60 s, 1 or more. */
void pace_init(struct pace *p, uint64_t rate, int64_t now_ms);

/* When the next request may go: now_ms or later. */
int64_t pace_next_ms(struct pace *p, int64_t now_ms);

/* One goes now; pace_next_ms said that it may. */
void pace_take(struct pace *p, int64_t now_ms);

/* The server wants to be left alone until then. */
void pace_hold(struct pace *p, int64_t until_ms);

#endif
