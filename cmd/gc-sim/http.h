/* Requests and answers: for http.c, upgrade.c and rest.c. */
#ifndef GC_SIM_HTTP_H
#define GC_SIM_HTTP_H

#include <microhttpd.h>

#include "cmd/gc-sim/sim.h"

enum delivery {
	WHOLE,
	HALF,			/* the head promises twice the body */
	NEVER			/* no answer at all */
};

/* An answer that is being made; status 404 as long as nobody has made it. */
struct answer {
	int status;
	struct buf body;
	int retry_after_s;	/* -1: none */
	enum delivery delivery;
	bool old_http;			/* the request is HTTP/1.0 */
	/* channels: an answer of the API */
	char correlation[ID_LEN + 1];	/* "": none */
	uint64_t rate_count, rate_allowed;	/* allowed 0: not told */
	int rate_reset_s;
	struct buf location;		/* where to go instead */
};

/* An error as the platform says it. */
void http_refuse(struct answer *a, int status, const char *code,
    const char *message);
/* Percent-encoded, as a value in a query. */
void http_escape(struct buf *out, const char *text);
enum MHD_Result http_reply(struct MHD_Connection *c, struct answer *a);

/* The bearer's token, if it is valid; else NULL. */
struct sim_token *http_bearer(struct sim *s, struct MHD_Connection *c);
int http_fd(struct MHD_Connection *c);

/* upgrade.c: with the lock held; the answer is only for a refusal.  True if
 * *result has been queued.  channel: an id, or NULL: a bearer is asked for. */
bool upgrade(struct sim *s, struct MHD_Connection *c, const char *channel,
    struct answer *a, enum MHD_Result *result);

/* oauth.c: the login host. */
bool oauth_answer(struct sim *s, struct MHD_Connection *c,
    const char *method, const char *url, const char *body,
    struct answer *a);
/* That one, or all (0), and what could renew it. */
void token_revoke(struct sim *s, uint64_t serial);

/* rest.c: the answer to a GET, with the lock held. */
bool rest_is_state(const char *url);
/* What faults do to an answer: true if there is no answer but theirs. */
bool rest_fails(struct sim *s, struct answer *a);
void rest_spoil(struct sim *s, struct answer *a);
void rest_state(struct sim *s, struct MHD_Connection *c, const char *url,
    struct answer *a);

#endif
