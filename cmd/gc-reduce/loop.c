/* -r COMMAND: the closed loop.  Neither pipe ever blocks us: what cannot be
 * written waits, a question an agent and a bounded buffer of lines. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/backoff.h"
#include "lib/log.h"

#define OUT_STEP 65536		/* questions are turned into bytes so far */
#define READS_A_TURN 16
#define LAST_TRIES 3
#define KILL_MS 5000		/* between SIGTERM and SIGKILL */

static const struct backoff restart_backoff = {
	.base_ms = 1000, .cap_ms = 30000, .jitter_ms = 250
};

static void
start(struct app *app)
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
loop_start(struct app *app)
{
	struct loop *l = &app->loop;

	l->child = (struct child)CHILD_NONE;
	l->restart_ms = l->kill_ms = CLOCK_NEVER;
	l->used = app->opt.reconcile != NULL;
	if (!l->used)
		return;
	buf_init(&l->out, FORWARD_MAX);
	event_init(&l->ev);
	start(app);
}

void
loop_forward(struct app *app, const char *line, size_t raw)
{
	struct loop *l = &app->loop;

	if (!l->used || l->child.to == -1)
		return;
	/* the last quarter is for questions */
	if (l->out.len + raw > FORWARD_MAX - OUT_STEP * 4 ||
	    buf_add(&l->out, line, raw) == -1)
		if (l->dropped++ == 0)
			log_warn("%s does not read: control lines for it are "
			    "dropped", app->opt.reconcile);
}

void
loop_keep_open(struct app *app, uint64_t socket, const char *line, size_t raw)
{
	struct loop *l = &app->loop;

	if (!l->used || socket >= SOCKETS_MAX || raw > FORWARD_MAX / 4)
		return;
	free(l->open_lines[socket]);
	l->open_lines[socket] = xstrndup(line, raw);
}

/* Waiting questions become bytes while there is room. */
static void
fill_out(struct app *app)
{
	struct loop *l = &app->loop;
	struct agent *a;

	while (l->out.len < OUT_STEP &&
	    (a = TAILQ_FIRST(&app->doubts.waiting)) != NULL) {
		struct question *q = &a->question;

		TAILQ_REMOVE(&app->doubts.waiting, a, waiting_link);
		q->waiting = false;
		if (q->line != NULL)
			buf_adds(&l->out, q->line);
		else
			record_gap(&l->out, a, q->reason, q->seq,
			    app->wall_ms);
		free(q->line);
		q->line = NULL;
	}
}

static bool
nothing_to_send(const struct app *app)
{
	return app->loop.out.len == 0 && TAILQ_EMPTY(&app->doubts.waiting);
}

size_t
loop_interest(struct app *app, struct pollfd *fds)
{
	struct loop *l = &app->loop;

	if (!l->used)
		return 0;
	fds[0] = (struct pollfd){ l->child.from, POLLIN, 0 };
	fds[1] = (struct pollfd){ l->child.to,
	    nothing_to_send(app) ? 0 : POLLOUT, 0 };
	return 2;
}

static void
send_out(struct app *app)
{
	struct loop *l = &app->loop;
	ssize_t n = 1;

	while (l->child.to != -1 && n > 0) {
		fill_out(app);
		if (l->out.len == 0)
			break;
		n = write(l->child.to, l->out.data, l->out.len);
		if (n > 0)
			buf_drop(&l->out, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			child_close_stdin(&l->child);
	}
	if (l->finishing && nothing_to_send(app))
		child_close_stdin(&l->child);
}

/* What came back: answers are taken, echoes dropped. */
static void
take_line(struct app *app, const char *line, size_t len, size_t raw)
{
	struct loop *l = &app->loop;
	const char *why = event_parse(&l->ev, line, len,
	    EVENT_BIT(EVENT_STATE) | EVENT_BIT(EVENT_UNVERIFIED));
	struct agent *a;

	if (why != NULL) {
		if (l->rejected++ == 0)
			log_warn("%s: line rejected: %s", app->opt.reconcile,
			    why);
		return;
	}
	if (l->ev.kind == EVENT_STATE) {
		l->restarts = 0;
		fold_state(app, &l->ev);
	} else if (l->ev.kind == EVENT_UNVERIFIED) {
		if (!app->opt.snapshot)
			filter_put(&app->filter, line, raw);
		a = roster_get(&app->roster, l->ev.user_id);
		if (a != NULL)
			doubt_unverified(app, a, l->ev.seq);
	}
}

static void
take_lines(struct app *app)
{
	struct loop *l = &app->loop;
	const char *line;
	size_t len, raw;
	enum ndjson_got got;

	while ((got = ndjson_next(&l->in, &line, &len, &raw)) == NDJSON_LINE ||
	    got == NDJSON_LONG) {
		if (got == NDJSON_LINE)
			take_line(app, line, len, raw);
		else if (l->rejected++ == 0)
			log_warn("%s: line rejected: longer than 1 MiB",
			    app->opt.reconcile);
	}
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

/* COMMAND has ended: start it again, or take its exit code as ours. */
static void
ended(struct app *app, int code)
{
	struct loop *l = &app->loop;
	bool stays = l->finishing && (!any_open(app) ||
	    app->filter.sigs.stops > 0);

	if (code == GC_EX_USAGE || code == GC_EX_NOPERM ||
	    code == GC_EX_CONFIG)
		give_up(app, code);
	if (code == 126 || code == 127) {
		log_error("%s can't be run", app->opt.reconcile);
		give_up(app, GC_EX_CONFIG);
	}
	if (l->finishing && !stays && l->last_tries++ >= LAST_TRIES) {
		log_error("%s ended %d times without answering: some "
		    "questions stay open", app->opt.reconcile, LAST_TRIES + 1);
		code = GC_EX_TEMPFAIL;
		stays = true;
	}
	if (stays) {
		l->finished = true;
		l->exit_code = code >= 128 ? GC_EX_TEMPFAIL : code;
		return;
	}
	l->restart_ms = app->now_ms + backoff_delay_ms(&restart_backoff,
	    l->restarts++, arc4random());
	log_warn("%s ended with %d: started again in %lld ms",
	    app->opt.reconcile, code, (long long)(l->restart_ms -
	    app->now_ms));
}

static void
read_in(struct app *app)
{
	struct loop *l = &app->loop;
	int got = 1;

	for (int i = 0; i < READS_A_TURN && got > 0; i++) {
		got = ndjson_fill(&l->in);
		if (got >= 0)
			take_lines(app);
	}
	if (got == 0 || got == -2) {
		child_close_stdin(&l->child);
		child_close_stdout(&l->child);
		ndjson_in_free(&l->in);
	}
}

void
loop_serve(struct app *app, const struct pollfd *fds, size_t n)
{
	struct loop *l = &app->loop;
	int code;

	if (n == 0)
		return;
	if (l->child.from != -1 && fds[0].revents != 0)
		read_in(app);
	if (fds[1].revents & (POLLERR | POLLNVAL))
		child_close_stdin(&l->child);
	send_out(app);
	app->filter.sigs.child = false;
	/* its output is read to the end before its exit counts */
	if (l->child.from == -1 && child_reap(&l->child, &code) == 1)
		ended(app, code);
}

int64_t
loop_tick(struct app *app)
{
	struct loop *l = &app->loop;

	if (!l->used)
		return CLOCK_NEVER;
	if (app->now_ms >= l->restart_ms)
		start(app);
	if (l->finishing && app->filter.sigs.stops > 0 && !l->stopped_told &&
	    l->child.to == -1 && l->child.pid != -1) {
		/* the hurry is passed on: its drain is short then */
		kill(l->child.pid, SIGTERM);
		l->stopped_told = true;
		l->kill_ms = app->now_ms + 2 * KILL_MS;
	}
	if (l->finishing && app->now_ms >= l->kill_ms && l->child.pid != -1) {
		log_warn("%s does not end: stopped", app->opt.reconcile);
		kill(l->child.pid, l->last_tries > LAST_TRIES ? SIGKILL :
		    SIGTERM);
		l->last_tries = LAST_TRIES + 1;
		l->kill_ms = app->now_ms + KILL_MS;
	}
	return l->restart_ms < l->kill_ms ? l->restart_ms : l->kill_ms;
}

void
loop_finish(struct app *app)
{
	struct loop *l = &app->loop;

	l->finishing = true;
	l->kill_ms = app->now_ms + app->opt.drain_ms + KILL_MS;
	send_out(app);
}
