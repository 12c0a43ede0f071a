/*
 * Lines made durable in batches: the suite's one durable form.  CONTRACT
 * section 6, "A journal".
 *
 *	{"event":"gc:journal","version":1,"kind":"roster"}	the first line
 *	...						a batch: lines
 *	{"event":"gc:commit","at":…,"lines":N,"crc32":"xxxxxxxx"}
 *
 * The sum (CRC-32 as in zlib) is over the batch's bytes, newlines included,
 * from behind the commit or the first line before it.  A batch is written
 * with its commit by one append and synced: after a crash it is there whole
 * or it is a torn tail, which opening cuts off.
 */
#ifndef GC_JOURNAL_H
#define GC_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/die.h"

#define JOURNAL_BATCH_MAX (1 << 30)	/* bytes of one batch */

struct journal {
	char *path;
	const char *kind;	/* borrowed */
	int fd, lock_fd;
	off_t good;		/* the file's length up to the last commit */
	bool torn;		/* behind good stands a part of a batch */
	struct buf batch;	/* lines not yet committed */
	uint64_t batch_lines;
	uint64_t lines;		/* in the file, commits not counted */
	uint64_t cut_bytes;	/* of a torn tail, at opening */
};

/* Called with each committed line, without its newline.  A reason (a
 * constant) refuses the line: the journal is then damaged. */
typedef const char *journal_reader(void *arg, const char *line, size_t len);

/*
 * Open path, made where it is missing or empty, and read it.  A lock file
 * beside it keeps a second process out (75).  Damage, another kind and a
 * newer version are 65, with the place named and the file left as it is.
 */
int journal_open(struct journal *j, const char *path, const char *kind,
    journal_reader *reader, void *arg, struct err *e);
void journal_close(struct journal *j);

/* Add lines (with their newlines) to the batch that is being made. */
void journal_add(struct journal *j, const char *line, size_t len);

/*
 * Make the batch durable.  -1: nothing of it is in the file, and it is
 * kept for the next try.  An empty batch writes nothing.
 */
int journal_commit(struct journal *j, int64_t wall_ms, struct err *e);

/*
 * Replace everything by these lines, atomically; an empty batch ends it.
 * The batch that was being made is dropped: the lines hold it.
 */
int journal_rewrite(struct journal *j, const struct buf *lines,
    uint64_t count, int64_t wall_ms, struct err *e);

/* CRC-32 (IEEE 802.3, as zlib's crc32): start with 0. */
uint32_t journal_crc32(uint32_t crc, const void *bytes, size_t len);

#endif
