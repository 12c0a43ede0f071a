/*
 * The WebSocket opening handshake: the upgrade request, and a judge of the
 * reply.  RFC 6455 section 4, RFC 9112.  Pure: the key's randomness and the
 * wall clock are arguments, the bytes come from anywhere in any portions.
 *
 * Of the reply's syntax: a line may end in a bare LF; a bare CR, NUL or
 * other control character, a blank before the colon and a blank before the
 * first field are refused; a folded field is unfolded.
 */
#ifndef GC_WSHAKE_H
#define GC_WSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/die.h"

#define WSHAKE_NONCE_LEN 16
#define WSHAKE_KEY_LEN 24	/* base64 of the nonce */
#define WSHAKE_ACCEPT_LEN 28	/* base64 of a SHA-1 */
#define WSHAKE_REQUEST_MAX (64 * 1024)	/* the cap for the request's buf */
#define WSHAKE_HEAD_MAX (16 * 1024)	/* interim replies included */
#define WSHAKE_FIELDS_MAX 128
#define WSHAKE_EXCERPT_MAX 512

struct wshake_request {
	const char *host;	/* transport_target.host */
	const char *path;	/* transport_target.path */
	const char *key;	/* wshake_key */
	const char *bearer;	/* access token, or NULL for no header */
	const char *user_agent;	/* or NULL */
};

enum wshake_result {
	WSHAKE_MORE,		/* feed on */
	WSHAKE_DONE,		/* a WebSocket; what is left over are frames */
	WSHAKE_REFUSED,		/* an HTTP answer other than 101: see status */
	WSHAKE_FAILED		/* no valid answer: err, 69 */
};

/* The one reply.  The members up to the line are for the caller. */
struct wshake {
	int status;		/* 0 until the head is complete */
	int64_t retry_after_ms;	/* http_retry_after_ms */
	char reason[64];	/* phrase of the status line: remote text */
	struct buf excerpt;	/* of the refusal's body: remote text */
	/* ---- */
	char accept[WSHAKE_ACCEPT_LEN + 1];	/* what it must be */
	int64_t wall_ms;
	struct buf line, field;
	size_t head_len, fields;
	int phase;
	bool version_11, accepted, upgrade, connection, bad_accept;
	bool extension, protocol, chunked;
	int64_t body_left;	/* -1: until the end */
	bool over;
};

/* base64 of WSHAKE_NONCE_LEN random bytes, NUL-terminated. */
void wshake_key(const uint8_t *nonce, char key[WSHAKE_KEY_LEN + 1]);

/* What the server must answer to key. */
void wshake_accept(const char *key, char accept[WSHAKE_ACCEPT_LEN + 1]);

/*
 * Add the request to out, a buf with a cap of WSHAKE_REQUEST_MAX; wipe it
 * after use, it holds the token.  78 if a part holds a control character
 * or does not fit.
 */
int wshake_request(struct buf *out, const struct wshake_request *request,
    struct err *err);

/* wall_ms: now, which a Retry-After date is measured from. */
void wshake_init(struct wshake *w, const char *key, int64_t wall_ms);
void wshake_free(struct wshake *w);

/*
 * Take the next len bytes; *used is how many belonged to the reply.  The
 * result is final once it is not MORE.  REFUSED fills err with a sentence
 * (status, phrase, excerpt) and a code: 401 and 403 are 77, 404, 405 and
 * 410 are 78, all others 69.
 */
enum wshake_result wshake_feed(struct wshake *w, const void *bytes,
    size_t len, size_t *used, struct err *err);

/* Is it a refusal of which only the body, for an excerpt, is to come? */
bool wshake_is_refusal(const struct wshake *w);

/* The stream ended, or there is no time left: REFUSED if the head was
 * complete, else FAILED. */
enum wshake_result wshake_end(struct wshake *w, struct err *err);

#endif
