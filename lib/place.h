/*
 * How far a group of readers has come in a queue: a file beside the
 * segments, one line of JSON, replaced atomically.  CONTRACT section 10.
 *
 *	{"event":"gc:place","at":…,"group":"default","part":null,
 *	 "position":POSITION,"batch":POSITION,"line":LINES}
 *
 * position: of the next line; batch: of the batch that it is in; line: the
 * lines of the queue before it.  All before it is acknowledged.
 */
#ifndef GC_PLACE_H
#define GC_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/die.h"

#define PLACE_GROUP_MAX 64	/* letters, digits, '-' and '_' */
#define PLACE_PARTS_MAX 1024

struct place {
	uint64_t position, batch, line;
};

/* Whose it is.  parts 0: the whole group; else part 1 to parts. */
struct place_name {
	char group[PLACE_GROUP_MAX + 1];
	unsigned part, parts;
};

struct place_held {
	struct place_name name;
	struct place place;
	int64_t at_ms;		/* wall time: when it came there */
	bool damaged;		/* whose it is is known, no more */
};

struct places {
	struct place_held *all;		/* by group, then part */
	size_t count;
};

/* "K/N", 1 <= K <= N. */
int place_part(const char *text, struct place_name *name);
bool place_is_group(const char *text);

int place_path(char path[PATH_MAX], const char *folder,
    const struct place_name *name, struct err *e);

/* 1, or 0 where it has none yet; -1 and 65 where it cannot be read. */
int place_load(const char *folder, const struct place_name *name,
    struct place_held *held, struct err *e);
int place_save(const char *folder, const struct place_name *name,
    const struct place *place, int64_t wall_ms, struct err *e);

/*
 * All of a folder.  A file that is damaged is one at the beginning, by its
 * name: place_load says why.  What cannot be read is -1.
 */
int places_list(struct places *p, const char *folder, struct err *e);
void places_free(struct places *p);

/*
 * A group may be read in another number of parts than before.  What all
 * parts of one number are done with is done, by all.
 */

/* The position below which every group is done; UINT64_MAX if there is no
 * group, 0 where one has a part without a place, or a damaged one. */
uint64_t places_floor(const struct places *p);

/* The highest that anyone is at. */
uint64_t places_highest(const struct places *p);

/* Where one begins: its place, or behind it where its group was done with
 * more in another number of parts; NULL: at the beginning. */
const struct place *places_begin(const struct places *p,
    const struct place_name *name);

#endif
