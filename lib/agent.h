/*
 * One agent's record in two tiers, global and per queue, and the rules by
 * which events change it.  Pure: nothing here prints, asks or reads a
 * clock.  CONTRACT section 6, rules 1 to 3; answers: lib/settle.h.
 *
 * The record owns copies of all texts.  A tier whose status is not set is
 * unknown (only the global one may be).  Queues stand sorted by id.
 */
#ifndef GC_AGENT_H
#define GC_AGENT_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/tier.h"

/* What the platform tells besides the routing status, which is the global
 * tier.  A part whose status is not set is unknown.  CONTRACT section 9. */
struct agent_parts {
	struct tier presence;
	struct own label;	/* the org's own name of it */
	struct tier active;	/* its status: the ids of the active queues, as
				 * struct parts_told has them */
};

/* Why an agent is doubted; the most urgent first. */
enum ask_reason {
	ASK_SEQUENCE, ASK_START, ASK_RECONNECT, ASK_POLL, ASK_AUDIT
};
const char *ask_name(enum ask_reason reason);

struct question {
	bool open;		/* asked, or waiting to be */
	bool waiting;		/* in the queue, not yet handed over */
	uint8_t reason;		/* enum ask_reason */
	uint8_t again_list;	/* the caller's, while it waits for that */
	unsigned refusals, failures;	/* in a row */
	uint64_t seq;		/* the latest that was asked with */
	char *detail;		/* sequence: what its gap lines say besides,
				 * until it is settled; owned */
	int64_t again_ms;	/* to be asked anew then; CLOCK_NEVER */
};

/* There are a million of them: what an event reads is together, at the end,
 * beside the id. */
struct agent {
	struct question question;
	union {			/* it is in one of these lists at most */
		TAILQ_ENTRY(agent) waiting_link, retry_link;
	};
	struct own name;
	uint32_t queue_alloc;
	uint32_t dirty_at;	/* from 1: its place among those that differ
				 * from what the journal holds */
	struct agent_parts *parts;	/* NULL: the platform told nothing */
	struct tier *queues;
	uint32_t queue_count;
	uint32_t record_most;	/* bytes of its record at most; 0: unknown */
	uint64_t seq;		/* of its last change or doubt */
	struct tier global;
	uint32_t place;		/* in the roster's list */
	uint32_t user_id_len;
	char user_id[];		/* with a NUL behind */
};

struct agent *agent_new(struct text user_id);
void agent_del(struct agent *a);

/* The tier of a queue, or the global one for a null id; NULL if unknown. */
struct tier *agent_tier(struct agent *a, struct text queue_id);

/* Take in n queues that are not held, sorted by id; their texts are the
 * agent's from now on, the array is not. */
void agent_add_queues(struct agent *a, const struct tier *tiers, size_t n);

/* Drop the queues that are not named; true if there were any. */
bool agent_keep_named(struct agent *a);

/* The parts, made if there are none yet; all of them unknown. */
struct agent_parts *agent_have_parts(struct agent *a);

/* What is `effective`: of the global status; with parts it is that of each
 * active queue too.  The agent's own; it may be unknown. */
const struct own *agent_effective(const struct agent *a);

/* What was held before a global status that the platform tells: it tells no
 * previous one.  Of a status that is told again, what it is already. */
struct text agent_previous(const struct agent *a,
    const struct tier_told *told);

/* Is some tier not verified?  What is not known of the global one is.  The
 * active queues do not count: often nobody could be asked. */
bool agent_is_doubted(const struct agent *a);

/* Count all tiers as heard of at now_ms: they are being asked about. */
void agent_touch(struct agent *a, int64_t now_ms);

/* When the tier that waits longest was last changed or confirmed. */
int64_t agent_touched_ms(const struct agent *a);

/* What an event would do; nothing is changed.  Rules 1 and 2. */
enum agent_fate { AGENT_APPLIED, AGENT_STALE, AGENT_DUPLICATE };
struct agent_verdict {
	enum agent_fate fate;
	bool gap;		/* doubt the tier: reason sequence */
};
struct agent_verdict agent_judge(struct agent *a, const struct event *ev);

/* Do what agent_judge said of an applied event.  seq: the new one. */
void agent_take(struct agent *a, const struct event *ev,
    struct agent_verdict verdict, uint64_t seq, int64_t now_ms);

/* Doubt one tier, or all (which NULL). */
void agent_doubt(struct agent *a, struct tier *which, uint64_t seq);

#endif
