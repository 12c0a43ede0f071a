#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/place.h"
#include "lib/scan.h"
#include "lib/str.h"

#define ENDING ".place"
#define TEXT_MAX 1024

int
place_part(const char *text, struct place_name *name)
{
	char copy[16];
	uint64_t part, parts;
	char *slash;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy) ||
	    (slash = strchr(copy, '/')) == NULL)
		return -1;
	*slash = '\0';
	if (str_number(copy, PLACE_PARTS_MAX, &part) == -1 ||
	    str_number(slash + 1, PLACE_PARTS_MAX, &parts) == -1 ||
	    part == 0 || part > parts)
		return -1;
	name->part = (unsigned)part;
	name->parts = (unsigned)parts;
	return 0;
}

bool
place_is_group(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return len > 0 && len <= PLACE_GROUP_MAX && text[len] == '\0';
}

int
place_path(char path[PATH_MAX], const char *folder,
    const struct place_name *name, struct err *e)
{
	char part[32] = "";

	if (name->parts > 0)
		snprintf(part, sizeof(part), ".%u-of-%u", name->part,
		    name->parts);
	if (snprintf(path, PATH_MAX, "%s/%s%s" ENDING, folder, name->group,
	    part) < PATH_MAX)
		return 0;
	return err_set(e, GC_EX_CANTCREAT, "path too long: '%s'", folder);
}

/* Read what a file says; NULL, or why not. */
static const char *
parse(const struct buf *text, struct place_held *h)
{
	enum { EVENT, AT, GROUP, PART, POSITION, BATCH, LINE, COUNT };
	static const struct scan_key keys[COUNT] = {
		[EVENT] = SCAN_KEY("event", -1),
		[AT] = SCAN_KEY("at", -1),
		[GROUP] = SCAN_KEY("group", -1),
		[PART] = SCAN_KEY("part", -1),
		[POSITION] = SCAN_KEY("position", -1),
		[BATCH] = SCAN_KEY("batch", -1),
		[LINE] = SCAN_KEY("line", -1),
	};
	struct slice v[COUNT];
	struct stamp at;
	char part[32];

	if (text->len == 0 ||
	    scan_object(text->data, text->len, keys, COUNT, v) != SCAN_OK ||
	    !slice_is(v[EVENT], "gc:place"))
		return "it is no place";
	if (v[AT].kind != SCAN_STRING ||
	    clock_parse(v[AT].p, v[AT].len, &at) == -1 ||
	    v[GROUP].kind != SCAN_STRING || v[GROUP].len > PLACE_GROUP_MAX ||
	    slice_number(v[POSITION], &h->place.position) == -1 ||
	    slice_number(v[BATCH], &h->place.batch) == -1 ||
	    slice_number(v[LINE], &h->place.line) == -1)
		return "a member is missing";
	h->at_ms = stamp_to_ms(at);
	snprintf(h->name.group, sizeof(h->name.group), "%.*s",
	    (int)v[GROUP].len, v[GROUP].p);
	h->name.part = h->name.parts = 0;
	snprintf(part, sizeof(part), "%.*s", (int)v[PART].len,
	    v[PART].kind == SCAN_STRING ? v[PART].p : "");
	if (v[PART].kind == SCAN_STRING && place_part(part, &h->name) == -1)
		return "its part is none";
	return NULL;
}

static int
load(const char *path, struct place_held *h, struct err *e)
{
	struct buf text;
	const char *why;
	int status;

	*h = (struct place_held){ .at_ms = 0 };
	buf_init(&text, TEXT_MAX);
	status = file_read(path, &text, e);
	if (status == -1) {
		buf_free(&text);
		return errno == ENOENT ? 0 : -1;
	}
	why = parse(&text, h);
	buf_free(&text);
	if (why == NULL)
		return 1;
	return err_set(e, GC_EX_DATAERR, "'%s' is damaged: %s; remove it to "
	    "begin anew", path, why);
}

int
place_load(const char *folder, const struct place_name *name,
    struct place_held *h, struct err *e)
{
	char path[PATH_MAX];

	return place_path(path, folder, name, e) == -1 ? -1 :
	    load(path, h, e);
}

int
place_save(const char *folder, const struct place_name *name,
    const struct place *place, int64_t wall_ms, struct err *e)
{
	char path[PATH_MAX], at[CLOCK_RFC3339_LEN + 1], part[32] = "null";
	struct buf text;
	int status;

	if (place_path(path, folder, name, e) == -1)
		return -1;
	if (name->parts > 0)
		snprintf(part, sizeof(part), "\"%u/%u\"", name->part,
		    name->parts);
	clock_format_ms(wall_ms, at);
	buf_init(&text, TEXT_MAX);
	buf_addf(&text, "{\"event\":\"gc:place\",\"at\":\"%s\",\"group\":"
	    "\"%s\",\"part\":%s,\"position\":%" PRIu64 ",\"batch\":%" PRIu64
	    ",\"line\":%" PRIu64 "}\n", at, name->group, part,
	    place->position, place->batch, place->line);
	status = file_replace(path, text.data, text.len, e);
	buf_free(&text);
	return status;
}

static int
by_name(const void *a, const void *b)
{
	const struct place_held *x = a, *y = b;
	int order = strcmp(x->name.group, y->name.group);

	if (order != 0)
		return order;
	if (x->name.parts != y->name.parts)
		return x->name.parts < y->name.parts ? -1 : 1;
	return x->name.part < y->name.part ? -1 :
	    x->name.part > y->name.part;
}

/* Whose file it is, by its name alone; false: of no reader. */
static bool
name_of(const char *file, struct place_name *name)
{
	char text[PLACE_GROUP_MAX + 64], *dot, *of;
	size_t len = strlen(file) - strlen(ENDING);

	if (len >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)len, file);
	*name = (struct place_name){ .parts = 0 };
	dot = strchr(text, '.');
	if (dot != NULL) {
		*dot++ = '\0';
		of = strstr(dot, "-of-");
		if (of == NULL)
			return false;
		*of = '/';
		memmove(of + 1, of + 4, strlen(of + 4) + 1);
		if (place_part(dot, name) == -1)
			return false;
	}
	if (!place_is_group(text))
		return false;
	snprintf(name->group, sizeof(name->group), "%.*s", PLACE_GROUP_MAX,
	    text);
	return true;
}

/* One file of the folder: 1, 0 where it is no place or is gone, -1. */
static int
load_any(const char *path, const char *file, struct place_held *h,
    struct err *e)
{
	int got = load(path, h, e);

	if (got != -1 || e->code != GC_EX_DATAERR)
		return got;
	*h = (struct place_held){ .damaged = true };
	return name_of(file, &h->name) ? 1 : 0;
}

int
places_list(struct places *p, const char *folder, struct err *e)
{
	DIR *dir = opendir(folder);
	struct place_held h;
	struct dirent *entry;
	char path[PATH_MAX];
	int got = 0;

	*p = (struct places){ 0 };
	if (dir == NULL)
		return errno == ENOENT ? 0 : err_set(e, GC_EX_IOERR,
		    "can't open folder '%s': %s", folder, strerror(errno));
	while (got != -1 && (entry = readdir(dir)) != NULL) {
		if (!str_ends(entry->d_name, ENDING) ||
		    snprintf(path, sizeof(path), "%s/%s", folder,
		    entry->d_name) >= (int)sizeof(path) ||
		    (got = load_any(path, entry->d_name, &h, e)) != 1)
			continue;
		p->all = xreallocarray(p->all, p->count + 1,
		    sizeof(*p->all));
		p->all[p->count++] = h;
	}
	closedir(dir);
	if (p->count > 0)
		qsort(p->all, p->count, sizeof(*p->all), by_name);
	return got == -1 ? -1 : 0;
}

void
places_free(struct places *p)
{
	free(p->all);
	*p = (struct places){ 0 };
}

/* Of count places of one group those of one number of parts: the first that
 * is not done with by all of them; NULL while one has no place. */
static const struct place *
parts_done(const struct place_held *h, size_t count, unsigned parts)
{
	const struct place *first = NULL;
	size_t have = 0;

	for (size_t i = 0; i < count; i++) {
		if (h[i].name.parts != parts)
			continue;
		have++;
		if (first == NULL || h[i].place.position < first->position)
			first = &h[i].place;
	}
	return have > 0 && have >= parts ? first : NULL;
}

/* Of all numbers of parts, what one of them is done with is done.  NULL:
 * nothing is, or it is not known. */
static const struct place *
group_done(const struct place_held *h, size_t count)
{
	const struct place *done = NULL, *one;

	for (size_t i = 0; i < count; i++) {
		if (h[i].damaged)
			return NULL;
		one = parts_done(h, count, h[i].name.parts);
		if (one != NULL && (done == NULL ||
		    one->position > done->position))
			done = one;
	}
	return done;
}

/* The places of the group of the one at from: how many. */
static size_t
group_count(const struct places *p, size_t from)
{
	size_t to = from + 1;

	while (to < p->count && strcmp(p->all[to].name.group,
	    p->all[from].name.group) == 0)
		to++;
	return to - from;
}

uint64_t
places_floor(const struct places *p)
{
	uint64_t floor = UINT64_MAX;
	const struct place *done;
	size_t count;

	for (size_t i = 0; i < p->count; i += count) {
		count = group_count(p, i);
		done = group_done(&p->all[i], count);
		if (done == NULL)
			return 0;
		if (done->batch < floor)
			floor = done->batch;
	}
	return floor;
}

uint64_t
places_highest(const struct places *p)
{
	uint64_t highest = 0;

	for (size_t i = 0; i < p->count; i++)
		if (p->all[i].place.position > highest)
			highest = p->all[i].place.position;
	return highest;
}

const struct place *
places_begin(const struct places *p, const struct place_name *name)
{
	const struct place *begin = NULL;
	const struct place_held *h;
	size_t count;

	for (size_t i = 0; i < p->count; i += count) {
		count = group_count(p, i);
		if (strcmp(p->all[i].name.group, name->group) != 0)
			continue;
		begin = group_done(&p->all[i], count);
		for (h = &p->all[i]; h < &p->all[i + count]; h++)
			if (h->name.part == name->part && !h->damaged &&
			    h->name.parts == name->parts && (begin == NULL ||
			    h->place.position > begin->position))
				begin = &h->place;
	}
	return begin;
}
