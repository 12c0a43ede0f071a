/*
 * What answers and other rosters' records change in an agent's record.
 * Pure.  CONTRACT section 6, rules 5 and 6.
 */
#ifndef GC_SETTLE_H
#define GC_SETTLE_H

#include "lib/agent.h"

/*
 * Settle the tiers by a gc:state line.  Rule 5.  seq: the one that a change
 * gets (it is not used up if nothing changed).
 */
struct settle_answer {
	bool changed;		/* print a gc:agent line */
	bool gone;		/* and forget the agent */
	bool refused;		/* some tier could not be settled: ask anew */
};
struct settle_answer settle_state(struct agent *a, const struct event *ev,
    uint64_t seq, int64_t now_ms);

/*
 * Take a gc:agent line where it is newer.  Rule 6.  seq: the one that the
 * record gets where it changes although its own is above the line's.
 */
enum settle_merge {
	SETTLE_OLDER,		/* nothing taken */
	SETTLE_MIXED,		/* some taken: the record is nobody's line */
	SETTLE_TAKEN		/* the record now says what the line says */
};
enum settle_merge settle_agent(struct agent *a, const struct event *ev,
    uint64_t seq, int64_t now_ms);

#endif
