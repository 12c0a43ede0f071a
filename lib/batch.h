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

#include <libdeflate.h>
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

/*
 * The same a piece at a time, for a text that is too long to be held.  text
 * begins where a batch does, and grows behind between the calls; f is zero
 * at first.  Commits are found where they are spelt as batch_commit does.
 * BATCH_MORE: the batch is not there whole.  BATCH_BAD: its sum or its count
 * is wrong, or it is longer than BATCH_MAX; the next may be whole.
 */
#define BATCH_MAX (4 << 20)	/* bytes of a batch in such a text */

enum batch_verdict { BATCH_MORE, BATCH_WHOLE, BATCH_BAD };

struct batch_find {
	size_t at, searched;	/* the line looked at; no newline in it yet */
	uint64_t lines;		/* before it, in this batch */
};

struct batch_found {
	size_t lines_len;	/* of its lines */
	size_t len;		/* and with its commit: the next begins here */
	uint64_t lines;
};

enum batch_verdict batch_find(struct batch_find *f, const char *text,
    size_t len, struct batch_found *found);

/* Add a journal's first line; the same with more members (",\"a\":1"); the
 * commit of a batch. */
void batch_header(struct buf *out, const char *kind);
void batch_header_with(struct buf *out, const char *kind,
    const char *members);
void batch_commit(struct buf *out, uint64_t lines, uint32_t crc,
    int64_t wall_ms);

/* Is it the first line of a journal of this kind?  65 if not, with ENOTSUP in
 * errno where a newer version wrote it. */
int batch_check_header(const char *path, const char *kind, const char *line,
    size_t len, struct err *e);

/* For --version.  The "v" is for lintian, which takes the words without it
 * for a copy of zlib. */
#define BATCH_LIBRARY "libdeflate v" LIBDEFLATE_VERSION_STRING

/* CRC-32 (IEEE 802.3, as zlib's crc32): start with 0. */
uint32_t batch_crc32(uint32_t crc, const void *bytes, size_t len);

#endif
