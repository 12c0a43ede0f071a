/* Bytes to and fro: the upgrade's, then frames. */
#include "cmd/gc-subscribe/subscribe.h"
#include "lib/clock.h"

#define READ_BUDGET 256		/* frames a turn */
#define BODY_MS 1000		/* for a refusal's words */
#define LINGER_MS 5000		/* for what came before a write failed */

static void
send_request(struct app *app)
{
	ssize_t n;

	while (app->request_at < app->request.len) {
		n = transport_send(app->transport, app->request.data +
		    app->request_at, app->request.len - app->request_at,
		    &app->lost);
		if (n == -1)
			perform(app, EV_LOST);
		if (n <= 0)
			return;
		app->request_at += (size_t)n;
	}
	buf_wipe(&app->request);
	app->request_at = 0;
}

static void
upgraded(struct app *app, const char *bytes, size_t len)
{
	app->upgrade_ms = CLOCK_NEVER;
	wshake_free(&app->shake);
	app->shaking = false;
	app->renewed_once = false;
	app->ws = stream_new(app);
	if (len > 0)
		websocket_feed(app->ws, bytes, len);
	app->more_to_read = true;
	perform(app, EV_UPGRADED);
}

void
upgrade_late(struct app *app)
{
	if (wshake_is_refusal(&app->shake)) {
		wshake_end(&app->shake, &app->lost);
		app->retry_after_ms = app->shake.retry_after_ms;
	} else {
		err_set(&app->lost, GC_EX_UNAVAILABLE,
		    "the server did not answer the upgrade");
	}
	perform(app, EV_LOST);
}

static void
read_reply(struct app *app)
{
	enum wshake_result got = WSHAKE_MORE;
	char bytes[4096];
	size_t used = 0;
	ssize_t n;

	while (got == WSHAKE_MORE) {
		n = transport_recv(app->transport, bytes, sizeof(bytes),
		    &app->lost);
		if (n == 0) {
			if (wshake_is_refusal(&app->shake) &&
			    app->upgrade_ms > app->now_ms + BODY_MS)
				app->upgrade_ms = app->now_ms + BODY_MS;
			return;
		}
		if (n == -1)
			got = wshake_end(&app->shake, &app->lost);
		else
			got = wshake_feed(&app->shake, bytes, (size_t)n,
			    &used, &app->lost);
	}
	if (got == WSHAKE_DONE) {
		upgraded(app, bytes + used, (size_t)n - used);
		return;
	}
	if (got == WSHAKE_REFUSED)
		app->retry_after_ms = app->shake.retry_after_ms;
	perform(app, EV_LOST);
}

static void
read_frames(struct app *app)
{
	enum websocket_result got = websocket_read(app->ws, READ_BUDGET);
	int wrote = websocket_write(app->ws);

	app->more_to_read = got == WEBSOCKET_BUDGET;
	if (wrote == -1 && app->linger_ms == CLOCK_NEVER) {
		app->linger_ms = app->now_ms + LINGER_MS;
		app->ping_ms = CLOCK_NEVER;
	}
	if (got == WEBSOCKET_CLOSED && app->state != ST_STREAM)
		perform(app, EV_CLOSED);
	else if (got == WEBSOCKET_CLOSED)
		lose(app, "server", app->close_code, "closed by the server");
	else if (got == WEBSOCKET_BROKEN)
		lose(app, "client", app->close_code, "what came was broken");
	else if (got == WEBSOCKET_ENDED)
		lose(app, "network", 0, "the stream ended without a close "
		    "frame");
}

void
serve_transport(struct app *app)
{
	switch (app->state) {
	case ST_CONNECT:
		switch (transport_step(app->transport, &app->lost)) {
		case TRANSPORT_WANT:
			return;
		case TRANSPORT_FAILED:
			perform(app, EV_LOST);
			return;
		case TRANSPORT_DONE:
			perform(app, EV_CONNECTED);
			break;
		}
		if (app->state == ST_UPGRADE)
			serve_transport(app);
		return;
	case ST_UPGRADE:
		send_request(app);
		if (app->state == ST_UPGRADE && app->request_at == 0)
			read_reply(app);
		return;
	case ST_STREAM:
	case ST_CLOSE:
	case ST_STOP:
		if (app->ws != NULL)
			read_frames(app);
		return;
	default:
		return;
	}
}
