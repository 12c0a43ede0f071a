/* dir:PATH, get: from a group's place on, following the writer. */
#include <sys/inotify.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-queue/dir.h"
#include "lib/file.h"
#include "lib/log.h"

#define LOOK_MS 1000		/* also where nothing woke us */
#define LOOK_SOON_MS 50		/* where nothing can wake us */
#define SAVE_MS 100		/* a place is on the disk so soon */
#define EVENTS (IN_MODIFY | IN_CREATE | IN_MOVED_TO)

static struct {
	int lock_fd, inotify_fd;	/* -1: none */
	struct segment segment;
	/* the batch that is handed out, and how much of it was */
	const char *lines;
	struct batch_found found;
	uint64_t batch_at, batch_line;
	size_t given;
	uint64_t given_lines;
	struct buf picked;	/* lines of our part; or those of a hole */
	const char *hole;	/* why lines are missing; NULL: none are */
	uint64_t next;		/* where the next batch should begin */
	bool known;		/* false: a new group, which misses nothing */
	struct place acked, saved;
	int64_t save_ms;	/* CLOCK_NEVER: it is saved */
	bool save_failed;	/* said */
	bool dozing;		/* nothing was there; until woken */
	int64_t look_ms;
} dir;

static uint64_t
there(void)
{
	return dir.segment.fd == -1 ? dir.next : dir.segment.at;
}

/* --- places -------------------------------------------------------------- */

static void
save(struct app *app)
{
	struct err e;

	if (dir.acked.position == dir.saved.position) {
		dir.save_ms = CLOCK_NEVER;
		return;
	}
	if (place_save(app->url.rest, &app->reader, &dir.acked,
	    clock_wall_ms(), &e) == -1) {
		app->counts.failures++;
		if (!dir.save_failed)
			log_error("%s; after a crash lines will come again",
			    e.msg);
		dir.save_failed = true;
		dir.save_ms = app->now_ms + DIR_AGAIN_MS;
		return;
	}
	if (dir.save_failed)
		log_warn("the place in '%s' is saved again", app->url.shown);
	dir.save_failed = false;
	dir.saved = dir.acked;
	dir.save_ms = CLOCK_NEVER;
}

void
dir_get_ack(struct app *app, struct stream *s, struct barrier_mark mark)
{
	(void)s;
	dir.acked = (struct place){ mark.position, mark.batch, mark.line };
	if (dir.save_ms == CLOCK_NEVER)
		dir.save_ms = app->now_ms + SAVE_MS;
}

/* Where it begins: its place, or where its group was done in other parts. */
static void
load_place(struct app *app)
{
	struct place_held held;
	struct places all;
	const struct place *begin;
	struct err e;
	int got;

	got = place_load(app->url.rest, &app->reader, &held, &e);
	if (got == -1 || dir_places(app, &all, &e) == -1)
		queue_die(app, &e);
	for (size_t i = 0; got == 0 && i < all.count; i++)
		if (all.all[i].damaged && all.all[i].name.parts !=
		    app->reader.parts && strcmp(all.all[i].name.group,
		    app->reader.group) == 0)	/* we begin where that is */
			die(GC_EX_DATAERR, "another part of group '%s' has a "
			    "place that is damaged", app->reader.group);
	begin = places_begin(&all, &app->reader);
	if (begin != NULL)
		dir.acked = *begin;
	dir.known = begin != NULL;
	if (got == 1)
		dir.saved = held.place;
	places_free(&all);
}

static void
lock(struct app *app)
{
	char place[PATH_MAX], path[PATH_MAX + 8];
	struct err e;

	if (place_path(place, app->url.rest, &app->reader, &e) == -1)
		queue_die(app, &e);
	snprintf(path, sizeof(path), "%s.lock", place);
	dir.lock_fd = file_lock(path, &e);
	if (dir.lock_fd == -1 && e.code == GC_EX_TEMPFAIL)
		err_set(&e, GC_EX_TEMPFAIL, "another process reads '%s' as "
		    "group '%s'%s%s", app->url.shown, app->reader.group,
		    app->opt.part ? ", part " : "",
		    app->opt.part ? app->opt.part : "");
	if (dir.lock_fd == -1)
		queue_die(app, &e);
	file_sweep(place);
}

/* --- segments ------------------------------------------------------------ */

/* The lines from where we are to that position will not be had. */
static void
miss(const char *why, uint64_t upto)
{
	if (dir.known && dir.hole == NULL)	/* the first that is missing */
		dir.hole = why;
	dir.next = upto;
}

/* The segment behind position there is, if there is one: its base. */
static bool
following(struct app *app, uint64_t position, uint64_t *base)
{
	struct segments list;
	bool found = false;
	struct err e;

	if (segments_list(&list, app->url.rest, &e) == -1)
		queue_die(app, &e);
	for (size_t i = 0; i < list.count && !found; i++) {
		found = list.bases[i] >= position;
		*base = list.bases[i];
	}
	segments_free(&list);
	return found;
}

/* Go on in the segment that begins at base; at a batch in it, or behind its
 * first line. */
static bool
enter(struct app *app, uint64_t base, const struct place *place)
{
	struct err e;
	uint64_t upto;

	if (segment_open(&dir.segment, app->url.rest, base, &e) == -1) {
		if (errno == ENOENT)
			return false;
		if (e.code != GC_EX_DATAERR)
			queue_die(app, &e);
		log_error("%s: passed over", e.msg);
		dir.known = true;
		if (!following(app, base + 1, &upto))
			upto = base + 1;
		miss("damaged", upto);
		return false;
	}
	if (place != NULL && place->batch >= dir.segment.at)
		segment_seek(&dir.segment, place->batch, place->line);
	dir.next = dir.segment.at;
	return true;
}

/* Begin, or begin again, at the place that is acknowledged. */
static void
go_to_place(struct app *app)
{
	const struct place *p = &dir.acked;
	struct segments list;
	struct err e;
	size_t i;

	segment_close(&dir.segment);
	dir.found.len = 0;
	dir.hole = NULL;
	dir.dozing = false;
	dir.next = p->batch;
	if (segments_list(&list, app->url.rest, &e) == -1)
		queue_die(app, &e);
	i = dir.known ? segments_find(&list, p->batch) : list.count;
	if (i < list.count && enter(app, list.bases[i], p)) {
		dir.given = dir.segment.at == p->batch ?
		    (size_t)(p->position - p->batch) : 0;
		/* from here on lines are counted from the batch's own */
		dir.batch_at = p->batch;
	}
	segments_free(&list);
}

/* The segment has ended here; is there another?  Bytes that are no batch
 * are a torn tail, unless another follows. */
static bool
next_segment(struct app *app)
{
	uint64_t base, from = dir.segment.fd == -1 ? dir.next :
	    dir.segment.base + 1;
	struct err e;
	int got = 0;

	while (following(app, from, &base)) {
		if (dir.segment.fd != -1)
			/* what was written before that one began */
			got = segment_fill(&dir.segment, &e);
		if (got == -1)
			queue_die(app, &e);
		if (got == 1)
			return true;
		if (dir.segment.text.len > dir.segment.from)
			miss("damaged", base);
		else if (base != there())
			miss("deleted", base);
		if (enter(app, base, NULL))
			return true;
		from = base + 1;
	}
	return false;
}

/* A bad batch with nothing behind it is a torn tail: its writer cuts it. */
static bool
is_tail(struct app *app)
{
	struct err e;
	uint64_t base;
	int got = 1;

	if (dir.segment.from == dir.segment.text.len)
		got = segment_fill(&dir.segment, &e);
	if (got == -1)
		queue_die(app, &e);
	return got == 0 && !following(app, dir.segment.base + 1, &base);
}

/* --- lines --------------------------------------------------------------- */

static void
begin_batch(uint64_t at, uint64_t line)
{
	bool here = dir.given > 0 && dir.batch_at == at;

	dir.batch_at = at;
	dir.batch_line = line;
	dir.given_lines = 0;
	if (!here)
		dir.given = 0;
	if (dir.given > dir.found.lines_len)
		dir.given = dir.found.lines_len;
	for (size_t i = 0; i < dir.given; i++)
		dir.given_lines += dir.lines[i] == '\n';
	/* a place counts the lines of its batch that are done, too */
	dir.batch_line -= dir.given_lines;
	dir.segment.line -= dir.given_lines;
}

/* Read until there is a batch: false if there is none at the moment. */
static bool
next_batch(struct app *app)
{
	uint64_t at, line;
	struct err e;
	int got;

	for (;;) {
		at = dir.segment.at;
		line = dir.segment.line;
		switch (dir.segment.fd == -1 ? BATCH_MORE :
		    segment_next(&dir.segment, &dir.lines, &dir.found)) {
		case BATCH_WHOLE:
			begin_batch(at, line);
			dir.next = dir.segment.at;
			return true;
		case BATCH_BAD:
			dir.found.len = 0;
			if (is_tail(app)) {
				segment_seek(&dir.segment, at, line);
				return false;
			}
			log_error("'%s' is damaged at %llu: %zu bytes are "
			    "passed over", dir.segment.path,
			    (unsigned long long)(at - dir.segment.base),
			    (size_t)(dir.segment.at - at));
			dir.known = true;
			miss("damaged", dir.segment.at);
			return true;
		case BATCH_MORE:
			got = dir.segment.fd == -1 ? 0 :
			    segment_fill(&dir.segment, &e);
			if (got == -1)
				queue_die(app, &e);
			if (got == 1 || next_segment(app))
				break;
			if (dir.segment.fd != -1)
				segment_forget(&dir.segment);
			return false;
		}
		if (dir.hole != NULL)
			return true;
	}
}

/* Lines that are missing are told before those behind them. */
static void
tell_hole(struct app *app, struct chunk *c)
{
	buf_reset(&dir.picked);
	hole_lines(&dir.picked, app->url.shown, dir.hole, 1, app->wall_ms);
	log_warn("'%s': lines are missing (%s): it is told in the stream",
	    app->url.shown, dir.hole);
	app->counts.holes++;
	dir.hole = NULL;
	c->lines = dir.picked.data;
	c->len = dir.picked.len;
	c->count = 2;
	c->end = (struct barrier_mark){ there(), there(),
	    dir.segment.fd == -1 ? 0 : dir.segment.line };
}

static bool
is_ours(struct app *app, const char *line, size_t len)
{
	return route_line(&app->route, line, len) != SCAN_OK ||
	    app->route.everyone || route_partition(&app->route,
	    app->reader.parts) == app->reader.part - 1;
}

/* Up to so many lines of the batch. */
static void
give(struct app *app, struct chunk *c, uint64_t lines)
{
	const char *begin = dir.lines + dir.given, *p = begin;
	const char *end = dir.lines + dir.found.lines_len, *newline;
	bool all = app->reader.parts == 0;
	uint64_t n = 0;

	buf_reset(&dir.picked);
	if (all && dir.given == 0 && lines >= dir.found.lines) {
		p = end;
		n = c->count = dir.found.lines;
	}
	for (; p < end && n < lines; n++, p = newline + 1) {
		newline = memchr(p, '\n', (size_t)(end - p));
		if (!all && !is_ours(app, p, (size_t)(newline - p)))
			continue;
		c->count++;
		if (!all)
			buf_add(&dir.picked, p, (size_t)(newline + 1 - p));
	}
	c->lines = all ? begin : dir.picked.data;
	c->len = all ? (size_t)(p - begin) : dir.picked.len;
	dir.given += (size_t)(p - begin);
	dir.given_lines += n;
	c->end = (struct barrier_mark){ dir.batch_at + dir.given,
	    dir.batch_at, dir.batch_line + dir.given_lines };
	if (p == end) {
		dir.found.len = 0;
		dir.given = 0;
		c->end = (struct barrier_mark){ dir.segment.at,
		    dir.segment.at, dir.segment.line };
	}
}

enum next
dir_get_next(struct app *app, struct chunk *c, uint64_t lines)
{
	*c = (struct chunk){ .stream = get_stream(app, 1) };
	if (dir.dozing || !command_ready(app, c->stream))
		return NEXT_NOTHING;
	if (dir.hole == NULL && dir.found.len == 0 && !next_batch(app)) {
		if (!app->opt.follow)
			return NEXT_END;
		dir.dozing = true;
		dir.look_ms = app->now_ms +
		    (dir.inotify_fd == -1 ? LOOK_SOON_MS : LOOK_MS);
		return NEXT_NOTHING;
	}
	if (dir.hole != NULL)
		tell_hole(app, c);
	else
		give(app, c, lines);
	dir.known = true;
	return NEXT_CHUNK;
}

/* --- the driver's ------------------------------------------------------- */

void
dir_get_open(struct app *app, struct sandbox *box)
{
	const char *folder = app->url.rest;
	struct err e;

	if (access(folder, F_OK) == -1 && !app->opt.follow)
		die(GC_EX_CONFIG, "there is no queue '%s'", app->url.shown);
	if (file_make_folders(folder, &e) == -1)
		queue_die(app, &e);
	segment_init(&dir.segment);
	buf_init(&dir.picked, 2 * BATCH_MAX);
	dir.save_ms = CLOCK_NEVER;
	lock(app);
	load_place(app);
	dir.inotify_fd = app->opt.follow ?
	    inotify_init1(IN_NONBLOCK | IN_CLOEXEC) : -1;
	if (dir.inotify_fd != -1 &&
	    inotify_add_watch(dir.inotify_fd, folder, EVENTS) == -1) {
		close(dir.inotify_fd);
		dir.inotify_fd = -1;
	}
	go_to_place(app);
	sandbox_folder(box, folder);
}

void
dir_get_rewind(struct app *app, struct stream *s)
{
	(void)s;
	go_to_place(app);
}

int64_t
dir_get_tick(struct app *app)
{
	if (app->now_ms >= dir.save_ms)
		save(app);
	if (dir.dozing && app->now_ms >= dir.look_ms)
		dir.dozing = false;
	return dir.dozing && dir.look_ms < dir.save_ms ? dir.look_ms :
	    dir.save_ms;
}

bool
dir_get_close(struct app *app)
{
	save(app);
	segment_close(&dir.segment);
	buf_free(&dir.picked);
	if (dir.inotify_fd != -1)
		close(dir.inotify_fd);
	close(dir.lock_fd);
	return !dir.save_failed;
}

size_t
dir_interest(struct app *app, struct pollfd *fds)
{
	(void)app;
	if (!dir.dozing || dir.inotify_fd == -1)
		return 0;
	fds[0] = (struct pollfd){ dir.inotify_fd, POLLIN, 0 };
	return 1;
}

void
dir_serve(struct app *app, const struct pollfd *fds, size_t n)
{
	char events[4096];

	(void)app;
	if (n == 0 || fds[0].revents == 0)
		return;
	while (read(dir.inotify_fd, events, sizeof(events)) > 0)
		continue;
	dir.dozing = false;
}
