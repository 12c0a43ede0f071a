/*
 * One connection's bytes, both ways, between the client and libmicrohttpd:
 * TLS ends here, and here the network may be ill.  A thread each, which
 * runs relay_run(); the orders may come from any thread.
 */
#ifndef GC_SIM_RELAY_H
#define GC_SIM_RELAY_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_BLOCK (16 << 10)	/* a TLS record's most */

struct relay_way {		/* bytes that go one way */
	char bytes[RELAY_BLOCK];
	size_t at, len;		/* bytes[at..len) are to be written */
};

struct relay {
	struct relay *next;
	struct front *front;
	SSL *ssl;		/* NULL: plain */
	int outer, inner;	/* the client; libmicrohttpd */
	int http_fd;		/* libmicrohttpd's end, to know it by */
	int waker;		/* an eventfd: an order has come */
	bool silent;		/* it never says a word: a stalled handshake */

	/* orders; then relay_wake() */
	atomic_bool cut;	/* end without a word */
	atomic_bool end;	/* at once */
	atomic_bool hold;	/* the client is not read */
	atomic_int trickle_ms;	/* 0: as fast as it goes */

	bool http_ended;	/* nothing more comes from libmicrohttpd */
	bool moved;		/* bytes or an end, in this turn: look again */
	int64_t trickle_due_ms;
	uint32_t trickled;	/* the last four bytes that went out */
	struct relay_way in, out;
};

/* Until one side has ended and the other has what it is to get. */
void relay_run(struct relay *r);
void relay_wake(struct relay *r);

#endif
