/* gc-subscribe: keep one authenticated WebSocket alive; print what arrives.
 * CONTRACT section 5. */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wslay/wslayver.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/event.h"
#include "lib/file.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/sandbox.h"

#define HEALTHY_MS 60000

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
	{ 0, "strict", OPT_FLAG, &app.opt.strict, NULL,
	    "end with 65 at the first rejected frame", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &metrics_path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

/* --- start -------------------------------------------------------------- */

/* NAME.FILE in the state folder. */
static char *
state_path(const char *file)
{
	char name[128];
	char *path;
	struct err e;

	if (snprintf(name, sizeof(name), "%s%s%s", app.opt.name ?
	    app.opt.name : "", app.opt.name ? "." : "", file) >=
	    (int)sizeof(name) || strchr(name, '/') != NULL || name[0] == '.')
		die(GC_EX_USAGE, "--name: '%.60s' is no name", app.opt.name);
	if ((path = config_path(app.config.state_folder, name, &e)) == NULL)
		die_err(&e);
	return path;
}

static void
make_registry(char **events, size_t count)
{
	static char everything[] = EVENT_STATUS_NAME;
	static char *defaults[] = { everything };
	struct registry *r = &app.registry;
	struct err e;
	int status = 0;

	if (app.opt.resume) {
		if (count > 0 || app.opt.subscriptions != NULL ||
		    app.opt.filters.count > 0)
			die(GC_EX_USAGE, "--resume goes without events, "
			    "filters and -S");
		if (registry_read(r, app.registry_path, &e) == -1 ||
		    r->count == 0)
			die(GC_EX_CONFIG, "--resume: nothing was subscribed "
			    "to yet ('%s')", app.registry_path);
		return;
	}
	if (app.opt.subscriptions != NULL) {
		if (count == 0 && app.opt.filters.count > 0)
			die(GC_EX_USAGE, "the lines of -S are sent as they "
			    "are: -f goes with an EVENT");
		if (registry_read(r, app.opt.subscriptions, &e) == -1)
			die_err(&e);
	} else if (count == 0) {
		events = defaults;
		count = 1;
	}
	for (size_t i = 0; i < count && status == 0; i++)
		status = registry_subscribe(r, events[i],
		    app.opt.filters.items, app.opt.filters.count, &e);
	if (status == -1)
		die_err(&e);
	if (r->count == 0)
		die(GC_EX_DATAERR, "'%s' holds no subscription",
		    app.opt.subscriptions);
	if (registry_save(r, app.registry_path, &e) == -1)
		die_err(&e);
}

/* Before anything is opened, which might get that number. */
static void
check_ready(void)
{
	int fd = (int)app.opt.ready_fd;

	if (fcntl(fd, F_GETFD) == -1)
		die(GC_EX_USAGE, "--ready: descriptor %d is not open", fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void
open_all(char **events, size_t count)
{
	struct sandbox box = { .client = true };
	struct buf scope;
	struct err e;

	if (app.opt.ready_fd != 0)
		check_ready();
	if ((app.sigs_fd = sigs_open(true, &e)) == -1 ||
	    config_load(&app.config, CONFIG_WS, &e) == -1 ||
	    child_helper(app.config.token_cmd, &e) == -1 ||
	    (!app.config.channels && transport_split(app.config.ws_url,
	    &app.target, &e) == -1))
		die_err(&e);
	if ((app.target.tls || app.config.channels) &&
	    app.config.cacert != NULL &&
	    access(app.config.cacert, R_OK) == -1)
		die(GC_EX_CONFIG, "GC_CACERT: can't read '%s': %s",
		    app.config.cacert, strerror(errno));
	if (!app.config.channels)
		app.shown_url = xstrndup(app.config.ws_url,
		    strcspn(app.config.ws_url, "?"));
	app.lock_path = state_path("subscribe.lock");
	app.registry_path = state_path("subscriptions.ndjson");
	if (file_lock(app.lock_path, &e) == -1)
		die(e.code, "%s", e.code == GC_EX_TEMPFAIL ? "another "
		    "gc-subscribe runs with this profile and --name" : e.msg);
	file_sweep(app.registry_path);
	make_registry(events, count);
	buf_init(&scope, 1 << 20);
	registry_filter(&scope, &app.registry);
	app.scope = buf_take(&scope);
	if (output_open(&app) == -1)
		die(GC_EX_IOERR, "stdout is not open");
	asktoken_init(&app.asktoken);
	buf_init(&app.request, WSHAKE_REQUEST_MAX);
	ring_init(&app.ring, app.opt.buffer);
	report_start(&app, metrics_path);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	sandbox_folder(&box, app.config.state_folder);
	sandbox_file(&box, metrics_path);
	app.sandbox = sandbox_enter(&box);
}

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
	open_all(argv + first, (size_t)(argc - first));
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
	    app.stop_ms, app.upgrade_ms, app.linger_ms,
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
	app.ring_bytes = app.ring.bytes;
	if (app.sigs.stops > 0 || app.no_more || app.reader_gone)
		perform(&app, EV_STOP);
}

/* --- the end ------------------------------------------------------------ */

/* What is held goes out; a reader that is stuck has what is left of STOP_MS. */
static void
drain(void)
{
	struct pollfd fd;
	uint64_t left;

	while (output_wants(&app) &&
	    (app.now_ms = clock_mono_ms()) < app.end_ms) {
		fd = (struct pollfd){ app.out.fd, POLLOUT, 0 };
		poll(&fd, 1, clock_poll_ms(app.now_ms, app.end_ms));
		output_serve(&app, fd.revents);
	}
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
	curl_global_cleanup();
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
