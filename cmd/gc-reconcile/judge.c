/* What the result of a transfer means: CONTRACT sections 7 and 9. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"
#include "lib/platform.h"

#define RESET_MAX_MS 300000	/* of an inin-ratelimit-reset */

void
judge_give_up(struct app *app, struct job *j, const char *error)
{
	answer_unverified(app, j->ask, j->ask->sent_seq, j->reason,
	    j->reply.status, error);
	ask_done(app, j->ask, false);
}

void
judge_retry(struct app *app, struct job *j, const char *error)
{
	struct ask *a = j->ask;

	if (a->retries >= RETRIES_MAX) {
		judge_give_up(app, j, error);
		return;
	}
	app->retried++;
	log_note("%s: tried again", error);
	ask_again(app, a, app->now_ms + backoff_delay_ms(&app->opt.backoff,
	    a->retries, arc4random()));
	a->retries++;
}

/* It is to be sent again, and was no failure. */
static void
send_again(struct app *app, struct job *j)
{
	if (j->kind == JOB_PAGE)
		walk_again(app);
	else if (j->kind == JOB_LABELS)
		app->labels.flying = false;
	else if (j->kind == JOB_ACTIVITY)
		activity_again(app);
	else
		ask_again(app, j->ask, 0);
}

/* No answer, or a 5xx: it may be better another time. */
static void
retry(struct app *app, struct job *j, const char *error)
{
	if (j->kind == JOB_PAGE)
		walk_retry(app, error);
	else if (j->kind == JOB_LABELS)
		labels_answer(app, j, false);
	else if (j->kind == JOB_ACTIVITY)
		activity_retry(app, error);
	else
		judge_retry(app, j, error);
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
	send_again(app, j);
}

/* What the answer says about how much may be asked. */
static void
heed_pace(struct app *app, const struct http_reply *r)
{
	uint64_t limit = r->rate_allowed * 9 / 10;
	int64_t wait_ms = r->rate_reset_ms < RESET_MAX_MS ?
	    r->rate_reset_ms : RESET_MAX_MS;

	if (!app->channels || limit == 0)
		return;
	if (r->rate_count >= limit && wait_ms > 0)
		pace_hold(&app->pace, app->now_ms + wait_ms);
	if (limit > app->opt.rate)
		limit = app->opt.rate;
	if (limit != app->pace_rate)
		pace_rate(&app->pace, limit, app->now_ms);
	app->pace_rate = limit;
}

/* 200, or a 404 that is believed, about one user. */
static void
answered(struct app *app, struct job *j)
{
	struct ask *a = j->ask;
	struct answer an = { a, a->sent_seq, j->reason, j->fetched_ms,
	    j->reply.body.data, j->reply.body.len };
	struct err e;

	if (a->passed) {
		/* the agent changed since: what came is older than it */
		ask_drop_half(a);
		a->alone = false;
		ask_again(app, a, 0);
	} else if (j->reply.status == 404) {
		answer_gone(app, &an);
		ask_done(app, a, true);
	} else if (app->channels) {
		user_answer(app, j);
	} else if (answer_state(app, &an, &e) == -1) {
		judge_give_up(app, j, e.msg);
	} else {
		app->known_good = true;
		ask_done(app, a, true);
	}
}

/* A status that will not get better by itself. */
static void
refused(struct app *app, struct job *j, const char *text, bool too_large)
{
	static const struct { long status; int code; } codes[] = {
		{ 401, GC_EX_NOPERM }, { 403, GC_EX_NOPERM },
		{ 404, GC_EX_CONFIG }, { 405, GC_EX_CONFIG },
		{ 410, GC_EX_CONFIG },
	};
	int code = GC_EX_UNAVAILABLE;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].status == j->reply.status)
			code = codes[i].code;
	if (j->kind == JOB_LABELS)
		labels_answer(app, j, false);
	else if (j->kind == JOB_ACTIVITY)
		activity_refused(app, j, text, too_large);
	else if (j->kind != JOB_PAGE)
		judge_give_up(app, j, text);
	else if (too_large)
		walk_halve(app, text);
	else
		walk_fail(app, code, text);
}

/* An answer about many. */
static void
listed(struct app *app, struct job *j)
{
	if (j->kind == JOB_PAGE)
		walk_answer(app, j);
	else if (j->kind == JOB_ACTIVITY)
		activity_answer(app, j);
	else
		labels_answer(app, j, true);
}

/* In text, what the answer says; true if it is one that was too large. */
static bool
describe(struct app *app, const struct job *j, char *text, size_t size)
{
	struct platform_error pe;
	long status = j->reply.status;

	if (status == 200 || !app->channels || !platform_error(&pe,
	    j->reply.body.data, j->reply.body.len)) {
		snprintf(text, size, "the server answers %ld", status);
		return status == 413;
	}
	snprintf(text, size, "the server answers %ld%s%s%s%s%s", status,
	    pe.code[0] ? " " : "", pe.code,
	    pe.context_id[0] ? " (contextId " : "", pe.context_id,
	    pe.context_id[0] ? ")" : "");
	return status == 413 ||
	    strcmp(pe.code, "response.entity.too.large") == 0;
}

/* There was no answer. */
static void
broken(struct app *app, struct job *j, CURLcode result, const char *error)
{
	j->reply.status = 0;
	if (j->ask != NULL)
		j->ask->fresh = true;
	if (j->kind == JOB_PAGE && result == CURLE_WRITE_ERROR)
		walk_halve(app, error);
	else
		retry(app, j, result == CURLE_ABORTED_BY_CALLBACK ?
		    "the connection was closed before the answer" : error);
}

/* A missing part of a user who was there: the user is asked for anew. */
static bool
is_lost_part(const struct job *j)
{
	return j->reply.status == 404 && (j->kind == JOB_ROUTING ||
	    j->kind == JOB_PRESENCE);
}

void
judge(struct app *app, struct job *j, CURLcode result)
{
	bool too_large, about_one = j->ask != NULL;
	char text[256];
	struct err e;
	long status;

	curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE, &j->reply.status);
	if (http_result(result, &j->reply, &e) == -1) {
		broken(app, j, result, e.msg);
		return;
	}
	status = j->reply.status;
	heed_pace(app, &j->reply);
	too_large = describe(app, j, text, sizeof(text));
	if (about_one)
		j->ask->fresh = false;
	if (status != 429 && status != 503 &&
	    j->hold_number == app->hold_number)
		app->holds = 0;
	if (is_lost_part(j)) {
		ask_drop_half(j->ask);
		judge_retry(app, j, text);
	} else if (about_one && (status == 200 || (status == 404 &&
	    app->known_good))) {
		answered(app, j);
	} else if (status == 200) {
		listed(app, j);
	} else if (status == 429 || status == 503) {
		hold(app, j);
	} else if (status == 401 && token_refused(app, j)) {
		send_again(app, j);
	} else if (status == 401) {
		app->refused_again = true;
		refused(app, j, "the token is refused", false);
	} else if (status >= 500) {
		retry(app, j, text);
	} else {
		refused(app, j, text, too_large);
	}
}
