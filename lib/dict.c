#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/dict.h"
#include "lib/str.h"

void
dict_free(struct dict *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free(d->all[i].id);
		free(d->all[i].name);
	}
	free(d->all);
	*d = (struct dict){ NULL, 0, 0, 0 };
}

static bool
has_control(struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
			return true;
	return false;
}

/* Not in the middle of a character. */
static uint32_t
cut(struct text name)
{
	uint32_t len = name.len;

	if (len <= DICT_NAME_MAX)
		return len;
	len = DICT_NAME_MAX;
	while (len > 0 && ((unsigned char)name.p[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* The name with blanks for control characters, C1 and NUL among them. */
static void
put_name(struct dict_entry *e, struct text name)
{
	const char *p = name.p, *end = p + cut(name);
	char *to;

	e->name = to = xcalloc((size_t)(end - p) + 1, 1);
	while (p < end) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			*to++ = ' ';
			p++;
		} else if (end - p > 1 && *p == '\xc2' &&
		    (unsigned char)p[1] < 0xa0) {
			*to++ = ' ';
			p += 2;
		} else {
			*to++ = *p++;
		}
	}
	e->name_len = (uint32_t)(to - e->name);
}

void
dict_put(struct dict *d, struct text id, struct text name)
{
	struct dict_entry *e;

	if (id.p == NULL || name.p == NULL || id.len == 0 || name.len == 0 ||
	    has_control(id))
		return;
	if (d->count == d->alloc) {
		d->alloc = d->alloc > 0 ? 2 * d->alloc : 64;
		d->all = xreallocarray(d->all, d->alloc, sizeof(*d->all));
	}
	e = &d->all[d->count];
	*e = (struct dict_entry){ .id = xstrndup(id.p, id.len),
	    .id_len = id.len, .order = d->count };
	put_name(e, name);
	d->count++;
}

static struct text
id_of(const struct dict_entry *e)
{
	return (struct text){ e->id, e->id_len };
}

static int
by_id(const void *a, const void *b)
{
	const struct dict_entry *x = a, *y = b;
	int order = text_cmp(id_of(x), id_of(y));

	return order != 0 ? order : (x->order > y->order) -
	    (x->order < y->order);
}

static void
seal(struct dict *d)
{
	size_t n = 0;

	if (d->sorted == d->count)
		return;
	qsort(d->all, d->count, sizeof(*d->all), by_id);
	for (size_t i = 0; i < d->count; i++) {
		if (n > 0 && text_eq(id_of(&d->all[n - 1]),
		    id_of(&d->all[i]))) {
			n--;
			free(d->all[n].id);
			free(d->all[n].name);
		}
		d->all[n] = d->all[i];
		d->all[n].order = n;
		n++;
	}
	d->count = d->sorted = n;
}

struct text
dict_get(struct dict *d, struct text id)
{
	size_t low = 0, high, middle;
	int order;

	seal(d);
	high = d->count;
	while (low < high) {
		middle = low + (high - low) / 2;
		order = text_cmp(id, id_of(&d->all[middle]));
		if (order == 0)
			return (struct text){ d->all[middle].name,
			    d->all[middle].name_len };
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return (struct text){ NULL, 0 };
}

size_t
dict_count(struct dict *d)
{
	seal(d);
	return d->count;
}

void
dict_add(struct dict *d, const struct dict *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct dict_entry *e = &from->all[i];

		dict_put(d, id_of(e), (struct text){ e->name, e->name_len });
	}
}

void
dict_read(struct dict *d, const char *text, size_t len, uint64_t *bad)
{
	const char *end = text + len, *eol, *tab, *next;
	uint64_t line = 0;

	*bad = 0;
	for (; text < end; text = next) {
		eol = memchr(text, '\n', (size_t)(end - text));
		next = eol != NULL ? eol + 1 : end;
		if (eol == NULL)
			eol = end;
		line++;
		if (eol > text && eol[-1] == '\r')
			eol--;
		if (eol == text)
			continue;
		tab = memchr(text, '\t', (size_t)(eol - text));
		if (tab == NULL || tab == text || tab + 1 == eol ||
		    memchr(text, '\0', (size_t)(tab - text)) != NULL ||
		    !str_is_utf8(text, (size_t)(eol - text))) {
			if (*bad == 0)
				*bad = line;
			continue;
		}
		dict_put(d, (struct text){ text, (uint32_t)(tab - text) },
		    (struct text){ tab + 1, (uint32_t)(eol - tab - 1) });
	}
}

int
dict_write(struct dict *d, struct buf *out)
{
	seal(d);
	for (size_t i = 0; i < d->count; i++) {
		const struct dict_entry *e = &d->all[i];

		if (buf_add(out, e->id, e->id_len) == -1 ||
		    buf_adds(out, "\t") == -1 ||
		    buf_add(out, e->name, e->name_len) == -1 ||
		    buf_adds(out, "\n") == -1)
			return -1;
	}
	return 0;
}
