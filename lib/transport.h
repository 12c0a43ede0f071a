/*
 * A byte stream over TCP or TLS, to a ws:// or wss:// address.
 *
 * libcurl makes the connection (names, proxies, CONNECT, TLS, trust) and
 * nothing here ever blocks: ask what to poll for, poll, step, until it is
 * there; then send and recv.  TLS holds bytes that poll(2) cannot see, so
 * recv until it would block before polling again.
 *
 * Certificates are always verified, against the system's trust and, added
 * to it, opts.cacert.  HTTPS_PROXY, ALL_PROXY and NO_PROXY count, as curl
 * understands them.  CONTRACT section 4.
 *
 * Errors: 77 a certificate that does not verify, 78 an address or a bundle
 * that cannot be used, or a name that does not exist (not one that nobody
 * could be asked for), 69 all else (network, proxy, time).  No text
 * holds the address's path or query, which may be a secret.
 */
#ifndef GC_TRANSPORT_H
#define GC_TRANSPORT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/die.h"

#define TRANSPORT_POLL_MAX 16	/* pollfds that one transport may want */

struct transport;

struct transport_opts {
	const char *cacert;	/* PEM bundle, or NULL; not read before TLS */
	const char *user_agent;	/* told to proxies; may be NULL */
	int64_t connect_timeout_ms;	/* names, TCP, proxy and TLS; > 0 */
};

/* The address in the parts that an upgrade request needs. */
struct transport_target {
	char *host;		/* for Host: name, and port if not default */
	char *path;		/* with the query; never empty */
	bool tls;
};

enum transport_result {
	TRANSPORT_WANT,		/* poll, then step again */
	TRANSPORT_DONE,		/* connected */
	TRANSPORT_FAILED	/* err says why; only transport_close is left */
};

/*
 * Take a ws, wss, http or https URL apart; 78 if it is none, or holds a
 * user name, password or fragment.  Free the parts, also after -1.
 */
int transport_split(const char *url, struct transport_target *target,
    struct err *err);
void transport_target_free(struct transport_target *target);

/* Begin to connect; NULL and err if the address or the options are bad.
 * The strings are copied. */
struct transport *transport_start(const char *url,
    const struct transport_opts *opts, struct err *err);

/* Go on connecting as far as it goes without waiting.  Once DONE it stays
 * so; calling it again is harmless. */
enum transport_result transport_step(struct transport *t, struct err *err);

/*
 * What to poll(2) for: fills at most TRANSPORT_POLL_MAX pollfds of fds and
 * returns how many.  *timeout_ms is lowered to when step must be called at
 * the latest (it may be -1, for never).  want_write: something waits to be
 * sent (only asked once connected).  So a loop over many transports is one
 * poll(2).  The descriptors are valid until the next call on t.
 */
size_t transport_interest(struct transport *t, bool want_write,
    struct pollfd *fds, int *timeout_ms);

/*
 * The same for a loop of one transport: polls for it and for the caller's
 * own count descriptors, whose revents are filled in; at most
 * TRANSPORT_EXTRA_MAX of them.  t may be NULL: then only for those.
 * Returns what poll(2) returned: -1 with errno, EINTR too.
 */
#define TRANSPORT_EXTRA_MAX 64
int transport_wait(struct transport *t, bool want_write, struct pollfd *extra,
    size_t count, int timeout_ms);

/* Bytes got or sent; 0: it would block; -1: ended or broken, see err. */
ssize_t transport_recv(struct transport *t, void *bytes, size_t len,
    struct err *err);

/* After a 0, begin the next call with the same bytes (more may follow). */
ssize_t transport_send(struct transport *t, const void *bytes, size_t len,
    struct err *err);

/* Did it fail because there is no such name? */
bool transport_no_such_name(const struct transport *t);

/* The connected socket, or -1. */
int transport_fd(const struct transport *t);

/* End it, in whatever state, without waiting; frees t, which may be NULL. */
void transport_close(struct transport *t);

#endif
