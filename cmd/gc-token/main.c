/* gc-token: get, cache and renew the OAuth access token.  CONTRACT section
 * 5. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"
#include "lib/str.h"

#define MIN_TTL_MS 90000
#define TIMEOUT_MS 60000
#define LOOK_MS 1000
#define SIGN_IN_MS 300000	/* people look for their telephone */
#define REDIRECT "http://localhost:8085/"

static struct app app = { .min_ttl_ms = -1, .timeout_ms = -1,
    .doing = "starting" };

static const struct opt table[] = {
	{ 'r', "raw", OPT_FLAG, &app.bare, NULL, "print the bare token", 0, 0 },
	{ 'H', "header", OPT_FLAG, &app.header, NULL,
	    "print an Authorization header line", 0, 0 },
	{ 'f', "force", OPT_FLAG, &app.force, NULL,
	    "get a new one, whatever is cached", 0, 0 },
	{ 'w', "watch", OPT_FLAG, &app.watch, NULL,
	    "go on: print a line at each renewal", 0, 0 },
	{ 0, "min-ttl", OPT_DURATION, &app.min_ttl_ms, "DURATION",
	    "life that must be left, half of it at most (90s)", 0, 0 },
	{ 0, "timeout", OPT_DURATION, &app.timeout_ms, "DURATION",
	    "try so long (60s; login: 5m)", 1, 0 },
	{ 0, "redirect", OPT_TEXT, &app.redirect, "URL",
	    "login: come back to (" REDIRECT ")", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

/* What is done instead of printing a token, and the options it takes. */
static const struct command {
	const char *name;
	void (*run)(struct app *app);	/* does not return */
	bool timeout, redirect;
} commands[] = {
	{ "login", signin, true, true },
	{ "logout", logout, true, false },
	{ "status", show_status, false, false },
};

static const struct metric metrics[] = {
	{ "gc_token_requests_total", "requests to the login host",
	    &app.requests },
	{ "gc_token_failures_total", "requests that brought no token",
	    &app.failures },
	{ "gc_token_renewals_total", "tokens got", &app.renewals },
	{ "gc_token_cache_failures_total", "tokens that could not be cached",
	    &app.cache_failures },
};

/* --- the end ------------------------------------------------------------ */

static void
clean(struct app *a)
{
	metrics_write(&a->metrics);
	token_free(&a->token);
	config_free(&a->config);
	settings_leave(a);
}

_Noreturn void
stop(struct app *a, int code)
{
	clean(a);
	exit(code);
}

_Noreturn void
stop_err(struct app *a, const struct err *e)
{
	log_error("%s", e->msg);
	stop(a, e->code);
}

/* Who asked for one token and gets none must not take it for success. */
_Noreturn void
end(struct app *a)
{
	if (a->watch && !a->reader_gone)
		stop(a, GC_EX_OK);
	clean(a);
	if (a->reader_gone)
		sigs_die_pipe();
	sigs_die_stop();
}

/* --- while we wait ------------------------------------------------------ */

static void
say_status(const struct app *a)
{
	const struct token *t = &a->token;
	int64_t left_ms = t->expires_ms - clock_wall_ms();
	char line[512], at[CLOCK_RFC3339_LEN + 1];
	int n;

	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-token\","
	    "\"doing\":\"%s\",\"requests\":%" PRIu64 ",\"failures\":%"
	    PRIu64 ",\"renewals\":%" PRIu64 ",\"cache_failures\":%" PRIu64,
	    a->doing, a->requests, a->failures, a->renewals,
	    a->cache_failures);
	if (t->expires_ms == 0) {
		n += snprintf(line + n, sizeof(line) - (size_t)n,
		    ",\"expires_at\":null,\"expires_in\":null}");
	} else {
		clock_format_ms(t->expires_ms, at);
		n += snprintf(line + n, sizeof(line) - (size_t)n,
		    ",\"expires_at\":\"%s\",\"expires_in\":%lld}", at,
		    (long long)(left_ms > 0 ? left_ms / 1000 : 0));
	}
	log_raw(line, (size_t)n);
}

bool
turn(struct app *a)
{
	struct pollfd out = { STDOUT_FILENO, 0, 0 };

	if (a->apart_from != 0)
		return apart_turn(a);
	metrics_tick(&a->metrics, clock_mono_ms());
	sigs_take(&a->sigs);
	if (a->sigs.status) {
		a->sigs.status = false;
		say_status(a);
	}
	a->reader_gone = poll(&out, 1, 0) == 1 &&
	    (out.revents & (POLLERR | POLLHUP)) != 0;
	return !is_to_end(a);
}

bool
is_to_end(const struct app *a)
{
	return a->sigs.stops > 0 || a->reader_gone;
}

static void
wait_so_long(struct app *a, int64_t when_ms, bool for_news)
{
	struct pollfd fds[2] = { { a->sigs_fd, POLLIN, 0 },
	    { STDOUT_FILENO, 0, 0 } };
	int64_t due, now;

	for (;;) {
		if (!turn(a))
			end(a);
		now = clock_mono_ms();
		if (now >= when_ms || (for_news && a->sigs.reload))
			return;
		due = metrics_tick(&a->metrics, now);
		if (a->apart_from != 0)		/* no signal tells of an end */
			due = now + LOOK_MS;
		poll(fds, 2, clock_poll_ms(now, due < when_ms ? due :
		    when_ms));
	}
}

void
wait_until(struct app *a, int64_t when_ms)
{
	wait_so_long(a, when_ms, false);
}

void
wait_for_news(struct app *a, int64_t when_ms)
{
	wait_so_long(a, when_ms, true);
}

/* --- the start ---------------------------------------------------------- */

void
settings_leave(struct app *a)
{
	free(a->owner);
	free(a->cache);
	free(a->lock);
	a->owner = a->cache = a->lock = NULL;
}

/* A sign-in cannot be had again as a client's token can: it is state. */
int
settings_place(struct app *a, bool signs_in, struct err *e)
{
	const struct config *c = &a->config;
	const char *folder = signs_in ? c->state_folder : c->cache_folder;
	char *cache, *lock = NULL;
	struct buf owner;

	buf_init(&owner, TOKEN_OWNER_MAX);
	if (buf_addf(&owner, "%s %s%s", c->client_id ? c->client_id : "",
	    c->login_url ? c->login_url : "", signs_in ? " login" : "") ==
	    -1 || !str_is_utf8(owner.data, owner.len)) {
		buf_free(&owner);
		return err_set(e, GC_EX_CONFIG, "GC_CLIENT_ID or the login "
		    "host's address is too long, or no text");
	}
	cache = config_path(folder, signs_in ? "login" : "token", e);
	if (cache != NULL)
		lock = config_path(folder, signs_in ? "login.lock" :
		    "token.lock", e);
	if (lock == NULL) {
		free(cache);
		cache = NULL;
		if (signs_in) {
			buf_free(&owner);
			return -1;
		}
		log_warn("%s; no token is cached", e->msg);
	}
	a->owner = buf_take(&owner);
	a->lock = lock;
	a->cache = cache;
	return 0;
}

/* What follows from the configuration; on -1 nothing has changed. */
int
settings_prepare(struct app *a, struct err *e)
{
	const struct config *c = &a->config;
	bool given = c->access_token != NULL && c->client_id == NULL;
	bool signs_in = !given && c->grant != CONFIG_CLIENT_GRANT;

	if (given) {
		a->owner = xstrdup("");
		a->cache = a->lock = NULL;
	} else if (settings_place(a, signs_in, e) == -1) {
		return -1;
	}
	a->given = given;
	a->signs_in = signs_in;
	return 0;
}

static const struct command *
find_command(const char *name)
{
	size_t n = sizeof(commands) / sizeof(commands[0]);

	for (size_t i = 0; i < n; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	die(GC_EX_USAGE, "'%.40s' is no command: login, logout and status are",
	    name);
}

/* An option that would do nothing is a mistake. */
static void
check_options(const struct command *c)
{
	const char *of = c != NULL ? c->name : "a token";
	const struct { const char *name; bool seen, allowed; } all[] = {
		{ "raw", app.bare, c == NULL },
		{ "header", app.header, c == NULL },
		{ "force", app.force, c == NULL },
		{ "watch", app.watch, c == NULL },
		{ "min-ttl", app.min_ttl_ms != -1, c == NULL },
		{ "metrics", app.metrics.path != NULL, c == NULL },
		{ "timeout", app.timeout_ms != -1, c == NULL || c->timeout },
		{ "redirect", app.redirect != NULL, c != NULL && c->redirect },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].seen && !all[i].allowed)
			die(GC_EX_USAGE, "--%s is no option of %s",
			    all[i].name, of);
}

/* What is left to the defaults. */
static void
set_defaults(const struct command *c)
{
	const char *ttl = getenv("GC_TOKEN_MIN_TTL");

	if (app.min_ttl_ms == -1 && ttl != NULL && *ttl != '\0' &&
	    str_duration_ms(ttl, &app.min_ttl_ms) == -1)
		die(GC_EX_CONFIG, "GC_TOKEN_MIN_TTL: '%.20s' is no duration",
		    ttl);
	if (app.min_ttl_ms == -1)
		app.min_ttl_ms = MIN_TTL_MS;
	if (app.timeout_ms == -1)
		app.timeout_ms = c != NULL && c->redirect ? SIGN_IN_MS :
		    TIMEOUT_MS;
	if (app.redirect == NULL)
		app.redirect = REDIRECT;
	app.metrics.table = metrics;
	app.metrics.count = sizeof(metrics) / sizeof(metrics[0]);
}

/* The command; NULL: print a token. */
static const struct command *
read_options(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-r | -H] [-f] [-w] [--min-ttl DURATION] "
		    "[OPTION]...\n       gc-token login [--redirect URL] "
		    "[--timeout DURATION]\n       gc-token logout | status",
		.summary = "Print an OAuth access token, from the cache or "
		    "the login host; sign in\nfor it with a browser, and "
		    "out; say what is kept.",
		.table = table, .count = OPTS_COUNT(table),
		.linked = http_library, .libraries = "libjq",
	};
	int first = opts_parse("gc-token", argc, argv, &opts);
	const struct command *c = first < argc ? find_command(argv[first]) :
	    NULL;

	if (argc - first > 1)
		die(GC_EX_USAGE, "'%.40s': there is one command at most",
		    argv[first + 1]);
	check_options(c);
	if (app.bare && app.header)
		die(GC_EX_USAGE, "--raw and --header exclude each other");
	set_defaults(c);
	return c;
}

void
give_up_power(const struct app *a)
{
	struct sandbox box = { .client = true };

	sandbox_file(&box, a->cache);
	sandbox_file(&box, a->metrics.path);
	sandbox_enter(&box);
}

int
main(int argc, char **argv)
{
	const struct command *c = read_options(argc, argv);
	struct err e;

	if ((app.sigs_fd = sigs_open(app.watch, &e)) == -1 ||
	    config_load(&app.config, CONFIG_LOGIN | CONFIG_SECRETS, &e) == -1)
		die_err(&e);
	if (settings_prepare(&app, &e) == -1 || http_start(&e) == -1)
		stop_err(&app, &e);
	if (c != NULL)
		c->run(&app);	/* does not return */
	if (app.signs_in && apart_start(&app, &e) == -1)
		stop_err(&app, &e);
	give_up_power(&app);
	if (cache_get(&app, app.force, &e) == -1)
		stop_err(&app, &e);
	if (app.watch)
		watch(&app);
	print_token(&app);
	stop(&app, GC_EX_OK);
}
