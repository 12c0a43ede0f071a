/*
 * The org's own names of presences, by the id of their definition.  Known
 * before the first answer, where the API tells them; read again when one
 * turns up that is not among them.  Where they cannot be had, labels are
 * null.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"
#include "lib/platform.h"

#define AGAIN_MS 300000		/* read again at most so often */
#define LABELS_MAX 10000
#define LABEL_BYTES 4096

bool
labels_wanted(const struct app *app)
{
	return app->labels.flying || app->now_ms >= app->labels.due_ms;
}

void
labels_path(const struct app *app, struct buf *url)
{
	const struct labels *l = &app->labels;

	if (l->old)
		buf_addf(url, "/api/v2/presencedefinitions?pageSize=100"
		    "&pageNumber=%" PRIu64, l->number);
	else
		buf_adds(url, "/api/v2/presence/definitions");
}

static struct label *
find(const struct labels *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++)
		if (strcmp(l->all[i].id, id) == 0)
			return &l->all[i];
	return NULL;
}

const char *
label_of(struct app *app, const char *id)
{
	struct labels *l = &app->labels;
	const struct label *label = find(l, id);

	if (label != NULL)
		return label->text;
	/* a new one, perhaps */
	if (l->due_ms == CLOCK_NEVER)
		l->due_ms = l->read_ms + AGAIN_MS;
	return NULL;
}

/* English if it is there, else the first language, else the name. */
static struct slice
pick(const struct slice languages, struct slice us, struct slice en,
    struct slice name)
{
	struct slice key, value;
	const char *at;

	if (us.kind == SCAN_STRING)
		return us;
	if (en.kind == SCAN_STRING)
		return en;
	if (languages.kind != SCAN_OBJECT)
		return name;
	at = languages.p + 1;
	while (slice_next(languages, &at, &key, &value))
		if (value.kind == SCAN_STRING)
			return value;
	return name;
}

static void
put(struct labels *l, const char *id, const char *text)
{
	struct label *label = find(l, id);

	if (label == NULL) {
		if (l->count == LABELS_MAX)
			return;
		l->all = xreallocarray(l->all, l->count + 1,
		    sizeof(*l->all));
		label = &l->all[l->count++];
		*label = (struct label){ .id = xstrdup(id) };
	}
	free(label->text);
	label->text = xstrdup(text);
}

static void
take(struct labels *l, struct slice element)
{
	enum { ID, NAME, LANGUAGES, US, EN, KEYS };
	static const struct scan_key keys[KEYS] = {
		[ID] = SCAN_KEY("id", -1),
		[NAME] = SCAN_KEY("name", -1),
		[LANGUAGES] = SCAN_KEY("languageLabels", -1),
		[US] = SCAN_KEY("en_US", LANGUAGES),
		[EN] = SCAN_KEY("en", LANGUAGES),
	};
	struct slice v[KEYS];
	struct buf id, text;

	if (element.kind != SCAN_OBJECT || scan_object(element.p, element.len,
	    keys, KEYS, v) != SCAN_OK)
		return;
	buf_init(&id, LABEL_BYTES);
	buf_init(&text, LABEL_BYTES);
	if (slice_unescape(v[ID], &id) == 0 && id.len > 0 &&
	    slice_unescape(pick(v[LANGUAGES], v[US], v[EN], v[NAME]),
	    &text) == 0 && text.len > 0)
		put(l, id.data, text.data);
	buf_free(&id);
	buf_free(&text);
}

/* What was to be had is there; false: it is to be asked for elsewhere. */
static bool
read_page(struct labels *l, const struct job *j)
{
	struct platform_page p;
	struct slice element;
	const char *at = NULL;
	struct err e;

	if (platform_page(&p, j->reply.body.data, j->reply.body.len, &e) ==
	    -1)
		return false;
	while (platform_each(&p, &at, &element))
		take(l, element);
	if (!l->old || !platform_more(&p, l->number))
		return true;
	l->number++;
	return false;
}

void
labels_answer(struct app *app, struct job *j, bool ok)
{
	struct labels *l = &app->labels;
	uint64_t number = l->number;

	l->flying = false;
	if (!(ok && read_page(l, j))) {
		if (ok && l->number > number)
			return;		/* the next page */
		if (!l->old) {
			l->old = true;
			l->number = 1;
			return;
		}
		log_note("the names of presences cannot be had");
	}
	l->old = false;
	l->read_ms = app->now_ms;
	l->due_ms = CLOCK_NEVER;
}

void
labels_free(struct app *app)
{
	struct labels *l = &app->labels;

	for (size_t i = 0; i < l->count; i++) {
		free(l->all[i].id);
		free(l->all[i].text);
	}
	free(l->all);
	l->all = NULL;
	l->count = 0;
}
