/* The upgrade: its key, its request, and what replies deserve. */
#include "lib/wshake.h"
#include "tests/tap.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define OK "HTTP/1.1 101 Switching Protocols\r\n"
#define UP "Upgrade: websocket\r\n"
#define CONN "Connection: Upgrade\r\n"
#define ACC "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static const struct {
	const char *name, *reply;
	enum wshake_result want;
	int status;
	int64_t retry_ms;
} cases[] = {
	{ "the RFC's example", OK UP CONN ACC "\r\n", WSHAKE_DONE, 101, -1 },
	{ "any order and case", OK ACC "connection: keep-alive, upgrade\r\n"
	    "UPGRADE: WebSocket\r\n\r\n", WSHAKE_DONE, 101, -1 },
	{ "bare line feeds", "HTTP/1.1 101 x\nUpgrade: websocket\n"
	    "Connection: Upgrade\n"
	    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n",
	    WSHAKE_DONE, 101, -1 },
	{ "an interim answer first", "HTTP/1.1 103 Early\r\nA: b\r\n\r\n"
	    OK UP CONN ACC "\r\n", WSHAKE_DONE, 101, -1 },
	{ "what an interim answer says is not the answer's",
	    "HTTP/1.1 103 Early\r\n" UP CONN ACC "\r\n" OK "\r\n",
	    WSHAKE_FAILED, 101, -1 },
	{ "nor against it", "HTTP/1.1 103 Early\r\n" ACC
	    "Retry-After: 7\r\nSec-WebSocket-Extensions: x\r\n"
	    "Sec-WebSocket-Protocol: x\r\n\r\n" OK UP CONN ACC "\r\n",
	    WSHAKE_DONE, 101, -1 },
	{ "no Upgrade", OK CONN ACC "\r\n", WSHAKE_FAILED, 101, -1 },
	{ "no Connection", OK UP ACC "\r\n", WSHAKE_FAILED, 101, -1 },
	{ "no Accept", OK UP CONN "\r\n", WSHAKE_FAILED, 101, -1 },
	{ "a wrong Accept", OK UP CONN
	    "Sec-WebSocket-Accept: AAAPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    WSHAKE_FAILED, 101, -1 },
	{ "two Accepts", OK UP CONN ACC ACC "\r\n", WSHAKE_FAILED, 101, -1 },
	{ "an extension nobody asked for", OK UP CONN ACC
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	    WSHAKE_FAILED, 101, -1 },
	{ "a subprotocol nobody asked for", OK UP CONN ACC
	    "Sec-WebSocket-Protocol: x\r\n\r\n", WSHAKE_FAILED, 101, -1 },
	{ "HTTP/1.0", "HTTP/1.0 101 x\r\n" UP CONN ACC "\r\n",
	    WSHAKE_FAILED, 101, -1 },
	{ "no HTTP", "hello\r\n", WSHAKE_FAILED, 0, -1 },
	{ "no status", "HTTP/1.1 abc x\r\n", WSHAKE_FAILED, 0, -1 },
	{ "a field without a name", OK ": x\r\n", WSHAKE_FAILED, 101, -1 },
	{ "a blank before the colon", OK "Upgrade : websocket\r\n\r\n",
	    WSHAKE_FAILED, 101, -1 },
	{ "refused, wait 7 s", "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n"
	    "Content-Length: 2\r\n\r\n{}", WSHAKE_REFUSED, 503, 7000 },
	{ "refused, wait until a date", "HTTP/1.1 429 Slow\r\n"
	    "Retry-After: Thu, 01 Jan 1970 00:01:00 GMT\r\n"
	    "Content-Length: 0\r\n\r\n", WSHAKE_REFUSED, 429, 59000 },
	{ "refused, wait until a day that is none", "HTTP/1.1 429 Slow\r\n"
	    "Retry-After: Thu, 99 Jan 1970 00:01:00 GMT\r\n"
	    "Content-Length: 0\r\n\r\n", WSHAKE_REFUSED, 429, -1 },
	{ "a month that is none", "HTTP/1.1 429 Slow\r\n"
	    "Retry-After: Thu, 01 anF 1970 00:01:00 GMT\r\n"
	    "Content-Length: 0\r\n\r\n", WSHAKE_REFUSED, 429, -1 },
	{ "a date in the older form", "HTTP/1.1 429 Slow\r\n"
	    "Retry-After: Thu Jan  1 00:01:00 1970\r\n"
	    "Content-Length: 0\r\n\r\n", WSHAKE_REFUSED, 429, 59000 },
	{ "refused, wait who knows", "HTTP/1.1 429 Slow\r\n"
	    "Retry-After: soon\r\nContent-Length: 1\r\n\r\nx",
	    WSHAKE_REFUSED, 429, -1 },
	{ "unauthorized", "HTTP/1.1 401 No\r\nContent-Length: 1\r\n\r\nx",
	    WSHAKE_REFUSED, 401, -1 },
};

static void
run(size_t i, size_t step)
{
	const char *p = cases[i].reply;
	size_t len = strlen(p), used, n;
	enum wshake_result got = WSHAKE_MORE;
	struct wshake w;
	struct err e;

	wshake_init(&w, KEY, 1000);
	while (got == WSHAKE_MORE && len > 0) {
		n = len < step ? len : step;
		got = wshake_feed(&w, p, n, &used, &e);
		p += n;
		len -= n;
	}
	if (got == WSHAKE_MORE)
		got = wshake_end(&w, &e);
	ok(got == cases[i].want && w.status == cases[i].status &&
	    w.retry_after_ms == cases[i].retry_ms,
	    "%s (by %zu): %d, status %d, retry %lld", cases[i].name, step,
	    (int)got, w.status, (long long)w.retry_after_ms);
	wshake_free(&w);
}

static void
test_leftover(void)
{
	static const char reply[] = OK UP CONN ACC "\r\n\x81\x02hi";
	struct wshake w;
	struct err e;
	size_t used;

	wshake_init(&w, KEY, 0);
	is_int(wshake_feed(&w, reply, sizeof(reply) - 1, &used, &e),
	    WSHAKE_DONE, "frames may come with the head");
	is_str(reply + used, "\x81\x02hi", "and are left over");
	wshake_free(&w);
}

static void
test_limits(void)
{
	static char big[WSHAKE_HEAD_MAX + 64];
	struct wshake w;
	struct err e;
	size_t used;

	memset(big, 'a', sizeof(big));
	memcpy(big, OK "X: ", strlen(OK "X: "));
	wshake_init(&w, KEY, 0);
	is_int(wshake_feed(&w, big, sizeof(big), &used, &e), WSHAKE_FAILED,
	    "a head over 16 KiB");
	wshake_free(&w);
}

static void
test_request(void)
{
	struct wshake_request r = { "h:1", "/p?q", KEY, "tok", "agent" };
	struct buf out;
	struct err e;

	buf_init(&out, WSHAKE_REQUEST_MAX);
	is_int(wshake_request(&out, &r, &e), 0, "a request");
	ok(strstr(out.data, "GET /p?q HTTP/1.1\r\n") == out.data &&
	    strstr(out.data, "\r\nHost: h:1\r\n") != NULL &&
	    strstr(out.data, "\r\nAuthorization: Bearer tok\r\n") != NULL &&
	    strstr(out.data, "\r\nSec-WebSocket-Key: " KEY "\r\n") != NULL &&
	    strstr(out.data, "\r\nSec-WebSocket-Version: 13\r\n") != NULL &&
	    strcmp(out.data + out.len - 4, "\r\n\r\n") == 0,
	    "with all that it needs");
	buf_reset(&out);
	r.bearer = "tok\r\nX: y";
	is_int(wshake_request(&out, &r, &e), -1, "no header can be injected");
	is_int(e.code, GC_EX_CONFIG, "78");
	buf_free(&out);
}

int
main(void)
{
	char key[WSHAKE_KEY_LEN + 1], accept[WSHAKE_ACCEPT_LEN + 1];

	wshake_key((const uint8_t *)"the sample nonce", key);
	is_str(key, KEY, "RFC 6455's key");
	wshake_accept(key, accept);
	is_str(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "and its answer");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(i, 65536);
		run(i, 1);
	}
	test_leftover();
	test_limits();
	test_request();
	return done();
}
