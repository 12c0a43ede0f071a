/* A gc:agent line with names in it. */
#include <string.h>

#include "cmd/gc-names/names.h"
#include "lib/scan.h"

enum { NAME, QUEUE_NAMES, KEYS };

static const struct scan_key keys[KEYS] = {
	[NAME] = SCAN_KEY("name", -1),
	[QUEUE_NAMES] = SCAN_KEY("queueNames", -1),
};

static int
add_text(struct buf *out, struct text t)
{
	return t.p == NULL ? buf_adds(out, "null") :
	    buf_add_json(out, t.p, t.len);
}

static int
add_queue(struct app *app, struct text id, bool first)
{
	struct text name = dict_get(&app->dict, id);

	app->unknown += name.p == NULL;
	if (buf_adds(&app->line, first ? "" : ",") == -1 ||
	    add_text(&app->line, id) == -1 ||
	    buf_adds(&app->line, ":") == -1)
		return -1;
	return add_text(&app->line, name);
}

/* Is it a tier of the record, too? */
static bool
has_tier(const struct event_queues *queues, struct text id)
{
	for (size_t i = 0; i < queues->count; i++)
		if (text_eq(queues->tiers[i].queue_id, id))
			return true;
	return false;
}

/* Those with a tier, and those that are active. */
static int
add_queues(struct app *app)
{
	const struct event *ev = &app->ev;
	const struct event_ids *active = &ev->parts.ids;
	bool told = ev->parts.active.status.p != NULL;
	size_t n = 0;

	if (buf_adds(&app->line, "{") == -1)
		return -1;
	for (size_t i = 0; i < ev->queues.count; i++)
		if (add_queue(app, ev->queues.tiers[i].queue_id, n++ == 0) ==
		    -1)
			return -1;
	for (size_t i = 0; told && i < active->count; i++)
		if (!has_tier(&ev->queues, active->ids[i]) &&
		    add_queue(app, active->ids[i], n++ == 0) == -1)
			return -1;
	return buf_adds(&app->line, "}");
}

/* Where a member is, or is to be: before the last brace. */
struct place {
	const char *at;
	size_t len;		/* 0: it is not there yet */
};

static struct place
place_of(struct slice s, const char *brace)
{
	if (s.kind == SCAN_ABSENT)
		return (struct place){ brace, 0 };
	if (s.kind == SCAN_STRING)	/* with its quotes */
		return (struct place){ s.p - 1, s.len + 2 };
	return (struct place){ s.p, s.len };
}

static int
add_member(struct app *app, int which, struct place place)
{
	struct text name = dict_get(&app->dict, app->ev.user_id);

	if (place.len == 0 && (buf_adds(&app->line, ",\"") == -1 ||
	    buf_adds(&app->line, keys[which].name) == -1 ||
	    buf_adds(&app->line, "\":") == -1))
		return -1;
	if (which == QUEUE_NAMES)
		return add_queues(app);
	app->named += name.p != NULL;
	app->unknown += name.p == NULL;
	return add_text(&app->line, name);
}

/*
 * A member that is there is replaced where it stands, one that is not comes
 * last: the other bytes stay as they are.  A name that the line has is the
 * truth's own, and stays.
 */
int
add_names(struct app *app, const char *line, size_t len)
{
	const char *from = line, *end = line + len;
	struct place places[KEYS];
	struct slice v[KEYS];
	int first, which;

	scan_object(line, len, keys, KEYS, v);
	while (*--end != '}')
		continue;
	for (int i = 0; i < KEYS; i++)
		places[i] = place_of(v[i], end);
	first = places[QUEUE_NAMES].at < places[NAME].at ? QUEUE_NAMES : NAME;
	buf_reset(&app->line);
	for (int i = 0; i < KEYS; i++) {
		which = i == 0 ? first : KEYS - 1 - first;
		if (which == NAME && app->ev.name.p != NULL) {
			app->named++;
			continue;
		}
		if (buf_add(&app->line, from, (size_t)(places[which].at -
		    from)) == -1 || add_member(app, which, places[which]) == -1)
			return -1;
		from = places[which].at + places[which].len;
	}
	if (buf_add(&app->line, from, (size_t)(line + len - from)) == -1)
		return -1;
	return buf_adds(&app->line, "\n");
}
