#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/batch.h"
#include "lib/clock.h"
#include "lib/scan.h"

#define BATCH_VERSION 1
#define COMMIT_MAX 256	/* bytes of a commit line, however it is spelt */

enum { J_EVENT, J_VERSION, J_KIND, J_LINES, J_CRC, J_LEN };

static const struct scan_key keys[J_LEN] = {
	[J_EVENT] = SCAN_KEY("event", -1),
	[J_VERSION] = SCAN_KEY("version", -1),
	[J_KIND] = SCAN_KEY("kind", -1),
	[J_LINES] = SCAN_KEY("lines", -1),
	[J_CRC] = SCAN_KEY("crc32", -1),
};

uint32_t
batch_crc32(uint32_t crc, const void *bytes, size_t len)
{
	return libdeflate_crc32(crc, bytes, len);
}

/* Reading: where we are, and what was found. */
struct reading {
	struct batch_text *t;
	const char *text;
	size_t len;
	size_t batch;		/* the batch that is read begins here */
	uint64_t batch_first;	/* number of its first line */
	uint64_t line;		/* lines read */
};

static int
damaged(const struct reading *r, uint64_t line, const char *why,
    struct err *e)
{
	return err_set(e, GC_EX_DATAERR, "'%s' is damaged at line %" PRIu64
	    ": %s; the file is left as it is", r->t->path, line, why);
}

int
batch_check_header(const char *path, const char *kind, const char *line,
    size_t len, struct err *e)
{
	struct slice v[J_LEN];
	uint64_t version;

	if (scan_object(line, len, keys, J_LEN, v) != SCAN_OK ||
	    !slice_is(v[J_EVENT], "gc:journal") ||
	    slice_number(v[J_VERSION], &version) == -1 || version == 0)
		return err_set(e, GC_EX_DATAERR, "'%s' is no journal", path);
	if (version > BATCH_VERSION) {
		err_set(e, GC_EX_DATAERR, "'%s' was written by a newer "
		    "version (%" PRIu64 ")", path, version);
		errno = ENOTSUP;
		return -1;
	}
	if (!slice_is(v[J_KIND], kind))
		return err_set(e, GC_EX_DATAERR, "'%s' is a journal of "
		    "another kind than %s", path, kind);
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
		why = r->t->reader(r->t->arg, p, (size_t)(newline - p));
		if (why != NULL)
			return damaged(r, line, why, e);
		r->t->lines++;
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
	snprintf(sum, sizeof(sum), "%08" PRIx32, batch_crc32(0,
	    r->text + r->batch, at - r->batch));
	return slice_is(v[J_CRC], sum) ? NULL : "the sum is wrong";
}

/* However it is spelt; but most lines are none by their length alone, and
 * need not be read for it. */
static bool
is_commit(const char *line, size_t len, struct slice *v)
{
	return len <= COMMIT_MAX &&
	    scan_object(line, len, keys, J_LEN, v) == SCAN_OK &&
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
	r->t->last = r->batch;
	r->batch = end;
	r->batch_first = r->line;
	r->t->good = end;
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
			if (batch_check_header(r->t->path, r->t->kind,
			    r->text + at, end - at - (newline != NULL), e) ==
			    -1)
				return -1;
			if (newline == NULL)
				return damaged(r, 1, "the line is cut", e);
			r->line = r->batch_first = 1;
			r->batch = end;
			r->t->good = r->t->last = end;
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

int
batch_read(struct batch_text *t, const char *text, size_t len, struct err *e)
{
	struct reading r = { .t = t, .text = text, .len = len };

	t->good = t->last = 0;
	t->lines = 0;
	return read_lines(&r, e);
}

void
batch_header(struct buf *out, const char *kind)
{
	batch_header_with(out, kind, "");
}

void
batch_header_with(struct buf *out, const char *kind, const char *members)
{
	buf_addf(out, "{\"event\":\"gc:journal\",\"version\":%d,\"kind\":"
	    "\"%s\"%s}\n", BATCH_VERSION, kind, members);
}

void
batch_commit(struct buf *out, uint64_t lines, uint32_t crc, int64_t wall_ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(wall_ms, at);
	buf_addf(out, "{\"event\":\"gc:commit\",\"at\":\"%s\",\"lines\":%"
	    PRIu64 ",\"crc32\":\"%08" PRIx32 "\"}\n", at, lines, crc);
}

/* Judge the commit line at [at, end) of a batch that begins at text. */
static enum batch_verdict
judge(const char *text, size_t at, size_t end, const struct batch_find *f,
    struct batch_found *found)
{
	struct slice v[J_LEN];
	uint64_t lines;
	char sum[9];

	if (!is_commit(text + at, end - at - 1, v))
		return BATCH_MORE;
	*found = (struct batch_found){ at, end, f->lines };
	if (slice_number(v[J_LINES], &lines) == -1 || lines != f->lines)
		return BATCH_BAD;
	snprintf(sum, sizeof(sum), "%08" PRIx32, batch_crc32(0, text, at));
	return slice_is(v[J_CRC], sum) ? BATCH_WHOLE : BATCH_BAD;
}

enum batch_verdict
batch_find(struct batch_find *f, const char *text, size_t len,
    struct batch_found *found)
{
	static const char begin[] = "{\"event\":\"gc:commit\"";
	enum batch_verdict verdict;
	const char *newline;
	size_t at, end;

	for (at = f->at; at < len; at = end) {
		newline = memchr(text + f->searched, '\n',
		    len - f->searched);
		if (newline == NULL)
			break;
		end = f->searched = (size_t)(newline + 1 - text);
		if (end - at > sizeof(begin) && memcmp(text + at, begin,
		    sizeof(begin) - 1) == 0 &&
		    (verdict = judge(text, at, end, f, found)) != BATCH_MORE) {
			*f = (struct batch_find){ 0 };
			return verdict;
		}
		f->at = end;
		f->lines++;
	}
	f->searched = len;
	if (len <= BATCH_MAX)
		return BATCH_MORE;
	/* no batch is that long: go on behind what is there */
	*found = (struct batch_found){ f->at, f->at > 0 ? f->at : len,
	    f->lines };
	*f = (struct batch_find){ 0 };
	return BATCH_BAD;
}
