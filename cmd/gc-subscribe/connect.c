/* The session's actions: everything that makes and ends a connection. */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/subscribe.h"
#include "lib/clock.h"
#include "lib/http.h"
#include "lib/log.h"

#define CONNECT_MS 15000	/* names, TCP, proxy, TLS */
#define UPGRADE_MS 15000	/* request and answer */
#define CLOSE_MS 5000		/* for the server's close frame */

/* --- connecting --------------------------------------------------------- */

static void
drop_connection(struct app *app)
{
	websocket_del(app->ws);
	app->ws = NULL;
	transport_close(app->transport);
	app->transport = NULL;
	if (app->shaking)
		wshake_free(&app->shake);
	app->shaking = false;
	buf_wipe(&app->request);
	app->close_ms = app->ping_ms = app->healthy_ms = CLOCK_NEVER;
	app->upgrade_ms = app->rotate_ms = app->linger_ms = CLOCK_NEVER;
	app->more_to_read = false;
	app->shake.status = 0;
}

static void
start_connect(struct app *app)
{
	struct transport_opts opts = { app->config.cacert,
	    HTTP_AGENT_NAME "/" GC_VERSION, CONNECT_MS };

	app->connects++;
	app->counted = !app->rotating;
	app->tries.attempts += app->counted;
	app->transport = transport_start(app->config.ws_url, &opts,
	    &app->lost);
	if (app->transport == NULL)
		perform(app, EV_LOST);
}

static void
start_upgrade(struct app *app)
{
	uint8_t nonce[WSHAKE_NONCE_LEN];
	char key[WSHAKE_KEY_LEN + 1];
	struct wshake_request r = { app->target.host, app->target.path, key,
	    app->token.access_token, HTTP_AGENT_NAME "/" GC_VERSION };

	app->upgrade_ms = app->now_ms + UPGRADE_MS;
	app->request_at = 0;
	buf_init(&app->request, WSHAKE_REQUEST_MAX);
	if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
		err_set(&app->lost, GC_EX_OSERR, "no randomness");
		perform(app, EV_LOST);
		return;
	}
	wshake_key(nonce, key);
	wshake_init(&app->shake, key, clock_wall_ms());
	app->shaking = true;
	if (wshake_request(&app->request, &r, &app->lost) == -1)
		perform(app, EV_LOST);
}

/* --- losing ------------------------------------------------------------- */

/* Was a token refused that may have been withdrawn?  Then one forced renewal
 * is due, which is told which token it was if that has a birth. */
static bool
is_renewal(struct app *app)
{
	if (app->lost.code != GC_EX_NOPERM || app->shake.status == 0 ||
	    app->renewed_once)
		return false;
	app->renewed_once = true;
	free(app->refused_token);
	app->refused_token = NULL;
	if (app->token.issued_at != NULL)
		app->refused_token = xstrdup(app->token.issued_at);
	return true;
}

/* Before anything was open, some failures are for people, not for patience:
 * a wrong place (78), a refused login or certificate (77). */
static bool
is_fatal(const struct app *app)
{
	int code = app->lost.code;

	if (app->opened_ever || (code != GC_EX_NOPERM &&
	    code != GC_EX_CONFIG))
		return false;
	if (code == GC_EX_NOPERM && app->shake.status != 0)
		log_error("%s; the client needs the permission "
		    "routing:agent:view (with a team filter also "
		    "routing:team:view) and the scopes notification:subscribe "
		    "and routing:agent:view", app->lost.msg);
	else if (app->shake.status != 0 || (app->transport != NULL &&
	    transport_no_such_name(app->transport)))
		log_error("%s; is this the right place? See GC_REGION, "
		    "GC_SUBDOMAIN and GC_WS_URL", app->lost.msg);
	else
		log_error("%s", app->lost.msg);
	return true;
}

static void
give_up(struct app *app, int code)
{
	if (app->is_open)
		stream_closed(app, "stop", 0);
	app->is_open = false;
	app->exit_code = code;
	drop_connection(app);
	perform(app, EV_STOP);
}

static struct session_wait
how_long(struct app *app, bool renewal)
{
	const struct session_policy *p = &app->opt.policy;
	struct session_wait w = renewal ? session_renewing(p, &app->tries,
	    app->counted, app->retry_after_ms, arc4random()) :
	    session_failed(p, &app->tries, app->retry_after_ms, arc4random());

	if (app->retry_after_ms > p->backoff.cap_ms)
		log_warn("the server asks for %lld ms of patience",
		    (long long)app->retry_after_ms);
	app->retry_after_ms = -1;
	return w;
}

static void
back_off(struct app *app)
{
	bool renewal = is_renewal(app);
	struct session_wait w;

	asktoken_stop(&app->asktoken);
	app->rotating = false;
	if (!renewal && is_fatal(app)) {
		give_up(app, app->lost.code);
		return;
	}
	w = how_long(app, renewal);
	if (w.failover && app->opt.give_up) {
		log_error("%s; %u attempts are used up", app->lost.msg,
		    app->tries.attempts);
		give_up(app, GC_EX_UNAVAILABLE);
		return;
	}
	if (app->is_open)
		stream_closed(app, "reconnect", w.delay_ms);
	app->is_open = false;
	log_warn("%s; again in %lld ms", app->lost.msg,
	    (long long)w.delay_ms);
	drop_connection(app);
	app->retry_ms = app->now_ms + w.delay_ms;
	if (w.failover)
		line_failover(app, 0, app->tries.attempts);
}

void
lose(struct app *app, const char *by, unsigned code, const char *reason)
{
	if (app->close_by == NULL) {
		app->close_by = by;
		app->close_code = code;
		snprintf(app->close_reason, sizeof(app->close_reason), "%s",
		    reason);
	}
	err_set(&app->lost, GC_EX_UNAVAILABLE, "connection lost: %s", reason);
	perform(app, EV_LOST);
}

static void
start_close(struct app *app)
{
	app->close_by = "client";
	app->close_code = 1000;
	snprintf(app->close_reason, sizeof(app->close_reason), "%s",
	    app->state == ST_CLOSE ? "rotate" : "stop");
	websocket_close(app->ws, 1000, NULL);
	app->close_ms = app->now_ms + CLOSE_MS;
	app->ping_ms = app->rotate_ms = CLOCK_NEVER;
}

static void
rotate(struct app *app)
{
	int64_t healthy_ms = app->healthy_ms;

	app->is_open = false;
	app->rotating = true;
	stream_closed(app, "rotate", 0);
	drop_connection(app);
	app->healthy_ms = healthy_ms;	/* it was, and goes on so */
	token_free(&app->token);
	start_token(app);
}

static void
finish(struct app *app)
{
	if (app->is_open) {
		app->is_open = false;
		stream_closed(app, "stop", 0);
	}
	drop_connection(app);
	asktoken_stop(&app->asktoken);
}

void
perform(struct app *app, enum session_event event)
{
	struct session_step step = session_step(app->state, event);

	if (event == EV_STOP && app->end_ms == CLOCK_NEVER)
		app->end_ms = app->now_ms + STOP_MS;
	if (step.next != app->state)
		log_detail("%s -> %s", session_state_name(app->state),
		    session_state_name(step.next));
	app->state = step.next;
	switch (step.action) {
	case ACT_NONE:
		break;
	case ACT_TOKEN:
		app->retry_ms = CLOCK_NEVER;
		start_token(app);
		break;
	case ACT_CONNECT:
		start_connect(app);
		break;
	case ACT_UPGRADE:
		start_upgrade(app);
		break;
	case ACT_OPEN:
		stream_open(app);
		break;
	case ACT_CLOSE:
		start_close(app);
		break;
	case ACT_BACKOFF:
		back_off(app);
		break;
	case ACT_ROTATE:
		rotate(app);
		break;
	case ACT_FINISH:
		finish(app);
		break;
	}
}
