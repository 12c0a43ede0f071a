/*
 * gc-subscribe: keep one authenticated WebSocket alive; print what arrives.
 * What its files share.
 *
 * main.c     options, the loop's turn, the end
 * start.c    what is opened at the start
 * connect.c  the session's actions: what makes and ends a connection
 * token.c    the token command
 * wire.c     bytes to and fro
 * stream.c   frames to lines; control lines; liveness
 * lines.c    how lines are made
 * output.c   lines to stdout, which never blocks the rest
 * report.c   status, metrics, notes
 * terminal.c the line for who watches
 *
 * The channels protocol has its own sessions and sockets: see fleet.h.
 */
#ifndef GC_SUBSCRIBE_H
#define GC_SUBSCRIBE_H

#include "lib/asktoken.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/metrics.h"
#include "lib/opts.h"
#include "lib/registry.h"
#include "lib/ring.h"
#include "lib/scan.h"
#include "lib/session.h"
#include "lib/sigs.h"
#include "lib/statusline.h"
#include "lib/token.h"
#include "lib/transport.h"
#include "lib/websocket.h"
#include "lib/wshake.h"

#define SUBSCRIPTIONS_MAX 64	/* ids whose frames are counted apart */
#define ASKED_MAX 64		/* kinds and statuses of requests, likewise */
#define PINGS_KEPT 1024		/* more than --ping-misses may be */
#define AGENTS_NOTE 500		/* more agents than this want a filter */
#define AGENT_SLOTS 2048
#define REJECTS 16
#define STOP_MS 5000		/* for a stop, a slow reader included */
#define BINARY_REJECT (REJECTS - 1)
#define OURS_REJECT (REJECTS - 2)

struct options {
	struct opt_list filters;
	const char *subscriptions;	/* -S */
	const char *name;
	bool resume, give_up, strict, line;
	int64_t ping_interval_ms;
	uint64_t ping_misses;
	struct session_policy policy;
	uint64_t max_attempts;
	int64_t rotate_before_ms;
	size_t buffer;
	int64_t silence_ms, members_ms;	/* channels */
	uint64_t count;			/* -n; 0: no end */
	int64_t duration_ms;		/* -d; 0: no end */
	uint64_t ready_fd;		/* --ready; 0: none */
};

struct reject {
	uint64_t count, told;
	int64_t told_ms;
};

struct subscription {
	struct buf id;
	char *metric;		/* its name there */
	uint64_t frames, last;	/* how many; the frame that was the last */
};

/* Requests of a kind that were answered so. */
struct asked {
	const char *kind;	/* one literal each */
	long status;		/* 0: no answer came */
	char metric[96];
	uint64_t count;
};

struct output {
	int fd;
	bool nonblocking;	/* else PIPE_BUF a time */
	bool socket;
	struct buf buf;
	size_t at;		/* written so far */
	size_t hole_from, hole_to;	/* where buf tells of a hole */
	uint64_t hole_lost;
	int error;
};

struct terminal {
	struct statusline line;
	struct gauge events;
	struct gauge_word connection;
};

struct fleet;

struct app {
	struct options opt;
	struct fleet *fleet;	/* channels; NULL: the events protocol */
	struct config config;
	struct registry registry;
	char *lock_path, *registry_path;
	char *scope;		/* the payloads' filter, as JSON */
	char *shown_url;	/* without what may be a secret */
	struct transport_target target;
	struct sigs sigs;
	int sigs_fd;

	enum session_state state;
	struct session_tries tries;
	struct token token;
	char *refused_token;	/* its issued_at as told, or NULL */
	bool renewed_once;	/* for a 401 */
	bool counted;		/* this connect is an attempt */
	struct asktoken asktoken;
	struct transport *transport;
	struct wshake shake;
	bool shaking;
	struct buf request;
	size_t request_at;
	struct websocket *ws;

	/* deadlines, monotonic; CLOCK_NEVER where there is none */
	int64_t now_ms, retry_ms, rotate_ms, close_ms, ping_ms, stop_ms;
	int64_t healthy_ms, upgrade_ms;
	int64_t linger_ms;	/* a write failed: read on until then */
	int64_t end_ms;		/* of all that a stop may take */
	/* pings of this socket: how many, the last answered, when each went */
	uint64_t ping_sent, ping_answered;
	int64_t ping_at_ms[PINGS_KEPT];
	bool more_to_read;
	bool opened_ever, is_open, rotating;
	bool ready_told;
	int64_t closed_ms;	/* when the last open socket was lost */
	int64_t retry_after_ms;
	const char *sandbox;	/* what is in force */
	struct err lost;	/* why the connection is going */
	/* what a gc:closed will say */
	unsigned close_code;	/* 0: null */
	char close_reason[128];
	const char *close_by;

	struct ring ring;
	struct output out;
	bool reader_gone;
	uint64_t taken, printed;	/* event lines in, and out */
	bool no_more;		/* wanted: -n is reached, or --strict's end */
	int exit_code;

	struct terminal terminal;

	/* counts */
	struct metrics metrics;
	struct metric *table;
	size_t table_fixed;	/* rows that are always there */
	uint64_t frames, rejected, opens, drops, failovers, pings, pongs;
	uint64_t connects, ring_bytes, ring_lines;
	uint64_t sockets_open, sockets;	/* computed for the metrics */
	struct reject rejects[REJECTS];
	struct subscription subs[SUBSCRIPTIONS_MAX];
	size_t sub_count;
	uint64_t other_frames;	/* of ids that are no longer held */
	struct asked asked[ASKED_MAX];	/* channels */
	size_t asked_count;
	uint64_t other_asked;
	uint64_t agent_slots[AGENT_SLOTS];
	size_t agent_count;
};

/* main.c */
void turn_signals(struct app *app);

/* start.c: all that needs no network; dies of what people must mend */
void start_all(struct app *app, const char *metrics_path, char **events,
    size_t count);

/* connect.c */
void perform(struct app *app, enum session_event event);	/* step + act */
void lose(struct app *app, const char *by, unsigned code, const char *reason);

/* token.c */
void start_token(struct app *app);
void serve_token(struct app *app);
void token_late(struct app *app);	/* the command does not end */

/* wire.c */
void serve_transport(struct app *app);
void upgrade_late(struct app *app);	/* no answer, or no end of it */

/* stream.c */
struct websocket *stream_new(struct app *app);
void stream_open(struct app *app);	/* replay, gc:open */
void stream_closed(struct app *app, const char *next, int64_t delay_ms);
void stream_hole(struct app *app, const struct ring_hole *hole,
    struct buf *out);
int64_t stream_ping(struct app *app);	/* returns when it is due next */

/*
 * lines.c: the caller adds fields between begin and tell, which closes the
 * line, puts it into the ring and frees it.
 */
void line_init(struct buf *line);
void line_begin(struct buf *line, const char *event, unsigned socket,
    int64_t wall_ms);
void line_closed(struct buf *line, unsigned socket, int64_t wall_ms,
    unsigned code, const char *reason, const char *by, const char *next,
    int64_t delay_ms);
void line_of_frame(struct buf *line, const char *text, size_t len);
void line_frame(struct app *app, const char *text, size_t len);
bool line_is_ours(struct slice event);	/* begins with gc:, however spelt */
void line_push(struct app *app, const char *line, size_t len, bool control);
void line_tell(struct app *app, struct buf *line);
void line_failover(struct app *app, unsigned socket, unsigned attempts);

/* output.c */
int output_open(struct app *app);
bool output_wants(const struct app *app);
void output_serve(struct app *app, short revents);
void output_flush(struct app *app);	/* now, where that cannot block */
/* Where a line is added that goes out next; NULL: it has to wait. */
struct buf *output_straight(struct app *app, bool control);
bool output_empty(const struct app *app);
uint64_t output_left(const struct app *app);	/* lines */

/* report.c */
void report_status(struct app *app);
void report_reject(struct app *app, unsigned kind, const char *reason);
void report_rejects_due(struct app *app, bool all);
void report_asked(struct app *app, const char *kind, long status);
void report_came(struct app *app);	/* a frame, whatever it is */
void report_frame(struct app *app, struct slice id, struct slice user);
void report_start(struct app *app, const char *metrics_path);
void report_ready(struct app *app);

/* terminal.c */
int64_t terminal_due(const struct app *app);
void terminal_tick(struct app *app);

#endif
