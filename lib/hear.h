/*
 * What a frame of the platform changes in an agent's record.  Pure.
 * CONTRACT section 9, "A platform frame in the roster".
 */
#ifndef GC_HEAR_H
#define GC_HEAR_H

#include "lib/agent.h"

/* Does it tell anything of what the record holds?  If not, it is nothing to
 * act on. */
bool hear_says(const struct event *ev);

/*
 * Take each part that the frame tells and that is not older than the one
 * held.  APPLIED: the record has changed, and has this seq; else the seq is
 * not used up, and STALE is a frame of which some part was older, DUPLICATE
 * one that tells what is held.
 */
enum agent_fate hear_frame(struct agent *a, const struct event *ev,
    uint64_t seq, int64_t now_ms);

#endif
