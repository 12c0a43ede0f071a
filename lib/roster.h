/*
 * All agents, by user id: a compact hash table that owns them.  CONTRACT
 * section 6.
 *
 * Of many agents most are not in the processor's cache, and fetching one
 * takes as long as reading a line.  Both can go on at once: before a line is
 * read roster_expect whom the next one is about, roster_approach them when
 * it is read, and roster_meet them before the next is.
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
	uint32_t expected;	/* the hash of who is, or of anyone */
	uint32_t nearing;	/* their place in the list, from 1; 0: none */
};

/* key: random, so that nobody can choose ids, or words, that collide. */
void roster_init(struct roster *r, uint64_t key);
void roster_free(struct roster *r);

struct agent *roster_get(struct roster *r, struct text user_id);

/* The agent, made if it is not there; *fresh tells which. */
struct agent *roster_add(struct roster *r, struct text user_id, bool *fresh);

/* Hints, which cost little where they are wrong: one step each from the hash
 * to the agent's memory, none of which is waited for. */
void roster_expect(struct roster *r, struct text user_id);
void roster_approach(struct roster *r);
void roster_meet(const struct roster *r);

/* Take it out and delete it. */
void roster_remove(struct roster *r, struct agent *a);

/* All agents in the byte order of their ids: free() the array. */
struct agent **roster_sorted(const struct roster *r);

#endif
