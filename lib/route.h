/*
 * Which partition a line belongs to: an agent's lines to the one that its
 * id hashes to, control lines to all.  CONTRACT section 10.
 *
 * The hash is CRC-32 (as zlib's) of the user id's bytes, unescaped, and the
 * partition its remainder by their number: any program can compute it.  A
 * line that names no agent and is no control line goes where the empty id
 * does.
 */
#ifndef GC_ROUTE_H
#define GC_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/take.h"

struct route {
	struct take take;	/* room for ids with escapes */
	/* of the last line */
	struct slice event;	/* its name; absent */
	bool everyone;		/* a control line */
	struct text user_id;	/* p NULL: none */
};

void route_init(struct route *r);
void route_free(struct route *r);

/* Read a line; SCAN_OK, or why it is no line. */
enum scan_verdict route_line(struct route *r, const char *line, size_t len);

/* From 0; of a line that is not for everyone. */
unsigned route_partition(const struct route *r, unsigned partitions);

#endif
