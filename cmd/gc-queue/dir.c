/* dir:PATH: the driver, and looking at a queue from outside. */
#include <sys/stat.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-queue/dir.h"
#include "lib/expire.h"
#include "lib/log.h"

static void
check(struct app *app)
{
	char *path = app->url.rest;
	size_t len = strlen(path);
	struct stat st;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	if (len == 0)
		die(GC_EX_USAGE, "dir: needs a path behind it");
	if (stat(path, &st) == 0 ? !S_ISDIR(st.st_mode) : errno == ENOTDIR)
		die(GC_EX_CANTCREAT, "'%s' is no folder", app->url.shown);
}

int
dir_places(struct app *app, struct places *places, struct err *e)
{
	static bool said;
	struct place_held again;
	struct err why;

	if (places_list(places, app->url.rest, e) == -1)
		return -1;
	for (size_t i = 0; i < places->count && !said; i++)
		if (places->all[i].damaged && place_load(app->url.rest,
		    &places->all[i].name, &again, &why) == -1)
			log_warn("%s (trim --forget %s does so)", why.msg,
			    places->all[i].name.group);
	said = true;
	return 0;
}

/* --- ls ------------------------------------------------------------------ */

/* The queue as it is now. */
struct seen {
	uint64_t base, first;	/* of the oldest segment */
	int64_t oldest_ms;
	uint64_t end, lines;	/* behind the last batch */
	size_t segments;
};

static int
look_at_last(struct segment *s, struct seen *seen, struct err *e)
{
	struct batch_found found;
	const char *lines;
	int got = 1;

	seen->end = s->at;
	seen->lines = s->line;
	while (got == 1) {
		switch (segment_next(s, &lines, &found)) {
		case BATCH_WHOLE:
			seen->end = s->at;
			seen->lines = s->line;
			break;
		case BATCH_BAD:
			break;
		case BATCH_MORE:
			got = segment_fill(s, e);
			break;
		}
	}
	return got;
}

/* From the segment at i on by step, the first whose first line is sound. */
static int
open_sound(struct segment *s, const char *folder,
    const struct segments *list, size_t i, int step, struct err *e)
{
	int status;

	do
		status = segment_open(s, folder, list->bases[i], e);
	while (status == -1 && e->code == GC_EX_DATAERR &&
	    (i += (size_t)step) < list->count);
	return status;
}

static int
look(const char *folder, struct seen *seen, struct err *e)
{
	struct segments list;
	struct segment s;
	int status;

	*seen = (struct seen){ 0 };
	segment_init(&s);
	status = segments_list(&list, folder, e);
	seen->segments = list.count;
	if (status == 0 && list.count > 0 && (status = open_sound(&s,
	    folder, &list, 0, 1, e)) == 0) {
		seen->base = list.bases[0];
		seen->first = s.first;
		seen->oldest_ms = s.made_ms;
		status = open_sound(&s, folder, &list, list.count - 1, -1, e);
		if (status == 0)
			status = look_at_last(&s, seen, e);
	}
	segment_close(&s);
	segments_free(&list);
	return status;
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void
print_place(struct app *app, const struct seen *seen,
    const struct place_held *h)
{
	char at[CLOCK_RFC3339_LEN + 1], part[32] = "null";
	struct buf line;

	if (h->name.parts > 0)
		snprintf(part, sizeof(part), "\"%u/%u\"", h->name.part,
		    h->name.parts);
	clock_format_ms(h->at_ms, at);
	buf_init(&line, NDJSON_LINE_MAX);
	buf_addf(&line, "{\"event\":\"gc:place\",\"at\":\"%s\",\"group\":"
	    "\"%s\",\"part\":%s,\"position\":%" PRIu64 ",\"depth\":%" PRIu64
	    ",\"depthBytes\":%" PRIu64 "}\n", at, h->name.group, part,
	    h->place.position, less(seen->lines, h->place.line),
	    less(seen->end, h->place.position));
	filter_put(&app->filter, line.data, line.len);
	buf_free(&line);
}

static void
print_queue(struct app *app, const struct seen *seen)
{
	char at[CLOCK_RFC3339_LEN + 1], age[32] = "null";
	struct buf line;

	if (seen->lines > seen->first)
		snprintf(age, sizeof(age), "%" PRId64,
		    app->wall_ms - seen->oldest_ms);
	clock_format_ms(app->wall_ms, at);
	buf_init(&line, NDJSON_LINE_MAX);
	buf_addf(&line, "{\"event\":\"gc:queue\",\"at\":\"%s\",\"url\":", at);
	buf_add_json(&line, app->url.shown, strlen(app->url.shown));
	buf_addf(&line, ",\"partition\":1,\"partitions\":1,\"first\":%" PRIu64
	    ",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"position\":%" PRIu64
	    ",\"segments\":%zu,\"oldestMs\":%s}\n",
	    seen->first, less(seen->lines, seen->first),
	    less(seen->end, seen->base),
	    seen->end, seen->segments, age);
	filter_put(&app->filter, line.data, line.len);
	buf_free(&line);
}

static void
must_be_there(const struct app *app)
{
	if (access(app->url.rest, F_OK) == -1)
		die(GC_EX_CONFIG, "there is no queue '%s'", app->url.shown);
}

static void
list(struct app *app)
{
	struct places places;
	struct seen seen;
	struct err e;

	must_be_there(app);
	/* places first: none of them is behind what is looked at then */
	if (dir_places(app, &places, &e) == -1 ||
	    look(app->url.rest, &seen, &e) == -1)
		queue_die(app, &e);
	print_queue(app, &seen);
	for (size_t i = 0; i < places.count; i++)
		if (!places.all[i].damaged)
			print_place(app, &seen, &places.all[i]);
	places_free(&places);
}

/* --- trim ---------------------------------------------------------------- */

static int64_t
expire(struct app *app, struct err *e)
{
	struct places places;
	uint64_t floor;

	if (dir_places(app, &places, e) == -1)
		return -1;
	/* nobody has read anything: nobody is done with it */
	floor = places.count == 0 ? 0 : places_floor(&places);
	places_free(&places);
	return expire_segments(app->url.rest, floor, app->keep.bytes,
	    app->keep.ms, app->wall_ms, e);
}

static void
say_gone(const struct app *app, int64_t gone)
{
	if (gone > 0)
		log_note("'%s': %" PRId64 " old segments removed",
		    app->url.shown, gone);
}

void
dir_expire(struct app *app)
{
	static bool failing;
	struct err e;
	int64_t gone = expire(app, &e);

	if (gone == -1 && !failing)
		log_warn("%s; old segments stay", e.msg);
	failing = gone == -1;
	say_gone(app, gone);
}

/* The group is no more: nothing is kept for it. */
static void
forget(struct app *app)
{
	struct places places;
	char path[PATH_MAX];
	size_t gone = 0;
	struct err e;

	if (dir_places(app, &places, &e) == -1)
		queue_die(app, &e);
	for (size_t i = 0; i < places.count; i++) {
		if (strcmp(places.all[i].name.group, app->opt.forget) != 0)
			continue;
		if (place_path(path, app->url.rest, &places.all[i].name,
		    &e) == -1)
			queue_die(app, &e);
		if (unlink(path) == -1)
			die(GC_EX_IOERR, "can't remove '%s'", path);
		gone++;
	}
	places_free(&places);
	if (gone == 0)
		log_warn("'%s': there is no group '%s'", app->url.shown,
		    app->opt.forget);
}

static void
trim(struct app *app)
{
	struct err e;
	int64_t gone;

	must_be_there(app);
	if (app->opt.forget != NULL)
		forget(app);
	gone = expire(app, &e);
	if (gone == -1)
		queue_die(app, &e);
	say_gone(app, gone);
}

const struct driver dir_driver = {
	.scheme = "dir",
	.params = (const char *const[]){ NULL },
	.check = check,
	.put_open = dir_put_open, .put_is_new = dir_put_is_new,
	.put_line = dir_put_line, .put_flush = dir_put_flush,
	.put_is_held = dir_put_is_held, .put_is_done = dir_put_is_done,
	.put_tick = dir_put_tick, .put_left = dir_put_left,
	.put_close = dir_put_close,
	.get_open = dir_get_open, .get_next = dir_get_next,
	.get_ack = dir_get_ack, .get_rewind = dir_get_rewind,
	.get_tick = dir_get_tick, .get_close = dir_get_close,
	.interest = dir_interest, .serve = dir_serve,
	.list = list, .trim = trim,
};
