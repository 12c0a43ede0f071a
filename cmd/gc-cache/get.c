/* gc-cache get: the roster, one line an agent. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "cmd/gc-cache/cache.h"
#include "lib/clock.h"
#include "lib/log.h"

#define SCAN_COUNT "200"	/* agents asked for at a time, about */
#define CURSOR_MAX 32

static struct {
	struct index seen;	/* a scan may give an agent twice */
	char cursor[CURSOR_MAX];
	bool asked, done;
	int64_t heard_ms;	/* something came last */
} g;

static char scanned;

static void
ask(void)
{
	char key[CACHEURL_NAME_MAX + 16];
	const char *argv[] = { "HSCAN", key, g.cursor, "COUNT", SCAN_COUNT };
	size_t lens[5];

	snprintf(key, sizeof(key), "%s:agents", app.url.prefix);
	for (int i = 0; i < 5; i++)
		lens[i] = strlen(argv[i]);
	conn_ask(&app.conn, &scanned, 5, argv, lens);
	g.asked = true;
}

/* Why a value of the hash is no line of the roster, or NULL. */
static const char *
judge(const redisReply *id, const redisReply *line)
{
	struct text field = { id->str, (uint32_t)id->len };
	const char *why;

	if (line->len > NDJSON_LINE_MAX)
		return "longer than 1 MiB";
	if (memchr(line->str, '\n', line->len) != NULL)
		return "it has a line break";
	why = event_parse(&app.ev, line->str, line->len,
	    EVENT_BIT(EVENT_AGENT));
	if (why != NULL)
		return why;
	if (app.ev.kind != EVENT_AGENT)
		return "it is no gc:agent line";
	return text_eq(app.ev.user_id, field) ? NULL :
	    "its userId is another's";
}

static void
one_agent(const redisReply *id, const redisReply *line)
{
	struct text field = { id->str, (uint32_t)id->len };
	size_t known = g.seen.count;
	const char *why;

	if (id->type != REDIS_REPLY_STRING || line->type !=
	    REDIS_REPLY_STRING || index_add(&g.seen, field) < known)
		return;
	app.filter.in.line++;
	app.filter.lines++;
	if ((why = judge(id, line)) != NULL) {
		filter_reject(&app.filter, why);
		return;
	}
	app.agents++;
	filter_put(&app.filter, line->str, line->len);
	filter_put(&app.filter, "\n", 1);
}

static void
on_reply(void *what, const redisReply *r)
{
	const redisReply *all;

	(void)what;
	if (r == NULL)
		return;
	g.asked = false;
	conn_good(&app.conn);
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 ||
	    r->element[0]->type != REDIS_REPLY_STRING ||
	    r->element[0]->len >= CURSOR_MAX ||
	    r->element[1]->type != REDIS_REPLY_ARRAY) {
		filter_end(&app.filter);
		die(GC_EX_UNAVAILABLE, "%s answers HSCAN as no Redis does",
		    app.url.shown);
	}
	all = r->element[1];
	for (size_t i = 0; i + 1 < all->elements; i += 2)
		one_agent(all->element[i], all->element[i + 1]);
	/* now: whoever reads us may have taken long */
	g.heard_ms = clock_mono_ms();
	memcpy(g.cursor, r->element[0]->str, r->element[0]->len + 1);
	g.done = strcmp(g.cursor, "0") == 0;
}

/* Another server may have other cursors: from the start, and what was
 * printed is not printed again. */
static void
on_up(void)
{
	g.heard_ms = app.conn.now_ms;
	snprintf(g.cursor, sizeof(g.cursor), "0");
	g.asked = false;
}

static void
on_down(void)
{
	log_note("%s: %s; tried again", app.url.shown, app.conn.why.msg);
}

static void
turn(void)
{
	struct pollfd fds[FILTER_FDS + CONN_FDS];
	int64_t due = conn_step(&app.conn, clock_mono_ms());
	size_t n = FILTER_FDS;
	int timeout;

	if (app.conn.state == CONN_UP && !g.asked) {
		ask();
		conn_push(&app.conn);
		due = conn_step(&app.conn, app.conn.now_ms);
	}
	n += conn_interest(&app.conn, fds + n, &due);
	if (g.heard_ms + app.opt.timeout_ms < due)
		due = g.heard_ms + app.opt.timeout_ms;
	timeout = filter_prepare(&app.filter, due, fds);
	if (poll(fds, n, timeout) == -1)
		for (size_t i = 0; i < n; i++)
			fds[i].revents = 0;
	filter_collect(&app.filter, fds);
	conn_serve(&app.conn, app.filter.now_ms);
	app.up = app.conn.state == CONN_UP;
	if (app.filter.sigs.status) {
		app.filter.sigs.status = false;
		say_status();
	}
}

/* Part of a roster must not pass for the whole. */
static void
give_up(void)
{
	if (app.filter.stop_ms != 0) {
		filter_end(&app.filter);
		sigs_die_stop();
	}
	if (app.conn.fatal == 0 &&
	    app.filter.now_ms < g.heard_ms + app.opt.timeout_ms)
		return;
	filter_end(&app.filter);
	if (app.conn.fatal != 0)
		die(app.conn.fatal, "%s: %s", app.url.shown,
		    app.conn.why.msg);
	die(GC_EX_UNAVAILABLE, "%s: %s", app.url.shown,
	    app.conn.why.msg[0] != '\0' ? app.conn.why.msg :
	    "it does not answer");
}

int
get(void)
{
	app.conn.reply = on_reply;
	app.conn.up = on_up;
	app.conn.down = on_down;
	index_init(&g.seen, ((uint64_t)arc4random() << 32) | arc4random());
	g.heard_ms = app.filter.now_ms;
	/* stdin is for whoever comes after: it is not even looked at */
	app.filter.in.fd = -1;
	app.filter.name = "the roster";
	while (!g.done) {
		turn();
		if (!g.done)
			give_up();
	}
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	conn_free(&app.conn);
	index_free(&g.seen);
	return GC_EX_OK;
}
