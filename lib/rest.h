/*
 * Requests to the platform's REST interface, many at once, never blocking:
 * ask what to poll(2) for, poll, step; answers come by callback from
 * rest_step.  What is asked waits in a queue until its turn and its time.
 *
 * Time: no more than the rate in any 60 s (lib/pace); the server's
 * inin-ratelimit headers lower it to nine tenths of what they allow, and
 * stop all until their reset once that many were counted; Retry-After of a
 * 429 or 503 stops all for so long.  Nothing is ever repeated: that is the
 * caller's to decide.  CONTRACT section 9, "pace".
 *
 * No redirect is followed; certificates are always verified; an answer has
 * at most HTTP_BODY_MAX bytes; tokens and bodies are wiped after use.  A
 * path may hold a secret (a channel's id), so that no text shows it.
 */
#ifndef GC_REST_H
#define GC_REST_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/die.h"
#include "lib/multi.h"
#include "lib/platform.h"

#define REST_POLL_MAX MULTI_POLL_MAX	/* pollfds that it may want */
#define REST_JOBS_MAX 8

struct rest;

struct rest_opts {
	const char *base;	/* https://api.DOMAIN, no slash at its end */
	const char *cacert;	/* or NULL */
	unsigned jobs;		/* transfers at once, at most REST_JOBS_MAX */
	uint64_t rate;		/* requests in 60 s */
	int64_t timeout_ms;	/* of one transfer, its wait not counted */
};

struct rest_answer {
	long status;		/* 0: none came, see err */
	const char *body;	/* borrowed, NUL-terminated, never NULL */
	size_t len;
	int64_t retry_after_ms;	/* from now on; -1: not told */
	struct platform_error error;	/* of a refusal's body */
	/*
	 * Where status is not 2xx: one sentence with the platform's code and
	 * contextId, and what it deserves: 77 for 401, 403 and a certificate
	 * that does not verify, 78 for 404, 405, 410 and a name that there
	 * is not, 75 for 429, else 69.
	 */
	struct err err;
};

typedef void rest_done(void *arg, const struct rest_answer *answer);

struct rest_request {
	const char *method;	/* GET, HEAD, POST, PUT, DELETE */
	const char *path;	/* behind the base: /api/v2/… */
	const char *body;	/* JSON, or NULL */
	const char *what;	/* for error texts: "creating a channel" */
	bool urgent;		/* goes first, and does not wait for its time */
	rest_done *done;	/* NULL: nobody asks */
	void *arg;
};

/* NULL and err if libcurl does not start.  The strings are copied. */
struct rest *rest_new(const struct rest_opts *opts, int64_t now_ms,
    struct err *err);
void rest_del(struct rest *r);	/* nothing is called back; NULL is fine */

/* The token for whatever is sent from now on; while it is NULL (as at
 * first) nothing is sent. */
void rest_bearer(struct rest *r, const char *token);

/* What is sent from now on goes to another place; as in struct rest_opts. */
void rest_move(struct rest *r, const char *base, const char *cacert);

/* Queue a request; the strings are copied.  Never calls back by itself. */
void rest_send(struct rest *r, const struct rest_request *request);

/* Forget what was asked with this arg: it is not called back any more. */
void rest_cancel(struct rest *r, const void *arg);

/* Queued and in flight. */
size_t rest_open(const struct rest *r);

/* As transport_interest: at most REST_POLL_MAX pollfds, and the deadline
 * lowered to when rest_step must be called. */
size_t rest_interest(struct rest *r, struct pollfd *fds, int64_t *due_ms);

/* Go on as far as it goes without waiting, and call back.  A callback may
 * call anything but rest_del and rest_step. */
void rest_step(struct rest *r, int64_t now_ms);

/* Counts, for the status and metrics. */
struct rest_counts {
	uint64_t requests, refused, failed, throttled;
};

const struct rest_counts *rest_counts(const struct rest *r);

#endif
