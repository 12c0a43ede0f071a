#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/merge.h"

#define FIELD_MAX 256		/* the merged field without its texts */
#define ESCAPED_MAX 6		/* bytes of one byte in JSON */
#define SHORT_LINE (NDJSON_LINE_MAX / 16)	/* always fits */

void
merge_clear(struct merge *m)
{
	struct merge_item *i, *earlier;

	for (i = m->latest; i != NULL; i = earlier) {
		earlier = i->earlier;
		free(i);
	}
	*m = (struct merge){ .line = m->line, .room = m->room };
}

void
merge_free(struct merge *m)
{
	merge_clear(m);
	free(m->line);
	*m = (struct merge){ 0 };
}

/* The latest are asked first: that is where nearly every event belongs,
 * however many are held. */
const struct merge_item *
merge_find(const struct merge *m, struct stamp stamp)
{
	const struct merge_item *i = m->latest;

	while (i != NULL && stamp_cmp(i->stamp, stamp) > 0)
		i = i->earlier;
	return i != NULL && stamp_cmp(i->stamp, stamp) == 0 ? i : NULL;
}

/* previousStatus of the earliest event that a line stands for. */
static struct text
first_previous(const struct event *ev)
{
	return ev->merged ? ev->merged_previous : ev->tier.previous;
}

bool
merge_fits(const struct merge *m, const struct event *ev, size_t raw)
{
	size_t line = raw > m->line_len ? raw : m->line_len;
	size_t text = first_previous(ev).len;

	for (const struct merge_item *i = m->latest; i != NULL &&
	    line >= SHORT_LINE; i = i->earlier)
		if (i->previous.len > text)
			text = i->previous.len;
	return line < SHORT_LINE ||
	    line + ESCAPED_MAX * text + FIELD_MAX <= NDJSON_LINE_MAX;
}

static char *
keep(char *to, struct text from, struct text *kept)
{
	*kept = (struct text){ from.p == NULL ? NULL : to, from.len };
	if (from.p != NULL && from.len > 0)
		memcpy(to, from.p, from.len);
	return to + from.len;
}

static struct merge_item *
new_item(const struct event *ev, size_t *size)
{
	struct text previous = first_previous(ev);
	const struct told *since = ev->merged ? &ev->since : &ev->tier.at;
	struct merge_item *i;
	char *to;

	*size = sizeof(*i) + ev->tier.status.len + previous.len +
	    since->text.len;
	i = xmalloc(*size);
	i->stamp = ev->tier.at.stamp;
	i->since.stamp = since->stamp;
	i->count = ev->merged ? ev->merged_count : 1;
	i->intact = !ev->merged || ev->intact;
	to = keep(i->bytes, ev->tier.status, &i->status);
	to = keep(to, previous, &i->previous);
	keep(to, since->text, &i->since.text);
	return i;
}

void
merge_add(struct merge *m, const struct event *ev, const char *line,
    size_t raw)
{
	struct merge_item *item, **p = &m->latest;
	size_t size;

	item = new_item(ev, &size);
	while (*p != NULL && stamp_cmp((*p)->stamp, item->stamp) > 0)
		p = &(*p)->earlier;
	item->earlier = *p;
	*p = item;
	m->bytes += size;
	if (m->latest != item)
		return;		/* late: the line is that of the latest */
	m->bytes = m->bytes - m->line_len + raw;
	if (raw > m->room) {
		m->line = xreallocarray(m->line, raw, 1);
		m->room = raw;
	}
	memcpy(m->line, line, raw);
	m->line_len = raw;
}

/* A count that is told must be one that can be read. */
static uint64_t
sum(uint64_t a, uint64_t b)
{
	return a > SLICE_NUMBER_MAX - b ? SLICE_NUMBER_MAX : a + b;
}

/* What all the events together say. */
struct summary {
	uint64_t count;
	bool intact;
	const struct merge_item *first;
};

static struct summary
summarize(const struct merge *m)
{
	struct summary s = { 0, true, m->latest };

	for (const struct merge_item *i = m->latest; i != NULL;
	    i = i->earlier) {
		s.count = sum(s.count, i->count);
		s.intact = s.intact && i->intact;
		if (stamp_cmp(i->since.stamp, s.first->since.stamp) <= 0)
			s.first = i;
		if (i->earlier == NULL)
			break;
		/* each began where the one before ended; of lines merged
		 * before that reach into one another nobody can say */
		if ((i->previous.p != NULL &&
		    !text_eq(i->previous, i->earlier->status)) ||
		    stamp_cmp(i->since.stamp, i->earlier->stamp) <= 0)
			s.intact = false;
	}
	return s;
}

const char *
merge_line(const struct merge *m, struct buf *room, size_t *len)
{
	struct summary s;
	size_t end = m->line_len;

	*len = m->line_len;
	if (m->latest->earlier == NULL)
		return m->line;
	s = summarize(m);
	while (m->line[end - 1] != '}')
		end--;
	buf_reset(room);
	buf_add(room, m->line, end - 1);
	buf_adds(room, ",\"merged\":{\"count\":");
	buf_add_number(room, s.count);
	buf_adds(room, ",\"previousStatus\":");
	if (s.first->previous.p != NULL)
		buf_add_json(room, s.first->previous.p,
		    s.first->previous.len);
	else
		buf_adds(room, "null");
	buf_adds(room, ",\"since\":");
	buf_add_json(room, s.first->since.text.p, s.first->since.text.len);
	buf_adds(room, s.intact ? ",\"intact\":true}" :
	    ",\"intact\":false}");
	buf_add(room, m->line + end - 1, m->line_len - end + 1);
	*len = room->len;
	return room->data;
}
