/*
 * What a line of the stream says: a control line, a status event of the
 * guide, or something to hand on.  CONTRACT section 2.
 *
 * One struct event is used for line after line: it owns the memory for the
 * few strings that had escapes; all else are borrowed from the line and die
 * with it.  Ids and statuses come out unescaped, so equal ids are equal
 * bytes however they were spelt.
 */
#ifndef GC_EVENT_H
#define GC_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/clock.h"
#include "lib/scan.h"

#define EVENT_STATUS_NAME "routing:agents:status:updated"

enum event_kind {
	EVENT_OTHER,		/* hand it on */
	EVENT_STATUS,		/* an agent's status changed */
	EVENT_OPEN, EVENT_CLOSED, EVENT_FAILOVER, EVENT_MEMBERS,
	EVENT_BARRIER, EVENT_AGENT, EVENT_GAP, EVENT_STATE, EVENT_UNVERIFIED
};
#define EVENT_BIT(kind) (1u << (kind))

/* Characters, unescaped; p NULL: null or absent. */
struct text {
	const char *p;
	uint32_t len;
};

/* A moment as it was told and as it is. */
struct told {
	struct text text;	/* p NULL: none */
	struct stamp stamp;
};

/* One tier, as an event, a gc:agent or a gc:state line tells it. */
struct tier_told {
	struct text queue_id;	/* p NULL: global */
	struct text status, previous, wrap_up_code;
	struct told at;
	bool verified;		/* gc:agent only */
	bool from_rest;		/* gc:agent only: source is rest */
};

struct event {
	enum event_kind kind;
	bool control;		/* its name begins with gc: */
	struct text user_id;
	struct tier_told tier;	/* STATUS: the event; AGENT, STATE: global */
	/* a gc-dedup merged line */
	bool merged, intact;
	uint64_t merged_count;
	struct text merged_previous;
	struct told since;
	/* control lines */
	uint64_t seq;		/* AGENT GAP STATE UNVERIFIED */
	struct text reason;	/* GAP STATE UNVERIFIED CLOSED */
	struct text name;	/* AGENT STATE */
	struct slice queues;	/* AGENT STATE: an object, or null */
	bool gone;		/* AGENT */
	bool partial;		/* STATE */
	uint64_t socket;	/* OPEN CLOSED FAILOVER MEMBERS; 0 if absent */
	uint64_t http_status;	/* UNVERIFIED: 0 if null or absent */
	bool resumed;		/* OPEN */
	bool missed;		/* OPEN: resumed and downtimeMs not 0 */
	struct slice agents;	/* OPEN: ids; MEMBERS: joined; or absent */
	struct slice left;	/* MEMBERS */
	struct told fetched_at;	/* STATE */
	struct slice whole;	/* STATUS: the line, for adding a field */
	struct buf scratch;	/* unescaped strings */
};

void event_init(struct event *ev);
void event_free(struct event *ev);

/*
 * Read one line.  act_on: EVENT_BIT of the control kinds whose fields this
 * tool needs; the others come out as EVENT_OTHER, unchecked.  STATUS is
 * always checked.  Returns NULL, or why the line is rejected (a constant).
 */
const char *event_parse(struct event *ev, const char *line, size_t len,
    unsigned act_on);

/*
 * The next tier of ev->queues (AGENT, STATE), each queue's last telling
 * only where a key is repeated as jq has it: callers apply them in order.
 * Start with *at NULL.  1 a tier, 0 the end, -1 a member is malformed.
 * Uses ev->scratch: texts of earlier tiers stay valid.
 */
int event_queue(struct event *ev, const char **at, struct tier_told *tier);

/* The next id of a list of ids (ev->agents, ev->left); as above. */
int event_id(struct event *ev, struct slice list, const char **at,
    struct text *id);

bool text_is(struct text t, const char *s);
bool text_eq(struct text a, struct text b);	/* null equals null only */

#endif
