/* gc-cache put: lines to the server, and on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-cache/cache.h"
#include "lib/clock.h"
#include "lib/log.h"

#define ACT_ON (EVENT_BIT(EVENT_AGENT) | EVENT_BIT(EVENT_BARRIER))
#define WINDOW_BYTES (4u << 20)	/* sent and not answered, at most about */
#define PING_MS 15000		/* of quiet: is it still there? */
#define LAST_MS 2000		/* for the rest, once nobody reads stdout */

static struct {
	struct latest latest;
	struct batch *open;	/* not full yet, not sent */
	size_t flying;		/* bytes of batches that are not answered */
	size_t cursor;		/* the next item to be told again */
	struct buf barrier;	/* held back; empty: none */
	bool stuck;		/* lines wait in our own buffer */
	bool told_away, told_full, told_forgotten;
	int64_t away_ms;	/* since when */
	int64_t touched_ms;	/* --ttl began anew */
	int64_t ended_ms;	/* the input did, or whoever wrote it */
} p;

static char pinged, touched;

/* --- to the server ------------------------------------------------------ */

static bool
is_up(void)
{
	return app.conn.state == CONN_UP;
}

static void
send_open(void)
{
	if (p.open == NULL)
		return;
	p.flying += p.open->bytes;
	batch_send(p.open, &p.latest, app.url.prefix, &app.conn);
	p.open = NULL;
}

/* The latest line of an agent, on the connection there is now. */
static void
tell(size_t number, enum batch_kind kind)
{
	struct latest_item *item = &p.latest.all[number];

	if (item->gone)
		kind = BATCH_GONE;
	if (p.open != NULL && p.open->kind != kind)
		send_open();
	if (p.open == NULL)
		p.open = batch_new(kind);
	item->epoch = (uint32_t)app.conn.ups;
	batch_add(p.open, &p.latest, number);
	if (batch_is_full(p.open))
		send_open();
}

static void
touch(int64_t now_ms)
{
	p.touched_ms = now_ms;
	batch_touch(&touched, app.opt.ttl_ms, app.url.prefix, &app.conn);
}

/*
 * On a new connection every line that is known is told again: what was not
 * written, and all else in case the server has lost it.  Between them come
 * the lines of now.
 */
static void
tell_again(void)
{
	for (; p.cursor < p.latest.ids.count && p.flying < WINDOW_BYTES;
	    p.cursor++) {
		const struct latest_item *item = &p.latest.all[p.cursor];

		if (item->line != NULL &&
		    item->epoch != (uint32_t)app.conn.ups)
			tell(p.cursor, item->written ? BATCH_FILL : BATCH_SET);
	}
}

/* What is to be said to the server, and by when to come back. */
static int64_t
tend(int64_t now_ms)
{
	int64_t due = app.conn.spoke_ms + PING_MS;
	bool spoke;

	if (!is_up())
		return CLOCK_NEVER;
	tell_again();
	spoke = p.open != NULL;
	send_open();
	if (app.opt.ttl_ms > 0) {
		if (spoke || now_ms - p.touched_ms >= app.opt.ttl_ms / 3)
			touch(now_ms);
		if (p.touched_ms + app.opt.ttl_ms / 3 < due)
			due = p.touched_ms + app.opt.ttl_ms / 3;
	}
	if (now_ms - app.conn.spoke_ms >= PING_MS)
		conn_ask(&app.conn, &pinged, 1, (const char *[]){ "PING" },
		    (size_t[]){ 4 });
	conn_push(&app.conn);
	return due;
}

static void
on_reply(void *what, const redisReply *r)
{
	struct batch *b = what;
	uint64_t taken;

	if (what == &pinged || what == &touched)
		return;
	p.flying -= b->bytes;
	if (r != NULL) {
		conn_good(&app.conn);
		taken = r->type == REDIS_REPLY_INTEGER ?
		    (uint64_t)r->integer : 0;
		app.written += taken;
		if (b->kind != BATCH_FILL && taken < b->count)
			app.stale += b->count - taken;
		for (size_t i = 0; i < b->count; i++)
			latest_written(&p.latest, b->items[i].number,
			    b->items[i].version);
	}
	batch_del(b);
}

static void
on_up(void)
{
	p.cursor = 0;
	p.touched_ms = INT64_MIN / 2;
}

static void
on_down(void)
{
	batch_del(p.open);
	p.open = NULL;
	if (app.conn.fatal != 0 || p.told_away)
		return;
	p.told_away = true;
	p.away_ms = app.conn.now_ms;
	log_warn("%s: %s; the latest line of each agent is kept until it is "
	    "back", app.url.shown, app.conn.why.msg);
}

/* --- lines -------------------------------------------------------------- */

/* May no line be taken in at the moment? */
static bool
is_blocked(void)
{
	return p.barrier.len > 0 || p.flying >= WINDOW_BYTES ||
	    latest_full(&p.latest);
}

static void
let_barrier_out(void)
{
	if (p.barrier.len == 0 || p.latest.unwritten > 0)
		return;
	filter_put(&app.filter, p.barrier.data, p.barrier.len);
	filter_flush(&app.filter);
	buf_reset(&p.barrier);
}

static void
one_agent(const char *line, size_t len)
{
	char stamp[RECENCY_LEN + 1];
	size_t number;

	app.agents++;
	recency(&app.ev, stamp);
	number = latest_put(&p.latest, app.ev.user_id, stamp, app.ev.gone,
	    line, len);
	if (number == LATEST_STALE)
		app.stale++;
	else if (is_up())
		tell(number, BATCH_SET);
}

static void
one_line(const char *line, size_t len, size_t raw)
{
	const char *why = event_parse(&app.ev, line, len, ACT_ON);

	if (why != NULL) {
		filter_reject(&app.filter, why);
		return;
	}
	if (app.ev.kind == EVENT_BARRIER) {
		buf_add(&p.barrier, line, raw);
		send_open();
		let_barrier_out();
		return;
	}
	if (app.ev.kind == EVENT_AGENT)
		one_agent(line, len);
	filter_put(&app.filter, line, raw);
}

static void
take_lines(void)
{
	const char *line;
	size_t len, raw;

	while (!(p.stuck = is_blocked()) &&
	    filter_line(&app.filter, &line, &len, &raw))
		one_line(line, len, raw);
}

/* --- what people are told ----------------------------------------------- */

static void
tell_people(int64_t now_ms)
{
	if (p.told_away && is_up() && p.latest.unwritten == 0) {
		p.told_away = false;
		log_warn("%s is back after %" PRId64 " s: all is written",
		    app.url.shown, (now_ms - p.away_ms) / 1000);
	}
	if (latest_full(&p.latest) && !p.told_full) {
		p.told_full = true;
		log_warn("--buffer is full of lines that are not written: no "
		    "more are read until they are");
	}
	if (p.latest.forgotten > 0 && !p.told_forgotten) {
		p.told_forgotten = true;
		log_warn("there are more agents than --buffer has room for: "
		    "should %s ever come back empty, some will be missing",
		    app.url.shown);
	}
	app.unwritten = p.latest.unwritten;
	app.up = is_up();
}

/* --- the loop ----------------------------------------------------------- */

/* When it ends with something left. */
static int64_t
give_up_ms(void)
{
	if (app.filter.stop_ms != 0)
		return app.filter.stop_ms + FILTER_STOP_MS;
	return p.ended_ms != 0 ? p.ended_ms + app.opt.drain_ms : CLOCK_NEVER;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Only the end of a blocked input is looked for, and once. */
static void
wait_blocked(struct pollfd *in)
{
	in->events = 0;
	if (p.ended_ms != 0)
		in->fd = -1;
}

static void
waited_blocked(struct pollfd *in)
{
	if (in->revents != 0)
		p.ended_ms = app.filter.now_ms;
	in->revents = 0;
}

/* False once the input has ended. */
static bool
turn(void)
{
	struct pollfd fds[FILTER_FDS + CONN_FDS];
	int64_t due = conn_step(&app.conn, clock_mono_ms());
	size_t n = FILTER_FDS;
	bool blocked, more;
	int timeout;

	due = earlier(due, tend(app.conn.now_ms));
	n += conn_interest(&app.conn, fds + n, &due);
	blocked = is_blocked();
	if (p.stuck && !blocked)
		due = app.conn.now_ms;
	timeout = filter_prepare(&app.filter, earlier(due, give_up_ms()),
	    fds);
	if (blocked)
		wait_blocked(&fds[0]);
	if (poll(fds, n, timeout) == -1)
		for (size_t i = 0; i < n; i++)
			fds[i].revents = 0;
	if (blocked)
		waited_blocked(&fds[0]);
	more = filter_collect(&app.filter, fds);
	conn_serve(&app.conn, app.filter.now_ms);
	let_barrier_out();
	take_lines();
	tell_people(app.filter.now_ms);
	if (app.filter.sigs.status) {
		app.filter.sigs.status = false;
		say_status();
	}
	return more;
}

static bool
all_is_done(void)
{
	return p.latest.unwritten == 0 && p.barrier.len == 0 &&
	    (!is_up() || p.cursor == p.latest.ids.count);
}

/* stdout is gone, or a line was bad: write what was taken in still, where
 * that is a matter of a moment. */
static void
last_words(void)
{
	int64_t now_ms = clock_mono_ms(), until_ms = now_ms + LAST_MS, due;
	struct pollfd fds[CONN_FDS];
	size_t n;

	while (is_up() && p.latest.unwritten > 0 && now_ms < until_ms) {
		due = earlier(until_ms, conn_step(&app.conn, now_ms));
		tend(now_ms);
		n = conn_interest(&app.conn, fds, &due);
		poll(fds, n, clock_poll_ms(now_ms, due));
		now_ms = clock_mono_ms();
		conn_serve(&app.conn, now_ms);
	}
	if (p.latest.unwritten > 0)
		log_warn("%s: the latest lines of %zu agents are not written",
		    app.url.shown, p.latest.unwritten);
	app.unwritten = p.latest.unwritten;
}

void
put_init(void)
{
	app.conn.reply = on_reply;
	app.conn.up = on_up;
	app.conn.down = on_down;
	latest_init(&p.latest, app.opt.buffer,
	    ((uint64_t)arc4random() << 32) | arc4random());
	buf_init(&p.barrier, NDJSON_LINE_MAX + 2);
	app.filter.before_exit = last_words;
}

/* What is left when it ends, and the code for that. */
static int
verdict(void)
{
	if (app.conn.fatal != 0)
		log_error("%s: %s", app.url.shown, app.conn.why.msg);
	if (p.latest.unwritten > 0)
		log_error("%s: the latest lines of %zu agents are not "
		    "written", app.url.shown, p.latest.unwritten);
	if (app.conn.fatal != 0)
		return app.conn.fatal;
	return p.latest.unwritten > 0 ? GC_EX_UNAVAILABLE : GC_EX_OK;
}

int
put(void)
{
	bool more = true;
	int code;

	while (app.conn.fatal == 0 && (more || !all_is_done()) &&
	    app.filter.now_ms < give_up_ms()) {
		more = turn();
		if (!more && p.ended_ms == 0)
			p.ended_ms = app.filter.now_ms;
	}
	app.unwritten = p.latest.unwritten;
	code = verdict();
	app.filter.before_exit = NULL;
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	conn_free(&app.conn);
	batch_del(p.open);
	latest_free(&p.latest);
	buf_free(&p.barrier);
	return code;
}
