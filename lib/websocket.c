#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#include "lib/die.h"
#include "lib/str.h"
#include "lib/websocket.h"

#define FRAME_HEAD_MAX 14
#define READ_MAX (16 * 1024)	/* a TLS record, read whole */

struct websocket {
	struct websocket_calls calls;
	void *arg;
	wslay_frame_context_ptr frames;
	struct buf in;			/* bytes read, for wslay to take */
	size_t in_at;			/* taken of them */
	struct buf message;		/* that came in pieces, so far */
	struct buf control;		/* a control frame, likewise */
	struct buf out;
	int opcode;			/* of the message; 0: none is open */
	unsigned fragments;		/* of it, so far */
	uint64_t frame_left;		/* payload of this frame to come */
	bool in_frame;
	bool blocked, ended;		/* the stream is */
	bool mute;			/* a write failed: no more of them */
	bool final;			/* result is the last one */
	enum websocket_result result;
	bool close_queued;
	bool pong_due;
	unsigned char pong[WEBSOCKET_CONTROL_MAX];
	size_t pong_len;
};

/* --- wslay's side ------------------------------------------------------- */

/* False: there is nothing to read, now or for ever. */
static bool
fill(struct websocket *ws)
{
	ssize_t n;

	buf_reset(&ws->in);
	ws->in_at = 0;
	n = ws->ended ? -1 : ws->calls.recv(ws->arg,
	    buf_room(&ws->in, READ_MAX), READ_MAX);
	ws->ended = n < 0;
	ws->blocked = n <= 0;
	if (n > 0)
		buf_grew(&ws->in, (size_t)n);
	return n > 0;
}

static ssize_t
on_recv(uint8_t *to, size_t len, int flags, void *arg)
{
	struct websocket *ws = arg;

	(void)flags;
	if (ws->in_at == ws->in.len && !fill(ws))
		return -1;
	if (len > ws->in.len - ws->in_at)
		len = ws->in.len - ws->in_at;
	memcpy(to, ws->in.data + ws->in_at, len);
	ws->in_at += len;
	return (ssize_t)len;
}

static ssize_t
on_send(const uint8_t *bytes, size_t len, int flags, void *arg)
{
	struct websocket *ws = arg;

	(void)flags;
	return buf_add(&ws->out, bytes, len) == 0 ? (ssize_t)len : -1;
}

static int
on_mask(uint8_t *to, size_t len, void *arg)
{
	(void)arg;
	return RAND_bytes(to, (int)len) == 1 ? 0 : -1;
}

struct websocket *
websocket_new(const struct websocket_calls *calls, void *arg)
{
	static const struct wslay_frame_callbacks wslay = {
		on_send, on_recv, on_mask
	};
	struct websocket *ws = xcalloc(1, sizeof(*ws));

	ws->calls = *calls;
	ws->arg = arg;
	buf_init(&ws->in, 1 << 16);
	buf_init(&ws->message, WEBSOCKET_MESSAGE_MAX);
	buf_init(&ws->control, WEBSOCKET_CONTROL_MAX);
	buf_init(&ws->out, WEBSOCKET_OUT_MAX + 256);
	if (wslay_frame_context_init(&ws->frames, &wslay, ws) != 0) {
		free(ws);
		return NULL;
	}
	return ws;
}

void
websocket_del(struct websocket *ws)
{
	if (ws == NULL)
		return;
	wslay_frame_context_free(ws->frames);
	buf_free(&ws->in);
	buf_free(&ws->message);
	buf_free(&ws->control);
	buf_wipe(&ws->out);
	free(ws);
}

void
websocket_feed(struct websocket *ws, const void *bytes, size_t len)
{
	buf_add(&ws->in, bytes, len);
}

/* --- out ---------------------------------------------------------------- */

static int
queue_frame(struct websocket *ws, int opcode, const void *bytes, size_t len)
{
	struct wslay_frame_iocb io = { .fin = 1, .opcode = (uint8_t)opcode,
	    .payload_length = len, .mask = 1, .data = bytes,
	    .data_length = len };
	size_t before = ws->out.len;

	if (ws->close_queued || ws->mute ||
	    ws->out.len + len + FRAME_HEAD_MAX > WEBSOCKET_OUT_MAX)
		return -1;
	if (wslay_frame_send(ws->frames, &io) != (ssize_t)len) {
		ws->out.len = before;
		return -1;
	}
	return 0;
}

int
websocket_send_text(struct websocket *ws, const char *text, size_t len)
{
	return queue_frame(ws, WSLAY_TEXT_FRAME, text, len);
}

int
websocket_ping(struct websocket *ws, const void *payload, size_t len)
{
	return queue_frame(ws, WSLAY_PING, payload, len);
}

int
websocket_close(struct websocket *ws, unsigned code, const char *reason)
{
	unsigned char payload[WEBSOCKET_CONTROL_MAX] = {
		(unsigned char)(code >> 8), (unsigned char)code };
	size_t len = reason != NULL ? strlen(reason) : 0;
	int status;

	if (len > WEBSOCKET_REASON_MAX)
		len = WEBSOCKET_REASON_MAX;
	while (len > 0 && !str_is_utf8(reason, len))
		len--;
	if (len > 0)
		memcpy(payload + 2, reason, len);
	status = queue_frame(ws, WSLAY_CONNECTION_CLOSE, payload,
	    code == 0 ? 0 : 2 + len);
	ws->close_queued = true;
	return status;
}

bool
websocket_wants_write(const struct websocket *ws)
{
	return ws->out.len > 0 || (ws->pong_due && !ws->close_queued);
}

size_t
websocket_queued(const struct websocket *ws)
{
	return ws->out.len;
}

bool
websocket_close_sent(const struct websocket *ws)
{
	return ws->close_queued;
}

int
websocket_write(struct websocket *ws)
{
	ssize_t n;

	if (ws->pong_due && queue_frame(ws, WSLAY_PONG, ws->pong,
	    ws->pong_len) == 0)
		ws->pong_due = false;
	while (ws->out.len > 0) {
		n = ws->calls.send(ws->arg, ws->out.data, ws->out.len);
		if (n < 0) {
			ws->mute = true;
			ws->pong_due = false;
			buf_wipe(&ws->out);
		} else if (n == 0) {
			return 0;
		} else {
			buf_drop(&ws->out, (size_t)n);
		}
	}
	return ws->mute ? -1 : 0;
}

/* --- in ----------------------------------------------------------------- */

static void
finish(struct websocket *ws, enum websocket_result result)
{
	ws->final = true;
	ws->result = result;
}

static void
fail(struct websocket *ws, unsigned code, const char *reason)
{
	finish(ws, WEBSOCKET_BROKEN);
	websocket_close(ws, code, reason);
	if (ws->calls.on_failed != NULL)
		ws->calls.on_failed(ws->arg, code, reason);
}

/* RFC 6455, 7.4: what may stand in a close frame. */
static bool
is_close_code(unsigned code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 &&
	    code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

static void
closed(struct websocket *ws)
{
	const unsigned char *p = (const unsigned char *)ws->control.data;
	size_t len = ws->control.len;
	unsigned code = WEBSOCKET_NO_CODE;

	if (len == 1) {
		fail(ws, 1002, "a close frame of one byte");
		return;
	}
	if (len >= 2)
		code = (unsigned)p[0] << 8 | p[1];
	if (len >= 2 && !is_close_code(code)) {
		fail(ws, 1002, "a close frame with an impossible code");
		return;
	}
	if (len > 2 && !str_is_utf8(ws->control.data + 2, len - 2)) {
		fail(ws, 1007, "a close reason that is not UTF-8");
		return;
	}
	websocket_close(ws, len >= 2 ? code : 0, NULL);
	finish(ws, WEBSOCKET_CLOSED);
	if (ws->calls.on_close != NULL)
		ws->calls.on_close(ws->arg, code, len > 2 ?
		    ws->control.data + 2 : "", len > 2 ? len - 2 : 0);
}

static void
control_frame(struct websocket *ws, int opcode)
{
	if (opcode == WSLAY_CONNECTION_CLOSE) {
		closed(ws);
	} else if (opcode == WSLAY_PING) {
		ws->pong_due = !ws->mute;
		ws->pong_len = ws->control.len;
		if (ws->pong_len > 0)
			memcpy(ws->pong, ws->control.data, ws->pong_len);
	} else if (ws->calls.on_pong != NULL) {
		ws->calls.on_pong(ws->arg, ws->control.len > 0 ?
		    ws->control.data : "", ws->control.len);
	}
	buf_reset(&ws->control);
}

static void
message(struct websocket *ws, const char *text, size_t len)
{
	int opcode = ws->opcode;

	ws->opcode = 0;
	if (opcode == WSLAY_BINARY_FRAME) {
		if (ws->calls.on_binary != NULL)
			ws->calls.on_binary(ws->arg, text, len);
	} else if (ws->calls.on_text != NULL &&
	    !ws->calls.on_text(ws->arg, text, len)) {
		fail(ws, 1007, "text that is not UTF-8");
	}
}

/* What is wrong with a frame's head; NULL if nothing is. */
static const char *
check_head(const struct websocket *ws, const struct wslay_frame_iocb *io)
{
	if (io->rsv != 0)
		return "reserved bits are set";
	if (io->mask)
		return "a masked frame";
	switch (io->opcode) {
	case WSLAY_CONTINUATION_FRAME:
		return ws->opcode == 0 ? "a continuation of nothing" : NULL;
	case WSLAY_TEXT_FRAME:
	case WSLAY_BINARY_FRAME:
		return ws->opcode != 0 ? "a message within a message" : NULL;
	case WSLAY_CONNECTION_CLOSE:
	case WSLAY_PING:
	case WSLAY_PONG:
		if (!io->fin)
			return "a fragmented control frame";
		return io->payload_length > WEBSOCKET_CONTROL_MAX ?
		    "a long control frame" : NULL;
	default:
		return "a reserved opcode";
	}
}

static bool
frame_head(struct websocket *ws, const struct wslay_frame_iocb *io)
{
	const char *why = check_head(ws, io);

	if (why != NULL) {
		fail(ws, 1002, why);
		return false;
	}
	ws->in_frame = true;
	ws->frame_left = io->payload_length;
	if (wslay_is_ctrl_frame(io->opcode))
		return true;
	if (io->opcode != WSLAY_CONTINUATION_FRAME) {
		ws->opcode = io->opcode;
		ws->fragments = 0;
	}
	if (++ws->fragments > WEBSOCKET_FRAGMENTS_MAX) {
		fail(ws, 1009, "a message in too many fragments");
		return false;
	}
	if (io->payload_length > WEBSOCKET_MESSAGE_MAX - ws->message.len) {
		fail(ws, 1009, "a message over 1 MiB");
		return false;
	}
	return true;
}

/* A frame from wslay, or as much of it as came. */
static void
piece(struct websocket *ws, const struct wslay_frame_iocb *io)
{
	bool control = wslay_is_ctrl_frame(io->opcode);

	if (!ws->in_frame && !frame_head(ws, io))
		return;
	if (!control && io->fin && ws->message.len == 0 &&
	    io->data_length == ws->frame_left) {
		/* in one piece, as most are: told from where it is */
		ws->in_frame = false;
		message(ws, (const char *)io->data, io->data_length);
		return;
	}
	buf_add(control ? &ws->control : &ws->message, io->data,
	    io->data_length);
	ws->frame_left -= io->data_length;
	if (ws->frame_left > 0)
		return;
	ws->in_frame = false;
	if (control) {
		control_frame(ws, io->opcode);
	} else if (io->fin) {
		message(ws, ws->message.data, ws->message.len);
		buf_reset(&ws->message);
	}
}

enum websocket_result
websocket_read(struct websocket *ws, int budget)
{
	struct wslay_frame_iocb io;
	ssize_t n;

	while (!ws->final) {
		if (budget-- <= 0)
			return WEBSOCKET_BUDGET;
		memset(&io, 0, sizeof(io));
		n = wslay_frame_recv(ws->frames, &io);
		if (n >= 0)
			piece(ws, &io);
		else if (n != WSLAY_ERR_WANT_READ)
			fail(ws, 1002, "a broken frame");
		else if (ws->ended)
			finish(ws, WEBSOCKET_ENDED);
		else if (ws->blocked)
			return WEBSOCKET_BLOCKED;
		/* else a head that came in two pieces: the rest may be here */
	}
	return ws->result;
}
