/* The life of -r COMMAND: it is started again when it dies, asked again what
 * was open, and ended when it will not end. */
#include <signal.h>
#include <stdlib.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/backoff.h"
#include "lib/log.h"

#define LAST_TRIES 3
#define KILL_MS 5000		/* between SIGTERM and SIGKILL */
#define HURRY_MS 2500		/* the same after a signal to us, at least */

static const struct backoff restart_backoff = {
	.base_ms = 1000, .cap_ms = 30000, .jitter_ms = 250
};

void
command_start(struct app *app)
{
	struct loop *l = &app->loop;
	struct err e;

	l->restart_ms = CLOCK_NEVER;
	l->starts++;
	if (child_start(&l->child, app->opt.reconcile, NULL, true, &e) == -1) {
		filter_end(&app->filter);
		die_err(&e);
	}
	ndjson_in_init(&l->in, l->child.from);
	buf_reset(&l->out);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (l->open_lines[i] != NULL)
			buf_adds(&l->out, l->open_lines[i]);
	for (size_t i = 0; i < app->roster.count; i++)
		if (app->roster.list[i]->question.open)
			doubt_wait(app, app->roster.list[i]);
}

void
command_end_in(struct app *app, int64_t ms)
{
	struct loop *l = &app->loop;

	if (app->now_ms + ms < l->kill_ms)
		l->kill_ms = app->now_ms + ms;
}

/* A signal to us at the end is passed on: its drain is short then, and what
 * it has not read by now it need not. */
static void
hurry(struct app *app)
{
	struct loop *l = &app->loop;
	int64_t by = app->filter.stop_ms + FILTER_STOP_MS;

	l->hurried = true;
	child_close_stdin(&l->child);
	kill(l->child.pid, SIGTERM);
	l->kills = 1;
	l->kill_ms = by > app->now_ms + HURRY_MS ? by :
	    app->now_ms + HURRY_MS;
}

int64_t
command_tick(struct app *app)
{
	struct loop *l = &app->loop;

	if (!l->used)
		return CLOCK_NEVER;
	if (app->now_ms >= l->restart_ms)
		command_start(app);
	if (l->child.pid == -1)
		return l->restart_ms;
	if (l->finishing && app->filter.sigs.stops > 0 && !l->hurried)
		hurry(app);
	if (app->now_ms >= l->kill_ms) {
		log_warn("%s does not end: stopped", app->opt.reconcile);
		kill(l->child.pid, l->kills++ > 0 ? SIGKILL : SIGTERM);
		l->kill_ms = app->now_ms + KILL_MS;
	}
	return l->kill_ms;
}

static bool
any_open(const struct app *app)
{
	for (size_t i = 0; i < app->roster.count; i++)
		if (app->roster.list[i]->question.open)
			return true;
	return false;
}

static _Noreturn void
give_up(struct app *app, int code)
{
	filter_end(&app->filter);
	die(code, "%s ended with %d", app->opt.reconcile, code);
}

/* After the end of input: is it worth another start? */
static bool
is_last(struct app *app)
{
	struct loop *l = &app->loop;

	return l->finishing && (!any_open(app) || l->hurried ||
	    l->kills > 0 || app->filter.sigs.stops > 0 ||
	    l->last_tries++ >= LAST_TRIES);
}

/* Its exit code as ours. */
static int
last_code(const struct app *app, int code)
{
	const struct loop *l = &app->loop;

	if (l->hurried && code == 128 + SIGTERM)
		return GC_EX_OK;	/* as it was told */
	if (code < 128 && (l->hurried || !any_open(app)))
		return code;
	if (any_open(app))
		log_error("%s %s: some questions stay open",
		    app->opt.reconcile, l->kills > 0 ? "had to be stopped" :
		    "ended again and again without answering");
	return GC_EX_TEMPFAIL;
}

/* It has ended: start it again, or take its exit code as ours. */
static void
ended(struct app *app, int code)
{
	struct loop *l = &app->loop;

	if (code == GC_EX_USAGE || code == GC_EX_NOPERM ||
	    code == GC_EX_CONFIG)
		give_up(app, code);
	if (code == 126 || code == 127) {
		log_error("%s can't be run", app->opt.reconcile);
		give_up(app, GC_EX_CONFIG);
	}
	if (is_last(app)) {
		l->finished = true;
		l->exit_code = last_code(app, code);
		return;
	}
	l->kills = 0;
	/* the next one has what time is left, not the dead one's moment */
	l->kill_ms = l->end_ms;
	l->restart_ms = app->now_ms + backoff_delay_ms(&restart_backoff,
	    l->restarts++, arc4random());
	log_warn("%s ended with %d: started again in %lld ms",
	    app->opt.reconcile, code, (long long)(l->restart_ms -
	    app->now_ms));
}

void
command_reap(struct app *app)
{
	struct loop *l = &app->loop;
	int code;

	if (child_reap(&l->child, &code) == 0)
		return;
	/* all that it said is in the pipe by now, which a child of its own
	 * may hold open for ever */
	if (l->child.from != -1)
		loop_read(app);
	child_close_stdin(&l->child);
	if (l->child.from != -1) {
		child_close_stdout(&l->child);
		ndjson_in_free(&l->in);
	}
	ended(app, code);
}
