/* Frames that a server may send, and what RFC 6455 says each deserves. */
#include <stdlib.h>

#include "lib/str.h"
#include "lib/websocket.h"
#include "tests/tap.h"

static struct {
	const char *in;
	size_t len, at, step;
	char told[4096];
	unsigned failed, closed;
	unsigned char out[4096];
	size_t out_len;
} peer;

static ssize_t
on_recv(void *arg, void *to, size_t len)
{
	(void)arg;
	if (len > peer.step)
		len = peer.step;
	if (len > peer.len - peer.at)
		len = peer.len - peer.at;
	memcpy(to, peer.in + peer.at, len);
	peer.at += len;
	return (ssize_t)len;
}

static ssize_t
on_send(void *arg, const void *bytes, size_t len)
{
	(void)arg;
	memcpy(peer.out + peer.out_len, bytes, len);
	peer.out_len += len;
	return (ssize_t)len;
}

static bool
on_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	if (!str_is_utf8(text, len))
		return false;
	snprintf(peer.told + strlen(peer.told), sizeof(peer.told) -
	    strlen(peer.told), "T%.*s;", (int)len, text);
	return true;
}

static void
on_binary(void *arg, const void *bytes, size_t len)
{
	(void)arg, (void)bytes, (void)len;
	snprintf(peer.told + strlen(peer.told), sizeof(peer.told) -
	    strlen(peer.told), "B;");
}

static void
on_pong(void *arg, const void *payload, size_t len)
{
	(void)arg;
	snprintf(peer.told + strlen(peer.told), sizeof(peer.told) -
	    strlen(peer.told), "P%.*s;", (int)len, (const char *)payload);
}

static void
on_close(void *arg, unsigned code, const char *reason, size_t len)
{
	(void)arg, (void)reason, (void)len;
	peer.closed = code;
}

static void
on_failed(void *arg, unsigned code, const char *reason)
{
	(void)arg, (void)reason;
	peer.failed = code;
}

#define F(bytes) bytes, sizeof(bytes) - 1
static const struct {
	const char *name, *in;
	size_t len;
	const char *told;
	unsigned failed, closed;
} cases[] = {
	{ "text", F("\x81\x02hi"), "Thi;", 0, 0 },
	{ "empty text", F("\x81\x00"), "T;", 0, 0 },
	{ "two messages", F("\x81\x01" "a\x81\x01" "b"), "Ta;Tb;", 0, 0 },
	{ "fragments", F("\x01\x01" "a\x00\x01" "b\x80\x01" "c"), "Tabc;",
	    0, 0 },
	{ "a ping in the middle", F("\x01\x01" "a\x89\x01x\x80\x01" "b"),
	    "Tab;", 0, 0 },
	{ "binary", F("\x82\x01" "a"), "B;", 0, 0 },
	{ "pong", F("\x8a\x02" "xy"), "Pxy;", 0, 0 },
	{ "UTF-8 across fragments", F("\x01\x01\xc3\x80\x01\xa9"),
	    "T\xc3\xa9;", 0, 0 },
	{ "text before a close", F("\x81\x01" "a\x88\x02\x03\xe8"), "Ta;",
	    0, 1000 },
	{ "close without a code", F("\x88\x00"), "", 0, WEBSOCKET_NO_CODE },
	{ "close with a reason", F("\x88\x04\x0f\xa0ok"), "", 0, 4000 },
	{ "close of one byte", F("\x88\x01\x03"), "", 1002, 0 },
	{ "close 1005", F("\x88\x02\x03\xed"), "", 1002, 0 },
	{ "close 1006", F("\x88\x02\x03\xee"), "", 1002, 0 },
	{ "close 1015", F("\x88\x02\x03\xf7"), "", 1002, 0 },
	{ "close 999", F("\x88\x02\x03\xe7"), "", 1002, 0 },
	{ "close 65535", F("\x88\x02\xff\xff"), "", 1002, 0 },
	{ "close reason not UTF-8", F("\x88\x03\x03\xe8\xff"), "", 1007, 0 },
	{ "text not UTF-8", F("\x81\x01\xff"), "", 1007, 0 },
	{ "text with a surrogate", F("\x81\x03\xed\xa0\x80"), "", 1007, 0 },
	{ "reserved bit 1", F("\xc1\x01" "a"), "", 1002, 0 },
	{ "reserved bit 3", F("\x91\x01" "a"), "", 1002, 0 },
	{ "reserved opcode 3", F("\x83\x01" "a"), "", 1002, 0 },
	{ "reserved opcode 11", F("\x8b\x01" "a"), "", 1002, 0 },
	{ "masked", F("\x81\x81\x00\x00\x00\x00" "a"), "", 1002, 0 },
	{ "a continuation of nothing", F("\x80\x01" "a"), "", 1002, 0 },
	{ "a message within a message", F("\x01\x01" "a\x81\x01" "b"), "",
	    1002, 0 },
	{ "a fragmented ping", F("\x09\x01" "a"), "", 1002, 0 },
	{ "a long ping", F("\x89\x7e\x00\x7e"), "", 1002, 0 },
	{ "a length not in its shortest form", F("\x81\x7e\x00\x01" "a"), "",
	    1002, 0 },
	{ "a length with the top bit",
	    F("\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x01" "a"), "", 1002, 0 },
	{ "over 1 MiB",
	    F("\x81\x7f\x00\x00\x00\x00\x00\x10\x00\x01" "a"), "", 1009, 0 },
};

static void
run(size_t i, size_t step)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = on_send, .on_text = on_text,
		.on_binary = on_binary, .on_pong = on_pong,
		.on_close = on_close, .on_failed = on_failed,
	};
	struct websocket *ws = websocket_new(&calls, NULL);

	memset(&peer, 0, sizeof(peer));
	peer.in = cases[i].in;
	peer.len = cases[i].len;
	peer.step = step;
	while (websocket_read(ws, 4) == WEBSOCKET_BUDGET ||
	    (peer.at < peer.len && peer.failed == 0))
		continue;
	websocket_write(ws);
	ok(strcmp(peer.told, cases[i].told) == 0 &&
	    peer.failed == cases[i].failed && peer.closed == cases[i].closed,
	    "%s (by %zu): '%s' failed %u closed %u", cases[i].name, step,
	    peer.told, peer.failed, peer.closed);
	if (peer.failed || peer.closed)
		ok(peer.out_len >= 6 && peer.out[0] == 0x88 &&
		    (peer.out[1] & 0x80), "answered by a masked close frame");
	websocket_del(ws);
}

static ssize_t
no_send(void *arg, const void *bytes, size_t len)
{
	(void)arg, (void)bytes, (void)len;
	return -1;
}

static void
test_broken_output(void)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = no_send, .on_text = on_text,
		.on_close = on_close,
	};
	static const char in[] = "\x89\x01x\x81\x01" "a\x88\x02\x03\xe8";
	struct websocket *ws = websocket_new(&calls, NULL);

	memset(&peer, 0, sizeof(peer));
	peer.in = in;
	peer.len = sizeof(in) - 1;
	peer.step = 4096;
	websocket_read(ws, 1);
	is_int(websocket_write(ws), -1, "a write that fails");
	ok(!websocket_wants_write(ws), "is not tried again");
	is_int(websocket_ping(ws, "p", 1), -1, "nor is anything queued");
	is_int(websocket_read(ws, 9), WEBSOCKET_CLOSED, "reading goes on");
	is_str(peer.told, "Ta;", "what came before is told");
	is_int(peer.closed, 1000, "and the close frame");
	is_int(websocket_write(ws), -1, "it stays broken");
	websocket_del(ws);
}

/* What lies behind a head that came in two pieces may be nowhere that
 * poll(2) sees. */
static void
test_until_blocked(void)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = on_send, .on_text = on_text,
	};
	static const char in[] = "\x81\x01" "a\x81\x7e\x00\x7e"
	    "012345678901234567890123456789012345678901234567890123456789"
	    "012345678901234567890123456789012345678901234567890123456789"
	    "012345\x81\x01" "b";
	struct websocket *ws = websocket_new(&calls, NULL);

	memset(&peer, 0, sizeof(peer));
	peer.in = in;
	peer.len = sizeof(in) - 1;
	peer.step = 1;
	websocket_feed(ws, "\x81", 1);
	peer.at = 1;
	is_int(websocket_read(ws, 1000), WEBSOCKET_BLOCKED, "it ends");
	ok(strlen(peer.told) == 3 + 128 + 3 && strstr(peer.told, "Tb;") != NULL,
	    "one read reads all, however small the pieces: %s", peer.told);
	websocket_del(ws);
}

static void
test_fragments(void)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = on_send, .on_text = on_text,
		.on_failed = on_failed,
	};
	static char in[4 * WEBSOCKET_FRAGMENTS_MAX];
	struct websocket *ws = websocket_new(&calls, NULL);
	int turns = 0;

	memset(&peer, 0, sizeof(peer));
	in[0] = 1;
	peer.in = in;
	peer.len = sizeof(in);
	peer.step = 4096;
	while (websocket_read(ws, 64) == WEBSOCKET_BUDGET)
		turns++;
	ok(turns == WEBSOCKET_FRAGMENTS_MAX / 64, "frames that tell nothing "
	    "use up the budget (%d)", turns);
	is_int(peer.failed, 1009, "too many fragments");
	websocket_del(ws);
}

int
main(void)
{
	test_broken_output();
	test_until_blocked();
	test_fragments();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(i, 4096);
		run(i, 1);
		run(i, 3);
	}
	return done();
}
