/*
 * The dedup window: of several events for one agent and tier, keep the
 * latest.  Pure: the time is an argument, and what comes out goes to the
 * caller's function.  CONTRACT section 6, gc-dedup.
 *
 * A key is a user id and a queue id (or none).  Its window runs from the
 * first event that it holds, and ends on the wall clock (window_expire), or
 * when an event of any agent is stamped that much later (window_push).
 *
 * Of the platform's frames a key is a topic.  It holds one frame, until one
 * comes that says all of it (lib/supersede.h); any other lets it out.  The
 * stamp of a frame is the latest that it tells, or, where it tells none, the
 * latest that anything told.  CONTRACT section 9.
 */
#ifndef GC_WINDOW_H
#define GC_WINDOW_H

#include <stdint.h>

#include "lib/event.h"
#include "lib/held.h"

#define WINDOW_BYTES_MAX (64 << 20)	/* held; beyond, the oldest go early */

/* One line with its newline; borrowed until it returns. */
typedef void window_emit(void *arg, const char *line, size_t len);

struct window {
	int64_t window_ms;	/* 0: nothing is held */
	window_emit *emit;
	void *arg;
	struct held_set keys;
	struct held_first *due;	/* those that one event ends */
	size_t due_alloc;
	uint64_t copies;	/* exact copies dropped */
	uint64_t merged;	/* events that another one stands for */
	uint64_t early;		/* keys let out for want of memory */
	struct stamp reached;	/* the latest that was told */
	struct event early_frame;	/* the held one, read again */
	struct buf line;
};

void window_init(struct window *w, int64_t window_ms, window_emit *emit,
    void *arg, uint64_t random);
void window_free(struct window *w);	/* what is held is dropped */

/* A status event or a frame, and its line [line, line + raw), newline
 * included. */
void window_push(struct window *w, const struct event *ev, const char *line,
    size_t raw, int64_t now_ms);

/* Let out the keys whose time is up on the wall clock.  Returns when the
 * next one is, CLOCK_NEVER if nothing is held. */
int64_t window_expire(struct window *w, int64_t now_ms);

/* Let out everything, in the order in which it was first held. */
void window_flush(struct window *w);

#endif
