/* -s FILE: the roster's journal.  Durable at each barrier, each second, and
 * at the end; a disk that will not is said, and tried again. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/log.h"

#define PERIOD_MS 1000
#define REWRITE_AGAIN_MS 60000
#define DIRTY_FIRST 256
#define SPARE_LINES 1024	/* old lines that are never worth a rewrite */

void
store_open(struct app *app)
{
	struct store *s = &app->store;
	struct err e;

	s->due_ms = CLOCK_NEVER;
	buf_init(&s->held, FORWARD_MAX);
	if (app->opt.state == NULL)
		return;
	if (journal_open(&s->journal, app->opt.state, "roster", fold_journal,
	    app, &e) == -1)
		die_err(&e);
	s->used = true;
	if (s->journal.cut_bytes > 0)
		log_warn("'%s': a torn tail of %" PRIu64 " bytes was cut off",
		    app->opt.state, s->journal.cut_bytes);
	log_note("'%s': %zu agents", app->opt.state, app->roster.count);
}

static void
clear_dirty(struct store *s, struct agent *a)
{
	struct agent *last = s->dirty[--s->dirty_count];

	s->dirty[a->dirty_at - 1] = last;
	last->dirty_at = a->dirty_at;
	a->dirty_at = 0;
}

void
store_mark(struct app *app, struct agent *a)
{
	struct store *s = &app->store;

	if (!s->used || a->dirty_at != 0)
		return;
	if (s->dirty_count == s->dirty_alloc) {
		s->dirty_alloc = s->dirty_alloc ? 2 * s->dirty_alloc :
		    DIRTY_FIRST;
		s->dirty = xreallocarray(s->dirty, s->dirty_alloc,
		    sizeof(struct agent *));
	}
	s->dirty[s->dirty_count++] = a;
	a->dirty_at = (uint32_t)s->dirty_count;
	if (s->due_ms == CLOCK_NEVER)
		s->due_ms = app->now_ms + PERIOD_MS;
}

void
store_keep_gone(struct app *app, const char *line, size_t len)
{
	free(app->store.last_gone);
	app->store.last_gone = xstrndup(line, len);
}

void
store_gone(struct app *app, struct agent *a)
{
	struct store *s = &app->store;
	struct buf line;

	if (!s->used)
		return;
	if (a->dirty_at != 0)
		clear_dirty(s, a);
	buf_init(&line, JOURNAL_BATCH_MAX);
	record_agent(&line, a, app->wall_ms, true);
	store_keep_gone(app, line.data, line.len);
	if (journal_add(&s->journal, line.data, line.len) == -1)
		s->anew = true;
	buf_free(&line);
	if (s->due_ms == CLOCK_NEVER)
		s->due_ms = app->now_ms + PERIOD_MS;
}

/* The first n of the dirty are written. */
static void
clear_first(struct store *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->dirty[i]->dirty_at = 0;
	s->dirty_count -= n;
	if (n == 0 || s->dirty_count == 0)
		return;
	memmove(s->dirty, s->dirty + n, s->dirty_count * sizeof(*s->dirty));
	for (size_t i = 0; i < s->dirty_count; i++)
		s->dirty[i]->dirty_at = (uint32_t)i + 1;
}

/* The whole roster in the place of the file. */
static int
write_anew(struct app *app, struct err *e)
{
	struct store *s = &app->store;
	struct buf all;
	uint64_t count = app->roster.count + (s->last_gone != NULL);
	int status;

	buf_init(&all, SIZE_MAX / 4);
	if (s->last_gone != NULL)	/* its seq may be the highest */
		buf_adds(&all, s->last_gone);
	for (size_t i = 0; i < app->roster.count; i++)
		record_agent(&all, app->roster.list[i], app->wall_ms, false);
	status = journal_rewrite(&s->journal, &all, count, app->wall_ms, e);
	buf_free(&all);
	if (status == 0)
		clear_first(s, s->dirty_count);
	return status;
}

/* Write the roster anew when most lines of the file are old.  Where that
 * fails, the old file is whole and goes on growing: said, not fatal. */
static void
rewrite_if_old(struct app *app)
{
	struct store *s = &app->store;
	struct err e;

	if (s->journal.lines < 2 * app->roster.count + SPARE_LINES ||
	    app->now_ms < s->rewrite_due_ms)
		return;
	if (write_anew(app, &e) == 0) {
		s->rewrite_failures = 0;
		return;
	}
	s->rewrite_due_ms = app->now_ms + REWRITE_AGAIN_MS;
	if (s->rewrite_failures++ == 0)
		log_warn("%s; the old lines stay in it", e.msg);
}

static void
failed(struct app *app, const struct err *e)
{
	struct store *s = &app->store;

	s->failures_total++;
	if (s->failures++ == 0)
		log_error("%s; the roster is kept in memory and tried again",
		    e->msg);
	s->due_ms = app->now_ms + PERIOD_MS;
}

/* What has changed goes behind the rest, in batches of bounded size. */
static int
write_changes(struct app *app, struct err *e)
{
	struct store *s = &app->store;
	size_t n = 0;

	/* a batch that failed goes first and alone: it does not grow */
	if (journal_commit(&s->journal, app->wall_ms, e) == -1)
		return -1;
	while (n < s->dirty_count) {
		buf_reset(&app->line);
		record_agent(&app->line, s->dirty[n], app->wall_ms, false);
		if (journal_add(&s->journal, app->line.data,
		    app->line.len) == -1) {
			clear_first(s, n);
			return err_set(e, GC_EX_IOERR, "'%s': a line is too "
			    "long", app->opt.state);
		}
		n++;
		if (s->journal.batch.len >= JOURNAL_BATCH_FULL &&
		    journal_commit(&s->journal, app->wall_ms, e) == -1) {
			clear_first(s, n);
			return -1;
		}
	}
	clear_first(s, n);
	return journal_commit(&s->journal, app->wall_ms, e);
}

bool
store_commit(struct app *app)
{
	struct store *s = &app->store;
	struct err e;

	if (!s->used)
		return true;
	if (journal_is_missing(&s->journal)) {
		log_warn("'%s' was removed: written anew", app->opt.state);
		s->anew = true;
	}
	if ((s->anew ? write_anew(app, &e) : write_changes(app, &e)) == -1) {
		failed(app, &e);
		return false;
	}
	s->anew = false;
	rewrite_if_old(app);
	if (s->failures > 0)
		log_warn("'%s' is written again", app->opt.state);
	s->failures = 0;
	s->due_ms = CLOCK_NEVER;
	if (s->held.len > 0 && !app->opt.snapshot)
		filter_put(&app->filter, s->held.data, s->held.len);
	buf_reset(&s->held);
	return true;
}

void
store_barrier(struct app *app, const char *line, size_t raw)
{
	struct store *s = &app->store;

	if (buf_add(&s->held, line, raw) == -1)
		die(GC_EX_IOERR, "too many barriers wait for '%s'",
		    app->opt.state);
	if (store_commit(app) && !s->used) {
		if (!app->opt.snapshot)
			filter_put(&app->filter, s->held.data, s->held.len);
		buf_reset(&s->held);
	}
	filter_flush(&app->filter);
}

int64_t
store_tick(struct app *app)
{
	if (app->now_ms >= app->store.due_ms)
		store_commit(app);
	return app->store.due_ms;
}

int
store_close(struct app *app)
{
	struct store *s = &app->store;
	bool durable = store_commit(app);

	if (s->used)
		journal_close(&s->journal);
	buf_free(&s->held);
	free(s->dirty);
	free(s->last_gone);
	if (durable)
		return GC_EX_OK;
	log_error("'%s' could not be written: what changed last is not in it",
	    app->opt.state);
	return GC_EX_IOERR;
}
