/* gc-token: get, cache and renew the OAuth access token.  The only tool that
 * reads the client secret.  CONTRACT section 5. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/file.h"
#include "lib/http.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/opts.h"
#include "lib/sandbox.h"
#include "lib/secret.h"
#include "lib/sigs.h"
#include "lib/str.h"
#include "lib/token.h"

#define LOCK_STEP_MS 20		/* between two looks at a lock held */
#define MIN_TTL_MS 90000

static const struct backoff backoff = {
	.base_ms = 500, .cap_ms = 10000, .jitter_ms = 250
};

static struct app {
	bool bare, header, force, watch;
	int64_t min_ttl_ms, timeout_ms;
	struct config config;
	struct token token;
	char *owner;		/* whose token: for the cache */
	char *cache, *lock;
	int sigs_fd;
	struct sigs sigs;
	int64_t deadline_ms;	/* of this token's getting; monotonic */
	struct metrics metrics;
	uint64_t requests, failures, renewals, cache_failures;
} app = { .min_ttl_ms = -1, .timeout_ms = 60000 };

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
	    "try so long (60s)", 1, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
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

static _Noreturn void
stop(int code)
{
	metrics_write(&app.metrics);
	token_free(&app.token);
	config_free(&app.config);
	free(app.owner);
	free(app.cache);
	free(app.lock);
	exit(code);
}

static _Noreturn void
stop_err(const struct err *e)
{
	log_error("%s", e->msg);
	stop(e->code);
}

/* Wait, unless a signal ends us. */
static void
wait_until(int64_t when_ms)
{
	struct pollfd fd = { app.sigs_fd, POLLIN, 0 };
	int64_t due, now;

	while ((now = clock_mono_ms()) < when_ms) {
		due = metrics_tick(&app.metrics, now);
		poll(&fd, 1, clock_poll_ms(now, due < when_ms ? due :
		    when_ms));
		sigs_take(&app.sigs);
		if (app.sigs.stops > 0)
			stop(GC_EX_OK);
	}
}

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)arg, (void)a, (void)b, (void)c, (void)d;
	sigs_take(&app.sigs);
	return app.sigs.stops > 0;
}

/* What the server says of its refusal, in its own words. */
static int
refused(const struct http_reply *r, struct err *e)
{
	char *text = NULL, *more = NULL, *error = NULL;
	const struct json_field fields[] = {
		{ "error_description", JSON_STRING, &text, NULL },
		{ "description", JSON_STRING, &more, NULL },
		{ "error", JSON_STRING, &error, NULL },
	};
	const char *why;

	json_read(r->body.data ? r->body.data : "", r->body.len, fields, 3,
	    NULL);
	why = text ? text : more ? more : error ? error : "no reason given";
	err_set(e, GC_EX_NOPERM, "the login host refused the client (%ld): "
	    "%.200s; check GC_CLIENT_ID and its secret", r->status, why);
	free(text);
	free(more);
	free(error);
	return -1;
}

/* One request: 0 and the token, -1 for good, 1 try again after *wait_ms. */
static int
judge(struct http_reply *r, int64_t *wait_ms, struct err *e)
{
	if (r->status == 200)
		return token_from_answer(&app.token,
		    r->body.data ? r->body.data : "", r->body.len,
		    clock_wall_ms(), e);
	if (r->status == 400 || r->status == 401 || r->status == 403)
		return refused(r, e);
	*wait_ms = r->retry_after_ms;
	if (r->status == 429 || r->status >= 500) {
		err_set(e, GC_EX_TEMPFAIL, "the login host answers %ld",
		    r->status);
		return 1;
	}
	return err_set(e, r->status == 404 ? GC_EX_CONFIG :
	    GC_EX_UNAVAILABLE, "the login host answers %ld%s", r->status,
	    r->status == 404 ? ": is it one? See GC_REGION, GC_LOGIN_URL" :
	    "");
}

static int
request(int64_t *wait_ms, struct err *e)
{
	CURL *easy = curl_easy_init();
	struct http_reply reply;
	struct buf url;
	int status;

	if (easy == NULL)
		return err_set(e, GC_EX_OSERR, "can't start libcurl");
	app.requests++;
	http_reply_init(&reply);
	buf_init(&url, 4096);
	buf_addf(&url, "%s/oauth/token", app.config.login_url);
	http_prepare(easy, url.data, app.config.cacert,
	    app.deadline_ms - clock_mono_ms(), &reply);
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(easy, CURLOPT_USERNAME, app.config.client_id);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, app.config.client_secret);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
	    "grant_type=client_credentials");
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	status = http_result(curl_easy_perform(easy), &reply, e);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
	if (status == -1)
		err_prefix(e, "can't reach the login host");
	else
		status = judge(&reply, wait_ms, e);
	app.failures += status != 0;
	http_reply_free(&reply);
	buf_free(&url);
	curl_easy_cleanup(easy);
	if (app.sigs.stops > 0)
		stop(GC_EX_OK);
	return status;
}

/* A new token, with patience for a busy server. */
static int
renew(struct err *e)
{
	int64_t wait_ms, least_ms, now;
	unsigned n = 0;
	int status;

	if (app.config.client_id == NULL || app.config.client_secret == NULL)
		return err_set(e, GC_EX_CONFIG, "no OAuth client: set "
		    "GC_CLIENT_ID and GC_CLIENT_SECRET_FILE (or "
		    "GC_CLIENT_SECRET)");
	token_free(&app.token);
	while ((status = request(&wait_ms, e)) == 1) {
		least_ms = backoff_delay_ms(&backoff, n++, arc4random());
		if (wait_ms < least_ms)
			wait_ms = least_ms;
		now = clock_mono_ms();
		if (now + wait_ms >= app.deadline_ms)
			return err_prefix(e, "no token within --timeout");
		log_note("%s: again in %lld ms", e->msg, (long long)wait_ms);
		wait_until(now + wait_ms);
	}
	if (status == -1)
		return -1;
	app.renewals++;
	if (token_save(&app.token, app.cache, app.owner, e) == -1) {
		app.cache_failures++;
		log_warn("%s; the token is not cached", e->msg);
	}
	return 0;
}

/* Does the caller say that just this token was refused? */
static bool
was_refused(const struct token *t)
{
	const char *refused_at = getenv("GC_TOKEN_REFUSED");
	struct stamp s;

	return refused_at != NULL && t->issued_ms != 0 &&
	    clock_parse(refused_at, strlen(refused_at), &s) == 0 &&
	    stamp_to_ms(s) == t->issued_ms;
}

static int
take_lock(struct err *e)
{
	int fd;

	while ((fd = file_lock(app.lock, e)) == -1 &&
	    e->code == GC_EX_TEMPFAIL && clock_mono_ms() < app.deadline_ms)
		wait_until(clock_mono_ms() + LOCK_STEP_MS);
	return fd;
}

/* The cached token if it will do, else a new one; under the lock, so that
 * any number of callers cost one request. */
static int
get_token(bool force, struct err *e)
{
	int lock, status;

	app.deadline_ms = clock_mono_ms() + app.timeout_ms;
	if ((lock = take_lock(e)) == -1)
		return -1;
	token_free(&app.token);
	file_sweep(app.cache);
	status = token_load(&app.token, app.cache, app.owner, e);
	if (status == 0 || (status == 1 && (force || was_refused(&app.token) ||
	    !token_is_fresh(&app.token, app.min_ttl_ms, clock_wall_ms()))))
		status = renew(e);
	close(lock);
	return status == -1 ? -1 : 0;
}

static void
print_token(void)
{
	struct buf out;

	buf_init(&out, 2 * TOKEN_MAX);
	if (app.bare)
		buf_addf(&out, "%s\n", app.token.access_token);
	else if (app.header)
		buf_addf(&out, "Authorization: Bearer %s\n",
		    app.token.access_token);
	else
		token_line(&out, &app.token, clock_wall_ms());
	if (file_write_all(STDOUT_FILENO, out.data, out.len) == -1) {
		if (errno == EPIPE)
			sigs_die_pipe();
		log_error("can't write to stdout: %s", strerror(errno));
		buf_wipe(&out);
		stop(GC_EX_IOERR);
	}
	buf_wipe(&out);
}

/* Print each new token for as long as we are let. */
static _Noreturn void
watch(void)
{
	int64_t left_ms;
	struct err e;

	for (;;) {
		print_token();
		if (app.token.expires_ms == 0)
			wait_until(CLOCK_NEVER);
		/* by the rule that made it fresh, it no longer is */
		do {
			left_ms = token_rotate_ms(&app.token,
			    app.min_ttl_ms) - clock_wall_ms();
			wait_until(clock_mono_ms() +
			    (left_ms < 1000 ? left_ms < 1 ? 1 : left_ms :
			    1000));
		} while (left_ms > 0);
		while (get_token(true, &e) == -1) {
			if (e.code != GC_EX_TEMPFAIL &&
			    e.code != GC_EX_UNAVAILABLE)
				stop_err(&e);
			log_warn("%s; tried again", e.msg);
			wait_until(clock_mono_ms() + backoff.cap_ms);
		}
	}
}

static void
start(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-r | -H] [-f] [-w] [--min-ttl DURATION] "
		    "[OPTION]...",
		.summary = "Print an OAuth access token, from the cache or "
		    "the login host.",
		.table = table, .count = OPTS_COUNT(table),
		.libraries = "libcurl " LIBCURL_VERSION,
	};
	const char *ttl = getenv("GC_TOKEN_MIN_TTL");
	struct err e;

	secret_guard();
	if (opts_parse("gc-token", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands",
		    argv[argc - 1]);
	if (app.bare && app.header)
		die(GC_EX_USAGE, "--raw and --header exclude each other");
	if (app.min_ttl_ms == -1 && ttl != NULL &&
	    str_duration_ms(ttl, &app.min_ttl_ms) == -1)
		die(GC_EX_CONFIG, "GC_TOKEN_MIN_TTL: '%.20s' is no duration",
		    ttl);
	if (app.min_ttl_ms == -1)
		app.min_ttl_ms = MIN_TTL_MS;
	app.metrics.table = metrics;
	app.metrics.count = sizeof(metrics) / sizeof(metrics[0]);
	if ((app.sigs_fd = sigs_open(false, &e)) == -1 ||
	    config_load(&app.config, CONFIG_LOGIN | CONFIG_SECRETS, &e) == -1)
		die_err(&e);
}

static void
open_cache(void)
{
	struct buf owner;
	struct err e;

	buf_init(&owner, 8192);
	buf_addf(&owner, "%s %s", app.config.client_id ?
	    app.config.client_id : "", app.config.login_url);
	app.owner = buf_take(&owner);
	app.cache = config_path(app.config.cache_folder, "token", &e);
	if (app.cache != NULL)
		app.lock = config_path(app.config.cache_folder, "token.lock",
		    &e);
	if (app.lock == NULL)
		stop_err(&e);
}

static void
give_up_power(void)
{
	struct sandbox box = { .client = true };

	sandbox_folder(&box, app.config.cache_folder);
	sandbox_file(&box, app.metrics.path);
	sandbox_enter(&box);
}

int
main(int argc, char **argv)
{
	struct err e;

	start(argc, argv);
	if (app.config.access_token != NULL && app.config.client_id == NULL) {
		if (token_from_bare(&app.token, app.config.access_token,
		    &e) == -1)
			stop_err(&e);
	} else {
		curl_global_init(CURL_GLOBAL_DEFAULT);
		open_cache();
		give_up_power();
		if (get_token(app.force, &e) == -1)
			stop_err(&e);
	}
	if (app.watch)
		watch();
	print_token();
	stop(GC_EX_OK);
}
