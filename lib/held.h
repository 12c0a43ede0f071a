/*
 * The keys that a dedup window (lib/window.h) holds, in three orders: by hash,
 * to be found; by age, as the clock ends them; and by the stamps of their first
 * events, as later events do.  CONTRACT section 6, gc-dedup.
 */
#ifndef GC_HELD_H
#define GC_HELD_H

#include "lib/merge.h"

/* A key in the order of its first event: the stamp beside it, so that the
 * order is found without looking at the keys. */
struct held_first {
	struct stamp stamp;
	struct held *held;
};

struct held_set {
	uint64_t hash_key;
	struct held **slots;	/* by key, chained; a power of two */
	size_t slot_count;
	struct held_first *heap;
	size_t heap_alloc;
	size_t count;		/* keys held */
	size_t bytes;
	struct held *oldest, *newest;	/* in the order first held */
	struct held *spare;	/* the last that was let out, for the next */
	uint64_t order;
};

/* A key, and what its events come to. */
struct held {
	struct held *chain;		/* in the slot */
	struct held *older, *newer;	/* in the order first held */
	size_t heap_at;
	uint64_t hash, order;
	int64_t first_ms;
	struct merge merge;
	uint32_t user_len, key_len;
	uint32_t key_room;
	bool has_queue;
	bool timeless;			/* a frame as new as its arrival */
	enum parts_topic topic;
	char key[];			/* user id, queue id */
};

/* Whose events are held together. */
struct held_id {
	struct text user, queue;
	enum parts_topic topic;		/* of a frame */
	uint64_t hash;
};

/* random: of the hash, as ids come from outside. */
void held_init(struct held_set *s, uint64_t random);
void held_free(struct held_set *s);

struct held_id held_key(const struct held_set *s, struct text user,
    struct text queue, enum parts_topic topic);

/* The one of that key, or NULL. */
struct held *held_find(const struct held_set *s, const struct held_id *k);

/* Begin to hold it: nothing is in it yet. */
struct held *held_new(struct held_set *s, const struct held_id *k,
    struct stamp first, int64_t now_ms);

/* No later event ends it: it is about to be dropped. */
void held_retire(struct held_set *s, struct held *h);

void held_drop(struct held_set *s, struct held *h);

#endif
