#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/hash.h"
#include "lib/held.h"

#define SLOTS_FIRST 256
#define KEY_ROOM 72		/* at least: two UUIDs */
#define SPARE_LINE_MAX 4096	/* a longer one is not kept */
#define NOWHERE SIZE_MAX	/* taken out of the heap */

void
held_init(struct held_set *s, uint64_t random)
{
	*s = (struct held_set){ .hash_key = random,
	    .slot_count = SLOTS_FIRST };
	s->slots = xcalloc(s->slot_count, sizeof(struct held *));
}

void
held_free(struct held_set *s)
{
	while (s->oldest != NULL)
		held_drop(s, s->oldest);
	if (s->spare != NULL)
		merge_free(&s->spare->merge);
	free(s->spare);
	free(s->slots);
	free(s->heap);
	*s = (struct held_set){ 0 };
}

/* --- the order of stamps: a binary heap --------------------------------- */

static inline bool
heap_before(const struct held_first *a, const struct held_first *b)
{
	return a->stamp.sec != b->stamp.sec ? a->stamp.sec < b->stamp.sec :
	    a->stamp.nsec < b->stamp.nsec;
}

static inline void
heap_set(struct held_set *s, size_t i, struct held_first f)
{
	s->heap[i] = f;
	f.held->heap_at = i;
}

static void
heap_sift(struct held_set *s, size_t i)
{
	struct held_first f = s->heap[i];
	size_t child;

	for (; i > 0 && heap_before(&f, &s->heap[(i - 1) / 2]);
	    i = (i - 1) / 2)
		heap_set(s, i, s->heap[(i - 1) / 2]);
	for (; (child = 2 * i + 1) < s->count; i = child) {
		if (child + 1 < s->count &&
		    heap_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!heap_before(&s->heap[child], &f))
			break;
		heap_set(s, i, s->heap[child]);
	}
	heap_set(s, i, f);
}

void
held_retire(struct held_set *s, struct held *h)
{
	size_t i = h->heap_at;
	struct held_first last = s->heap[--s->count];

	h->heap_at = NOWHERE;
	if (last.held == h)
		return;
	heap_set(s, i, last);
	heap_sift(s, i);
}

/* --- finding, holding, forgetting --------------------------------------- */

struct held_id
held_key(const struct held_set *s, struct text user, struct text queue,
    enum parts_topic topic)
{
	uint64_t hash = hash_bytes(s->hash_key + topic, user.p, user.len);

	if (queue.p != NULL)
		hash = hash_bytes(hash, queue.p, queue.len);
	return (struct held_id){ user, queue, topic, hash };
}

struct held *
held_find(const struct held_set *s, const struct held_id *k)
{
	struct text user = k->user, queue = k->queue;
	struct held *h = s->slots[k->hash & (s->slot_count - 1)];

	while (h != NULL && !(h->hash == k->hash && h->user_len == user.len &&
	    h->key_len == user.len + queue.len && h->topic == k->topic &&
	    h->has_queue == (queue.p != NULL) &&
	    memcmp(h->key, user.p, user.len) == 0 &&
	    (queue.len == 0 ||
	    memcmp(h->key + user.len, queue.p, queue.len) == 0)))
		h = h->chain;
	return h;
}

static void
grow_slots(struct held_set *s)
{
	struct held **old = s->slots, *h, *next;
	size_t n = s->slot_count;

	s->slot_count *= 2;
	s->slots = xcalloc(s->slot_count, sizeof(struct held *));
	for (size_t i = 0; i < n; i++)
		for (h = old[i]; h != NULL; h = next) {
			next = h->chain;
			h->chain = s->slots[h->hash & (s->slot_count - 1)];
			s->slots[h->hash & (s->slot_count - 1)] = h;
		}
	free(old);
}

/* With nothing in it yet.  Most often as many keys end as begin. */
static struct held *
blank(struct held_set *s, uint32_t key_len)
{
	struct held *h = s->spare;

	if (h != NULL && h->key_room >= key_len) {
		s->spare = NULL;
		return h;
	}
	if (key_len < KEY_ROOM)
		key_len = KEY_ROOM;
	h = xcalloc(1, sizeof(*h) + key_len);
	h->key_room = key_len;
	return h;
}

static void
delete(struct held_set *s, struct held *h)
{
	if (s->spare == NULL && h->merge.room <= SPARE_LINE_MAX) {
		merge_clear(&h->merge);
		s->spare = h;
		return;
	}
	merge_free(&h->merge);
	free(h);
}

struct held *
held_new(struct held_set *s, const struct held_id *k, struct stamp first,
    int64_t now_ms)
{
	struct text user = k->user, queue = k->queue;
	struct held *h = blank(s, user.len + queue.len);

	h->newer = NULL;
	h->timeless = false;
	h->hash = k->hash;
	h->topic = k->topic;
	h->order = s->order++;
	h->first_ms = now_ms;
	h->user_len = user.len;
	h->key_len = user.len + queue.len;
	h->has_queue = queue.p != NULL;
	memcpy(h->key, user.p, user.len);
	if (queue.len > 0)
		memcpy(h->key + user.len, queue.p, queue.len);
	if (s->count == s->slot_count)
		grow_slots(s);
	h->chain = s->slots[k->hash & (s->slot_count - 1)];
	s->slots[k->hash & (s->slot_count - 1)] = h;
	h->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = h;
	s->newest = h;
	if (s->count == s->heap_alloc) {
		s->heap_alloc = s->heap_alloc ? 2 * s->heap_alloc :
		    SLOTS_FIRST;
		s->heap = xreallocarray(s->heap, s->heap_alloc,
		    sizeof(struct held_first));
	}
	heap_set(s, s->count++, (struct held_first){ first, h });
	heap_sift(s, s->count - 1);
	s->bytes += sizeof(*h) + h->key_len;
	return h;
}

void
held_drop(struct held_set *s, struct held *h)
{
	struct held **p = &s->slots[h->hash & (s->slot_count - 1)];

	while (*p != h)
		p = &(*p)->chain;
	*p = h->chain;
	*(h->older ? &h->older->newer : &s->oldest) = h->newer;
	*(h->newer ? &h->newer->older : &s->newest) = h->older;
	if (h->heap_at != NOWHERE)
		held_retire(s, h);
	s->bytes -= sizeof(*h) + h->key_len + h->merge.bytes;
	delete(s, h);
}
