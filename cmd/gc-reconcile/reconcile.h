/*
 * gc-reconcile: answer doubts with the truth from REST.  What its files
 * share.
 *
 * main.c    options, the loop, the end
 * ask.c     the questions: one an agent, the urgent first
 * fetch.c   transfers by curl_multi, and what each result means
 * answer.c  the lines: gc:state (by a jq program) and gc:unverified
 * token.c   the token command
 */
#ifndef GC_RECONCILE_H
#define GC_RECONCILE_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "lib/backoff.h"
#include "lib/child.h"
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

enum ask_state { ASK_IDLE, ASK_WAITING, ASK_FLYING };

/* One agent's question. */
struct ask {
	char *user_id;
	size_t user_id_len;
	uint64_t hash;
	struct ask *chain;
	enum ask_state state;
	char reason[16];
	int urgency;
	uint64_t seq;		/* of the gap */
	uint64_t passed_seq;	/* of a gc:agent line since it was sent */
	uint64_t sent_passed;	/* passed_seq when it was sent */
	bool again;		/* asked anew while it flew */
	bool unverified;	/* its last answer was none */
	unsigned retries;
	int64_t due_ms;		/* not before */
	TAILQ_ENTRY(ask) link;	/* in its urgency's queue */
};

TAILQ_HEAD(ask_queue, ask);

struct job {
	struct ask *ask;	/* NULL: free */
	CURL *easy;
	struct http_reply reply;
	struct curl_slist *headers;
	uint64_t token_number;	/* of the token that it was sent with */
	uint64_t hold_number;	/* app's when it was sent */
	int64_t fetched_ms;	/* wall: when it was sent */
	uint64_t seq;		/* the question's at that time */
	char reason[16];
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
	struct ask_queue queues[URGENCIES];
	uint64_t hash_key;
	size_t open;		/* waiting or flying */
	uint64_t stuck;		/* asks whose last answer was none */

	CURLM *multi;
	struct job jobs[JOBS_MAX];
	size_t flying;
	bool known_good;	/* a 200 came: a 404 is believed */
	unsigned holds;		/* 429 and 503 in a row */
	uint64_t hold_number;	/* of the last: tells who flew before it */

	struct token token;
	bool have_token;
	uint64_t token_number;
	struct child child;
	struct buf child_out;
	bool child_ended;
	int child_code;
	char *refused;		/* issued_at, for GC_TOKEN_REFUSED */
	int64_t forced_ms;	/* of the last forced renewal; 0: none yet */
	int64_t token_due_ms;	/* the command is not run before */
	unsigned token_failures;
	int fatal;		/* its 77 or 78 */
	bool refused_again;

	struct json_program *map;
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

/* fetch.c */
void fetch_start(struct app *app);
int64_t fetch_some(struct app *app);	/* returns when more may go */
void fetch_take(struct app *app);	/* finished transfers */
void fetch_stop(struct app *app);	/* give up what flies */

/* answer.c */
extern const char answer_program[];
void answer_start(struct app *app);
/* 0, or -1 and why the answer is none. */
int answer_state(struct app *app, struct job *j, struct err *e);
void answer_gone(struct app *app, struct job *j);
void answer_unverified(struct app *app, const struct ask *a, uint64_t seq,
    const char *reason, long http_status, const char *error);

/* token.c */
int64_t token_tick(struct app *app);	/* when it wants to be called */
void token_serve(struct app *app);
/* The token that job j used was refused: false if there is no hope. */
bool token_refused(struct app *app, const struct job *j);

#endif
