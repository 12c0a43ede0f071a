/*
 * What a frame of the platform's WebSocket is: an event, or something that
 * the connection itself says.  CONTRACT section 9.  Pure.
 *
 *   {"topicName":"v2.users.ID.activity","eventBody":{}}	an event
 *   {"topicName":"channel.metadata", ...}	a heartbeat, or a pong
 *   {"topicName":"v2.system.socket_closing", ...}	a new socket is due
 *   {"topicName":"v2.system.no_longer_subscribed.X", ...}	evicted
 *   {"result":"200", ...}			a reply to what we sent
 *
 * Liberal: a frame without a topicName is a reply, whatever it holds.
 */
#ifndef GC_FRAME_H
#define GC_FRAME_H

#include "lib/scan.h"

enum frame_kind {
	FRAME_BAD,		/* no JSON object: verdict says why */
	FRAME_EVENT,		/* to be printed */
	FRAME_HEARTBEAT,
	FRAME_PONG,		/* to our {"message":"ping"} */
	FRAME_REPLY,		/* to something that we sent */
	FRAME_CLOSING,		/* the server will close this socket */
	FRAME_EVICTED,		/* the channel is no longer ours */
	FRAME_REVOKED,		/* the token was withdrawn */
	FRAME_SYSTEM,		/* other words of the system; they may hold
				 * the channel's id, which is a secret */
	FRAME_KINDS
};

struct frame {
	enum frame_kind kind;
	enum scan_verdict verdict;
	struct slice topic;	/* absent where there is none */
	struct slice message;	/* what the system or a reply says */
	struct slice event;	/* a member that the platform does not have,
				 * and the suite's own lines do */
};

#define FRAME_PING "{\"message\":\"ping\"}"

struct frame frame_read(const char *text, size_t len);

/* The user that a topic is about: borrowed of topic, or NULL. */
const char *frame_user(const char *topic, size_t len, size_t *user_len);

#endif
