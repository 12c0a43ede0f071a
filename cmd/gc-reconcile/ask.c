/* The questions: one an agent, the urgent first, the oldest first. */
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "cmd/gc-reconcile/reconcile.h"

#define SLOTS_FIRST 256
#define BURST 4096		/* so many questions at once are a rare event */

static const struct { const char *reason; int urgency; } urgencies[] = {
	{ "sequence", 0 }, { "start", 1 }, { "reconnect", 1 },
	{ "poll", 2 }, { "audit", 2 },
};

/* The urgent before the rest, the oldest of its kind first; before all those
 * that wait for no page. */
static bool
is_before(const struct ask *a, const struct ask *b)
{
	if (a->alone != b->alone)
		return a->alone;
	return a->urgency != b->urgency ? a->urgency < b->urgency :
	    a->serial < b->serial;
}

static bool
is_sooner(const struct ask *a, const struct ask *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms :
	    is_before(a, b);
}

void
asks_init(struct app *app)
{
	app->slot_count = SLOTS_FIRST;
	app->slots = xcalloc(app->slot_count, sizeof(struct ask *));
	app->ready.before = is_before;
	app->later.before = is_sooner;
	app->bulk.before = is_before;
	app->hash_key = ((uint64_t)arc4random() << 32) | arc4random();
}

static uint32_t
hash_of(const struct app *app, struct text id)
{
	uint64_t h = app->hash_key;

	for (uint32_t i = 0; i < id.len; i++)
		h = (h ^ (unsigned char)id.p[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ (h >> 31));
}

static struct ask *
find(const struct app *app, struct text id, uint32_t h)
{
	struct ask *a = app->slots[h & (app->slot_count - 1)];

	while (a != NULL && !(a->hash == h && a->user_id_len == id.len &&
	    memcmp(a->user_id, id.p, id.len) == 0))
		a = a->chain;
	return a;
}

static void
grow(struct app *app)
{
	struct ask **old = app->slots, *a, *next;
	size_t n = app->slot_count, slot;

	app->slot_count *= 2;
	app->slots = xcalloc(app->slot_count, sizeof(struct ask *));
	for (size_t i = 0; i < n; i++)
		for (a = old[i]; a != NULL; a = next) {
			next = a->chain;
			slot = a->hash & (app->slot_count - 1);
			a->chain = app->slots[slot];
			app->slots[slot] = a;
		}
	free(old);
}

static struct ask *
add(struct app *app, struct text id, uint32_t h)
{
	struct ask *a = xcalloc(1, sizeof(*a) + id.len + 1);

	if (app->ask_count++ == app->slot_count)
		grow(app);
	memcpy(a->user_id, id.p, id.len);
	a->user_id_len = id.len;
	a->hash = h;
	a->urgency = URGENCIES;
	a->chain = app->slots[h & (app->slot_count - 1)];
	app->slots[h & (app->slot_count - 1)] = a;
	return a;
}

static void
forget(struct app *app, struct ask *a)
{
	struct ask **p = &app->slots[a->hash & (app->slot_count - 1)];

	while (*p != a)
		p = &(*p)->chain;
	*p = a->chain;
	app->ask_count--;
	free(a->reason_own);
	free(a->half);
	free(a);
}

void
asks_free(struct app *app)
{
	for (size_t i = 0; i < app->slot_count; i++)
		while (app->slots[i] != NULL)
			forget(app, app->slots[i]);
	free(app->slots);
	queue_free(&app->ready);
	queue_free(&app->later);
	queue_free(&app->bulk);
}

/* A reason's row; an unknown one is as urgent as the last. */
static size_t
row_of(struct text reason)
{
	size_t i = 0;

	while (i < sizeof(urgencies) / sizeof(urgencies[0]) &&
	    !text_is(reason, urgencies[i].reason))
		i++;
	return i;
}

static void
set_reason(struct ask *a, size_t row, struct text reason)
{
	free(a->reason_own);
	a->reason_own = NULL;
	if (row < sizeof(urgencies) / sizeof(urgencies[0]))
		a->reason = urgencies[row].reason;
	else
		a->reason = a->reason_own = xstrndup(reason.p, reason.len);
}

/* Where it waits, or NULL. */
static struct queue *
queue_of(struct app *app, const struct ask *a)
{
	return a->state == ASK_READY ? &app->ready :
	    a->state == ASK_LATER ? &app->later :
	    a->state == ASK_BULK ? &app->bulk : NULL;
}

static void
wait_for_turn(struct app *app, struct ask *a)
{
	if (a->half != NULL && a->half->missing == JOB_ACTIVITY)
		a->state = ASK_BULK;
	else
		a->state = a->due_ms <= app->now_ms ? ASK_READY : ASK_LATER;
	app->plain += a->state == ASK_READY && !a->alone;
	queue_push(queue_of(app, a), a);
}

static void
leave_queue(struct app *app, struct ask *a)
{
	struct queue *q = queue_of(app, a);

	if (q != NULL)
		queue_remove(q, a);
	app->plain -= a->state == ASK_READY && !a->alone;
}

struct ask *
ask_find(struct app *app, const char *id, size_t len)
{
	struct text t = { id, (uint32_t)len };

	return find(app, t, hash_of(app, t));
}

struct ask *
ask_listed(struct app *app, const char *id, size_t len)
{
	struct text t = { id, (uint32_t)len };
	struct ask *a = add(app, t, hash_of(app, t));

	a->urgency = 1;
	a->reason = "start";
	a->serial = ++app->serial;
	app->open++;
	wait_for_turn(app, a);
	return a;
}

void
ask_drop_half(struct ask *a)
{
	free(a->half);
	a->half = NULL;
}

/* It waits; what it waits for is another thing now. */
static void
wait_anew(struct app *app, struct ask *a, bool alone)
{
	leave_queue(app, a);
	a->alone = alone;
	wait_for_turn(app, a);
}

void
ask_set_alone(struct app *app, struct ask *a)
{
	if (!a->alone)
		wait_anew(app, a, true);
}

void
ask_keep_half(struct app *app, struct ask *a, struct half *half)
{
	ask_drop_half(a);
	a->half = half;
	if (a->state == ASK_FLYING) {
		a->alone = true;
		a->due_ms = 0;
		wait_for_turn(app, a);
	} else {
		wait_anew(app, a, true);
	}
}

void
ask_gap(struct app *app, const struct event *ev)
{
	uint32_t h = hash_of(app, ev->user_id);
	struct ask *a = find(app, ev->user_id, h);
	size_t row = row_of(ev->reason);
	int urgency = row < sizeof(urgencies) / sizeof(urgencies[0]) ?
	    urgencies[row].urgency : URGENCIES - 1;
	bool idle;

	app->gaps++;
	app->gap_ms = app->now_ms;
	if (a == NULL)
		a = add(app, ev->user_id, h);
	idle = a->state == ASK_IDLE;
	if (idle)
		a->urgency = URGENCIES;	/* an old reason does not count */
	if (ev->seq > a->seq || idle)
		a->seq = ev->seq;
	if (idle || (a->state == ASK_FLYING && !a->again))
		a->serial = ++app->serial;
	if (urgency < a->urgency) {
		leave_queue(app, a);
		a->urgency = (uint8_t)urgency;
		set_reason(a, row, ev->reason);
		if (queue_of(app, a) != NULL)
			wait_for_turn(app, a);
	}
	a->turn = app->walk.sent;
	if (a->state == ASK_FLYING) {
		a->again = true;
	} else if (!idle && a->alone) {
		/* what came of the answer is older than this question */
		ask_drop_half(a);
		wait_anew(app, a, false);
	} else if (idle) {
		a->retries = 0;
		a->due_ms = 0;
		app->open++;
		wait_for_turn(app, a);
	}
}

void
ask_passed(struct app *app, const struct event *ev)
{
	struct ask *a = find(app, ev->user_id, hash_of(app, ev->user_id));

	if (a == NULL)
		return;
	if (a->state == ASK_FLYING) {
		a->passed = a->passed || ev->seq > a->sent_seq;
	} else if (a->state != ASK_IDLE && ev->seq > a->seq) {
		/* a page that is on its way is older than that */
		a->turn = app->walk.sent;
		if (a->half != NULL) {
			ask_drop_half(a);
			wait_anew(app, a, false);
		}
	}
}

struct ask *
ask_next(struct app *app, int64_t *due_ms)
{
	struct ask *a;

	while ((a = queue_first(&app->later)) != NULL &&
	    a->due_ms <= app->now_ms) {
		leave_queue(app, a);
		wait_for_turn(app, a);
	}
	if (a != NULL && a->due_ms < *due_ms)
		*due_ms = a->due_ms;
	return queue_first(&app->ready);
}

struct ask *
ask_any_waiting(struct app *app)
{
	struct ask *a = queue_first(&app->ready);

	if (a == NULL)
		a = queue_first(&app->later);
	return a != NULL ? a : queue_first(&app->bulk);
}

void
ask_sent(struct app *app, struct ask *a)
{
	leave_queue(app, a);
	a->state = ASK_FLYING;
	a->again = a->passed = false;
	a->sent_seq = a->seq;
}

void
ask_again(struct app *app, struct ask *a, int64_t due_ms)
{
	a->due_ms = due_ms;
	a->again = false;
	wait_for_turn(app, a);
}

/* All is answered: what a burst of questions took goes back. */
static void
rest(struct app *app)
{
	if (app->ready.room + app->later.room + app->bulk.room <= BURST)
		return;
	queue_free(&app->ready);
	queue_free(&app->later);
	queue_free(&app->bulk);
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void
ask_done(struct app *app, struct ask *a, bool answered)
{
	app->stuck += (uint64_t)!answered - (uint64_t)a->unverified;
	a->unverified = !answered;
	leave_queue(app, a);
	a->retries = 0;
	a->alone = false;
	ask_drop_half(a);
	if (a->again) {
		ask_again(app, a, 0);
		return;
	}
	a->state = ASK_IDLE;
	app->open--;
	if (answered) {
		forget(app, a);
	} else if (app->stuck > STUCK_MAX) {
		/* too many to know which was answered after all */
		app->stuck--;
		app->stuck_forgotten = true;
		forget(app, a);
	}
	if (app->open == 0)
		rest(app);
}
