/* What clients send: bytes, frames, and what they subscribe to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/gc-sim/conn.h"
#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"
#include "lib/scan.h"
#include "lib/str.h"

#define SUBSCRIPTIONS_MAX 64	/* of one connection */
#define READ_STEP (16 << 10)

/* --- texts -------------------------------------------------------------- */

static void
ignore(struct sim *s, const struct conn *c, const char *why)
{
	sim_say(s, "ignored", "\"socket\":%d,\"why\":\"%s\"", c->fd, why);
}

/* An id as it was meant; false if it is none that anybody could have. */
static bool
read_id(char to[ID_LEN + 1], struct slice from)
{
	struct buf id;
	bool whole;

	buf_init(&id, ID_LEN);
	whole = from.kind == SCAN_STRING && slice_unescape(from, &id) == 0 &&
	    id.len == ID_LEN;
	if (whole)
		memcpy(to, id.data, ID_LEN + 1);
	buf_free(&id);
	return whole;
}

/* False if it is not understood: then it is nobody's, never everybody's. */
static bool
read_filter(struct filter_ids *f, struct slice filter)
{
	const struct { const char *name; char *id; } fields[] = {
		{ "queueId", f->queue }, { "teamId", f->team },
		{ "userId", f->user },
	};
	const char *at = filter.p + 1;
	struct slice key, value;
	size_t i;

	if (filter.kind != SCAN_OBJECT)
		return filter.kind == SCAN_ABSENT || filter.kind == SCAN_NULL;
	while (slice_next(filter, &at, &key, &value)) {
		for (i = 0; i < 3 && !slice_is(key, fields[i].name); i++)
			continue;
		if (i == 3 || !read_id(fields[i].id, value))
			return false;
	}
	return true;
}

/* The payload on one line: a line break between tokens is white space. */
static void
say_subscribed(struct sim *s, const struct conn *c, const char *text,
    size_t len)
{
	char *line = xstrndup(text, len);

	for (char *p = line; *p != '\0'; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	sim_say(s, "subscribed", "\"socket\":%d,\"payload\":%s", c->fd, line);
	free(line);
}

/* Its code if the connection is to be closed for it, else 0. */
static int
on_text(struct sim *s, struct conn *c, const char *text, size_t len)
{
	enum { ACTION, EVENT, FILTER, COUNT };
	static const struct scan_key keys[COUNT] = {
		[ACTION] = SCAN_KEY("action", -1),
		[EVENT] = SCAN_KEY("event", -1),
		[FILTER] = SCAN_KEY("filter", -1),
	};
	struct slice v[COUNT];
	struct filter_ids *f;
	enum scan_verdict verdict = scan_object(text, len, keys, COUNT, v);

	if (!str_is_utf8(text, len))
		return 1007;
	if (s->protocol == CHANNELS) {
		notify_heard(s, c, text, len);
		return 0;
	}
	if (verdict != SCAN_OK || !slice_is(v[ACTION], "subscribe") ||
	    v[EVENT].kind != SCAN_STRING) {
		ignore(s, c, "no subscription");
		return 0;
	}
	if (c->count == SUBSCRIPTIONS_MAX) {
		ignore(s, c, "too many subscriptions");
		return 0;
	}
	say_subscribed(s, c, text, len);
	if (!slice_is(v[EVENT], EVENT_NAME))
		return 0;
	c->subscriptions = xreallocarray(c->subscriptions, c->count + 1,
	    sizeof(*f));
	f = &c->subscriptions[c->count++];
	memset(f, 0, sizeof(*f));
	f->nobodys = !read_filter(f, v[FILTER]);
	if (f->nobodys)
		ignore(s, c, "filter");
	if (c->count == 1)
		conn_begin(s, c);
	return 0;
}

/* --- frames ------------------------------------------------------------- */

static void
on_ping(struct sim *s, struct conn *c, const char *payload, size_t len)
{
	struct buf frame;

	if (s->faults.no_pong)
		return;
	buf_init(&frame, CONN_OUT_MAX);
	frame_add(&frame, true, FRAME_PONG, payload, len);
	conn_send(s, c, &frame);
	buf_free(&frame);
}

static int
on_close(struct sim *s, struct conn *c, const char *payload, size_t len)
{
	int code = len >= 2 ? (unsigned char)payload[0] << 8 |
	    (unsigned char)payload[1] : 1005;
	bool reply = c->close_ms != CLOCK_NEVER;
	int wrong = len == 1 || !frame_is_close_code(code, len) ? 1002 :
	    len > 2 && !str_is_utf8(payload + 2, len - 2) ? 1007 : 0;

	c->client_closed = true;
	sim_say(s, "close", "\"socket\":%d,\"by\":\"client\",\"code\":%d,"
	    "\"reply\":%s", c->fd, code, reply ? "true" : "false");
	if (wrong != 0)
		return wrong;
	if (!reply) {
		conn_settle(s, c);
		frame_add(&c->out, true, FRAME_CLOSE, payload,
		    len >= 2 ? 2 : 0);
	}
	c->close_ms = s->now_ms;	/* once it is written */
	return 0;
}

/* A message, or a piece of one. */
static int
on_piece(struct sim *s, struct conn *c, int opcode, bool fin,
    const char *payload, size_t len)
{
	int code = 0;

	if ((opcode == FRAME_MORE) != (c->message_opcode != 0))
		return 1002;
	if (buf_add(&c->message, payload, len) == -1)
		return 1009;
	if (opcode != FRAME_MORE)
		c->message_opcode = opcode;
	if (!fin)
		return 0;
	if (c->message_opcode == FRAME_TEXT)
		code = on_text(s, c, c->message.data, c->message.len);
	else
		ignore(s, c, "binary");
	c->message_opcode = 0;
	buf_reset(&c->message);
	return code;
}

/* The code to close with if RFC 6455 does not allow it, else 0. */
static int
on_frame(struct sim *s, struct conn *c, int opcode, bool fin,
    const char *payload, size_t len)
{
	if (opcode >= FRAME_CLOSE && (!fin || len > FRAME_CONTROL_MAX))
		return 1002;
	switch (opcode) {
	case FRAME_MORE:
	case FRAME_TEXT:
	case FRAME_BINARY:
		return on_piece(s, c, opcode, fin, payload, len);
	case FRAME_PING:
		on_ping(s, c, payload, len);
		return 0;
	case FRAME_PONG:
		return 0;
	case FRAME_CLOSE:
		return on_close(s, c, payload, len);
	default:
		return 1002;
	}
}

void
hear_parse(struct sim *s, struct conn *c)
{
	size_t payload_len, at = 0;
	char *payload;
	int opcode;
	bool fin;
	long size;
	int code = 0;

	while (code == 0 && !c->client_closed &&
	    (size = frame_parse(c->in.data + at, c->in.len - at, &fin,
	    &opcode, &payload, &payload_len)) != 0) {
		if (size < 0) {
			code = size == FRAME_TOO_LONG ? 1009 : 1002;
			break;
		}
		at += (size_t)size;
		code = on_frame(s, c, opcode, fin, payload, payload_len);
	}
	buf_drop(&c->in, at);
	if (code != 0)
		conn_close(s, c, code);
	if (code != 0 || c->client_closed)
		buf_reset(&c->in);	/* nothing behind it counts */
	if (code != 0 && c->client_closed)
		c->close_ms = s->now_ms;	/* it will not answer */
}

void
hear(struct sim *s, struct conn *c)
{
	char *room = buf_room(&c->in, READ_STEP);
	ssize_t n = recv(c->fd, room, READ_STEP, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->dead = true;
		sim_say(s, "gone", "\"socket\":%d", c->fd);
		return;
	}
	buf_grew(&c->in, (size_t)n);
	hear_parse(s, c);
}
