/*
 * Texts and their numbers: each different text once, numbered from 0 in the
 * order in which they were met.  A hash table that owns the texts; nothing
 * is ever taken out.  Pure.
 */
#ifndef GC_INDEX_H
#define GC_INDEX_H

#include <stdint.h>

#include "lib/take.h"

#define INDEX_NONE SIZE_MAX

struct index_entry {
	char *text;
	uint32_t len;
	uint64_t hash;
};

struct index {
	struct index_entry *all;
	size_t count, alloc;
	size_t *slots;		/* number + 1; a power of two of them */
	size_t slot_count;
	uint64_t key;		/* of the hash: texts come from outside */
};

/* key: random, so that nobody can choose texts that collide. */
void index_init(struct index *ix, uint64_t key);
void index_free(struct index *ix);

/* to becomes a copy of from, with the same numbers; it must be empty. */
void index_copy(struct index *to, const struct index *from);

/* Its number, a new one where it was not met. */
size_t index_add(struct index *ix, struct text t);
/* INDEX_NONE: it was not met. */
size_t index_get(const struct index *ix, struct text t);
/* NUL-terminated behind its end. */
struct text index_text(const struct index *ix, size_t number);

#endif
