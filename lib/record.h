/*
 * The lines that gc-reduce prints: gc:agent and gc:gap.  CONTRACT sections
 * 2 and 6.  Every function adds one line with its newline.
 */
#ifndef GC_RECORD_H
#define GC_RECORD_H

#include "lib/agent.h"
#include "lib/ndjson.h"

/* The agent's whole record; gone: its last line. */
void record_agent(struct buf *out, const struct agent *a, int64_t wall_ms,
    bool gone);

/*
 * A record must be a line that every reader takes: what would make it longer
 * than NDJSON_LINE_MAX is rejected.  At most so long is the agent's line, in
 * bytes without the newline, once it is told these: a global tier (NULL:
 * none), n queues sorted by id, a name (p NULL: none), parts (NULL: none).
 */
size_t record_most(const struct agent *a, const struct tier_told *global,
    const struct tier_told *queues, size_t n, struct text name,
    const struct parts_told *parts);

/* The same for the gap that an event shows about a tier. */
size_t record_gap_most(const struct tier *held, const struct event *ev);

/* Is there room for what the event tells?  Cheap: only where it gets close
 * is it counted. */
bool record_has_room(struct agent *a, const struct event *ev);

/* A doubt about the agent, for the reason, with this seq.  detail: for
 * `sequence`, what record_gap_detail added; else NULL. */
void record_gap(struct buf *out, const struct agent *a,
    enum ask_reason reason, uint64_t seq, const char *detail,
    int64_t wall_ms);

/* The further members of a `sequence` gap: what the tier held, and what the
 * event told. */
void record_gap_detail(struct buf *out, const struct tier *held,
    const struct event *ev);

#endif
