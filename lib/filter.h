/*
 * What every filter of the suite does the same: stdin to lines, signals,
 * rejects, flushing, a reader that goes away, metrics.  The tool owns one
 * line; this owns the turn of the loop.  CONTRACT sections 2 and 3.
 *
 *	filter_open(&f, strict, metrics, &err);
 *	while (filter_wait(&f, deadline, extra, n))
 *		while (filter_line(&f, &line, &len, &raw))
 *			...	filter_reject(&f, "reason") or filter_put()
 *	return filter_close(&f);
 *
 * stdout ends the process where a write fails: by SIGPIPE, or with 74; after
 * a signal also where its reader takes nothing for FILTER_STOP_MS.  However
 * the process ends, before_exit is called first, so that what is held is let
 * out or made durable, and the metrics are written.
 */
#ifndef GC_FILTER_H
#define GC_FILTER_H

#include <poll.h>
#include <stdbool.h>

#include "lib/metrics.h"
#include "lib/ndjson.h"
#include "lib/sigs.h"

#define FILTER_FDS 3		/* stdin, signals, stdout */
#define FILTER_REASONS 32	/* kinds of rejects told apart */
#define FILTER_QUIET_MS 200	/* after a signal: input this quiet ends */
#define FILTER_STOP_MS 5000	/* after a signal: at most this long */

struct filter_reason {
	const char *text;	/* compared as text; borrowed for ever */
	uint64_t count, told;
	int64_t told_ms;
};

struct filter {
	struct ndjson_in in;
	const char *name;	/* of the input, for people; "stdin" */
	struct ndjson_out out;
	struct sigs sigs;
	int sigs_fd;
	bool strict;
	bool quiet;		/* rejects are told by filter_close alone */
	bool readable;		/* stdin had something at the last wait */
	bool input_done;	/* no more lines will come */
	bool end_told;		/* and filter_wait said so */
	int64_t now_ms;		/* monotonic, of this turn */
	int64_t stop_ms;	/* when the first TERM came, or 0 */
	int64_t heard_ms;	/* when input last came */
	uint64_t lines, rejected;
	struct filter_reason reasons[FILTER_REASONS];
	struct metrics metrics;
	void (*before_exit)(void);	/* NULL: nothing is held */
	bool ending;		/* before_exit was called, or is */
	bool woken;		/* a signal came while stdout was waited for */
};

int filter_open(struct filter *f, bool strict, const struct metrics *m,
    struct err *e);

/*
 * One turn: flush if nothing more is there at the moment, wait until input,
 * a signal, one of the n extra descriptors (revents are set) or the
 * deadline (monotonic ms, CLOCK_NEVER for none), and read.  False when the
 * input has ended and every line was taken.  Check sigs.status and
 * sigs.child after it and clear them.
 */
bool filter_wait(struct filter *f, int64_t deadline_ms, struct pollfd *extra,
    size_t n);

/* The same in parts, for a tool that waits with another call than poll(2).
 * prepare fills FILTER_FDS entries and returns the timeout in ms; collect
 * reads what came, and returns what filter_wait does. */
int filter_prepare(struct filter *f, int64_t deadline_ms, struct pollfd *fds);
bool filter_collect(struct filter *f, const struct pollfd *fds);

/*
 * A turn that reads nothing, for a tool that holds a line back until its
 * time: flush, and wait until the deadline, a signal or the end of the
 * reader.  The line stays valid.  False once a signal asks us to stop.
 */
bool filter_pause(struct filter *f, int64_t deadline_ms);

/* The next line of this turn; over-long ones are rejected here. */
bool filter_line(struct filter *f, const char **line, size_t *len,
    size_t *raw);

/* Count the line that filter_line gave, and say why: the first of a kind at
 * once, then a count a second at most; with quiet all at filter_close.  With
 * strict: ends with 65. */
void filter_reject(struct filter *f, const char *reason);

/* before_exit, metrics, flush: call it before any die(), and then no other
 * function of these.  Nothing that fails here is said. */
void filter_end(struct filter *f);

void filter_put(struct filter *f, const char *bytes, size_t len);
void filter_flush(struct filter *f);

/* Last words on rejects, metrics, flush and close stdout with its check. */
void filter_close(struct filter *f);

#endif
