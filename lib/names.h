/*
 * A set of short texts: user ids, topics.  Add in any order, then seal;
 * sealed it is sorted (bytes) and holds each once.  Owns its texts.  Pure.
 */
#ifndef GC_NAMES_H
#define GC_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
	char **all;
	size_t count, alloc;
};

void names_add(struct names *n, const char *text, size_t len);	/* copied */
void names_seal(struct names *n);
void names_free(struct names *n);	/* safe on zeroes and twice */

/* Of sealed sets only. */
bool names_has(const struct names *n, const char *text);

/* The first that is not below text; count if there is none. */
size_t names_from(const struct names *n, const char *text);

/* Keep those that are in other as well. */
void names_keep(struct names *n, const struct names *other);

/* to becomes what from is; from is empty then. */
void names_move(struct names *to, struct names *from);

#endif
