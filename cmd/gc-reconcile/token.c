/* The token, by running the token command; never waited for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"

#define FORCE_PERIOD_MS 60000	/* forced renewals, at most so often */
#define RUN_PERIOD_MS 1000	/* and runs for tokens that have ended */
#define REFUSED_MAX 128		/* bytes of an issued_at */
#define REFUSED "GC_TOKEN_REFUSED="

static const struct backoff command_backoff = {
	.base_ms = 1000, .cap_ms = 30000, .jitter_ms = 500
};

/* 5 s of life will do, so that gc-subscribe is the one who renews. */
static void
start(struct app *app)
{
	char refused[sizeof(REFUSED) + REFUSED_MAX];
	char ttl[] = "GC_TOKEN_MIN_TTL=5s";
	char *env[3] = { ttl, NULL, NULL };
	struct err e;

	if (app->refused != NULL) {
		snprintf(refused, sizeof(refused), REFUSED "%s",
		    app->refused);
		env[1] = refused;
	}
	buf_wipe(&app->child_out);
	app->child_ended = false;
	app->child_ms = app->now_ms;
	if (child_start(&app->child, app->config.token_cmd, env, false, &e) ==
	    -1)
		die_err(&e);
}

static bool
has_ended(const struct token *t)
{
	return t->expires_ms != 0 && clock_wall_ms() >= t->expires_ms;
}

int64_t
token_tick(struct app *app)
{
	app->now_ms = clock_mono_ms();
	if (app->have_token && has_ended(&app->token)) {
		app->have_token = false;
		if (app->token_due_ms < app->child_ms + RUN_PERIOD_MS)
			app->token_due_ms = app->child_ms + RUN_PERIOD_MS;
	}
	if (app->have_token || app->child.pid != -1 || app->open == 0 ||
	    app->child.from != -1)
		return CLOCK_NEVER;
	if (app->now_ms < app->token_due_ms)
		return app->token_due_ms;
	start(app);
	return CLOCK_NEVER;
}

/* Its issued_at as it was printed: whoever is told of it compares texts. */
static void
keep_issued_at(struct app *app)
{
	const struct json_field field = { "issued_at", JSON_STRING,
	    &app->issued_at, NULL };

	free(app->issued_at);
	app->issued_at = NULL;
	json_read(app->child_out.data, app->child_out.len, &field, 1, NULL);
	if (app->issued_at != NULL && strlen(app->issued_at) > REFUSED_MAX) {
		free(app->issued_at);
		app->issued_at = NULL;
	}
}

/* 0, or -1 and why the command brought none. */
static int
take_token(struct app *app, struct err *e)
{
	if (app->child_code != 0)
		return err_set(e, GC_EX_UNAVAILABLE, "it ended with %d",
		    app->child_code);
	if (token_from_output(&app->token, app->child_out.data ?
	    app->child_out.data : "", app->child_out.len, e) == -1)
		return -1;
	if (has_ended(&app->token)) {
		token_free(&app->token);
		return err_set(e, GC_EX_UNAVAILABLE, "it has ended already");
	}
	return 0;
}

static void
came(struct app *app)
{
	struct err e;

	app->child_ended = false;
	token_free(&app->token);
	if (app->child_code == GC_EX_NOPERM ||
	    app->child_code == GC_EX_CONFIG) {
		app->fatal = app->child_code;
	} else if (take_token(app, &e) == 0) {
		app->have_token = true;
		app->token_number++;
		app->token_failures = 0;
		keep_issued_at(app);
		free(app->refused);
		app->refused = NULL;
	} else {
		app->token_due_ms = app->now_ms + backoff_delay_ms(
		    &command_backoff, app->token_failures++, arc4random());
		log_warn("%s brought no token: %s; again in %lld ms",
		    app->config.token_cmd, e.msg,
		    (long long)(app->token_due_ms - app->now_ms));
	}
	buf_wipe(&app->child_out);
}

void
token_serve(struct app *app)
{
	char *room;
	ssize_t n;

	while (app->child.from != -1) {
		room = buf_room(&app->child_out, 1024);
		n = room == NULL ? 0 : read(app->child.from, room, 1024);
		if (n > 0) {
			buf_grew(&app->child_out, (size_t)n);
			continue;
		}
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			break;
		child_close_stdout(&app->child);
	}
	if (child_reap(&app->child, &app->child_code) == 1)
		app->child_ended = true;
	if (app->child_ended && app->child.from == -1)
		came(app);
}

bool
token_refused(struct app *app, const struct job *j)
{
	if (j->token_number < app->token_number || !app->have_token)
		return true;	/* a newer one is there, or on its way */
	if (app->forced_ms != 0 &&
	    app->now_ms - app->forced_ms < FORCE_PERIOD_MS)
		return false;
	app->forced_ms = app->now_ms;
	app->have_token = false;
	if (app->issued_at != NULL) {
		free(app->refused);
		app->refused = app->issued_at;
		app->issued_at = NULL;
	}
	return true;
}

void
token_drop(struct app *app)
{
	child_kill(&app->child);
	app->child_ended = app->have_token = false;
	app->token_due_ms = app->forced_ms = 0;
	app->token_failures = 0;
	free(app->refused);
	app->refused = NULL;
}

void
token_stop(struct app *app)
{
	child_kill(&app->child);
	token_free(&app->token);
	buf_wipe(&app->child_out);
	free(app->issued_at);
	free(app->refused);
}
