/*
 * Barriers on their way through a command: which are not back, and what is
 * acknowledged when one is.  CONTRACT section 10, "Exactly once".  Pure; the
 * time is an argument.
 *
 * A barrier says that all before it is durable, so one that is back settles
 * those sent before it too.  Ids are told apart from other people's barriers
 * by a name that is drawn anew by each process.
 */
#ifndef GC_BARRIER_H
#define GC_BARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"

#define BARRIERS_MAX 64		/* on their way at once */

/* What a barrier stands for: a place in a queue, or a delivery. */
struct barrier_mark {
	uint64_t position, batch, line;
};

struct barriers {
	uint64_t name;		/* random */
	uint64_t sent, back;	/* numbers; sent - back are on their way */
	struct {
		struct barrier_mark mark;
		int64_t sent_ms;
	} out[BARRIERS_MAX];
	bool late;		/* the oldest was called late already */
};

/* None is on its way.  Anew with another name where the command died: what
 * comes of the old one is not taken. */
void barriers_init(struct barriers *b, uint64_t name);

/* How many are on their way. */
static inline unsigned
barriers_out(const struct barriers *b)
{
	return (unsigned)(b->sent - b->back);
}

/* Send one, if fewer than BARRIERS_MAX are out: its line is added to to. */
int barriers_send(struct barriers *b, struct barrier_mark mark,
    int64_t now_ms, struct buf *to);

/* Is this line one of ours?  1: it is back for the first time, and *mark is
 * acknowledged; 0: ours, and known to be back; -1: another's line. */
int barriers_take(struct barriers *b, const char *line, size_t len,
    struct barrier_mark *mark);

/* True once, when the oldest is out for so long. */
bool barriers_late(struct barriers *b, int64_t patience_ms, int64_t now_ms);

/* When that will be; CLOCK_NEVER: nothing is out, or it was said. */
int64_t barriers_due(const struct barriers *b, int64_t patience_ms);

#endif
