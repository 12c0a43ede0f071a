/* A channel's socket: connecting, bytes to and fro, liveness. */
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/frame.h"
#include "lib/http.h"
#include "lib/log.h"

#define CONNECT_MS 15000	/* names, TCP, proxy, TLS */
#define UPGRADE_MS 15000	/* request and answer */
#define BODY_MS 1000		/* for a refusal's words */
#define LINGER_MS 5000		/* for what came before a write failed */
#define READ_BUDGET 256		/* frames a turn */
#define DRAIN_BUDGET 16384	/* of one that is replaced, at the last */

void
plug_drop(struct link *l)
{
	websocket_del(l->ws);
	l->ws = NULL;
	transport_close(l->transport);
	l->transport = NULL;
	if (l->shaking)
		wshake_free(&l->shake);
	l->shaking = false;
	buf_wipe(&l->request);
	buf_wipe(&l->held);
	l->step_ms = l->ping_ms = l->healthy_ms = l->linger_ms = CLOCK_NEVER;
	l->switch_ms = CLOCK_NEVER;
	l->ping_sent_ms = 0;
	l->more_to_read = l->gone = false;
	l->broken = NULL;
}

/* The path is a secret; in clear it goes to this machine only. */
static int
check_uri(struct link *l)
{
	bool tls = strncmp(l->app->config.api_url, "https:", 6) == 0;

	if (transport_split(l->channel.uri, &l->target, &l->lost) == -1)
		return -1;
	if (tls && !l->target.tls)
		return err_set(&l->lost, GC_EX_UNAVAILABLE, "the channel's "
		    "address is not wss://");
	return 0;
}

static void
free_target(struct link *l)
{
	if (l->target.path != NULL)
		explicit_bzero(l->target.path, strlen(l->target.path));
	transport_target_free(&l->target);
}

void
plug_connect(struct link *l)
{
	struct transport_opts opts = { l->app->config.cacert,
	    HTTP_AGENT_NAME "/" GC_VERSION, CONNECT_MS };

	l->app->connects++;
	free_target(l);
	if (check_uri(l) == 0)
		l->transport = transport_start(l->channel.uri, &opts,
		    &l->lost);
	if (l->transport == NULL)
		link_perform(l, CE_LOST);
}

void
plug_upgrade(struct link *l)
{
	uint8_t nonce[WSHAKE_NONCE_LEN];
	char key[WSHAKE_KEY_LEN + 1];
	struct wshake_request r = { l->target.host, l->target.path, key,
	    NULL, HTTP_AGENT_NAME "/" GC_VERSION };

	l->step_ms = l->app->now_ms + UPGRADE_MS;
	l->request_at = 0;
	buf_init(&l->request, WSHAKE_REQUEST_MAX);
	if (RAND_bytes(nonce, sizeof(nonce)) != 1) {
		err_set(&l->lost, GC_EX_OSERR, "no randomness");
		link_perform(l, CE_LOST);
		return;
	}
	wshake_key(nonce, key);
	wshake_init(&l->shake, key, clock_wall_ms());
	l->shaking = true;
	if (wshake_request(&l->request, &r, &l->lost) == -1)
		link_perform(l, CE_LOST);
}

/* --- the WebSocket's calls ---------------------------------------------- */

static ssize_t
on_recv(void *arg, void *bytes, size_t len)
{
	struct link *l = arg;
	ssize_t n = transport_recv(l->transport, bytes, len, &l->lost);

	if (n > 0)
		l->heard_ms = l->app->now_ms;
	return n;
}

static ssize_t
on_send(void *arg, const void *bytes, size_t len)
{
	struct link *l = arg;

	return transport_send(l->transport, bytes, len, &l->lost);
}

static bool
on_text(void *arg, const char *text, size_t len)
{
	return feed_text(arg, text, len);
}

static void
on_binary(void *arg, const void *bytes, size_t len)
{
	(void)bytes, (void)len;
	feed_binary(arg);
}

static void
note_close(struct link *l, const char *by, unsigned code, const char *reason,
    size_t len)
{
	if (l->state == CH_LEAVE || l->state == CH_STOP)
		return;		/* it answers our own close */
	l->close_by = by;
	l->close_code = code;
	snprintf(l->close_reason, sizeof(l->close_reason), "%.*s", (int)len,
	    reason);
	link_mask(l, l->close_reason);
}

static void
on_close(void *arg, unsigned code, const char *reason, size_t len)
{
	note_close(arg, "server", code, reason, len);
}

static void
on_failed(void *arg, unsigned code, const char *reason)
{
	note_close(arg, "client", code, reason, strlen(reason));
}

static void
upgraded(struct link *l, const char *bytes, size_t len)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = on_send, .on_text = on_text,
		.on_binary = on_binary, .on_close = on_close,
		.on_failed = on_failed,
	};

	l->step_ms = CLOCK_NEVER;
	wshake_free(&l->shake);
	l->shaking = false;
	l->ws = websocket_new(&calls, l);
	if (len > 0)
		websocket_feed(l->ws, bytes, len);
	l->more_to_read = true;
	l->heard_ms = l->app->now_ms;
	l->ping_ms = l->app->now_ms + l->app->opt.ping_interval_ms;
	link_perform(l, CE_UPGRADED);
}

/* --- bytes -------------------------------------------------------------- */

static bool
send_request(struct link *l)
{
	ssize_t n;

	while (l->request_at < l->request.len) {
		n = transport_send(l->transport, l->request.data +
		    l->request_at, l->request.len - l->request_at, &l->lost);
		if (n == -1)
			link_perform(l, CE_LOST);
		if (n <= 0)
			return false;
		l->request_at += (size_t)n;
	}
	buf_wipe(&l->request);
	l->request_at = 0;
	return true;
}

/* The refusal is as complete as it will be. */
static void
refused(struct link *l)
{
	int status = l->shake.status;

	l->retry_after_ms = l->shake.retry_after_ms;
	l->lost.code = GC_EX_UNAVAILABLE;
	link_mask(l, l->lost.msg);
	/* who is not welcome has a channel that has ended, or was evicted */
	link_perform(l, status == 401 || status == 403 || status == 404 ||
	    status == 410 ? CE_GONE : CE_LOST);
}

static void
read_reply(struct link *l)
{
	enum wshake_result got = WSHAKE_MORE;
	char bytes[4096];
	size_t used = 0;
	ssize_t n = 0;

	while (got == WSHAKE_MORE) {
		n = transport_recv(l->transport, bytes, sizeof(bytes),
		    &l->lost);
		if (n == 0) {
			if (wshake_is_refusal(&l->shake) &&
			    l->step_ms > l->app->now_ms + BODY_MS)
				l->step_ms = l->app->now_ms + BODY_MS;
			return;
		}
		if (n == -1)
			got = wshake_end(&l->shake, &l->lost);
		else
			got = wshake_feed(&l->shake, bytes, (size_t)n, &used,
			    &l->lost);
	}
	if (got == WSHAKE_DONE)
		upgraded(l, bytes + used, (size_t)n - used);
	else if (got == WSHAKE_REFUSED)
		refused(l);
	else
		link_perform(l, CE_LOST);
}

static void
answer_late(struct link *l)
{
	if (l->shaking && wshake_is_refusal(&l->shake)) {
		wshake_end(&l->shake, &l->lost);
		refused(l);
		return;
	}
	err_set(&l->lost, GC_EX_UNAVAILABLE,
	    "the server did not answer the upgrade");
	link_perform(l, CE_LOST);
}

/* What came before a write failed is still read. */
void
plug_write(struct link *l)
{
	if (websocket_write(l->ws) == 0 || l->linger_ms != CLOCK_NEVER)
		return;
	l->linger_ms = l->app->now_ms + LINGER_MS;
	l->ping_ms = CLOCK_NEVER;
}

static void
read_frames(struct link *l)
{
	enum websocket_result got = websocket_read(l->ws, READ_BUDGET);
	bool farewell = l->state == CH_LEAVE || l->state == CH_STOP;

	plug_write(l);
	l->more_to_read = got == WEBSOCKET_BUDGET;
	if (farewell) {
		if (got >= WEBSOCKET_CLOSED) {
			plug_drop(l);
			link_ended(l);
		}
	} else if (l->gone) {
		err_set(&l->lost, GC_EX_UNAVAILABLE, "the channel is no "
		    "longer ours");
		link_perform(l, CE_GONE);
	} else if (l->broken != NULL) {
		link_lose(l, "client", 0, l->broken);
	} else if (got == WEBSOCKET_CLOSED) {
		link_lose(l, "server", l->close_code, "closed by the server");
	} else if (got == WEBSOCKET_BROKEN) {
		link_lose(l, "client", l->close_code, "what came was broken");
	} else if (got == WEBSOCKET_ENDED) {
		link_lose(l, "network", 0, "the stream ended without a close "
		    "frame");
	}
}

void
plug_drain(struct link *l)
{
	if (l->ws != NULL)
		websocket_read(l->ws, DRAIN_BUDGET);
}

void
plug_serve(struct link *l)
{
	if (l->state == CH_CONNECT && l->transport != NULL) {
		switch (transport_step(l->transport, &l->lost)) {
		case TRANSPORT_WANT:
			return;
		case TRANSPORT_FAILED:
			link_perform(l, CE_LOST);
			return;
		case TRANSPORT_DONE:
			link_perform(l, CE_CONNECTED);
			break;
		}
	}
	if (l->state == CH_UPGRADE && l->transport != NULL) {
		if (send_request(l))
			read_reply(l);
	} else if (l->ws != NULL) {
		read_frames(l);
	}
}

bool
plug_wants_write(const struct link *l)
{
	return l->state == CH_UPGRADE ? l->request_at < l->request.len :
	    l->ws != NULL && websocket_wants_write(l->ws);
}

/* --- liveness ----------------------------------------------------------- */

void
plug_timers(struct link *l)
{
	struct app *app = l->app;

	if (app->now_ms >= l->step_ms) {
		answer_late(l);
		return;
	}
	if (l->ws == NULL || l->state == CH_LEAVE || l->state == CH_STOP)
		return;
	if (app->now_ms >= l->linger_ms) {
		link_lose(l, "network", 0, "the stream broke");
		return;
	}
	if (app->now_ms - l->heard_ms >= app->opt.silence_ms) {
		websocket_close(l->ws, 1001, "silence");
		websocket_write(l->ws);
		link_lose(l, "client", 1001, "silence");
		return;
	}
	if (app->now_ms < l->ping_ms)
		return;
	l->ping_ms = app->now_ms + app->opt.ping_interval_ms;
	if (websocket_queued(l->ws) == 0 &&
	    websocket_send_text(l->ws, FRAME_PING, strlen(FRAME_PING)) == 0) {
		app->pings++;
		if (l->ping_sent_ms == 0)
			l->ping_sent_ms = app->now_ms;
		plug_write(l);
	}
}
