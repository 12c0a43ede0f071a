/*
 * What a line of the stream says: a control line, a status event of the
 * guide, a frame of the platform about a user, or something to hand on.
 * CONTRACT sections 2 and 9.
 *
 * One struct event is used for line after line: it owns the memory for the
 * few strings that had escapes and for its lists; all else is borrowed from
 * the line and dies with it.  Ids and statuses come out unescaped, so equal
 * ids are equal bytes however they were spelt.  A line is checked whole, its
 * lists too, before anyone acts on a part of it.
 */
#ifndef GC_EVENT_H
#define GC_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/parts.h"

#define EVENT_STATUS_NAME "routing:agents:status:updated"

enum event_kind {
	EVENT_OTHER,		/* hand it on */
	EVENT_STATUS,		/* an agent's status changed */
	EVENT_FRAME,		/* the platform tells of a user */
	EVENT_OPEN, EVENT_CLOSED, EVENT_FAILOVER, EVENT_MEMBERS,
	EVENT_BARRIER, EVENT_AGENT, EVENT_GAP, EVENT_STATE, EVENT_UNVERIFIED
};
#define EVENT_BIT(kind) (1u << (kind))

/* What the stream comes from. */
enum event_protocol { EVENT_UNTOLD, EVENT_EVENTS, EVENT_CHANNELS };

struct event {
	enum event_kind kind;
	bool control;		/* its name begins with gc: */
	struct text user_id;
	/* STATUS: the event; AGENT, STATE: global; FRAME: routing status */
	struct tier_told tier;
	struct parts_told parts;	/* FRAME AGENT STATE */
	enum parts_topic topic;	/* FRAME */
	struct slice body;	/* FRAME: its eventBody */
	/* a gc-dedup merged line */
	bool merged, intact;
	uint64_t merged_count;
	struct text merged_previous;
	struct told since;
	/* control lines */
	uint64_t seq;		/* AGENT GAP STATE UNVERIFIED */
	struct text reason;	/* GAP STATE UNVERIFIED CLOSED */
	struct text name;	/* AGENT STATE */
	struct event_queues queues;	/* AGENT STATE */
	bool gone;		/* AGENT */
	bool partial;		/* STATE */
	uint64_t socket;	/* OPEN CLOSED FAILOVER MEMBERS; 0 if absent */
	uint64_t http_status;	/* UNVERIFIED: 0 if null or absent */
	bool resumed;		/* OPEN */
	uint64_t sockets;	/* OPEN: how many there are; 0: not told */
	enum event_protocol protocol;	/* OPEN */
	bool reconnects;	/* CLOSED: it will be open again */
	bool missed;		/* OPEN: resumed and downtimeMs not 0 */
	struct event_ids agents;	/* OPEN; MEMBERS: joined */
	struct event_ids left;	/* MEMBERS */
	struct told fetched_at;	/* STATE */
	size_t line_len;
	struct take take;	/* unescaped strings */
};

void event_init(struct event *ev);
void event_free(struct event *ev);

/*
 * Read one line.  act_on: EVENT_BIT of the control kinds whose fields this
 * tool needs; the others come out as EVENT_OTHER, unchecked.  STATUS and
 * FRAME are always checked.  Returns NULL, or why the line is rejected (a
 * constant).
 */
const char *event_parse(struct event *ev, const char *line, size_t len,
    unsigned act_on);

#endif
