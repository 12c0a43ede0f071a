/* -s FILE: the roster's journal.  Durable at each barrier, each second, and
 * at the end; a disk that will not is said, and tried again. */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/log.h"

#define PERIOD_MS 1000
#define REWRITE_AGAIN_MS 60000
#define SPARE_LINES 1024	/* old lines that are never worth a rewrite */

void
store_open(struct app *app)
{
	struct store *s = &app->store;
	struct err e;

	TAILQ_INIT(&s->dirty);
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
	TAILQ_REMOVE(&s->dirty, a, dirty_link);
	a->dirty = false;
}

void
store_mark(struct app *app, struct agent *a)
{
	struct store *s = &app->store;

	if (!s->used || a->dirty)
		return;
	a->dirty = true;
	TAILQ_INSERT_TAIL(&s->dirty, a, dirty_link);
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
	if (a->dirty)
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
	while (status == 0 && !TAILQ_EMPTY(&s->dirty))
		clear_dirty(s, TAILQ_FIRST(&s->dirty));
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
	struct agent *a;

	/* a batch that failed goes first and alone: it does not grow */
	if (journal_commit(&s->journal, app->wall_ms, e) == -1)
		return -1;
	while ((a = TAILQ_FIRST(&s->dirty)) != NULL) {
		buf_reset(&app->line);
		record_agent(&app->line, a, app->wall_ms, false);
		if (journal_add(&s->journal, app->line.data,
		    app->line.len) == -1)
			return err_set(e, GC_EX_IOERR, "'%s': a line is too "
			    "long", app->opt.state);
		clear_dirty(s, a);
		if (s->journal.batch.len >= JOURNAL_BATCH_FULL &&
		    journal_commit(&s->journal, app->wall_ms, e) == -1)
			return -1;
	}
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
	free(s->last_gone);
	if (durable)
		return GC_EX_OK;
	log_error("'%s' could not be written: what changed last is not in it",
	    app->opt.state);
	return GC_EX_IOERR;
}
