/*
 * What clients connect to: the port, and what lies before libmicrohttpd.
 *
 * libmicrohttpd's own TLS hands upgraded bytes on a few at a time, a record
 * each, which makes clients look slow; it says good-bye where a cut is
 * wanted; and it goes on reading where a network is to be dead.  So each
 * connection ends in a relay, and libmicrohttpd is given one end of a socket
 * pair.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-sim/relay.h"
#include "cmd/gc-sim/sim.h"
#include "lib/log.h"

#define FLUSH_S 2		/* at the end, for what is under way */

struct front {
	struct sim *sim;
	struct MHD_Daemon *daemon;
	SSL_CTX *tls;		/* NULL: plain */
	int listener;
	pthread_t thread;
	pthread_mutex_t lock;	/* guards the list of relays */
	pthread_cond_t fewer;
	struct relay *relays;
};

/* --- one connection ----------------------------------------------------- */

static void
relay_del(struct relay *r)
{
	close(r->outer);
	close(r->inner);
	close(r->waker);
	SSL_free(r->ssl);
	free(r);
}

static void *
run_relay(void *arg)
{
	struct relay *r = arg, **p;
	struct front *f = r->front;

	relay_run(r);
	pthread_mutex_lock(&f->lock);
	for (p = &f->relays; *p != r; p = &(*p)->next)
		continue;
	*p = r->next;
	relay_del(r);
	pthread_cond_signal(&f->fewer);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void
hand_over(struct front *f, int http_fd)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	MHD_add_connection(f->daemon, http_fd, (struct sockaddr *)&from,
	    sizeof(from));
}

static void
set_nonblocking(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static struct relay *
relay_new(struct front *f, int fd)
{
	struct relay *r = xcalloc(1, sizeof(*r));
	int pair[2];

	r->front = f;
	r->outer = fd;
	r->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->waker == -1 || socketpair(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
		close(r->waker);
		free(r);
		return NULL;
	}
	r->inner = pair[0];
	r->http_fd = pair[1];
	if (f->tls != NULL) {
		r->ssl = SSL_new(f->tls);
		if (r->ssl == NULL)
			die(GC_EX_OSERR, "can't start TLS");
		SSL_set_fd(r->ssl, fd);
	}
	set_nonblocking(fd);
	set_nonblocking(pair[0]);
	return r;
}

/* Is this one to get no answer, not even TLS's? */
static bool
is_silent(struct sim *s)
{
	bool yes;

	pthread_mutex_lock(&s->lock);
	yes = s->faults.tls_stall_left > 0;
	if (yes) {
		s->faults.tls_stall_left--;
		sim_say(s, "tls-stall", "\"left\":%llu",
		    (unsigned long long)s->faults.tls_stall_left);
	}
	pthread_mutex_unlock(&s->lock);
	return yes;
}

static void
start_relay(struct front *f, int fd)
{
	struct relay *r = relay_new(f, fd);
	pthread_t thread;

	if (r == NULL) {
		close(fd);
		return;
	}
	r->silent = is_silent(f->sim);
	pthread_mutex_lock(&f->lock);
	r->next = f->relays;
	f->relays = r;
	pthread_mutex_unlock(&f->lock);
	if (r->silent)
		close(r->http_fd);
	else
		hand_over(f, r->http_fd);
	if (pthread_create(&thread, NULL, run_relay, r) != 0)
		die(GC_EX_OSERR, "can't start a thread");
	pthread_detach(thread);
}

/* --- orders ------------------------------------------------------------- */

/* With f->lock held.  The newest first: numbers are used again. */
static struct relay *
find(struct front *f, int http_fd)
{
	struct relay *r = f->relays;

	while (r != NULL && (r->http_fd != http_fd || r->silent))
		r = r->next;
	return r;
}

void
front_hold(struct front *f, int http_fd, bool hold)
{
	struct relay *r;

	pthread_mutex_lock(&f->lock);
	if ((r = find(f, http_fd)) != NULL) {
		r->hold = hold;
		relay_wake(r);
	}
	pthread_mutex_unlock(&f->lock);
}

void
front_cut(struct front *f, int http_fd)
{
	struct relay *r;

	pthread_mutex_lock(&f->lock);
	if ((r = find(f, http_fd)) != NULL) {
		r->cut = true;
		r->end = r->hold;
		relay_wake(r);
	}
	pthread_mutex_unlock(&f->lock);
}

void
front_trickle(struct front *f, int http_fd, uint64_t ms)
{
	struct relay *r;

	pthread_mutex_lock(&f->lock);
	if ((r = find(f, http_fd)) != NULL)
		r->trickle_ms = (int)ms;
	pthread_mutex_unlock(&f->lock);
}

/* --- the port ----------------------------------------------------------- */

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
		start_relay(f, fd);
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
front_start(struct sim *s, struct MHD_Daemon *daemon, uint16_t port,
    const char *cert, const char *key, struct err *e)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct front *f = xcalloc(1, sizeof(*f));
	sigset_t all, before;
	const int on = 1;

	f->sim = s;
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
	for (struct relay *r = f->relays; r != NULL; r = r->next) {
		r->end = r->silent || r->hold;
		relay_wake(r);
	}
	while (f->relays != NULL &&
	    pthread_cond_timedwait(&f->fewer, &f->lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&f->lock);
}
