/*
 * The life of one channel of the platform and of its socket, as a table,
 * state x event -> state, action.  Pure: time and chance are arguments.
 * CONTRACT section 9; the same table stands in gc-subscribe(1).
 *
 * A socket's number belongs to one channel at a time, save while changing
 * over: then the successor lives its own life in the same table, and once it
 * is open the old one is told that it is replaced.
 * Backoff and attempts are lib/session's.
 */
#ifndef GC_CHANNEL_H
#define GC_CHANNEL_H

#include <stdint.h>

enum channel_state {
	CH_CHECK,		/* HEAD: is the one we had still there? */
	CH_CREATE,		/* POST: a new one */
	CH_CONNECT,		/* names, TCP, proxy, TLS */
	CH_UPGRADE,		/* the WebSocket's request is out */
	CH_SUBSCRIBE,		/* PUT of the topics; frames are held */
	CH_STREAM,		/* open and subscribed */
	CH_BACKOFF,		/* waiting to try again */
	CH_LEAVE,		/* replaced, or not needed: closing */
	CH_STOP,		/* closing, to end */
	CH_DONE,
	CH_STATES
};

enum channel_event {
	CE_KEPT,		/* HEAD: still there */
	CE_CREATED,
	CE_CONNECTED,
	CE_UPGRADED,
	CE_SUBSCRIBED,		/* PUT: done */
	CE_GONE,		/* the channel is not there, or not ours */
	CE_LOST,		/* whatever there was of a socket is gone */
	CE_RENEW,		/* put the topics again */
	CE_REPLACED,		/* the successor is open; or not needed */
	CE_CLOSED,		/* the farewell is over, or its time */
	CE_RETRY,		/* the backoff is over */
	CE_STOP,		/* a signal, -n, -d, the reader gone */
	CHANNEL_EVENTS
};

enum channel_action {
	CA_NONE,
	CA_CHECK,		/* HEAD; with no channel known: CE_GONE */
	CA_CREATE,		/* POST */
	CA_CONNECT,
	CA_UPGRADE,		/* send the request, with no header */
	CA_SUBSCRIBE,		/* PUT */
	CA_OPEN,		/* say gc:open, let out what was held */
	CA_RENEWED,		/* its time counts anew; say who came, went */
	CA_BACKOFF,		/* drop the socket and wait */
	CA_FORGET,		/* the same, and the channel with it */
	CA_CLOSE,		/* close 1000, delete the topics */
	CA_FINISH		/* drop what there is */
};

struct channel_step {
	enum channel_state next;
	enum channel_action action;
};

/* The cell; an empty one stays and does nothing. */
struct channel_step channel_step(enum channel_state state,
    enum channel_event event);

const char *channel_state_name(enum channel_state state);

/* What we ask of the platform about a channel. */
enum channel_ask {
	CHANNEL_HEAD, CHANNEL_POST, CHANNEL_PUT, CHANNEL_ASKS
};

/* The event that an answer is; 0 or less: none came. */
enum channel_event channel_answer(enum channel_ask ask, long status);

/*
 * How long until the topics are put again, of a channel with left_ms to
 * live: 23/24 of it.  0 or less, or more than the platform's 24 hours (a
 * clock is wrong): those 24 hours.
 */
int64_t channel_renew_ms(int64_t left_ms);

#endif
