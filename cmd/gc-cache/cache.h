/*
 * gc-cache: what its parts share.  main has the options, wire the bytes to
 * and from a Redis, conn commands and replies and the way back after a loss,
 * script what is run in the server, batch lines on their way there, put and
 * get the two loops.
 */
#ifndef GC_CACHE_H
#define GC_CACHE_H

#include <hiredis/hiredis.h>

#include "lib/cacheurl.h"
#include "lib/filter.h"
#include "lib/latest.h"
#include "lib/recency.h"
#include "lib/transport.h"

/* --- wire: TCP and TLS by lib/transport, or a local socket -------------- */

struct wire {
	struct transport *transport;	/* or NULL: fd */
	int fd;				/* or -1 */
};

/* Begin to connect, and then transport_step; the codes are those of
 * lib/transport.  A local socket is connected at once. */
int wire_open(struct wire *w, const struct cacheurl *u, const char *cacert,
    int64_t timeout_ms, struct err *e);
size_t wire_interest(struct wire *w, bool want_write, struct pollfd *fds,
    int *timeout_ms);
/* 0: it would block; -1: ended or broken. */
ssize_t wire_recv(struct wire *w, void *bytes, size_t len, struct err *e);
ssize_t wire_send(struct wire *w, const void *bytes, size_t len,
    struct err *e);
void wire_close(struct wire *w);	/* in any state, also of zeroes */

/* --- conn: one connection that comes back ------------------------------- */

enum conn_state { CONN_AWAY, CONN_DIALS, CONN_GREETS, CONN_UP };

#define CONN_FDS TRANSPORT_POLL_MAX
#define CONN_REPLY_MAX (256u << 20)	/* bytes of one reply */
#define CONN_OUT_MAX (64u << 20)	/* bytes that wait to be sent */

struct conn {
	const struct cacheurl *url;
	const char *cacert;
	int64_t timeout_ms;	/* to connect; of silence that is owed words */
	/* What came for a command; NULL: it was lost.  Errors never come. */
	void (*reply)(void *what, const redisReply *r);
	void (*up)(void);	/* greeted: commands may be sent */
	void (*down)(void);	/* once every command was lost */

	enum conn_state state;
	struct wire wire;
	redisReader *reader;
	struct buf out;		/* holds a password at times */
	size_t sent;		/* of out */
	struct asked *first, *last;
	size_t fed;		/* bytes of the reply that is not whole yet */
	bool more;		/* bytes may wait that poll(2) cannot see */
	int64_t now_ms, due_ms, heard_ms, spoke_ms;
	unsigned failures;	/* in a row: see conn_good */
	bool once_up;
	uint64_t ups;
	struct err why;		/* it was lost the last time */
	int fatal;		/* why.code, where there is no going on */
};

void conn_init(struct conn *c, int64_t now_ms);
void conn_free(struct conn *c);

/* What is due: dialling, giving up on silence.  When it is due next. */
int64_t conn_step(struct conn *c, int64_t now_ms);
size_t conn_interest(struct conn *c, struct pollfd *fds, int64_t *due_ms);
/* After poll(2): send and receive, as far as it goes without waiting. */
void conn_serve(struct conn *c, int64_t now_ms);
/* Send what was asked since, as far as it goes. */
void conn_push(struct conn *c);

/* A command, once it is up; what comes back with its reply. */
void conn_ask(struct conn *c, void *what, int argc, const char **argv,
    const size_t *lens);

/* It does what it is for: the next loss begins with a short delay. */
void conn_good(struct conn *c);

/* --- script ------------------------------------------------------------- */

extern const char script_write[];

/* --- batch: lines on their way ------------------------------------------ */

#define BATCH_LINES 128
#define BATCH_BYTES (128u << 10)

enum batch_kind {
	BATCH_SET,		/* unless a later one is there */
	BATCH_FILL,		/* only if an earlier one, or none, is there */
	BATCH_GONE,		/* take the agent out */
};

struct batch {
	enum batch_kind kind;
	size_t count, bytes;
	struct {
		size_t number;		/* of struct latest */
		uint32_t version;
		size_t stamp, line, len;	/* where in text */
	} items[BATCH_LINES];
	struct buf text;	/* until it is sent */
};

struct batch *batch_new(enum batch_kind kind);
void batch_del(struct batch *b);
bool batch_is_full(const struct batch *b);
void batch_add(struct batch *b, const struct latest *l, size_t number);
/* Send it to the keys with that prefix; it comes back with the reply. */
void batch_send(struct batch *b, const struct latest *l, const char *prefix,
    struct conn *c);
/* The keys are to end after so long; what comes back with each reply. */
void batch_touch(void *what, int64_t ttl_ms, const char *prefix,
    struct conn *c);

/* --- the tool ----------------------------------------------------------- */

#define DRAIN_MS 60000
#define BUFFER_BYTES (64u << 20)

struct app {
	struct filter filter;
	struct event ev;
	struct cacheurl url;
	struct conn conn;
	struct {
		int64_t ttl_ms, timeout_ms, drain_ms;
		size_t buffer;
		bool strict;
	} opt;
	struct metrics metrics;
	const char *sandbox;
	uint64_t agents;	/* gc:agent lines read, or printed */
	uint64_t written, stale, unwritten, up;
};

extern struct app app;

/* Both return the exit code. */
int put(void);
int get(void);
void put_init(void);
void say_status(void);

#endif
