/* Transfers, many at once: CONTRACT section 7. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"

#define ADDRESS_MAX ((16 << 10) + 3 * TAKE_ID_MAX)

void
fetch_start(struct app *app)
{
	app->multi = curl_multi_init();
	if (app->multi == NULL)
		die(GC_EX_OSERR, "can't start libcurl");
	curl_multi_setopt(app->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	    (long)app->opt.jobs);
	app->renew = false;
}

static struct job *
free_job(struct app *app)
{
	for (size_t i = 0; i < app->opt.jobs; i++)
		if (app->jobs[i].kind == JOB_FREE)
			return &app->jobs[i];
	return NULL;
}

/*
 * curl sends anew by itself where a kept connection turns out to be closed.
 * That is a request of which the pace knows nothing: it comes back instead.
 */
static int
on_request(void *arg, char *remote, char *local, int remote_port,
    int local_port)
{
	struct job *j = arg;

	(void)remote, (void)local, (void)remote_port, (void)local_port;
	if (j->on_wire)
		return CURL_PREREQFUNC_ABORT;
	j->on_wire = true;
	j->fetched_ms = clock_wall_ms();
	return CURL_PREREQFUNC_OK;
}

static void
add_path(struct app *app, struct job *j, struct buf *url)
{
	static const char *const paths[] = {
		[JOB_STATE] = "/api/v2/routing/users/%s/state",
		[JOB_USER] = "/api/v2/users/%s?expand=routingStatus,presence",
		[JOB_ROUTING] = "/api/v2/users/%s/routingstatus",
		[JOB_PRESENCE] = "/api/v2/users/%s/presences/purecloud",
	};
	const char *path, *id_at;
	char *id;

	if (j->kind == JOB_PAGE) {
		walk_path(app, url);
		return;
	}
	if (j->kind == JOB_LABELS) {
		labels_path(app, url);
		return;
	}
	if (j->kind == JOB_ACTIVITY) {
		buf_adds(url, "/api/v2/workforcemanagement/users/activity");
		return;
	}
	path = paths[j->kind];
	id_at = strstr(path, "%s");
	id = curl_easy_escape(j->easy, j->ask->user_id,
	    (int)j->ask->user_id_len);
	buf_add(url, path, (size_t)(id_at - path));
	buf_adds(url, id);
	buf_adds(url, id_at + 2);
	curl_free(id);
}

/* The last one broke: another kept connection may be as dead. */
static bool
is_wary(const struct app *app, const struct job *j)
{
	if (j->ask != NULL)
		return j->ask->fresh;
	return j->kind == JOB_LABELS || (j->kind == JOB_PAGE ?
	    app->walk.retries : app->activity.retries) > 0;
}

/* What is asked for, and by whom. */
static void
set_method(struct app *app, struct job *j, const char *authorization)
{
	j->headers = curl_slist_append(NULL, authorization);
	if (j->kind == JOB_ACTIVITY) {
		curl_easy_setopt(j->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)app->activity.body.len);
		curl_easy_setopt(j->easy, CURLOPT_COPYPOSTFIELDS,
		    app->activity.body.data);
		j->headers = curl_slist_append(j->headers,
		    "Content-Type: application/json");
		j->headers = curl_slist_append(j->headers, "Expect:");
	} else {
		curl_easy_setopt(j->easy, CURLOPT_HTTPGET, 1L);
	}
	curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->headers);
}

static void
set_address(struct app *app, struct job *j)
{
	struct buf text;

	buf_init_secret(&text, ADDRESS_MAX);
	buf_adds(&text, app->config.api_url);
	add_path(app, j, &text);
	free(j->cacert);
	j->cacert = app->config.cacert == NULL ? NULL :
	    xstrdup(app->config.cacert);
	http_prepare(j->easy, text.data, j->cacert, app->opt.timeout_ms,
	    &j->reply);
	buf_reset(&text);
	buf_addf(&text, "Authorization: Bearer %s", app->token.access_token);
	set_method(app, j, text.data);
	curl_easy_setopt(j->easy, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(j->easy, CURLOPT_PREREQDATA, j);
	curl_easy_setopt(j->easy, CURLOPT_PRIVATE, j);
	curl_easy_setopt(j->easy, CURLOPT_FRESH_CONNECT,
	    is_wary(app, j) ? 1L : 0L);
	buf_wipe(&text);
}

static enum job_kind
kind_for(const struct app *app, const struct ask *a)
{
	if (!app->channels)
		return JOB_STATE;
	return a->half != NULL ? a->half->missing : JOB_USER;
}

static void
send_one(struct app *app, struct job *j, enum job_kind kind, struct ask *a)
{
	if (j->easy == NULL) {
		j->easy = curl_easy_init();
		if (j->easy == NULL)
			die(GC_EX_OSERR, "can't start libcurl");
		http_reply_init(&j->reply);
	}
	j->kind = kind;
	j->ask = a;
	j->reason = a != NULL ? xstrdup(a->reason) : NULL;
	j->on_wire = false;
	j->token_number = app->token_number;
	j->fetched_ms = clock_wall_ms();
	j->hold_number = app->hold_number;
	if (a != NULL)
		ask_sent(app, a);
	else if (kind == JOB_ACTIVITY)
		activity_sent(app);
	set_address(app, j);
	if (kind == JOB_PAGE)
		walk_sent(app);
	else if (kind == JOB_LABELS)
		app->labels.flying = true;
	curl_multi_add_handle(app->multi, j->easy);
	pace_take(&app->pace, app->now_ms);
	app->requests++;
	app->flying++;
}

/* These are steps of a path, however they are spelt: another address. */
static bool
is_dots(const struct ask *a)
{
	return strcmp(a->user_id, ".") == 0 || strcmp(a->user_id, "..") == 0;
}

void
fetch_renew(struct app *app)
{
	app->renew = true;
}

bool
fetch_wanted(const struct app *app)
{
	return app->open > 0 || app->walk.on;
}

/*
 * What is to be sent next; false: nothing now.  Names come before all that
 * needs them, and a page before the questions that it may answer.  Active
 * queues end questions that have waited long.
 */
static bool
next_request(struct app *app, enum job_kind *kind, struct ask **a,
    int64_t *due)
{
	*a = NULL;
	if (app->channels && fetch_wanted(app)) {
		*kind = JOB_LABELS;
		if (labels_wanted(app))
			return !app->labels.flying;
		*kind = JOB_PAGE;
		if (walk_next(app, due))
			return true;
		*kind = JOB_ACTIVITY;
		if (activity_next(app, due))
			return true;
	}
	*a = ask_next(app, due);
	if (*a == NULL || ((app->walk.on || app->walk.held) && !(*a)->alone))
		return false;
	*kind = kind_for(app, *a);
	return true;
}

int64_t
fetch_some(struct app *app)
{
	int64_t due = CLOCK_NEVER, next;
	enum job_kind kind;
	struct ask *a;
	struct job *j;

	app->now_ms = clock_mono_ms();
	if (app->renew && app->flying > 0)
		return CLOCK_NEVER;
	if (app->renew) {
		curl_multi_cleanup(app->multi);
		fetch_start(app);
	}
	while ((j = free_job(app)) != NULL &&
	    next_request(app, &kind, &a, &due)) {
		if (a != NULL && is_dots(a)) {
			answer_unverified(app, a, a->seq, a->reason, 0,
			    "such an id has no address");
			ask_done(app, a, false);
			continue;
		}
		if (!app->have_token)
			return CLOCK_NEVER;
		next = pace_next_ms(&app->pace, app->now_ms);
		if (next > app->now_ms)
			return next;
		send_one(app, j, kind, a);
	}
	return due;
}

static void
release(struct app *app, struct job *j)
{
	curl_multi_remove_handle(app->multi, j->easy);
	pace_done(&app->pace, app->now_ms);
	app->flying--;
}

/* The handle is kept, the token is not. */
static void
clear(struct job *j)
{
	curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(j->headers);
	j->headers = NULL;
	j->kind = JOB_FREE;
	j->ask = NULL;
	free(j->reason);
	j->reason = NULL;
}

void
fetch_take(struct app *app)
{
	CURLMsg *msg;
	struct job *j;
	int left, running;
	CURLcode result;

	curl_multi_perform(app->multi, &running);
	while ((msg = curl_multi_info_read(app->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		result = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &j);
		/* printing the one before may have taken long */
		app->now_ms = clock_mono_ms();
		release(app, j);
		judge(app, j, result);
		clear(j);
	}
}

void
fetch_stop(struct app *app)
{
	for (size_t i = 0; i < app->opt.jobs; i++) {
		struct job *j = &app->jobs[i];

		if (j->kind != JOB_FREE) {
			release(app, j);
			if (j->ask != NULL)
				ask_again(app, j->ask, 0);
			clear(j);
		}
		if (j->easy != NULL) {
			curl_easy_cleanup(j->easy);
			http_reply_free(&j->reply);
			free(j->cacert);
		}
		*j = (struct job){ .kind = JOB_FREE };
	}
	curl_multi_cleanup(app->multi);
}

void
fetch_again(struct app *app)
{
	fetch_stop(app);
	fetch_start(app);
	walk_stop(app);
	app->labels.flying = false;
	activity_give_up(app);
	for (size_t i = 0; i < app->slot_count; i++)
		for (struct ask *a = app->slots[i]; a != NULL; a = a->chain)
			ask_drop_half(a);
}
