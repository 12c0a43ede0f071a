/*
 * Active queues in channels: the list of users does not tell them, but where
 * the client may, one request tells those of many.  A user whose answer is
 * there but for them waits here until the next such request.  What cannot be
 * had is null in the answer, and holds nobody up for long.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"
#include "lib/platform.h"

#define SIZE_FIRST 1000
#define SIZE_LAST 50		/* a 400 about so few is not their number */
#define AGAIN_MS 60000		/* after a failure: the next try */
#define BODY_CAP (8 << 20)

void
activity_init(struct app *app)
{
	app->activity.size = SIZE_FIRST;
	app->activity.batch = xcalloc(SIZE_FIRST,
	    sizeof(*app->activity.batch));
	buf_init(&app->activity.body, BODY_CAP);
}

void
activity_free(struct app *app)
{
	free(app->activity.batch);
	buf_free(&app->activity.body);
}

bool
activity_wanted(const struct app *app)
{
	const struct activity *v = &app->activity;

	return app->channels && !v->none && app->now_ms >= v->off_ms;
}

/*
 * Is one to be sent now?  With a page on its way there will soon be more to
 * ask about in one request; but first it is to be known whether the client
 * may.
 */
bool
activity_next(struct app *app, int64_t *due_ms)
{
	const struct activity *v = &app->activity;
	size_t n = app->bulk.count;

	if (n == 0 || v->flying || (app->walk.flying && v->granted &&
	    n < v->size))
		return false;
	if (v->due_ms <= app->now_ms)
		return true;
	if (v->due_ms < *due_ms)
		*due_ms = v->due_ms;
	return false;
}

void
activity_sent(struct app *app)
{
	struct activity *v = &app->activity;
	struct ask *a;

	v->flying = true;
	v->count = 0;
	buf_reset(&v->body);
	buf_adds(&v->body, "{\"userIds\":[");
	while (v->count < v->size && (a = queue_first(&app->bulk)) != NULL) {
		buf_adds(&v->body, v->count > 0 ? "," : "");
		buf_add_json(&v->body, a->user_id, a->user_id_len);
		ask_sent(app, a);
		v->batch[v->count++] = a;
	}
	buf_adds(&v->body, "]}");
}

/* --- what comes of it --------------------------------------------------- */

/* The agent has changed, or was doubted anew: all of the answer is old. */
static bool
is_old(const struct ask *a)
{
	return a->again || a->passed;
}

static void
start_over(struct app *app, struct ask *a)
{
	ask_drop_half(a);
	a->alone = false;
	ask_again(app, a, 0);
}

/* They wait again, for the next request. */
void
activity_again(struct app *app)
{
	struct activity *v = &app->activity;

	for (size_t i = 0; i < v->count; i++)
		if (is_old(v->batch[i]))
			start_over(app, v->batch[i]);
		else
			ask_again(app, v->batch[i], 0);
	v->flying = false;
	v->count = 0;
}

/* Those of the batch that have not been told of, without active queues. */
static void
tell_rest(struct app *app)
{
	struct activity *v = &app->activity;

	for (size_t i = 0; i < v->count; i++)
		if (v->batch[i] != NULL && is_old(v->batch[i]))
			start_over(app, v->batch[i]);
		else if (v->batch[i] != NULL)
			user_whole(app, v->batch[i], NULL);
	v->flying = false;
	v->count = 0;
	v->retries = 0;
}

void
activity_give_up(struct app *app)
{
	struct ask *a;

	tell_rest(app);
	while ((a = queue_first(&app->bulk)) != NULL) {
		ask_sent(app, a);
		user_whole(app, a, NULL);
	}
}

/* Its place in the batch, from `at` on: answers come in the order asked for,
 * mostly. */
static size_t
place_of(const struct activity *v, const struct ask *a, size_t at)
{
	for (size_t i = 0; i < v->count; i++, at++)
		if (v->batch[at % v->count] == a)
			return at % v->count;
	return v->count;
}

static bool
is_time(struct slice s)
{
	struct stamp at;

	return s.kind <= SCAN_NULL || (s.kind == SCAN_STRING &&
	    clock_parse(s.p, s.len, &at) == 0);
}

static bool
are_ids(struct slice list)
{
	const char *at = list.p + 1;
	struct slice key, id;

	if (list.kind != SCAN_ARRAY)
		return false;
	while (slice_next(list, &at, &key, &id))
		if (id.kind != SCAN_STRING || id.len == 0)
			return false;
	return true;
}

/* As gc:state has it; false if the element does not tell. */
static bool
read_queues(struct slice element, struct buf *out)
{
	enum { IDS, CHANGED, KEYS };
	static const struct scan_key keys[KEYS] = {
		[IDS] = SCAN_KEY("activeQueueIds", -1),
		[CHANGED] = SCAN_KEY("dateActiveQueuesChanged", -1),
	};
	struct slice v[KEYS];

	if (scan_object(element.p, element.len, keys, KEYS, v) != SCAN_OK ||
	    !are_ids(v[IDS]) || !is_time(v[CHANGED]))
		return false;
	buf_reset(out);
	buf_adds(out, "{\"ids\":");
	buf_add(out, v[IDS].p, v[IDS].len);
	buf_adds(out, ",\"lastUpdatedTimestamp\":");
	if (v[CHANGED].kind == SCAN_STRING)
		buf_addf(out, "\"%.*s\"", (int)v[CHANGED].len, v[CHANGED].p);
	else
		buf_adds(out, "null");
	return buf_adds(out, "}") == 0;
}

/* One element's; where it stood in the batch, or `at`. */
static size_t
one(struct app *app, struct slice element, size_t at, struct buf *queues)
{
	struct activity *v = &app->activity;
	struct buf *id = &app->walk.id;
	struct ask *a;
	size_t place;

	if (platform_user(element, id) == -1 ||
	    (a = ask_find(app, id->data, id->len)) == NULL ||
	    (place = place_of(v, a, at)) == v->count ||
	    !read_queues(element, queues))
		return at;
	if (!is_old(a)) {
		v->batch[place] = NULL;
		user_whole(app, a, queues->data);
	}
	return place + 1;
}

void
activity_answer(struct app *app, struct job *j)
{
	struct platform_page p;
	struct slice element;
	const char *at = NULL;
	struct buf queues;
	size_t place = 0;
	struct err e;

	if (platform_page(&p, j->reply.body.data, j->reply.body.len, &e) ==
	    -1) {
		activity_retry(app, e.msg);
		return;
	}
	app->activity.granted = true;
	buf_init(&queues, BODY_CAP);
	while (platform_each(&p, &at, &element))
		place = one(app, element, place, &queues);
	buf_free(&queues);
	tell_rest(app);
}

/* --- what goes wrong ---------------------------------------------------- */

void
activity_retry(struct app *app, const char *error)
{
	struct activity *v = &app->activity;

	if (v->retries >= RETRIES_MAX) {
		log_warn("active queues: %s; they stay unknown for now",
		    error);
		v->off_ms = app->now_ms + AGAIN_MS;
		activity_give_up(app);
		return;
	}
	activity_again(app);
	app->retried++;
	log_note("%s: tried again", error);
	v->due_ms = app->now_ms + backoff_delay_ms(&app->opt.backoff,
	    v->retries++, arc4random());
}

/* What is not permitted, or not there, stays so. */
static bool
is_final(long status)
{
	return status == 403 || status == 404 || status == 405 ||
	    status == 410;
}

void
activity_refused(struct app *app, const struct job *j, const char *error,
    bool too_large)
{
	struct activity *v = &app->activity;

	if (v->count > 1 && (too_large || (j->reply.status == 400 &&
	    v->count > SIZE_LAST))) {
		v->size = v->count / 2;
		activity_again(app);
		log_note("%s: active queues of %zu users at once from now "
		    "on", error, v->size);
		return;
	}
	v->none = is_final(j->reply.status);
	v->off_ms = app->now_ms + AGAIN_MS;
	if (v->none)
		log_warn("active queues cannot be had: %s; they are known "
		    "from events alone", error);
	else
		log_warn("active queues: %s; they stay unknown for now",
		    error);
	activity_give_up(app);
}
