/* gc-reconcile: answer doubts with the truth from REST.  CONTRACT section
 * 7. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"

#define ACT_ON (EVENT_BIT(EVENT_GAP) | EVENT_BIT(EVENT_AGENT) | \
    EVENT_BIT(EVENT_BARRIER) | EVENT_BIT(EVENT_OPEN) | \
    EVENT_BIT(EVENT_CLOSED) | EVENT_BIT(EVENT_FAILOVER))
#define WAIT_MAX_MS 60000	/* curl_multi_poll knows no for ever */
#define SIGNAL_DRAIN_MS 2000

static struct app app = {
	.opt = { .jobs = 8, .rate = 240, .timeout_ms = 10000,
	    .drain_ms = 60000, .backoff = { 500, 60000, 100 } },
};

static const struct opt table[] = {
	{ 'j', "jobs", OPT_NUMBER, &app.opt.jobs, "N",
	    "transfers at once (8)", 1, JOBS_MAX },
	{ 0, "rate", OPT_NUMBER, &app.opt.rate, "N",
	    "requests in any 60 s, at most (240)", 1, 10000000 },
	{ 0, "timeout", OPT_DURATION, &app.opt.timeout_ms, "DURATION",
	    "of one request (10s)", 1, 0 },
	{ 0, "backoff-base", OPT_DURATION, &app.opt.backoff.base_ms,
	    "DURATION", "first delay of a retry, then doubled (500ms)", 1, 0 },
	{ 0, "drain", OPT_DURATION, &app.opt.drain_ms, "DURATION",
	    "at the end, finish for so long (60s)", 0, 0 },
	{ 0, "map", OPT_TEXT, &app.opt.map, "FILE.jq",
	    "read REST answers by this jq program", 0, 0 },
	{ 0, "all", OPT_FLAG, &app.opt.all, NULL,
	    "first everyone, where the API has a list", 0, 0 },
	{ 0, "line", OPT_FLAG, &app.opt.line, NULL,
	    "the line on the terminal though stdout is a pipe", 0, 0 },
	{ 0, "strict", OPT_FLAG, &app.opt.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.opt.metrics, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_reconcile_gaps_total", "questions read", &app.gaps },
	{ "gc_reconcile_requests_total", "requests sent", &app.requests },
	{ "gc_reconcile_answers_total", "gc:state lines", &app.answers },
	{ "gc_reconcile_unverified_total", "gc:unverified lines",
	    &app.unverified },
	{ "gc_reconcile_retries_total", "requests tried again",
	    &app.retried },
	{ "gc_reconcile_throttled_total", "answers 429 and 503",
	    &app.throttled },
	{ "gc_reconcile_rejected_total", "lines rejected",
	    &app.filter.rejected },
	{ "gc_reconcile_open", "agents asked about now", &app.open_metric },
};

/* A question that cannot be kept. */
static const char *
too_long(const struct event *ev)
{
	return ev->kind == EVENT_GAP && ev->reason.len > REASON_MAX ?
	    "reason is longer than 256 bytes" : NULL;
}

static void
one_line(const char *line, size_t len, size_t raw)
{
	const char *why = event_parse(&app.ev, line, len, ACT_ON);

	if (why == NULL)
		why = too_long(&app.ev);
	if (why != NULL) {
		filter_reject(&app.filter, why);
		return;
	}
	filter_put(&app.filter, line, raw);
	if (app.ev.kind == EVENT_GAP)
		ask_gap(&app, &app.ev);
	else if (app.ev.kind == EVENT_AGENT)
		ask_passed(&app, &app.ev);
	else if (app.ev.kind == EVENT_BARRIER)
		filter_flush(&app.filter);
	else if (app.ev.kind != EVENT_OTHER)
		sockets_heed(&app, &app.ev);
}

static void
say_status(void)
{
	char line[384];
	int n;

	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-reconcile\",\"gaps\":"
	    "%" PRIu64 ",\"requests\":%" PRIu64 ",\"answers\":%" PRIu64
	    ",\"unverified\":%" PRIu64 ",\"retries\":%" PRIu64
	    ",\"throttled\":%" PRIu64 ",\"rejected\":%" PRIu64
	    ",\"open\":%zu,\"flying\":%zu,\"sandbox\":\"%s\"}",
	    app.gaps, app.requests, app.answers, app.unverified,
	    app.retried, app.throttled,
	    app.filter.rejected, app.open, app.flying, app.sandbox);
	log_raw(line, (size_t)n);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* HUP: the settings and the map again; what cannot be read stays as it
 * was.  What flies lands by the old ones. */
static void
reload(void)
{
	struct config fresh;
	struct err e;
	int status = config_load(&fresh, CONFIG_API, &e);

	if (status == 0 && fresh.cacert != NULL &&
	    access(fresh.cacert, R_OK) == -1) {
		status = err_set(&e, GC_EX_CONFIG, "can't read %s",
		    fresh.cacert);
		config_free(&fresh);
	}
	if (status == 0 && !app.sockets.told &&
	    fresh.channels != app.channels) {
		status = err_set(&e, GC_EX_CONFIG, "another protocol needs "
		    "another process");
		config_free(&fresh);
	}
	if (status == 0) {
		token_drop(&app);
		fetch_renew(&app);
		if (config_replace(&app.config, &fresh))
			log_warn("HUP: the token command stays that of the "
			    "start");
	} else {
		log_warn("HUP: the settings stay as they were: %s", e.msg);
	}
	if (answer_load_map(&app, &e) == -1)
		log_warn("HUP: the map stays as it was: %s", e.msg);
	log_note("HUP: reread");
}

static void
heed_signals(void)
{
	struct sigs *sigs = &app.filter.sigs;

	if (sigs->status)
		say_status();
	if (sigs->reload)
		reload();
	sigs->status = sigs->reload = false;
}

/* Questions out, answers in; when that is to be done again. */
static int64_t
ask_and_hear(void)
{
	int64_t due = token_tick(&app);
	size_t before;

	due = earlier(due, terminal_tick(&app));
	due = earlier(due, fetch_some(&app));
	before = app.flying;
	fetch_take(&app);	/* what was just added must get going */
	/* what ended by that has made room, or was the last */
	if (app.flying < before || (app.filter.input_done && app.open == 0) ||
	    (app.hold_input && !fetch_wanted(&app)))
		return app.now_ms;
	return due;
}

/* One turn: questions out, answers in, lines on.  False once the input has
 * ended. */
static bool
turn(int64_t deadline_ms)
{
	struct pollfd fds[FILTER_FDS + 1];
	struct curl_waitfd waits[FILTER_FDS + 1];
	int64_t due = ask_and_hear();
	const char *line;
	size_t len, raw;
	bool more;
	int timeout;

	timeout = filter_prepare(&app.filter, earlier(due, deadline_ms), fds);
	if (app.hold_input) {
		/* what waits there is none of this turn's, its end is told */
		app.input_waits = app.input_waits || app.filter.readable ||
		    app.filter.in.ended;
		if (app.input_waits)
			fds[0].fd = -1;
		timeout = clock_poll_ms(app.filter.now_ms, earlier(due,
		    deadline_ms));
	}
	fds[FILTER_FDS] = (struct pollfd){ asktoken_fd(&app.asktoken),
	    POLLIN, 0 };
	for (size_t i = 0; i < FILTER_FDS + 1; i++)
		waits[i] = (struct curl_waitfd){ fds[i].fd,
		    fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0, 0 };
	curl_multi_poll(app.multi, waits, FILTER_FDS + 1, timeout < 0 ||
	    timeout > WAIT_MAX_MS ? WAIT_MAX_MS : timeout, NULL);
	/* curl tells of no errors: look again */
	if (poll(fds, FILTER_FDS + 1, 0) == -1)
		for (size_t i = 0; i < FILTER_FDS + 1; i++)
			fds[i].revents = 0;
	more = filter_collect(&app.filter, fds);
	app.now_ms = app.filter.now_ms;
	token_serve(&app);
	fetch_take(&app);
	while (!app.hold_input && !app.filter.input_done &&
	    filter_line(&app.filter, &line, &len, &raw))
		one_line(line, len, raw);
	app.open_metric = app.open;
	heed_signals();
	return more;
}

static void
start(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-j N] [--rate N] [--map FILE.jq] [OPTION]...",
		.summary = "Answer each gc:gap line with the truth from "
		    "REST; hand every line on.",
		.table = table, .count = OPTS_COUNT(table),
		.linked = http_library, .libraries = "libjq",
	};
	struct metrics m = { .table = metrics,
	    .count = sizeof(metrics) / sizeof(metrics[0]) };
	struct sandbox box = { .client = true };
	struct err e;

	if (opts_parse("gc-reconcile", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands; questions come "
		    "on stdin", argv[argc - 1]);
	m.path = app.opt.metrics;
	if (config_load(&app.config, CONFIG_API, &e) == -1)
		die_err(&e);
	if (app.opt.all && !app.config.channels)
		die(GC_EX_USAGE, "--all: the API of the events protocol has no "
		    "list of agents");
	app.channels = app.config.channels;
	if (child_helper(app.config.token_cmd, &e) == -1 ||
	    filter_open(&app.filter, app.opt.strict, &m, &e) == -1)
		die_err(&e);
	sigs_catch_hup();
	event_init(&app.ev);
	event_init(&app.check);
	asktoken_init(&app.asktoken);
	asks_init(&app);
	walk_init(&app);
	activity_init(&app);
	answer_start(&app);
	if (http_start(&e) == -1)
		die_err(&e);
	fetch_start(&app);
	terminal_open(&app);
	sandbox_file(&box, m.path);
	app.sandbox = sandbox_enter(&box);
	app.now_ms = app.filter.now_ms;
	pace_init(&app.pace, app.opt.rate, app.now_ms);
	app.pace_rate = app.opt.rate;
}

/* What could not be asked any more is said. */
static void
abandon(const char *why)
{
	struct ask *a;

	fetch_stop(&app);
	activity_give_up(&app);
	while ((a = ask_any_waiting(&app)) != NULL) {
		answer_unverified(&app, a, a->seq, a->reason, 0, why);
		ask_done(&app, a, false);
	}
}

static int
finish(void)
{
	int code = app.fatal ? app.fatal : app.refused_again ? GC_EX_NOPERM :
	    GC_EX_OK;

	terminal_close(&app);
	abandon(app.fatal ? "there is no token" : app.too_long ?
	    "the server wants more time than there is" :
	    "there was no time left");
	if (code == GC_EX_OK)
		code = app.all_code;
	if (code == GC_EX_OK && (app.too_long || app.stuck > 0 ||
	    app.stuck_forgotten))
		code = GC_EX_TEMPFAIL;
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	token_stop(&app);
	config_free(&app.config);
	answer_free(&app);
	asks_free(&app);
	walk_free(&app);
	activity_free(&app);
	labels_free(&app);
	event_free(&app.ev);
	event_free(&app.check);
	http_stop();
	return code;
}

/* After a signal there is less time, counted from the end of input. */
static int64_t
drain_until(int64_t ended_ms)
{
	int64_t until = ended_ms + app.opt.drain_ms;
	int64_t stopped = app.filter.stop_ms;

	if (stopped == 0)
		return until;
	if (stopped < ended_ms)
		stopped = ended_ms;
	return earlier(until, stopped + SIGNAL_DRAIN_MS);
}

/* May it go on?  Not for longer than the server wants to be left alone,
 * once the input has ended. */
static bool
is_fine(void)
{
	app.too_long = app.channels && app.filter.in.ended &&
	    fetch_wanted(&app) &&
	    app.pace.hold_ms - clock_mono_ms() > WAIT_TOLD_MS;
	return app.fatal == 0 && !app.too_long;
}

/* --all: no line before everyone was told of. */
static void
tell_everyone(void)
{
	int64_t until;

	if (!app.opt.all)
		return;
	walk_everyone(&app);
	app.hold_input = true;
	do {
		until = app.filter.stop_ms == 0 ? CLOCK_NEVER :
		    app.filter.stop_ms + SIGNAL_DRAIN_MS;
		turn(until);
	} while (fetch_wanted(&app) && is_fine() && clock_mono_ms() < until);
	if (app.walk.all && app.fatal == 0)
		app.all_code = GC_EX_TEMPFAIL;
	app.hold_input = false;
}

int
main(int argc, char **argv)
{
	int64_t ended_ms, until;

	start(argc, argv);
	tell_everyone();
	while (is_fine() && turn(CLOCK_NEVER))
		continue;
	ended_ms = clock_mono_ms();
	while (app.open > 0 && is_fine() &&
	    clock_mono_ms() < (until = drain_until(ended_ms)))
		turn(until);
	return finish();
}
