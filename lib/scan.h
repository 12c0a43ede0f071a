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
#define SCAN_STEP_MAX 24	/* bytes of a step's text */
#define SCAN_NO_ROW (-2)	/* of a step: nobody asks for its value */

/* A wanted member: of the top object (in -1), or of the object that is the
 * value of row `in`, which is an earlier row.  If that object is given
 * again, what was found in the earlier one is forgotten. */
struct scan_key {
	const char *name;
	int16_t in;
	uint16_t len;		/* of the name */
};
#define SCAN_KEY(name, in) { name, in, sizeof(name) - 1 }

/*
 * The members as they most often come, one step each: all bytes from behind
 * the value before up to its own value, in the shortest writing, such as
 *	,"data":{"userId":
 * at most SCAN_STEP_MAX of them; the value opens nothing.  A step may open
 * one object, at text[open], the value of row `into` (-1: the top).  No row
 * comes twice.  A step without text ends the table.
 */
struct scan_step {
	const char *text;
	uint8_t len, open;
	int8_t row, into;
};
#define SCAN_STEP(text, row) { text, sizeof(text) - 1, 0, row, SCAN_NO_ROW }
#define SCAN_STEP_INTO(before, text, row, into) \
	{ before text, sizeof(before text) - 1, sizeof(before) - 1, row, into }

enum scan_verdict {
	SCAN_OK, SCAN_EMPTY, SCAN_NOT_OBJECT, SCAN_SYNTAX, SCAN_CUT,
	SCAN_TRAILING, SCAN_NUL, SCAN_UTF8, SCAN_BOM, SCAN_DEEP
};

/* Fills out[0..count-1]; where the verdict is not SCAN_OK they mean nothing.
 * keys may be NULL with count 0: the verdict alone. */
enum scan_verdict scan_object(const char *text, size_t len,
    const struct scan_key *keys, size_t count, struct slice *out);

/*
 * The same, sooner where the line begins with the usual steps: what they
 * spell out is compared, and read no further.  The verdict and the values
 * are those of scan_object for any line.
 */
enum scan_verdict scan_usual(const char *text, size_t len,
    const struct scan_key *keys, size_t count, const struct scan_step *usual,
    struct slice *out);

/* Why, in words that follow "stdin:42: ". */
const char *scan_reason(enum scan_verdict v);

#endif
