/*
 * When a line of the stream was told, and the same line told at another
 * time.  Unlike lib/event nothing is asked of a line but that it is a JSON
 * object: whoever plays a recording plays its faults too.  Pure.
 */
#ifndef GC_MOMENT_H
#define GC_MOMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/clock.h"

/*
 * `at` of a control line, `data.timestamp` of an event, the latest time of
 * the parts of a platform frame.  NULL, or why the line is no JSON object;
 * *timed false where it tells no moment.
 */
const char *moment_read(const char *line, size_t len, struct stamp *moment,
    bool *timed);

/* Where a moment goes. */
typedef struct stamp moment_to(void *arg, struct stamp moment);

/*
 * Add the line to out, with every string that is a moment (RFC 3339 from
 * end to end, and no key) moved: in UTC, with milliseconds, or nanoseconds
 * where they are not whole.  Bytes besides them are untouched.  The line
 * must be one that moment_read has accepted.  -1 if out is full.
 */
int moment_move(struct buf *out, const char *line, size_t len,
    moment_to *to, void *arg);

#endif
