/*
 * When the lines of a recording are due again: its time against ours.
 *
 * The first moment of the recording is due at 0; another one as much later
 * as it was, divided by the speed.  Silence of more than skip_ms is left
 * out, and so is a step back of that size (the next recording of several,
 * one line with a wild clock): the time of the recording goes on from there.
 * A smaller step back is due at once, as it was when it was recorded.  Pure.
 */
#ifndef GC_TEMPO_H
#define GC_TEMPO_H

#include <stdbool.h>

#include "lib/clock.h"

struct tempo {
	double speed;		/* above 0; 2: twice as fast */
	int64_t skip_ms;	/* CLOCK_NEVER: nothing is left out */
	bool begun;
	struct stamp from;	/* this moment of the recording ... */
	int64_t to_ms;		/* ... is at this one of ours */
	struct stamp latest;	/* of the recording */
};

/* When the line with this moment is due, in ms from the first one's, and in
 * *skipped_ms what was left out before it: 0, or below 0 for a step back. */
int64_t tempo_due_ms(struct tempo *t, struct stamp moment,
    int64_t *skipped_ms);

/* Any moment of the recording as one of ours: zero_ms is the wall time of
 * what was due at 0.  What lies too far away to be reckoned stays. */
struct stamp tempo_move(const struct tempo *t, struct stamp moment,
    int64_t zero_ms);

#endif
