/* COMMAND's life.  It gets a stream's lines and, behind each batch, a
 * barrier; what comes out goes to stdout, save the barriers, which
 * acknowledge.  When it dies all that is not acknowledged is given to the
 * next one again. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-queue/queue.h"
#include "lib/backoff.h"
#include "lib/log.h"

#define OUT_HIGH (1 << 17)	/* bytes that wait for it: no more for now */
#define OUT_CAP (8 << 20)	/* above that, and a chunk */
#define READS_A_TURN 16
#define LAST_TRIES 3
#define CLOSED_MS 5000		/* to end in, once its output is closed */
#define KILL_MS 5000		/* between SIGTERM and SIGKILL */
#define HURRY_MS 1500		/* after a signal to us: its SIGTERM */
#define HURRY_KILL_MS 3000	/* and behind that its SIGKILL */
#define SETTLED_MS 60000	/* a life so long was a good one */

static const struct backoff restart_backoff = {
	.base_ms = 500, .cap_ms = 30000, .jitter_ms = 100
};

static uint64_t
random_name(void)
{
	return ((uint64_t)arc4random() << 32) | arc4random();
}

/* Who is left of the last one's group must not hold what the next needs. */
static void
end_group(struct stream *s, int sig)
{
	if (s->group > 0)
		kill(-s->group, sig);
}

void
command_start(struct app *app, struct stream *s)
{
	char partition[32], *env[] = { partition, NULL };
	struct err e;

	end_group(s, SIGKILL);
	s->group = -1;
	s->restart_ms = CLOCK_NEVER;
	app->counts.starts++;
	buf_free(&s->out);
	buf_init(&s->out, OUT_CAP);
	buf_free(&s->half);
	buf_init(&s->half, NDJSON_LINE_MAX + 2);
	barriers_init(&s->barriers, random_name());
	s->pending = 0;
	s->closing = s->leaving = false;
	snprintf(partition, sizeof(partition), "GC_PARTITION=%u", s->number);
	if (child_start(&s->child, app->command,
	    app->driver->network ? env : NULL, true, &e) == -1)
		queue_die(app, &e);
	s->group = s->child.pid;
	ndjson_in_init(&s->in, s->child.from);
}

/* It has none, and none is due. */
static bool
is_idle(const struct stream *s)
{
	return s->child.pid == -1 && s->restart_ms == CLOCK_NEVER;
}

bool
command_ready(struct app *app, struct stream *s)
{
	if (app->command == NULL)
		return true;
	if (is_idle(s) && !s->finished)
		command_start(app, s);
	s->full = s->out.len >= OUT_HIGH;
	return s->child.to != -1 && !s->closing && !s->full &&
	    barriers_out(&s->barriers) < BARRIERS_MAX - 1;
}

static void
send_barrier(struct app *app, struct stream *s)
{
	if (s->pending > 0 && barriers_send(&s->barriers, s->given,
	    app->now_ms, &s->out) == 0)
		s->pending = 0;
}

void
command_give(struct app *app, const struct chunk *c)
{
	struct stream *s = c->stream;

	s->given = c->end;
	if (c->count == 0) {
		/* lines of others alone: it has not to know of them */
		if (s->pending == 0 && barriers_out(&s->barriers) == 0)
			app->driver->get_ack(app, s, s->given);
		return;
	}
	buf_add(&s->out, c->lines, c->len);
	if (s->pending == 0)
		s->pending_ms = app->now_ms;
	s->pending += c->count;
	if (s->pending >= app->opt.batch)
		send_barrier(app, s);
}

static void
end_in(struct app *app, struct stream *s, int64_t ms)
{
	if (app->now_ms + ms < s->kill_ms)
		s->kill_ms = app->now_ms + ms;
}

/* It reads no more: what it has read may come out still. */
static void
input_closed(struct app *app, struct stream *s)
{
	child_close_stdin(&s->child);
	end_in(app, s, CLOSED_MS);
}

static void
write_out(struct app *app, struct stream *s)
{
	ssize_t n = 1;

	while (s->child.to != -1 && s->out.len > 0 && n > 0) {
		n = write(s->child.to, s->out.data, s->out.len);
		if (n > 0)
			buf_drop(&s->out, (size_t)n);
		else if (errno != EAGAIN && errno != EINTR)
			input_closed(app, s);
	}
	if (s->closing && s->out.len == 0)
		child_close_stdin(&s->child);
}

/* A line that is half written is ended, the rest it need not have. */
static void
cut_out(struct stream *s)
{
	const char *newline = s->out.len == 0 ? NULL :
	    memchr(s->out.data, '\n', s->out.len);

	if (newline != NULL)
		s->out.len = (size_t)(newline + 1 - s->out.data);
}

void
command_leave(struct app *app, struct stream *s, bool last)
{
	if (app->command == NULL || s->child.pid == -1) {
		s->restart_ms = CLOCK_NEVER;
		if (!last)
			s->pending = 0;
		return;
	}
	if (last)
		send_barrier(app, s);
	else
		cut_out(s);
	s->pending = 0;
	s->closing = s->leaving = true;
	write_out(app, s);
	end_in(app, s, CLOSED_MS);
}

/* No more lines will come: a last barrier, and the end of its input. */
void
command_finish(struct app *app, struct stream *s)
{
	if (is_idle(s))
		s->finished = true;
	if (s->closing || s->finished || s->child.pid == -1)
		return;
	send_barrier(app, s);
	if (s->pending > 0)
		return;
	s->closing = true;
	write_out(app, s);
}

/* One line of its output; true if it is a barrier that came back. */
static bool
take_line(struct app *app, struct stream *s, const char *line, size_t len,
    size_t raw, struct barrier_mark *mark)
{
	int back = barriers_take(&s->barriers, line, len, mark);

	if (back == -1)
		get_print(app, line, raw);
	return back == 1;
}

/* What came before the barrier is written before it counts. */
static void
acknowledge(struct app *app, struct stream *s, struct barrier_mark mark)
{
	filter_flush(&app->filter);
	s->restarts = s->last_tries = 0;
	app->counts.acked++;
	app->driver->get_ack(app, s, mark);
}

static void
take_lines(struct app *app, struct stream *s)
{
	struct barrier_mark mark;
	bool back = false;
	const char *line;
	size_t len, raw;
	enum ndjson_got got;

	while ((got = ndjson_next(&s->in, &line, &len, &raw)) ==
	    NDJSON_LINE || got == NDJSON_LONG) {
		if (got == NDJSON_LINE)
			back |= take_line(app, s, line, len, raw, &mark);
		else
			log_warn("COMMAND printed a line longer than 1 MiB: "
			    "dropped");
	}
	if (back)
		acknowledge(app, s, mark);
}

/* Its output has ended: what is left of it is no line, unless COMMAND ended
 * well.  No whole line is held when it is asked for more. */
static void
keep_half(struct stream *s)
{
	struct ndjson_in *in = &s->in;

	if (in->skipping || in->buf.len - in->at > NDJSON_LINE_MAX)
		return;
	buf_add(&s->half, in->buf.data + in->at, in->buf.len - in->at);
	in->buf.len = in->searched = in->at;
}

/* Half a line is nobody's: where COMMAND failed, or did not hand on all
 * barriers, its batch comes again. */
static void
end_half(struct app *app, struct stream *s, int code)
{
	struct barrier_mark mark;
	size_t len = s->half.len;
	int back;

	if (len == 0)
		return;
	back = code != 0 ? 0 : barriers_take(&s->barriers, s->half.data, len,
	    &mark);
	buf_add(&s->half, "\n", 1);
	if (back == 1)
		acknowledge(app, s, mark);
	else if (back == -1 && barriers_out(&s->barriers) == 0 &&
	    s->pending == 0)
		get_print(app, s->half.data, len + 1);
	else
		log_warn("COMMAND ended within a line: %zu bytes of it are "
		    "dropped", len);
	buf_reset(&s->half);
}

static void
read_in(struct app *app, struct stream *s)
{
	int got = 1;

	for (int i = 0; i < READS_A_TURN && got > 0; i++) {
		got = ndjson_fill(&s->in);
		if (got == 0)
			keep_half(s);
		if (got >= 0)
			take_lines(app, s);
	}
	if (got == 0 || got == -2) {
		/* no barrier can come back any more */
		child_close_stdin(&s->child);
		child_close_stdout(&s->child);
		ndjson_in_free(&s->in);
		end_in(app, s, CLOSED_MS);
	}
}

static _Noreturn void
give_up(struct app *app, int code, const char *what)
{
	filter_end(&app->filter);
	die(code, "COMMAND %s", what);
}

/* Its exit code as ours, or -1: it is worth another start. */
static int
last_code(struct app *app, struct stream *s, int code)
{
	bool open = barriers_out(&s->barriers) > 0 || s->pending > 0 ||
	    !s->closing;

	if (app->filter.stop_ms != 0)
		return s->kills > 0 || code >= 128 ? GC_EX_OK : code;
	if (!open)
		return code < 128 ? code : GC_EX_TEMPFAIL;
	if (s->last_tries++ < LAST_TRIES)
		return -1;
	log_error("COMMAND ended again and again and did not hand on all "
	    "barriers: what is not acknowledged stays in '%s'",
	    app->url.shown);
	return GC_EX_TEMPFAIL;
}

/* It has ended: the next one, or the end. */
static void
ended(struct app *app, struct stream *s, int code)
{
	char what[64];

	snprintf(what, sizeof(what), "ended with %d", code);
	if (code == GC_EX_USAGE || code == GC_EX_NOPERM ||
	    code == GC_EX_CONFIG)
		give_up(app, code, what);
	if (code == 126 || code == 127)
		give_up(app, GC_EX_CONFIG, "can't be run");
	if (s->leaving && app->filter.stop_ms == 0) {
		s->kills = 0;
		s->kill_ms = CLOCK_NEVER;
		return;
	}
	if (!app->opt.follow || app->filter.stop_ms != 0) {
		s->exit_code = last_code(app, s, code);
		s->finished = s->exit_code != -1;
		if (s->finished)
			return;
		s->exit_code = 0;
		app->ended = false;
	}
	s->kills = 0;
	s->kill_ms = CLOCK_NEVER;
	s->restart_ms = app->now_ms + backoff_delay_ms(&restart_backoff,
	    s->restarts++, arc4random());
	log_warn("COMMAND %s: started again in %lld ms, from the last "
	    "barrier on", what, (long long)(s->restart_ms - app->now_ms));
}

static void
reap(struct app *app, struct stream *s)
{
	int code;

	if (child_reap(&s->child, &code) == 0)
		return;
	/* all that it said is in the pipe by now, which a child of its own
	 * may hold open */
	if (s->child.from != -1)
		read_in(app, s);
	child_close_stdin(&s->child);
	if (s->child.from != -1) {
		child_close_stdout(&s->child);
		ndjson_in_free(&s->in);
	}
	end_group(s, SIGTERM);
	end_half(app, s, code);
	ended(app, s, code);
}

static void
send_signal(struct app *app, struct stream *s)
{
	bool last = s->kills++ > 0;

	if (app->filter.stop_ms == 0)
		log_warn("COMMAND does not end: stopped");
	end_group(s, last ? SIGKILL : SIGTERM);
	s->kill_ms = app->now_ms + (app->filter.stop_ms != 0 ?
	    HURRY_KILL_MS : KILL_MS);
}

/* A signal to us: it has a moment to take what it was given. */
static void
hurry(struct app *app, struct stream *s)
{
	s->hurried = true;
	end_in(app, s, HURRY_MS);
}

static void
say_late(struct app *app, struct stream *s)
{
	log_warn("a barrier is not back from COMMAND after %lld s: %s",
	    (long long)(app->opt.patience_ms / 1000), s->out.len > 0 ?
	    "COMMAND does not read its input" : "does a stage of it swallow "
	    "lines that it does not know, or print elsewhere than to "
	    "stdout?");
}

int64_t
command_tick(struct app *app, struct stream *s)
{
	int64_t due = CLOCK_NEVER, at;

	if (s->finished)
		return CLOCK_NEVER;
	if (s->child.pid == -1 && app->filter.stop_ms != 0) {
		s->finished = true;
		return CLOCK_NEVER;
	}
	if (app->now_ms >= s->restart_ms) {
		app->driver->get_rewind(app, s);
		command_start(app, s);
	}
	if (s->child.pid == -1)
		return s->restart_ms;
	if (app->filter.stop_ms != 0 && !s->hurried)
		hurry(app, s);
	if (app->now_ms >= s->kill_ms)
		send_signal(app, s);
	if (s->pending > 0) {
		due = s->pending_ms + app->opt.linger_ms;
		if (app->now_ms >= due) {
			send_barrier(app, s);
			due = CLOCK_NEVER;
		}
	}
	if (barriers_late(&s->barriers, app->opt.patience_ms, app->now_ms))
		say_late(app, s);
	at = barriers_due(&s->barriers, app->opt.patience_ms);
	if (at < due)
		due = at;
	write_out(app, s);
	if (s->full && s->out.len < OUT_HIGH) {
		s->full = false;	/* nothing else would wake us */
		return app->now_ms;
	}
	return s->kill_ms < due ? s->kill_ms : due;
}

size_t
command_interest(struct app *app, struct stream *s, struct pollfd *fds)
{
	(void)app;
	fds[0] = (struct pollfd){ s->child.from, POLLIN, 0 };
	fds[1] = (struct pollfd){ s->child.to,
	    s->out.len > 0 ? POLLOUT : 0, 0 };
	return 2;
}

void
command_serve(struct app *app, struct stream *s, const struct pollfd *fds,
    bool child)
{
	if (s->child.from != -1 && fds[0].revents != 0)
		read_in(app, s);
	if (s->child.to != -1 && fds[1].revents & (POLLERR | POLLNVAL))
		input_closed(app, s);
	write_out(app, s);
	if (child || s->child.from == -1)
		reap(app, s);
}

void
command_free(struct stream *s)
{
	end_group(s, SIGTERM);
	if (s->child.from != -1)
		ndjson_in_free(&s->in);
	child_close_stdin(&s->child);
	child_close_stdout(&s->child);
	buf_free(&s->out);
	buf_free(&s->half);
}
