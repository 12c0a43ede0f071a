/*
 * gc-reconcile: answer doubts with the truth from REST.  What its files
 * share.
 *
 * main.c    options, the loop, the end
 * ask.c     the questions: one an agent, the urgent first
 * sockets.c channels: the protocol, and which sockets are open
 * queue.c   a heap of questions, by urgency and age or by when they are due
 * fetch.c   transfers by curl_multi
 * judge.c   what each result means
 * user.c    channels: the truth of one user, in up to three answers
 * walk.c    channels: the truth of many, in pages
 * activity.c  channels: active queues, of many at once
 * labels.c  channels: the org's own names of presences
 * answer.c  the lines: gc:state (by a jq program) and gc:unverified
 * token.c   the token command
 * terminal.c  the line for who watches
 */
#ifndef GC_RECONCILE_H
#define GC_RECONCILE_H

#include <curl/curl.h>

#include "lib/asktoken.h"
#include "lib/backoff.h"
#include "lib/config.h"
#include "lib/event.h"
#include "lib/filter.h"
#include "lib/http.h"
#include "lib/json.h"
#include "lib/names.h"
#include "lib/pace.h"
#include "lib/statusline.h"
#include "lib/token.h"

#define JOBS_MAX 256
#define RETRIES_MAX 5
#define URGENCIES 3		/* sequence; start, reconnect; the rest */
#define REASON_MAX 256		/* bytes of a reason that nobody knows */
#define WAIT_TOLD_MS 180000	/* a server that asks for more: it is said */
#define STUCK_MAX 20000		/* agents kept after a gc:unverified */
#define SOCKETS_MAX 64		/* that are told apart */

/* What a transfer asks for. */
enum job_kind {
	JOB_FREE, JOB_STATE,			/* events */
	JOB_USER, JOB_ROUTING, JOB_PRESENCE,	/* channels: one user */
	JOB_PAGE, JOB_LABELS, JOB_ACTIVITY
};

/* A user's answer of which a part is to come. */
struct half {
	enum job_kind missing;
	int64_t fetched_ms;
	size_t len;
	char text[];
};

/* BULK: whole but for the active queues. */
enum ask_state { ASK_IDLE, ASK_READY, ASK_LATER, ASK_BULK, ASK_FLYING };

/* One agent's question.  There may be 100,000: mind its size. */
struct ask {
	struct ask *chain;
	const char *reason;
	char *reason_own;	/* NULL, or reason: an unknown one */
	uint64_t seq;		/* of the latest gap */
	uint64_t sent_seq;	/* of the one that flies */
	uint64_t serial;	/* its age: the order among equals */
	int64_t due_ms;		/* not before */
	uint64_t turn;		/* pages sent when it was asked */
	struct half *half;	/* or NULL */
	uint32_t hash;
	uint32_t place;		/* in its queue */
	uint32_t user_id_len;
	uint8_t state;		/* enum ask_state */
	uint8_t urgency;
	uint8_t retries;
	bool again;		/* asked anew while it flew */
	bool passed;		/* a newer gc:agent went by while it flew */
	bool unverified;	/* its last answer was none */
	bool alone;		/* no page will answer it */
	bool fresh;		/* by a new connection: the last one broke */
	char user_id[];		/* with a NUL behind */
};

struct queue {
	struct ask **heap;
	size_t count, room;
	bool (*before)(const struct ask *a, const struct ask *b);
};

struct job {
	enum job_kind kind;
	struct ask *ask;	/* NULL: of none */
	CURL *easy;
	struct http_reply reply;
	struct curl_slist *headers;
	char *cacert;		/* its own: a HUP may change the setting */
	bool on_wire;		/* the request has been sent */
	uint64_t token_number;	/* of the token that it was sent with */
	uint64_t hold_number;	/* app's when it was sent */
	int64_t fetched_ms;	/* wall: when it was sent */
	char *reason;		/* the question's at that time */
};

/* What a gc:state line is made of. */
struct answer {
	struct ask *ask;
	uint64_t seq;
	const char *reason;
	int64_t fetched_ms;
	const char *text;	/* what the map reads */
	size_t len;
};

/* The list of users, page by page, round and round while it is worth it. */
struct walk {
	bool on, all;		/* all: everyone is answered, asked or not */
	bool none;		/* the client may not */
	bool flying;
	bool held;		/* it is worth it, but not yet */
	int64_t held_ms;	/* since when */
	uint64_t size, number;	/* of the next page */
	uint64_t pages, total;	/* 0: not known yet */
	uint64_t sent;		/* pages so far */
	unsigned retries, rounds;
	int64_t due_ms;
	struct names seen;	/* all: whose state was told */
	struct buf id;
};

/* The active queues of those who wait in bulk. */
struct activity {
	bool none;		/* the client may not */
	bool granted;		/* it may */
	bool flying;
	size_t size;		/* users in one request, at most */
	struct ask **batch;	/* who flies, in the request's order; NULL:
				 * told already */
	size_t count;
	struct buf body;	/* of the request */
	unsigned retries;
	int64_t due_ms;
	int64_t off_ms;		/* it failed: nobody waits for it before */
};

/* What gc:open, gc:closed and gc:failover tell. */
struct sockets {
	bool told;		/* of the protocol: the setting is none */
	uint64_t count;		/* at most SOCKETS_MAX */
	bool settled[SOCKETS_MAX];	/* open, or not to be waited for */
	int64_t opened_ms;	/* when the last one was */
};

struct terminal {
	struct statusline line;
	struct gauge_word doing;
	struct gauge answers;
};

struct label {
	char *id, *text;
};

struct labels {
	struct label *all;
	size_t count;
	bool flying, old;	/* old: from the older list, in pages */
	uint64_t number;
	int64_t due_ms;		/* CLOCK_NEVER: known */
	int64_t read_ms;	/* when they were last asked for */
};

struct options {
	uint64_t jobs, rate;
	int64_t timeout_ms, drain_ms;
	struct backoff backoff;
	const char *map;
	bool all, line, strict;
	const char *metrics;
};

struct app {
	struct options opt;
	struct config config;
	struct filter filter;
	struct event ev, check;
	struct pace pace;
	int64_t now_ms;
	bool channels;		/* the protocol that is spoken */
	struct sockets sockets;
	int64_t gap_ms;		/* when the last question came */

	struct ask **slots;
	size_t slot_count, ask_count;
	struct queue ready, later;	/* by order; by due_ms */
	struct queue bulk;	/* by order */
	size_t plain;		/* of ready, those that a page may answer */
	uint64_t hash_key, serial;
	size_t open;		/* waiting or flying */
	uint64_t stuck;		/* asks whose last answer was none */
	bool stuck_forgotten;	/* and there were more than STUCK_MAX */

	CURLM *multi;
	bool renew;		/* it: its connections and trust are old */
	struct job jobs[JOBS_MAX];
	size_t flying;
	uint64_t pace_rate;	/* ours, or less where the server says so */
	struct walk walk;
	struct activity activity;
	struct labels labels;
	bool hold_input;	/* --all: no line yet */
	bool input_waits;	/* and there is one, or the end */
	bool too_long;		/* the server wants more time than we have */
	int all_code;		/* why --all failed, or 0 */
	bool known_good;	/* a state came: a 404 is believed */
	unsigned holds;		/* 429 and 503 in a row */
	uint64_t hold_number;	/* of the last: tells who flew before it */

	struct token token;
	bool have_token;
	uint64_t token_number;
	struct asktoken asktoken;
	int64_t asked_ms;	/* when it was last started */
	char *refused;		/* issued_at of the one refused, as told */
	int64_t forced_ms;	/* of the last forced renewal; 0: none yet */
	int64_t token_due_ms;	/* the command is not run before */
	unsigned token_failures;
	int fatal;		/* its 77 or 78 */
	bool refused_again;

	struct json_program *map, *check_map;
	struct buf line;
	uint64_t gaps, requests, answers, unverified, retried, throttled;
	uint64_t open_metric;
	const char *sandbox;	/* what is in force */
	struct terminal terminal;
};

/* ask.c */
void asks_init(struct app *app);
void asks_free(struct app *app);
void ask_gap(struct app *app, const struct event *ev);
void ask_passed(struct app *app, const struct event *ev);
struct ask *ask_find(struct app *app, const char *id, size_t len);
/* The API's list names a user whom nobody asked about. */
struct ask *ask_listed(struct app *app, const char *id, size_t len);
void ask_set_alone(struct app *app, struct ask *a);
void ask_keep_half(struct app *app, struct ask *a, struct half *half);
void ask_drop_half(struct ask *a);
struct ask *ask_next(struct app *app, int64_t *due_ms);	/* NULL: none */
void ask_sent(struct app *app, struct ask *a);
void ask_again(struct app *app, struct ask *a, int64_t due_ms);
void ask_done(struct app *app, struct ask *a, bool answered);
struct ask *ask_any_waiting(struct app *app);

/* sockets.c */
void sockets_heed(struct app *app, const struct event *ev);
bool sockets_missing(const struct app *app);	/* some will open soon */

/* queue.c */
void queue_push(struct queue *q, struct ask *a);
void queue_remove(struct queue *q, struct ask *a);
struct ask *queue_first(const struct queue *q);		/* NULL: empty */
void queue_free(struct queue *q);

/* fetch.c */
void fetch_start(struct app *app);
int64_t fetch_some(struct app *app);	/* returns when more may go */
void fetch_take(struct app *app);	/* finished transfers */
void fetch_renew(struct app *app);	/* no old connection or trust */
void fetch_stop(struct app *app);	/* give up what flies */
void fetch_again(struct app *app);	/* all that flies, from the start */
bool fetch_wanted(const struct app *app);	/* is anything to be sent? */

/* judge.c */
void judge(struct app *app, struct job *j, CURLcode result);
void judge_retry(struct app *app, struct job *j, const char *error);
void judge_give_up(struct app *app, struct job *j, const char *error);

/* user.c: the 200 of a JOB_USER, JOB_ROUTING or JOB_PRESENCE. */
void user_answer(struct app *app, struct job *j);
/* One of a page, valid JSON, about the ask: false if it is no answer. */
bool user_listed(struct app *app, const struct answer *an);
/* One that flew for its active queues alone: a JSON object, or NULL. */
void user_whole(struct app *app, struct ask *a, const char *queues);

/* activity.c */
void activity_init(struct app *app);
void activity_free(struct app *app);
bool activity_wanted(const struct app *app);	/* is it worth waiting? */
bool activity_next(struct app *app, int64_t *due_ms);	/* send one? */
void activity_sent(struct app *app);	/* who flies, and the body */
void activity_answer(struct app *app, struct job *j);
void activity_retry(struct app *app, const char *error);
void activity_refused(struct app *app, const struct job *j,
    const char *error, bool too_large);
void activity_again(struct app *app);	/* as if it had not been sent */
void activity_give_up(struct app *app);	/* all who wait are told of */

/* walk.c */
void walk_init(struct app *app);
void walk_free(struct app *app);
void walk_everyone(struct app *app);
bool walk_next(struct app *app, int64_t *due_ms);	/* send a page? */
void walk_sent(struct app *app);
void walk_path(const struct app *app, struct buf *url);
void walk_answer(struct app *app, struct job *j);
void walk_halve(struct app *app, const char *error);	/* too large */
void walk_retry(struct app *app, const char *error);
void walk_again(struct app *app);	/* as if it had not been sent */
void walk_fail(struct app *app, int code, const char *error);
void walk_stop(struct app *app);	/* its page was given up */

/* labels.c */
bool labels_wanted(const struct app *app);
void labels_path(const struct app *app, struct buf *url);
void labels_answer(struct app *app, struct job *j, bool ok);
const char *label_of(struct app *app, const char *id);	/* NULL: unknown */
void labels_free(struct app *app);

/* answer.c */
void answer_start(struct app *app);
void answer_set_map(struct app *app);	/* that of the protocol, or --map */
/* Compile --map anew; -1: it is as before. */
int answer_load_map(struct app *app, struct err *e);
/* 0, or -1 and why the answer is none. */
int answer_state(struct app *app, const struct answer *an, struct err *e);
void answer_gone(struct app *app, const struct answer *an);
void answer_unverified(struct app *app, const struct ask *a, uint64_t seq,
    const char *reason, long http_status, const char *error);
void answer_free(struct app *app);

/* terminal.c */
void terminal_open(struct app *app);
int64_t terminal_tick(struct app *app);	/* when it is due next */
void terminal_close(struct app *app);

/* token.c */
int64_t token_tick(struct app *app);	/* when it wants to be called */
void token_serve(struct app *app);
/* The token that job j used was refused: false if there is no hope. */
bool token_refused(struct app *app, const struct job *j);
void token_drop(struct app *app);	/* another command is to be asked */
void token_stop(struct app *app);	/* no command outlives us */

#endif
