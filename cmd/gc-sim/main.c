/* gc-sim: a local Genesys Cloud: login, WebSocket, REST, with faults on
 * demand.  CONTRACT section 8. */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-sim/platform.h"
#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/opts.h"
#include "lib/sigs.h"

#define FDS_MAX 1024
#define TICK_MS 5		/* storms and the rate are this exact */
#define OURS 3			/* descriptors of the loop itself */

enum { RNG_SECRETS = 1, RNG_REST, RNG_STORMS };	/* connections: upwards */

static struct app {
	struct sim sim;
	uint64_t agents, queues, port;
	struct opt_list faults;
	const char *script_path;
	int protocol;			/* enum protocol */
	struct script *script;
	bool plain;
	char folder[FOLDER_MAX];
	struct MHD_Daemon *daemon;
	pid_t command;			/* 0: none */
	int sigs_fd;
	struct sigs sigs;
	bool reader_gone;		/* of stdout */
	bool stop_told;			/* COMMAND got our SIGTERM */
	struct metrics metrics;
	uint64_t sockets, quiet;	/* computed for them */
} app = { .agents = 100, .queues = 10,
    .sim = { .seed = 1, .life = { .rate = 10 } } };

static const struct opt table[] = {
	{ 0, "agents", OPT_NUMBER, &app.agents, "N", "agents (100)",
	    1, 1000000 },
	{ 0, "queues", OPT_NUMBER, &app.queues, "N", "queues (10)",
	    1, 100000 },
	{ 0, "rate", OPT_DECIMAL, &app.sim.life.rate, "EVENTS/S",
	    "changes a second (10)", 0, 0 },
	{ 0, "seed", OPT_NUMBER, &app.sim.seed, "N", "of all chance (1)",
	    0, 0 },
	{ 0, "events", OPT_NUMBER, &app.sim.events_max, "N",
	    "after so many changes the org is quiet", 1, 0 },
	{ 0, "truth", OPT_TEXT, &app.sim.life.truth, "FILE",
	    "then write the final roster to FILE", 0, 0 },
	{ 0, "fault", OPT_LIST, &app.faults, "NAME[=VALUE]",
	    "see below; may be given many times", 0, 0 },
	{ 0, "script", OPT_TEXT, &app.script_path, "FILE",
	    "what goes wrong when: see the man page", 0, 0 },
	{ 0, "protocol", OPT_CHOICE, &app.protocol, "events|channels",
	    "what is spoken (events)", 0, 0 },
	{ 0, "port", OPT_NUMBER, &app.port, "N", "listen there (a free one)",
	    1, 65535 },
	{ 0, "plain", OPT_FLAG, &app.plain, NULL, "no TLS", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

#define TOTAL(name) (&app.sim.totals.name)

static const struct metric metrics[] = {
	{ "gc_sim_changes_total", "changes of the org",
	    &app.sim.org.changes },
	{ "gc_sim_sent_total", "events sent", TOTAL(sent) },
	{ "gc_sim_dropped_total", "events lost by a fault", TOTAL(dropped) },
	{ "gc_sim_opens_total", "sockets opened", TOTAL(opens) },
	{ "gc_sim_cuts_total", "sockets cut by a fault", TOTAL(cuts) },
	{ "gc_sim_refused_total", "upgrades refused", TOTAL(refused) },
	{ "gc_sim_tokens_total", "tokens given", TOTAL(tokens) },
	{ "gc_sim_rest_total", "REST requests", TOTAL(rest) },
	{ "gc_sim_rest_failed_total", "of these, answered 5xx",
	    TOTAL(rest_5xx) },
	{ "gc_sim_rest_throttled_total", "of these, answered 429",
	    TOTAL(rest_429) },
	{ "gc_sim_sockets", "sockets open now", &app.sockets },
	{ "gc_sim_quiet", "1: the org changes no more", &app.quiet },
};

static void
compute(void)
{
	app.sockets = conns_count(&app.sim);
	app.quiet = app.sim.quiet;
}

void
sim_random_text(struct sim *s, char *to, size_t len)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	for (size_t i = 0; i < len; i++)
		to[i] = digits[rng_below(&s->secrets, sizeof(digits) - 1)];
	to[len] = '\0';
}

void
sim_wake(struct sim *s)
{
	ssize_t ignored = write(s->wake[1], "", 1);

	(void)ignored;
}

/* --- start -------------------------------------------------------------- */

static void
start_server(struct urls *u)
{
	char *cert = NULL, *key = NULL;
	struct sim *s = &app.sim;
	struct err e;
	unsigned port;

	if (folder_make(app.folder, &e) == -1)
		die_err(&e);
	if (!app.plain) {
		snprintf(u->cacert, sizeof(u->cacert), "%s/cacert.pem",
		    app.folder);
		if (cert_make(&cert, &key, &e) == -1 || file_replace(
		    u->cacert, cert, strlen(cert), &e) == -1)
			die_err(&e);
	}
	app.daemon = http_start(s, &e);
	if (app.daemon != NULL)
		s->front = front_start(s, app.daemon, (uint16_t)app.port,
		    cert, key, &e);
	if (key != NULL)
		explicit_bzero(key, strlen(key));
	free(cert);
	free(key);
	if (s->front == NULL) {
		folder_remove(app.folder);
		die_err(&e);
	}
	port = front_port(s->front);
	snprintf(u->api, sizeof(u->api), "http%s://127.0.0.1:%u",
	    app.plain ? "" : "s", port);
	snprintf(u->ws, sizeof(u->ws), "ws%s://127.0.0.1:%u" WS_PATH,
	    app.plain ? "" : "s", port);
	snprintf(s->stream_url, sizeof(s->stream_url), "ws%s://127.0.0.1:%u",
	    app.plain ? "" : "s", port);
}

static const char *
linked(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "libmicrohttpd %s, %s",
	    MHD_get_version(), OpenSSL_version(OPENSSL_VERSION));
	return text;
}

static int
parse(int argc, char **argv)
{
	static struct opts opts = {
		.linked = linked,
		.synopsis = "[--fault NAME[=VALUE]]... [OPTION]... "
		    "[-- COMMAND...]",
		.summary = "A local Genesys Cloud: login, WebSocket, REST, "
		    "with faults on demand.",
		.table = table, .count = OPTS_COUNT(table),
		.stop_at_operand = true,
	};
	struct sim *s = &app.sim;
	struct err e;
	int first;

	opts.notes = fault_help();
	first = opts_parse("gc-sim", argc, argv, &opts);
	app.metrics.table = metrics;
	app.metrics.count = OPTS_COUNT(metrics);
	app.metrics.compute = compute;
	s->protocol = (enum protocol)app.protocol;
	for (size_t i = 0; i < app.faults.count; i++)
		if (fault_set(&s->faults, s->protocol, app.faults.items[i],
		    &e) == -1)
			die_err(&e);
	if (s->life.truth != NULL &&
	    file_replace(s->life.truth, "", 0, &e) == -1) {
		e.code = GC_EX_CANTCREAT;
		die_err(&e);
	}
	if (app.script_path != NULL) {
		app.script = script_load(app.script_path, s->protocol, &e);
		if (app.script == NULL)
			die_err(&e);
	}
	return first;
}

static void
say_ready(struct sim *s, const struct urls *u)
{
	bool events = s->protocol == EVENTS;

	sim_say(s, "ready", "\"protocol\":\"%s\",\"apiUrl\":\"%s\","
	    "\"loginUrl\":\"%s\",\"wsUrl\":%s%s%s,\"cacert\":%s%s%s,"
	    "\"clientId\":\"%s\",\"clientSecret\":\"%s\"",
	    events ? "events" : "channels", u->api, u->api,
	    events ? "\"" : "", events ? u->ws : "null", events ? "\"" : "",
	    app.plain ? "" : "\"", app.plain ? "null" : u->cacert,
	    app.plain ? "" : "\"", s->client_id, s->client_secret);
}

static void
start(int argc, char **argv, struct urls *u)
{
	struct pollfd out = { STDOUT_FILENO, 0, 0 };
	struct sim *s = &app.sim;
	int first = parse(argc, argv);
	struct err e;

	s->secrets = rng_for(s->seed, RNG_SECRETS);
	s->rest_luck = rng_for(s->seed, RNG_REST);
	s->life.rng = rng_for(s->seed, RNG_STORMS);
	s->log = first < argc ? stderr : stdout;
	s->client_id = "gc-sim-client";
	sim_random_text(s, s->client_secret, TOKEN_LEN);
	pthread_mutex_init(&s->lock, NULL);
	if (pipe2(s->wake, O_NONBLOCK | O_CLOEXEC) == -1 ||
	    pipe2(s->ending, O_CLOEXEC) == -1 ||
	    (app.sigs_fd = sigs_open(false, &e)) == -1)
		die(GC_EX_OSERR, "can't make a pipe");
	org_init(&s->org, s->seed, app.agents, (int)app.queues,
	    clock_wall_ms());
	if (s->protocol == CHANNELS)
		people_init(s, clock_wall_ms());
	start_server(u);
	say_ready(s, u);
	say_org(s);
	if (first == argc && ferror(s->log) && poll(&out, 1, 0) == 0) {
		/* nobody has the addresses, nor ever will; a reader that is
		 * gone (POLLERR) is the loop's to notice */
		folder_remove(app.folder);
		die(GC_EX_IOERR, "can't write to stdout");
	}
	if (first < argc)
		app.command = command_start(argv + first, s, app.folder, u);
}

/* --- loop, end ---------------------------------------------------------- */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is due; returns when something is again. */
static int64_t
turn(struct sim *s)
{
	int64_t due = CLOCK_NEVER;

	s->now_ms = clock_mono_ms();
	s->wall_ms = clock_wall_ms();
	if (s->started && app.script != NULL) {
		due = script_run(app.script, s, s->now_ms - s->started_ms);
		due = due == CLOCK_NEVER ? due : due + s->started_ms;
	}
	life_tick(s);
	due = least(due, channels_tick(s));
	due = least(due, conns_tick(s));
	due = least(due, metrics_tick(&app.metrics, s->now_ms));
	if (life_goes_on(s) && s->now_ms + TICK_MS < due)
		due = s->now_ms + TICK_MS;
	return due;
}

static int
loop(void)
{
	struct pollfd fds[FDS_MAX];
	struct sim *s = &app.sim;
	char sink[256];
	int64_t due, now;
	size_t n;
	int code;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		due = turn(s);
		now = s->now_ms;
		fds[0] = (struct pollfd){ s->wake[0], POLLIN, 0 };
		fds[1] = (struct pollfd){ app.sigs_fd, POLLIN, 0 };
		fds[2] = (struct pollfd){ s->log == stdout ?
		    STDOUT_FILENO : -1, 0, 0 };
		n = conns_interest(s, fds + OURS, FDS_MAX - OURS);
		pthread_mutex_unlock(&s->lock);
		if (poll(fds, n + OURS, clock_poll_ms(now, due)) == -1)
			n = 0;
		while (read(s->wake[0], sink, sizeof(sink)) > 0)
			continue;
		sigs_take(&app.sigs);
		if (app.sigs.status)
			say_status(s);
		app.sigs.status = false;
		app.reader_gone = (fds[2].revents & POLLERR) != 0;
		if (app.reader_gone ||
		    (app.sigs.stops > 0 && app.command == 0))
			return 0;
		if (app.sigs.stops > 0 && !app.stop_told) {
			kill(app.command, SIGTERM);
			app.stop_told = true;
		}
		if ((code = command_ended(app.command)) != -1)
			return code;
		pthread_mutex_lock(&s->lock);
		s->now_ms = clock_mono_ms();
		conns_serve(s, fds + OURS, n);
		pthread_mutex_unlock(&s->lock);
	}
}

static void
finish(void)
{
	struct sim *s = &app.sim;

	front_deafen(s->front);
	pthread_mutex_lock(&s->lock);
	conns_end(s);
	life_write_truth(s);
	metrics_write(&app.metrics);
	pthread_mutex_unlock(&s->lock);
	close(s->ending[1]);
	MHD_stop_daemon(app.daemon);
	front_stop(s->front);
	say_totals(s);
	folder_remove(app.folder);
	script_free(app.script);
	upgrades_free(s);
	channels_free(s);
	people_free(s);
	org_free(&s->org);
}

int
main(int argc, char **argv)
{
	struct urls urls = { .cacert = "" };
	int code;

	start(argc, argv, &urls);
	code = loop();
	finish();
	if (app.reader_gone)
		sigs_die_pipe();
	if (code == 0 && app.sim.life.truth_failed)
		return GC_EX_IOERR;
	return code;
}
