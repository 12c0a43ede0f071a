/*
 * The address of a Redis:
 *
 *	redis://[USER@]HOST[:PORT][/DB][?prefix=gc]
 *	rediss://…				over TLS
 *	redis+unix:///PATH[?db=0&prefix=gc]	a socket of this machine
 *
 * It comes from the command line, where everyone can read it, so a password
 * in it is refused, and no message shows anything of an address that may
 * hold one.  Pure.  CONTRACT section 10.
 */
#ifndef GC_CACHEURL_H
#define GC_CACHEURL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/die.h"

#define CACHEURL_NAME_MAX 256	/* bytes of the user, of the prefix */

struct cacheurl {
	bool tls;
	char *host;		/* HOST:PORT; NULL: path */
	char *path;		/* of the socket; NULL: host */
	unsigned db;
	char user[CACHEURL_NAME_MAX];	/* "": the default one */
	char prefix[CACHEURL_NAME_MAX];
	char *shown;		/* for people */
};

/* -1 with 64 and a sentence that holds no secret; nothing to free then. */
int cacheurl_parse(struct cacheurl *u, const char *url, struct err *e);
void cacheurl_free(struct cacheurl *u);

#endif
