/*
 * Any reply to the upgrade.  In what portions it comes does not matter, nor
 * what an interim reply before it said.
 */
#include <string.h>

#include "lib/http.h"
#include "lib/wshake.h"
#include "tests/fuzz/fuzz.h"

#define WALL_MS INT64_C(1718461930000)

static const char interim[] = "HTTP/1.1 103 Early Hints\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
    "Sec-WebSocket-Extensions: x\r\nSec-WebSocket-Protocol: x\r\n"
    "Retry-After: 7\r\nContent-Length: 7\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

struct verdict {
	enum wshake_result result;
	int status, code;
	int64_t retry_after_ms;
	char reason[64];
	size_t used;		/* of what is no refusal */
};

static void
feed(struct wshake *w, struct verdict *v, const uint8_t *data, size_t size,
    size_t most)
{
	struct err e = { 0 };
	size_t used = 0, n;

	for (size_t at = 0; at < size && v->result == WSHAKE_MORE; at += n) {
		n = size - at < most ? size - at : most;
		v->result = wshake_feed(w, data + at, n, &used, &e);
		require(used <= n && (used == n || v->result == WSHAKE_DONE ||
		    v->result == WSHAKE_FAILED));
		v->used += used;
		v->code = e.code;
	}
}

/* In portions of at most so many bytes. */
static struct verdict
judge(const uint8_t *data, size_t size, size_t most, bool hints)
{
	struct verdict v = { .result = WSHAKE_MORE };
	struct wshake w;
	struct err e;

	wshake_init(&w, "dGhlIHNhbXBsZSBub25jZQ==", WALL_MS);
	if (hints)
		feed(&w, &v, (const uint8_t *)interim, strlen(interim), most);
	require(v.result == WSHAKE_MORE);
	v.used = 0;
	feed(&w, &v, data, size, most);
	if (v.result == WSHAKE_MORE) {
		require(wshake_is_refusal(&w) == (wshake_end(&w, &e) ==
		    WSHAKE_REFUSED));
		v.result = wshake_end(&w, &e);
		v.code = e.code;
	}
	if (v.result == WSHAKE_REFUSED)
		v.used = 0;
	v.status = w.status;
	v.retry_after_ms = w.retry_after_ms;
	memcpy(v.reason, w.reason, sizeof(v.reason));
	require(w.excerpt.len <= WSHAKE_EXCERPT_MAX &&
	    v.retry_after_ms >= -1 &&
	    v.retry_after_ms <= HTTP_WAIT_MAX_MS &&
	    (v.result == WSHAKE_DONE) <= (v.status == 101));
	wshake_free(&w);
	return v;
}

static void
same(const struct verdict *a, const struct verdict *b)
{
	require(a->result == b->result && a->code == b->code &&
	    a->used == b->used);
	require(a->result == WSHAKE_FAILED || (a->status == b->status &&
	    a->retry_after_ms == b->retry_after_ms &&
	    strcmp(a->reason, b->reason) == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict v = judge(data, size, SIZE_MAX, false), other;

	other = judge(data, size, 1, false);
	same(&v, &other);
	other = judge(data, size, size / 3 + 1, false);
	same(&v, &other);
	if (size + strlen(interim) <= WSHAKE_HEAD_MAX) {
		other = judge(data, size, SIZE_MAX, true);
		same(&v, &other);
	}
	return 0;
}
