/* The names of all users and queues, by REST, page by page. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-names/names.h"
#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/platform.h"

#define MIN_TTL_MS 5000		/* of a token; gc-subscribe is who renews */
#define MISSED_MS 600000	/* for an unknown id, at most so often */
#define PATH_CAP 256

static const struct {
	const char *path, *what, *permission;
	unsigned page_size;
} lists[LISTS] = {
	{ "/api/v2/users?state=any", "the list of users", NULL, 500 },
	{ "/api/v2/routing/queues?", "the list of queues",
	    "routing:queue:view", 100 },
};

static const struct backoff again = {
	.base_ms = 5000, .cap_ms = 600000, .jitter_ms = 2000
};

static void next_page(struct app *app);
static void next_list(struct app *app);

static void
keep_cache(struct app *app)
{
	struct buf out;
	struct err e;

	buf_init(&out, NAMES_FILE_MAX);
	if (app->read.cache != NULL) {
		if (dict_write(&app->dict, &out) == -1)
			log_warn("there are too many names to keep them in %s",
			    app->read.cache);
		else if (file_replace(app->read.cache, out.data, out.len, &e)
		    == -1)
			log_warn("the names are not kept: %s", e.msg);
	}
	buf_free(&out);
}

static bool
is_whole(const struct read *r)
{
	for (size_t i = 0; i < LISTS; i++)
		if (!r->came[i])
			return false;
	return true;
}

/* A turn is over: with all names, or what is missing is to be tried again.
 * Only all of them are kept, for a cache that has some would pass for new. */
static void
turn_ended(struct app *app)
{
	struct read *r = &app->read;

	r->reading = false;
	r->turns++;
	dict_add(&app->dict, &r->found);
	app->known = dict_count(&app->dict);
	if (is_whole(r)) {
		memset(r->came, 0, sizeof(r->came));
		r->failures = 0;
		r->last_ms = app->now_ms;
		r->due_ms = app->now_ms + app->opt.refresh_ms;
		keep_cache(app);
		log_note("%" PRIu64 " names are known", app->known);
		app->hold = false;
	} else {
		r->failed++;
		r->due_ms = app->now_ms + backoff_delay_ms(&again,
		    r->failures++, arc4random());
		log_note("again in %" PRId64 " s", (r->due_ms - app->now_ms) /
		    1000);
	}
	dict_free(&r->found);
}

/* --- the token ---------------------------------------------------------- */

static void
ask_token(struct app *app)
{
	struct err e;

	if (asktoken_start(&app->read.asktoken, app->read.config.token_cmd,
	    MIN_TTL_MS, app->read.refused, &e) == -1)
		die_err(&e);
}

/* Another token, once a turn. */
static bool
was_refused(struct app *app)
{
	struct read *r = &app->read;

	if (r->refused_once)
		return false;
	r->refused_once = true;
	rest_bearer(r->rest, NULL);
	free(r->refused);
	r->refused = r->token.issued_at != NULL ?
	    xstrdup(r->token.issued_at) : NULL;
	ask_token(app);
	return true;
}

static void
serve_token(struct app *app)
{
	struct read *r = &app->read;
	struct token t;
	struct err e;
	int got = asktoken_feed(&r->asktoken, &t, &e);

	if (got == 1) {
		token_free(&r->token);
		r->token = t;
		rest_bearer(r->rest, t.access_token);
		next_page(app);
	} else if (got == -1 && e.code != GC_EX_UNAVAILABLE) {
		log_error("%s", e.msg);
		r->fatal = e.code;
	} else if (got == -1) {
		log_warn("%s", e.msg);
		turn_ended(app);
	}
}

/* --- pages -------------------------------------------------------------- */

static bool
take_name(struct take *take, struct slice element, struct dict *found)
{
	static const struct scan_key keys[] = { SCAN_KEY("id", -1),
	    SCAN_KEY("name", -1) };
	struct slice v[2];
	struct text id, name;

	take_begin(take, element.len);
	if (element.kind != SCAN_OBJECT ||
	    scan_object(element.p, element.len, keys, 2, v) != SCAN_OK ||
	    !take_id(take, v[0], &id) || !take_text(take, v[1], &name))
		return false;
	dict_put(found, id, name);
	return true;
}

static void
take_page(struct app *app, const struct platform_page *p)
{
	const char *at = NULL;
	struct slice element;
	struct take take;
	size_t nameless = 0;

	take_init(&take);
	while (platform_each(p, &at, &element))
		nameless += !take_name(&take, element, &app->read.found);
	take_free(&take);
	if (nameless > 0)
		log_note("%zu without a name in %s", nameless,
		    lists[app->read.list].what);
}

/* This list is not to be had: the other one may be. */
static void
list_failed(struct app *app, const struct rest_answer *a, const struct err *e)
{
	struct read *r = &app->read;
	const char *permission = lists[r->list].permission;

	if (a->status == 401 && was_refused(app))
		return;
	if (e->code == GC_EX_CONFIG && r->list == 0 && app->dict.count == 0) {
		log_error("%s; is this the right place? See GC_REGION",
		    e->msg);
		r->fatal = e->code;
		return;
	}
	if (a->status == 403 && permission != NULL) {
		log_warn("%s; the client needs the permission %s", e->msg,
		    permission);
		r->came[r->list] = true;	/* as far as it ever will */
	} else {
		log_warn("%s", e->msg);
	}
	next_list(app);
}

static void
on_page(void *arg, const struct rest_answer *a)
{
	struct app *app = arg;
	struct read *r = &app->read;
	struct platform_page p;
	struct err e = a->err;

	if ((a->status == 400 || a->status == 413) && r->page_size > 1 &&
	    strcmp(a->error.code, "response.entity.too.large") == 0) {
		r->page_size /= 2;
		r->page = 1;
		next_page(app);
		return;
	}
	if (a->status < 200 || a->status > 299 ||
	    platform_page(&p, a->body, a->len, &e) == -1) {
		list_failed(app, a, &e);
		return;
	}
	take_page(app, &p);
	if (platform_more(&p, r->page)) {
		r->page++;
		next_page(app);
		return;
	}
	r->came[r->list] = true;
	next_list(app);
}

static void
next_page(struct app *app)
{
	struct read *r = &app->read;
	struct buf path, what;
	struct rest_request q = { .method = "GET", .done = on_page,
	    .arg = app };

	buf_init(&path, PATH_CAP);
	buf_init(&what, PATH_CAP);
	buf_addf(&path, "%s&pageSize=%u&pageNumber=%" PRIu64,
	    lists[r->list].path, r->page_size, r->page);
	buf_addf(&what, "reading %s", lists[r->list].what);
	q.path = path.data;
	q.what = what.data;
	rest_send(r->rest, &q);
	buf_free(&path);
	buf_free(&what);
}

/* Of those from this one on the first that has not come. */
static void
begin_list(struct read *r, size_t list)
{
	while (list < LISTS && r->came[list])
		list++;
	r->list = list;
	r->page = 1;
	if (list < LISTS)
		r->page_size = lists[list].page_size;
}

static void
next_list(struct app *app)
{
	struct read *r = &app->read;

	begin_list(r, r->list + 1);
	if (r->list == LISTS)
		turn_ended(app);
	else
		next_page(app);
}

/* --- turns -------------------------------------------------------------- */

void
read_start(struct app *app)
{
	struct read *r = &app->read;
	struct rest_opts o = { .base = r->config.api_url,
	    .cacert = r->config.cacert, .jobs = 1, .rate = 240,
	    .timeout_ms = 10000 };
	struct err e;

	asktoken_init(&r->asktoken);
	r->rest = rest_new(&o, app->now_ms, &e);
	if (r->rest == NULL)
		die_err(&e);
}

void
read_again(struct app *app)
{
	struct read *r = &app->read;

	asktoken_stop(&r->asktoken);
	rest_del(r->rest);
	dict_free(&r->found);
	read_start(app);
	memset(r->came, 0, sizeof(r->came));
	r->reading = false;
	r->failures = 0;
	r->due_ms = app->now_ms;
}

void
read_missed(struct app *app)
{
	struct read *r = &app->read;

	if (r->reading || r->failures > 0)
		return;
	if (r->due_ms > r->last_ms + MISSED_MS)
		r->due_ms = r->last_ms + MISSED_MS;
}

int64_t
read_step(struct app *app)
{
	struct read *r = &app->read;

	if (r->asktoken.asking)
		serve_token(app);
	rest_step(r->rest, app->now_ms);
	if (r->reading)
		return CLOCK_NEVER;
	if (app->now_ms < r->due_ms)
		return r->due_ms;
	r->reading = true;
	r->refused_once = false;
	begin_list(r, 0);
	ask_token(app);
	return CLOCK_NEVER;
}

void
read_free(struct app *app)
{
	struct read *r = &app->read;

	asktoken_free(&r->asktoken);
	rest_del(r->rest);
	token_free(&r->token);
	free(r->refused);
	free(r->cache);
	dict_free(&r->found);
	config_free(&r->config);
}
