/*
 * An access token: how long it lives, how it is told, where it is kept.
 * CONTRACT section 2 (gc:token), 4 (GC_TOKEN_CMD) and 5.  Times are wall
 * clock, in ms.
 */
#ifndef GC_TOKEN_H
#define GC_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/die.h"

#define TOKEN_MAX 16384		/* bytes of a token */
#define TOKEN_TIME_MAX 128	/* of an issued_at that is kept as told */
#define TOKEN_LINE_MAX (4 * TOKEN_MAX)	/* of its line */
#define TOKEN_FILE_MAX (8 * TOKEN_MAX)	/* of the file that keeps it */
#define TOKEN_OWNER_MAX 4096

struct token {
	char *access_token;	/* visible ASCII, no blank: fit for a header */
	char *token_type;	/* "bearer" where none was told, or nonsense */
	int64_t issued_ms;	/* 0: unknown */
	int64_t expires_ms;	/* 0: unknown: never rotated */
	char *issued_at;	/* as the token command told it, or NULL */
	char *refresh_token;	/* what a new one is had for; NULL: none came.
				 * Never told: only kept */
};

void token_free(struct token *t);	/* wiped; safe on zeroes */

/* The login host's answer, received at now_ms.  -1 with 69 if it is none. */
int token_from_answer(struct token *t, const char *text, size_t len,
    int64_t now_ms, struct err *e);

/* What GC_TOKEN_CMD printed: a gc:token line, or a bare token.  -1 with 69. */
int token_from_output(struct token *t, const char *text, size_t len,
    struct err *e);

/* A token that came without anything about its life. */
int token_from_bare(struct token *t, const char *text, struct err *e);

/* Add the gc:token line with its newline. */
void token_line(struct buf *out, const struct token *t, int64_t now_ms);

/*
 * Has it min_ttl_ms left?  No more than half its life is ever asked of it;
 * one that was issued in the future (a clock was set) is not fresh.  Of
 * unknown life: always.
 */
bool token_is_fresh(const struct token *t, int64_t min_ttl_ms,
    int64_t now_ms);

/* When to replace it: before its end, or at half its life if that is later.
 * CLOCK_NEVER if its life is unknown. */
int64_t token_rotate_ms(const struct token *t, int64_t before_ms);

/*
 * The file, 0600.  owner says whose token it is (client id and login URL):
 * another's is none.  load: 1 found, 0 none (missing; or another's or
 * damaged, which e->msg then says), -1 refused: others can read it (78).
 */
int token_load(struct token *t, const char *path, const char *owner,
    struct err *e);
int token_save(const struct token *t, const char *path, const char *owner,
    struct err *e);

#endif
