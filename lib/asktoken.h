/*
 * Asking the token command (GC_TOKEN_CMD) for a token, without waiting for
 * it: start, poll asktoken_fd for reading, feed after each wake (SIGCHLD
 * too) until there is a result.  CONTRACT section 4.
 *
 * What it prints is held in memory that is wiped; a command that prints
 * more than a token's line is none.
 */
#ifndef GC_ASKTOKEN_H
#define GC_ASKTOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/child.h"
#include "lib/token.h"

struct asktoken {
	struct child child;
	struct buf out;
	char name[CHILD_NAME_MAX];	/* the command's, for messages */
	int code;		/* its exit code, once it has ended */
	bool asking;		/* started, and the result not yet taken */
	bool ended;
};

void asktoken_init(struct asktoken *a);
void asktoken_free(struct asktoken *a);		/* killed if it runs */

/*
 * Run command: a token with min_ttl_ms of life is wanted; refused is the
 * issued_at of the one that was refused, as it was told (whoever is told of
 * it compares texts), or NULL.  -1 with 71.
 */
int asktoken_start(struct asktoken *a, const char *command,
    int64_t min_ttl_ms, const char *refused, struct err *e);

/* To poll for reading; -1 while nothing is read. */
int asktoken_fd(const struct asktoken *a);

/*
 * Read what is there: 0 no result yet (nor is one asked for); 1 and the
 * token is yours; -1 with the code 77 or 78 with which the command ended,
 * or 69 for all else: the command is named, nothing that it printed.
 */
int asktoken_feed(struct asktoken *a, struct token *t, struct err *e);

/* No longer wanted: it is killed. */
void asktoken_stop(struct asktoken *a);

#endif
