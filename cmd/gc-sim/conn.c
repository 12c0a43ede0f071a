/* WebSocket connections: who has subscribed to what, and what reaches them. */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/scan.h"

#define SUBSCRIPTIONS_MAX 64	/* of one connection */
#define OUT_MAX (64 << 20)	/* beyond, a client that does not read is cut */
#define CLOSE_WAIT_MS 5000

struct filter_ids {
	char queue[ID_LEN + 1], team[ID_LEN + 1], user[ID_LEN + 1];
};

/* A frame that a fault holds back. */
struct late {
	struct late *next;
	int64_t due_ms;
	struct buf frame;
};

struct conn {
	struct conn *next;
	int fd;
	struct MHD_UpgradeResponseHandle *urh;
	struct buf in, out;
	struct filter_ids *subscriptions;
	size_t count;
	uint64_t events;
	int64_t token_end_ms;
	int64_t close_ms;	/* our close frame is out: end by then */
	bool dead;		/* to be taken off the list */
	bool half_open;		/* nothing is read or written any more */
	struct buf held;	/* by reorder: goes behind the next frame */
	struct late *late, **late_end;
};

void
conn_add(struct sim *s, int fd, struct MHD_UpgradeResponseHandle *urh,
    int64_t token_end_ms)
{
	struct conn *c;

	if (s->closed) {
		MHD_upgrade_action(urh, MHD_UPGRADE_ACTION_CLOSE);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	c->urh = urh;
	c->token_end_ms = token_end_ms;
	c->close_ms = CLOCK_NEVER;
	c->late_end = &c->late;
	buf_init(&c->in, FRAME_IN_MAX);
	buf_init(&c->out, OUT_MAX);
	buf_init(&c->held, OUT_MAX);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	c->next = s->conns;
	s->conns = c;
	s->totals.opens++;
	sim_say(s, "open", "\"socket\":%d", fd);
}

static void
conn_del(struct conn *c)
{
	struct late *next;

	MHD_upgrade_action(c->urh, MHD_UPGRADE_ACTION_CLOSE);
	for (; c->late != NULL; c->late = next) {
		next = c->late->next;
		buf_free(&c->late->frame);
		free(c->late);
	}
	buf_free(&c->in);
	buf_free(&c->out);
	buf_free(&c->held);
	free(c->subscriptions);
	free(c);
}

static void
cut(struct sim *s, struct conn *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	s->totals.cuts++;
	front_cut(s->front, c->fd);
	sim_say(s, "cut", "\"socket\":%d,\"why\":\"%s\"", c->fd, why);
}

static void
say_close(struct sim *s, struct conn *c, int code)
{
	unsigned char payload[2] = { (unsigned char)(code >> 8),
	    (unsigned char)code };

	if (c->close_ms != CLOCK_NEVER)
		return;
	frame_add(&c->out, true, FRAME_CLOSE, payload, code ? 2 : 0);
	c->close_ms = s->now_ms + CLOSE_WAIT_MS;
	sim_say(s, "close", "\"socket\":%d,\"by\":\"server\",\"code\":%d",
	    c->fd, code);
}

/* --- what clients send -------------------------------------------------- */

static void
copy_id(char to[ID_LEN + 1], struct slice from)
{
	if (from.kind == SCAN_STRING && from.len <= ID_LEN) {
		memcpy(to, from.p, from.len);
		to[from.len] = '\0';
	}
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
	sim_say(s, "subscribed", "\"socket\":%d,\"payload\":%.*s", c->fd,
	    (int)len, text);
	if (!slice_is(v[EVENT], EVENT_NAME) || c->count == SUBSCRIPTIONS_MAX)
		return;
	c->subscriptions = xreallocarray(c->subscriptions, c->count + 1,
	    sizeof(*f));
	f = &c->subscriptions[c->count++];
	memset(f, 0, sizeof(*f));
	copy_id(f->queue, v[QUEUE]);
	copy_id(f->team, v[TEAM]);
	copy_id(f->user, v[USER]);
	s->started = true;
}

static void
on_frame(struct sim *s, struct conn *c, int opcode, const char *payload,
    size_t len)
{
	int code;

	switch (opcode) {
	case FRAME_TEXT:
		on_text(s, c, payload, len);
		break;
	case FRAME_PING:
		if (!s->faults.no_pong)
			frame_add(&c->out, true, FRAME_PONG, payload, len);
		break;
	case FRAME_CLOSE:
		code = len >= 2 ? (unsigned char)payload[0] << 8 |
		    (unsigned char)payload[1] : 1005;
		if (c->close_ms == CLOCK_NEVER) {
			sim_say(s, "close", "\"socket\":%d,\"by\":\"client\","
			    "\"code\":%d", c->fd, code);
			frame_add(&c->out, true, FRAME_CLOSE, payload,
			    len >= 2 ? 2 : 0);
		}
		c->close_ms = s->now_ms;	/* once it is written */
		break;
	}
}

static void
receive(struct sim *s, struct conn *c)
{
	char *room = buf_room(&c->in, FRAME_IN_MAX - c->in.len);
	size_t payload_len, at = 0;
	char *payload;
	int opcode;
	bool fin;
	ssize_t n;
	long size;

	n = recv(c->fd, room, FRAME_IN_MAX - c->in.len, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->dead = true;
		sim_say(s, "gone", "\"socket\":%d", c->fd);
		return;
	}
	buf_grew(&c->in, (size_t)n);
	while ((size = frame_parse(c->in.data + at, c->in.len - at, &fin,
	    &opcode, &payload, &payload_len)) > 0) {
		on_frame(s, c, opcode, payload, payload_len);
		at += (size_t)size;
	}
	buf_drop(&c->in, at);
	if (size == -1 || c->in.len == FRAME_IN_MAX)
		say_close(s, c, 1002);
}

static void
transmit(struct sim *s, struct conn *c)
{
	ssize_t n;

	while (c->out.len > 0) {
		n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0) {
			c->dead = true;
			sim_say(s, "gone", "\"socket\":%d", c->fd);
			return;
		}
		buf_drop(&c->out, (size_t)n);
	}
}

/* --- what they get ------------------------------------------------------ */

static bool
is_member(const struct org *o, const struct sim_agent *a, const char *queue)
{
	for (int i = 1; i < a->tier_count; i++)
		if (strcmp(o->queues[a->tiers[i].queue], queue) == 0)
			return true;
	return false;
}

/* Events of that queue or team, and the global ones of its members. */
static bool
wants(const struct org *o, const struct filter_ids *f,
    const struct sim_agent *a, int tier)
{
	if (f->user[0] && strcmp(f->user, a->id) != 0)
		return false;
	if (f->team[0] && strcmp(f->team, o->teams[a->team]) != 0)
		return false;
	if (!f->queue[0])
		return true;
	return tier == 0 ? is_member(o, a, f->queue) :
	    strcmp(o->queues[a->tiers[tier].queue], f->queue) == 0;
}

static void
append(struct sim *s, struct conn *c, const struct buf *frame)
{
	struct late *l;

	if (s->faults.delay_ms == 0) {
		if (buf_add(&c->out, frame->data, frame->len) == -1)
			cut(s, c, "it does not read");
		return;
	}
	l = xcalloc(1, sizeof(*l));
	buf_init(&l->frame, OUT_MAX);
	buf_add(&l->frame, frame->data, frame->len);
	l->due_ms = s->now_ms + (int64_t)s->faults.delay_ms;
	*c->late_end = l;
	c->late_end = &l->next;
}

/* The message as frames, as the faults have it. */
static void
make_frames(struct sim *s, struct buf *out, const struct buf *message)
{
	size_t half = message->len / 2;
	char *big;

	if (rng_chance(&s->luck, s->faults.malformed)) {
		frame_add(out, true, FRAME_TEXT, message->data, half);
	} else if (rng_chance(&s->luck, s->faults.binary)) {
		frame_add(out, true, FRAME_BINARY, message->data,
		    message->len);
	} else if (rng_chance(&s->luck, s->faults.oversize)) {
		big = xcalloc(1, (1 << 20) + 1);
		memset(big, ' ', (1 << 20) + 1);
		memcpy(big, message->data, message->len);
		frame_add(out, true, FRAME_TEXT, big, (1 << 20) + 1);
		free(big);
	} else if (rng_chance(&s->luck, s->faults.fragment)) {
		frame_add(out, false, FRAME_TEXT, message->data, half);
		frame_add(out, true, FRAME_PING, "mid", 3);
		frame_add(out, true, FRAME_MORE, message->data + half,
		    message->len - half);
	} else {
		frame_add(out, true, FRAME_TEXT, message->data, message->len);
	}
}

static void
deliver(struct sim *s, struct conn *c, const struct buf *message)
{
	struct buf frame;
	bool twice = rng_chance(&s->luck, s->faults.duplicate);

	if (rng_chance(&s->luck, s->faults.drop)) {
		s->totals.dropped++;
		return;
	}
	buf_init(&frame, OUT_MAX);
	make_frames(s, &frame, message);
	s->totals.sent++;
	if (c->held.len == 0 && rng_chance(&s->luck, s->faults.reorder)) {
		s->totals.reordered++;
		buf_add(&c->held, frame.data, frame.len);
		buf_free(&frame);
		return;
	}
	append(s, c, &frame);
	if (twice) {
		s->totals.duplicated++;
		append(s, c, &frame);
	}
	if (c->held.len > 0)
		append(s, c, &c->held);
	buf_reset(&c->held);
	buf_free(&frame);
}

static void
publish(struct sim *s, struct conn *c, const struct sim_agent *a, int tier)
{
	struct faults *f = &s->faults;
	struct buf message;
	char id[32];

	for (size_t i = 0; i < c->count; i++) {
		if (!wants(&s->org, &c->subscriptions[i], a, tier))
			continue;
		buf_init(&message, 1 << 16);
		snprintf(id, sizeof(id), "sub_%04zu", i);
		org_event(&s->org, a, tier, id, &message);
		deliver(s, c, &message);
		buf_free(&message);
	}
	c->events++;
	if (f->cut > 0 && c->events % f->cut == 0)
		cut(s, c, "fault cut");
	if (f->half_open > 0 && c->events == f->half_open) {
		c->half_open = true;
		sim_say(s, "half-open", "\"socket\":%d", c->fd);
	}
	if (f->close_every > 0 && c->events % f->close_every == 0)
		say_close(s, c, (int)f->close_code);
}

void
conns_publish(struct sim *s, const struct sim_agent *a, int tier)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (!c->dead && !c->half_open && c->close_ms == CLOCK_NEVER &&
		    c->count > 0)
			publish(s, c, a, tier);
}

/* --- the loop ----------------------------------------------------------- */

size_t
conns_interest(struct sim *s, struct pollfd *fds, size_t max)
{
	size_t n = 0;

	for (struct conn *c = s->conns; c != NULL && n < max; c = c->next)
		fds[n++] = (struct pollfd){ c->half_open ? -1 : c->fd,
		    (short)(POLLIN | (c->out.len > 0 ? POLLOUT : 0)), 0 };
	return n;
}

void
conns_serve(struct sim *s, const struct pollfd *fds, size_t n)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		for (size_t i = 0; i < n; i++)
			if (fds[i].fd == c->fd && !c->dead &&
			    (fds[i].revents & (POLLIN | POLLHUP | POLLERR)))
				receive(s, c);
		if (!c->dead && !c->half_open)
			transmit(s, c);
	}
}

static int64_t
let_late_out(struct sim *s, struct conn *c)
{
	struct late *l;

	while ((l = c->late) != NULL && (l->due_ms <= s->now_ms || s->quiet)) {
		buf_add(&c->out, l->frame.data, l->frame.len);
		c->late = l->next;
		if (c->late == NULL)
			c->late_end = &c->late;
		buf_free(&l->frame);
		free(l);
	}
	return c->late != NULL ? c->late->due_ms : CLOCK_NEVER;
}

int64_t
conns_tick(struct sim *s)
{
	struct conn **p = &s->conns, *c;
	int64_t due = CLOCK_NEVER, late;

	while ((c = *p) != NULL) {
		late = let_late_out(s, c);
		if (!c->half_open)
			transmit(s, c);
		if (s->now_ms >= c->token_end_ms)
			cut(s, c, "its token ended");
		if (s->now_ms >= c->close_ms && c->out.len == 0)
			c->dead = true;
		if (c->dead) {
			*p = c->next;
			conn_del(c);
			continue;
		}
		due = late < due ? late : due;
		due = c->token_end_ms < due ? c->token_end_ms : due;
		due = c->close_ms < due ? c->close_ms : due;
		p = &c->next;
	}
	return due;
}

void
conns_settle(struct sim *s)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		let_late_out(s, c);
		if (c->held.len > 0)
			buf_add(&c->out, c->held.data, c->held.len);
		buf_reset(&c->held);
	}
}

void
conns_close(struct sim *s, int code)
{
	struct conn *next;

	s->closed = true;
	for (struct conn *c = s->conns; c != NULL; c = next) {
		next = c->next;
		say_close(s, c, code);
		transmit(s, c);
		conn_del(c);
	}
	s->conns = NULL;
}
