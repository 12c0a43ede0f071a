/*
 * A bounded queue of lines between a producer that never waits and a reader
 * that may.  Full, the oldest event lines are dropped, control lines never;
 * where lines were dropped the reader meets a hole that says how many, and
 * from when to when.
 * CONTRACT section 5, "slow reader".
 */
#ifndef GC_RING_H
#define GC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_line;

struct ring {
	size_t cap, bytes;	/* memory: lines with what they cost */
	uint64_t count, lost;	/* lines held; dropped ever */
	uint64_t untold;	/* dropped, their hole not popped yet */
	struct ring_line *head, *tail;
	struct ring_line *event;	/* the oldest event line, or NULL */
};

enum ring_kind { RING_NONE, RING_EVENT, RING_CONTROL, RING_HOLE };

/* What the caller knows of a line when it comes. */
struct ring_mark {
	int64_t at_ms;
	unsigned attempt;
};

struct ring_hole {
	uint64_t lost;
	int64_t from_ms;	/* when the first of them came */
	struct ring_mark last;
};

void ring_init(struct ring *r, size_t cap);
void ring_free(struct ring *r);

/* Add a line (copied, with its newline). */
void ring_push(struct ring *r, const char *line, size_t len, bool control,
    struct ring_mark mark);

/* What is next: a line (borrowed until ring_pop), a hole, nothing. */
enum ring_kind ring_peek(const struct ring *r, const char **line,
    size_t *len, struct ring_hole *hole);
void ring_pop(struct ring *r);

#endif
