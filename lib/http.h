/*
 * HTTP by libcurl: the settings that every transfer of the suite has, what
 * its end means, and the reading of the headers that matter.
 *
 * No redirect is followed (a secret must not travel on), certificates are
 * always verified, and bodies have a cap.
 */
#ifndef GC_HTTP_H
#define GC_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <curl/curl.h>

#include "lib/buf.h"
#include "lib/die.h"

#define HTTP_BODY_MAX (8 << 20)
#define HTTP_WAIT_MAX_MS (24 * 3600 * 1000)	/* of a Retry-After */
#define HTTP_VALUE_MAX 80	/* of a header that is read, with its NUL */
#define HTTP_AGENT_NAME "gc-tools"

struct http_reply {
	long status;		/* 0: no answer came */
	int64_t retry_after_ms;	/* from now on; -1: none */
	int64_t date_ms;	/* its Date, wall; -1: none */
	/* inin-ratelimit-…: 0: not told; reset from now on, -1: not told */
	uint64_t rate_count, rate_allowed;
	int64_t rate_reset_ms;
	char correlation_id[64];	/* remote text; "": not told */
	struct buf body;
	const char *cacert;	/* borrowed from http_prepare's caller */
	char error[CURL_ERROR_SIZE];
};

/* libcurl and what it is linked with, with their versions: for --version. */
const char *http_library(void);

/* Before the first transfer, and after the last: a request holds a token,
 * so that what libcurl lets go of is wiped. */
int http_start(struct err *e);
void http_stop(void);

void http_reply_init(struct http_reply *r);
void http_reply_free(struct http_reply *r);	/* the body is wiped */

/*
 * Settings for one transfer to url: the reply is filled while it runs.
 * cacert: a bundle added to the system's trust, or NULL; it must live as
 * long as the handle.  timeout_ms bounds the whole transfer; what is less
 * than 1 counts as 1, for libcurl's 0 is no bound at all.
 */
void http_prepare(CURL *easy, const char *url, const char *cacert,
    int64_t timeout_ms, struct http_reply *r);

/* What a finished transfer's result means: 0 an answer came (see status),
 * or -1: 77 for a certificate that does not verify, 78 for a bundle that
 * cannot be read, else 69.  Passwords of proxies are not shown. */
int http_result(CURLcode result, struct http_reply *r, struct err *e);

/* Retry-After: seconds or a date; ms from wall_ms on, capped; -1: none. */
int64_t http_retry_after_ms(const char *value, int64_t wall_ms);

/* Where the line is the header of that name: its value, blanks around it
 * left out.  A longer one is none of ours. */
bool http_header(const char *line, size_t len, const char *name,
    char value[HTTP_VALUE_MAX]);

/* Is what curl gives as a header the line with which an answer begins?  There
 * may be several: interim ones, and that of a proxy. */
bool http_is_status(const char *line, size_t len);

#endif
