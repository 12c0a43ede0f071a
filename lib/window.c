#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/supersede.h"
#include "lib/window.h"

void
window_init(struct window *w, int64_t window_ms, window_emit *emit, void *arg,
    uint64_t random)
{
	*w = (struct window){ .window_ms = window_ms, .emit = emit,
	    .arg = arg };
	held_init(&w->keys, random);
	buf_init(&w->line, MERGE_LINE_MAX);
	event_init(&w->early_frame);
}

void
window_free(struct window *w)
{
	held_free(&w->keys);
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
	held_drop(&w->keys, h);
}

static int
by_order(const void *x, const void *y)
{
	const struct held_first *a = x, *b = y;

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
	while (w->keys.count > 0 &&
	    stamp_diff_ms(stamp, w->keys.heap[0].stamp) >= w->window_ms) {
		if (n == w->due_alloc) {
			w->due_alloc = n > 0 ? 2 * n : 16;
			w->due = xreallocarray(w->due, w->due_alloc,
			    sizeof(*w->due));
		}
		w->due[n++] = w->keys.heap[0];
		held_retire(&w->keys, w->keys.heap[0].held);
	}
	if (n > 1)
		qsort(w->due, n, sizeof(*w->due), by_order);
	for (size_t i = 0; i < n; i++)
		let_out(w, w->due[i].held);
}

int64_t
window_expire(struct window *w, int64_t now_ms)
{
	const struct held_set *k = &w->keys;

	while (k->oldest != NULL &&
	    now_ms - k->oldest->first_ms >= w->window_ms)
		let_out(w, k->oldest);
	return k->oldest != NULL ? k->oldest->first_ms + w->window_ms :
	    CLOCK_NEVER;
}

void
window_flush(struct window *w)
{
	while (w->keys.oldest != NULL)
		let_out(w, w->keys.oldest);
}

/* --- taking in ---------------------------------------------------------- */

static void
add(struct window *w, struct held *h, const struct event *ev,
    const char *line, size_t raw)
{
	w->keys.bytes -= h->merge.bytes;
	merge_add(&h->merge, ev, line, raw);
	w->keys.bytes += h->merge.bytes;
}

static void
push_status(struct window *w, const struct event *ev, const char *line,
    size_t raw, int64_t now_ms)
{
	struct held_id k = held_key(&w->keys, ev->user_id, ev->tier.queue_id,
	    PARTS_NONE);
	const struct merge_item *same = NULL;
	struct held *h;

	end_by_event(w, ev->tier.at.stamp);
	h = held_find(&w->keys, &k);
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
		h = held_new(&w->keys, &k, ev->tier.at.stamp, now_ms);
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
	struct held_id k;

	for (int t = PARTS_NONE + 1; t < PARTS_TOPICS; t++) {
		if (t == (int)ev->topic)
			continue;
		k = held_key(&w->keys, ev->user_id, ev->tier.queue_id,
		    (enum parts_topic)t);
		h = held_find(&w->keys, &k);
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
	struct held_id k = held_key(&w->keys, ev->user_id,
	    ev->tier.queue_id, ev->topic);
	bool timeless = supersede_is_timeless(ev);
	struct stamp moment;
	struct held *h;

	if (supersede_moment(ev, &moment))
		end_by_event(w, moment);
	else
		moment = w->reached;
	keep_order(w, ev, timeless);
	h = held_find(&w->keys, &k);
	if (h != NULL && !replaces(w, h, ev, line, raw)) {
		let_out(w, h);
		h = NULL;
	}
	if (h == NULL) {
		h = held_new(&w->keys, &k, moment, now_ms);
	} else {
		w->keys.bytes -= h->merge.bytes;
		merge_clear(&h->merge);
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
	while (w->keys.bytes > WINDOW_BYTES_MAX && w->keys.oldest != NULL) {
		w->early++;
		let_out(w, w->keys.oldest);
	}
}
