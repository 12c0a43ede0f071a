/*
 * blast [-p RATE] -c CERT -k KEY -o PORTFILE COUNT FILE: a WebSocket server
 * over TLS 1.3 for one client.  Once the client has said something, it sends
 * COUNT lines of FILE, a frame each, made beforehand, as fast as they are
 * taken; closes with 1000, and waits for the client to do so.  -p: RATE
 * frames a second instead, each with the time at which it is sent, to the
 * nanosecond, in place of its timestamp.
 *
 * It listens on a free port of the loopback, whose number is put in
 * PORTFILE once the frames are there.  Without a client for a minute it is
 * ended by SIGALRM.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/wshake.h"

#define FRAMES_MAX ((size_t)2 << 30)	/* bytes of all frames */
#define HEAD_MAX 8192			/* of the client's request */
#define CLIENT_S 60			/* within which it must come */
#define RECORD 16384			/* bytes of a TLS record */
#define STAMP_LEN 30			/* 2024-06-15T14:32:10.000000000Z */
#define CLOSE_NORMAL "\x88\x02\x03\xe8"

static struct {
	uint64_t rate, count;
	const char *cert, *key, *port_file, *file;
} opt;

static struct buf frames;
static const char at_key[] = "\"timestamp\":\"";

/* Of a frame from server to client: FIN, text, its length. */
static size_t
make_head(char head[4], size_t len)
{
	head[0] = (char)0x81;
	if (len < 126) {
		head[1] = (char)len;
		return 2;
	}
	head[1] = 126;
	head[2] = (char)(len >> 8);
	head[3] = (char)len;
	return 4;
}

/* As it is sent; with -p only the line is kept, newline included. */
static void
add_line(const char *line, size_t len)
{
	char head[4];

	if (opt.rate == 0)
		buf_add(&frames, head, make_head(head, len));
	buf_add(&frames, line, opt.rate == 0 ? len : len + 1);
}

static void
read_frames(void)
{
	FILE *f = fopen(opt.file, "re");
	char *line = NULL;
	size_t alloc = 0;
	ssize_t len;
	uint64_t n = 0;

	if (f == NULL)
		die(GC_EX_DATAERR, "can't open '%s'", opt.file);
	buf_init(&frames, FRAMES_MAX);
	while (n < opt.count && (len = getline(&line, &alloc, f)) > 1) {
		if (len > UINT16_MAX)
			die(GC_EX_DATAERR, "a line too long for a frame");
		add_line(line, (size_t)len - 1);
		n++;
	}
	free(line);
	fclose(f);
	if (n < opt.count)
		die(GC_EX_DATAERR, "'%s' has too few lines", opt.file);
}

static int
listen_somewhere(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	FILE *f;

	if (fd == -1 || bind(fd, (struct sockaddr *)&to, len) == -1 ||
	    listen(fd, 4) == -1 ||
	    getsockname(fd, (struct sockaddr *)&to, &len) == -1)
		die(GC_EX_OSERR, "can't listen");
	f = fopen(opt.port_file, "we");
	if (f == NULL)
		die(GC_EX_CANTCREAT, "can't make '%s'", opt.port_file);
	fprintf(f, "%u\n", ntohs(to.sin_port));
	fclose(f);
	return fd;
}

static bool
put(SSL *s, const char *p, size_t len)
{
	for (int n; len > 0; p += n, len -= (size_t)n) {
		n = SSL_write(s, p, (int)(len < RECORD ? len : RECORD));
		if (n <= 0)
			return false;
	}
	return true;
}

/* The handshake, and the first that the client says after it. */
static bool
greet(SSL *s)
{
	char head[HEAD_MAX + 1], key[WSHAKE_KEY_LEN + 1], answer[256];
	char accept[WSHAKE_ACCEPT_LEN + 1];
	const char *p;
	size_t len = 0;
	int n;

	do {
		n = SSL_read(s, head + len, (int)(HEAD_MAX - len));
		if (n <= 0)
			return false;
		len += (size_t)n;
		head[len] = '\0';
	} while (strstr(head, "\r\n\r\n") == NULL && len < HEAD_MAX);
	p = strcasestr(head, "\r\nsec-websocket-key:");
	if (p == NULL || sscanf(strchr(p, ':') + 1, " %24s", key) != 1)
		return false;
	wshake_accept(key, accept);
	snprintf(answer, sizeof(answer), "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
	return put(s, answer, strlen(answer)) &&
	    SSL_read(s, head, HEAD_MAX) > 0;
}

static void
make_stamp(char stamp[STAMP_LEN + 1])
{
	char seconds[CLOCK_RFC3339_LEN + 1];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_format_ms((int64_t)now.tv_sec * 1000, seconds);
	snprintf(stamp, STAMP_LEN + 1, "%.19s.%09ldZ", seconds, now.tv_nsec);
}

/* One line with the time at which it goes out. */
static bool
send_stamped(SSL *s, const char *line, size_t len)
{
	char frame[UINT16_MAX + STAMP_LEN + 8], stamp[STAMP_LEN + 1];
	const char *at = memmem(line, len, at_key, sizeof(at_key) - 1), *end;
	size_t head, before;

	if (at == NULL)
		return false;
	at += sizeof(at_key) - 1;
	end = memchr(at, '"', len - (size_t)(at - line));
	before = (size_t)(at - line);
	head = make_head(frame, len - (size_t)(end - at) + STAMP_LEN);
	memcpy(frame + head, line, before);
	make_stamp(stamp);
	memcpy(frame + head + before, stamp, STAMP_LEN);
	memcpy(frame + head + before + STAMP_LEN, end,
	    (size_t)(line + len - end));
	return put(s, frame, head + before + STAMP_LEN +
	    (size_t)(line + len - end));
}

static bool
send_paced(SSL *s)
{
	const char *p = frames.data, *newline;
	struct timespec start, due;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t i = 0; i < opt.count; i++, p = newline + 1) {
		ns = (uint64_t)start.tv_nsec + i * 1000000000 / opt.rate;
		due.tv_sec = start.tv_sec + (time_t)(ns / 1000000000);
		due.tv_nsec = (long)(ns % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		newline = memchr(p, '\n', frames.len -
		    (size_t)(p - frames.data));
		if (!send_stamped(s, p, (size_t)(newline - p)))
			return false;
	}
	return true;
}

/* True once a client has come.  *sent: it has taken everything. */
static bool
serve(SSL_CTX *ctx, int fd, bool *sent)
{
	SSL *s = SSL_new(ctx);
	char rest[4096];
	int one = 1;
	bool greeted;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(s, fd);
	greeted = SSL_accept(s) == 1 && greet(s);
	if (greeted)
		alarm(0);
	*sent = greeted && (opt.rate > 0 ? send_paced(s) :
	    put(s, frames.data, frames.len)) &&
	    put(s, CLOSE_NORMAL, sizeof(CLOSE_NORMAL) - 1);
	if (*sent)
		while (SSL_read(s, rest, sizeof(rest)) > 0)
			continue;
	SSL_free(s);
	close(fd);
	return greeted;
}

int
main(int argc, char **argv)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	bool sent;
	int letter, fd;

	while ((letter = getopt(argc, argv, "p:c:k:o:")) != -1)
		switch (letter) {
		case 'p':
			if (str_number(optarg, 1000000, &opt.rate) == -1)
				return GC_EX_USAGE;
			break;
		case 'c': opt.cert = optarg; break;
		case 'k': opt.key = optarg; break;
		case 'o': opt.port_file = optarg; break;
		default: return GC_EX_USAGE;
		}
	if (argc - optind != 2 || opt.cert == NULL || opt.key == NULL ||
	    opt.port_file == NULL ||
	    str_number(argv[optind], UINT32_MAX, &opt.count) == -1)
		return GC_EX_USAGE;
	opt.file = argv[optind + 1];
	log_open("blast");
	signal(SIGPIPE, SIG_IGN);
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	if (SSL_CTX_use_certificate_file(ctx, opt.cert,
	    SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, opt.key, SSL_FILETYPE_PEM) != 1)
		die(GC_EX_CONFIG, "no certificate");
	read_frames();
	fd = listen_somewhere();
	alarm(CLIENT_S);
	while (!serve(ctx, accept(fd, NULL, NULL), &sent))
		continue;
	SSL_CTX_free(ctx);
	buf_free(&frames);
	return sent ? GC_EX_OK : GC_EX_IOERR;
}
