/*
 * What the public platform tells of a user: routing status, presence and
 * active queues, each a part with a time of its own, or none.  Read from a
 * frame of v2.users.ID.activity, .presence or .routingStatus, and from the
 * gc:agent and gc:state lines that keep it.  CONTRACT section 9.
 *
 * Every member of a frame may be missing.  A part without its value is not
 * told; one of the wrong type makes the line a rejected one.
 */
#ifndef GC_PARTS_H
#define GC_PARTS_H

#include "lib/told.h"

#define PARTS_NAME_MAX 64	/* bytes of a presence that is respelt */

enum parts_topic {
	PARTS_NONE,		/* another topic */
	PARTS_ACTIVITY, PARTS_PRESENCE, PARTS_ROUTING, PARTS_TOPICS
};

/* The parts that the guide's protocol has not.  Not told: status.p NULL. */
struct parts_told {
	bool any;		/* the line has such members, if null */
	struct tier_told presence;	/* status: in upper snake case */
	struct text label;	/* the org's own name of it */
	struct tier_told active;	/* status: the ids, sorted, each once,
					 * as a JSON list */
	struct event_ids ids;
	struct buf list;
	char name[PARTS_NAME_MAX];
};

/* Is one of them told? */
static inline bool
parts_say(const struct parts_told *p)
{
	return p->presence.status.p != NULL || p->active.status.p != NULL;
}

void parts_init(struct parts_told *p);
void parts_free(struct parts_told *p);

/* Which topic it is, and whose: from the topic's name.  NULL, or why the
 * line is rejected. */
const char *parts_topic(struct take *take, struct slice name,
    enum parts_topic *topic, struct text *user_id);

/* What the body of a frame tells. */
const char *parts_frame(struct parts_told *p, struct take *take,
    enum parts_topic topic, struct slice body, struct tier_told *routing);

/* What gc:agent and gc:state tell in `presence` and `activeQueues`. */
const char *parts_record(struct parts_told *p, struct take *take,
    struct slice presence, struct slice active);

/* A presence however it is spelt, as the platform's events spell it: On Queue
 * is ON_QUEUE.  In room, the text itself, or a constant. */
struct text parts_presence(struct text told, char room[PARTS_NAME_MAX]);

#endif
