/*
 * The truth of many in channels: the list of users, a page at a time.  A
 * page answers all who asked before it was sent.  The pages go round and
 * round while that takes fewer of them than questions wait; who was in none
 * of a whole round is asked for alone, for pages shift while they are read.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"
#include "lib/platform.h"

#define SIZE_FIRST 500
#define ROUNDS_MAX 3		/* --all: until everyone was told of */
#define QUIET_MS 150		/* no question for so long: a burst is over */
#define BURST_MAX_MS 2000	/* or it lasts longer than is worth waiting */
#define SOCKET_MAX_MS 5000	/* for the next socket to open */
#define SOCKETS_ALL_MS 20000	/* for all of them */

void
walk_init(struct app *app)
{
	app->walk.size = SIZE_FIRST;
	app->walk.number = 1;
	buf_init(&app->walk.id, PLATFORM_ID_MAX);
}

void
walk_free(struct app *app)
{
	names_free(&app->walk.seen);
	buf_free(&app->walk.id);
}

void
walk_everyone(struct app *app)
{
	app->walk.on = app->walk.all = true;
}

/* --- is it worth it? ---------------------------------------------------- */

/* A round is what it takes; of whom nobody knows how many there are, a page
 * tells. */
static uint64_t
round_of(const struct walk *w)
{
	return w->pages > 0 ? w->pages : 1;
}

/* How many pages until the latest question has seen a whole round. */
static uint64_t
pages_to_go(const struct app *app)
{
	uint64_t latest = 0;
	const struct ask *a;

	for (size_t i = 0; i < app->ready.count; i++) {
		a = app->ready.heap[i];
		if (!a->alone && a->turn > latest)
			latest = a->turn;
	}
	return latest + round_of(&app->walk) - app->walk.sent;
}

/* A round begins: what was seen of another does not count. */
static void
begin_round(struct app *app)
{
	struct ask *a;

	app->walk.number = 1;
	for (size_t i = 0; i < app->ready.count; i++) {
		a = app->ready.heap[i];
		a->turn = app->walk.sent;
	}
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * When a round that is worth it may begin.  A page answers those who asked
 * before it was sent: who asks a moment later would need another round.  So
 * the burst is to be over, and the sockets are to be open that will open
 * soon, each with doubts of its own.
 */
static int64_t
begins_at(const struct app *app)
{
	const struct walk *w = &app->walk;
	int64_t at = earlier(app->gap_ms + QUIET_MS,
	    w->held_ms + BURST_MAX_MS);

	if (app->filter.in.ended || app->filter.input_done)
		return app->now_ms;	/* nobody else will ask */
	if (sockets_missing(app))
		at = later(at, earlier(later(app->sockets.opened_ms,
		    w->held_ms) + SOCKET_MAX_MS,
		    w->held_ms + SOCKETS_ALL_MS));
	return at;
}

static void
plan(struct app *app, int64_t *due_ms)
{
	struct walk *w = &app->walk;
	bool worth = app->plain > round_of(w);
	int64_t at;

	if (w->on)
		w->on = app->plain > 0 && app->plain > pages_to_go(app);
	if (w->on || !worth) {
		w->held = false;
		return;
	}
	if (!w->held)
		w->held_ms = app->now_ms;
	at = begins_at(app);
	w->held = at > app->now_ms;
	if (w->held) {
		*due_ms = earlier(*due_ms, at);
		return;
	}
	w->on = true;
	begin_round(app);
}

bool
walk_next(struct app *app, int64_t *due_ms)
{
	struct walk *w = &app->walk;

	if (w->none || w->flying)
		return false;
	if (!w->all)
		plan(app, due_ms);
	if (!w->on)
		return false;
	if (w->due_ms <= app->now_ms)
		return true;
	if (w->due_ms < *due_ms)
		*due_ms = w->due_ms;
	return false;
}

void
walk_sent(struct app *app)
{
	app->walk.sent++;
	app->walk.flying = true;
}

void
walk_path(const struct app *app, struct buf *url)
{
	buf_addf(url, "/api/v2/users?state=active&pageSize=%" PRIu64
	    "&pageNumber=%" PRIu64 "&expand=routingStatus,presence",
	    app->walk.size, app->walk.number);
}

/* --- a page ------------------------------------------------------------- */

/* Those that a whole round has not answered, or all, are asked for alone. */
static void
set_alone(struct app *app, bool everyone)
{
	uint64_t round = round_of(&app->walk);
	struct ask **list = xcalloc(app->plain + 1, sizeof(*list)), *a;
	size_t n = 0;

	for (size_t i = 0; i < app->ready.count; i++) {
		a = app->ready.heap[i];
		if (!a->alone && (everyone ||
		    a->turn + round <= app->walk.sent))
			list[n++] = a;
	}
	for (size_t i = 0; i < n; i++)
		ask_set_alone(app, list[i]);
	free(list);
}

/* One who is in the page. */
static void
one(struct app *app, const struct job *j, struct slice element)
{
	struct walk *w = &app->walk;
	struct answer an;
	struct ask *a;

	if (platform_user(element, &w->id) == -1)
		return;
	a = ask_find(app, w->id.data, w->id.len);
	if (w->all) {
		names_add(&w->seen, w->id.data, w->id.len);
		if (a == NULL) {
			a = ask_listed(app, w->id.data, w->id.len);
			a->turn = 0;
		}
	}
	/* not one who asked after the page was, or of whom more is known */
	if (a == NULL || (a->state != ASK_READY && a->state != ASK_LATER) ||
	    a->half != NULL || a->turn >= w->sent)
		return;
	an = (struct answer){ a, a->seq, a->reason, j->fetched_ms, element.p,
	    element.len };
	if (!user_listed(app, &an))
		ask_set_alone(app, a);
}

/* Everyone was told of, or the pages shifted too often. */
static void
end_of_all(struct app *app)
{
	struct walk *w = &app->walk;

	names_seal(&w->seen);
	if (w->seen.count < w->total && ++w->rounds < ROUNDS_MAX)
		return;
	if (w->seen.count < w->total)
		log_warn("of %" PRIu64 " users the list told of %zu: it "
		    "shifts", w->total, w->seen.count);
	w->on = w->all = false;
	names_free(&w->seen);
}

void
walk_answer(struct app *app, struct job *j)
{
	struct walk *w = &app->walk;
	struct platform_page p;
	struct slice element;
	const char *at = NULL;
	struct err e;
	bool more;

	if (platform_page(&p, j->reply.body.data, j->reply.body.len, &e) ==
	    -1) {
		walk_retry(app, e.msg);
		return;
	}
	w->flying = false;
	w->retries = 0;
	app->known_good = true;
	more = platform_more(&p, w->number);
	w->total = p.total;
	w->pages = p.page_count > 0 ? p.page_count : p.total > 0 ?
	    (p.total + w->size - 1) / w->size : w->number + more;
	while (platform_each(&p, &at, &element))
		one(app, j, element);
	w->number = more ? w->number + 1 : 1;
	set_alone(app, false);
	if (!more && w->all)
		end_of_all(app);
}

/* --- what goes wrong ---------------------------------------------------- */

void
walk_stop(struct app *app)
{
	app->walk.flying = app->walk.on = app->walk.held = false;
}

void
walk_again(struct app *app)
{
	app->walk.flying = false;
	app->walk.sent--;
}

void
walk_fail(struct app *app, int code, const char *error)
{
	struct walk *w = &app->walk;

	w->flying = w->on = false;
	w->retries = 0;
	/* a failure that may pass is tried again with the next questions */
	w->none = code != GC_EX_TEMPFAIL;
	set_alone(app, true);
	if (w->all) {
		w->all = false;
		app->all_code = code;
		log_warn("--all: the list of users: %s%s", error, code ==
		    GC_EX_CONFIG ? "; is GC_REGION right?" : "");
	} else {
		log_warn("the list of users: %s; each is asked for alone",
		    error);
	}
}

void
walk_retry(struct app *app, const char *error)
{
	struct walk *w = &app->walk;

	if (w->retries >= RETRIES_MAX) {
		walk_fail(app, GC_EX_TEMPFAIL, error);
		return;
	}
	walk_again(app);
	app->retried++;
	log_note("%s: tried again", error);
	w->due_ms = app->now_ms + backoff_delay_ms(&app->opt.backoff,
	    w->retries++, arc4random());
}

void
walk_halve(struct app *app, const char *error)
{
	struct walk *w = &app->walk;

	if (w->size == 1) {
		walk_fail(app, GC_EX_UNAVAILABLE, error);
		return;
	}
	walk_again(app);
	w->size /= 2;
	w->pages = (w->total + w->size - 1) / w->size;
	begin_round(app);
	log_note("%s: pages of %" PRIu64 " users from now on", error,
	    w->size);
}
