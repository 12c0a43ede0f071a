/*
 * What clients connect to: the port, and TLS before libmicrohttpd.
 *
 * libmicrohttpd's own TLS hands upgraded bytes on a few at a time, a record
 * each, which makes clients look slow; and it says good-bye where a cut is
 * wanted.  So TLS ends here, in a thread a connection, and libmicrohttpd is
 * given one end of a socket pair.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/gc-sim/sim.h"
#include "lib/log.h"

#define BLOCK (16 << 10)	/* a TLS record's most */
#define HANDSHAKE_MS 10000
#define FLUSH_S 2		/* at the end, for what is under way */

struct way {			/* bytes that go one way */
	char bytes[BLOCK];
	size_t at, len;		/* bytes[at..len) are to be written */
};

struct relay {
	struct relay *next;
	struct front *front;
	SSL *ssl;
	int outer, inner;
	int http_fd;		/* libmicrohttpd's end, to know it by */
	bool unclean;		/* end without TLS's close_notify */
	bool http_ended;	/* nothing more comes from libmicrohttpd */
	bool moved;		/* bytes or an end, in this turn: look again */
	struct way in, out;
};

struct front {
	struct MHD_Daemon *daemon;
	SSL_CTX *tls;		/* NULL: plain */
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;	/* guards relays and their `unclean` */
	pthread_cond_t fewer;
	struct relay *relays;
};

/* --- one connection ----------------------------------------------------- */

static bool
wait_for(int fd, short events, int ms)
{
	struct pollfd p = { fd, events, 0 };
	int n;

	while ((n = poll(&p, 1, ms)) == -1 && errno == EINTR)
		continue;
	return n > 0;
}

static short
wanted(const struct relay *r, int result)
{
	switch (SSL_get_error(r->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		return 0;
	}
}

static bool
handshake(struct relay *r)
{
	int n;
	short events;

	while ((n = SSL_accept(r->ssl)) != 1)
		if ((events = wanted(r, n)) == 0 ||
		    !wait_for(r->outer, events, HANDSHAKE_MS))
			return false;
	return true;
}

static void
filled(struct relay *r, struct way *w, size_t n)
{
	r->moved = true;
	w->at = 0;
	w->len = n;
}

static void
drained(struct relay *r, struct way *w, size_t n)
{
	r->moved = true;
	w->at += n;
	if (w->at == w->len)
		w->at = w->len = 0;
}

/* Reads a block where there is room; adds what it waits for to *events.
 * False once that side has ended. */
static bool
take_outer(struct relay *r, short *events)
{
	struct way *w = &r->in;
	int n;

	if (w->len > 0)
		return true;
	n = SSL_read(r->ssl, w->bytes, BLOCK);
	if (n > 0) {
		filled(r, w, (size_t)n);
		return true;
	}
	*events |= wanted(r, n);
	return wanted(r, n) != 0;
}

static bool
put_outer(struct relay *r, short *events)
{
	struct way *w = &r->out;
	int n;

	while (w->len > 0) {
		n = SSL_write(r->ssl, w->bytes + w->at, (int)(w->len - w->at));
		if (n <= 0) {
			*events |= wanted(r, n);
			return wanted(r, n) != 0;
		}
		drained(r, w, (size_t)n);
	}
	return true;
}

static bool
take_inner(struct relay *r, short *events)
{
	struct way *w = &r->out;
	ssize_t n;

	if (w->len > 0 || r->http_ended)
		return true;
	n = recv(r->inner, w->bytes, BLOCK, 0);
	if (n > 0) {
		filled(r, w, (size_t)n);
	} else if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
		*events |= POLLIN;
	} else {
		r->http_ended = r->moved = true;
	}
	return true;
}

static bool
put_inner(struct relay *r, short *events)
{
	struct way *w = &r->in;
	ssize_t n;

	while (w->len > 0) {
		n = send(r->inner, w->bytes + w->at, w->len - w->at,
		    MSG_NOSIGNAL);
		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			*events |= POLLOUT;
			return true;
		}
		if (n <= 0)
			return false;
		drained(r, w, (size_t)n);
	}
	return true;
}

/* A side that is waited for in no way is left out: it would say that it has
 * hung up, again and again. */
static void
sleep_until_either(const struct relay *r, short outer, short inner)
{
	struct pollfd fds[2] = {
		{ outer != 0 ? r->outer : -1, outer, 0 },
		{ inner != 0 ? r->inner : -1, inner, 0 },
	};

	poll(fds, 2, -1);
}

/* Both ways until one side has ended and the other has all of it. */
static void
relay(struct relay *r)
{
	short outer, inner;
	bool alive = true;

	while (alive && !(r->http_ended && r->out.len == 0)) {
		outer = inner = 0;
		r->moved = false;
		alive = take_outer(r, &outer) && put_inner(r, &inner) &&
		    take_inner(r, &inner) && put_outer(r, &outer);
		if (alive && !r->moved)
			sleep_until_either(r, outer, inner);
	}
}

static void *
run_relay(void *arg)
{
	struct relay *r = arg, **p;
	struct front *f = r->front;
	bool unclean;

	if (handshake(r))
		relay(r);
	pthread_mutex_lock(&f->lock);
	for (p = &f->relays; *p != r; p = &(*p)->next)
		continue;
	*p = r->next;
	unclean = r->unclean;
	pthread_mutex_unlock(&f->lock);
	if (!unclean && r->http_ended)
		SSL_shutdown(r->ssl);
	close(r->outer);
	close(r->inner);
	SSL_free(r->ssl);
	free(r);
	pthread_cond_signal(&f->fewer);
	return NULL;
}

/* --- the port ----------------------------------------------------------- */

static void
hand_over(struct front *f, int http_fd)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	MHD_add_connection(f->daemon, http_fd, (struct sockaddr *)&from,
	    sizeof(from));
}

static void
start_relay(struct front *f, int fd)
{
	struct relay *r;
	pthread_t thread;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		close(fd);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->front = f;
	r->outer = fd;
	r->inner = pair[0];
	r->http_fd = pair[1];
	r->ssl = SSL_new(f->tls);
	if (r->ssl == NULL)
		die(GC_EX_OSERR, "can't start TLS");
	SSL_set_fd(r->ssl, fd);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_NONBLOCK);
	pthread_mutex_lock(&f->lock);
	r->next = f->relays;
	f->relays = r;
	pthread_mutex_unlock(&f->lock);
	hand_over(f, pair[1]);
	if (pthread_create(&thread, NULL, run_relay, r) != 0)
		die(GC_EX_OSERR, "can't start a thread");
	pthread_detach(thread);
}

static void *
run_listener(void *arg)
{
	struct front *f = arg;
	const int on = 1;
	int fd;

	for (;;) {
		fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1 && (errno == EMFILE || errno == ENFILE)) {
			usleep(10000);
			continue;
		}
		if (fd == -1)
			return NULL;	/* front_deafen */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (f->tls != NULL)
			start_relay(f, fd);
		else
			hand_over(f, fd);
	}
}

static SSL_CTX *
server_tls(const char *cert, const char *key)
{
	BIO *cert_text = BIO_new_mem_buf(cert, -1);
	BIO *key_text = BIO_new_mem_buf(key, -1);
	X509 *crt = PEM_read_bio_X509(cert_text, NULL, NULL, NULL);
	EVP_PKEY *pair = PEM_read_bio_PrivateKey(key_text, NULL, NULL, NULL);
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL || SSL_CTX_use_certificate(tls, crt) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, pair) != 1)
		die(GC_EX_SOFTWARE, "can't use gc-sim's own certificate");
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	BIO_free(cert_text);
	BIO_free(key_text);
	X509_free(crt);
	EVP_PKEY_free(pair);
	return tls;
}

struct front *
front_start(struct MHD_Daemon *daemon, uint16_t port, const char *cert,
    const char *key, struct err *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct front *f = xcalloc(1, sizeof(*f));
	sigset_t all, before;
	const int on = 1;

	f->daemon = daemon;
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(f->listener, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(f->listener, SOMAXCONN) == -1) {
		err_set(e, GC_EX_OSERR, "can't listen on 127.0.0.1:%u: %s",
		    (unsigned)port, strerror(errno));
		close(f->listener);
		free(f);
		return NULL;
	}
	f->tls = cert != NULL ? server_tls(cert, key) : NULL;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->fewer, NULL);
	sigfillset(&all);	/* signals are the main thread's */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	if (pthread_create(&f->thread, NULL, run_listener, f) != 0)
		die(GC_EX_OSERR, "can't start a thread");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return f;
}

uint16_t
front_port(const struct front *f)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	getsockname(f->listener, (struct sockaddr *)&at, &len);
	return ntohs(at.sin_port);
}

void
front_cut(struct front *f, int http_fd)
{
	struct relay *r;

	pthread_mutex_lock(&f->lock);
	for (r = f->relays; r != NULL && r->http_fd != http_fd; r = r->next)
		continue;	/* the newest first: numbers are used again */
	if (r != NULL)
		r->unclean = true;
	pthread_mutex_unlock(&f->lock);
}

void
front_deafen(struct front *f)
{
	shutdown(f->listener, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
}

void
front_stop(struct front *f)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += FLUSH_S;
	pthread_mutex_lock(&f->lock);
	while (f->relays != NULL &&
	    pthread_cond_timedwait(&f->fewer, &f->lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&f->lock);
}
