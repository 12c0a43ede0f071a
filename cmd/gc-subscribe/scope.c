/* Whose events: the walk over users, queues and teams, page by page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/log.h"

#define ROUNDS_MAX 3		/* over a list that shifts while it is read */
#define PATH_MAX_LEN 2048
#define FRESH_MS 60000		/* what a walk read holds so long at least */

static const struct { const char *what, *path, *permission; } kinds[] = {
	[SOURCE_ACTIVE] = { "the list of users", NULL, NULL },
	[SOURCE_USER] = { "user", NULL, NULL },
	[SOURCE_QUEUE] = { "queue", "/api/v2/routing/queues/",
	    "routing:queue:view" },
	[SOURCE_TEAM] = { "team", "/api/v2/teams/",
	    "that lets it see teams" },
};

static void next_page(struct app *app);

/* What the walk is at, for people. */
static void
name_source(const struct source *src, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", kinds[src->kind].what,
	    src->id ? " " : "", src->id ? src->id : "");
}

static void
next_source(struct app *app)
{
	struct scope *s = &app->fleet->scope;

	s->page = 1;
	s->rounds = 0;
	free(s->cursor);
	s->cursor = NULL;
	if (++s->at < s->source_count) {
		next_page(app);
		return;
	}
	for (size_t i = 0; i < s->source_count; i++)
		names_move(&s->sources[i].users, &s->sources[i].found);
	s->walking = s->elsewhere = false;
	s->known = true;
	s->tries = (struct session_tries){ 0, 0 };
	s->due_ms = s->source_count > 0 ? app->now_ms +
	    app->opt.members_ms : CLOCK_NEVER;
	fleet_scope_read(app);
}

/* What there is not is an error at first; later nobody is in it. */
static bool
is_missing(struct app *app, const struct rest_answer *a,
    const struct source *src)
{
	char name[PLATFORM_ID_MAX + 32];

	if (a->status != 404 || src->id == NULL || a->error.code[0] == '\0')
		return false;
	name_source(src, name, sizeof(name));
	if (!app->fleet->scope.known) {
		log_error("there is no %s", name);
		fleet_stop(app, GC_EX_CONFIG);
		return true;
	}
	log_warn("there is no %s any more", name);
	next_source(app);
	return true;
}

/* At first some refusals are for people, not for patience. */
static bool
is_fatal(struct app *app, const struct rest_answer *a,
    const struct source *src)
{
	const char *permission = kinds[src->kind].permission;

	if (app->fleet->scope.known)
		return false;
	if (a->err.code == GC_EX_CONFIG)
		log_error("%s; is this the right place? See GC_REGION",
		    a->err.msg);
	else if (a->status == 403 && permission != NULL)
		log_error("%s; the client needs the permission %s",
		    a->err.msg, permission);
	else if (a->err.code == GC_EX_NOPERM)
		log_error("%s", a->err.msg);
	else
		return false;
	fleet_stop(app, a->err.code);
	return true;
}

/* What will pass is no reason to begin anew: of many pages one fails often.
 * But what was read long ago is not true any more, where long is more than
 * it takes to try a page again: a walk must be able to end. */
static bool
is_passing(const struct app *app, const struct rest_answer *a)
{
	int64_t age = app->now_ms - app->fleet->scope.began_ms;
	int64_t fresh = app->opt.members_ms > FRESH_MS ?
	    app->opt.members_ms : FRESH_MS;

	return age < fresh && (a->status < 300 || a->status == 401 ||
	    a->status == 429 || a->status >= 500);
}

static void
walk_failed(struct app *app, const struct rest_answer *a, struct err *e)
{
	struct scope *s = &app->fleet->scope;
	struct session_wait w;

	s->walking = false;
	s->halfway = is_passing(app, a);
	if (a->status == 401 && fleet_token_refused(app)) {
		s->due_ms = app->now_ms;	/* as soon as there is one */
		return;
	}
	s->tries.attempts++;
	w = session_failed(&app->opt.policy, &s->tries, a->retry_after_ms,
	    arc4random());
	log_warn("%s; again in %lld ms", e->msg, (long long)w.delay_ms);
	s->due_ms = app->now_ms + w.delay_ms;
	if (!w.failover || (s->known && !s->elsewhere))
		return;
	line_failover(app, 0, s->tries.attempts);
	if (app->opt.give_up) {
		log_error("%u attempts are used up", s->tries.attempts);
		fleet_stop(app, GC_EX_UNAVAILABLE);
	}
}

static void
take_page(struct source *src, const struct platform_page *p)
{
	struct slice element;
	const char *at = NULL;
	struct buf id;

	buf_init(&id, PLATFORM_ID_MAX);
	while (platform_each(p, &at, &element)) {
		if (platform_user(element, &id) == 0)
			names_add(&src->found, id.data, id.len);
		else
			log_note("a user without an id in %s",
			    kinds[src->kind].what);
	}
	buf_free(&id);
}

/* Pages shift while they are read: again, until the total agrees. */
static bool
is_whole(struct scope *s, struct source *src, const struct platform_page *p)
{
	names_seal(&src->found);
	if (p->total == 0 || src->found.count >= p->total ||
	    ++s->rounds >= ROUNDS_MAX)
		return true;
	log_note("the list shifted while it was read: %zu of %" PRIu64,
	    src->found.count, p->total);
	return false;
}

/* More than can ever be carried is known from the first page. */
static bool
is_too_much(struct app *app, uint64_t total)
{
	const struct scope *s = &app->fleet->scope;
	bool all = false;

	for (size_t i = 0; i < s->want_count; i++)
		all = all || (s->wants[i].count == 1 &&
		    s->wants[i].sources[0] == s->at);
	if (s->known || !all || total <= SHARD_MAX)
		return false;
	log_error("%" PRIu64 " users are more than one process can have: %d, "
	    "which is %d channels of %d topics; narrow the scope with -f, or "
	    "divide it over several OAuth clients", total, SHARD_MAX,
	    SHARD_CHANNELS_MAX, SHARD_TOPICS_MAX);
	fleet_stop(app, GC_EX_CONFIG);
	return true;
}

static void
on_page(void *arg, const struct rest_answer *a)
{
	struct app *app = arg;
	struct scope *s = &app->fleet->scope;
	struct source *src = &s->sources[s->at];
	struct platform_page p;
	struct err e = a->err;

	report_asked(app, "scope", a->status);
	if (a->status < 200 || a->status > 299) {
		if ((a->status == 400 || a->status == 413) &&
		    strcmp(a->error.code, "response.entity.too.large") == 0 &&
		    src->page_size > 1) {
			src->page_size /= 2;
			s->page = 1;
			next_page(app);
		} else if (!is_missing(app, a, src) &&
		    !is_fatal(app, a, src)) {
			walk_failed(app, a, &e);
		}
		return;
	}
	app->fleet->refusals = 0;
	if (src->kind == SOURCE_USER) {
		names_add(&src->found, src->id, strlen(src->id));
		next_source(app);
		return;
	}
	if (platform_page(&p, a->body, a->len, &e) == -1) {
		walk_failed(app, a, &e);
		return;
	}
	if (is_too_much(app, p.total))
		return;
	take_page(src, &p);
	if (platform_more(&p, s->page)) {
		free(s->cursor);
		s->cursor = p.cursor.kind == SCAN_STRING ?
		    xstrndup(p.cursor.p, p.cursor.len) : NULL;
		s->page++;
		next_page(app);
	} else if (is_whole(s, src, &p)) {
		next_source(app);
	} else {
		s->page = 1;
		next_page(app);
	}
}

static void
next_page(struct app *app)
{
	struct scope *s = &app->fleet->scope;
	struct source *src = &s->sources[s->at];
	char what[PLATFORM_ID_MAX + 64], name[PLATFORM_ID_MAX + 32];
	struct rest_request q = { .method = "GET", .what = what,
	    .done = on_page, .arg = app };
	struct buf path;

	name_source(src, name, sizeof(name));
	snprintf(what, sizeof(what), "reading %s", name);
	buf_init(&path, PATH_MAX_LEN);
	if (src->kind == SOURCE_ACTIVE)
		buf_addf(&path, "/api/v2/users?state=active&pageSize=%u"
		    "&pageNumber=%" PRIu64, src->page_size, s->page);
	else if (src->kind == SOURCE_USER)
		buf_addf(&path, "/api/v2/users/%s", src->id);
	else
		buf_addf(&path, "%s%s/members?pageSize=%u",
		    kinds[src->kind].path, src->id, src->page_size);
	if (src->kind == SOURCE_QUEUE)
		buf_addf(&path, "&pageNumber=%" PRIu64, s->page);
	else if (src->kind == SOURCE_TEAM && s->cursor != NULL)
		buf_addf(&path, "&after=%s", s->cursor);
	q.path = path.data;
	rest_send(app->fleet->rest, &q);
	buf_free(&path);
}

void
scope_walk(struct app *app)
{
	struct scope *s = &app->fleet->scope;

	s->walking = true;
	s->due_ms = CLOCK_NEVER;
	if (s->halfway) {
		s->halfway = false;
		next_page(app);
		return;
	}
	s->began_ms = app->now_ms;
	for (size_t i = 0; i < s->source_count; i++)
		names_free(&s->sources[i].found);
	s->at = (size_t)-1;
	next_source(app);
}

void
scope_again(struct app *app)
{
	struct scope *s = &app->fleet->scope;

	rest_cancel(app->fleet->rest, app);
	s->walking = s->halfway = false;
	if (s->source_count > 0 || !s->known)
		s->due_ms = app->now_ms;
}
