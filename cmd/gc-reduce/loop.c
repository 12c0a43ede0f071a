/* -r COMMAND: the closed loop.  Neither pipe ever blocks us: what cannot be
 * written waits, a question an agent and a bounded buffer of lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/log.h"

#define OUT_STEP 65536		/* questions are turned into bytes so far */
#define READS_A_TURN 16
#define CLOSED_MS 5000		/* to end in, once its output is closed */

/* Every gc:open that is kept, and a question behind what waits: whatever is
 * there to be sent, the next question has room. */
#define OUT_CAP (FORWARD_MAX + SOCKETS_MAX * OPEN_MAX + NDJSON_LINE_MAX + 1)

void
loop_start(struct app *app)
{
	struct loop *l = &app->loop;

	l->child = (struct child)CHILD_NONE;
	l->restart_ms = l->kill_ms = l->end_ms = CLOCK_NEVER;
	l->used = app->opt.reconcile != NULL;
	if (!l->used)
		return;
	buf_init(&l->out, OUT_CAP);
	event_init(&l->ev);
	command_start(app);
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

	if (!l->used || socket >= SOCKETS_MAX || raw > OPEN_MAX)
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
		const struct question *q = &a->question;

		buf_reset(&app->line);
		record_gap(&app->line, a, q->reason, q->seq, q->detail,
		    app->wall_ms);
		if (buf_add(&l->out, app->line.data, app->line.len) == -1)
			break;
		TAILQ_REMOVE(&app->doubts.waiting, a, waiting_link);
		a->question.waiting = false;
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

/* It reads no more: what it has read it may answer still. */
static void
input_closed(struct app *app)
{
	child_close_stdin(&app->loop.child);
	command_end_in(app, app->opt.drain_ms + CLOSED_MS);
}

void
loop_send(struct app *app)
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
			input_closed(app);
	}
	if (l->finishing && nothing_to_send(app))
		child_close_stdin(&l->child);
}

static void
reject(struct app *app, const char *why)
{
	if (app->loop.rejected++ == 0)
		log_warn("%s: line rejected: %s", app->opt.reconcile, why);
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
		reject(app, why);
		return;
	}
	if (l->ev.kind == EVENT_STATE) {
		l->restarts = 0;
		if ((why = fold_state(app, &l->ev)) != NULL)
			reject(app, why);
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
		else
			reject(app, "longer than 1 MiB");
	}
}

void
loop_read(struct app *app)
{
	struct loop *l = &app->loop;
	int got = 1;

	for (int i = 0; i < READS_A_TURN && got > 0; i++) {
		got = ndjson_fill(&l->in);
		if (got >= 0)
			take_lines(app);
	}
	if (got == 0 || got == -2) {
		/* it can answer no more, so nothing more is asked of it */
		child_close_stdin(&l->child);
		child_close_stdout(&l->child);
		ndjson_in_free(&l->in);
		command_end_in(app, CLOSED_MS);
	}
}

void
loop_serve(struct app *app, const struct pollfd *fds, size_t n)
{
	struct loop *l = &app->loop;

	if (n == 0)
		return;
	if (l->child.from != -1 && fds[0].revents != 0)
		loop_read(app);
	if (l->child.to != -1 && fds[1].revents & (POLLERR | POLLNVAL))
		input_closed(app);
	loop_send(app);
	if (app->filter.sigs.child || l->child.from == -1)
		command_reap(app);
	app->filter.sigs.child = false;
}

void
loop_finish(struct app *app)
{
	app->loop.finishing = true;
	app->loop.end_ms = app->now_ms + app->opt.drain_ms + CLOSED_MS;
	command_end_in(app, app->opt.drain_ms + CLOSED_MS);
	loop_send(app);
}
