/*
 * Writing a queue: batches into segments (lib/segment).  CONTRACT section
 * 10, `dir:PATH`.  One writer a folder, which a lock keeps so.
 *
 * What is durable, and when:
 * - SPOOL_ALWAYS: when spool_commit says 0.  SPOOL_INTERVAL: when spool_sync
 *   does, which is asked for every so often and before more than
 *   SPOOL_UNSYNCED_MAX waits for it; spool_sync_begin lets that go on in a
 *   thread of its own, as a disk takes its time.  SPOOL_NONE: when the kernel
 *   pleases.
 * - What is not known to be on the disk is held in memory.  A write that
 *   fails is cut off before the next; after a sync that fails every byte of
 *   it is written anew in its place: no sync is asked twice for the same
 *   bytes.
 * - A segment is synced before the next one begins, so that a torn tail is
 *   only ever in the last.  Opening reads the last one alone.
 * - Opening cuts off a torn tail (lines with no commit behind them), and
 *   writes anew and syncs the last bytes, which a killed process may not have
 *   synced.
 */
#ifndef GC_SPOOL_H
#define GC_SPOOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "lib/segment.h"

#define SPOOL_BATCH_FULL (1 << 20)	/* bytes: time to commit it */
#define SPOOL_UNSYNCED_MAX (32 << 20)	/* bytes held for want of a sync */
#define SPOOL_LINE_MAX (1 << 20)	/* without its newline */

/* A sync under way. */
struct spool_flight {
	pthread_t thread;
	bool on;
	atomic_bool done;
	int fd, error;		/* 0, or errno */
	uint64_t end;		/* position: durable up to there, then */
};

enum spool_sync { SPOOL_ALWAYS, SPOOL_INTERVAL, SPOOL_NONE };

struct spool {
	char *folder;
	int lock_fd, fd;	/* fd -1: the next batch begins a segment */
	enum spool_sync sync;
	size_t segment_max;	/* bytes: time for the next segment */
	uint64_t base;		/* of the segment that is written */
	uint64_t synced;	/* position: durable up to here */
	uint64_t end;		/* position: written up to here */
	uint64_t lines;		/* in the queue up to the end */
	uint64_t batch_lines;	/* of the batch that is being made */
	uint64_t waiting_lines;	/* committed in held, and not written */
	size_t committed;	/* in held: behind the last commit */
	struct buf held;	/* the bytes from synced on, then the batch */
	bool torn;		/* behind end something may stand */
	bool anew;		/* a sync failed: write it all once more */
	bool folder_due;	/* its folder must be synced first */
	uint64_t cut_bytes;	/* of a torn tail, at opening */
	/* then, too: the last batch fails its sum, or the first line of the
	 * last segment is damaged, behind which another is begun */
	bool damaged_last;
	uint64_t segments;	/* begun by this process */
	struct spool_flight flight;
};

/*
 * Open the queue, made where it is missing (0700).  at_least: positions that
 * readers have been at, which no new line may have: where the queue is
 * shorter (a power cut took what they read), the next segment begins there.
 * 75 if another process writes it.
 */
int spool_open(struct spool *s, const char *folder, enum spool_sync sync,
    size_t segment_max, uint64_t at_least, struct err *e);
void spool_close(struct spool *s);

/* Add a line with its newline to the batch that is being made.  Commit when
 * spool_is_full. */
void spool_add(struct spool *s, const char *line, size_t raw);
bool spool_is_full(const struct spool *s);
uint64_t spool_unwritten(const struct spool *s);	/* lines */

/*
 * Write the batch, whole or not at all: readers see it now.  -1: it is kept
 * for the next try; add no more than a few lines until one succeeds, which
 * are a batch of their own.
 */
int spool_commit(struct spool *s, int64_t wall_ms, struct err *e);

/* Make durable what is written; -1: kept for the next try. */
int spool_sync(struct spool *s, struct err *e);

/* The same, begun and not waited for; one at a time.  -1: the one before
 * failed.  spool_is_synced, after another call, tells how it ended. */
int spool_sync_begin(struct spool *s, struct err *e);
bool spool_is_synced(const struct spool *s);

#endif
