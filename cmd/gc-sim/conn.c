/* WebSocket connections: how they begin and end, and the bytes that go out. */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "cmd/gc-sim/conn.h"
#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"

#define CLOSE_WAIT_MS 5000
#define IN_SLACK (64 << 10)	/* a frame's head, and what follows */
#define RNG_FIRST_CONN 100	/* generators below are other users' */

void
conn_add(struct sim *s, int fd, struct MHD_UpgradeResponseHandle *urh,
    int64_t token_end_ms, const char *channel, const char *early,
    size_t early_len)
{
	struct channel *ch = channel_find(s, channel, -1);
	struct conn *c;

	if (s->closed || (*channel != '\0' && ch == NULL)) {
		MHD_upgrade_action(urh, MHD_UPGRADE_ACTION_CLOSE);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->fd = fd;
	c->urh = urh;
	c->luck = rng_for(s->seed, RNG_FIRST_CONN + s->totals.opens);
	c->token_end_ms = token_end_ms;
	c->close_ms = c->heartbeat_ms = c->closing_ms = CLOCK_NEVER;
	c->late_end = &c->late;
	buf_init(&c->in, FRAME_IN_MAX + IN_SLACK);
	buf_init(&c->message, FRAME_IN_MAX);
	buf_init(&c->out, CONN_OUT_MAX);
	buf_init(&c->held, CONN_OUT_MAX);
	if (early_len > 0)
		buf_add(&c->in, early, early_len);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	c->next = s->conns;
	s->conns = c;
	s->totals.opens++;
	if (ch != NULL)
		channel_connect(s, ch, c);
	else
		sim_say(s, "open", "\"socket\":%d", fd);
	hear_parse(s, c);
}

static void
conn_del(struct sim *s, struct conn *c)
{
	struct late *next;

	channel_disconnect(s, c);
	/* what was held is lost, save what is to be said to the end */
	if (c->half_open)
		front_cut(s->front, c->fd);
	else
		front_hold(s->front, c->fd, false);
	MHD_upgrade_action(c->urh, MHD_UPGRADE_ACTION_CLOSE);
	for (; c->late != NULL; c->late = next) {
		next = c->late->next;
		buf_free(&c->late->frame);
		free(c->late);
	}
	buf_free(&c->in);
	buf_free(&c->message);
	buf_free(&c->out);
	buf_free(&c->held);
	free(c->subscriptions);
	free(c);
}

bool
conn_is_live(const struct conn *c)
{
	return !c->dead && !c->half_open && c->close_ms == CLOCK_NEVER &&
	    (c->count > 0 || c->channel != NULL);
}

void
conn_begin(struct sim *s, struct conn *c)
{
	life_begin(s);
	if (s->faults.stall_ms > 0)
		conn_stall(s, c, s->faults.stall_ms);
}

void
conn_cut(struct sim *s, struct conn *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	s->totals.cuts++;
	front_cut(s->front, c->fd);
	sim_say(s, "cut", "\"socket\":%d,\"why\":\"%s\"", c->fd, why);
}

static bool
is_stalled(const struct sim *s, const struct conn *c)
{
	return c->stall_end_ms > s->now_ms;
}

/* --- out ---------------------------------------------------------------- */

static void
put(struct sim *s, struct conn *c, const struct buf *frame)
{
	if (frame->len > 0 && buf_add(&c->out, frame->data, frame->len) == -1)
		conn_cut(s, c, "it does not read");
}

/* What is late stays in order: nothing overtakes it. */
void
conn_send(struct sim *s, struct conn *c, const struct buf *frame)
{
	struct late *l;

	if (s->faults.delay_ms == 0 && c->late == NULL) {
		put(s, c, frame);
		return;
	}
	l = xcalloc(1, sizeof(*l));
	buf_init(&l->frame, CONN_OUT_MAX);
	buf_add(&l->frame, frame->data, frame->len);
	l->due_ms = s->now_ms + (int64_t)s->faults.delay_ms;
	*c->late_end = l;
	c->late_end = &l->next;
}

static int64_t
let_late_out(struct sim *s, struct conn *c, bool all)
{
	struct late *l;

	while ((l = c->late) != NULL && (all || l->due_ms <= s->now_ms)) {
		put(s, c, &l->frame);
		c->late = l->next;
		if (c->late == NULL)
			c->late_end = &c->late;
		buf_free(&l->frame);
		free(l);
	}
	return c->late != NULL ? c->late->due_ms : CLOCK_NEVER;
}

void
conn_settle(struct sim *s, struct conn *c)
{
	let_late_out(s, c, true);
	put(s, c, &c->held);
	buf_reset(&c->held);
}

void
conn_has_closed(struct sim *s, struct conn *c, const char *code)
{
	c->close_ms = s->now_ms + CLOSE_WAIT_MS +
	    (int64_t)s->faults.delay_ms;
	sim_say(s, "close", "\"socket\":%d,\"by\":\"server\",\"code\":%s",
	    c->fd, code);
}

void
conn_close(struct sim *s, struct conn *c, int code)
{
	unsigned char payload[2] = { (unsigned char)(code >> 8),
	    (unsigned char)code };
	struct buf frame;
	char text[16];

	if (c->close_ms != CLOCK_NEVER || c->dead)
		return;
	buf_init(&frame, CONN_OUT_MAX);
	buf_add(&frame, c->held.data, c->held.len);
	buf_reset(&c->held);
	frame_add(&frame, true, FRAME_CLOSE, payload, code ? 2 : 0);
	conn_send(s, c, &frame);
	buf_free(&frame);
	snprintf(text, sizeof(text), "%d", code);
	conn_has_closed(s, c, code != 0 ? text : "null");
}

static void
transmit(struct sim *s, struct conn *c)
{
	size_t at = 0;
	ssize_t n;

	while (at < c->out.len) {
		n = send(c->fd, c->out.data + at, c->out.len - at,
		    MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		if (n <= 0) {
			c->dead = true;
			sim_say(s, "gone", "\"socket\":%d", c->fd);
			return;
		}
		at += (size_t)n;
	}
	buf_drop(&c->out, at);
}

void
conn_half_open(struct sim *s, struct conn *c)
{
	transmit(s, c);	/* what was told before */
	c->half_open = true;
	c->stall_end_ms = 0;
	front_hold(s->front, c->fd, true);
	sim_say(s, "half-open", "\"socket\":%d", c->fd);
}

void
conn_stall(struct sim *s, struct conn *c, uint64_t ms)
{
	c->stall_end_ms = s->now_ms + (int64_t)ms;
	front_hold(s->front, c->fd, true);
	sim_say(s, "stall", "\"socket\":%d,\"ms\":%llu", c->fd,
	    (unsigned long long)ms);
}

/* --- the loop ----------------------------------------------------------- */

size_t
conns_interest(struct sim *s, struct pollfd *fds, size_t max)
{
	size_t n = 0;

	for (struct conn *c = s->conns; c != NULL && n < max; c = c->next)
		if (!c->half_open)
			fds[n++] = (struct pollfd){ c->fd,
			    (short)((is_stalled(s, c) ? 0 : POLLIN) |
			    (c->out.len > 0 ? POLLOUT : 0)), 0 };
	return n;
}

static short
events_of(const struct conn *c, const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].fd == c->fd)
			return fds[i].revents;
	return 0;
}

void
conns_serve(struct sim *s, const struct pollfd *fds, size_t n)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		if (c->dead || c->half_open)
			continue;
		if (events_of(c, fds, n) & (POLLIN | POLLHUP | POLLERR))
			hear(s, c);
		if (!c->dead)
			transmit(s, c);
	}
}

/* When an ending connection is given up: later if there is still something
 * to write. */
static int64_t
end_of(const struct conn *c)
{
	if (c->close_ms == CLOCK_NEVER || (c->out.len == 0 && c->late == NULL))
		return c->close_ms;
	return c->close_ms + CLOSE_WAIT_MS;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What the platform says and does unasked. */
static int64_t
tick_channel(struct sim *s, struct conn *c)
{
	if (c->closing_ms <= s->now_ms) {
		c->closing_ms = CLOCK_NEVER;
		conn_close(s, c, 1001);
	}
	if (c->heartbeat_ms <= s->now_ms)
		notify_heartbeat(s, c);
	return conn_is_live(c) ? least(c->heartbeat_ms, c->closing_ms) :
	    CLOCK_NEVER;
}

static int64_t
tick(struct sim *s, struct conn *c)
{
	int64_t due = CLOCK_NEVER;

	if (c->stall_end_ms != 0 && !is_stalled(s, c)) {
		c->stall_end_ms = 0;
		front_hold(s->front, c->fd, false);
	}
	if (!c->half_open) {
		due = let_late_out(s, c, s->quiet);
		transmit(s, c);
	}
	if (s->now_ms >= c->token_end_ms)
		conn_cut(s, c, "its token ended");
	if (s->now_ms >= end_of(c))
		c->dead = true;
	due = least(due, tick_channel(s, c));
	due = least(due, least(c->token_end_ms, end_of(c)));
	return c->stall_end_ms != 0 ? least(due, c->stall_end_ms) : due;
}

int64_t
conns_tick(struct sim *s)
{
	struct conn **p = &s->conns, *c;
	int64_t due = CLOCK_NEVER, its;

	while ((c = *p) != NULL) {
		its = tick(s, c);
		if (c->dead) {
			*p = c->next;
			conn_del(s, c);
			continue;
		}
		due = its < due ? its : due;
		p = &c->next;
	}
	return due;
}

size_t
conns_count(const struct sim *s)
{
	size_t n = 0;

	for (const struct conn *c = s->conns; c != NULL; c = c->next)
		n++;
	return n;
}

void
conns_settle(struct sim *s)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (conn_is_live(c))
			conn_settle(s, c);
}

void
conns_end(struct sim *s)
{
	struct conn *next;

	s->closed = true;
	for (struct conn *c = s->conns; c != NULL; c = next) {
		next = c->next;
		if (!c->half_open) {
			conn_settle(s, c);
			s->faults.delay_ms = 0;
			conn_close(s, c, 1001);
			transmit(s, c);
		}
		conn_del(s, c);
	}
	s->conns = NULL;
}
