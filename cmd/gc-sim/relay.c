#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/gc-sim/relay.h"
#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"

#define HANDSHAKE_MS 10000
#define HEAD_END 0x0d0a0d0au	/* the empty line behind a head */

void
relay_wake(struct relay *r)
{
	const uint64_t one = 1;
	ssize_t ignored = write(r->waker, &one, sizeof(one));

	(void)ignored;
}

/* --- the client's side -------------------------------------------------- */

/* What the client's side waits for after such a result; 0: it has ended. */
static short
wanted(const struct relay *r, int result, short plain)
{
	if (r->ssl == NULL)
		return result == -1 && (errno == EAGAIN || errno == EINTR) ?
		    plain : 0;
	switch (SSL_get_error(r->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		return 0;
	}
}

static int
outer_read(struct relay *r, void *to, size_t len)
{
	return r->ssl != NULL ? SSL_read(r->ssl, to, (int)len) :
	    (int)recv(r->outer, to, len, 0);
}

static int
outer_write(struct relay *r, const void *from, size_t len)
{
	return r->ssl != NULL ? SSL_write(r->ssl, from, (int)len) :
	    (int)send(r->outer, from, len, MSG_NOSIGNAL);
}

static bool
handshake(struct relay *r)
{
	struct pollfd p = { .fd = r->outer };
	int n;

	while (r->ssl != NULL && (n = SSL_accept(r->ssl)) != 1) {
		p.events = wanted(r, n, 0);
		if (p.events == 0 || r->end)
			return false;
		while ((n = poll(&p, 1, HANDSHAKE_MS)) == -1 &&
		    errno == EINTR)
			continue;
		if (n <= 0)
			return false;
	}
	return true;
}

/* --- bytes -------------------------------------------------------------- */

static void
filled(struct relay *r, struct relay_way *w, size_t n)
{
	r->moved = true;
	w->at = 0;
	w->len = n;
}

static void
drained(struct relay *r, struct relay_way *w, size_t n)
{
	r->moved = true;
	w->at += n;
	if (w->at == w->len)
		w->at = w->len = 0;
}

/* Reads a block where there is room; adds what it waits for to *events.
 * False once that side has ended. */
static bool
take_outer(struct relay *r, short *events)
{
	struct relay_way *w = &r->in;
	int n;

	if (w->len > 0)
		return true;
	n = outer_read(r, w->bytes, RELAY_BLOCK);
	if (n > 0) {
		filled(r, w, (size_t)n);
		return true;
	}
	n = wanted(r, n, POLLIN);
	*events |= (short)n;
	return n != 0;
}

/* How much may be written now. */
static size_t
allowance(const struct relay *r)
{
	if (r->trickle_ms == 0)
		return r->out.len - r->out.at;
	return clock_mono_ms() >= r->trickle_due_ms;
}

static void
trickle(struct relay *r, unsigned char byte)
{
	r->trickled = r->trickled << 8 | byte;
	r->trickle_due_ms = clock_mono_ms() + r->trickle_ms;
	if (r->trickled == HEAD_END)
		r->trickle_ms = 0;
}

static bool
put_outer(struct relay *r, short *events)
{
	struct relay_way *w = &r->out;
	size_t len;
	int n;

	while (w->len > 0 && (len = allowance(r)) > 0) {
		n = outer_write(r, w->bytes + w->at, len);
		if (n <= 0) {
			n = wanted(r, n, POLLOUT);
			*events |= (short)n;
			return n != 0;
		}
		if (r->trickle_ms > 0)
			trickle(r, (unsigned char)w->bytes[w->at]);
		drained(r, w, (size_t)n);
	}
	return true;
}

static bool
take_inner(struct relay *r, short *events)
{
	struct relay_way *w = &r->out;
	ssize_t n;

	if (w->len > 0 || r->http_ended)
		return true;
	n = recv(r->inner, w->bytes, RELAY_BLOCK, 0);
	if (n > 0) {
		filled(r, w, (size_t)n);
	} else if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		*events |= POLLIN;
	} else {
		r->http_ended = r->moved = true;
	}
	return true;
}

static bool
put_inner(struct relay *r, short *events)
{
	struct relay_way *w = &r->in;
	ssize_t n;

	while (w->len > 0) {
		n = send(r->inner, w->bytes + w->at, w->len - w->at,
		    MSG_NOSIGNAL);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			*events |= POLLOUT;
			return true;
		}
		if (n <= 0)
			return false;
		drained(r, w, (size_t)n);
	}
	return true;
}

/* --- the turn ----------------------------------------------------------- */

/* A side that is waited for in no way is left out: it would say that it has
 * hung up, again and again. */
static void
sleep_until_something(const struct relay *r, short outer, short inner)
{
	struct pollfd fds[3] = {
		{ outer != 0 ? r->outer : -1, outer, 0 },
		{ inner != 0 ? r->inner : -1, inner, 0 },
		{ r->waker, POLLIN, 0 },
	};
	int64_t due = r->out.len > 0 && r->trickle_ms > 0 ?
	    r->trickle_due_ms : CLOCK_NEVER;
	uint64_t sink;
	ssize_t ignored;

	poll(fds, 3, clock_poll_ms(clock_mono_ms(), due));
	if (fds[2].revents != 0) {
		ignored = read(r->waker, &sink, sizeof(sink));
		(void)ignored;
	}
}

/* Where the client is held, not even its end is noticed. */
static bool
turn(struct relay *r, short *outer, short *inner)
{
	return (r->hold || take_outer(r, outer)) && put_inner(r, inner) &&
	    take_inner(r, inner) && put_outer(r, outer);
}

/* A cut does not wait for a client that does not read. */
static bool
is_stuck(const struct relay *r)
{
	return r->cut && r->out.len > 0;
}

static void
both_ways(struct relay *r)
{
	short outer, inner;
	bool alive = true;

	while (alive && !r->end && !(r->http_ended && r->out.len == 0)) {
		outer = inner = 0;
		r->moved = false;
		alive = turn(r, &outer, &inner);
		if (alive && !r->moved && is_stuck(r))
			return;
		if (alive && !r->moved)
			sleep_until_something(r, outer, inner);
	}
}

static void
be_silent(struct relay *r)
{
	struct pollfd fds[2] = { { r->outer, POLLRDHUP, 0 },
	    { r->waker, POLLIN, 0 } };

	while (!r->end && fds[0].revents == 0)
		poll(fds, 2, -1);
}

void
relay_run(struct relay *r)
{
	if (r->silent)
		be_silent(r);
	else if (handshake(r))
		both_ways(r);
	if (r->ssl != NULL && !r->cut && r->http_ended)
		SSL_shutdown(r->ssl);
}
