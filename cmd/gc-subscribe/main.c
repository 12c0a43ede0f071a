/* gc-subscribe: keep one authenticated WebSocket alive; print what arrives.
 * CONTRACT section 5. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <wslay/wslayver.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/http.h"
#include "lib/log.h"

#define HEALTHY_MS 60000
#define TAKEN_MS 500		/* past the end, for a reader that takes all */

enum { FD_SIGNALS, FD_STDOUT, FD_CHILD, FDS };

static const char *metrics_path;

static struct app app = {
	.opt = {
		.ping_interval_ms = 25000, .ping_misses = 3,
		.policy = { .backoff = { 2000, 30000, 1000 },
		    .healthy_ms = HEALTHY_MS },
		.max_attempts = 10, .rotate_before_ms = 90000,
		.buffer = 64 << 20,
		.silence_ms = 40000, .members_ms = 300000,
	},
	.retry_ms = CLOCK_NEVER, .rotate_ms = CLOCK_NEVER,
	.close_ms = CLOCK_NEVER, .ping_ms = CLOCK_NEVER,
	.stop_ms = CLOCK_NEVER, .healthy_ms = CLOCK_NEVER,
	.upgrade_ms = CLOCK_NEVER, .linger_ms = CLOCK_NEVER,
	.end_ms = CLOCK_NEVER,
	.retry_after_ms = -1,
};

static const struct opt table[] = {
	{ 'f', "filter", OPT_LIST, &app.opt.filters, "KEY=VALUE",
	    "only events that match; several: all must", 0, 0 },
	{ 'S', "subscriptions", OPT_TEXT, &app.opt.subscriptions, "FILE",
	    "send each line of FILE as it is, to subscribe", 0, 0 },
	{ 0, "resume", OPT_FLAG, &app.opt.resume, NULL,
	    "subscribe to what was subscribed to last", 0, 0 },
	{ 0, "name", OPT_TEXT, &app.opt.name, "NAME",
	    "one process a profile and NAME", 0, 0 },
	{ 'n', "count", OPT_NUMBER, &app.opt.count, "N",
	    "end after N event lines", 1, 0 },
	{ 'd', "duration", OPT_DURATION, &app.opt.duration_ms, "DURATION",
	    "end after so long", 1, 0 },
	{ 0, "ping-interval", OPT_DURATION, &app.opt.ping_interval_ms,
	    "DURATION", "ping so often (25s)", 1, 0 },
	{ 0, "ping-misses", OPT_NUMBER, &app.opt.ping_misses, "N",
	    "reconnect after N pings without a pong (3)", 1, 1000 },
	{ 0, "silence", OPT_DURATION, &app.opt.silence_ms, "DURATION",
	    "channels: dead if nothing comes so long (40s)", 1, 0 },
	{ 0, "members", OPT_DURATION, &app.opt.members_ms, "DURATION",
	    "channels: read the scope so often (5m)", 1000, 0 },
	{ 0, "backoff-base", OPT_DURATION, &app.opt.policy.backoff.base_ms,
	    "DURATION", "the first delay, doubled each time (2s)", 1, 0 },
	{ 0, "jitter", OPT_DURATION, &app.opt.policy.backoff.jitter_ms,
	    "DURATION", "at most so much is added by chance (1s)", 0, 0 },
	{ 0, "backoff-cap", OPT_DURATION, &app.opt.policy.backoff.cap_ms,
	    "DURATION", "the highest delay ever (30s)", 1, 0 },
	{ 0, "max-attempts", OPT_NUMBER, &app.opt.max_attempts, "N",
	    "then gc:failover (10)", 1, 1000000 },
	{ 0, "give-up", OPT_FLAG, &app.opt.give_up, NULL,
	    "then end with 69 instead", 0, 0 },
	{ 0, "rotate-before", OPT_DURATION, &app.opt.rotate_before_ms,
	    "DURATION", "renew the token so long before its end (90s)",
	    0, 0 },
	{ 0, "buffer", OPT_SIZE, &app.opt.buffer, "SIZE",
	    "memory for a slow reader (64M)", 4096, 0 },
	{ 0, "ready", OPT_NUMBER, &app.opt.ready_fd, "FD",
	    "write a newline to FD when subscribed", 3, 1 << 20 },
	{ 0, "line", OPT_FLAG, &app.opt.line, NULL,
	    "the line on the terminal though stdout is a pipe", 0, 0 },
	{ 0, "strict", OPT_FLAG, &app.opt.strict, NULL,
	    "end with 65 at the first rejected frame", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &metrics_path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

/* --- start -------------------------------------------------------------- */

static void
start(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-f KEY=VALUE]... [-S FILE] [OPTION]... "
		    "[EVENT...]",
		.summary = "Keep one authenticated WebSocket alive; print what "
		    "arrives.",
		.table = table, .count = OPTS_COUNT(table),
		.linked = http_library,
		.libraries = "wslay " WSLAY_VERSION ", libjq",
		.notes = "Without EVENT: " EVENT_STATUS_NAME ".",
	};
	int first;

	first = opts_parse("gc-subscribe", argc, argv, &opts);
	app.opt.policy.max_attempts = (unsigned)app.opt.max_attempts;
	if (app.opt.policy.backoff.cap_ms < app.opt.policy.backoff.base_ms)
		die(GC_EX_USAGE, "--backoff-cap is below --backoff-base");
	start_all(&app, metrics_path, argv + first, (size_t)(argc - first));
	app.now_ms = clock_mono_ms();
	if (app.opt.duration_ms > 0)
		app.stop_ms = app.now_ms + app.opt.duration_ms;
	app.state = ST_BACKOFF;
	if (app.config.channels)
		fleet_start(&app);
	else
		perform(&app, EV_RETRY);
}

/* --- a turn ------------------------------------------------------------- */

static int64_t
earliest(void)
{
	const int64_t all[] = { app.retry_ms, app.close_ms, app.ping_ms,
	    app.stop_ms, app.upgrade_ms, app.linger_ms, terminal_due(&app),
	    /* ones that pass while connecting count from the open on */
	    app.state == ST_STREAM ? app.rotate_ms : CLOCK_NEVER,
	    app.state == ST_STREAM ? app.healthy_ms : CLOCK_NEVER };
	int64_t first = metrics_tick(&app.metrics, app.now_ms);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i] < first)
			first = all[i];
	if (app.rejected > 0 && app.now_ms + 1000 < first)
		first = app.now_ms + 1000;
	return first;
}

static void
wait_for_something(struct pollfd *fds)
{
	int timeout = clock_poll_ms(app.now_ms, earliest());
	bool write = app.state == ST_UPGRADE ? app.request_at <
	    app.request.len : app.ws != NULL && websocket_wants_write(app.ws);

	fds[FD_SIGNALS] = (struct pollfd){ app.sigs_fd, POLLIN, 0 };
	fds[FD_STDOUT] = (struct pollfd){ app.reader_gone ? -1 : app.out.fd,
	    output_wants(&app) ? POLLOUT : 0, 0 };
	fds[FD_CHILD] = (struct pollfd){ asktoken_fd(&app.asktoken), POLLIN,
	    0 };
	if (app.more_to_read)
		timeout = 0;
	transport_wait(app.transport, write, fds, FDS, timeout);
	app.now_ms = clock_mono_ms();
}

/* Time to events. */
static void
serve_timers(void)
{
	if (app.now_ms >= app.retry_ms)
		perform(&app, EV_RETRY);
	if (app.now_ms >= app.rotate_ms && app.state == ST_STREAM)
		perform(&app, EV_EXPIRING);
	if (app.now_ms >= app.close_ms) {
		app.close_ms = CLOCK_NEVER;
		perform(&app, EV_CLOSED);
	}
	if (app.now_ms >= app.linger_ms) {
		app.linger_ms = CLOCK_NEVER;
		lose(&app, "network", 0, "the stream broke");
	}
	if (app.now_ms >= app.upgrade_ms) {
		app.upgrade_ms = CLOCK_NEVER;
		if (app.state == ST_TOKEN)
			token_late(&app);
		else
			upgrade_late(&app);
	}
	if (app.now_ms >= app.healthy_ms && app.state == ST_STREAM) {
		app.healthy_ms = CLOCK_NEVER;
		app.tries = (struct session_tries){ 0, 0 };
	}
	if (app.now_ms >= app.stop_ms) {
		app.stop_ms = CLOCK_NEVER;
		if (app.taken == 0 && app.end_ms == CLOCK_NEVER)
			app.exit_code = GC_EX_UNAVAILABLE;
		perform(&app, EV_STOP);
	}
	stream_ping(&app);
}

void
turn_signals(struct app *a)
{
	sigs_take(&a->sigs);
	if (!a->sigs.status)
		return;
	a->sigs.status = false;
	report_status(a);
}

static void
turn(void)
{
	struct pollfd fds[FDS];

	wait_for_something(fds);
	turn_signals(&app);
	output_serve(&app, fds[FD_STDOUT].revents);
	serve_token(&app);
	serve_transport(&app);
	serve_timers();
	if (app.ws != NULL && websocket_wants_write(app.ws))
		websocket_write(app.ws);
	if (app.is_open && !app.ready_told && websocket_queued(app.ws) == 0)
		report_ready(&app);
	output_flush(&app);
	report_rejects_due(&app, false);
	terminal_tick(&app);
	app.ring_bytes = app.ring.bytes;
	if (app.sigs.stops > 0 || app.no_more || app.reader_gone)
		perform(&app, EV_STOP);
}

/* --- the end ------------------------------------------------------------ */

/* What is held goes out; a reader that is stuck has what is left of STOP_MS.
 * That may be nothing: what it takes without waiting goes out all the same. */
static void
drain(void)
{
	struct pollfd fd;
	uint64_t left;

	do {
		app.now_ms = clock_mono_ms();
		fd = (struct pollfd){ app.out.fd, POLLOUT, 0 };
		if (!output_wants(&app) ||
		    poll(&fd, 1, clock_poll_ms(app.now_ms, app.end_ms)) == 0)
			break;
		output_serve(&app, fd.revents);
	} while (app.now_ms - TAKEN_MS < app.end_ms);
	left = output_left(&app);
	if (!app.reader_gone && left > 0)
		log_warn("the reader is stuck: %llu lines were not let out",
		    (unsigned long long)left);
}

static void
free_all(void)
{
	if (app.fleet != NULL)
		fleet_free(&app);
	token_free(&app.token);
	config_free(&app.config);
	registry_free(&app.registry);
	ring_free(&app.ring);
	transport_target_free(&app.target);
	buf_free(&app.out.buf);
	asktoken_free(&app.asktoken);
	buf_wipe(&app.request);
	free(app.table);
	free(app.scope);
	free(app.shown_url);
	free(app.lock_path);
	free(app.registry_path);
	free(app.refused_token);
	for (size_t i = 0; i < app.sub_count; i++) {
		buf_free(&app.subs[i].id);
		free(app.subs[i].metric);
	}
	http_stop();
}

int
main(int argc, char **argv)
{
	start(argc, argv);
	while (app.state != ST_DONE) {
		if (app.fleet != NULL)
			fleet_turn(&app);
		else
			turn();
	}
	statusline_close(&app.terminal.line);
	drain();
	report_rejects_due(&app, true);
	metrics_write(&app.metrics);
	if (log_get_level() >= LOG_NOTE)
		report_status(&app);
	free_all();
	if (app.reader_gone && app.out.error == EPIPE)
		sigs_die_pipe();
	return app.exit_code;
}
