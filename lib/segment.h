/*
 * The segments of a queue: journals (lib/batch) in one folder, each named by
 * the position of its first byte.  CONTRACT section 10, `dir:PATH`.
 *
 * A position counts the bytes of the queue from its beginning, what was
 * deleted since included, so it names a place for ever: file and offset come
 * from it by a subtraction.  A segment's first line says where it begins:
 *
 *	{"event":"gc:journal","version":1,"kind":"queue","at":…,
 *	 "base":POSITION,"first":LINES BEFORE IT}
 *
 * Reading gives whole batches only, and may follow a writer: what is not
 * there whole is read anew once it may be.
 */
#ifndef GC_SEGMENT_H
#define GC_SEGMENT_H

#include <limits.h>
#include <stdint.h>

#include "lib/batch.h"

#define SEGMENT_KIND "queue"
#define SEGMENT_BLOCK (1 << 18)		/* read at once */
#define SEGMENT_HEADER_MAX 512

/* The segments of a folder, by position. */
struct segments {
	uint64_t *bases;
	size_t count;
};

int segments_list(struct segments *s, const char *folder, struct err *e);
void segments_free(struct segments *s);

/* Which holds the position: the last that begins at or before it; count if
 * none does. */
size_t segments_find(const struct segments *s, uint64_t position);

/* The position in a file's name; -1 if it is no segment's. */
int segment_base(const char *name, uint64_t *base);
int segment_path(char path[PATH_MAX], const char *folder, uint64_t base,
    struct err *e);

void segment_header(struct buf *out, uint64_t base, uint64_t first,
    int64_t wall_ms);

struct segment {
	int fd;			/* -1: none is open */
	uint64_t base, first;	/* as its first line says */
	int64_t made_ms;	/* wall time of its first batch */
	uint64_t at, line;	/* of the next batch, in the queue */
	struct buf text;	/* what was read; the next batch at from */
	size_t from;
	struct batch_find find;
	char path[PATH_MAX];
};

void segment_init(struct segment *s);

/* Open the one that begins at base, behind its first line.  -1: ENOENT in
 * errno where it is gone; 65 where it is no segment, with ENOTSUP where a
 * newer version wrote it. */
int segment_open(struct segment *s, const char *folder, uint64_t base,
    struct err *e);
void segment_close(struct segment *s);		/* safe twice */

/* Go on at a place where a batch begins. */
void segment_seek(struct segment *s, uint64_t at, uint64_t line);

/* The next batch of what was read: BATCH_MORE asks for a segment_fill.  at
 * and line are moved behind it; its lines are at *lines until then. */
enum batch_verdict segment_next(struct segment *s, const char **lines,
    struct batch_found *found);

/* One read: 1 there is more, 0 the file ends here, -1. */
int segment_fill(struct segment *s, struct err *e);

/* What is not a whole batch is forgotten: its writer may write it anew. */
void segment_forget(struct segment *s);

/* Length of the file, or -1. */
int64_t segment_len(const struct segment *s);

#endif
