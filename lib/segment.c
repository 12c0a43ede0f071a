#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/scan.h"
#include "lib/segment.h"
#include "lib/str.h"

#define DIGITS 20		/* of a position: names sort as they do */
#define ENDING ".ndjson"
#define TEXT_MAX (BATCH_MAX + 2 * SEGMENT_BLOCK)

int
segment_base(const char *name, uint64_t *base)
{
	char digits[DIGITS + 1];

	if (strlen(name) != DIGITS + strlen(ENDING) ||
	    strcmp(name + DIGITS, ENDING) != 0)
		return -1;
	snprintf(digits, sizeof(digits), "%.*s", DIGITS, name);
	return str_number(digits, INT64_MAX, base);
}

int
segment_path(char path[PATH_MAX], const char *folder, uint64_t base,
    struct err *e)
{
	if (snprintf(path, PATH_MAX, "%s/%0*" PRIu64 ENDING, folder, DIGITS,
	    base) < PATH_MAX)
		return 0;
	return err_set(e, GC_EX_CANTCREAT, "path too long: '%s'", folder);
}

static int
by_position(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int
segments_list(struct segments *s, const char *folder, struct err *e)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	size_t alloc = 0;
	uint64_t base;

	*s = (struct segments){ 0 };
	if (dir == NULL)
		return err_set(e, GC_EX_IOERR, "can't open folder '%s': %s",
		    folder, strerror(errno));
	while ((entry = readdir(dir)) != NULL) {
		if (segment_base(entry->d_name, &base) == -1)
			continue;
		if (s->count == alloc)
			s->bases = xreallocarray(s->bases,
			    alloc = 2 * alloc + 16, sizeof(*s->bases));
		s->bases[s->count++] = base;
	}
	closedir(dir);
	if (s->count > 0)
		qsort(s->bases, s->count, sizeof(*s->bases), by_position);
	return 0;
}

void
segments_free(struct segments *s)
{
	free(s->bases);
	*s = (struct segments){ 0 };
}

size_t
segments_find(const struct segments *s, uint64_t position)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->bases[middle] <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? s->count : low - 1;
}

void
segment_header(struct buf *out, uint64_t base, uint64_t first,
    int64_t wall_ms)
{
	char at[CLOCK_RFC3339_LEN + 1], members[128];

	clock_format_ms(wall_ms, at);
	snprintf(members, sizeof(members), ",\"at\":\"%s\",\"base\":%" PRIu64
	    ",\"first\":%" PRIu64, at, base, first);
	batch_header_with(out, SEGMENT_KIND, members);
}

void
segment_init(struct segment *s)
{
	*s = (struct segment){ .fd = -1 };
	buf_init(&s->text, TEXT_MAX);
}

void
segment_close(struct segment *s)
{
	if (s->fd != -1)
		close(s->fd);
	buf_free(&s->text);
	segment_init(s);
}

/* What its first line says beside what every journal's does. */
static int
read_members(struct segment *s, const char *line, size_t len, struct err *e)
{
	enum { AT, BASE, FIRST, COUNT };
	static const struct scan_key keys[COUNT] = {
		[AT] = SCAN_KEY("at", -1), [BASE] = SCAN_KEY("base", -1),
		[FIRST] = SCAN_KEY("first", -1),
	};
	struct slice v[COUNT];
	struct stamp made;
	uint64_t base;

	if (scan_object(line, len, keys, COUNT, v) != SCAN_OK ||
	    v[AT].kind != SCAN_STRING ||
	    clock_parse(v[AT].p, v[AT].len, &made) == -1 ||
	    slice_number(v[BASE], &base) == -1 || base != s->base ||
	    slice_number(v[FIRST], &s->first) == -1)
		return err_set(e, GC_EX_DATAERR, "'%s' is damaged at line 1: "
		    "it does not say where it begins", s->path);
	s->made_ms = stamp_to_ms(made);
	return 0;
}

static int
read_header(struct segment *s, struct err *e)
{
	char *newline = NULL;
	int got = 1;

	while (newline == NULL && got == 1 &&
	    s->text.len < SEGMENT_HEADER_MAX) {
		got = segment_fill(s, e);
		newline = s->text.len == 0 ? NULL :
		    memchr(s->text.data, '\n', s->text.len);
	}
	if (got == -1)
		return -1;
	if (newline == NULL)
		return err_set(e, GC_EX_DATAERR, "'%s' is damaged at line 1: "
		    "the line is cut", s->path);
	s->from = (size_t)(newline + 1 - s->text.data);
	s->at = s->base + s->from;
	if (batch_check_header(s->path, SEGMENT_KIND, s->text.data,
	    s->from - 1, e) == -1 ||
	    read_members(s, s->text.data, s->from - 1, e) == -1)
		return -1;
	s->line = s->first;
	return 0;
}

int
segment_open(struct segment *s, const char *folder, uint64_t base,
    struct err *e)
{
	int saved;

	segment_close(s);
	if (segment_path(s->path, folder, base, e) == -1)
		return -1;
	s->base = s->at = base;
	s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (s->fd == -1) {
		saved = errno;
		err_set(e, GC_EX_IOERR, "can't open '%s': %s", s->path,
		    strerror(saved));
		errno = saved;
		return -1;
	}
	errno = 0;
	if (read_header(s, e) == 0)
		return 0;
	saved = errno == ENOTSUP ? ENOTSUP : 0;
	segment_close(s);
	errno = saved;
	return -1;
}

void
segment_seek(struct segment *s, uint64_t at, uint64_t line)
{
	s->at = at;
	s->line = line;
	segment_forget(s);
}

void
segment_forget(struct segment *s)
{
	buf_reset(&s->text);
	s->from = 0;
	s->find = (struct batch_find){ 0 };
}

int
segment_fill(struct segment *s, struct err *e)
{
	off_t offset;
	char *to;
	ssize_t n;

	buf_drop(&s->text, s->from);
	s->from = 0;
	offset = (off_t)(s->at - s->base) + (off_t)s->text.len;
	/* segment_next leaves at most BATCH_MAX: it fits */
	to = buf_room(&s->text, SEGMENT_BLOCK);
	if (lseek(s->fd, offset, SEEK_SET) == -1)
		n = -1;
	else
		do
			n = read(s->fd, to, SEGMENT_BLOCK);
		while (n == -1 && errno == EINTR);
	if (n == -1)
		return err_set(e, GC_EX_IOERR, "can't read '%s': %s", s->path,
		    strerror(errno));
	buf_grew(&s->text, (size_t)n);
	return n > 0;
}

enum batch_verdict
segment_next(struct segment *s, const char **lines,
    struct batch_found *found)
{
	enum batch_verdict verdict;

	if (s->from == s->text.len)
		return BATCH_MORE;
	*lines = s->text.data + s->from;
	verdict = batch_find(&s->find, *lines, s->text.len - s->from, found);
	if (verdict == BATCH_MORE)
		return BATCH_MORE;
	s->from += found->len;
	s->at += found->len;
	s->line += found->lines;
	return verdict;
}

int64_t
segment_len(const struct segment *s)
{
	struct stat st;

	return fstat(s->fd, &st) == -1 ? -1 : (int64_t)st.st_size;
}
