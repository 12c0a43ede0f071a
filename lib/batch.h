/*
 * The text of a journal: lines in batches, each with its sum.  Pure: texts
 * in, texts out; lib/journal keeps them in a file.  CONTRACT section 6, "A
 * journal".
 *
 *	{"event":"gc:journal","version":1,"kind":"roster"}	the first line
 *	...						a batch: lines
 *	{"event":"gc:commit","at":…,"lines":N,"crc32":"xxxxxxxx"}
 *
 * The sum (CRC-32 as in zlib) is over the batch's bytes, newlines included,
 * from behind the commit or the first line before it.  A line is a commit
 * only if it begins as it does here.
 */
#ifndef GC_BATCH_H
#define GC_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/die.h"

/* Called with each committed line, without its newline (which is behind
 * it).  A reason (a constant) refuses the line: the text is then damaged. */
typedef const char *batch_reader(void *arg, const char *line, size_t len);

struct batch_text {
	const char *path, *kind;	/* what to call it, what it must be */
	batch_reader *reader;
	void *arg;
	size_t good;		/* found: the end of the last whole batch, */
	size_t last;		/* its beginning, */
	uint64_t lines;		/* and how many there are, commits apart */
};

/*
 * Read a text that is not empty.  What stands behind good is a torn tail:
 * lines after the last commit, or a last batch that fails its sum.  A bad
 * sum before that, more lines before a commit than it counts, another kind
 * and another version are 65, with the place named.
 */
int batch_read(struct batch_text *t, const char *text, size_t len,
    struct err *e);

/* Add a journal's first line; the commit of a batch. */
void batch_header(struct buf *out, const char *kind);
void batch_commit(struct buf *out, uint64_t lines, uint32_t crc,
    int64_t wall_ms);

/* CRC-32 (IEEE 802.3, as zlib's crc32): start with 0. */
uint32_t batch_crc32(uint32_t crc, const void *bytes, size_t len);

#endif
