/*
 * The client's side of a WebSocket, RFC 6455, over the caller's byte
 * stream: messages and pongs in; text, pings and a close out.
 *
 * Bytes go in and out only within websocket_read and websocket_write, by
 * the caller's functions; everything else only queues.  Pings are answered
 * (of several that wait, the last), a close frame is answered with its own
 * code.  What breaks the protocol fails the connection: on_failed is told,
 * a close frame with the code is queued, and nothing more is read:
 *   1002 a broken frame: masked, reserved bits or opcode, a fragmented or
 *        long control frame, a continuation of nothing, a message within a
 *        message, a length not in its shortest form, a bad close frame
 *   1007 text, or a close reason, that is not UTF-8
 *   1009 a message over WEBSOCKET_MESSAGE_MAX, or in more fragments than
 *        WEBSOCKET_FRAGMENTS_MAX
 * No extension is ever asked for, so none is understood.
 */
#ifndef GC_WEBSOCKET_H
#define GC_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

#define WEBSOCKET_MESSAGE_MAX (1024 * 1024)
#define WEBSOCKET_FRAGMENTS_MAX 16384
#define WEBSOCKET_CONTROL_MAX 125
#define WEBSOCKET_REASON_MAX (WEBSOCKET_CONTROL_MAX - 2)
#define WEBSOCKET_OUT_MAX (4 * 1024 * 1024)	/* queued to be sent */
#define WEBSOCKET_NO_CODE 1005	/* told for a close frame without one */

/*
 * The caller's side.  Text and payloads are borrowed for the call, and not
 * NUL-terminated.  A function may queue (send_text, ping, close) but not
 * read, write or free.  Those that are NULL are not told.
 */
struct websocket_calls {
	/* bytes; 0: would block; -1: ended or broken */
	ssize_t (*recv)(void *arg, void *bytes, size_t len);
	ssize_t (*send)(void *arg, const void *bytes, size_t len);
	/* false: it is not UTF-8, which the caller sees best in the pass that
	 * it makes over the text anyway */
	bool (*on_text)(void *arg, const char *text, size_t len);
	void (*on_binary)(void *arg, const void *bytes, size_t len);
	void (*on_pong)(void *arg, const void *payload, size_t len);
	/* the server's close frame; code is WEBSOCKET_NO_CODE if it has none */
	void (*on_close)(void *arg, unsigned code, const char *reason,
	    size_t len);
	/* what was wrong with what came: our words, a constant string */
	void (*on_failed)(void *arg, unsigned code, const char *reason);
};

enum websocket_result {
	WEBSOCKET_BLOCKED,	/* all is read: poll for more */
	WEBSOCKET_BUDGET,	/* there is more: call again, do not poll */
	WEBSOCKET_CLOSED,	/* close frame received: write, then end */
	WEBSOCKET_BROKEN,	/* on_failed was told: write, then end */
	WEBSOCKET_ENDED		/* the stream ended without a close frame */
};

struct websocket;

/* calls is copied; arg is handed to each of them. */
struct websocket *websocket_new(const struct websocket_calls *calls,
    void *arg);
void websocket_del(struct websocket *ws);	/* NULL is fine */

/* Bytes that came with the handshake's reply (at most WSHAKE_HEAD_MAX at a
 * time, before the first read): they are read before all others. */
void websocket_feed(struct websocket *ws, const void *bytes, size_t len);

/*
 * Read until it would block, or budget frames, or pieces of long ones, were
 * read, whether they told anything or not.  The last three results are
 * final: they are returned again by each further call.  Messages before a
 * close frame are told.
 */
enum websocket_result websocket_read(struct websocket *ws, int budget);

/* Queue: 0, or -1 if a close frame was queued or the queue is full. */
int websocket_send_text(struct websocket *ws, const char *text, size_t len);
int websocket_ping(struct websocket *ws, const void *payload, size_t len);

/*
 * Queue a close frame; a second one is ignored.  code 0: none in it.  A
 * reason over WEBSOCKET_REASON_MAX is cut, not within a character.
 * Reading goes on until the server's own close frame.
 */
int websocket_close(struct websocket *ws, unsigned code, const char *reason);

/*
 * Send what is queued as far as it goes.  0, or -1 if the stream broke: what
 * was queued is gone, and nothing more is taken; but what came before is
 * still to be read, until its end.
 */
int websocket_write(struct websocket *ws);
bool websocket_wants_write(const struct websocket *ws);
size_t websocket_queued(const struct websocket *ws);	/* bytes */
bool websocket_close_sent(const struct websocket *ws);	/* or queued */

#endif
