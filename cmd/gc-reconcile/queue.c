/* A queue of questions that gives the first by its order: a binary heap, in
 * which each question knows its place. */
#include <stdlib.h>

#include "cmd/gc-reconcile/reconcile.h"

#define ROOM_FIRST 64

static void
put(struct queue *q, size_t i, struct ask *a)
{
	q->heap[i] = a;
	a->place = (uint32_t)i;
}

/* Let a rise from place i as far as it goes before others. */
static void
rise(struct queue *q, size_t i, struct ask *a)
{
	while (i > 0 && q->before(a, q->heap[(i - 1) / 2])) {
		put(q, i, q->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(q, i, a);
}

static void
sink(struct queue *q, size_t i, struct ask *a)
{
	size_t child;

	while ((child = 2 * i + 1) < q->count) {
		if (child + 1 < q->count &&
		    q->before(q->heap[child + 1], q->heap[child]))
			child++;
		if (!q->before(q->heap[child], a))
			break;
		put(q, i, q->heap[child]);
		i = child;
	}
	put(q, i, a);
}

void
queue_push(struct queue *q, struct ask *a)
{
	if (q->count == q->room) {
		q->room = q->room == 0 ? ROOM_FIRST : q->room * 2;
		q->heap = xreallocarray(q->heap, q->room, sizeof(*q->heap));
	}
	q->count++;
	rise(q, q->count - 1, a);
}

void
queue_remove(struct queue *q, struct ask *a)
{
	size_t i = a->place;
	struct ask *last = q->heap[--q->count];

	if (last == a)
		return;
	if (i > 0 && q->before(last, q->heap[(i - 1) / 2]))
		rise(q, i, last);
	else
		sink(q, i, last);
}

struct ask *
queue_first(const struct queue *q)
{
	return q->count > 0 ? q->heap[0] : NULL;
}

void
queue_free(struct queue *q)
{
	free(q->heap);
	q->heap = NULL;
	q->count = q->room = 0;
}
