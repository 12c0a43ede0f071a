/* The token command: run, read, judged. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/log.h"

#define TOKEN_MS 90000		/* the token command: gc-token takes 60 s */

/* To whom it matters: the one session, or all of them. */
static void
tell(struct app *app, enum session_event event)
{
	if (app->fleet != NULL)
		fleet_token_event(app, event);
	else
		perform(app, event);
}

/* No token, no connect; but an attempt all the same. */
static void
token_lost(struct app *app)
{
	app->counted = true;
	app->tries.attempts++;
	tell(app, EV_LOST);
}

/* What may be taken of the configuration as it is now, or -1 and why. */
static int
reread(const struct app *app, struct config *config,
    struct transport_target *target, struct err *e)
{
	if (config_load(config, CONFIG_WS, e) == -1)
		return -1;
	if (config->channels != app->config.channels)
		return err_set(e, GC_EX_CONFIG, "it asks for the other "
		    "protocol, which takes a restart");
	*target = (struct transport_target){ 0 };
	return config->channels ? 0 :
	    transport_split(config->ws_url, target, e);
}

/* After SIGHUP, before the next token, and so the next connect. */
static void
reload(struct app *app)
{
	struct transport_target target;
	struct config config;
	struct err e;
	bool moved;

	app->sigs.reload = false;
	if (reread(app, &config, &target, &e) == -1) {
		config_free(&config);
		log_error("the configuration stays as it was: %s", e.msg);
		if (app->fleet != NULL)
			fleet_reload(app, false);
		return;
	}
	moved = app->fleet != NULL &&
	    strcmp(app->config.api_url, config.api_url) != 0;
	transport_target_free(&app->target);
	free(app->shown_url);
	if (config_replace(&app->config, &config))
		log_warn("the token command stays that of the start");
	app->target = target;
	app->shown_url = app->fleet != NULL ? NULL :
	    xstrndup(app->config.ws_url, strcspn(app->config.ws_url, "?"));
	log_note("the configuration was read again");
	if (app->fleet != NULL)
		fleet_reload(app, moved);
}

void
start_token(struct app *app)
{
	if (app->sigs.reload)
		reload(app);
	app->upgrade_ms = app->now_ms + TOKEN_MS;
	if (asktoken_start(&app->asktoken, app->config.token_cmd,
	    app->opt.rotate_before_ms * 2, app->refused_token,
	    &app->lost) == -1)
		token_lost(app);
}

void
token_late(struct app *app)
{
	err_set(&app->lost, GC_EX_UNAVAILABLE, "the token command does not "
	    "end");
	token_lost(app);
}

/* The token command will never bring one, it says: that is for people. */
static void
token_refused(struct app *app)
{
	app->exit_code = app->lost.code;
	log_error("%s", app->lost.msg);
	tell(app, EV_STOP);
}

static void
token_came(struct app *app)
{
	int64_t wall = clock_wall_ms(), rotate;

	app->upgrade_ms = CLOCK_NEVER;
	rotate = token_rotate_ms(&app->token, app->opt.rotate_before_ms);
	if (app->token.expires_ms != 0 && app->token.expires_ms <= wall) {
		err_set(&app->lost, GC_EX_UNAVAILABLE, "%s printed a token "
		    "that has ended", app->asktoken.name);
		token_lost(app);
		return;
	}
	/* one that comes past its time is used up: no storm of rotations */
	if (rotate <= wall)
		rotate = app->token.expires_ms;
	/* a moment later, so that the old one is past its half for sure */
	app->rotate_ms = rotate == CLOCK_NEVER ? CLOCK_NEVER :
	    app->now_ms + rotate - wall + 1;
	tell(app, EV_TOKEN);
}

void
serve_token(struct app *app)
{
	struct token t;
	int got = asktoken_feed(&app->asktoken, &t, &app->lost);

	if (got == 1) {
		token_free(&app->token);
		app->token = t;
		token_came(app);
	} else if (got == -1 && app->lost.code != GC_EX_UNAVAILABLE) {
		token_refused(app);
	} else if (got == -1) {
		token_lost(app);
	}
}
