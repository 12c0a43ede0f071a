/* Transfers, many at once, and what each result means: CONTRACT section 7. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"

#define URL_MAX (16 << 10)

void
fetch_start(struct app *app)
{
	app->multi = curl_multi_init();
	if (app->multi == NULL)
		die(GC_EX_OSERR, "can't start libcurl");
	curl_multi_setopt(app->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	    (long)app->opt.jobs);
}

static struct job *
free_job(struct app *app)
{
	for (size_t i = 0; i < app->opt.jobs; i++)
		if (app->jobs[i].ask == NULL)
			return &app->jobs[i];
	return NULL;
}

static void
set_address(struct app *app, struct job *j)
{
	char *id = curl_easy_escape(j->easy, j->ask->user_id,
	    (int)j->ask->user_id_len);
	struct buf text;

	buf_init(&text, URL_MAX + NDJSON_LINE_MAX * 3);
	buf_addf(&text, "%s/api/v2/routing/users/%s/state",
	    app->config.api_url, id);
	http_prepare(j->easy, text.data, app->config.cacert,
	    app->opt.timeout_ms, &j->reply);
	curl_free(id);
	buf_reset(&text);
	buf_addf(&text, "Authorization: Bearer %s", app->token.access_token);
	curl_slist_free_all(j->headers);
	j->headers = curl_slist_append(NULL, text.data);
	curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->headers);
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
	j->seq = a->seq;
	memcpy(j->reason, a->reason, sizeof(j->reason));
	j->token_number = app->token_number;
	j->fetched_ms = clock_wall_ms();
	j->hold_number = app->hold_number;
	ask_sent(app, a);
	set_address(app, j);
	curl_easy_setopt(j->easy, CURLOPT_PRIVATE, j);
	curl_multi_add_handle(app->multi, j->easy);
	pace_take(&app->pace, app->now_ms);
	app->requests++;
	app->flying++;
}

int64_t
fetch_some(struct app *app)
{
	int64_t due = CLOCK_NEVER, next;
	struct ask *a;
	struct job *j;

	while (app->have_token && (j = free_job(app)) != NULL &&
	    (a = ask_next(app, &due)) != NULL) {
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
	answer_unverified(app, j->ask, j->seq, j->reason, j->reply.status,
	    error);
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
	if (wait_ms >= 0) {
		log_note("the server answers %ld: all wait %lld ms",
		    j->reply.status, (long long)wait_ms);
		pace_hold(&app->pace, app->now_ms + wait_ms);
	}
	ask_again(app, j->ask, 0);
}

static void
answered(struct app *app, struct job *j)
{
	struct ask *a = j->ask;
	struct err e;

	app->known_good = true;
	if (a->passed_seq > a->sent_passed && a->passed_seq > j->seq) {
		/* the agent changed since: what came is older than it */
		a->again = false;
		ask_again(app, a, 0);
	} else if (answer_state(app, j, &e) == -1) {
		give_up(app, j, e.msg);
	} else {
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
		retry(app, j, e.msg);
		return;
	}
	if (status != 429 && status != 503 &&
	    j->hold_number == app->hold_number)
		app->holds = 0;
	if (status == 200) {
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
	} else if (status == 404 && app->known_good) {
		answer_gone(app, j);
		ask_done(app, j->ask, true);
	} else if (status >= 500) {
		retry(app, j, text);
	} else {
		give_up(app, j, text);
	}
}

bool
fetch_take(struct app *app)
{
	CURLMsg *msg;
	struct job *j;
	int left, running;
	CURLcode result;
	bool any = false;

	curl_multi_perform(app->multi, &running);
	while ((msg = curl_multi_info_read(app->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		result = msg->data.result;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &j);
		curl_multi_remove_handle(app->multi, j->easy);
		app->flying--;
		judge(app, j, result);
		j->ask = NULL;
		any = true;
	}
	return any;
}

void
fetch_stop(struct app *app)
{
	for (size_t i = 0; i < app->opt.jobs; i++) {
		struct job *j = &app->jobs[i];

		if (j->ask != NULL) {
			curl_multi_remove_handle(app->multi, j->easy);
			ask_again(app, j->ask, 0);
			j->ask = NULL;
		}
		if (j->easy != NULL) {
			curl_easy_cleanup(j->easy);
			http_reply_free(&j->reply);
			curl_slist_free_all(j->headers);
		}
		*j = (struct job){ .ask = NULL };
	}
	curl_multi_cleanup(app->multi);
	app->flying = 0;
}
