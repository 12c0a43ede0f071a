/*
 * The channels protocol: up to 19 sockets in one process.  What its files
 * share.  CONTRACT section 9.
 *
 * fleet.c   the whole: the token, membership, changing over, the end
 * loop.c    a turn of the loop
 * wants.c   whose events: what was asked for
 * scope.c   the walk over users, queues and teams
 * link.c    one channel: the actions of its table
 * ask.c     what is asked of the platform about it
 * plug.c    its socket: connecting, bytes to and fro, liveness
 * feed.c    its frames to lines; gc:open and gc:members
 *
 * A slot is a socket's number as the stream tells it.  It has one link, and
 * while it changes over a second one, which takes its place once it is open.
 */
#ifndef GC_FLEET_H
#define GC_FLEET_H

#include <poll.h>
#include <sys/queue.h>

#include "cmd/gc-subscribe/subscribe.h"
#include "lib/channel.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/rest.h"
#include "lib/shard.h"

#define FLEET_FDS_MAX 1024
#define FLEET_WHYS_MAX 16	/* reasons of rejected topics, said once */

struct slot;

/* What a channel carries: topics as they were last put. */
struct carried {
	struct names topics;
	bool *rejected;		/* each of them */
	size_t rejected_count;
};

struct link {
	TAILQ_ENTRY(link) entry;
	struct app *app;
	struct slot *slot;
	enum channel_state state;

	struct platform_channel channel;	/* id NULL: none is known */
	int64_t life_ms;	/* of the channel, when it was new; 0: ? */
	uint64_t token_number;	/* of the token that made it */
	bool put_once;		/* it has topics, to be deleted at the end */
	bool asking, deleting;	/* a request is open */
	bool tried;		/* not its first connect */
	bool dirty;		/* the topics are other ones than were put */
	bool closing;		/* the server will close this socket */
	struct carried sent, carried;	/* being put; put */
	struct buf held;	/* frames from before the PUT's answer */

	struct transport *transport;
	struct transport_target target;
	struct wshake shake;
	bool shaking;
	struct buf request;
	size_t request_at;
	struct websocket *ws;
	bool more_to_read;
	bool gone;		/* a frame says: the channel is not ours */
	const char *broken;	/* or why the socket has to go */
	size_t fd_first, fd_count;	/* in the turn's pollfds */

	/* deadlines, monotonic; CLOCK_NEVER where there is none */
	int64_t retry_ms, step_ms, close_ms, ping_ms, renew_ms, healthy_ms;
	int64_t linger_ms;	/* a write failed: read on until then */
	int64_t switch_ms;	/* a successor that is ready takes over then */
	int64_t settled_ms;	/* changing over is not before that */
	int64_t heard_ms;	/* when anything last came */
	int64_t ping_sent_ms;	/* 0: no pong is awaited */
	unsigned put_failures;

	struct err lost;	/* why it is going */
	bool by_answer;		/* lost is an HTTP answer's */
	int64_t retry_after_ms;
	unsigned close_code;	/* what gc:closed will say; 0: null */
	char close_reason[128];
	const char *close_by;
};

struct slot {
	struct app *app;
	unsigned number;
	struct link *link, *next;
	struct session_tries tries;
	bool is_open, opened_ever, unwanted;
	int64_t closed_ms;	/* when it was last open */
	struct names told;	/* agents that the stream knows of */
	size_t permitted, rejected;
};

enum source_kind { SOURCE_ACTIVE, SOURCE_USER, SOURCE_QUEUE, SOURCE_TEAM };

/* A list of users that is read page by page. */
struct source {
	enum source_kind kind;
	char *id;
	struct names users, found;	/* read last; being read */
	unsigned page_size;
};

/* One subscription: users that are in all of its sources. */
struct want {
	size_t *sources;
	size_t count;
};

struct scope {
	struct source *sources;
	size_t source_count;
	struct want *wants;
	size_t want_count;
	struct names topics;		/* as they were given */
	/* the walk */
	bool walking, known;
	bool elsewhere;			/* who is known is of another place */
	bool halfway;			/* it goes on where a page failed */
	int64_t began_ms;
	size_t at;			/* which source */
	uint64_t page;
	unsigned rounds;		/* of a list that shifts */
	char *cursor;
	int64_t due_ms;			/* when it begins (again) */
	struct session_tries tries;
};

struct fleet {
	struct rest *rest;
	struct scope scope;
	struct shards shards;
	struct slot slots[SHARD_CHANNELS_MAX];
	TAILQ_HEAD(link_list, link) links;
	char *bearer;
	uint64_t token_number;
	bool token_running;
	int64_t token_ms;		/* when to ask for one */
	int64_t token_until_ms;		/* how long its command may run */
	int64_t forced_ms;		/* the last forced renewal; 0: none */
	unsigned token_failures, refusals;
	bool stopping, ready, empty_told, permitted_ever;
	char *whys[FLEET_WHYS_MAX];
	size_t why_count;
	int64_t evicted_told_ms;	/* 0: never */
	struct rest_counts counts;
	uint64_t changes, evictions, renewals;
};

/* loop.c */
void fleet_turn(struct app *app);

/* fleet.c */
void fleet_start(struct app *app);
void fleet_ask_token(struct app *app);
void fleet_reload(struct app *app, bool moved);	/* SIGHUP */
void fleet_manage(struct app *app);	/* change over, give up, look at all */
bool fleet_is_due(const struct fleet *f, const struct link *l);
void fleet_free(struct app *app);
void fleet_status(struct app *app, struct buf *line);
void fleet_token_event(struct app *app, enum session_event event);
void fleet_scope_read(struct app *app);	/* the walk is over */
void fleet_stop(struct app *app, int exit_code);
bool fleet_opened_ever(const struct app *app);

/* The token was refused: one forced renewal a minute; false: already. */
bool fleet_token_refused(struct app *app);

/* link.c */
struct link *link_new(struct slot *slot);
void link_perform(struct link *l, enum channel_event event);
void link_lose(struct link *l, const char *by, unsigned code,
    const char *reason);
void link_ended(struct link *l);	/* in a farewell: is it over? */
void link_move(struct link *l);		/* the platform is another one */
void link_hurry(struct link *l);	/* all has to end soon */
void link_mask(const struct link *l, char *text);
void link_count(struct link *l);	/* its topics are the slot's */
void link_retire(struct link *l);	/* its number is not needed any more */
void link_del(struct link *l);

/* ask.c: each ends in an event of the link's table */
void ask_check(struct link *l);
void ask_create(struct link *l);
void ask_subscribe(struct link *l);
void ask_delete(struct link *l);

/* plug.c */
void plug_connect(struct link *l);
void plug_upgrade(struct link *l);
void plug_serve(struct link *l);
void plug_drain(struct link *l);	/* read what is there */
void plug_write(struct link *l);
void plug_timers(struct link *l);
void plug_drop(struct link *l);
bool plug_wants_write(const struct link *l);

/* feed.c */
bool feed_text(struct link *l, const char *text, size_t len);	/* UTF-8? */
void feed_binary(struct link *l);
void feed_open(struct link *l, int64_t downtime_ms);
void feed_release(struct link *l);	/* what was held goes out */
void feed_members(struct slot *slot, bool opened);
void feed_alive(struct link *l);
void feed_hole(struct app *app, const struct ring_hole *hole,
    struct buf *out);
void carried_free(struct carried *c);

/* wants.c */
void scope_init(struct app *app, bool from_file);
void scope_topics(const struct scope *s, struct names *topics);
void scope_free(struct scope *s);

/* scope.c */
void scope_walk(struct app *app);
void scope_again(struct app *app);	/* at once; what was read is old */

#endif
