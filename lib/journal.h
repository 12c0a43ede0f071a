/*
 * Lines made durable in batches: the suite's one durable form.  CONTRACT
 * section 6, "A journal".
 *
 * lib/batch is its text.  A batch is written with its commit in one piece
 * and synced: after a crash it is there whole or it is a torn tail, which
 * opening cuts off.
 *
 * What is durable, and when:
 * - journal_commit says 0 when the batch is on the disk, not before.
 * - After a write or a sync that failed, what came of the batch is cut off,
 *   the cut is synced, and the next try writes every byte anew.  No sync is
 *   asked twice for the same bytes: the kernel may have dropped them at the
 *   first one and say success to the second.
 * - Opening takes a last batch that a killed process may never have synced,
 *   or whose sync failed: it is written once more in its place and synced,
 *   with the folder, before journal_open returns.  Batches before it are
 *   durable, as none is written behind one that is not.
 * - A rewritten file is synced before its renaming and the folder after it.
 *   Where the folder will not, the new file is used, and no commit succeeds
 *   until it has.
 * - A file that was removed or replaced while it was open takes no commit.
 */
#ifndef GC_JOURNAL_H
#define GC_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/batch.h"
#include "lib/buf.h"
#include "lib/die.h"

#define JOURNAL_BATCH_FULL (16 << 20)	/* bytes: time to commit it */
#define JOURNAL_BATCH_MAX (1 << 30)	/* what can wait for a full disk */

struct journal {
	char *path;		/* links followed: they are kept */
	const char *kind;	/* borrowed */
	int fd, lock_fd;
	off_t good;		/* the file's length up to the last commit */
	off_t last;		/* where the last batch begins */
	bool torn;		/* behind good something may stand */
	bool folder_due;	/* its folder must be synced first */
	struct buf batch;	/* lines not yet committed */
	uint64_t batch_lines;
	uint64_t lines;		/* in the file, commits not counted */
	uint64_t cut_bytes;	/* of a torn tail, at opening */
};

/*
 * Open path, made where it is missing or empty, and read it.  A lock file
 * beside it keeps a second process out (75); it stays, and its being there
 * means nothing.  A symbolic link is followed, and kept: file and lock are
 * where it points.  Damage, another kind and a newer version are 65, with
 * the place named and the file left as it is; a link to nothing and what is
 * no regular file, 73.
 */
int journal_open(struct journal *j, const char *path, const char *kind,
    batch_reader *reader, void *arg, struct err *e);
void journal_close(struct journal *j);

/* Add a line (with its newline) to the batch that is being made.  -1: no
 * more fits under JOURNAL_BATCH_MAX, and the line is not in it. */
int journal_add(struct journal *j, const char *line, size_t len);

/*
 * Make the batch durable.  -1: the batch is kept for the next try, and what
 * came of it is cut off, now or before that try.  (If the process ends
 * first, opening finds the batch whole or cuts it off.)  An empty batch
 * writes nothing.
 */
int journal_commit(struct journal *j, int64_t wall_ms, struct err *e);

/* Is nothing there any more?  Then only a rewriting helps. */
bool journal_is_missing(const struct journal *j);

/*
 * Replace everything by these lines, atomically; an empty batch ends it.
 * The batch that was being made is dropped: the lines hold it.  -1: the old
 * file is in its place, or the new one whose folder did not sync.
 */
int journal_rewrite(struct journal *j, const struct buf *lines,
    uint64_t count, int64_t wall_ms, struct err *e);

#endif
