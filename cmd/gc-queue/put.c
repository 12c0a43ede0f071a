/* stdin into a queue. */
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-queue/queue.h"
#include "lib/log.h"
#include "lib/sandbox.h"

#define LAST_MS 5000		/* at the end: to get out what is held */

static struct app *putting;	/* for what filter_end does */

/* Whatever ends us, what was taken is let out if it can be. */
static void
let_out(void)
{
	putting->driver->put_flush(putting);
	putting->driver->put_is_done(putting);
}

/*
 * A new gc-subscribe does not know that others were before it, and that
 * whoever reads behind this queue knew them: between the two nobody
 * listened.
 */
static void
tell_restart(struct app *app, const char *line, size_t len)
{
	enum { RESUMED, COUNT };
	static const struct scan_key keys[COUNT] = {
		[RESUMED] = SCAN_KEY("resumed", -1),
	};
	struct slice v[COUNT];
	struct buf hole;
	int64_t quiet_ms;
	size_t first;

	if (scan_object(line, len, keys, COUNT, v) != SCAN_OK ||
	    v[RESUMED].kind != SCAN_FALSE ||
	    app->driver->put_is_new(app, &quiet_ms))
		return;
	buf_init(&hole, NDJSON_LINE_MAX);
	hole_lines(&hole, app->url.shown, "restart", quiet_ms, app->wall_ms);
	first = (size_t)((char *)memchr(hole.data, '\n', hole.len) + 1 -
	    hole.data);
	app->driver->put_line(app, hole.data, first);
	app->driver->put_line(app, hole.data + first, hole.len - first);
	app->counts.holes++;
	buf_free(&hole);
}

static void
one_line(struct app *app, const char *line, size_t len, size_t raw)
{
	enum scan_verdict verdict = route_line(&app->route, line, len);

	if (verdict != SCAN_OK) {
		filter_reject(&app->filter, scan_reason(verdict));
		return;
	}
	if (app->route.everyone) {
		if (slice_is(app->route.event, "gc:commit") ||
		    slice_is(app->route.event, "gc:journal")) {
			filter_reject(&app->filter, "a journal's own line");
			return;
		}
		if (slice_is(app->route.event, "gc:open"))
			tell_restart(app, line, len);
	}
	app->counts.lines++;
	app->counts.bytes += raw;
	app->driver->put_line(app, line, raw);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* One turn; false when the input has ended.  held: stdin is left alone. */
static bool
turn(struct app *app, int64_t due, bool held)
{
	struct pollfd fds[FILTER_FDS + DRIVER_FDS];
	size_t n = app->driver->interest(app, fds + FILTER_FDS);
	int timeout = filter_prepare(&app->filter, due, fds);
	bool more;

	if (held) {
		fds[0].fd = -1;
		timeout = clock_poll_ms(app->filter.now_ms,
		    earlier(due, app->filter.now_ms + METRICS_PERIOD_MS));
	} else if (app->filter.readable) {
		timeout = 0;	/* is there more? */
	}
	fds[2].fd = -1;		/* nothing is printed: who reads it may go */
	if (poll(fds, (nfds_t)(FILTER_FDS + n), timeout) == -1)
		for (size_t i = 0; i < FILTER_FDS + n; i++)
			fds[i].revents = 0;
	fds[2].revents = 0;
	more = filter_collect(&app->filter, fds);
	app->now_ms = app->filter.now_ms;
	app->wall_ms = clock_wall_ms();
	app->driver->serve(app, fds + FILTER_FDS, n);
	if (app->filter.sigs.status) {
		app->filter.sigs.status = false;
		say_status(app, "put");
	}
	return more;
}

/* What is there is taken; it is let out when no more is there at the moment,
 * or the driver has enough. */
static void
take_lines(struct app *app)
{
	const char *line;
	size_t len, raw;

	while (!app->driver->put_is_held(app)) {
		if (!filter_line(&app->filter, &line, &len, &raw)) {
			if (!app->filter.readable || app->filter.in.ended)
				app->driver->put_flush(app);
			return;
		}
		one_line(app, line, len, raw);
	}
}

/* How long to try still, where it cannot be put: since when, or never. */
static int64_t
give_up_ms(struct app *app, int64_t ended_ms)
{
	int64_t since = ended_ms;
	int code;

	app->driver->put_left(app, &code);
	if (app->filter.stop_ms > since)
		since = app->filter.stop_ms;
	/* a broker comes back: only a signal is the end of that */
	return code == GC_EX_IOERR || app->filter.stop_ms != 0 ?
	    since + LAST_MS : CLOCK_NEVER;
}

/* Lines that were read and not taken. */
static uint64_t
not_taken(const struct app *app)
{
	const struct ndjson_in *in = &app->filter.in;
	uint64_t n = 0;

	for (size_t i = in->at; i < in->buf.len; i++)
		n += in->buf.data[i] == '\n' || i + 1 == in->buf.len;
	return n;
}

/* Will nobody put more into stdin?  It may hold something still. */
static bool
input_is_over(const struct app *app)
{
	struct pollfd p = { STDIN_FILENO, POLLIN, 0 };
	struct stat st;

	return app->filter.in.ended ||
	    (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode)) ||
	    (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0);
}

/* No more will come: wait until it is safe. */
static int
finish(struct app *app, int64_t ended_ms)
{
	int64_t due, end;
	uint64_t left;
	int code = GC_EX_OK;

	app->driver->put_flush(app);
	while (not_taken(app) > 0 || !app->driver->put_is_done(app)) {
		due = app->driver->put_tick(app);
		end = give_up_ms(app, ended_ms);
		if (clock_mono_ms() >= end) {
			left = app->driver->put_left(app, &code) +
			    not_taken(app);
			log_error("%llu lines%s could not be put into '%s'",
			    (unsigned long long)left, app->filter.in.ended ?
			    "" : " or more", app->url.shown);
			return code;
		}
		turn(app, earlier(due, end), true);
		take_lines(app);
	}
	return GC_EX_OK;
}

int
put_run(struct app *app, const struct metrics *m)
{
	struct sandbox box = { .client = false };
	bool more = true, held = false;
	int64_t over_ms;	/* up to then more could come, or was taken */
	struct err e;
	int code;

	if (filter_open(&app->filter, app->opt.strict, m, &e) == -1)
		die_err(&e);
	putting = app;
	app->putting = true;
	app->now_ms = over_ms = app->filter.now_ms;
	app->wall_ms = clock_wall_ms();
	route_init(&app->route);
	app->driver->put_open(app, &box);
	sandbox_file(&box, m->path);
	app->sandbox = sandbox_enter(&box);
	app->filter.before_exit = let_out;
	while (more && !app->filter.in.ended) {
		more = turn(app, app->driver->put_tick(app), held);
		take_lines(app);
		held = app->driver->put_is_held(app);
		if (!held || !input_is_over(app))
			over_ms = app->now_ms;
		else if (app->now_ms >= give_up_ms(app, over_ms))
			break;
	}
	code = finish(app, over_ms);
	app->filter.before_exit = NULL;
	app->driver->put_close(app);
	if (log_get_level() >= LOG_NOTE)
		say_status(app, "put");
	filter_close(&app->filter);
	route_free(&app->route);
	return code;
}
