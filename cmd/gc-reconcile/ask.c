/* The questions: one an agent, the urgent first, the oldest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"

#define SLOTS_FIRST 256

static const struct { const char *reason; int urgency; } urgencies[] = {
	{ "sequence", 0 }, { "start", 1 }, { "reconnect", 1 },
};

void
asks_init(struct app *app)
{
	app->slot_count = SLOTS_FIRST;
	app->slots = xcalloc(app->slot_count, sizeof(struct ask *));
	for (int i = 0; i < URGENCIES; i++)
		TAILQ_INIT(&app->queues[i]);
	app->hash_key = ((uint64_t)arc4random() << 32) | arc4random();
}

static uint64_t
hash_of(const struct app *app, struct text id)
{
	uint64_t h = app->hash_key;

	for (uint32_t i = 0; i < id.len; i++)
		h = (h ^ (unsigned char)id.p[i]) * 0x100000001b3u;
	return h ^ (h >> 31);
}

static struct ask *
find(const struct app *app, struct text id, uint64_t h)
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
add(struct app *app, struct text id, uint64_t h)
{
	struct ask *a = xcalloc(1, sizeof(*a));

	if (app->ask_count++ == app->slot_count)
		grow(app);
	a->user_id = xmalloc((size_t)id.len + 1);
	memcpy(a->user_id, id.p, id.len);
	a->user_id[id.len] = '\0';
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
	free(a->user_id);
	free(a);
}

void
asks_free(struct app *app)
{
	for (size_t i = 0; i < app->slot_count; i++)
		while (app->slots[i] != NULL)
			forget(app, app->slots[i]);
	free(app->slots);
}

static int
urgency_of(struct text reason)
{
	for (size_t i = 0; i < sizeof(urgencies) / sizeof(urgencies[0]); i++)
		if (text_is(reason, urgencies[i].reason))
			return urgencies[i].urgency;
	return URGENCIES - 1;
}

static void
enqueue(struct app *app, struct ask *a)
{
	a->state = ASK_WAITING;
	TAILQ_INSERT_TAIL(&app->queues[a->urgency], a, link);
}

void
ask_gap(struct app *app, const struct event *ev)
{
	uint64_t h = hash_of(app, ev->user_id);
	struct ask *a = find(app, ev->user_id, h);
	int urgency = urgency_of(ev->reason);

	app->gaps++;
	if (a == NULL)
		a = add(app, ev->user_id, h);
	if (a->state == ASK_IDLE)
		a->urgency = URGENCIES;	/* an old reason does not count */
	if (ev->seq > a->seq || a->state == ASK_IDLE)
		a->seq = ev->seq;
	if (urgency < a->urgency) {
		if (a->state == ASK_WAITING)
			TAILQ_REMOVE(&app->queues[a->urgency], a, link);
		a->urgency = urgency;
		snprintf(a->reason, sizeof(a->reason), "%.*s",
		    (int)ev->reason.len, ev->reason.p ? ev->reason.p : "");
		if (a->state == ASK_WAITING)
			enqueue(app, a);
	}
	if (a->state == ASK_FLYING) {
		a->again = true;
	} else if (a->state == ASK_IDLE) {
		a->retries = 0;
		a->due_ms = 0;
		app->open++;
		enqueue(app, a);
	}
}

void
ask_passed(struct app *app, const struct event *ev)
{
	struct ask *a = find(app, ev->user_id, hash_of(app, ev->user_id));

	if (a != NULL && a->state != ASK_IDLE && ev->seq > a->seq &&
	    ev->seq > a->passed_seq)
		a->passed_seq = ev->seq;
}

struct ask *
ask_next(struct app *app, int64_t *due_ms)
{
	struct ask *a;

	for (int i = 0; i < URGENCIES; i++)
		TAILQ_FOREACH(a, &app->queues[i], link) {
			if (a->due_ms <= app->now_ms)
				return a;
			if (a->due_ms < *due_ms)
				*due_ms = a->due_ms;
		}
	return NULL;
}

struct ask *
ask_any_waiting(struct app *app)
{
	struct ask *a = NULL;

	for (int i = 0; i < URGENCIES && a == NULL; i++)
		a = TAILQ_FIRST(&app->queues[i]);
	return a;
}

void
ask_sent(struct app *app, struct ask *a)
{
	TAILQ_REMOVE(&app->queues[a->urgency], a, link);
	a->state = ASK_FLYING;
	a->again = false;
	a->sent_passed = a->passed_seq;
}

void
ask_again(struct app *app, struct ask *a, int64_t due_ms)
{
	a->due_ms = due_ms;
	enqueue(app, a);
}

void
ask_done(struct app *app, struct ask *a, bool answered)
{
	app->stuck += (uint64_t)!answered - (uint64_t)a->unverified;
	a->unverified = !answered;
	if (a->state == ASK_WAITING)
		TAILQ_REMOVE(&app->queues[a->urgency], a, link);
	a->retries = 0;
	if (a->again) {
		a->again = false;
		ask_again(app, a, 0);
		return;
	}
	a->state = ASK_IDLE;
	a->passed_seq = 0;
	app->open--;
	if (answered)
		forget(app, a);
}
