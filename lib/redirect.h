/*
 * Where a browser comes back to from the login host: the address that is
 * registered with the client, the request that arrives there, and the page
 * that it is answered with.  Pure.  CONTRACT section 9.
 */
#ifndef GC_REDIRECT_H
#define GC_REDIRECT_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/die.h"

#define REDIRECT_HEAD_MAX 16384	/* bytes of a request */
#define REDIRECT_PAGE_MAX 16384	/* of an answer */
#define REDIRECT_PATH_MAX 256

struct redirect_uri {
	uint16_t port;
	char path[REDIRECT_PATH_MAX];	/* from its slash on */
};

/* http on this machine; no query, for the answer stands there.  -1 with 64
 * and what is wrong with it. */
int redirect_parse(struct redirect_uri *u, const char *uri, struct err *e);

/* What the login host says by way of the browser.  code is a secret until
 * it is exchanged. */
struct redirect {
	char code[4096], state[256];		/* "": none */
	char error[256], description[2048];	/* a refusal */
};

/* What a request deserves: the HTTP status, or that it has not ended. */
enum redirect_result {
	REDIRECT_MORE = 0,
	REDIRECT_ANSWER = 200,	/* r says a code or an error */
	REDIRECT_BAD = 400,
	REDIRECT_ELSEWHERE = 404,	/* another path: an icon, say */
	REDIRECT_LONG = 431
};

/* The first len bytes of a request; r is all "" unless it is an answer. */
enum redirect_result redirect_read(struct redirect *r,
    const struct redirect_uri *u, const char *bytes, size_t len);

/* Add a whole answer of that HTTP status: a small page that nobody keeps.
 * The texts may be anybody's: they are shown as text. */
void redirect_page(struct buf *out, int status, const char *heading,
    const char *text);

#endif
