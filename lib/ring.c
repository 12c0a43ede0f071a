#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/ring.h"

struct ring_line {
	struct ring_line *prev, *next;
	uint64_t lost;		/* RING_HOLE */
	int64_t from_ms;	/* likewise */
	struct ring_mark mark;	/* its, or of the last that it stands for */
	size_t len;
	enum ring_kind kind;
	char bytes[];
};

void
ring_init(struct ring *r, size_t cap)
{
	*r = (struct ring){ .cap = cap };
}

static size_t
cost(const struct ring_line *l)
{
	return sizeof(*l) + l->len + 16;	/* malloc's own, about */
}

static void
unlink_line(struct ring *r, struct ring_line *l)
{
	*(l->prev ? &l->prev->next : &r->head) = l->next;
	*(l->next ? &l->next->prev : &r->tail) = l->prev;
	r->bytes -= cost(l);
	free(l);
}

static void
next_event(struct ring *r)
{
	while (r->event != NULL && r->event->kind != RING_EVENT)
		r->event = r->event->next;
}

/* The oldest event line becomes a hole, or part of the one before it. */
static void
drop_oldest(struct ring *r)
{
	struct ring_line *l = r->event, *hole;

	r->event = l->next;
	next_event(r);
	r->lost++;
	r->untold++;
	r->count--;
	if (l->prev != NULL && l->prev->kind == RING_HOLE) {
		l->prev->lost++;
		l->prev->mark = l->mark;
		unlink_line(r, l);
		return;
	}
	r->bytes -= cost(l);
	hole = xreallocarray(l, 1, sizeof(*l));
	hole->kind = RING_HOLE;
	hole->lost = 1;
	hole->from_ms = hole->mark.at_ms;
	hole->len = 0;
	r->bytes += cost(hole);
	*(hole->prev ? &hole->prev->next : &r->head) = hole;
	*(hole->next ? &hole->next->prev : &r->tail) = hole;
}

void
ring_push(struct ring *r, const char *line, size_t len, bool control,
    struct ring_mark mark)
{
	struct ring_line *l = xmalloc(sizeof(*l) + len);

	l->prev = r->tail;
	l->next = NULL;
	l->lost = 0;
	l->from_ms = 0;
	l->mark = mark;
	l->len = len;
	l->kind = control ? RING_CONTROL : RING_EVENT;
	memcpy(l->bytes, line, len);
	*(r->tail ? &r->tail->next : &r->head) = l;
	r->tail = l;
	r->count++;
	r->bytes += cost(l);
	if (r->event == NULL && !control)
		r->event = l;
	while (r->bytes > r->cap && r->event != NULL)
		drop_oldest(r);
}

enum ring_kind
ring_peek(const struct ring *r, const char **line, size_t *len,
    struct ring_hole *hole)
{
	const struct ring_line *l = r->head;

	if (l == NULL)
		return RING_NONE;
	if (l->kind == RING_HOLE) {
		*hole = (struct ring_hole){ l->lost, l->from_ms, l->mark };
	} else {
		*line = l->bytes;
		*len = l->len;
	}
	return l->kind;
}

void
ring_pop(struct ring *r)
{
	struct ring_line *l = r->head;

	if (l == NULL)
		return;
	r->count -= l->kind != RING_HOLE;
	r->untold -= l->lost;
	if (r->event == l) {
		r->event = l->next;
		next_event(r);
	}
	unlink_line(r, l);
}

void
ring_free(struct ring *r)
{
	while (r->head != NULL)
		ring_pop(r);
}
