/*
 * Names of ids: of users, of queues.  Of an id put twice the last counts.
 * As text it is one line each, `id TAB name`, sorted by id: what --names
 * FILE is and what the cache holds.  Owns its texts.  Pure.
 */
#ifndef GC_DICT_H
#define GC_DICT_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/take.h"

#define DICT_NAME_MAX 1024	/* bytes of a name; a longer one is cut */

struct dict_entry {
	char *id, *name;
	uint32_t id_len, name_len;
	size_t order;		/* of equal ids the highest counts */
};

struct dict {
	struct dict_entry *all;
	size_t count, alloc;
	size_t sorted;		/* the first so many are, each id once */
};

void dict_free(struct dict *d);		/* safe on zeroes and twice */

/* Both are copied; control characters of the name become blanks.  One
 * without an id or a name, or with a control character in its id, is left
 * out. */
void dict_put(struct dict *d, struct text id, struct text name);

/* p NULL: not there.  Valid until the next put. */
struct text dict_get(struct dict *d, struct text id);

/* How many ids have a name. */
size_t dict_count(struct dict *d);

/* Put all that from has. */
void dict_add(struct dict *d, const struct dict *from);

/* Read lines; *bad is the number of the first that is none, or 0. */
void dict_read(struct dict *d, const char *text, size_t len, uint64_t *bad);

/* Add all lines to out; -1 if it is full. */
int dict_write(struct dict *d, struct buf *out);

#endif
