/* dir:PATH, put: batches into segments, and a disk that will not. */
#include <sys/stat.h>

#include "cmd/gc-queue/dir.h"
#include "lib/log.h"

#define SYNC_MS 100		/* --sync interval */
#define EXPIRE_MS 10000

static struct {
	struct spool spool;
	bool held;		/* the disk would not: nothing is taken */
	int64_t again_ms;	/* then it is tried again */
	int64_t sync_ms;	/* CLOCK_NEVER: nothing waits for a sync */
	int64_t expire_ms;
	uint64_t segments;	/* when old ones were last looked for */
	int64_t last_wall_ms;	/* when a process before us last wrote */
} dir;

/* When the segment that is gone on with was last written. */
static int64_t
last_written_ms(const struct spool *s)
{
	struct stat st;

	if (s->fd == -1 || fstat(s->fd, &st) == -1)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000 +
	    st.st_mtim.tv_nsec / 1000000;
}

void
dir_put_open(struct app *app, struct sandbox *box)
{
	struct spool *s = &dir.spool;
	struct places places;
	struct err e;

	if (dir_places(app, &places, &e) == -1 ||
	    spool_open(s, app->url.rest, (enum spool_sync)app->opt.sync,
	    app->opt.segment, places_highest(&places), &e) == -1)
		queue_die(app, &e);
	places_free(&places);
	dir.last_wall_ms = last_written_ms(s);
	dir.sync_ms = CLOCK_NEVER;
	dir.expire_ms = app->now_ms;
	if (s->cut_bytes > 0)
		log_warn("'%s': a torn tail of %llu bytes was cut off",
		    app->url.shown, (unsigned long long)s->cut_bytes);
	if (s->damaged_last)
		log_warn("'%s': the last batch is damaged, or the segment's "
		    "first line: who reads past it is told",
		    app->url.shown);
	sandbox_folder(box, app->url.rest);
}

bool
dir_put_is_new(struct app *app, int64_t *quiet_ms)
{
	const struct spool *s = &dir.spool;

	*quiet_ms = dir.last_wall_ms == 0 ? 1 :
	    app->wall_ms - dir.last_wall_ms;
	return s->lines + spool_unwritten(s) == 0 && s->base == 0;
}

static void
succeeded(struct app *app)
{
	if (dir.held)
		log_warn("'%s' is written again", app->url.shown);
	dir.held = false;
}

static void
failed(struct app *app, const struct err *e)
{
	app->counts.failures++;
	if (!dir.held)
		log_error("%s; nothing is read until it can be written",
		    e->msg);
	dir.held = true;
	dir.again_ms = clock_mono_ms() + DIR_AGAIN_MS;
}

/* Out with the batch; and what of durability is due. */
static void
commit(struct app *app, int (*sync)(struct spool *, struct err *))
{
	struct spool *s = &dir.spool;
	uint64_t lines = spool_unwritten(s);
	struct err e;

	if (spool_commit(s, app->wall_ms, &e) == -1 ||
	    (sync != NULL && s->sync != SPOOL_NONE && sync(s, &e) == -1)) {
		failed(app, &e);
		return;
	}
	succeeded(app);
	app->counts.batches += lines > 0;
	if (spool_is_synced(s))
		dir.sync_ms = CLOCK_NEVER;
	else if (sync != NULL || dir.sync_ms == CLOCK_NEVER)
		dir.sync_ms = app->now_ms + SYNC_MS;
}

void
dir_put_line(struct app *app, const char *line, size_t raw)
{
	spool_add(&dir.spool, line, raw);
	if (spool_is_full(&dir.spool))
		commit(app, NULL);
}

void
dir_put_flush(struct app *app)
{
	if (dir.spool.batch_lines > 0 && !dir.held)
		commit(app, NULL);
}

bool
dir_put_is_held(struct app *app)
{
	(void)app;
	return dir.held;
}

bool
dir_put_is_done(struct app *app)
{
	if (!dir.held && spool_unwritten(&dir.spool) == 0 &&
	    (spool_is_synced(&dir.spool) || dir.spool.sync == SPOOL_NONE))
		return true;
	if (!dir.held)
		commit(app, spool_sync);
	return !dir.held;
}

int64_t
dir_put_tick(struct app *app)
{
	int64_t now = app->now_ms;

	if (dir.held && now >= dir.again_ms)
		commit(app, spool_sync);
	if (dir.held)
		return dir.again_ms;
	if (now >= dir.sync_ms)
		commit(app, spool_sync_begin);
	if (now >= dir.expire_ms || dir.segments != dir.spool.segments) {
		dir.segments = dir.spool.segments;
		dir.expire_ms = now + EXPIRE_MS;
		dir_expire(app);
	}
	return dir.sync_ms < dir.expire_ms ? dir.sync_ms : dir.expire_ms;
}

uint64_t
dir_put_left(struct app *app, int *code)
{
	(void)app;
	*code = GC_EX_IOERR;
	return spool_unwritten(&dir.spool);
}

void
dir_put_close(struct app *app)
{
	(void)app;
	spool_close(&dir.spool);
}
