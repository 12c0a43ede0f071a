/*
 * What one key of the dedup window holds: the moments of its events, the
 * line of the latest, and the line that stands for them all.  Pure.
 * CONTRACT section 6, gc-dedup, "A merged line".
 *
 * A merge owns copies of all that it holds.  No two of its events are of
 * the same moment: ask merge_find and merge_fits before merge_add.
 */
#ifndef GC_MERGE_H
#define GC_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/event.h"
#include "lib/ndjson.h"

#define MERGE_LINE_MAX (NDJSON_LINE_MAX + 2)	/* with "\r\n" */

/* One event, without its line; allocated with its texts. */
struct merge_item {
	struct merge_item *earlier;
	struct stamp stamp;
	struct text status;
	/* of the earliest event that it stands for, most often itself */
	struct text previous;
	struct told since;
	uint64_t count;		/* events that it stands for */
	bool intact;
	char bytes[];
};

struct merge {			/* zeroes: holds nothing */
	struct merge_item *latest;
	char *line;		/* of the latest, newline included */
	size_t line_len;
	size_t room;		/* at line */
	size_t bytes;		/* of memory, in use */
};

/* The held event of that moment, or NULL. */
const struct merge_item *merge_find(const struct merge *m,
    struct stamp stamp);

/* Would a line that says all of it, this one too, still be a line? */
bool merge_fits(const struct merge *m, const struct event *ev, size_t raw);

/* Take in an event and its line, raw bytes of it, newline included. */
void merge_add(struct merge *m, const struct event *ev, const char *line,
    size_t raw);

/*
 * The line to let out: the only event's as it came, or the latest's with a
 * `merged` member, made in room (whose cap is MERGE_LINE_MAX).  Borrowed
 * until m or room changes.
 */
const char *merge_line(const struct merge *m, struct buf *room, size_t *len);

/* Holds nothing afterwards; clear: but room for a line as before. */
void merge_clear(struct merge *m);
void merge_free(struct merge *m);

#endif
