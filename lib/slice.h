/*
 * Values of a line of JSON, as slices of its text: walking them, and reading
 * strings and numbers.  Of text that lib/scan has validated only: nothing is
 * checked twice.  Pure.  Slices borrow the text.
 */
#ifndef GC_SLICE_H
#define GC_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define SLICE_NUMBER_MAX (UINT64_C(1) << 53)

enum scan_kind {
	SCAN_ABSENT,		/* 0: a zeroed slice is absent */
	SCAN_NULL, SCAN_FALSE, SCAN_TRUE, SCAN_NUMBER, SCAN_STRING,
	SCAN_OBJECT, SCAN_ARRAY
};

/* A value.  String: without its quotes, still escaped.  Object and array:
 * from the bracket to the bracket.  Else the literal's bytes. */
struct slice {
	const char *p;
	uint32_t len;
	uint8_t kind;		/* enum scan_kind */
	bool escaped;		/* a string with a backslash in it */
};

/*
 * The members of an object, or elements of an array, in their order, repeated
 * keys included.  Start with *at = s.p + 1; false at the end.  key is absent
 * for arrays.
 */
bool slice_next(struct slice s, const char **at, struct slice *key,
    struct slice *value);

/* The string's characters, unescaped, added to out.  -1 if it has a lone
 * surrogate or a NUL character, or does not fit; out is then as before. */
int slice_unescape(struct slice s, struct buf *out);

/* Is it a string of just these characters? */
bool slice_is(struct slice s, const char *text);

/* A non-negative whole number of at most SLICE_NUMBER_MAX, up to which every
 * reader of JSON is exact; -1 if it is none. */
int slice_number(struct slice s, uint64_t *value);

#endif
