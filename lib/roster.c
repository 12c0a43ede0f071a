#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/hash.h"
#include "lib/roster.h"

#define SLOTS_FIRST 64
#define COUNT_MAX (UINT32_MAX - 1)
#define CACHE_LINE 64		/* a guess, where wrong only slower */
#define AGENT_HOT_END (sizeof(struct agent) + 36)	/* with a UUID */

void
roster_init(struct roster *r, uint64_t key)
{
	*r = (struct roster){ .key = key, .slot_count = SLOTS_FIRST };
	r->slots = xcalloc(r->slot_count, sizeof(*r->slots));
	words_key(hash_mix(key));
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

static uint32_t
hash(const struct roster *r, struct text id)
{
	return (uint32_t)hash_bytes(r->key, id.p, id.len);
}

/* The slot that holds the id, or the empty one where it would go. */
static struct roster_slot *
find(const struct roster *r, struct text id, uint32_t h)
{
	size_t mask = r->slot_count - 1, i = h & mask;
	const struct agent *a;

	for (; r->slots[i].place != 0; i = (i + 1) & mask) {
		if (r->slots[i].hash != h)
			continue;
		a = r->list[r->slots[i].place - 1];
		if (a->user_id_len == id.len &&
		    memcmp(a->user_id, id.p, id.len) == 0)
			break;
	}
	return &r->slots[i];
}

struct agent *
roster_get(struct roster *r, struct text user_id)
{
	uint32_t place = find(r, user_id, hash(r, user_id))->place;

	return place != 0 ? r->list[place - 1] : NULL;
}

void
roster_expect(struct roster *r, struct text user_id)
{
	r->expected = hash(r, user_id);
	__builtin_prefetch(&r->slots[r->expected & (r->slot_count - 1)]);
}

void
roster_approach(struct roster *r)
{
	r->nearing = r->slots[r->expected & (r->slot_count - 1)].place;
	if (r->nearing != 0)
		__builtin_prefetch(&r->list[r->nearing - 1]);
}

void
roster_meet(const struct roster *r)
{
	const char *a;

	if (r->nearing == 0 || r->nearing > r->count)
		return;
	a = (const char *)r->list[r->nearing - 1];
	for (size_t at = offsetof(struct agent, seq); at < AGENT_HOT_END;
	    at += CACHE_LINE)
		__builtin_prefetch(a + at);
}

static void
grow_slots(struct roster *r)
{
	struct roster_slot *old = r->slots;
	size_t n = r->slot_count, i;

	r->slot_count *= 2;
	r->slots = xcalloc(r->slot_count, sizeof(*r->slots));
	for (size_t k = 0; k < n; k++) {
		if (old[k].place == 0)
			continue;
		i = old[k].hash & (r->slot_count - 1);
		while (r->slots[i].place != 0)
			i = (i + 1) & (r->slot_count - 1);
		r->slots[i] = old[k];
	}
	free(old);
}

static void
grow_list(struct roster *r)
{
	r->list_alloc = r->list_alloc ? 2 * r->list_alloc : SLOTS_FIRST;
	if (r->count == COUNT_MAX)
		r->list_alloc = SIZE_MAX;	/* which nobody has */
	r->list = xreallocarray(r->list, r->list_alloc, sizeof(*r->list));
}

struct agent *
roster_add(struct roster *r, struct text user_id, bool *fresh)
{
	uint32_t h = hash(r, user_id);
	struct roster_slot *slot = find(r, user_id, h);
	struct agent *a;

	*fresh = slot->place == 0;
	if (!*fresh)
		return r->list[slot->place - 1];
	if (2 * (r->count + 1) > r->slot_count) {
		grow_slots(r);
		slot = find(r, user_id, h);
	}
	if (r->count == r->list_alloc)
		grow_list(r);
	a = r->list[r->count] = agent_new(user_id);
	a->place = (uint32_t)r->count++;
	*slot = (struct roster_slot){ h, a->place + 1 };
	return a;
}

/* Close the hole at i: move back whoever a search would now miss. */
static void
close_hole(struct roster *r, size_t i)
{
	size_t mask = r->slot_count - 1, j = i, home;

	for (;;) {
		r->slots[i] = (struct roster_slot){ 0, 0 };
		do {
			j = (j + 1) & mask;
			if (r->slots[j].place == 0)
				return;
			home = r->slots[j].hash & mask;
		} while (i <= j ? i < home && home <= j :
		    i < home || home <= j);
		r->slots[i] = r->slots[j];
		i = j;
	}
}

static struct roster_slot *
slot_of(const struct roster *r, const struct agent *a)
{
	struct text id = { a->user_id, a->user_id_len };

	return find(r, id, hash(r, id));
}

void
roster_remove(struct roster *r, struct agent *a)
{
	struct agent *last = r->list[r->count - 1];
	size_t hole = (size_t)(slot_of(r, a) - r->slots);

	slot_of(r, last)->place = a->place + 1;
	r->list[a->place] = last;
	last->place = a->place;
	r->count--;
	close_hole(r, hole);
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
