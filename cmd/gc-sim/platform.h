/*
 * --protocol channels: the org as the public platform shows it.
 *
 * people.c    who has which routing status, presence and active queues
 * members.c   who is there, and in which queues
 * bodies.c    the same as JSON: frames' bodies, REST's entities
 * topics.c    what a channel may be subscribed to
 * channels.c  channels: their begin, limits, sockets and end
 * notify.c    what is told on them
 * routes.c    REST's paths, and what all answers have in common
 * pages.c     lists that come in pages
 * rest_channels.c, rest_users.c, rest_groups.c  the answers
 *
 * The agents, queues and teams are org.c's: the same seed gives the same
 * ones in both protocols.
 */
#ifndef GC_SIM_PLATFORM_H
#define GC_SIM_PLATFORM_H

#include "cmd/gc-sim/http.h"
#include "cmd/gc-sim/sim.h"

#define CHANNELS_PATH "/channels/"	/* of connectUri */
#define CHANNEL_ID_LEN 48
#define CHANNEL_TOPICS_MAX 1000
#define CHANNELS_MAX 20		/* a client's, or a user's with it */
#define TOPIC_LEN_MAX 200

/* --- people ------------------------------------------------------------- */

/* The parts of an agent's state, each with a time of its own. */
enum { CHANGED_ROUTING = 1, CHANGED_PRESENCE = 2, CHANGED_QUEUES = 4,
    CHANGED_ALL = 7 };

struct person {
	char name[48];
	int routing, previous;		/* previous -1: none */
	int presence;			/* which definition */
	unsigned active;		/* bit t: the queue of tiers[t] */
	int64_t routing_ms, presence_ms, queues_ms;
	bool inactive;			/* no user any more */
};

struct definition {
	char id[ID_LEN + 1];
	const char *label;
	int system;			/* system presence */
	bool primary;
};

#define DEFINITIONS 15

struct people {
	struct rng rng;
	struct person *all;		/* as org.agents */
	struct definition definitions[DEFINITIONS];
	char org_id[ID_LEN + 1];
};

void people_init(struct sim *s, int64_t wall_ms);
void people_free(struct sim *s);
struct person *people_of(const struct sim *s, const struct sim_agent *a);

/* A random change, of this agent or of a random one; *parts says of what.
 * NULL if there is nobody. */
struct sim_agent *people_change(struct sim *s, struct sim_agent *who,
    unsigned *parts);
void people_truth(const struct sim *s, struct buf *out);

/* Somebody joins or leaves a queue (-1: any); the agent, or NULL.  *queue
 * is which; *parts what of the agent changes with it, or 0. */
struct sim_agent *people_join(struct sim *s, int *queue, unsigned *parts);
struct sim_agent *people_leave(struct sim *s, int *queue, unsigned *parts);
/* Somebody ceases to be a user, or is one again. */
struct sim_agent *people_activate(struct sim *s, bool active);

/* The queues that are active are others: CHANGED_QUEUES. */
unsigned people_set_active(struct sim *s, struct person *who, unsigned active);
/* The bit of the queue among the agent's; 0: no member. */
unsigned people_bit(const struct sim_agent *a, int queue);

const char *people_routing_name(int routing);
/* ON_QUEUE as events have it, "On Queue" as users do, OnQueue. */
enum spelling { SPELT_EVENT, SPELT_USER, SPELT_DEFINITION };
const char *people_system_name(int system, enum spelling how);

/* --- bodies ------------------------------------------------------------- */

/* of_time: with modifiedDate; parts: those that it tells. */
void body_activity(const struct sim *s, const struct sim_agent *a,
    unsigned parts, bool of_time, struct buf *out);
void body_presence(const struct sim *s, const struct sim_agent *a,
    bool of_time, struct buf *out);
/* What another source than the platform says. */
void body_secondary(const struct sim *s, int definition, struct buf *out);
void body_routing(const struct sim *s, const struct sim_agent *a,
    struct buf *out);
void body_user_routing(const struct sim *s, const struct sim_agent *a,
    struct buf *out);
/* in_bulk: with whose it is */
void body_user_presence(const struct sim *s, const struct sim_agent *a,
    bool in_bulk, struct buf *out);

/* --- channels ----------------------------------------------------------- */

enum { TOPIC_ACTIVITY = 1, TOPIC_PRESENCE = 2, TOPIC_ROUTING = 4,
    TOPIC_MEMBERS = 8 };

struct topic {
	char *id;
	size_t agent;		/* whose; SIZE_MAX: nobody's */
	int queue;		/* -1: none */
	unsigned kinds;
	const char *rejected;	/* why; NULL: permitted */
	const char *missing;	/* the permission, if that is why */
};

struct channel {
	struct channel *next;
	char id[CHANNEL_ID_LEN + 1];
	unsigned number;	/* as sim: lines have it */
	int owner;
	uint64_t token;		/* the serial of the one it was made with */
	int64_t token_end_ms;
	int64_t end_ms;
	uint64_t used;		/* the lowest is evicted */
	struct conn *conn;	/* or NULL */
	struct topic *topics;	/* by agent, then id */
	size_t count;
};

/* A list of topics that is being read. */
struct topics {
	struct topic *items;
	size_t count;
	size_t rejected;
	const char *wrong;	/* no topics at all: why */
};

/* {"id":…} objects, or with `bare` strings, in JSON; each once. */
struct topics topics_read(const struct sim *s, const char *text, size_t len,
    bool bare);
void topics_free(struct topics *t);
/* Those of `more` that `t` has not are moved to it. */
void topics_merge(struct topics *t, struct topics *more);
void topics_remove(struct topics *t, const struct topics *which);
void topic_add(const struct topic *t, struct buf *out);

/* NULL if there is none, or none that this owner (-1: anyone) may see. */
struct channel *channel_find(struct sim *s, const char *id, int owner);
struct channel *channel_new(struct sim *s, const struct sim_token *token);
int64_t channel_life_ms(const struct sim *s);
/* The new list takes the old one's place; its life begins anew.  False if
 * it is too long: nothing is done. */
bool channel_subscribe(struct sim *s, struct channel *ch, struct topics *t);
/* A socket is open: the one before is disconnected. */
void channel_connect(struct sim *s, struct channel *ch, struct conn *c);
void channel_disconnect(struct sim *s, struct conn *c);
void channels_evict(struct sim *s, uint64_t n);
int64_t channels_tick(struct sim *s);
void channels_free(struct sim *s);
/* Those of that token, or of all (0), are told so and end. */
void channels_revoke(struct sim *s, uint64_t token);

/* --- notices ------------------------------------------------------------ */

/* Tell everyone who subscribed to it of what has changed. */
void notify_change(struct sim *s, const struct sim_agent *a, unsigned parts);
void notify_member(struct sim *s, const struct sim_agent *a, int queue,
    bool joined);
/* System messages, on one channel's socket. */
void notify_system(struct sim *s, const struct channel *ch, const char *type,
    const char *reason);
/* If it is due; from then on it is due again. */
void notify_heartbeat(struct sim *s, struct conn *c);
/* The socket is to be closed so much later; 0: as the fault says. */
void notify_closing(struct sim *s, struct conn *c, uint64_t grace_ms);
void notify_closing_all(struct sim *s, uint64_t grace_ms);
/* What a client says on its socket. */
void notify_heard(struct sim *s, struct conn *c, const char *text,
    size_t len);

/* --- REST --------------------------------------------------------------- */

/* A request that is being answered, the lock held. */
struct ask {
	struct sim *s;
	struct MHD_Connection *c;
	const char *path;
	const struct buf *body;
	const struct sim_token *token;
	char id[128];		/* what stands in the path for {} */
	struct answer *a;
};

/* An argument of the query; NULL if it is not there. */
const char *ask_value(const struct ask *q, const char *name);
bool ask_is(const struct ask *q, const char *name, const char *value);
/* Is the word one of the argument's, which has commas between? */
bool ask_has(const struct ask *q, const char *name, const char *word);

/* Pages by number: which of total items to show, [from, to). */
struct page { size_t size, number, total, from, to; };
bool page_read(const struct ask *q, size_t otherwise, size_t max,
    struct page *p);	/* false: it has been refused */
void page_cut(struct page *p, size_t total);
/* Behind "entities": size, number, total, addresses. */
void page_end(const struct ask *q, const struct page *p);
void page_uri(const struct ask *q, const char *key, size_t number);

typedef void rest_answer(struct ask *q);
rest_answer rest_channel_new, rest_channel_list, rest_channel_head,
    rest_topics_get, rest_topics_post, rest_topics_put, rest_topics_delete,
    rest_users, rest_user, rest_user_routing, rest_user_presence,
    rest_user_queues, rest_presences, rest_activity, rest_queue, rest_queues,
    rest_queue_members, rest_team, rest_teams, rest_team_members,
    rest_definitions, rest_old_definitions, rest_topics_available,
    rest_token_get,
    rest_token_delete;

/* True if it is one of the platform's paths: then it has been answered. */
bool routes_answer(struct sim *s, struct MHD_Connection *c,
    const char *method, const char *url, const struct buf *body,
    struct answer *a);

#endif
