/* The token, by running the token command; never waited for. */
#include <stdlib.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"

#define FORCE_PERIOD_MS 60000	/* forced renewals, at most so often */
#define RUN_PERIOD_MS 1000	/* and runs for tokens that have ended */
#define MIN_TTL_MS 5000		/* so that gc-subscribe is who renews */

static const struct backoff command_backoff = {
	.base_ms = 1000, .cap_ms = 30000, .jitter_ms = 500
};

static bool
has_ended(const struct token *t)
{
	return t->expires_ms != 0 && clock_wall_ms() >= t->expires_ms;
}

int64_t
token_tick(struct app *app)
{
	struct err e;

	app->now_ms = clock_mono_ms();
	if (app->have_token && has_ended(&app->token)) {
		app->have_token = false;
		if (app->token_due_ms < app->asked_ms + RUN_PERIOD_MS)
			app->token_due_ms = app->asked_ms + RUN_PERIOD_MS;
	}
	if (app->have_token || app->asktoken.asking || !fetch_wanted(app))
		return CLOCK_NEVER;
	if (app->now_ms < app->token_due_ms)
		return app->token_due_ms;
	app->asked_ms = app->now_ms;
	if (asktoken_start(&app->asktoken, app->config.token_cmd, MIN_TTL_MS,
	    app->refused, &e) == -1)
		die_err(&e);
	return CLOCK_NEVER;
}

static void
failed(struct app *app, const struct err *e)
{
	if (e->code == GC_EX_NOPERM || e->code == GC_EX_CONFIG) {
		app->fatal = e->code;
		return;
	}
	app->token_due_ms = app->now_ms + backoff_delay_ms(&command_backoff,
	    app->token_failures++, arc4random());
	log_warn("%s; again in %lld ms", e->msg,
	    (long long)(app->token_due_ms - app->now_ms));
}

static void
forget_refused(struct app *app)
{
	free(app->refused);
	app->refused = NULL;
}

void
token_serve(struct app *app)
{
	struct token t;
	struct err e;
	int got = asktoken_feed(&app->asktoken, &t, &e);

	if (got == 1 && has_ended(&t)) {
		token_free(&t);
		got = err_set(&e, GC_EX_UNAVAILABLE, "%s printed a token that "
		    "has ended", app->asktoken.name);
	}
	if (got == -1)
		failed(app, &e);
	if (got != 1)
		return;
	token_free(&app->token);
	app->token = t;
	app->have_token = true;
	app->token_number++;
	app->token_failures = 0;
	forget_refused(app);
}

bool
token_refused(struct app *app, const struct job *j)
{
	if (j->token_number < app->token_number || !app->have_token)
		return true;	/* a newer one is there, or on its way */
	if (has_ended(&app->token)) {
		app->have_token = false;	/* on the way: no refusal */
		return true;
	}
	if (app->forced_ms != 0 &&
	    app->now_ms - app->forced_ms < FORCE_PERIOD_MS)
		return false;
	app->forced_ms = app->now_ms;
	app->have_token = false;
	if (app->token.issued_at != NULL) {
		forget_refused(app);
		app->refused = xstrdup(app->token.issued_at);
	}
	return true;
}

void
token_drop(struct app *app)
{
	asktoken_stop(&app->asktoken);
	app->have_token = false;
	app->token_due_ms = app->forced_ms = 0;
	app->token_failures = 0;
	forget_refused(app);
}

void
token_stop(struct app *app)
{
	asktoken_free(&app->asktoken);
	token_free(&app->token);
	forget_refused(app);
}
