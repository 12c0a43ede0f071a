/*
 * Any bytes as frames.  However they are cut into portions the same is told
 * and the end is the same; what ended stays ended.
 */
#include <string.h>

#include "lib/buf.h"
#include "lib/str.h"
#include "lib/websocket.h"
#include "tests/fuzz/fuzz.h"

#define TOLD_MAX (64 << 20)

/* One reading: portions of up to `most` bytes, some of none; 0: whole. */
struct reading {
	const uint8_t *p;
	size_t left, most;
	uint32_t chance;
	struct buf told;
};

static ssize_t
on_recv(void *arg, void *to, size_t len)
{
	struct reading *r = arg;
	size_t n = r->left < len ? r->left : len;

	if (r->left == 0)
		return -1;
	if (r->most > 0) {
		r->chance = r->chance * 1664525 + 1013904223;
		if ((r->chance >> 16) % (r->most + 1) < n)
			n = (r->chance >> 16) % (r->most + 1);
	}
	memcpy(to, r->p, n);
	r->p += n;
	r->left -= n;
	return (ssize_t)n;
}

/* It takes a little less than it is given, and now and then nothing. */
static ssize_t
on_send(void *arg, const void *bytes, size_t len)
{
	(void)arg, (void)bytes;
	return (ssize_t)(len > 2 ? len - 2 : len);
}

static void
tell(struct reading *r, const char *what, unsigned code, const char *text,
    size_t len)
{
	buf_addf(&r->told, "%s %u %zu ", what, code, len);
	buf_add(&r->told, text, len);
}

static bool
on_text(void *arg, const char *text, size_t len)
{
	require(len <= WEBSOCKET_MESSAGE_MAX);
	tell(arg, "text", 0, text, len);
	return str_is_utf8(text, len);
}

static void
on_binary(void *arg, const void *bytes, size_t len)
{
	require(len <= WEBSOCKET_MESSAGE_MAX);
	tell(arg, "binary", 0, bytes, len);
}

static void
on_pong(void *arg, const void *payload, size_t len)
{
	tell(arg, "pong", 0, payload, len);
}

static void
on_close(void *arg, unsigned code, const char *reason, size_t len)
{
	require(len <= WEBSOCKET_REASON_MAX && str_is_utf8(reason, len));
	tell(arg, "close", code, reason, len);
}

static void
on_failed(void *arg, unsigned code, const char *reason)
{
	tell(arg, "failed", code, reason, strlen(reason));
}

/* The first `fed` bytes come with the handshake. */
static struct buf
read_in_portions(const uint8_t *data, size_t size, size_t fed, size_t most)
{
	static const struct websocket_calls calls = { on_recv, on_send,
	    on_text, on_binary, on_pong, on_close, on_failed };
	struct reading r = { data + fed, size - fed, most, (uint32_t)size,
	    { .cap = TOLD_MAX } };
	struct websocket *ws = websocket_new(&calls, &r);
	enum websocket_result result;

	websocket_feed(ws, data, fed);
	while ((result = websocket_read(ws, 8)) <= WEBSOCKET_BUDGET)
		websocket_write(ws);
	require(websocket_read(ws, 8) == result);
	require(websocket_close_sent(ws) == (result != WEBSOCKET_ENDED));
	require(websocket_write(ws) == 0 && !websocket_wants_write(ws));
	websocket_del(ws);
	buf_addf(&r.told, "result %d", (int)result);
	return r.told;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = read_in_portions(data, size, 0, 0), other;

	for (size_t most = 1; most < 100; most = 7 * most) {
		other = read_in_portions(data, size, size / (most + 1) <
		    4096 ? size / (most + 1) : 4096, most);
		require(other.len == whole.len &&
		    memcmp(other.data, whole.data, whole.len) == 0);
		buf_free(&other);
	}
	buf_free(&whole);
	return 0;
}
