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
};

/* An error as the platform says it. */
void http_refuse(struct answer *a, int status, const char *code,
    const char *message);
enum MHD_Result http_reply(struct MHD_Connection *c, struct answer *a);

/* When the bearer's token ends; 0 if it has none that is valid. */
int64_t http_bearer(struct sim *s, struct MHD_Connection *c);
int http_fd(struct MHD_Connection *c);

/* upgrade.c: with the lock held; the answer is only for a refusal.  True if
 * *result has been queued. */
bool upgrade(struct sim *s, struct MHD_Connection *c, struct answer *a,
    enum MHD_Result *result);

/* rest.c: the answer to a GET, with the lock held. */
bool rest_is_state(const char *url);
void rest_state(struct sim *s, struct MHD_Connection *c, const char *url,
    struct answer *a);

#endif
