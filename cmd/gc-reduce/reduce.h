/*
 * gc-reduce: events to the two-tier roster.  What its files share.
 *
 * main.c   options, the loop, status, snapshot
 * fold.c   a line of the stream into the roster
 * doubt.c  who is doubted, when, and when to ask anew
 * loop.c   -r COMMAND: questions out, answers in
 * store.c  -s FILE: the roster's journal
 */
#ifndef GC_REDUCE_H
#define GC_REDUCE_H

#include "lib/child.h"
#include "lib/event.h"
#include "lib/filter.h"
#include "lib/journal.h"
#include "lib/record.h"
#include "lib/roster.h"

#define SOCKETS_MAX 64		/* sockets whose failover is told apart */
#define FORWARD_MAX (1 << 20)	/* bytes that wait for COMMAND */

struct options {
	bool strict, snapshot;
	int64_t interval_ms;	/* -i; 0: at the end only */
	const char *state;	/* -s; NULL: none */
	const char *reconcile;	/* -r; NULL: no loop */
	int64_t poll_ms, audit_ms, drain_ms;
	const char *metrics;
};

struct counts {
	uint64_t events, applied, stale, duplicate, gaps, changes;
	uint64_t agents, doubted;	/* computed when they are asked for */
};

TAILQ_HEAD(agent_list, agent);

struct doubts {
	struct agent_list waiting;	/* questions not yet handed over */
	struct agent_list retry;	/* to be asked anew at again_ms */
	bool start_due;			/* at the first gc:open: everyone */
	bool failed[SOCKETS_MAX];	/* gc:failover seen, gc:open not yet */
	int64_t poll_due_ms;		/* CLOCK_NEVER: no socket has failed */
	int64_t audit_due_ms;
	size_t audit_next;		/* whose turn it is, in roster.list */
	int64_t audited_ms;
	double audit_budget;		/* agents that may be asked now */
};

struct loop {
	bool used;
	struct child child;
	struct ndjson_in in;
	struct buf out;			/* bytes for its stdin */
	struct event ev;
	char *open_lines[SOCKETS_MAX];	/* the last gc:open of each socket */
	int64_t restart_ms;		/* CLOCK_NEVER: it runs */
	int64_t kill_ms;		/* end it by then */
	unsigned restarts;		/* in a row */
	unsigned last_tries;		/* restarts after the end of input */
	bool finishing, finished, stopped_told;
	int exit_code;
	uint64_t dropped;		/* control lines that found no room */
	uint64_t starts, rejected;
};

struct store {
	bool used;
	struct journal journal;
	struct agent_list dirty;
	int64_t due_ms;			/* CLOCK_NEVER: nothing to write */
	uint64_t failures;		/* in a row */
	uint64_t rewrite_failures;	/* likewise */
	int64_t rewrite_due_ms;		/* not before, after one */
	bool anew;			/* only a rewriting holds it all */
	struct buf held;		/* barriers that wait for the disk */
};

struct app {
	struct options opt;
	struct filter filter;
	struct event ev;
	struct roster roster;
	struct counts counts;
	struct doubts doubts;
	struct loop loop;
	struct store store;
	struct buf line;		/* what is being printed */
	const char *sandbox;		/* what is in force */
	int64_t now_ms, wall_ms;	/* monotonic, wall; of this turn */
	int64_t snapshot_due_ms;
};

/* main.c */
void print_line(struct app *app);	/* app->line, unless --snapshot */
void print_agent(struct app *app, struct agent *a, bool gone);

/* fold.c */
void fold_line(struct app *app, const char *line, size_t len, size_t raw);
void fold_state(struct app *app, struct event *ev);	/* an answer */
void forget_agent(struct app *app, struct agent *a);	/* says gone */
const char *fold_journal(void *app, const char *line, size_t len);

/* doubt.c */
void doubts_init(struct app *app);
void doubt_agent(struct app *app, struct agent *a, enum ask_reason reason);
void doubt_everyone(struct app *app, enum ask_reason reason);
void doubt_loaded(struct app *app);	/* a state file was opened */
void doubt_open(struct app *app, struct event *ev);
void doubt_failover(struct app *app, uint64_t socket);
/* Ask what app->line (a gc:gap) asks: print it, and open the question. */
void doubt_ask(struct app *app, struct agent *a, enum ask_reason reason);
void doubt_answered(struct app *app, struct agent *a, uint64_t seq,
    bool refused);
void doubt_unverified(struct app *app, struct agent *a, uint64_t seq);
void doubt_forget(struct app *app, struct agent *a);
void doubt_wait(struct app *app, struct agent *a);	/* queue it again */
/* Raise what is due; returns when it is next. */
int64_t doubt_tick(struct app *app);

/* loop.c */
void loop_start(struct app *app);
void loop_forward(struct app *app, const char *line, size_t raw);
void loop_keep_open(struct app *app, uint64_t socket, const char *line,
    size_t raw);
/* Descriptors to poll; at most 2. */
size_t loop_interest(struct app *app, struct pollfd *fds);
void loop_serve(struct app *app, const struct pollfd *fds, size_t n);
int64_t loop_tick(struct app *app);
void loop_finish(struct app *app);	/* the input has ended */

/* store.c */
void store_open(struct app *app);
void store_mark(struct app *app, struct agent *a);
void store_gone(struct app *app, struct agent *a);
int64_t store_tick(struct app *app);
/* Durable now; false if the disk would not (said). */
bool store_commit(struct app *app);
/* Hand a barrier on once what came before it is durable. */
void store_barrier(struct app *app, const char *line, size_t raw);
int store_close(struct app *app);	/* 0, or the exit code */

#endif
