/*
 * The lines that gc-reduce prints: gc:agent and gc:gap.  CONTRACT sections
 * 2 and 6.  Every function adds one line with its newline.
 */
#ifndef GC_RECORD_H
#define GC_RECORD_H

#include "lib/agent.h"

/* The agent's whole record; gone: its last line. */
void record_agent(struct buf *out, const struct agent *a, int64_t wall_ms,
    bool gone);

/* A doubt about the agent, for the reason, with the agent's seq. */
void record_gap(struct buf *out, const struct agent *a,
    enum ask_reason reason, uint64_t seq, int64_t wall_ms);

/* The same for `sequence`: what the tier held, and what the event told. */
void record_gap_sequence(struct buf *out, const struct agent *a,
    const struct tier *held, const struct event *ev, uint64_t seq,
    int64_t wall_ms);

#endif
