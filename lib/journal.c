#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/journal.h"
#include "lib/scan.h"

#define JOURNAL_VERSION 1
#define JOURNAL_MAX ((size_t)1 << 32)	/* bytes that opening reads */

enum { J_EVENT, J_VERSION, J_KIND, J_LINES, J_CRC, J_LEN };

static const struct scan_key keys[J_LEN] = {
	[J_EVENT] = { "event", -1 }, [J_VERSION] = { "version", -1 },
	[J_KIND] = { "kind", -1 }, [J_LINES] = { "lines", -1 },
	[J_CRC] = { "crc32", -1 },
};

uint32_t
journal_crc32(uint32_t crc, const void *bytes, size_t len)
{
	static uint32_t table[256];
	const unsigned char *p = bytes;

	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int k = 0; k < 8; k++)
				c = (c >> 1) ^ (c & 1 ? 0xedb88320u : 0);
			table[i] = c;
		}
	crc = ~crc;
	while (len-- > 0)
		crc = table[(crc ^ *p++) & 0xff] ^ (crc >> 8);
	return ~crc;
}

/* Reading: where we are, and what was found. */
struct reading {
	struct journal *j;
	const char *text;
	size_t len;
	size_t batch;		/* the batch that is read begins here */
	uint64_t batch_first;	/* number of its first line */
	uint64_t line;		/* lines read */
	journal_reader *reader;
	void *arg;
};

static int
damaged(const struct reading *r, uint64_t line, const char *why,
    struct err *e)
{
	return err_set(e, GC_EX_DATAERR, "'%s' is damaged at line %" PRIu64
	    ": %s; the file is left as it is", r->j->path, line, why);
}

static int
read_header(const struct reading *r, const char *line, size_t len,
    struct err *e)
{
	struct slice v[J_LEN];
	uint64_t version;

	if (scan_object(line, len, keys, J_LEN, v) != SCAN_OK ||
	    !slice_is(v[J_EVENT], "gc:journal") ||
	    slice_number(v[J_VERSION], &version) == -1 || version == 0)
		return err_set(e, GC_EX_DATAERR, "'%s' is no journal",
		    r->j->path);
	if (version > JOURNAL_VERSION)
		return err_set(e, GC_EX_DATAERR, "'%s' was written by a newer "
		    "version (%" PRIu64 ")", r->j->path, version);
	if (!slice_is(v[J_KIND], r->j->kind))
		return err_set(e, GC_EX_DATAERR, "'%s' is a journal of "
		    "another kind than %s", r->j->path, r->j->kind);
	return 0;
}

/* Give the batch's lines out, now that its sum is right. */
static int
give(struct reading *r, size_t end, struct err *e)
{
	const char *p = r->text + r->batch, *stop = r->text + end;
	uint64_t line = r->batch_first;
	const char *newline, *why;

	for (; p < stop; p = newline + 1, line++) {
		newline = memchr(p, '\n', (size_t)(stop - p));
		why = r->reader(r->arg, p, (size_t)(newline - p));
		if (why != NULL)
			return damaged(r, line, why, e);
		r->j->lines++;
	}
	return 0;
}

/* Why the commit does not fit the batch before it; NULL if it does. */
static const char *
check_commit(const struct reading *r, size_t at, const struct slice *v)
{
	uint64_t lines, got = r->line - r->batch_first;
	char sum[9];

	if (slice_number(v[J_LINES], &lines) == -1)
		return "the commit has no count";
	if (got > lines)
		return "more lines than the commit counts";
	if (got < lines)
		return "fewer lines than the commit counts";
	snprintf(sum, sizeof(sum), "%08" PRIx32, journal_crc32(0,
	    r->text + r->batch, at - r->batch));
	return slice_is(v[J_CRC], sum) ? NULL : "the sum is wrong";
}

static bool
is_commit(const char *line, size_t len, struct slice *v)
{
	return scan_object(line, len, keys, J_LEN, v) == SCAN_OK &&
	    slice_is(v[J_EVENT], "gc:commit");
}

/* Is there another commit line behind this place? */
static bool
commit_follows(const struct reading *r, size_t at)
{
	struct slice v[J_LEN];
	const char *newline;

	for (; (newline = memchr(r->text + at, '\n', r->len - at)) != NULL;
	    at = (size_t)(newline + 1 - r->text))
		if (is_commit(r->text + at, (size_t)(newline - r->text) - at,
		    v))
			return true;
	return false;
}

/*
 * One commit line, at [at, end).  A last batch that fails its sum is a torn
 * tail: 1.  One that counts fewer lines than are there is damage: the tail
 * of a crash is short, never long.
 */
static int
read_commit(struct reading *r, size_t at, size_t end, const struct slice *v,
    struct err *e)
{
	const char *why = check_commit(r, at, v);

	if (why != NULL && (commit_follows(r, end) ||
	    strncmp(why, "more", 4) == 0))
		return damaged(r, r->line + 1, why, e);
	if (why != NULL)
		return 1;
	if (give(r, at, e) == -1)
		return -1;
	r->line++;
	r->j->last = (off_t)r->batch;
	r->batch = end;
	r->batch_first = r->line;
	r->j->good = (off_t)end;
	return 0;
}

static int
read_lines(struct reading *r, struct err *e)
{
	struct slice v[J_LEN];
	const char *newline;
	size_t at = 0, end;
	int got;

	for (; at < r->len; at = end) {
		newline = memchr(r->text + at, '\n', r->len - at);
		if (newline == NULL && r->line > 0)
			break;
		end = newline ? (size_t)(newline + 1 - r->text) : r->len;
		if (r->line == 0) {
			if (read_header(r, r->text + at,
			    end - at - (newline != NULL), e) == -1)
				return -1;
			if (newline == NULL)
				return damaged(r, 1, "the line is cut", e);
			r->line = r->batch_first = 1;
			r->batch = end;
			r->j->good = r->j->last = (off_t)end;
			continue;
		}
		if (is_commit(r->text + at, end - at - 1, v)) {
			if ((got = read_commit(r, at, end, v, e)) != 0)
				return got == 1 ? 0 : -1;
			continue;
		}
		r->line++;
	}
	return 0;
}

static int
create(struct journal *j, struct err *e)
{
	char header[128];
	int n = snprintf(header, sizeof(header), "{\"event\":\"gc:journal\","
	    "\"version\":%d,\"kind\":\"%s\"}\n", JOURNAL_VERSION, j->kind);

	j->good = j->last = n;
	return file_replace(j->path, header, (size_t)n, e);
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
load(struct journal *j, journal_reader *reader, void *arg, struct err *e)
{
	struct reading r = { .j = j, .reader = reader, .arg = arg };
	struct buf text;
	int status;

	buf_init(&text, JOURNAL_MAX);
	status = file_read(j->path, &text, e);
	if (status == -1 && errno == ENOENT)
		status = 0;
	r.text = text.data;
	r.len = text.len;
	if (status == 0)
		status = text.len == 0 ? create(j, e) : read_lines(&r, e);
	if (status == 0)
		status = settle(j, &text, e);
	buf_free(&text);
	return status;
}

/* The path with its links followed: file and lock stand where they point. */
static char *
follow(const char *path, struct err *e)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (real != NULL || lstat(path, &st) == -1)
		return real != NULL ? real : xstrdup(path);
	err_set(e, GC_EX_CANTCREAT, "'%s' is a link to nothing: %s", path,
	    strerror(errno));
	return NULL;
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
    journal_reader *reader, void *arg, struct err *e)
{
	*j = (struct journal){ .path = follow(path, e), .kind = kind,
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

static void
add_commit(struct buf *out, uint64_t lines, uint32_t crc, int64_t wall_ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(wall_ms, at);
	buf_addf(out, "{\"event\":\"gc:commit\",\"at\":\"%s\",\"lines\":%"
	    PRIu64 ",\"crc32\":\"%08" PRIx32 "\"}\n", at, lines, crc);
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

	j->batch.cap += 256;	/* the commit always fits */
	add_commit(&j->batch, j->batch_lines,
	    journal_crc32(0, j->batch.data, j->batch.len), wall_ms);
	j->batch.cap -= 256;
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
	buf_init(&head, 256);
	buf_init(&tail, 512);
	buf_addf(&head, "{\"event\":\"gc:journal\",\"version\":%d,\"kind\":"
	    "\"%s\"}\n", JOURNAL_VERSION, j->kind);
	add_commit(&tail, count, journal_crc32(0, lines->data, lines->len),
	    wall_ms);
	add_commit(&tail, 0, 0, wall_ms);
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
