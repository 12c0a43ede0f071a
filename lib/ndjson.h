/*
 * Lines in, lines out: newline-delimited JSON over descriptors, in large
 * blocks.  Knows lines, not JSON.  CONTRACT section 2 and 3 (flushing).
 */
#ifndef GC_NDJSON_H
#define GC_NDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define NDJSON_LINE_MAX (1 << 20)	/* bytes without the newline */
#define NDJSON_BLOCK (1 << 17)		/* read and write this much at once */

struct ndjson_in {
	int fd;
	struct buf buf;
	size_t at;		/* the next line begins here */
	size_t searched;	/* no newline before this */
	uint64_t line;		/* number of the line last returned, from 1 */
	bool ended;		/* read(2) said end of file */
	bool skipping;		/* inside a line that is over-long */
};

enum ndjson_got {
	NDJSON_LINE,		/* *line, *len without newline and '\r' */
	NDJSON_LONG,		/* a line over NDJSON_LINE_MAX was skipped */
	NDJSON_MORE,		/* call ndjson_fill first */
	NDJSON_END		/* nothing more will come */
};

void ndjson_in_init(struct ndjson_in *in, int fd);
void ndjson_in_free(struct ndjson_in *in);

/* One read(2): 1 something came, 0 the end, -1 would block or interrupted,
 * -2 failed (errno).  Call it only when ndjson_next said NDJSON_MORE. */
int ndjson_fill(struct ndjson_in *in);

/* The input ends here, though more may come: what has no newline yet is no
 * line, and left. */
void ndjson_leave(struct ndjson_in *in);

/*
 * The next line that is not empty.  raw bytes [line, line + *raw) include
 * the newline ('\n' is added to a last line without one) and a '\r', for
 * whoever hands the line on; *len is what JSON is in.  Valid until the next
 * ndjson_fill.
 */
enum ndjson_got ndjson_next(struct ndjson_in *in, const char **line,
    size_t *len, size_t *raw);

/*
 * Called where fd takes nothing at the moment: wait until it may, or for
 * something else.  1 it may, 0 to be asked again, -1 to give up (errno).
 */
typedef int ndjson_wait(void *arg, int fd);

/*
 * The description behind fd is shared with other processes, so it is never
 * made non-blocking: a pipe is opened anew for ourselves, and into what else
 * can block little is written at a time.  So no write blocks: waiting is
 * done by one's own function, which signals reach.
 */
struct ndjson_out {
	int fd;			/* what is written to */
	int given;		/* the descriptor that we were given */
	bool careful;		/* a large write to it can block */
	ndjson_wait *wait;	/* NULL: as long as it takes */
	void *arg;
	struct buf buf;
	uint64_t lines;		/* written by ndjson_put, ever */
	uint64_t lost;		/* lines that a failure left unwritten */
	int error;		/* errno of the write that failed, or 0 */
};

void ndjson_out_init(struct ndjson_out *out, int fd, ndjson_wait *wait,
    void *arg);
void ndjson_out_free(struct ndjson_out *out);

/* Add whole lines (with their newline).  Written when a block is full;
 * 0, or -1 once a write has failed. */
int ndjson_put(struct ndjson_out *out, const char *bytes, size_t len);

/* Write what is held; 0 or -1. */
int ndjson_flush(struct ndjson_out *out);

/* Flush, and close with a check; 0, or -1 and out->error. */
int ndjson_out_close(struct ndjson_out *out);

#endif
