#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/spool.h"

#define COMMIT_MAX 256
/* A line more than is full, and a few short ones of the caller's own. */
#define HELD_MAX (SPOOL_UNSYNCED_MAX + SPOOL_BATCH_FULL + SPOOL_LINE_MAX + \
    (1 << 16))

static int
failed(const struct spool *s, const char *what, struct err *e)
{
	char path[PATH_MAX];
	int saved = errno;

	if (segment_path(path, s->folder, s->base, e) == -1)
		return -1;
	return err_set(e, GC_EX_IOERR, "can't %s '%s': %s", what, path,
	    strerror(saved));
}

static int
write_at(int fd, off_t at, const char *bytes, size_t len)
{
	return lseek(fd, at, SEEK_SET) == -1 ? -1 :
	    file_write_all(fd, bytes, len);
}

/*
 * Read the segment to its end: the last batch ends at s->end.  One that has
 * its commit and fails its sum was written whole, and is damaged: it stays,
 * and who reads past it says so.
 */
static int
find_end(struct spool *s, struct segment *seg, struct err *e)
{
	struct batch_found found;
	const char *lines;
	int got = 1;

	s->end = seg->at;
	s->lines = seg->line;
	while (got == 1) {
		switch (segment_next(seg, &lines, &found)) {
		case BATCH_WHOLE:
			s->end = seg->at;
			s->lines = seg->line;
			s->damaged_last = false;
			break;
		case BATCH_BAD:
			s->damaged_last = found.len > found.lines_len;
			if (!s->damaged_last)
				break;
			s->end = seg->at;
			s->lines = seg->line;
			break;
		case BATCH_MORE:
			got = segment_fill(seg, e);
			break;
		}
	}
	return got;
}

/* The last bytes into memory, as if they were not synced yet. */
static int
hold_last(struct spool *s, const struct segment *seg, uint64_t begin,
    struct err *e)
{
	size_t len = (size_t)(s->end - begin);
	char *to;
	ssize_t n;

	if (len > SPOOL_UNSYNCED_MAX)
		len = SPOOL_UNSYNCED_MAX;
	to = buf_room(&s->held, len);
	s->synced = s->end - len;
	if (lseek(seg->fd, (off_t)(s->synced - s->base), SEEK_SET) == -1)
		return failed(s, "read", e);
	while (len > 0) {
		n = read(seg->fd, to, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(s, "read", e);
		to += n;
		len -= (size_t)n;
		buf_grew(&s->held, (size_t)n);
	}
	s->committed = s->held.len;
	s->anew = s->folder_due = true;
	return 0;
}

static int
cut(struct spool *s, struct err *e)
{
	if (!s->torn)
		return 0;
	if (ftruncate(s->fd, (off_t)(s->end - s->base)) == -1)
		return failed(s, "cut the torn tail of", e);
	s->torn = false;
	return 0;
}

/* Go on in the segment that was written last. */
static int
reopen(struct spool *s, uint64_t base, struct err *e)
{
	struct segment seg;
	uint64_t begin;
	int status;

	segment_init(&seg);
	if (segment_open(&seg, s->folder, base, e) == -1)
		return -1;
	s->base = base;
	begin = seg.at;
	status = find_end(s, &seg, e);
	if (status == 0) {
		s->cut_bytes = (uint64_t)segment_len(&seg) -
		    (s->end - s->base);
		s->torn = s->cut_bytes > 0;
		s->fd = open(seg.path, O_WRONLY | O_CLOEXEC);
		if (s->fd == -1)
			status = failed(s, "open", e);
	}
	s->synced = s->end;
	if (status == 0 && s->sync != SPOOL_NONE)
		status = hold_last(s, &seg, begin, e);
	if (status == 0)
		status = cut(s, e);
	segment_close(&seg);
	return status == 0 && s->sync != SPOOL_NONE ? spool_sync(s, e) :
	    status;
}

/* The next batch begins a segment at this position. */
static void
leave_segment(struct spool *s, uint64_t at)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	s->base = s->end = s->synced = at;
}

static int
lock(struct spool *s, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/put.lock", s->folder) >=
	    (int)sizeof(path))
		return err_set(e, GC_EX_CANTCREAT, "path too long: '%s'",
		    s->folder);
	s->lock_fd = file_lock(path, e);
	if (s->lock_fd == -1 && e->code == GC_EX_TEMPFAIL)
		return err_set(e, GC_EX_TEMPFAIL, "another process writes "
		    "to '%s'", s->folder);
	return s->lock_fd == -1 ? -1 : 0;
}

static void
sweep(const char *folder, const struct segments *list)
{
	char path[PATH_MAX];
	struct err e;

	/* what a killed process has begun and not named */
	for (size_t i = 0; i < list->count; i++)
		if (segment_path(path, folder, list->bases[i], &e) == 0)
			file_sweep(path);
}

/*
 * Behind a segment whose first line is damaged: another begins at its end.
 * Its lines cannot be counted; those before it are, where they can be.
 */
static int
pass_damaged(struct spool *s, const struct segments *list, struct err *e)
{
	char path[PATH_MAX];
	struct segment seg;
	struct stat st;
	uint64_t end;

	s->damaged_last = true;
	if (segment_path(path, s->folder, list->bases[list->count - 1], e) ==
	    -1)
		return -1;
	if (stat(path, &st) == -1)
		return err_set(e, GC_EX_IOERR, "can't look at '%s': %s", path,
		    strerror(errno));
	/* an empty one has its name still, which is not taken twice */
	end = list->bases[list->count - 1] +
	    (st.st_size > 0 ? (uint64_t)st.st_size : 1);
	segment_init(&seg);
	for (size_t i = list->count - 1; i-- > 0; )
		if (segment_open(&seg, s->folder, list->bases[i], e) == 0) {
			if (find_end(s, &seg, e) == -1)
				s->lines = seg.first;
			break;
		}
	segment_close(&seg);
	s->damaged_last = true;
	leave_segment(s, end);
	return 0;
}

static int
open_last(struct spool *s, uint64_t at_least, struct err *e)
{
	struct segments list;
	int status = segments_list(&list, s->folder, e);

	if (status == 0 && list.count > 0) {
		struct segments last = { &list.bases[list.count - 1], 1 };

		sweep(s->folder, &last);
		status = reopen(s, list.bases[list.count - 1], e);
		if (status == -1 && e->code == GC_EX_DATAERR &&
		    errno != ENOTSUP)
			status = pass_damaged(s, &list, e);
	}
	segments_free(&list);
	if (status == 0 && (s->fd == -1 || s->end < at_least))
		leave_segment(s, at_least > s->end ? at_least : s->end);
	return status;
}

int
spool_open(struct spool *s, const char *folder, enum spool_sync sync,
    size_t segment_max, uint64_t at_least, struct err *e)
{
	*s = (struct spool){ .folder = xstrdup(folder), .lock_fd = -1,
	    .fd = -1, .sync = sync, .segment_max = segment_max };
	buf_init(&s->held, HELD_MAX);
	if (file_make_folders(folder, e) == 0 && lock(s, e) == 0 &&
	    open_last(s, at_least, e) == 0)
		return 0;
	spool_close(s);
	return -1;
}

void
spool_close(struct spool *s)
{
	if (s->flight.on)
		pthread_join(s->flight.thread, NULL);
	if (s->fd != -1)
		close(s->fd);
	if (s->lock_fd != -1)
		close(s->lock_fd);
	buf_free(&s->held);
	free(s->folder);
	*s = (struct spool){ .fd = -1, .lock_fd = -1 };
}

void
spool_add(struct spool *s, const char *line, size_t raw)
{
	buf_add(&s->held, line, raw);
	s->batch_lines++;
}

bool
spool_is_full(const struct spool *s)
{
	size_t len = s->held.len - s->committed;

	return len >= SPOOL_BATCH_FULL || len >= s->segment_max;
}

uint64_t
spool_unwritten(const struct spool *s)
{
	return s->waiting_lines + s->batch_lines;
}

/* Drop from memory what need not be held any more. */
static void
let_go(struct spool *s, uint64_t up_to)
{
	buf_drop(&s->held, (size_t)(up_to - s->synced));
	s->committed -= (size_t)(up_to - s->synced);
	s->synced = up_to;
}

static int
sync_folder(struct spool *s, struct err *e)
{
	char path[PATH_MAX];

	if (!s->folder_due)
		return 0;
	if (segment_path(path, s->folder, s->base, e) == -1 ||
	    file_sync_folder(path, e) == -1)
		return -1;
	s->folder_due = false;
	return 0;
}

static void *
fly(void *arg)
{
	struct spool_flight *f = arg;

	f->error = fdatasync(f->fd) == 0 ? 0 : errno;
	atomic_store(&f->done, true);
	return NULL;
}

/* Signals are for the thread that waits for them. */
static void
take_off(struct spool *s)
{
	struct spool_flight *f = &s->flight;
	sigset_t all, before;

	f->fd = s->fd;
	f->end = s->end;
	atomic_store(&f->done, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	f->on = pthread_create(&f->thread, NULL, fly, f) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* What became of the sync that is under way, if one is; waited for. */
static int
land(struct spool *s, struct err *e)
{
	struct spool_flight *f = &s->flight;

	if (!f->on)
		return 0;
	pthread_join(f->thread, NULL);
	f->on = false;
	if (f->error != 0) {
		s->anew = true;
		errno = f->error;
		return failed(s, "sync", e);
	}
	let_go(s, f->end);
	return 0;
}

int
spool_sync_begin(struct spool *s, struct err *e)
{
	if (s->flight.on && !atomic_load(&s->flight.done))
		return 0;
	if (land(s, e) == -1)
		return -1;
	if (s->anew || s->folder_due)
		return spool_sync(s, e);
	if (s->fd != -1 && s->end > s->synced)
		take_off(s);
	return 0;
}

int
spool_sync(struct spool *s, struct err *e)
{
	size_t len;

	if (land(s, e) == -1)
		return -1;
	len = (size_t)(s->end - s->synced);
	if (s->fd == -1 || (len == 0 && !s->folder_due))
		return 0;
	if (sync_folder(s, e) == -1)
		return -1;
	if (s->anew && write_at(s->fd, (off_t)(s->synced - s->base),
	    s->held.data, len) == -1)
		return failed(s, "write", e);
	s->anew = true;		/* unless it succeeds */
	if (fdatasync(s->fd) == -1)
		return failed(s, "sync", e);
	s->anew = false;
	let_go(s, s->end);
	return 0;
}

bool
spool_is_synced(const struct spool *s)
{
	return s->synced == s->end && s->committed == 0;
}

/* The first batch of a segment: the file is there whole, with its name. */
static int
begin_segment(struct spool *s, int64_t wall_ms, struct err *e)
{
	char path[PATH_MAX];
	struct buf header;
	int status, fd;

	if (segment_path(path, s->folder, s->end, e) == -1)
		return -1;
	buf_init(&header, SEGMENT_HEADER_MAX);
	segment_header(&header, s->end, s->lines, wall_ms);
	status = file_replace_parts(path, &(struct iovec){ header.data,
	    header.len }, 1, &fd, e);
	if (fd != -1) {
		s->fd = fd;
		s->base = s->end;
		s->end = s->synced = s->base + header.len;
		s->folder_due = status == -1;
		s->segments++;
	}
	buf_free(&header);
	return fd == -1 ? -1 : 0;
}

/* Is there a segment with room for the next batch? */
static int
make_room(struct spool *s, int64_t wall_ms, struct err *e)
{
	if (s->fd != -1 && s->end - s->base >= s->segment_max) {
		if (s->sync != SPOOL_NONE && spool_sync(s, e) == -1)
			return -1;
		leave_segment(s, s->end);
	}
	return s->fd != -1 ? 0 : begin_segment(s, wall_ms, e);
}

/* Write what is committed and not written. */
static int
write_out(struct spool *s, struct err *e)
{
	size_t from = (size_t)(s->end - s->synced);

	if (cut(s, e) == -1)
		return -1;
	s->torn = true;
	if (write_at(s->fd, (off_t)(s->end - s->base), s->held.data + from,
	    s->committed - from) == -1)
		return failed(s, "write", e);
	s->torn = false;
	if (s->sync == SPOOL_INTERVAL)	/* the disk begins while we go on */
		sync_file_range(s->fd, (off_t)(s->end - s->base),
		    (off_t)(s->committed - from), SYNC_FILE_RANGE_WRITE);
	s->end += s->committed - from;
	return 0;
}

int
spool_commit(struct spool *s, int64_t wall_ms, struct err *e)
{
	size_t lines_len = s->held.len - s->committed;
	struct err later;

	if (lines_len > 0) {
		batch_commit(&s->held, s->batch_lines, batch_crc32(0,
		    s->held.data + s->committed, lines_len), wall_ms);
		s->committed = s->held.len;
		s->waiting_lines += s->batch_lines;
		s->batch_lines = 0;
	}
	if (s->committed > s->end - s->synced) {
		if (make_room(s, wall_ms, e) == -1)
			return -1;
		if (write_out(s, e) == -1) {
			cut(s, &later);
			return -1;
		}
		s->lines += s->waiting_lines;
		s->waiting_lines = 0;
	}
	if (s->sync == SPOOL_NONE)
		let_go(s, s->end);
	if (s->sync == SPOOL_ALWAYS)
		return spool_sync(s, e);
	if (s->end - s->synced >= SPOOL_UNSYNCED_MAX && land(s, e) == -1)
		return -1;
	if (s->end - s->synced >= SPOOL_UNSYNCED_MAX)
		return spool_sync(s, e);	/* there was no thread */
	return s->end - s->synced >= SPOOL_UNSYNCED_MAX / 2 ?
	    spool_sync_begin(s, e) : 0;
}
