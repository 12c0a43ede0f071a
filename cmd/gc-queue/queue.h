/*
 * gc-queue: lines kept, and handed out once.  What its files share.
 *
 * main.c     options and the table of commands
 * url.c      where the queue is: a scheme's driver, and its parameters
 * put.c      stdin into a queue
 * get.c      a queue to stdout, or through COMMAND and its barriers
 * command.c  COMMAND's life: start, death, restart, end
 * dir*.c     the driver of dir:PATH: looking at it, writing, reading
 * amqp*.c    that of amqp: and amqps:, likewise
 *
 * A driver is a table of functions; put.c and get.c know no other way to a
 * queue.  A stream is what is kept in order: of a dir: there is one, of a
 * broker one a partition, each with a COMMAND of its own.
 */
#ifndef GC_QUEUE_H
#define GC_QUEUE_H

#include "lib/barrier.h"
#include "lib/child.h"
#include "lib/clock.h"
#include "lib/filter.h"
#include "lib/place.h"
#include "lib/route.h"

#define STREAMS_MAX 1000	/* partitions of one queue */
#define DRIVER_FDS 4		/* that a driver waits for */
#define PARAMS_MAX 8

struct app;
struct sandbox;
struct stream;

struct param {
	const char *name, *value;	/* value: decoded */
};

struct url {
	const char *shown;	/* what may be said of it: no password */
	char *scheme, *rest;	/* rest: between ':' and '?' */
	struct param params[PARAMS_MAX];
	size_t count;
};

/* Lines of one stream, whole, and where they end. */
struct chunk {
	struct stream *stream;
	const char *lines;
	size_t len;
	uint64_t count;
	struct barrier_mark end;
};

enum next { NEXT_CHUNK, NEXT_NOTHING, NEXT_END };

struct driver {
	const char *scheme;
	/* names of the parameters that its URL may have, NULL-ended */
	const char *const *params;
	bool network;		/* it speaks to hosts, and has many streams */
	/* check the URL; nothing is opened */
	void (*check)(struct app *app);

	/* --- put: stdin into it */
	void (*put_open)(struct app *app, struct sandbox *box);
	/* is nothing in it yet, and if not, since when is it quiet? */
	bool (*put_is_new)(struct app *app, int64_t *quiet_ms);
	void (*put_line)(struct app *app, const char *line, size_t raw);
	void (*put_flush)(struct app *app);	/* no more at the moment */
	/* true: take no more lines at the moment */
	bool (*put_is_held)(struct app *app);
	bool (*put_is_done)(struct app *app);	/* all is safe */
	int64_t (*put_tick)(struct app *app);	/* when it is due next */
	/* what is not safe at the end, in lines; the exit code for that */
	uint64_t (*put_left)(struct app *app, int *code);
	void (*put_close)(struct app *app);

	/* --- get: out of it */
	void (*get_open)(struct app *app, struct sandbox *box);
	/* up to so many lines of a stream that is command_ready */
	enum next (*get_next)(struct app *app, struct chunk *chunk,
	    uint64_t lines);
	void (*get_ack)(struct app *app, struct stream *s,
	    struct barrier_mark mark);
	void (*get_rewind)(struct app *app, struct stream *s);
	int64_t (*get_tick)(struct app *app);
	bool (*get_close)(struct app *app);	/* false: acks were lost */

	/* --- both: at most DRIVER_FDS to poll */
	size_t (*interest)(struct app *app, struct pollfd *fds);
	void (*serve)(struct app *app, const struct pollfd *fds, size_t n);

	void (*list)(struct app *app);
	void (*trim)(struct app *app);
};

extern const struct driver dir_driver, amqp_driver, amqps_driver;

struct options {
	const char *group, *part, *keep, *forget, *metrics;
	bool follow, strict;
	int sync;		/* enum spool_sync; -1: not given */
	size_t segment;
	uint64_t batch;
	int64_t linger_ms, patience_ms;
};

/* What --keep says; both 0: as long as a group has not read it. */
struct keep {
	uint64_t bytes;
	int64_t ms;
};

struct counts {
	uint64_t lines, bytes;	/* put in, or got out */
	uint64_t batches;	/* put */
	uint64_t acked;		/* barriers, or writes to stdout */
	uint64_t starts;	/* of COMMAND */
	uint64_t holes;		/* lines missing: told in the stream */
	uint64_t failures;	/* of the disk or the broker */
	uint64_t outstanding;	/* barriers on their way; computed */
};

/* One stream of get, and its COMMAND. */
struct stream {
	unsigned number;	/* from 1; GC_PARTITION */
	struct child child;
	struct ndjson_in in;	/* what it prints */
	struct buf half;	/* its last line, which it did not end */
	struct buf out;		/* bytes for its stdin */
	struct barriers barriers;
	uint64_t pending;	/* lines since the last barrier */
	int64_t pending_ms;	/* since when */
	struct barrier_mark given;	/* all up to here was given to it */
	int64_t restart_ms;	/* CLOCK_NEVER: it runs */
	int64_t kill_ms;	/* the next signal then, if it runs */
	unsigned kills, restarts, last_tries;
	pid_t group;		/* that its last COMMAND led, or -1 */
	bool full;		/* lines were refused: too much waits for it */
	bool closing;		/* no more lines: its stdin is closed soon */
	bool leaving;		/* its lines are another worker's from now */
	bool hurried;		/* a signal came to us: its time is short */
	bool finished;
	int exit_code;
};

struct app {
	struct options opt;
	bool putting;
	struct keep keep;
	struct url url;
	const struct driver *driver;
	char *command;		/* COMMAND; NULL: to stdout */
	struct place_name reader;	/* -g and --part */
	struct filter filter;
	struct route route;
	struct counts counts;
	struct stream **streams;
	size_t stream_count;
	bool ended;		/* the queue has no more lines */
	const char *sandbox;	/* what is in force */
	int64_t now_ms, wall_ms;
};

/* main.c */
_Noreturn void queue_die(struct app *app, const struct err *e);
void say_status(struct app *app, const char *what);

/* url.c */
void url_parse(struct app *app, const char *text);
const char *url_param(const struct app *app, const char *name);
void url_free(struct app *app);

/* put.c, get.c: do it; the exit code */
int put_run(struct app *app, const struct metrics *m);
int get_run(struct app *app, const struct metrics *m);

/* get.c */
struct stream *get_stream(struct app *app, unsigned number);
void get_print(struct app *app, const char *line, size_t raw);

/* The lines that say that others are missing: gc:closed, gc:open. */
#define HOLE_SOCKET 1000	/* none of gc-subscribe's */
void hole_lines(struct buf *out, const char *url, const char *reason,
    int64_t quiet_ms, int64_t wall_ms);

/* command.c */
void command_start(struct app *app, struct stream *s);
/* Does it take lines?  One that has none yet is started. */
bool command_ready(struct app *app, struct stream *s);
/* Its lines are another's from now on: it ends, and the next one begins with
 * the next lines.  last: what it was given can still be acknowledged. */
void command_leave(struct app *app, struct stream *s, bool last);
void command_give(struct app *app, const struct chunk *chunk);
size_t command_interest(struct app *app, struct stream *s,
    struct pollfd *fds);
void command_serve(struct app *app, struct stream *s,
    const struct pollfd *fds, bool child);	/* child: one has ended */
int64_t command_tick(struct app *app, struct stream *s);
void command_finish(struct app *app, struct stream *s);
void command_free(struct stream *s);

#endif
