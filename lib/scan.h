/*
 * The hot path: one strict, validating pass over a line of JSON (RFC 8259)
 * that finds the wanted members as slices of it and allocates nothing.
 *
 * Strict means: one object, nothing but white space around it; the grammar
 * to the letter (no control bytes in strings, no leading zeros, no NaN);
 * valid UTF-8 (RFC 3629), no byte order mark; nested at most SCAN_DEPTH_MAX
 * deep.  Of a key given twice the last counts, and keys are compared after
 * unescaping, as jq does.  Whatever this accepts libjq accepts with the
 * same values; tests/unit/scan.c lists where libjq accepts more.
 * CONTRACT section 2.  Pure.  Slices borrow the text; lib/slice.h reads them.
 */
#ifndef GC_SCAN_H
#define GC_SCAN_H

#include <stddef.h>

#include "lib/slice.h"

#define SCAN_DEPTH_MAX 256	/* objects and arrays inside one another */
#define SCAN_KEYS_MAX 32	/* wanted members of one call */
#define SCAN_KEY_LEN_MAX 64	/* bytes of a wanted member's name */

/* A wanted member: of the top object (in -1), or of the object that is the
 * value of row `in`, which is an earlier row.  If that object is given
 * again, what was found in the earlier one is forgotten. */
struct scan_key {
	const char *name;
	int in;
};

enum scan_verdict {
	SCAN_OK, SCAN_EMPTY, SCAN_NOT_OBJECT, SCAN_SYNTAX, SCAN_CUT,
	SCAN_TRAILING, SCAN_NUL, SCAN_UTF8, SCAN_BOM, SCAN_DEEP
};

/* Fills out[0..count-1]; where the verdict is not SCAN_OK they mean nothing.
 * keys may be NULL with count 0: the verdict alone. */
enum scan_verdict scan_object(const char *text, size_t len,
    const struct scan_key *keys, size_t count, struct slice *out);

/* Why, in words that follow "stdin:42: ". */
const char *scan_reason(enum scan_verdict v);

#endif
