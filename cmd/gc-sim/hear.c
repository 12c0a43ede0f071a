/* What clients send: bytes, frames, and what they subscribe to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cmd/gc-sim/conn.h"
#include "lib/clock.h"
#include "lib/scan.h"

#define SUBSCRIPTIONS_MAX 64	/* of one connection */

/* --- texts -------------------------------------------------------------- */

static void
copy_id(char to[ID_LEN + 1], struct slice from)
{
	if (from.kind == SCAN_STRING && from.len <= ID_LEN) {
		memcpy(to, from.p, from.len);
		to[from.len] = '\0';
	} else if (from.kind != SCAN_ABSENT && from.kind != SCAN_NULL) {
		strlcpy(to, "-", ID_LEN + 1);	/* nobody's */
	}
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

static void
begin(struct sim *s)
{
	if (s->started)
		return;
	s->started = true;
	s->started_ms = s->now_ms;
}

static void
on_text(struct sim *s, struct conn *c, const char *text, size_t len)
{
	enum { ACTION, EVENT, FILTER, QUEUE, TEAM, USER, COUNT };
	static const struct scan_key keys[COUNT] = {
		[ACTION] = { "action", -1 }, [EVENT] = { "event", -1 },
		[FILTER] = { "filter", -1 }, [QUEUE] = { "queueId", FILTER },
		[TEAM] = { "teamId", FILTER }, [USER] = { "userId", FILTER },
	};
	struct slice v[COUNT];
	struct filter_ids *f;

	if (scan_object(text, len, keys, COUNT, v) != SCAN_OK ||
	    !slice_is(v[ACTION], "subscribe") ||
	    v[EVENT].kind != SCAN_STRING) {
		sim_say(s, "ignored", "\"socket\":%d", c->fd);
		return;
	}
	say_subscribed(s, c, text, len);
	if (!slice_is(v[EVENT], EVENT_NAME) || c->count == SUBSCRIPTIONS_MAX)
		return;
	c->subscriptions = xreallocarray(c->subscriptions, c->count + 1,
	    sizeof(*f));
	f = &c->subscriptions[c->count++];
	memset(f, 0, sizeof(*f));
	copy_id(f->queue, v[QUEUE]);
	copy_id(f->team, v[TEAM]);
	copy_id(f->user, v[USER]);
	begin(s);
	if (c->count == 1 && s->faults.stall_ms > 0)
		conn_stall(s, c, s->faults.stall_ms);
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

static void
on_close(struct sim *s, struct conn *c, const char *payload, size_t len)
{
	int code = len >= 2 ? (unsigned char)payload[0] << 8 |
	    (unsigned char)payload[1] : 1005;
	bool reply = c->close_ms != CLOCK_NEVER;

	c->client_closed = true;
	sim_say(s, "close", "\"socket\":%d,\"by\":\"client\",\"code\":%d,"
	    "\"reply\":%s", c->fd, code, reply ? "true" : "false");
	if (!reply) {
		conn_settle(s, c);
		frame_add(&c->out, true, FRAME_CLOSE, payload,
		    len >= 2 ? 2 : 0);
	}
	c->close_ms = s->now_ms;	/* once it is written */
}

/* A message, or a piece of one.  False if it has no place here. */
static bool
on_piece(struct sim *s, struct conn *c, int opcode, bool fin,
    const char *payload, size_t len)
{
	if ((opcode == FRAME_MORE) != (c->message_opcode != 0) ||
	    buf_add(&c->message, payload, len) == -1)
		return false;
	if (opcode != FRAME_MORE)
		c->message_opcode = opcode;
	if (!fin)
		return true;
	if (c->message_opcode == FRAME_TEXT)
		on_text(s, c, c->message.data, c->message.len);
	else
		sim_say(s, "ignored", "\"socket\":%d", c->fd);
	c->message_opcode = 0;
	buf_reset(&c->message);
	return true;
}

/* False if RFC 6455 does not allow it. */
static bool
on_frame(struct sim *s, struct conn *c, int opcode, bool fin,
    const char *payload, size_t len)
{
	if (opcode >= FRAME_CLOSE && (!fin || len > FRAME_CONTROL_MAX))
		return false;
	switch (opcode) {
	case FRAME_MORE:
	case FRAME_TEXT:
	case FRAME_BINARY:
		return on_piece(s, c, opcode, fin, payload, len);
	case FRAME_PING:
		on_ping(s, c, payload, len);
		return true;
	case FRAME_PONG:
		return true;
	case FRAME_CLOSE:
		on_close(s, c, payload, len);
		return true;
	default:
		return false;
	}
}

void
hear_parse(struct sim *s, struct conn *c)
{
	size_t payload_len, at = 0;
	char *payload;
	int opcode;
	bool fin;
	long size = 0;

	while (!c->client_closed && (size = frame_parse(c->in.data + at,
	    c->in.len - at, &fin, &opcode, &payload, &payload_len)) > 0) {
		at += (size_t)size;
		if (!on_frame(s, c, opcode, fin, payload, payload_len)) {
			size = -1;
			break;
		}
	}
	buf_drop(&c->in, at);
	if (size == -1 || c->in.len == FRAME_IN_MAX)
		conn_close(s, c, 1002);
	if (size == -1 || c->in.len == FRAME_IN_MAX || c->client_closed)
		buf_reset(&c->in);	/* nothing behind it counts */
}

void
hear(struct sim *s, struct conn *c)
{
	char *room = buf_room(&c->in, FRAME_IN_MAX - c->in.len);
	ssize_t n = recv(c->fd, room, FRAME_IN_MAX - c->in.len, 0);

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
