#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/hash.h"
#include "lib/merge.h"
#include "lib/supersede.h"
#include "lib/window.h"

#define SLOTS_FIRST 256
#define NOWHERE SIZE_MAX	/* taken out of the heap */

struct held {
	struct held *chain;		/* in the slot */
	struct held *older, *newer;	/* in the order first held */
	size_t heap_at;
	uint64_t hash, order;
	int64_t first_ms;
	struct merge merge;
	uint32_t user_len, key_len;
	bool has_queue;
	bool timeless;			/* a frame as new as its arrival */
	enum parts_topic topic;
	char key[];			/* user id, queue id */
};

/* Whose events are held together. */
struct key {
	struct text user, queue;
	enum parts_topic topic;		/* of a frame */
	uint64_t hash;
};

void
window_init(struct window *w, int64_t window_ms, window_emit *emit, void *arg,
    uint64_t random)
{
	*w = (struct window){ .window_ms = window_ms, .emit = emit,
	    .arg = arg, .hash_key = random, .slot_count = SLOTS_FIRST };
	w->slots = xcalloc(w->slot_count, sizeof(struct held *));
	buf_init(&w->line, MERGE_LINE_MAX);
	event_init(&w->early_frame);
}

/* --- the order of stamps: a binary heap --------------------------------- */

static inline bool
heap_before(const struct window_first *a, const struct window_first *b)
{
	return a->stamp.sec != b->stamp.sec ? a->stamp.sec < b->stamp.sec :
	    a->stamp.nsec < b->stamp.nsec;
}

static inline void
heap_set(struct window *w, size_t i, struct window_first f)
{
	w->heap[i] = f;
	f.held->heap_at = i;
}

static void
heap_sift(struct window *w, size_t i)
{
	struct window_first f = w->heap[i];
	size_t child;

	for (; i > 0 && heap_before(&f, &w->heap[(i - 1) / 2]);
	    i = (i - 1) / 2)
		heap_set(w, i, w->heap[(i - 1) / 2]);
	for (; (child = 2 * i + 1) < w->count; i = child) {
		if (child + 1 < w->count &&
		    heap_before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!heap_before(&w->heap[child], &f))
			break;
		heap_set(w, i, w->heap[child]);
	}
	heap_set(w, i, f);
}

static void
heap_remove(struct window *w, struct held *h)
{
	size_t i = h->heap_at;
	struct window_first last = w->heap[--w->count];

	h->heap_at = NOWHERE;
	if (last.held == h)
		return;
	heap_set(w, i, last);
	heap_sift(w, i);
}

/* --- finding, holding, forgetting --------------------------------------- */

static struct key
make_key(const struct window *w, struct text user, struct text queue,
    enum parts_topic topic)
{
	uint64_t hash = hash_bytes(w->hash_key + topic, user.p, user.len);

	if (queue.p != NULL)
		hash = hash_bytes(hash, queue.p, queue.len);
	return (struct key){ user, queue, topic, hash };
}

static struct held *
find(const struct window *w, const struct key *k)
{
	struct text user = k->user, queue = k->queue;
	struct held *h = w->slots[k->hash & (w->slot_count - 1)];

	while (h != NULL && !(h->hash == k->hash && h->user_len == user.len &&
	    h->key_len == user.len + queue.len && h->topic == k->topic &&
	    h->has_queue == (queue.p != NULL) &&
	    memcmp(h->key, user.p, user.len) == 0 &&
	    (queue.len == 0 ||
	    memcmp(h->key + user.len, queue.p, queue.len) == 0)))
		h = h->chain;
	return h;
}

static void
grow_slots(struct window *w)
{
	struct held **old = w->slots, *h, *next;
	size_t n = w->slot_count;

	w->slot_count *= 2;
	w->slots = xcalloc(w->slot_count, sizeof(struct held *));
	for (size_t i = 0; i < n; i++)
		for (h = old[i]; h != NULL; h = next) {
			next = h->chain;
			h->chain = w->slots[h->hash & (w->slot_count - 1)];
			w->slots[h->hash & (w->slot_count - 1)] = h;
		}
	free(old);
}

static struct held *
hold_key(struct window *w, const struct key *k, struct stamp first,
    int64_t now_ms)
{
	struct text user = k->user, queue = k->queue;
	struct held *h = xcalloc(1, sizeof(*h) + user.len + queue.len);

	h->hash = k->hash;
	h->topic = k->topic;
	h->order = w->order++;
	h->first_ms = now_ms;
	h->user_len = user.len;
	h->key_len = user.len + queue.len;
	h->has_queue = queue.p != NULL;
	memcpy(h->key, user.p, user.len);
	if (queue.len > 0)
		memcpy(h->key + user.len, queue.p, queue.len);
	if (w->count == w->slot_count)
		grow_slots(w);
	h->chain = w->slots[k->hash & (w->slot_count - 1)];
	w->slots[k->hash & (w->slot_count - 1)] = h;
	h->older = w->newest;
	*(w->newest ? &w->newest->newer : &w->oldest) = h;
	w->newest = h;
	if (w->count == w->heap_alloc) {
		w->heap_alloc = w->heap_alloc ? 2 * w->heap_alloc :
		    SLOTS_FIRST;
		w->heap = xreallocarray(w->heap, w->heap_alloc,
		    sizeof(struct window_first));
	}
	heap_set(w, w->count++, (struct window_first){ first, h });
	heap_sift(w, w->count - 1);
	w->bytes += sizeof(*h) + h->key_len;
	return h;
}

static void
drop(struct window *w, struct held *h)
{
	struct held **p = &w->slots[h->hash & (w->slot_count - 1)];

	while (*p != h)
		p = &(*p)->chain;
	*p = h->chain;
	*(h->older ? &h->older->newer : &w->oldest) = h->newer;
	*(h->newer ? &h->newer->older : &w->newest) = h->older;
	if (h->heap_at != NOWHERE)
		heap_remove(w, h);
	w->bytes -= sizeof(*h) + h->key_len + h->merge.bytes;
	merge_free(&h->merge);
	free(h);
}

void
window_free(struct window *w)
{
	while (w->oldest != NULL)
		drop(w, w->oldest);
	free(w->slots);
	free(w->heap);
	free(w->due);
	buf_free(&w->line);
	event_free(&w->early_frame);
	*w = (struct window){ 0 };
}

/* --- letting out -------------------------------------------------------- */

static void
let_out(struct window *w, struct held *h)
{
	size_t len;
	const char *line = merge_line(&h->merge, &w->line, &len);

	w->emit(w->arg, line, len);
	drop(w, h);
}

static int
by_order(const void *x, const void *y)
{
	const struct window_first *a = x, *b = y;

	return (a->held->order > b->held->order) -
	    (a->held->order < b->held->order);
}

/* The keys that an event so late ends, in the order first held. */
static void
end_by_event(struct window *w, struct stamp stamp)
{
	size_t n = 0;

	if (stamp_cmp(stamp, w->reached) > 0)
		w->reached = stamp;
	while (w->count > 0 &&
	    stamp_diff_ms(stamp, w->heap[0].stamp) >= w->window_ms) {
		if (n == w->due_alloc) {
			w->due_alloc = n > 0 ? 2 * n : 16;
			w->due = xreallocarray(w->due, w->due_alloc,
			    sizeof(*w->due));
		}
		w->due[n++] = w->heap[0];
		heap_remove(w, w->heap[0].held);
	}
	if (n > 1)
		qsort(w->due, n, sizeof(*w->due), by_order);
	for (size_t i = 0; i < n; i++)
		let_out(w, w->due[i].held);
}

int64_t
window_expire(struct window *w, int64_t now_ms)
{
	while (w->oldest != NULL &&
	    now_ms - w->oldest->first_ms >= w->window_ms)
		let_out(w, w->oldest);
	return w->oldest != NULL ? w->oldest->first_ms + w->window_ms :
	    CLOCK_NEVER;
}

void
window_flush(struct window *w)
{
	while (w->oldest != NULL)
		let_out(w, w->oldest);
}

/* --- taking in ---------------------------------------------------------- */

static void
add(struct window *w, struct held *h, const struct event *ev,
    const char *line, size_t raw)
{
	w->bytes -= h->merge.bytes;
	merge_add(&h->merge, ev, line, raw);
	w->bytes += h->merge.bytes;
}

static void
push_status(struct window *w, const struct event *ev, const char *line,
    size_t raw, int64_t now_ms)
{
	struct key k = make_key(w, ev->user_id, ev->tier.queue_id,
	    PARTS_NONE);
	const struct merge_item *same = NULL;
	struct held *h;

	end_by_event(w, ev->tier.at.stamp);
	h = find(w, &k);
	if (h != NULL)
		same = merge_find(&h->merge, ev->tier.at.stamp);
	if (same != NULL && text_eq(same->status, ev->tier.status)) {
		w->copies++;
		return;
	}
	/* of two at one moment, the order is not ours to guess */
	if (h != NULL && (same != NULL || !merge_fits(&h->merge, ev, raw))) {
		let_out(w, h);
		h = NULL;
	}
	if (h == NULL)
		h = hold_key(w, &k, ev->tier.at.stamp, now_ms);
	else
		w->merged++;
	add(w, h, ev, line, raw);
}

/* What is as new as its arrival overtakes no other frame of its user, and is
 * overtaken by none. */
static void
keep_order(struct window *w, const struct event *ev, bool timeless)
{
	struct held *h;
	struct key k;

	for (int t = PARTS_NONE + 1; t < PARTS_TOPICS; t++) {
		if (t == (int)ev->topic)
			continue;
		k = make_key(w, ev->user_id, ev->tier.queue_id,
		    (enum parts_topic)t);
		h = find(w, &k);
		if (h != NULL && (timeless || h->timeless))
			let_out(w, h);
	}
}

/* Does the frame say all that the held one says?  Counted. */
static bool
replaces(struct window *w, const struct held *h, const struct event *ev,
    const char *line, size_t raw)
{
	const struct merge *m = &h->merge;

	if (m->line_len == raw && memcmp(m->line, line, raw) == 0) {
		w->copies++;
		return true;
	}
	if (event_parse(&w->early_frame, m->line, m->line_len, 0) != NULL ||
	    !supersedes(ev, &w->early_frame))
		return false;
	w->merged++;
	return true;
}

static void
push_frame(struct window *w, const struct event *ev, const char *line,
    size_t raw, int64_t now_ms)
{
	struct key k = make_key(w, ev->user_id, ev->tier.queue_id, ev->topic);
	bool timeless = supersede_is_timeless(ev);
	struct stamp moment;
	struct held *h;

	if (supersede_moment(ev, &moment))
		end_by_event(w, moment);
	else
		moment = w->reached;
	keep_order(w, ev, timeless);
	h = find(w, &k);
	if (h != NULL && !replaces(w, h, ev, line, raw)) {
		let_out(w, h);
		h = NULL;
	}
	if (h == NULL) {
		h = hold_key(w, &k, moment, now_ms);
	} else {
		w->bytes -= h->merge.bytes;
		merge_free(&h->merge);
	}
	h->timeless = timeless;
	add(w, h, ev, line, raw);
}

void
window_push(struct window *w, const struct event *ev, const char *line,
    size_t raw, int64_t now_ms)
{
	if (w->window_ms == 0) {
		w->emit(w->arg, line, raw);
		return;
	}
	(ev->kind == EVENT_FRAME ? push_frame : push_status)(w, ev, line, raw,
	    now_ms);
	while (w->bytes > WINDOW_BYTES_MAX && w->oldest != NULL) {
		w->early++;
		let_out(w, w->oldest);
	}
}
