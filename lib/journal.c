#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/journal.h"

#define JOURNAL_MAX ((size_t)1 << 32)	/* bytes that opening reads */
#define HEADER_MAX 256
#define COMMIT_MAX 256

static int
create(struct journal *j, struct err *e)
{
	struct buf header;
	int status;

	buf_init(&header, HEADER_MAX);
	batch_header(&header, j->kind);
	j->good = j->last = (off_t)header.len;
	status = file_replace(j->path, header.data, header.len, e);
	buf_free(&header);
	return status;
}

static int
failed(const struct journal *j, const char *what, struct err *e)
{
	return err_set(e, GC_EX_IOERR, "can't %s '%s': %s", what, j->path,
	    strerror(errno));
}

static int
write_at(int fd, off_t at, const char *bytes, size_t len)
{
	return lseek(fd, at, SEEK_SET) == -1 ? -1 :
	    file_write_all(fd, bytes, len);
}

/* Cut off what stands behind the last good batch, durably. */
static int
cut(struct journal *j, struct err *e)
{
	if (!j->torn)
		return 0;
	if (ftruncate(j->fd, j->good) == -1 || fdatasync(j->fd) == -1)
		return failed(j, "cut the torn tail of", e);
	j->torn = false;
	return 0;
}

static int
sync_folder(struct journal *j, struct err *e)
{
	if (!j->folder_due)
		return 0;
	if (file_sync_folder(j->path, e) == -1)
		return -1;
	j->folder_due = false;
	return 0;
}

/* Make durable what was read: who wrote it may have been killed first. */
static int
settle(struct journal *j, const struct buf *text, struct err *e)
{
	struct stat st;

	j->fd = open(j->path, O_WRONLY | O_CLOEXEC);
	if (j->fd == -1 || fstat(j->fd, &st) == -1)
		return failed(j, "open", e);
	j->cut_bytes = (uint64_t)(st.st_size - j->good);
	j->torn = j->cut_bytes > 0;
	j->folder_due = true;
	if (cut(j, e) == -1)
		return -1;
	if (j->last < j->good && (write_at(j->fd, j->last, text->data +
	    j->last, (size_t)(j->good - j->last)) == -1 ||
	    fdatasync(j->fd) == -1))
		return failed(j, "sync", e);
	return sync_folder(j, e);
}

static int
load(struct journal *j, batch_reader *reader, void *arg, struct err *e)
{
	struct batch_text t = { .path = j->path, .kind = j->kind,
	    .reader = reader, .arg = arg };
	struct buf text;
	int status;

	buf_init(&text, JOURNAL_MAX);
	status = file_read(j->path, &text, e);
	if (status == -1 && errno == ENOENT)
		status = 0;
	if (status == 0 && text.len == 0) {
		status = create(j, e);
	} else if (status == 0) {
		status = batch_read(&t, text.data, text.len, e);
		j->good = (off_t)t.good;
		j->last = (off_t)t.last;
		j->lines = t.lines;
	}
	if (status == 0)
		status = settle(j, &text, e);
	buf_free(&text);
	return status;
}

static int
lock(struct journal *j, struct err *e)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s.lock", j->path) >=
	    sizeof(path))
		return err_set(e, GC_EX_CANTCREAT, "path too long: '%s'",
		    j->path);
	j->lock_fd = file_lock(path, e);
	return j->lock_fd == -1 ? -1 : 0;
}

int
journal_open(struct journal *j, const char *path, const char *kind,
    batch_reader *reader, void *arg, struct err *e)
{
	*j = (struct journal){ .path = file_follow(path, e), .kind = kind,
	    .fd = -1, .lock_fd = -1 };
	buf_init(&j->batch, JOURNAL_BATCH_MAX);
	if (j->path == NULL || file_check_regular(j->path, e) == -1 ||
	    lock(j, e) == -1) {
		journal_close(j);
		return -1;
	}
	file_sweep(j->path);
	if (load(j, reader, arg, e) == -1) {
		journal_close(j);
		return -1;
	}
	return 0;
}

void
journal_close(struct journal *j)
{
	if (j->fd != -1)
		close(j->fd);
	if (j->lock_fd != -1)
		close(j->lock_fd);
	buf_free(&j->batch);
	free(j->path);
	*j = (struct journal){ .fd = -1, .lock_fd = -1 };
}

int
journal_add(struct journal *j, const char *line, size_t len)
{
	if (buf_add(&j->batch, line, len) == -1)
		return -1;
	j->batch_lines++;
	return 0;
}

bool
journal_is_missing(const struct journal *j)
{
	struct stat st;

	return stat(j->path, &st) == -1 && errno == ENOENT;
}

/* Does the path still name the file that we write? */
static bool
is_ours(const struct journal *j)
{
	struct stat named, open;

	return stat(j->path, &named) == 0 && fstat(j->fd, &open) == 0 &&
	    named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

static int
not_ours(const struct journal *j, struct err *e)
{
	return err_set(e, GC_EX_IOERR, "'%s' was removed or replaced while "
	    "it was open", j->path);
}

/* The batch and its commit; what fails is cut off by the next cut(). */
static int
write_batch(struct journal *j, int64_t wall_ms, struct err *e)
{
	size_t lines_end = j->batch.len, all;

	j->batch.cap += COMMIT_MAX;	/* the commit always fits */
	batch_commit(&j->batch, j->batch_lines,
	    batch_crc32(0, j->batch.data, j->batch.len), wall_ms);
	j->batch.cap -= COMMIT_MAX;
	all = j->batch.len;
	j->batch.len = lines_end;
	j->torn = true;
	if (write_at(j->fd, j->good, j->batch.data, all) == -1 ||
	    fdatasync(j->fd) == -1)
		return failed(j, "write", e);
	j->torn = false;
	j->last = j->good;
	j->good += (off_t)all;
	return 0;
}

int
journal_commit(struct journal *j, int64_t wall_ms, struct err *e)
{
	struct err later;

	if (!is_ours(j))
		return not_ours(j, e);
	if (sync_folder(j, e) == -1)
		return -1;
	if (j->batch_lines == 0)
		return 0;
	if (cut(j, e) == -1)
		return -1;
	if (write_batch(j, wall_ms, e) == -1) {
		cut(j, &later);
		return -1;
	}
	j->lines += j->batch_lines;
	j->batch_lines = 0;
	buf_reset(&j->batch);
	return 0;
}

/* The new file is in its place: go on in it. */
static void
go_on(struct journal *j, int fd, uint64_t count, off_t len)
{
	close(j->fd);
	j->fd = fd;
	j->good = j->last = len;
	j->torn = false;
	j->lines = count;
	j->batch_lines = 0;
	buf_reset(&j->batch);
}

int
journal_rewrite(struct journal *j, const struct buf *lines, uint64_t count,
    int64_t wall_ms, struct err *e)
{
	struct buf head, tail;
	off_t len;
	int status = -1, fd = -1;

	if (!is_ours(j) && !journal_is_missing(j))
		return not_ours(j, e);
	buf_init(&head, HEADER_MAX);
	buf_init(&tail, 2 * COMMIT_MAX);
	batch_header(&head, j->kind);
	batch_commit(&tail, count, batch_crc32(0, lines->data, lines->len),
	    wall_ms);
	batch_commit(&tail, 0, 0, wall_ms);
	len = (off_t)(head.len + lines->len + tail.len);
	if ((size_t)len > JOURNAL_MAX)
		err_set(e, GC_EX_IOERR, "'%s' would be too long", j->path);
	else
		status = file_replace_parts(j->path, (struct iovec[]){
		    { head.data, head.len }, { lines->data, lines->len },
		    { tail.data, tail.len } }, 3, &fd, e);
	if (fd != -1) {
		go_on(j, fd, count, len);
		j->folder_due = status == -1;
	}
	buf_free(&head);
	buf_free(&tail);
	return status;
}
