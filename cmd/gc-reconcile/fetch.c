/* Transfers, many at once, and what each result means: CONTRACT section 7. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"

#define ADDRESS_MAX ((16 << 10) + 3 * TAKE_ID_MAX)
#define WAIT_TOLD_MS 180000	/* a server that asks for more: that is said */

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
		if (app->jobs[i].ask == NULL)
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
set_address(struct app *app, struct job *j)
{
	char *id = curl_easy_escape(j->easy, j->ask->user_id,
	    (int)j->ask->user_id_len);
	struct buf text;

	buf_init(&text, ADDRESS_MAX);
	buf_addf(&text, "%s/api/v2/routing/users/%s/state",
	    app->config.api_url, id);
	free(j->cacert);
	j->cacert = app->config.cacert == NULL ? NULL :
	    xstrdup(app->config.cacert);
	http_prepare(j->easy, text.data, j->cacert, app->opt.timeout_ms,
	    &j->reply);
	curl_free(id);
	buf_reset(&text);
	buf_addf(&text, "Authorization: Bearer %s", app->token.access_token);
	curl_slist_free_all(j->headers);
	j->headers = curl_slist_append(NULL, text.data);
	curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->headers);
	curl_easy_setopt(j->easy, CURLOPT_PREREQFUNCTION, on_request);
	curl_easy_setopt(j->easy, CURLOPT_PREREQDATA, j);
	curl_easy_setopt(j->easy, CURLOPT_PRIVATE, j);
	/* another kept one may be as dead */
	curl_easy_setopt(j->easy, CURLOPT_FRESH_CONNECT,
	    j->ask->fresh ? 1L : 0L);
	buf_wipe(&text);
}

static void
send_one(struct app *app, struct job *j, struct ask *a)
{
	if (j->easy == NULL) {
		j->easy = curl_easy_init();
		if (j->easy == NULL)
			die(GC_EX_OSERR, "can't start libcurl");
		http_reply_init(&j->reply);
	}
	j->ask = a;
	j->reason = xstrdup(a->reason);
	j->on_wire = false;
	j->token_number = app->token_number;
	j->fetched_ms = clock_wall_ms();
	j->hold_number = app->hold_number;
	ask_sent(app, a);
	set_address(app, j);
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

int64_t
fetch_some(struct app *app)
{
	int64_t due = CLOCK_NEVER, next;
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
	    (a = ask_next(app, &due)) != NULL) {
		if (is_dots(a)) {
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
		send_one(app, j, a);
	}
	return due;
}

/* --- results ------------------------------------------------------------ */

static void
give_up(struct app *app, struct job *j, const char *error)
{
	answer_unverified(app, j->ask, j->ask->sent_seq, j->reason,
	    j->reply.status, error);
	ask_done(app, j->ask, false);
}

static void
retry(struct app *app, struct job *j, const char *error)
{
	struct ask *a = j->ask;

	if (a->retries >= RETRIES_MAX) {
		give_up(app, j, error);
		return;
	}
	app->retried++;
	log_note("%s: tried again", error);
	ask_again(app, a, app->now_ms + backoff_delay_ms(&app->opt.backoff,
	    a->retries, arc4random()));
	a->retries++;
}

/*
 * All transfers wait, as the server asks, or with backoff.  Those that flew
 * together are refused together: that is one refusal, not one each.
 */
static void
hold(struct app *app, struct job *j)
{
	int64_t wait_ms = j->reply.retry_after_ms;

	app->throttled++;
	if (j->hold_number == app->hold_number) {
		app->hold_number++;
		if (wait_ms < 0)
			wait_ms = backoff_delay_ms(&app->opt.backoff,
			    app->holds, arc4random());
		app->holds++;
	}
	if (wait_ms > WAIT_TOLD_MS)
		log_warn("the server answers %ld and wants no request for "
		    "%lld s", j->reply.status, (long long)(wait_ms / 1000));
	if (wait_ms >= 0) {
		log_note("the server answers %ld: all wait %lld ms",
		    j->reply.status, (long long)wait_ms);
		pace_hold(&app->pace, app->now_ms + wait_ms);
	}
	ask_again(app, j->ask, 0);
}

/* 200, or a 404 that is believed. */
static void
answered(struct app *app, struct job *j)
{
	struct ask *a = j->ask;
	struct err e;

	if (a->passed) {
		/* the agent changed since: what came is older than it */
		ask_again(app, a, 0);
	} else if (j->reply.status == 404) {
		answer_gone(app, j);
		ask_done(app, a, true);
	} else if (answer_state(app, j, &e) == -1) {
		give_up(app, j, e.msg);
	} else {
		app->known_good = true;
		ask_done(app, a, true);
	}
}

static void
judge(struct app *app, struct job *j, CURLcode result)
{
	long status = 0;
	char text[64];
	struct err e;

	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &status);
	j->reply.status = status;
	snprintf(text, sizeof(text), "the server answers %ld", status);
	if (http_result(result, &j->reply, &e) == -1) {
		j->reply.status = 0;
		j->ask->fresh = true;
		retry(app, j, result == CURLE_ABORTED_BY_CALLBACK ?
		    "the connection was closed before the answer" : e.msg);
		return;
	}
	j->ask->fresh = false;
	if (status != 429 && status != 503 &&
	    j->hold_number == app->hold_number)
		app->holds = 0;
	if (status == 200 || (status == 404 && app->known_good)) {
		answered(app, j);
	} else if (status == 429 || status == 503) {
		hold(app, j);
	} else if (status == 401) {
		if (token_refused(app, j)) {
			ask_again(app, j->ask, 0);
		} else {
			app->refused_again = true;
			give_up(app, j, "the token is refused");
		}
	} else if (status >= 500) {
		retry(app, j, text);
	} else {
		give_up(app, j, text);
	}
}

static void
release(struct app *app, struct job *j)
{
	curl_multi_remove_handle(app->multi, j->easy);
	pace_done(&app->pace, app->now_ms);
	app->flying--;
}

static void
clear(struct job *j)
{
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

		if (j->ask != NULL) {
			release(app, j);
			ask_again(app, j->ask, 0);
			clear(j);
		}
		if (j->easy != NULL) {
			curl_easy_cleanup(j->easy);
			http_reply_free(&j->reply);
			curl_slist_free_all(j->headers);
			free(j->cacert);
		}
		*j = (struct job){ .ask = NULL };
	}
	curl_multi_cleanup(app->multi);
}
