/*
 * The roster as people look at it: who is in which status since when, of
 * which queues, how sure that is, and whether the stream sees anything.
 * From gc:agent and control lines; the last line of an agent is its state.
 * CONTRACT section 11.  Pure: the time is an argument.
 */
#ifndef GC_CREW_H
#define GC_CREW_H

#include <stdbool.h>

#include "lib/event.h"
#include "lib/index.h"
#include "lib/sight.h"

#define CREW_STATUSES_MAX 512	/* told apart; those beyond are unknown */
#define CREW_QUEUES_MAX 16384	/* told apart; a line with more is rejected */

struct crew_post {
	uint32_t queue, status;	/* numbers in queues and statuses */
};

struct crew_told {		/* of a line, before it is taken in */
	struct text queue, status;
};

struct crew_agent {
	bool here;		/* known, and not gone */
	bool doubted;
	uint32_t status;	/* number in statuses; 0: unknown */
	char *name;		/* or NULL */
	struct stamp since;	/* of the status; sec 0: unknown */
	struct crew_post *posts;
	size_t post_count;
};

/* What kind of status it is, for colours and order. */
enum crew_kind {
	CREW_READY,		/* takes the next call: Available, ON_QUEUE */
	CREW_TALKING,		/* with a customer: INTERACTING */
	CREW_BUSY,		/* at work, not for callers: Busy, MEETING */
	CREW_AWAY,		/* MEAL, BREAK, Away */
	CREW_ALARM,		/* NOT_RESPONDING */
	CREW_OFF,		/* OFFLINE, OFF_QUEUE */
	CREW_OTHER,
	CREW_KINDS
};

struct crew {
	struct index ids;	/* of agents; agents[n] is the nth */
	struct crew_agent *agents;
	size_t agent_alloc;
	struct index statuses;	/* 0 is "", for unknown */
	struct index queues;	/* ids */
	char **queue_names;	/* of each, or NULL */
	struct crew_met {	/* of each: the last line that has it */
		uint64_t line;
		size_t post;
	} *met;
	size_t queue_alloc;
	size_t here, doubted;
	uint64_t namings;	/* how often an agent was met or renamed */
	struct sight sight;
	int64_t heard_ms;	/* wall: when a line came last; 0: never */
	uint64_t lines;		/* gc:agent lines so far */
	struct event ev;
	/* of the line that is read */
	uint64_t line;
	struct crew_told *told;
	size_t told_count, told_alloc;
};

/* key: random. */
void crew_init(struct crew *c, uint64_t key);
void crew_free(struct crew *c);

/* to, of zeroes, becomes a copy of from: to be looked at while from goes on.
 * End it by crew_free. */
void crew_copy(struct crew *to, const struct crew *from);

/* Take in a line that came at wall_ms.  NULL, or why it is rejected; lines
 * that say nothing to it are fine. */
const char *crew_line(struct crew *c, const char *line, size_t len,
    int64_t wall_ms);

/* A queue's name, or its id. */
const char *crew_queue_name(const struct crew *c, size_t queue);
/* An agent's, likewise. */
const char *crew_agent_name(const struct crew *c, size_t agent);
/* A status's; "unknown" for 0. */
const char *crew_status_name(const struct crew *c, size_t status);

/* By its words, however they are spelt: "Queue Busy" is as "Busy". */
enum crew_kind crew_kind(const char *status);
const char *crew_kind_name(enum crew_kind k);

/* How many are in each status, and how many of these are doubted; queue:
 * of its agents, by their status there, or INDEX_NONE for all.  counts has
 * statuses.count elements.  Returns the sum. */
struct crew_count {
	size_t agents, doubted;
};
size_t crew_count(const struct crew *c, size_t queue,
    struct crew_count *counts);

/* How many agents each queue has: queues.count elements. */
void crew_queue_sizes(const struct crew *c, size_t *sizes);

/* The post of an agent in a queue, or NULL. */
const struct crew_post *crew_post(const struct crew_agent *a, size_t queue);

#endif
