#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/ndjson.h"
#include "lib/window.h"

#define SLOTS_FIRST 256
#define FIELD_MAX 256		/* the merged field without its texts */
#define ESCAPED_MAX 6		/* bytes of one byte in JSON */

/* One event that a key holds, without its line. */
struct item {
	struct item *earlier;
	struct stamp stamp;
	struct text status;
	/* of the earliest event that it stands for, most often itself */
	struct text previous;
	struct told since;
	uint64_t count;		/* events that it stands for */
	bool intact;
	size_t size;
	char bytes[];
};

struct held {
	struct held *chain;		/* in the slot */
	struct held *older, *newer;	/* in the order first held */
	size_t heap_at;
	uint64_t hash, order;
	int64_t first_ms;
	struct stamp first;
	struct item *latest;
	char *line;			/* of the latest */
	size_t line_len;
	uint32_t user_len, key_len;
	bool has_queue;
	char key[];			/* user id, queue id */
};

void
window_init(struct window *w, int64_t window_ms, window_emit *emit, void *arg,
    uint64_t random)
{
	*w = (struct window){ .window_ms = window_ms, .emit = emit,
	    .arg = arg, .hash_key = random, .slot_count = SLOTS_FIRST };
	w->slots = xcalloc(w->slot_count, sizeof(struct held *));
	buf_init(&w->line, NDJSON_LINE_MAX + 2);	/* "\r\n" */
}

/* --- the order of stamps: a binary heap --------------------------------- */

static bool
heap_before(const struct held *a, const struct held *b)
{
	return stamp_cmp(a->first, b->first) < 0;
}

static void
heap_set(struct window *w, size_t i, struct held *h)
{
	w->heap[i] = h;
	h->heap_at = i;
}

static void
heap_sift(struct window *w, size_t i)
{
	struct held *h = w->heap[i];
	size_t child;

	for (; i > 0 && heap_before(h, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap_set(w, i, w->heap[(i - 1) / 2]);
	for (; (child = 2 * i + 1) < w->count; i = child) {
		if (child + 1 < w->count &&
		    heap_before(w->heap[child + 1], w->heap[child]))
			child++;
		if (!heap_before(w->heap[child], h))
			break;
		heap_set(w, i, w->heap[child]);
	}
	heap_set(w, i, h);
}

static void
heap_remove(struct window *w, struct held *h)
{
	size_t i = h->heap_at;
	struct held *last = w->heap[--w->count];

	if (last == h)
		return;
	heap_set(w, i, last);
	heap_sift(w, i);
}

/* --- finding, holding, forgetting --------------------------------------- */

static uint64_t
mix(uint64_t h, struct text t)
{
	for (uint32_t i = 0; i < t.len; i++)
		h = (h ^ (unsigned char)t.p[i]) * 0x100000001b3u;
	return (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9u;
}

static struct held *
find(const struct window *w, const struct event *ev, uint64_t hash)
{
	struct text user = ev->user_id, queue = ev->tier.queue_id;
	struct held *h = w->slots[hash & (w->slot_count - 1)];

	while (h != NULL && !(h->hash == hash && h->user_len == user.len &&
	    h->key_len == user.len + queue.len &&
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
hold_key(struct window *w, const struct event *ev, uint64_t hash,
    int64_t now_ms)
{
	struct text user = ev->user_id, queue = ev->tier.queue_id;
	struct held *h = xcalloc(1, sizeof(*h) + user.len + queue.len);

	h->hash = hash;
	h->order = w->order++;
	h->first_ms = now_ms;
	h->first = ev->tier.at.stamp;
	h->user_len = user.len;
	h->key_len = user.len + queue.len;
	h->has_queue = queue.p != NULL;
	memcpy(h->key, user.p, user.len);
	if (queue.len > 0)
		memcpy(h->key + user.len, queue.p, queue.len);
	if (w->count == w->slot_count)
		grow_slots(w);
	h->chain = w->slots[hash & (w->slot_count - 1)];
	w->slots[hash & (w->slot_count - 1)] = h;
	h->older = w->newest;
	*(w->newest ? &w->newest->newer : &w->oldest) = h;
	w->newest = h;
	if (w->count == w->heap_alloc) {
		w->heap_alloc = w->heap_alloc ? 2 * w->heap_alloc :
		    SLOTS_FIRST;
		w->heap = xreallocarray(w->heap, w->heap_alloc,
		    sizeof(struct held *));
	}
	heap_set(w, w->count++, h);
	heap_sift(w, w->count - 1);
	w->bytes += sizeof(*h) + h->key_len;
	return h;
}

static void
drop(struct window *w, struct held *h)
{
	struct held **p = &w->slots[h->hash & (w->slot_count - 1)];
	struct item *item, *earlier;

	while (*p != h)
		p = &(*p)->chain;
	*p = h->chain;
	*(h->older ? &h->older->newer : &w->oldest) = h->newer;
	*(h->newer ? &h->newer->older : &w->newest) = h->older;
	heap_remove(w, h);
	w->bytes -= sizeof(*h) + h->key_len + h->line_len;
	for (item = h->latest; item != NULL; item = earlier) {
		earlier = item->earlier;
		w->bytes -= item->size;
		free(item);
	}
	free(h->line);
	free(h);
}

void
window_free(struct window *w)
{
	while (w->oldest != NULL)
		drop(w, w->oldest);
	free(w->slots);
	free(w->heap);
	buf_free(&w->line);
	*w = (struct window){ 0 };
}

/* --- letting out -------------------------------------------------------- */

/* What all the key's events together say. */
struct summary {
	uint64_t count;
	bool intact;
	const struct item *first;
};

static struct summary
summarize(const struct held *h)
{
	struct summary s = { 0, true, h->latest };

	for (const struct item *i = h->latest; i != NULL; i = i->earlier) {
		s.count += i->count;
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

static void
emit_merged(struct window *w, const struct held *h, const struct summary *s)
{
	size_t end = h->line_len;

	while (h->line[end - 1] != '}')
		end--;
	buf_reset(&w->line);
	buf_add(&w->line, h->line, end - 1);
	buf_addf(&w->line, ",\"merged\":{\"count\":%" PRIu64
	    ",\"previousStatus\":", s->count);
	if (s->first->previous.p != NULL)
		buf_add_json(&w->line, s->first->previous.p,
		    s->first->previous.len);
	else
		buf_adds(&w->line, "null");
	buf_adds(&w->line, ",\"since\":");
	buf_add_json(&w->line, s->first->since.text.p,
	    s->first->since.text.len);
	buf_addf(&w->line, ",\"intact\":%s}", s->intact ? "true" : "false");
	buf_add(&w->line, h->line + end - 1, h->line_len - end + 1);
	w->emit(w->arg, w->line.data, w->line.len);
}

static void
let_out(struct window *w, struct held *h)
{
	struct summary s;

	if (h->latest->earlier == NULL) {
		w->emit(w->arg, h->line, h->line_len);
	} else {
		s = summarize(h);
		emit_merged(w, h, &s);
	}
	drop(w, h);
}

static int
by_order(const void *x, const void *y)
{
	const struct held *a = *(struct held *const *)x;
	const struct held *b = *(struct held *const *)y;

	return (a->order > b->order) - (a->order < b->order);
}

/* The keys that an event so late ends, in the order first held. */
static void
end_by_event(struct window *w, struct stamp stamp)
{
	struct held **due = NULL;
	size_t n = 0, alloc = 0;

	while (w->count > 0 &&
	    stamp_diff_ms(stamp, w->heap[0]->first) >= w->window_ms) {
		if (w->count == 1 && n == 0) {
			let_out(w, w->heap[0]);
			return;
		}
		if (n == alloc) {
			alloc = alloc ? 2 * alloc : 16;
			due = xreallocarray(due, alloc, sizeof(*due));
		}
		due[n++] = w->heap[0];
		heap_remove(w, w->heap[0]);
	}
	if (n == 0)
		return;
	qsort(due, n, sizeof(struct held *), by_order);
	for (size_t i = 0; i < n; i++) {
		/* back in, so that it can be dropped like any other */
		heap_set(w, w->count++, due[i]);
		heap_sift(w, w->count - 1);
		let_out(w, due[i]);
	}
	free(due);
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

static char *
keep(char *to, struct text from, struct text *kept)
{
	*kept = (struct text){ from.p == NULL ? NULL : to, from.len };
	if (from.p != NULL && from.len > 0)
		memcpy(to, from.p, from.len);
	return to + from.len;
}

static struct item *
new_item(const struct event *ev)
{
	struct text previous = ev->merged ? ev->merged_previous :
	    ev->tier.previous;
	const struct told *since = ev->merged ? &ev->since : &ev->tier.at;
	size_t bytes = (size_t)ev->tier.status.len + previous.len +
	    since->text.len;
	struct item *i = xmalloc(sizeof(*i) + bytes);
	char *to = i->bytes;

	i->stamp = ev->tier.at.stamp;
	i->since.stamp = since->stamp;
	i->count = ev->merged ? ev->merged_count : 1;
	i->intact = !ev->merged || ev->intact;
	i->size = sizeof(*i) + bytes;
	to = keep(to, ev->tier.status, &i->status);
	to = keep(to, previous, &i->previous);
	keep(to, since->text, &i->since.text);
	return i;
}

/* Put the event in its place by time; the line stays if it is the latest. */
static void
add_item(struct window *w, struct held *h, const struct event *ev,
    const char *line, size_t raw)
{
	struct item *item = new_item(ev), **p = &h->latest;

	while (*p != NULL && stamp_cmp((*p)->stamp, item->stamp) > 0)
		p = &(*p)->earlier;
	item->earlier = *p;
	*p = item;
	w->bytes += item->size;
	if (h->latest != item)
		return;
	w->bytes = w->bytes - h->line_len + raw;
	h->line = xreallocarray(h->line, raw, 1);
	memcpy(h->line, line, raw);
	h->line_len = raw;
}

/* The held event of that moment, or NULL.  The latest are asked first: that
 * is where nearly every event belongs, however many are held. */
static const struct item *
find_moment(const struct held *h, struct stamp stamp)
{
	const struct item *i = h->latest;

	while (i != NULL && stamp_cmp(i->stamp, stamp) > 0)
		i = i->earlier;
	return i != NULL && stamp_cmp(i->stamp, stamp) == 0 ? i : NULL;
}

/* Would a line that says all of it still be a line? */
static bool
fits(const struct held *h, const struct event *ev, size_t raw)
{
	struct text previous = ev->merged ? ev->merged_previous :
	    ev->tier.previous;
	size_t line = raw > h->line_len ? raw : h->line_len;
	size_t text = previous.len;

	if (line < NDJSON_LINE_MAX / 16)
		return true;
	for (const struct item *i = h->latest; i != NULL; i = i->earlier)
		if (i->previous.len > text)
			text = i->previous.len;
	return line + ESCAPED_MAX * text + FIELD_MAX <= NDJSON_LINE_MAX;
}

void
window_push(struct window *w, const struct event *ev, const char *line,
    size_t raw, int64_t now_ms)
{
	uint64_t hash = mix(mix(w->hash_key, ev->user_id), ev->tier.queue_id);
	const struct item *same;
	struct held *h;

	if (w->window_ms == 0) {
		w->emit(w->arg, line, raw);
		return;
	}
	end_by_event(w, ev->tier.at.stamp);
	h = find(w, ev, hash);
	same = h != NULL ? find_moment(h, ev->tier.at.stamp) : NULL;
	if (same != NULL && text_eq(same->status, ev->tier.status)) {
		w->copies++;
		return;
	}
	/* of two at one moment, the order is not ours to guess */
	if (h != NULL && (same != NULL || !fits(h, ev, raw))) {
		let_out(w, h);
		h = NULL;
	}
	if (h == NULL)
		h = hold_key(w, ev, hash, now_ms);
	else
		w->merged++;
	add_item(w, h, ev, line, raw);
	while (w->bytes > WINDOW_BYTES_MAX && w->oldest != NULL) {
		w->early++;
		let_out(w, w->oldest);
	}
}
