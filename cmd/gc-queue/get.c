/* A queue to stdout, or through COMMAND. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-queue/queue.h"
#include "lib/log.h"
#include "lib/sandbox.h"

#define TURN_MAX (1 << 20)	/* bytes that a turn gives on */
#define FDS_MAX (FILTER_FDS + DRIVER_FDS + 2 * STREAMS_MAX)

static struct app *getting;	/* for what filter_end does */

void
hole_lines(struct buf *out, const char *url, const char *reason,
    int64_t quiet_ms, int64_t wall_ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(wall_ms, at);
	buf_addf(out, "{\"event\":\"gc:closed\",\"at\":\"%s\",\"socket\":%d,"
	    "\"code\":null,\"reason\":\"%s\",\"by\":\"network\",\"next\":"
	    "\"reconnect\",\"delayMs\":0}\n", at, HOLE_SOCKET, reason);
	buf_addf(out, "{\"event\":\"gc:open\",\"at\":\"%s\",\"socket\":%d,"
	    "\"sockets\":1,\"url\":", at, HOLE_SOCKET);
	buf_add_json(out, url, strlen(url));
	buf_addf(out, ",\"attempt\":1,\"subscriptions\":0,\"rejected\":0,"
	    "\"scope\":null,\"resumed\":true,\"downtimeMs\":%" PRId64 "}\n",
	    quiet_ms > 0 ? quiet_ms : 1);
}

struct stream *
get_stream(struct app *app, unsigned number)
{
	struct stream *s;

	for (size_t i = 0; i < app->stream_count; i++)
		if (app->streams[i]->number == number)
			return app->streams[i];
	s = xcalloc(1, sizeof(*s));
	s->number = number;
	s->child = (struct child)CHILD_NONE;
	s->group = -1;
	s->restart_ms = s->kill_ms = CLOCK_NEVER;
	app->streams = xreallocarray(app->streams, app->stream_count + 1,
	    sizeof(struct stream *));
	app->streams[app->stream_count++] = s;
	return s;
}

/* What was acknowledged is kept, whatever ends us. */
static void
let_out(void)
{
	getting->driver->get_close(getting);
}

void
get_print(struct app *app, const char *line, size_t raw)
{
	filter_put(&app->filter, line, raw);
}

/* With no COMMAND: out, and acknowledged once it is written. */
static size_t
print_chunk(struct app *app, const struct chunk *c)
{
	if (c->len > 0)
		filter_put(&app->filter, c->lines, c->len);
	c->stream->given = c->end;
	c->stream->pending++;
	return c->len;
}

static void
acknowledge_printed(struct app *app)
{
	filter_flush(&app->filter);
	for (size_t i = 0; i < app->stream_count; i++) {
		struct stream *s = app->streams[i];

		if (s->pending == 0)
			continue;
		s->pending = 0;
		app->counts.acked++;
		app->driver->get_ack(app, s, s->given);
	}
}

/* Hand lines on, so many that signals are heard in between.  True: there
 * may be more at once. */
static bool
move(struct app *app)
{
	struct chunk c;
	size_t moved = 0;

	while (moved < TURN_MAX && !app->ended && app->filter.stop_ms == 0) {
		switch (app->driver->get_next(app, &c,
		    app->command ? app->opt.batch : UINT64_MAX)) {
		case NEXT_NOTHING:
			goto out;
		case NEXT_END:
			app->ended = true;
			goto out;
		case NEXT_CHUNK:
			break;
		}
		app->counts.lines += c.count;
		app->counts.bytes += c.len;
		if (app->command == NULL)
			moved += print_chunk(app, &c);
		else
			command_give(app, &c);
		moved += c.count + 64;
	}
out:
	if (app->command == NULL)
		acknowledge_printed(app);
	return moved >= TURN_MAX;
}

/* Is there nothing left to wait for? */
static bool
is_finished(const struct app *app)
{
	bool over = app->ended || app->filter.stop_ms != 0;

	if (app->command == NULL)
		return over;
	for (size_t i = 0; i < app->stream_count; i++)
		if (!app->streams[i]->finished)
			return false;
	return over || app->stream_count > 0;
}

static int64_t
tick(struct app *app)
{
	int64_t due = app->driver->get_tick(app), at;

	for (size_t i = 0; app->command && i < app->stream_count; i++) {
		if (app->ended || app->filter.stop_ms != 0)
			command_finish(app, app->streams[i]);
		if ((at = command_tick(app, app->streams[i])) < due)
			due = at;
	}
	return due;
}

static void
turn(struct app *app, struct pollfd *fds, bool more)
{
	struct pollfd *of_driver = fds + FILTER_FDS, *at;
	int64_t due = tick(app);
	size_t n, all;
	bool child;
	int timeout;

	n = app->driver->interest(app, of_driver);
	at = of_driver + n;
	for (size_t i = 0; app->command && i < app->stream_count; i++)
		at += command_interest(app, app->streams[i], at);
	all = (size_t)(at - fds);
	timeout = filter_prepare(&app->filter, due, fds);
	if (more)
		timeout = 0;
	if (poll(fds, (nfds_t)all, timeout) == -1)
		for (size_t i = 0; i < all; i++)
			fds[i].revents = 0;
	filter_collect(&app->filter, fds);
	child = app->filter.sigs.child;
	app->filter.sigs.child = false;
	app->now_ms = app->filter.now_ms;
	app->wall_ms = clock_wall_ms();
	app->driver->serve(app, of_driver, n);
	at = of_driver + n;
	for (size_t i = 0; app->command && i < app->stream_count; i++, at += 2)
		command_serve(app, app->streams[i], at, child);
	if (app->filter.sigs.status) {
		app->filter.sigs.status = false;
		say_status(app, "get");
	}
}

static int
finish(struct app *app)
{
	int code = GC_EX_OK;
	bool kept;

	for (size_t i = 0; i < app->stream_count; i++) {
		if (app->streams[i]->exit_code > code)
			code = app->streams[i]->exit_code;
		command_free(app->streams[i]);
	}
	filter_flush(&app->filter);
	app->filter.before_exit = NULL;
	kept = app->driver->get_close(app);
	if (log_get_level() >= LOG_NOTE)
		say_status(app, "get");
	filter_close(&app->filter);
	route_free(&app->route);
	for (size_t i = 0; i < app->stream_count; i++)
		free(app->streams[i]);
	free(app->streams);
	return kept ? code : GC_EX_IOERR;
}

int
get_run(struct app *app, const struct metrics *m)
{
	struct pollfd *fds = xcalloc(FDS_MAX, sizeof(*fds));
	struct sandbox box = { .client = false };
	struct err e;
	bool more;
	int code;

	if (filter_open(&app->filter, false, m, &e) == -1)
		die_err(&e);
	app->filter.input_done = true;	/* stdin is not ours to read */
	getting = app;
	app->now_ms = app->filter.now_ms;
	app->wall_ms = clock_wall_ms();
	route_init(&app->route);
	app->driver->get_open(app, &box);
	sandbox_file(&box, m->path);
	/* a COMMAND a partition is more than one helper can run */
	app->sandbox = app->driver->network && app->command != NULL ?
	    "none" : sandbox_enter(&box);
	app->filter.before_exit = let_out;
	if (app->command != NULL && !app->driver->network)
		command_start(app, get_stream(app, 1));
	for (;;) {
		tick(app);	/* what is started takes lines at once */
		more = move(app);
		if (is_finished(app))
			break;
		turn(app, fds, more);
	}
	code = finish(app);
	free(fds);
	return code;
}
