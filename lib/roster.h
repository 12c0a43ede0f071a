/*
 * All agents, by user id: a compact hash table that owns them.  CONTRACT section 6.
 */
#ifndef GC_ROSTER_H
#define GC_ROSTER_H

#include "lib/agent.h"

/* A slot knows half the hash, so that a search looks at hardly any agent but
 * the one it is for. */
struct roster_slot {
	uint32_t hash;
	uint32_t place;		/* in the list, from 1; 0: empty */
};

struct roster {
	struct roster_slot *slots;	/* open addressing; a power of two */
	size_t slot_count;
	struct agent **list;	/* every agent, in no promised order */
	size_t count, list_alloc;
	uint64_t key;		/* of the hash: ids come from outside */
	uint64_t seq;		/* changes and doubts so far */
};

/* key: random, so that nobody can choose ids, or words, that collide. */
void roster_init(struct roster *r, uint64_t key);
void roster_free(struct roster *r);

struct agent *roster_get(struct roster *r, struct text user_id);

/* The agent, made if it is not there; *fresh tells which. */
struct agent *roster_add(struct roster *r, struct text user_id, bool *fresh);

/* Take it out and delete it. */
void roster_remove(struct roster *r, struct agent *a);

/* All agents in the byte order of their ids: free() the array. */
struct agent **roster_sorted(const struct roster *r);

#endif
