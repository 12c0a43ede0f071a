#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/roster.h"

#define SLOTS_FIRST 64

void
roster_init(struct roster *r, uint64_t key)
{
	*r = (struct roster){ .key = key, .slot_count = SLOTS_FIRST };
	r->slots = xcalloc(r->slot_count, sizeof(*r->slots));
}

void
roster_free(struct roster *r)
{
	for (size_t i = 0; i < r->count; i++)
		agent_del(r->list[i]);
	free(r->list);
	free(r->slots);
	*r = (struct roster){ 0 };
}

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	return x ^ (x >> 32);
}

/* Keyed, eight bytes at a time. */
static uint64_t
hash(uint64_t key, struct text t)
{
	uint64_t h = key ^ t.len, word;
	uint32_t i = 0;

	for (; i + sizeof(word) <= t.len; i += sizeof(word)) {
		memcpy(&word, t.p + i, sizeof(word));
		h = mix(h ^ word) + key;
	}
	word = 0;
	memcpy(&word, t.p + i, t.len - i);
	return mix(h ^ word);
}

/* The slot that holds the id, or the empty one where it would go. */
static size_t
find(const struct roster *r, struct text id, uint64_t h)
{
	size_t mask = r->slot_count - 1, i = h & mask;
	const struct agent *a;

	while ((a = r->slots[i]) != NULL && (a->hash != h ||
	    a->user_id_len != id.len ||
	    memcmp(a->user_id, id.p, id.len) != 0))
		i = (i + 1) & mask;
	return i;
}

struct agent *
roster_get(struct roster *r, struct text user_id)
{
	return r->slots[find(r, user_id, hash(r->key, user_id))];
}

static void
grow(struct roster *r)
{
	size_t i;

	free(r->slots);
	r->slot_count *= 2;
	r->slots = xcalloc(r->slot_count, sizeof(*r->slots));
	for (size_t n = 0; n < r->count; n++) {
		i = r->list[n]->hash & (r->slot_count - 1);
		while (r->slots[i] != NULL)
			i = (i + 1) & (r->slot_count - 1);
		r->slots[i] = r->list[n];
	}
}

struct agent *
roster_add(struct roster *r, struct text user_id, bool *fresh)
{
	uint64_t h = hash(r->key, user_id);
	size_t i = find(r, user_id, h);

	*fresh = r->slots[i] == NULL;
	if (!*fresh)
		return r->slots[i];
	if (2 * (r->count + 1) > r->slot_count) {
		grow(r);
		i = find(r, user_id, h);
	}
	if (r->count == r->list_alloc) {
		r->list_alloc = r->list_alloc ? 2 * r->list_alloc :
		    SLOTS_FIRST;
		r->list = xreallocarray(r->list, r->list_alloc,
		    sizeof(*r->list));
	}
	r->slots[i] = r->list[r->count] = agent_new(user_id, h);
	r->slots[i]->place = r->count++;
	return r->slots[i];
}

/* Close the hole at i: move back whoever a search would now miss. */
static void
close_hole(struct roster *r, size_t i)
{
	size_t mask = r->slot_count - 1, j = i, home;

	for (;;) {
		r->slots[i] = NULL;
		do {
			j = (j + 1) & mask;
			if (r->slots[j] == NULL)
				return;
			home = r->slots[j]->hash & mask;
		} while (i <= j ? i < home && home <= j :
		    i < home || home <= j);
		r->slots[i] = r->slots[j];
		i = j;
	}
}

void
roster_remove(struct roster *r, struct agent *a)
{
	struct text id = { a->user_id, a->user_id_len };
	struct agent *last = r->list[--r->count];

	close_hole(r, find(r, id, a->hash));
	r->list[a->place] = last;
	last->place = a->place;
	agent_del(a);
}

static int
by_id(const void *x, const void *y)
{
	const struct agent *a = *(struct agent *const *)x;
	const struct agent *b = *(struct agent *const *)y;
	uint32_t n = a->user_id_len < b->user_id_len ? a->user_id_len :
	    b->user_id_len;
	int c = memcmp(a->user_id, b->user_id, n);

	return c != 0 ? c : (a->user_id_len > b->user_id_len) -
	    (a->user_id_len < b->user_id_len);
}

struct agent **
roster_sorted(const struct roster *r)
{
	struct agent **sorted = xreallocarray(NULL, r->count,
	    sizeof(*sorted));

	if (r->count == 0)
		return sorted;
	memcpy(sorted, r->list, r->count * sizeof(*sorted));
	qsort(sorted, r->count, sizeof(*sorted), by_id);
	return sorted;
}
