/*
 * gc-reduce: events to the two-tier roster.  What its files share.
 *
 * main.c     options, the loop, status, snapshot
 * fold.c     a line of the stream into the roster
 * doubt.c    who is doubted, when, and when to ask anew
 * loop.c     -r COMMAND: questions out, answers in
 * command.c  its life: start, death, restart, end
 * store.c    -s FILE: the roster's journal
 * terminal.c the line for who watches
 */
#ifndef GC_REDUCE_H
#define GC_REDUCE_H

#include "lib/child.h"
#include "lib/event.h"
#include "lib/filter.h"
#include "lib/journal.h"
#include "lib/record.h"
#include "lib/roster.h"
#include "lib/sight.h"
#include "lib/statusline.h"

#define SOCKETS_MAX 64		/* sockets whose failover is told apart */
#define FORWARD_MAX (1 << 20)	/* bytes that wait for COMMAND */
#define OPEN_MAX (FORWARD_MAX / 4)	/* of a gc:open that is kept for it */

struct options {
	bool strict, snapshot, line;
	int64_t interval_ms;	/* -i; 0: at the end only */
	const char *state;	/* -s; NULL: none */
	const char *reconcile;	/* -r; NULL: no loop */
	int64_t poll_ms, audit_ms, drain_ms;
	const char *metrics;
};

struct counts {
	uint64_t events, applied, stale, duplicate, gaps, changes, answers;
	uint64_t agents, doubted;	/* computed when they are asked for */
	uint64_t lag_ms;		/* of the last applied event */
};

TAILQ_HEAD(agent_list, agent);

#define RETRIES_OF_A_KIND 32	/* doubled so often any delay is at its most */
#define RETRIES (2 * RETRIES_OF_A_KIND)	/* after refusals, after failures */

struct doubts {
	struct agent_list waiting;	/* questions not yet handed over */
	/* to be asked anew at again_ms: a list for each delay, so that each
	 * stands in the order of its times */
	struct agent_list retry[RETRIES];
	bool start_due;			/* at the first gc:open: everyone */
	bool failed[SOCKETS_MAX];	/* gc:failover seen, gc:open not yet */
	int64_t poll_due_ms;		/* CLOCK_NEVER: no socket has failed */
	int64_t audit_due_ms;
	size_t audit_next;		/* whose turn it is, in roster.list */
	int64_t audited_ms;
	double audit_budget;		/* agents that may be asked now */
	double audit_looks;		/* and looked at */
};

struct loop {
	bool used;
	struct child child;
	struct ndjson_in in;
	struct buf out;			/* bytes for its stdin */
	struct event ev;
	char *open_lines[SOCKETS_MAX];	/* the last gc:open of each socket */
	int64_t restart_ms;		/* CLOCK_NEVER: it runs */
	int64_t kill_ms;		/* the next signal then, if it runs */
	int64_t end_ms;			/* of its time after the input */
	unsigned kills;			/* signals that it got from us */
	unsigned restarts;		/* in a row */
	unsigned last_tries;		/* restarts after the end of input */
	bool finishing, finished;
	bool hurried;			/* a signal to us was passed on */
	int exit_code;
	uint64_t dropped;		/* control lines that found no room */
	uint64_t starts, rejected;
};

struct store {
	bool used;
	struct journal journal;
	struct agent **dirty;		/* they differ from what is in it */
	size_t dirty_count, dirty_alloc;
	int64_t due_ms;			/* CLOCK_NEVER: nothing to write */
	uint64_t failures, failures_total;	/* in a row; ever */
	uint64_t rewrite_failures;	/* likewise */
	int64_t rewrite_due_ms;		/* not before, after one */
	bool anew;			/* only a rewriting holds it all */
	struct buf held;		/* barriers that wait for the disk */
	char *last_gone;		/* the line of who went last, or NULL */
};

struct terminal {
	struct statusline line;
	struct sight sight;
	struct take take;
	struct gauge events, answers;
	struct gauge_word connection;
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
	struct terminal terminal;
	struct buf line;		/* what is being printed */
	struct buf detail;		/* of a gap */
	size_t id_at;			/* in an event's line, the user id */
	const char *sandbox;		/* what is in force */
	int64_t now_ms, wall_ms;	/* monotonic, wall; of this turn */
	int64_t snapshot_due_ms;
};

/* main.c */
void print_line(struct app *app);	/* app->line, unless --snapshot */
void print_agent(struct app *app, struct agent *a, bool gone);
void count_agents(struct app *app);

/* fold.c */
void fold_line(struct app *app, const char *line, size_t len, size_t raw);
/* An answer: NULL, or why it is rejected. */
const char *fold_state(struct app *app, struct event *ev);
void forget_agent(struct app *app, struct agent *a);	/* says gone */
const char *fold_journal(void *app, const char *line, size_t len);

/* doubt.c */
void doubts_init(struct app *app);
void doubt_agent(struct app *app, struct agent *a, enum ask_reason reason);
void doubt_everyone(struct app *app, enum ask_reason reason);
void doubt_loaded(struct app *app);	/* a state file was opened */
void doubt_open(struct app *app, struct event *ev);
void doubt_failover(struct app *app, uint64_t socket);
/* Print a gap of the agent's seq, and open its question.  detail: what the
 * line says besides, or NULL. */
void doubt_ask(struct app *app, struct agent *a, enum ask_reason reason,
    const char *detail);
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
void loop_finish(struct app *app);	/* the input has ended */
void loop_send(struct app *app);	/* what fits */
void loop_read(struct app *app);	/* what is there */

/* command.c */
void command_start(struct app *app);
int64_t command_tick(struct app *app);	/* signals and restarts when due */
void command_end_in(struct app *app, int64_t ms);	/* unless it ends */
void command_reap(struct app *app);	/* it may have ended */

/* store.c */
void store_open(struct app *app);
void store_mark(struct app *app, struct agent *a);
void store_gone(struct app *app, struct agent *a);
void store_keep_gone(struct app *app, const char *line, size_t len);
int64_t store_tick(struct app *app);
/* Durable now; false if the disk would not (said). */
bool store_commit(struct app *app);
/* Hand a barrier on once what came before it is durable. */
void store_barrier(struct app *app, const char *line, size_t raw);
int store_close(struct app *app);	/* 0, or the exit code */

/* terminal.c */
void terminal_open(struct app *app);
/* A control line came. */
void terminal_control(struct app *app, const char *line, size_t len);
int64_t terminal_tick(struct app *app);
void terminal_close(struct app *app);

#endif
