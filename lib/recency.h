/*
 * How recent a gc:agent line is: the latest moment that any part of it was
 * told for, as a text of fixed length.  Timestamps come with any offset and
 * any number of digits; these texts are all UTC to the nanosecond, so that
 * of two the later moment is the greater text, also for who knows nothing of
 * time.  Pure.  CONTRACT section 10, gc-cache.
 */
#ifndef GC_RECENCY_H
#define GC_RECENCY_H

#include "lib/event.h"

#define RECENCY_LEN 30		/* 2024-06-15T14:32:10.000000000Z */

/* "" where the line tells no moment at all: before every other.  Moments
 * outside of the years 0 to 9999 become the first or the last of them. */
void recency(const struct event *ev, char out[RECENCY_LEN + 1]);

#endif
