/*
 * libcurl's transfers of many at once, by poll(2): what to poll for, and go
 * on as far as it goes without waiting.  The caller makes the handles, adds
 * and removes them (multi->handle), and takes those that are done.
 */
#ifndef GC_MULTI_H
#define GC_MULTI_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <curl/curl.h>

#include "lib/die.h"

#define MULTI_POLL_MAX 32	/* pollfds that it may want */

struct multi {
	CURLM *handle;
	struct pollfd fds[MULTI_POLL_MAX];	/* what curl waits for */
	size_t count;
	int64_t timer_ms;		/* when curl wants to be called */
	int64_t now_ms;
};

/* In place: curl keeps the struct's address.  limit: connections at once. */
int multi_init(struct multi *m, unsigned limit, int64_t now_ms,
    struct err *err);
void multi_free(struct multi *m);	/* a struct of zeros is fine */

/* At most MULTI_POLL_MAX pollfds, and *due_ms lowered to when multi_step must
 * be called at the latest. */
size_t multi_interest(const struct multi *m, struct pollfd *fds,
    int64_t *due_ms);

void multi_step(struct multi *m, int64_t now_ms);

/* The next transfer that is done and its result, or NULL. */
CURL *multi_next(struct multi *m, CURLcode *result);

#endif
