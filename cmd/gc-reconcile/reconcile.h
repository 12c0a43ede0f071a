/*
 * gc-reconcile: answer doubts with the truth from REST.  What its files
 * share.
 *
 * main.c    options, the loop, the end
 * ask.c     the questions: one an agent, the urgent first
 * queue.c   a heap of questions, by urgency and age or by when they are due
 * fetch.c   transfers by curl_multi, and what each result means
 * answer.c  the lines: gc:state (by a jq program) and gc:unverified
 * token.c   the token command
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
#include "lib/pace.h"
#include "lib/token.h"

#define JOBS_MAX 256
#define RETRIES_MAX 5
#define URGENCIES 3		/* sequence; start, reconnect; the rest */
#define REASON_MAX 256		/* bytes of a reason that nobody knows */
#define STUCK_MAX 20000		/* agents kept after a gc:unverified */

enum ask_state { ASK_IDLE, ASK_READY, ASK_LATER, ASK_FLYING };

/* One agent's question.  There may be 100,000: mind its size. */
struct ask {
	struct ask *chain;
	const char *reason;
	char *reason_own;	/* NULL, or reason: an unknown one */
	uint64_t seq;		/* of the latest gap */
	uint64_t sent_seq;	/* of the one that flies */
	uint64_t serial;	/* its age: the order among equals */
	int64_t due_ms;		/* not before */
	uint32_t hash;
	uint32_t place;		/* in its queue */
	uint32_t user_id_len;
	uint8_t state;		/* enum ask_state */
	uint8_t urgency;
	uint8_t retries;
	bool again;		/* asked anew while it flew */
	bool passed;		/* a newer gc:agent went by while it flew */
	bool unverified;	/* its last answer was none */
	bool fresh;		/* by a new connection: the last one broke */
	char user_id[];		/* with a NUL behind */
};

struct queue {
	struct ask **heap;
	size_t count, room;
	bool (*before)(const struct ask *a, const struct ask *b);
};

struct job {
	struct ask *ask;	/* NULL: free */
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

struct options {
	uint64_t jobs, rate;
	int64_t timeout_ms, drain_ms;
	struct backoff backoff;
	const char *map;
	bool all, strict;
	const char *metrics;
};

struct app {
	struct options opt;
	struct config config;
	struct filter filter;
	struct event ev, check;
	struct pace pace;
	int64_t now_ms;

	struct ask **slots;
	size_t slot_count, ask_count;
	struct queue ready, later;	/* by order; by due_ms */
	uint64_t hash_key, serial;
	size_t open;		/* waiting or flying */
	uint64_t stuck;		/* asks whose last answer was none */
	bool stuck_forgotten;	/* and there were more than STUCK_MAX */

	CURLM *multi;
	bool renew;		/* it: its connections and trust are old */
	struct job jobs[JOBS_MAX];
	size_t flying;
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
};

/* ask.c */
void asks_init(struct app *app);
void asks_free(struct app *app);
void ask_gap(struct app *app, const struct event *ev);
void ask_passed(struct app *app, const struct event *ev);
struct ask *ask_next(struct app *app, int64_t *due_ms);	/* NULL: none */
void ask_sent(struct app *app, struct ask *a);
void ask_again(struct app *app, struct ask *a, int64_t due_ms);
void ask_done(struct app *app, struct ask *a, bool answered);
struct ask *ask_any_waiting(struct app *app);

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

/* answer.c */
void answer_start(struct app *app);
/* Compile --map anew; -1: it is as before. */
int answer_load_map(struct app *app, struct err *e);
/* 0, or -1 and why the answer is none. */
int answer_state(struct app *app, struct job *j, struct err *e);
void answer_gone(struct app *app, struct job *j);
void answer_unverified(struct app *app, const struct ask *a, uint64_t seq,
    const char *reason, long http_status, const char *error);
void answer_free(struct app *app);

/* token.c */
int64_t token_tick(struct app *app);	/* when it wants to be called */
void token_serve(struct app *app);
/* The token that job j used was refused: false if there is no hope. */
bool token_refused(struct app *app, const struct job *j);
void token_drop(struct app *app);	/* another command is to be asked */
void token_stop(struct app *app);	/* no command outlives us */

#endif
