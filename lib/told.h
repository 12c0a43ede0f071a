/*
 * What a line tells of one tier, and the lists in it: ids, and the queues of
 * a record.  Texts are borrowed from the line or from the struct take; the
 * lists own their arrays, which are used for line after line.
 */
#ifndef GC_TOLD_H
#define GC_TOLD_H

#include "lib/take.h"

/* One tier, as an event, a gc:agent or a gc:state line tells it. */
struct tier_told {
	struct text queue_id;	/* p NULL: global */
	struct text status, previous, wrap_up_code;
	struct told at;
	bool verified;		/* gc:agent only */
	bool from_rest;		/* gc:agent only: source is rest */
	struct slice value;	/* of a queue: what the line says of it */
};

/* A list of ids, in its order. */
struct event_ids {
	bool told;		/* there is a list, if an empty one */
	struct text *ids;
	size_t count, alloc;
};

/* What an object of queues tells, sorted by id, each id once: of a key given
 * twice the last counts. */
struct event_queues {
	bool told;		/* there is an object, if an empty one */
	struct tier_told *tiers;
	size_t count, alloc;
};

/* False if it is neither null nor a list of ids. */
bool told_ids(struct take *take, struct slice s, struct event_ids *list);

/* The members that gc:agent, gc:state and each queue in them share: NULL, or
 * why the line is rejected. */
const char *told_tier(struct take *take, struct tier_told *t,
    struct slice status, struct slice previous, struct slice wrap,
    struct slice time);

/* Whether it is in doubt, and where it comes from. */
bool told_source(struct tier_told *t, struct slice verified,
    struct slice source);

/* NULL, or why the line is rejected. */
const char *told_queues(struct take *take, struct slice s,
    struct event_queues *queues);

#endif
