/*
 * Any text as a journal: it is read, or refused and left as it is.  What was
 * read reads again with nothing to cut, is gone on with, and is rewritten;
 * and wherever it is cut, the batches before the cut are there.
 *
 * In the input a line "#" is a journal's first line and "=" the right commit
 * of what stands before it: no fuzzer guesses a sum.
 */
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/journal.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (1 << 20)
#define CUTS 64

static const char *
add_line(void *arg, const char *line, size_t len)
{
	buf_add(arg, line, len + 1);
	return len > 0 && line[0] == '!' ? "it begins with !" : NULL;
}

static void
compose(struct buf *text, const char *p, size_t size)
{
	size_t batch = 0, lines = 0, n, len;

	buf_adds(text, "");	/* even of nothing there is a sum */
	for (; size > 0; p += n, size -= n) {
		len = n = memchr(p, '\n', size) != NULL ? (size_t)((const
		    char *)memchr(p, '\n', size) + 1 - p) : size;
		if (n == 2 && *p == '#') {
			batch_header(text, "roster");
			len = 0;
		} else if (n == 2 && *p == '=') {
			batch_commit(text, lines, batch_crc32(0, text->data +
			    batch, text->len - batch), 0);
			len = 0;
		}
		buf_add(text, p, len);
		lines++;
		if (len == 0) {
			batch = text->len;
			lines = 0;
		}
	}
}

static int
read_text(const char *text, size_t len, struct buf *lines, size_t *good)
{
	struct batch_text t = { "x", "roster", add_line, lines, 0, 0, 0 };
	struct err e;
	int status = batch_read(&t, text, len, &e);

	require(t.last <= t.good && t.good <= len);
	*good = t.good;
	return status;
}

/* Cut, it gives the beginning of what it gave whole. */
static void
cut(const struct buf *text, const struct buf *all, size_t whole)
{
	const char *first = memchr(text->data, '\n', text->len);
	size_t at = (size_t)(first + 1 - text->data), good;
	struct buf lines;

	buf_init(&lines, TEXT_MAX);
	for (; at <= text->len; at += 1 + text->len / CUTS) {
		buf_reset(&lines);
		require(read_text(text->data, at, &lines, &good) == 0 &&
		    good == (at < whole ? good : whole) &&
		    lines.len <= all->len && (lines.len == 0 ||
		    memcmp(lines.data, all->data, lines.len) == 0));
	}
	buf_free(&lines);
}

/* Open it: 0 and its lines, or -1. */
static int
open_file(struct journal *j, const char *path, struct buf *lines)
{
	struct err e;

	buf_reset(lines);
	return journal_open(j, path, "roster", add_line, lines, &e);
}

/* It has these lines, and nothing is to be cut. */
static void
reads_as(const char *path, const struct buf *all)
{
	struct journal j;
	struct buf lines;

	buf_init(&lines, 2 * TEXT_MAX);
	require(open_file(&j, path, &lines) == 0 && j.cut_bytes == 0 &&
	    lines.len == all->len && (lines.len == 0 ||
	    memcmp(lines.data, all->data, lines.len) == 0));
	journal_close(&j);
	buf_free(&lines);
}

static void
go_on(const char *path, struct journal *j, struct buf *all)
{
	uint64_t count = j->lines + 1;
	struct err e;

	require(journal_add(j, "{}\n", 3) == 0 && journal_commit(j, 0, &e) ==
	    0 && buf_add(all, "{}\n", 3) == 0);
	journal_close(j);
	reads_as(path, all);
	require(open_file(j, path, all) == 0 && j->lines == count &&
	    journal_rewrite(j, all, count, 0, &e) == 0);
	journal_close(j);
	reads_as(path, all);
}

static void
must_be_as_it_was(const char *path, const struct buf *text)
{
	struct buf now;

	buf_init(&now, TEXT_MAX);
	require(file_read(path, &now, NULL) == 0 && now.len == text->len &&
	    memcmp(now.data, text->data, now.len) == 0);
	buf_free(&now);
}

/* The same as a file. */
static void
as_file(const struct buf *text, int status)
{
	static char path[FUZZ_PATH_MAX];
	struct buf lines;
	struct journal j;
	struct err e;

	if (path[0] == '\0')
		fuzz_path(path, "journal");
	buf_init(&lines, 2 * TEXT_MAX);
	require(file_replace(path, text->data, text->len, &e) == 0 &&
	    open_file(&j, path, &lines) == status);
	if (status == 0)
		go_on(path, &j, &lines);
	else
		must_be_as_it_was(path, text);
	buf_free(&lines);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text, all;
	size_t good = 0;
	int status = 0;

	buf_init(&text, TEXT_MAX);
	buf_init(&all, TEXT_MAX);
	compose(&text, (const char *)data, size);
	if (text.len > 0)
		status = read_text(text.data, text.len, &all, &good);
	if (text.len > 0 && status == 0)
		cut(&text, &all, good);
	/* files are slow: a quarter of the inputs, by chance */
	if (batch_crc32(0, data, size) % 4 == 0)
		as_file(&text, status);
	buf_free(&text);
	buf_free(&all);
	return 0;
}
