/*
 * gc-sim: a local Genesys Cloud.  What its files share.
 *
 * main.c   options, the loop, COMMAND
 * org.c    the seeded truth: who is in which status, and what changes
 * fault.c  what goes wrong, by name
 * conn.c   WebSocket connections: subscriptions, frames, faults on them
 * frame.c  RFC 6455's frames, the server's side; independent of lib/
 * front.c  the port and TLS
 * http.c   libmicrohttpd: login, upgrade, REST
 * cert.c   a certificate made at start
 *
 * One lock guards everything: HTTP is served by libmicrohttpd's threads,
 * all else happens in the main thread.  It is held for short computations
 * only, never while waiting.
 */
#ifndef GC_SIM_H
#define GC_SIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/buf.h"
#include "lib/die.h"

#define ID_LEN 36		/* a UUID */
#define TIERS_MAX 4		/* an agent's: the global one, its queues */
#define TEAMS 4
#define STORM_CHANGES 3		/* an agent's, in one storm */
#define TOKENS_MAX 256		/* the oldest are forgotten */
#define TOKEN_LEN 43
#define EVENT_NAME "routing:agents:status:updated"
#define WS_PATH "/api/v2/platform/notification/events"

/* splitmix64: the same seed, the same day. */
struct rng { uint64_t state; };
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);
bool rng_chance(struct rng *r, double p);

/* --- the org ------------------------------------------------------------ */

struct sim_tier {
	int queue;		/* -1: the global tier */
	int status, previous;	/* indices; previous -1: null */
	const char *wrap_up_code;	/* or NULL */
	int64_t at_ms;
};

struct sim_agent {
	char id[ID_LEN + 1];
	int team;
	int tier_count;
	struct sim_tier tiers[TIERS_MAX];	/* [0] is global */
	int64_t storm_ms[STORM_CHANGES];	/* due; 0: none */
};

struct org {
	struct rng rng;
	size_t agent_count;
	int queue_count;
	struct sim_agent *agents;
	char (*queues)[ID_LEN + 1];
	char teams[TEAMS][ID_LEN + 1];
	uint64_t changes;
};

void org_init(struct org *o, uint64_t seed, size_t agents, int queues,
    int64_t wall_ms);
void org_free(struct org *o);

/* A random change of a random agent's tier, or of this one's global tier.
 * Returns the agent; *tier says which. */
struct sim_agent *org_change(struct org *o, struct sim_agent *who,
    int64_t wall_ms, int *tier);

/* The event of the tier's last change, without a newline. */
void org_event(const struct org *o, const struct sim_agent *a, int tier,
    const char *subscription, struct buf *out);

const struct sim_agent *org_find(const struct org *o, const char *id);

/* The REST answer about one agent. */
void org_state(const struct org *o, const struct sim_agent *a,
    struct buf *out);

/* The whole roster, a line an agent, sorted by id. */
void org_truth(const struct org *o, struct buf *out);

/* --- faults ------------------------------------------------------------- */

struct faults {
	double drop, duplicate, reorder, malformed, oversize, binary;
	double fragment, rest_fail, rest_429;
	uint64_t delay_ms, rest_slow_ms;
	uint64_t cut, half_open;	/* every / after N events; 0: never */
	uint64_t close_code, close_every;
	bool no_pong;
	double token_life_s;		/* 0: an hour */
	uint64_t refuse_status, refuse_left, refuse_after_s;
	uint64_t storm_every_ms, storm_ms;
};

/* "drop=0.1"; -1 and a sentence if there is no such fault or value. */
int fault_parse(struct faults *f, const char *text, struct err *e);
const char *fault_help(void);

/* --- frames ------------------------------------------------------------- */

enum { FRAME_MORE = 0x0, FRAME_TEXT = 0x1, FRAME_BINARY = 0x2,
    FRAME_CLOSE = 0x8, FRAME_PING = 0x9, FRAME_PONG = 0xa };
#define FRAME_IN_MAX (64 << 10)	/* what clients send is small */

void frame_add(struct buf *out, bool fin, int opcode, const void *bytes,
    size_t len);

/* The first whole frame in in[0..len): its size, 0 if more is needed, -1 if
 * it breaks RFC 6455.  The payload is unmasked in place. */
long frame_parse(char *in, size_t len, bool *fin, int *opcode,
    char **payload, size_t *payload_len);

/* Sec-WebSocket-Accept for a key. */
void frame_accept(const char *key, char accept[29]);

/* --- connections -------------------------------------------------------- */

struct MHD_UpgradeResponseHandle;
struct sim;

void conn_add(struct sim *s, int fd, struct MHD_UpgradeResponseHandle *urh,
    int64_t token_end_ms);		/* from any thread, lock held */
/* Tell everyone who subscribed to it of the tier's change. */
void conns_publish(struct sim *s, const struct sim_agent *a, int tier);
struct pollfd;
size_t conns_interest(struct sim *s, struct pollfd *fds, size_t max);
void conns_serve(struct sim *s, const struct pollfd *fds, size_t n);
int64_t conns_tick(struct sim *s);	/* when it wants to be called next */
void conns_settle(struct sim *s);	/* let out what faults hold back */
void conns_close(struct sim *s, int code);

/* --- everything --------------------------------------------------------- */

struct sim_token {
	char text[TOKEN_LEN + 1];
	int64_t end_ms;			/* monotonic */
};

struct totals {
	uint64_t sent, dropped, duplicated, reordered, cuts, opens, refused;
	uint64_t tokens, rest, rest_401, rest_404, rest_429, rest_5xx;
};

struct conn;
struct front;

struct sim {
	pthread_mutex_t lock;
	int wake[2];			/* a byte: look again */
	struct org org;
	struct faults faults;
	struct rng luck;		/* of faults: apart from the org's */
	struct conn *conns;
	struct sim_token tokens[TOKENS_MAX];
	size_t token_next;
	struct totals totals;
	bool started;			/* somebody has subscribed */
	bool quiet;
	bool closed;			/* no more connections are taken */
	uint64_t events_max;		/* 0: for ever */
	const char *client_id;
	char client_secret[TOKEN_LEN + 1];
	FILE *log;			/* sim: lines go there */
	struct front *front;
	int64_t now_ms, wall_ms;
};

/* One sim: line: sim_say(s, "open", "\"a\":%d", 1). */
void sim_say(struct sim *s, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void sim_random_text(struct sim *s, char *to, size_t len);

/* http.c */
struct MHD_Daemon;
struct MHD_Daemon *http_start(struct sim *s, struct err *e);

/* front.c: connections for the daemon; TLS if there is a certificate (PEM). */
struct front *front_start(struct MHD_Daemon *d, uint16_t port,
    const char *cert, const char *key, struct err *e);
uint16_t front_port(const struct front *f);
/* This connection (libmicrohttpd's fd) is to end as if it were cut. */
void front_cut(struct front *f, int http_fd);
void front_deafen(struct front *f);	/* no new connections */
void front_stop(struct front *f);	/* once the daemon has ended */

/* cert.c: PEM texts, yours. */
int cert_make(char **cert, char **key, struct err *e);

#endif
