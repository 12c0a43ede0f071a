/*
 * Of two frames of one topic: does the later one to arrive tell all that the
 * earlier one told?  Pure.  CONTRACT section 9, gc-dedup.
 */
#ifndef GC_SUPERSEDE_H
#define GC_SUPERSEDE_H

#include "lib/event.h"

/*
 * True if late has every part that early has, unknown ones included, none of
 * them older, nor equally old with another value.  Where that cannot be told
 * it is false: of a part that is unknown, or that only one of them has a time
 * for, the values must be the same bytes.
 */
bool supersedes(const struct event *late, const struct event *early);

/* Does it tell a part without a time?  Such a one is as new as its arrival,
 * so nothing about its agent may overtake it. */
bool supersede_is_timeless(const struct event *frame);

/* The latest moment that the frame tells; false if it tells none. */
bool supersede_moment(const struct event *frame, struct stamp *moment);

#endif
