/*
 * What a queue need not keep: whole segments (lib/segment), the oldest first.
 * CONTRACT section 10, `--keep`.
 */
#ifndef GC_EXPIRE_H
#define GC_EXPIRE_H

#include <stdint.h>

#include "lib/die.h"

/*
 * Remove old segments, never the last.  floor: position below which every
 * reader is done.  keep_bytes, keep_ms: 0 for none of them; with one of them
 * it alone decides, read or not.  How many went, or -1.
 */
int64_t expire_segments(const char *folder, uint64_t floor,
    uint64_t keep_bytes, int64_t keep_ms, int64_t wall_ms, struct err *e);

#endif
