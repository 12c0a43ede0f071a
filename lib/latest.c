#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/latest.h"

#define COST 64			/* of an allocation, about */

void
latest_init(struct latest *l, size_t cap, uint64_t key)
{
	*l = (struct latest){ .cap = cap };
	index_init(&l->ids, key);
}

void
latest_free(struct latest *l)
{
	for (size_t i = 0; i < l->ids.count; i++)
		free(l->all[i].line);
	free(l->all);
	index_free(&l->ids);
	*l = (struct latest){ 0 };
}

static void
drop_line(struct latest *l, struct latest_item *item)
{
	if (item->line != NULL)
		l->bytes -= item->len + COST;
	free(item->line);
	item->line = NULL;
}

static struct latest_item *
have_item(struct latest *l, size_t number, size_t known)
{
	if (l->ids.count > l->alloc) {
		l->alloc = l->alloc > 0 ? 2 * l->alloc : 64;
		l->all = xreallocarray(l->all, l->alloc, sizeof(*l->all));
	}
	if (number == known)
		l->all[number] = (struct latest_item){ .written = true };
	return &l->all[number];
}

/* Forget written lines until there is room, once around at most. */
static void
make_room(struct latest *l)
{
	for (size_t n = l->ids.count; n > 0 && l->bytes > l->cap; n--) {
		struct latest_item *item = &l->all[l->hand];

		if (item->written && item->line != NULL) {
			drop_line(l, item);
			l->forgotten++;
		}
		l->hand = (l->hand + 1) % l->ids.count;
	}
}

size_t
latest_put(struct latest *l, struct text id, const char *stamp, bool gone,
    const char *line, size_t len)
{
	size_t known = l->ids.count, number = index_add(&l->ids, id);
	struct latest_item *item = have_item(l, number, known);
	size_t n = strlen(stamp);

	if (strcmp(stamp, item->stamp) < 0)
		return LATEST_STALE;
	n = n < LATEST_STAMP_MAX ? n : LATEST_STAMP_MAX - 1;
	memcpy(item->stamp, stamp, n);
	item->stamp[n] = '\0';
	drop_line(l, item);
	item->line = xstrndup(line, len);
	item->len = (uint32_t)len;
	item->gone = gone;
	item->version++;
	l->unwritten += item->written;
	item->written = false;
	l->bytes += len + COST;
	if (l->bytes > l->cap && l->unwritten < l->ids.count)
		make_room(l);
	return number;
}

bool
latest_written(struct latest *l, size_t number, uint32_t version)
{
	struct latest_item *item = &l->all[number];

	if (item->version != version)
		return false;
	l->unwritten -= !item->written;
	item->written = true;
	if (item->gone)
		drop_line(l, item);
	return true;
}

bool
latest_full(const struct latest *l)
{
	return l->bytes > l->cap && l->unwritten > 0;
}
