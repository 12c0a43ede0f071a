/*
 * sink PORT: the least that a client can do: TLS 1.3 to blast, its frames
 * split, each on a line of its own.  The floor under gc-subscribe: it
 * verifies no certificate and checks neither UTF-8 nor JSON, nor that the
 * frames are as RFC 6455 wants them.
 */
#include <arpa/inet.h>

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/die.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/wshake.h"

#define ROOM (1 << 18)			/* read before it is split */
#define SUBSCRIBE "{\"action\":\"subscribe\"}"

static SSL *
dial(SSL_CTX *ctx, uint64_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *s = SSL_new(ctx);

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1 ||
	    SSL_set_fd(s, fd) != 1 || SSL_connect(s) != 1)
		die(GC_EX_UNAVAILABLE, "can't connect");
	return s;
}

/* The upgrade, and a frame with a mask of zeroes. */
static void
greet(SSL *s)
{
	char key[WSHAKE_KEY_LEN + 1], reply[WSHAKE_HEAD_MAX];
	uint8_t nonce[WSHAKE_NONCE_LEN] = { 0 };
	struct wshake_request request = { .host = "localhost", .path = "/",
	    .key = key };
	struct buf out;
	struct err e;

	wshake_key(nonce, key);
	buf_init(&out, WSHAKE_REQUEST_MAX);
	if (wshake_request(&out, &request, &e) == -1)
		die_err(&e);
	/* blast sends nothing before the frame */
	if (SSL_write(s, out.data, (int)out.len) <= 0 ||
	    SSL_read(s, reply, sizeof(reply)) <= 0)
		die(GC_EX_UNAVAILABLE, "no upgrade");
	buf_reset(&out);
	buf_add(&out, "\x81\x96\0\0\0\0", 6);
	buf_adds(&out, SUBSCRIBE);
	SSL_write(s, out.data, (int)out.len);
	buf_free(&out);
}

/*
 * Whole frames out of [p, p + len) into out; how many bytes they were.
 * False at the close frame.
 */
static bool
split(const unsigned char *p, size_t len, struct buf *out, size_t *used)
{
	size_t head, body;

	for (*used = 0; len - *used >= 4; *used += head + body) {
		const unsigned char *f = p + *used;

		if ((f[0] & 0x0f) == 8)
			return false;
		head = f[1] < 126 ? 2 : 4;
		body = f[1] < 126 ? f[1] : (size_t)f[2] << 8 | f[3];
		if (len - *used < head + body)
			break;
		buf_add(out, f + head, body);
		buf_add(out, "\n", 1);
	}
	return true;
}

int
main(int argc, char **argv)
{
	static unsigned char room[ROOM];
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	size_t len = 0, used;
	uint64_t port;
	struct buf out;
	bool open = true;
	SSL *s;
	int n;

	log_open("sink");
	if (argc != 2 || str_number(argv[1], UINT16_MAX, &port) == -1)
		return GC_EX_USAGE;
	s = dial(ctx, port);
	greet(s);
	buf_init(&out, 2 * ROOM);
	while (open && (n = SSL_read(s, room + len, (int)(ROOM - len))) > 0) {
		len += (size_t)n;
		open = split(room, len, &out, &used);
		memmove(room, room + used, len - used);
		len -= used;
		if (file_write_all(STDOUT_FILENO, out.data, out.len) == -1)
			return GC_EX_IOERR;
		buf_reset(&out);
	}
	SSL_write(s, "\x88\x82\0\0\0\0\x03\xe8", 8);
	SSL_shutdown(s);
	SSL_free(s);
	SSL_CTX_free(ctx);
	buf_free(&out);
	return open ? GC_EX_UNAVAILABLE : GC_EX_OK;
}
