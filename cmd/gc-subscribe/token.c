/* The token command: run, read, judged. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-subscribe/subscribe.h"
#include "lib/clock.h"
#include "lib/log.h"

#define TOKEN_MS 90000		/* the token command: gc-token takes 60 s */

/* No token, no connect; but an attempt all the same. */
static void
token_lost(struct app *app)
{
	app->counted = true;
	app->tries.attempts++;
	perform(app, EV_LOST);
}

/* After SIGHUP, before the next token, and so the next connect. */
static void
reload(struct app *app)
{
	struct transport_target target;
	struct config config;
	struct err e;

	app->sigs.reload = false;
	if (config_load(&config, CONFIG_WS, &e) == -1 ||
	    transport_split(config.ws_url, &target, &e) == -1) {
		config_free(&config);
		log_error("the configuration stays as it was: %s", e.msg);
		return;
	}
	config_free(&app->config);
	transport_target_free(&app->target);
	free(app->shown_url);
	app->config = config;
	app->target = target;
	app->shown_url = xstrndup(config.ws_url, strcspn(config.ws_url, "?"));
	log_note("the configuration was read again");
}

void
start_token(struct app *app)
{
	char ttl[64], refused[64];
	char *env[3] = { ttl, NULL, NULL };
	struct err e;

	if (app->sigs.reload)
		reload(app);
	snprintf(ttl, sizeof(ttl), "GC_TOKEN_MIN_TTL=%lldms",
	    (long long)app->opt.rotate_before_ms * 2);
	if (app->refused_token != NULL) {
		snprintf(refused, sizeof(refused), "GC_TOKEN_REFUSED=%s",
		    app->refused_token);
		env[1] = refused;
	}
	buf_wipe(&app->child_out);
	app->child_ended = false;
	app->upgrade_ms = app->now_ms + TOKEN_MS;
	if (child_start(&app->child, app->config.token_cmd, env, false, &e) ==
	    -1) {
		app->lost = e;
		token_lost(app);
	}
}

static void
token_failed(struct app *app)
{
	int code = app->child_code;
	char name[CHILD_NAME_MAX];

	child_name(app->config.token_cmd, name);
	if (code == GC_EX_NOPERM || code == GC_EX_CONFIG) {
		app->exit_code = code;
		log_error("%s ended with %d", name, code);
		perform(app, EV_STOP);
		return;
	}
	if (code != 0)
		err_set(&app->lost, GC_EX_UNAVAILABLE, "%s ended with %d",
		    name, code);
	token_lost(app);
}

void
token_late(struct app *app)
{
	err_set(&app->lost, GC_EX_UNAVAILABLE, "the token command does not "
	    "end");
	token_lost(app);
}

static void
token_came(struct app *app)
{
	int64_t wall = clock_wall_ms(), rotate;
	char name[CHILD_NAME_MAX];

	child_name(app->config.token_cmd, name);
	token_free(&app->token);
	if (app->child_code != 0 || token_from_output(&app->token,
	    app->child_out.data ? app->child_out.data : "",
	    app->child_out.len, &app->lost) == -1) {
		token_failed(app);
		return;
	}
	buf_wipe(&app->child_out);
	app->upgrade_ms = CLOCK_NEVER;
	rotate = token_rotate_ms(&app->token, app->opt.rotate_before_ms);
	if (app->token.expires_ms != 0 && app->token.expires_ms <= wall) {
		err_set(&app->lost, GC_EX_UNAVAILABLE, "%s printed a token "
		    "that has ended", name);
		token_lost(app);
		return;
	}
	/* one that comes past its time is used up: no storm of rotations */
	if (rotate <= wall)
		rotate = app->token.expires_ms;
	/* a moment later, so that the old one is past its half for sure */
	app->rotate_ms = rotate == CLOCK_NEVER ? CLOCK_NEVER :
	    app->now_ms + rotate - wall + 1;
	perform(app, EV_TOKEN);
}

void
serve_child(struct app *app)
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
	if (app->child_ended && app->child.from == -1 &&
	    app->state == ST_TOKEN) {
		app->child_ended = false;
		token_came(app);
	}
}
