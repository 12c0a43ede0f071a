/*
 * One connection's life as a table, state x event -> state, action; and the
 * rules of backoff and attempts.  Pure: the time and chance are arguments.
 * CONTRACT section 5; the same table stands in gc-subscribe(1).
 */
#ifndef GC_SESSION_H
#define GC_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/backoff.h"

enum session_state {
	ST_TOKEN,		/* the token command runs */
	ST_CONNECT,		/* names, TCP, proxy, TLS */
	ST_UPGRADE,		/* the request is out */
	ST_STREAM,		/* open and subscribed */
	ST_CLOSE,		/* our close frame is out, to rotate */
	ST_BACKOFF,		/* waiting to try again */
	ST_STOP,		/* our close frame is out, to end */
	ST_DONE,
	ST_COUNT
};

enum session_event {
	EV_TOKEN,		/* a token came */
	EV_CONNECTED,
	EV_UPGRADED,
	EV_LOST,		/* whatever there was of a connection is gone */
	EV_EXPIRING,		/* the token must be replaced */
	EV_CLOSED,		/* the close handshake is over, or its time */
	EV_RETRY,		/* the backoff is over */
	EV_STOP,		/* a signal, -n, -d, the reader gone */
	EV_COUNT
};

enum session_action {
	ACT_NONE,
	ACT_TOKEN,		/* run the token command */
	ACT_CONNECT,
	ACT_UPGRADE,		/* send the request */
	ACT_OPEN,		/* replay the registry, say gc:open */
	ACT_CLOSE,		/* send close 1000 and give it time */
	ACT_BACKOFF,		/* drop what there is and wait */
	ACT_ROTATE,		/* drop the socket, run the token command */
	ACT_FINISH		/* drop what there is; let out and end */
};

struct session_step {
	enum session_state next;
	enum session_action action;
};

/* The cell; an empty one stays and does nothing. */
struct session_step session_step(enum session_state state,
    enum session_event event);

const char *session_state_name(enum session_state state);

struct session_policy {
	struct backoff backoff;
	unsigned max_attempts;
	int64_t healthy_ms;	/* a connection this old gives all back */
};

struct session_tries {
	unsigned attempts;	/* connects since all was given back */
	unsigned failures;	/* the backoff's n */
};

struct session_wait {
	int64_t delay_ms;
	bool failover;		/* the attempts are used up: say so */
};

/* After a connect failed or a connection was lost.  retry_after_ms: the
 * server's least delay, or -1. */
struct session_wait session_failed(const struct session_policy *p,
    struct session_tries *t, int64_t retry_after_ms, uint32_t random);

/* After a refusal that calls for a new token: no attempt, no doubling; what
 * start counted of it is given back. */
struct session_wait session_renewing(const struct session_policy *p,
    struct session_tries *t, bool counted, int64_t retry_after_ms,
    uint32_t random);

#endif
