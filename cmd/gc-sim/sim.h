/*
 * gc-sim: a local Genesys Cloud.  What its files share.
 *
 * main.c     options, the loop
 * command.c  COMMAND and its environment
 * folder.c   the folder in which it lives
 * org.c      the seeded truth: who is in which status, and what changes
 * say.c      sim: lines
 * life.c     when it changes: the rate, storms, the quiet after
 * fault.c    what goes wrong, by name
 * script.c   what goes wrong when: --script
 * actions.c  what its steps do
 * conn.c     WebSocket connections: their begin, end, and bytes
 * hear.c     what clients send
 * tell.c     what they are told
 * odd.c      frames that no server should send
 * frame.c    RFC 6455's frames, the server's side; independent of lib/
 * front.c    the port
 * relay.c    one connection's bytes: TLS, and a network that is ill
 * http.c     libmicrohttpd: requests and answers, login
 * upgrade.c  the upgrade to a WebSocket
 * rest.c     the state of an agent
 * cert.c     a certificate made at start
 * platform.h --protocol channels
 *
 * One lock guards everything: HTTP is served by libmicrohttpd's threads,
 * all else happens in the main thread.  It is held for short computations
 * only, never while waiting.  The same seed gives the same org and the same
 * chance: each user of chance has a generator of its own, so that what one
 * draws does not depend on how often another did.
 */
#ifndef GC_SIM_H
#define GC_SIM_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/die.h"

#define ID_LEN 36		/* a UUID */
#define TIERS_MAX 4		/* an agent's: the global one, its queues */
#define TEAMS 4
#define STORM_CHANGES 3		/* an agent's, in one storm */
#define TOKENS_MAX 4096		/* the oldest are forgotten */
#define TOKEN_LEN 43
#define EVENT_NAME "routing:agents:status:updated"
#define API_PATH "/api/v2/"
#define WS_PATH "/api/v2/platform/notification/events"

/* splitmix64: the same seed, the same day. */
struct rng { uint64_t state; };
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);
bool rng_chance(struct rng *r, double p);
struct rng rng_for(uint64_t seed, uint64_t use);	/* independent ones */
void rng_id(struct rng *r, char id[ID_LEN + 1]);

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

/* --- odd frames --------------------------------------------------------- */

#define ODD_KINDS_MAX 32

/* The kind of that name, or -1. */
int odd_find(const char *name);
const char *odd_name(int kind);
void odd_help(struct buf *out);	/* one a line, with what each deserves */

/* A frame of that kind in place of the message's; true if it says good-bye,
 * so that nothing may follow it. */
bool odd_add(struct buf *out, int kind, const struct buf *message);

/* --- faults ------------------------------------------------------------- */

enum protocol { EVENTS, CHANNELS };

struct faults {
	double drop, duplicate, reorder, malformed, oversize, binary;
	double fragment, rest_fail, rest_429, rest_garbage, rest_hang;
	uint64_t delay_ms, rest_slow_ms, slow_upgrade_ms;
	uint64_t rest_429_after_s;
	uint64_t cut, half_open;	/* every / after N events; 0: never */
	uint64_t close_code, close_every;
	uint64_t no_pong;
	uint64_t stall_ms;
	uint64_t token_life_ms;		/* 0: an hour */
	uint64_t refuse_status, refuse_left, refuse_after_s;
	uint64_t no_upgrade_left, tls_stall_left;
	uint64_t storm_every_ms, storm_ms;
	uint64_t odd_every[ODD_KINDS_MAX];

	uint64_t no_refresh, deny_login;

	/* of channels alone: from here on; 0 of a length or limit: the
	 * platform's own */
	double expand_miss, no_modified, no_part, secondary, deny;
	uint64_t channel_life_ms, heartbeat_ms;
	uint64_t rate_limit, page_max;
	uint64_t closing_every, closing_grace_ms, churn_ms;
	uint64_t wfm;
};

/* "drop=0.1"; -1 and a sentence if there is no such fault or value, or not
 * in that protocol. */
int fault_set(struct faults *f, enum protocol p, const char *text,
    struct err *e);
int fault_clear(struct faults *f, enum protocol p, const char *name,
    struct err *e);
const char *fault_help(void);

/* The parts of values, of faults and in scripts: `STATUS:N[:S]`. */
enum part { PART_NONE, PART_FLAG, PART_CHANCE, PART_COUNT, PART_MILLIS,
    PART_SECONDS, PART_SECONDS_MS, PART_STATUS, PART_CODE, PART_ODD };

/* Read into *n (PART_SECONDS_MS: milliseconds); PART_CHANCE: into *p. */
bool part_read(enum part kind, const char *text, uint64_t *n, double *p);

/* --- the script --------------------------------------------------------- */

struct script;
struct sim;

/* NULL and a sentence with file and line if it is not to be understood. */
struct script *script_load(const char *path, enum protocol p, struct err *e);
void script_free(struct script *c);

/* Do what is due so long after the first subscription; returns when it
 * wants to be called next, likewise. */
int64_t script_run(struct script *c, struct sim *s, int64_t after_ms);

/* --- frames ------------------------------------------------------------- */

enum { FRAME_MORE = 0x0, FRAME_TEXT = 0x1, FRAME_BINARY = 0x2,
    FRAME_CLOSE = 0x8, FRAME_PING = 0x9, FRAME_PONG = 0xa };
#define FRAME_IN_MAX (1 << 20)	/* a message from a client */
#define FRAME_TOO_LONG (-2)
#define FRAME_CONTROL_MAX 125

void frame_add(struct buf *out, bool fin, int opcode, const void *bytes,
    size_t len);

/* The first whole frame in in[0..len): its size, 0 if more is needed, -1 if
 * it breaks RFC 6455, FRAME_TOO_LONG.  The payload is unmasked in place. */
long frame_parse(char *in, size_t len, bool *fin, int *opcode,
    char **payload, size_t *payload_len);

/* May the client close with it?  len: of the payload; 0 has no code. */
bool frame_is_close_code(int code, size_t len);

/* Sec-WebSocket-Accept for a key. */
void frame_accept(const char *key, char accept[29]);

/* --- connections -------------------------------------------------------- */

struct MHD_UpgradeResponseHandle;

/* From any thread, lock held.  early: what came behind the request.
 * channel: its id, in that protocol, else "". */
void conn_add(struct sim *s, int fd, struct MHD_UpgradeResponseHandle *urh,
    int64_t token_end_ms, const char *channel, const char *early,
    size_t early_len);
/* Tell everyone who subscribed to it of the tier's change. */
void conns_publish(struct sim *s, const struct sim_agent *a, int tier);
struct pollfd;
size_t conns_interest(struct sim *s, struct pollfd *fds, size_t max);
void conns_serve(struct sim *s, const struct pollfd *fds, size_t n);
int64_t conns_tick(struct sim *s);	/* when it wants to be called next */
size_t conns_count(const struct sim *s);
void conns_settle(struct sim *s);	/* let out what faults hold back */
void conns_end(struct sim *s);		/* with 1001, for good */

/* To all that have subscribed, at once. */
void conns_cut(struct sim *s, const char *why);
void conns_close(struct sim *s, int code);
void conns_half_open(struct sim *s);
void conns_stall(struct sim *s, uint64_t ms);
void conns_odd(struct sim *s, int kind);

/* --- everything --------------------------------------------------------- */

/* Whose limits count: the client's, or those of a user who signed in. */
enum { OWNER_CLIENT, OWNER_USER, OWNERS };

struct sim_token {
	char text[TOKEN_LEN + 1];
	int64_t end_ms;			/* monotonic */
	uint64_t serial;		/* from 1 */
	int owner;
};

struct window {				/* a minute of an owner's requests */
	int64_t end_ms;
	uint64_t count;
};

struct totals {
	uint64_t sent, dropped, duplicated, reordered, odd, cuts, opens;
	uint64_t refused, tokens, rest, rest_401, rest_404, rest_429;
	uint64_t rest_5xx, rest_garbage, rest_hung;
	uint64_t channels, evicted, limited;
};

struct life {
	double rate;			/* changes a second */
	const char *truth;		/* a file, or NULL */
	bool truth_written;
	bool truth_failed;
	double owed;			/* changes that are due */
	int64_t ticked_ms;
	struct rng rng;			/* when storms reach whom */
	int64_t storm_every_ms, storm_due_ms;
	bool storming;			/* somebody's storm_ms is set */
	int64_t churned_ms;		/* somebody came or went */
};

struct conn;
struct front;
struct people;
struct channel;

struct sim {
	pthread_mutex_t lock;
	int wake[2];			/* a byte: look again */
	int ending[2];			/* its writer closed: stop waiting */
	enum protocol protocol;
	struct org org;
	struct people *people;		/* channels: else NULL */
	struct channel *channels;
	uint64_t channel_uses;
	struct window windows[OWNERS];
	char stream_url[64];		/* of connectUri, without its path */
	struct life life;
	struct faults faults;
	uint64_t seed;
	struct rng secrets, rest_luck;
	struct conn *conns;
	LIST_HEAD(, opening) openings;	/* upgrades under way */
	struct sim_token tokens[TOKENS_MAX];
	size_t token_next;
	struct totals totals;
	bool started;			/* somebody has subscribed: */
	int64_t started_ms;		/* then */
	bool quiet;
	bool closed;			/* no more connections are taken */
	int64_t rest_down_ms;		/* REST answers 503 until then */
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

/* say.c: what filters are about; the end's counts; on stderr, for USR1. */
void say_org(struct sim *s);
void say_totals(struct sim *s);
void say_status(struct sim *s);

/* Somebody has subscribed: the org begins to change. */
void life_begin(struct sim *s);
/* The main loop is to look again; from any thread. */
void sim_wake(struct sim *s);

/* life.c */
void life_tick(struct sim *s);
bool life_goes_on(const struct sim *s);	/* will there be changes? */
void life_storm(struct sim *s, uint64_t ms);
/* channels: somebody joins or leaves that queue (-1: any); becomes a user
 * again or is none any more. */
void life_member(struct sim *s, int queue, bool joins);
void life_activate(struct sim *s, bool active);
void life_end(struct sim *s);		/* nothing changes any more */
void life_write_truth(struct sim *s);

/* command.c */
struct urls {
	char api[64], ws[128];
	char cacert[128];		/* "": plain */
};
pid_t command_start(char **argv, const struct sim *s, const char *folder,
    const struct urls *u);
int command_ended(pid_t pid);		/* its exit code, or -1 */

/* folder.c: of our own, in /tmp; removed when this process ends, in any way. */
#define FOLDER_MAX 64
int folder_make(char folder[FOLDER_MAX], struct err *e);
bool folder_remove(const char *folder);	/* true: there is none any more */

/* http.c */
struct MHD_Daemon;
struct MHD_Daemon *http_start(struct sim *s, struct err *e);

/* upgrade.c */
void upgrades_free(struct sim *s);	/* once the daemon has ended */

/* front.c: connections for the daemon; TLS if there is a certificate (PEM).
 * A connection is known by libmicrohttpd's descriptor. */
struct front *front_start(struct sim *s, struct MHD_Daemon *d, uint16_t port,
    const char *cert, const char *key, struct err *e);
uint16_t front_port(const struct front *f);
/* Stop reading from the client, or go on. */
void front_hold(struct front *f, int http_fd, bool hold);
/* It is to end as if it were cut, once libmicrohttpd ends it; what is held
 * is lost. */
void front_cut(struct front *f, int http_fd);
/* Up to the next empty line a byte goes out each ms. */
void front_trickle(struct front *f, int http_fd, uint64_t ms);
void front_deafen(struct front *f);	/* no new connections */
void front_stop(struct front *f);	/* once the daemon has ended */

/* cert.c: PEM texts, yours. */
int cert_make(char **cert, char **key, struct err *e);

#endif
