#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/hash.h"
#include "lib/span.h"
#include "lib/words.h"

#define SLOTS_FIRST 64

static struct {
	struct word **slots;	/* open addressing; a power of two */
	size_t slot_count, count;
	uint64_t key;
} pool;

void
words_key(uint64_t key)
{
	if (pool.count == 0)
		pool.key = key;
}

size_t
words_held(void)
{
	return pool.count;
}

/* The slot of the text, or the empty one where it would go. */
static size_t
find(const char *text, uint32_t len, uint64_t hash)
{
	size_t mask = pool.slot_count - 1, i = hash & mask;
	const struct word *w;

	while ((w = pool.slots[i]) != NULL && (w->hash != hash ||
	    w->len != len || memcmp(w->text, text, len) != 0))
		i = (i + 1) & mask;
	return i;
}

static void
grow(void)
{
	struct word **old = pool.slots;
	size_t n = pool.slot_count, i;

	pool.slot_count = n > 0 ? 2 * n : SLOTS_FIRST;
	pool.slots = xcalloc(pool.slot_count, sizeof(struct word *));
	for (size_t k = 0; k < n; k++) {
		if (old[k] == NULL)
			continue;
		i = old[k]->hash & (pool.slot_count - 1);
		while (pool.slots[i] != NULL)
			i = (i + 1) & (pool.slot_count - 1);
		pool.slots[i] = old[k];
	}
	free(old);
}

struct word *
words_get(const char *text, uint32_t len)
{
	uint64_t hash = hash_bytes(pool.key, text, len);
	struct word *w;
	size_t i;

	if (2 * (pool.count + 1) > pool.slot_count)
		grow();
	i = find(text, len, hash);
	w = pool.slots[i];
	if (w == NULL) {
		w = xmalloc(sizeof(*w) + len + 1);
		*w = (struct word){ .hash = hash, .len = len,
		    .plain = span_plain(text, text + len) == text + len };
		memcpy(w->text, text, len);
		w->text[len] = '\0';
		pool.slots[i] = w;
		pool.count++;
	}
	w->refs++;
	return w;
}

/* Close the hole at i: move back whoever a search would now miss. */
static void
close_hole(size_t i)
{
	size_t mask = pool.slot_count - 1, j = i, home;

	for (;;) {
		pool.slots[i] = NULL;
		do {
			j = (j + 1) & mask;
			if (pool.slots[j] == NULL)
				return;
			home = pool.slots[j]->hash & mask;
		} while (i <= j ? i < home && home <= j :
		    i < home || home <= j);
		pool.slots[i] = pool.slots[j];
		i = j;
	}
}

void
words_drop(struct word *w)
{
	if (w == NULL || --w->refs > 0)
		return;
	close_hole(find(w->text, w->len, w->hash));
	free(w);
	if (--pool.count > 0)
		return;
	free(pool.slots);
	pool.slots = NULL;
	pool.slot_count = 0;
}
