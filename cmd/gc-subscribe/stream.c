/* Frames to lines, the suite's own lines about the connection, liveness. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/subscribe.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/scan.h"
#include "lib/str.h"

#define PING_TEXT "gc-tools "	/* and its number */

/* --- control lines ------------------------------------------------------ */

static void
add_open(struct app *app, struct buf *line, struct ring_mark mark,
    bool resumed, int64_t downtime_ms)
{
	line_begin(line, "open", 0, mark.at_ms);
	buf_adds(line, ",\"protocol\":\"events\",\"sockets\":1,\"url\":");
	buf_add_json(line, app->shown_url, strlen(app->shown_url));
	buf_addf(line, ",\"attempt\":%u,\"subscriptions\":%zu,\"rejected\":0,"
	    "\"scope\":%s,\"resumed\":%s,\"downtimeMs\":",
	    mark.attempt, app->registry.count, app->scope,
	    resumed ? "true" : "false");
	if (resumed)
		buf_addf(line, "%" PRId64, downtime_ms);
	else
		buf_adds(line, "null");
}

void
stream_closed(struct app *app, const char *next, int64_t delay_ms)
{
	struct buf line;

	app->drops++;
	app->closed_ms = app->now_ms;
	line_init(&line);
	line_closed(&line, 0, clock_wall_ms(), app->close_code,
	    app->close_reason, app->close_by ? app->close_by : "network",
	    next, delay_ms);
	line_tell(app, &line);
	app->close_by = NULL;
}

/* Lines were dropped here: said as an outage that lasted from the first to
 * the last of them, so that everyone is doubted. */
void
stream_hole(struct app *app, const struct ring_hole *hole, struct buf *out)
{
	int64_t down_ms = hole->last.at_ms - hole->from_ms;

	line_closed(out, 0, hole->from_ms, 0, "overrun", "client",
	    "reconnect", 0);
	buf_addf(out, ",\"lost\":%" PRIu64 "}\n", hole->lost);
	add_open(app, out, hole->last, true, down_ms > 0 ? down_ms : 1);
	buf_adds(out, "}\n");
}

/* --- frames ------------------------------------------------------------- */

static bool
on_text(void *arg, const char *text, size_t len)
{
	enum { EVENT, ID, DATA, USER, COUNT };
	static const struct scan_key keys[COUNT] = {
		[EVENT] = SCAN_KEY("event", -1),
		[ID] = SCAN_KEY("subscriptionId", -1),
		[DATA] = SCAN_KEY("data", -1),
		[USER] = SCAN_KEY("userId", DATA),
	};
	/* an event as the guide has it */
	static const struct scan_step usual[] = {
		SCAN_STEP_INTO("", "{\"subscriptionId\":", ID, -1),
		SCAN_STEP(",\"event\":", EVENT),
		SCAN_STEP_INTO(",\"data\":", "{\"userId\":", USER, DATA),
		SCAN_STEP(",\"status\":", SCAN_NO_ROW),
		SCAN_STEP(",\"previousStatus\":", SCAN_NO_ROW),
		SCAN_STEP(",\"timestamp\":", SCAN_NO_ROW),
		SCAN_STEP(",\"wrapUpCode\":", SCAN_NO_ROW),
		SCAN_STEP(",\"queueId\":", SCAN_NO_ROW),
		SCAN_STEP(",\"wrapUpCodeName\":", SCAN_NO_ROW),
		SCAN_STEP(",\"wrapUpCodeId\":", SCAN_NO_ROW),
		SCAN_STEP(",\"reason\":", SCAN_NO_ROW),
		{ NULL, 0, 0, 0, 0 }
	};
	struct slice v[COUNT];
	struct app *app = arg;
	enum scan_verdict verdict = scan_usual(text, len, keys, COUNT, usual,
	    v);

	/* of what is an object the scan has seen every byte */
	if (verdict != SCAN_OK && !str_is_utf8(text, len))
		return false;
	report_came(app);
	if (app->no_more)
		return true;
	if (verdict != SCAN_OK) {
		report_reject(app, verdict, scan_reason(verdict));
		return true;
	}
	if (line_is_ours(v[EVENT])) {
		report_reject(app, OURS_REJECT, "a control line, which only "
		    "the suite itself may tell");
		return true;
	}
	report_frame(app, v[ID], v[USER]);
	line_frame(app, text, len);
	return true;
}

static void
on_binary(void *arg, const void *bytes, size_t len)
{
	struct app *app = arg;

	(void)bytes, (void)len;
	report_came(app);
	if (app->no_more)
		return;
	report_reject(app, BINARY_REJECT, "a binary frame");
}

static void
on_pong(void *arg, const void *payload, size_t len)
{
	struct app *app = arg;
	struct buf line;
	char text[32];
	uint64_t number;

	app->pongs++;
	snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)payload);
	/* one that nobody asked for answers nothing: RFC 6455, 5.5.3 */
	if (!str_starts(text, PING_TEXT) ||
	    str_number(text + strlen(PING_TEXT), app->ping_sent, &number) ==
	    -1 || number <= app->ping_answered)
		return;
	app->ping_answered = number;
	line_init(&line);
	line_begin(&line, "alive", 0, clock_wall_ms());
	buf_addf(&line, ",\"rttMs\":%" PRId64, clock_mono_ms() -
	    app->ping_at_ms[number % PINGS_KEPT]);
	line_tell(app, &line);
}

static void
note_close(struct app *app, const char *by, unsigned code,
    const char *reason, size_t len)
{
	if (app->state != ST_STREAM)
		return;		/* it answers our own close */
	app->close_by = by;
	app->close_code = code;
	snprintf(app->close_reason, sizeof(app->close_reason), "%.*s",
	    (int)len, reason);
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

static ssize_t
on_recv(void *arg, void *bytes, size_t len)
{
	struct app *app = arg;

	return transport_recv(app->transport, bytes, len, &app->lost);
}

static ssize_t
on_send(void *arg, const void *bytes, size_t len)
{
	struct app *app = arg;

	return transport_send(app->transport, bytes, len, &app->lost);
}

struct websocket *
stream_new(struct app *app)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = on_send, .on_text = on_text,
		.on_binary = on_binary, .on_pong = on_pong,
		.on_close = on_close, .on_failed = on_failed,
	};

	return websocket_new(&calls, app);
}

/* --- opening, and staying so -------------------------------------------- */

void
stream_open(struct app *app)
{
	struct buf line;
	bool resumed = app->opened_ever;

	for (size_t i = 0; i < app->registry.count; i++)
		if (websocket_send_text(app->ws, app->registry.payloads[i],
		    strlen(app->registry.payloads[i])) == -1) {
			lose(app, "client", 0, "the registry does not fit");
			return;
		}
	app->opens++;
	if (!app->rotating || app->healthy_ms == CLOCK_NEVER)
		app->healthy_ms = app->now_ms + app->opt.policy.healthy_ms;
	app->is_open = app->opened_ever = true;
	app->rotating = false;
	app->close_by = NULL;
	app->ping_sent = app->ping_answered = 0;
	app->ping_ms = app->now_ms + app->opt.ping_interval_ms;
	line_init(&line);
	add_open(app, &line, (struct ring_mark){ clock_wall_ms(),
	    app->tries.attempts }, resumed, app->now_ms > app->closed_ms ?
	    app->now_ms - app->closed_ms : 1);
	line_tell(app, &line);
	log_note("open: %s", app->shown_url);
	free(app->refused_token);
	app->refused_token = NULL;
}

/* A ping is missed when the next is due and its pong has not come; one that
 * could not be sent yet is no miss. */
int64_t
stream_ping(struct app *app)
{
	char text[32];
	int n;

	if (app->now_ms < app->ping_ms || app->state != ST_STREAM)
		return app->ping_ms;
	app->ping_ms = app->now_ms + app->opt.ping_interval_ms;
	if (websocket_queued(app->ws) > 0)
		return app->ping_ms;
	if (app->ping_sent - app->ping_answered >= app->opt.ping_misses) {
		websocket_close(app->ws, 1001, "no pong");
		websocket_write(app->ws);
		lose(app, "client", 1001, "no pong");
		return CLOCK_NEVER;
	}
	app->ping_at_ms[++app->ping_sent % PINGS_KEPT] = app->now_ms;
	n = snprintf(text, sizeof(text), PING_TEXT "%" PRIu64,
	    app->ping_sent);
	websocket_ping(app->ws, text, (size_t)n);
	app->pings++;
	return app->ping_ms;
}
