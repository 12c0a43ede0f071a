/*
 * The latest line of each agent, and whether the other side has it: what a
 * writer must keep so that a connection that is lost loses nothing, and a
 * server that comes back with nothing can be filled again.
 *
 * A line is never replaced by an older one; of equally recent ones the last
 * to arrive counts.  Lines that are written may be forgotten where there is
 * no room, unwritten ones never: latest_full says when no more may be taken
 * in.  How recent each agent's line was is kept for ever.  Pure.
 */
#ifndef GC_LATEST_H
#define GC_LATEST_H

#include <stdbool.h>

#include "lib/index.h"

#define LATEST_STAMP_MAX 32	/* with its NUL */
#define LATEST_STALE SIZE_MAX

struct latest_item {
	char *line;		/* NULL: forgotten, or gone and written */
	uint32_t len;
	uint32_t version;	/* counts the lines of this agent */
	uint32_t epoch;		/* the caller's: last told in this one */
	bool gone;		/* the agent is no more */
	bool written;
	char stamp[LATEST_STAMP_MAX];
};

struct latest {
	struct index ids;
	struct latest_item *all;	/* by the id's number */
	size_t alloc;
	size_t bytes, cap;	/* of lines, with what they cost */
	size_t unwritten;	/* items */
	size_t hand;		/* where the search for one to forget is */
	uint64_t forgotten;	/* ever */
};

/* key: random, for the index. */
void latest_init(struct latest *l, size_t cap, uint64_t key);
void latest_free(struct latest *l);

/* Take in a line, copied; its agent's number, or LATEST_STALE if a later one
 * is known.  stamp: a text that compares as moments do. */
size_t latest_put(struct latest *l, struct text id, const char *stamp,
    bool gone, const char *line, size_t len);

/* The line of that version was written.  True if it is the latest still. */
bool latest_written(struct latest *l, size_t number, uint32_t version);

/* Unwritten lines fill all the room that there is. */
bool latest_full(const struct latest *l);

#endif
