#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/hash.h"
#include "lib/index.h"

#define SLOTS_FIRST 64

void
index_init(struct index *ix, uint64_t key)
{
	*ix = (struct index){ .key = key, .slot_count = SLOTS_FIRST };
	ix->slots = xcalloc(ix->slot_count, sizeof(*ix->slots));
}

void
index_free(struct index *ix)
{
	for (size_t i = 0; i < ix->count; i++)
		free(ix->all[i].text);
	free(ix->all);
	free(ix->slots);
	*ix = (struct index){ 0 };
}

/* The slot that holds the text, or the empty one where it would go. */
static size_t
find(const struct index *ix, struct text t, uint64_t h)
{
	size_t mask = ix->slot_count - 1, i = h & mask;

	for (; ix->slots[i] != 0; i = (i + 1) & mask) {
		const struct index_entry *e = &ix->all[ix->slots[i] - 1];

		if (e->hash == h && e->len == t.len &&
		    memcmp(e->text, t.p, t.len) == 0)
			break;
	}
	return i;
}

static void
grow(struct index *ix)
{
	size_t mask, i;

	free(ix->slots);
	ix->slot_count *= 2;
	ix->slots = xcalloc(ix->slot_count, sizeof(*ix->slots));
	mask = ix->slot_count - 1;
	for (size_t n = 0; n < ix->count; n++) {
		i = ix->all[n].hash & mask;
		while (ix->slots[i] != 0)
			i = (i + 1) & mask;
		ix->slots[i] = n + 1;
	}
}

size_t
index_add(struct index *ix, struct text t)
{
	uint64_t h = hash_bytes(ix->key, t.p, t.len);
	size_t i = find(ix, t, h);

	if (ix->slots[i] != 0)
		return ix->slots[i] - 1;
	if (ix->count == ix->alloc) {
		ix->alloc = ix->alloc > 0 ? 2 * ix->alloc : SLOTS_FIRST / 2;
		ix->all = xreallocarray(ix->all, ix->alloc, sizeof(*ix->all));
	}
	ix->all[ix->count++] = (struct index_entry){ xstrndup(t.p, t.len),
	    t.len, h };
	ix->slots[i] = ix->count;
	if (2 * ix->count > ix->slot_count)
		grow(ix);
	return ix->count - 1;
}

size_t
index_get(const struct index *ix, struct text t)
{
	size_t number = ix->slots[find(ix, t,
	    hash_bytes(ix->key, t.p, t.len))];

	return number == 0 ? INDEX_NONE : number - 1;
}

struct text
index_text(const struct index *ix, size_t number)
{
	return (struct text){ ix->all[number].text, ix->all[number].len };
}

void
index_copy(struct index *to, const struct index *from)
{
	index_init(to, from->key);
	for (size_t i = 0; i < from->count; i++)
		index_add(to, index_text(from, i));
}
