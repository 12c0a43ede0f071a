#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/names.h"

void
names_add(struct names *n, const char *text, size_t len)
{
	if (n->count == n->alloc) {
		n->alloc = n->alloc > 0 ? n->alloc * 2 : 16;
		n->all = xreallocarray(n->all, n->alloc, sizeof(*n->all));
	}
	n->all[n->count++] = xstrndup(text, len);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
names_seal(struct names *n)
{
	size_t kept = 0;

	if (n->count == 0)
		return;
	qsort(n->all, n->count, sizeof(*n->all), by_text);
	for (size_t i = 0; i < n->count; i++) {
		if (kept > 0 && strcmp(n->all[i], n->all[kept - 1]) == 0)
			free(n->all[i]);
		else
			n->all[kept++] = n->all[i];
	}
	n->count = kept;
}

void
names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->all[i]);
	free(n->all);
	*n = (struct names){ 0 };
}

size_t
names_from(const struct names *n, const char *text)
{
	size_t low = 0, high = n->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(n->all[middle], text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
names_has(const struct names *n, const char *text)
{
	size_t at = names_from(n, text);

	return at < n->count && strcmp(n->all[at], text) == 0;
}

void
names_keep(struct names *n, const struct names *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->count; i++) {
		if (names_has(other, n->all[i]))
			n->all[kept++] = n->all[i];
		else
			free(n->all[i]);
	}
	n->count = kept;
}

void
names_move(struct names *to, struct names *from)
{
	names_free(to);
	*to = *from;
	*from = (struct names){ 0 };
}
