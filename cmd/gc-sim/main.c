/* gc-sim: a local Genesys Cloud: login, WebSocket, REST, with faults on
 * demand.  CONTRACT section 8. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sigs.h"
#include "lib/str.h"

#define FDS_MAX 1024
#define TRUTH_MAX (1 << 30)
#define TICK_MS 5		/* storms and the rate are this exact */
#define CHANGES_A_TICK 10000

extern char **environ;

static struct app {
	struct sim sim;
	uint64_t agents, queues, seed, port;
	double rate;
	const char *truth;
	struct opt_list faults;
	bool plain;
	char folder[64];		/* of our own; removed at the end */
	char cacert[128];
	struct MHD_Daemon *daemon;
	pid_t command;			/* 0: none */
	int sigs_fd;
	struct sigs sigs;
	double owed;			/* changes that are due */
	int64_t ticked_ms, storm_due_ms;
	bool truth_written;
	bool stop_told;			/* COMMAND got our SIGTERM */
} app = { .agents = 100, .queues = 10, .seed = 1, .rate = 10 };

static const struct opt table[] = {
	{ 0, "agents", OPT_NUMBER, &app.agents, "N", "agents (100)",
	    1, 1000000 },
	{ 0, "queues", OPT_NUMBER, &app.queues, "N", "queues (10)",
	    1, 100000 },
	{ 0, "rate", OPT_DECIMAL, &app.rate, "EVENTS/S",
	    "changes a second (10)", 0, 0 },
	{ 0, "seed", OPT_NUMBER, &app.seed, "N", "of all chance (1)", 0, 0 },
	{ 0, "events", OPT_NUMBER, &app.sim.events_max, "N",
	    "after so many changes the org is quiet", 1, 0 },
	{ 0, "truth", OPT_TEXT, &app.truth, "FILE",
	    "then write the final roster to FILE", 0, 0 },
	{ 0, "fault", OPT_LIST, &app.faults, "NAME[=VALUE]",
	    "see below; may be given many times", 0, 0 },
	{ 0, "port", OPT_NUMBER, &app.port, "N", "listen there (a free one)",
	    1, 65535 },
	{ 0, "plain", OPT_FLAG, &app.plain, NULL, "no TLS", 0, 0 },
};

void
sim_say(struct sim *s, const char *what, const char *fmt, ...)
{
	char at[CLOCK_RFC3339_LEN + 1];
	va_list ap;

	clock_format_ms(clock_wall_ms(), at);
	fprintf(s->log, "{\"event\":\"sim:%s\",\"at\":\"%s\",", what, at);
	va_start(ap, fmt);
	vfprintf(s->log, fmt, ap);
	va_end(ap);
	fputs("}\n", s->log);
	fflush(s->log);
}

void
sim_random_text(struct sim *s, char *to, size_t len)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	for (size_t i = 0; i < len; i++)
		to[i] = digits[rng_below(&s->luck, sizeof(digits) - 1)];
	to[len] = '\0';
}

/* --- the life of the org ------------------------------------------------ */

static void
write_truth(void)
{
	struct buf text;
	struct err e;

	if (app.truth == NULL || app.truth_written)
		return;
	buf_init(&text, TRUTH_MAX);
	org_truth(&app.sim.org, &text);
	if (file_replace(app.truth, text.data, text.len, &e) == -1)
		log_error("%s", e.msg);
	buf_free(&text);
	app.truth_written = app.sim.quiet;
}

static bool
may_change(const struct sim *s)
{
	return s->started && !s->quiet &&
	    (s->events_max == 0 || s->org.changes < s->events_max);
}

static void
change(struct sim *s, struct sim_agent *who)
{
	int tier;
	struct sim_agent *a;

	if (!may_change(s))
		return;
	a = org_change(&s->org, who, s->wall_ms, &tier);
	conns_publish(s, a, tier);
}

static void
storm(struct sim *s)
{
	struct faults *f = &s->faults;

	if (s->now_ms < app.storm_due_ms)
		return;
	app.storm_due_ms += (int64_t)f->storm_every_ms;
	sim_say(s, "storm", "\"agents\":%zu,\"ms\":%llu", s->org.agent_count,
	    (unsigned long long)f->storm_ms);
	/* a shift change is a few clicks a person, one soon after the other */
	for (size_t i = 0; i < s->org.agent_count; i++) {
		struct sim_agent *a = &s->org.agents[i];
		int64_t at = s->now_ms + rng_below(&s->org.rng,
		    (uint32_t)f->storm_ms * 2 / 3 + 1);

		for (int n = 0; n < STORM_CHANGES; n++) {
			a->storm_ms[n] = at;
			at += 1 + rng_below(&s->org.rng,
			    (uint32_t)f->storm_ms / (3 * STORM_CHANGES) + 1);
		}
	}
}

static void
storm_changes(struct sim *s)
{
	for (size_t i = 0; i < s->org.agent_count; i++)
		for (int n = 0; n < STORM_CHANGES; n++) {
			struct sim_agent *a = &s->org.agents[i];

			if (a->storm_ms[n] == 0 || a->storm_ms[n] > s->now_ms)
				continue;
			a->storm_ms[n] = 0;
			change(s, a);
		}
}

static void
live(struct sim *s)
{
	if (!may_change(s)) {
		app.ticked_ms = s->now_ms;
		app.storm_due_ms = s->now_ms + (int64_t)
		    s->faults.storm_every_ms;
		return;
	}
	app.owed += app.rate * (double)(s->now_ms - app.ticked_ms) / 1000;
	app.ticked_ms = s->now_ms;
	for (int i = 0; app.owed >= 1 && i < CHANGES_A_TICK; i++) {
		change(s, NULL);
		app.owed -= 1;
	}
	if (s->faults.storm_every_ms > 0) {
		storm(s);
		storm_changes(s);
	}
	if (s->events_max > 0 && s->org.changes >= s->events_max) {
		s->quiet = true;
		conns_settle(s);
		write_truth();
		sim_say(s, "quiet", "\"events\":%llu",
		    (unsigned long long)s->org.changes);
	}
}

/* --- COMMAND ------------------------------------------------------------ */

static void
set_folder(const char *name, const char *sub)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", app.folder, sub);
	mkdir(path, 0700);
	setenv(name, path, 1);
}

/* Nothing of the caller's own settings reaches COMMAND. */
static void
clear_environment(void)
{
	static const char *const prefixes[] = { "GC_", "GENESYSCLOUD_",
	    "XDG_", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
	    "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy" };
	char name[128];
	size_t i = 0, p;

	while (environ[i] != NULL) {
		for (p = 0; p < sizeof(prefixes) / sizeof(char *); p++)
			if (str_starts(environ[i], prefixes[p]))
				break;
		if (p == sizeof(prefixes) / sizeof(char *)) {
			i++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(environ[i], "="), environ[i]);
		if (unsetenv(name) == -1 || str_starts(name, "GC_BUILD"))
			i++;
	}
}

struct urls {
	char api[64], ws[128];
};

static void
start_command(char **argv, const struct urls *u)
{
	app.command = fork();
	if (app.command == -1)
		die(GC_EX_OSERR, "can't fork: %s", strerror(errno));
	if (app.command != 0)
		return;
	clear_environment();
	setenv("GC_API_URL", u->api, 1);
	setenv("GC_LOGIN_URL", u->api, 1);
	setenv("GC_WS_URL", u->ws, 1);
	setenv("GC_CLIENT_ID", app.sim.client_id, 1);
	setenv("GC_CLIENT_SECRET", app.sim.client_secret, 1);
	if (!app.plain)
		setenv("GC_CACERT", app.cacert, 1);
	if (app.truth != NULL)
		setenv("GC_SIM_TRUTH", app.truth, 1);
	set_folder("HOME", "home");
	set_folder("XDG_CONFIG_HOME", "config");
	set_folder("XDG_STATE_HOME", "state");
	set_folder("XDG_CACHE_HOME", "cache");
	sigs_reset_in_child();
	execvp(argv[0], argv);
	log_error("can't run '%s': %s", argv[0], strerror(errno));
	_exit(127);
}

/* --- start, loop, end --------------------------------------------------- */

static void
start_server(struct urls *u)
{
	char *cert = NULL, *key = NULL;
	struct err e;
	unsigned port;

	strlcpy(app.folder, "/tmp/gc-sim.XXXXXX", sizeof(app.folder));
	if (mkdtemp(app.folder) == NULL)
		die(GC_EX_CANTCREAT, "can't create a folder in /tmp: %s",
		    strerror(errno));
	snprintf(app.cacert, sizeof(app.cacert), "%s/cacert.pem", app.folder);
	if (!app.plain && (cert_make(&cert, &key, &e) == -1 ||
	    file_replace(app.cacert, cert, strlen(cert), &e) == -1))
		die_err(&e);
	app.daemon = http_start(&app.sim, &e);
	if (app.daemon != NULL)
		app.sim.front = front_start(app.daemon, (uint16_t)app.port,
		    cert, key, &e);
	if (key != NULL)
		explicit_bzero(key, strlen(key));
	free(cert);
	free(key);
	if (app.sim.front == NULL) {
		remove(app.cacert);
		rmdir(app.folder);
		die_err(&e);
	}
	port = front_port(app.sim.front);
	snprintf(u->api, sizeof(u->api), "http%s://127.0.0.1:%u",
	    app.plain ? "" : "s", port);
	snprintf(u->ws, sizeof(u->ws), "ws%s://127.0.0.1:%u" WS_PATH,
	    app.plain ? "" : "s", port);
}

static void
start(int argc, char **argv, struct urls *u)
{
	static struct opts opts = {
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
	for (size_t i = 0; i < app.faults.count; i++)
		if (fault_parse(&s->faults, app.faults.items[i], &e) == -1)
			die_err(&e);
	s->luck.state = app.seed ^ 0x5851f42d4c957f2du;
	s->log = first < argc ? stderr : stdout;
	s->client_id = "gc-sim-client";
	sim_random_text(s, s->client_secret, TOKEN_LEN);
	pthread_mutex_init(&s->lock, NULL);
	if (pipe2(s->wake, O_NONBLOCK | O_CLOEXEC) == -1 ||
	    (app.sigs_fd = sigs_open(false, &e)) == -1)
		die(GC_EX_OSERR, "can't make a pipe");
	org_init(&s->org, app.seed, app.agents, (int)app.queues,
	    clock_wall_ms());
	start_server(u);
	sim_say(s, "ready", "\"apiUrl\":\"%s\",\"loginUrl\":\"%s\",\"wsUrl\":"
	    "\"%s\",\"cacert\":%s%s%s,\"clientId\":\"%s\",\"clientSecret\":"
	    "\"%s\"", u->api, u->api, u->ws, app.plain ? "" : "\"",
	    app.plain ? "null" : app.cacert, app.plain ? "" : "\"",
	    s->client_id, s->client_secret);
	if (first < argc)
		start_command(argv + first, u);
}

/* COMMAND's exit code once it has ended, else -1. */
static int
command_ended(void)
{
	int status;

	if (app.command == 0 ||
	    waitpid(app.command, &status, WNOHANG) != app.command)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

static int
loop(void)
{
	struct pollfd fds[FDS_MAX];
	struct sim *s = &app.sim;
	char sink[256];
	int64_t due;
	size_t n;
	int code;

	for (;;) {
		pthread_mutex_lock(&s->lock);
		s->now_ms = clock_mono_ms();
		s->wall_ms = clock_wall_ms();
		live(s);
		due = conns_tick(s);
		if (may_change(s) && s->now_ms + TICK_MS < due)
			due = s->now_ms + TICK_MS;
		fds[0] = (struct pollfd){ s->wake[0], POLLIN, 0 };
		fds[1] = (struct pollfd){ app.sigs_fd, POLLIN, 0 };
		n = conns_interest(s, fds + 2, FDS_MAX - 2);
		pthread_mutex_unlock(&s->lock);
		if (poll(fds, n + 2, clock_poll_ms(s->now_ms, due)) == -1)
			n = 0;
		while (read(s->wake[0], sink, sizeof(sink)) > 0)
			continue;
		sigs_take(&app.sigs);
		if (app.sigs.stops > 0 && app.command == 0)
			return 0;
		if (app.sigs.stops > 0 && !app.stop_told) {
			kill(app.command, SIGTERM);
			app.stop_told = true;
		}
		if ((code = command_ended()) != -1)
			return code;
		pthread_mutex_lock(&s->lock);
		s->now_ms = clock_mono_ms();
		conns_serve(s, fds + 2, n);
		pthread_mutex_unlock(&s->lock);
	}
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return remove(path);
}

static void
finish(void)
{
	struct sim *s = &app.sim;
	struct totals *t = &s->totals;

	front_deafen(s->front);
	pthread_mutex_lock(&s->lock);
	conns_close(s, 1001);
	write_truth();
	pthread_mutex_unlock(&s->lock);
	MHD_stop_daemon(app.daemon);
	front_stop(s->front);
	sim_say(s, "totals", "\"changes\":%llu,\"sent\":%llu,\"dropped\":%llu,"
	    "\"duplicated\":%llu,\"reordered\":%llu,\"cuts\":%llu,\"opens\":"
	    "%llu,\"refused\":%llu,\"tokens\":%llu,\"rest\":%llu,\"rest401\":"
	    "%llu,\"rest404\":%llu,\"rest429\":%llu,\"rest5xx\":%llu",
	    (unsigned long long)s->org.changes, (unsigned long long)t->sent,
	    (unsigned long long)t->dropped,
	    (unsigned long long)t->duplicated,
	    (unsigned long long)t->reordered, (unsigned long long)t->cuts,
	    (unsigned long long)t->opens, (unsigned long long)t->refused,
	    (unsigned long long)t->tokens, (unsigned long long)t->rest,
	    (unsigned long long)t->rest_401, (unsigned long long)t->rest_404,
	    (unsigned long long)t->rest_429,
	    (unsigned long long)t->rest_5xx);
	nftw(app.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	org_free(&s->org);
}

int
main(int argc, char **argv)
{
	struct urls urls;
	int code;

	start(argc, argv, &urls);
	code = loop();
	finish();
	return code;
}
