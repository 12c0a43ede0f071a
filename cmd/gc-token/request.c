/* What is asked of the hosts: one request, what its answer means, and
 * patience. */
#include <stdlib.h>

#include "cmd/gc-token/token.h"
#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/http.h"
#include "lib/json.h"
#include "lib/log.h"

#define URL_MAX 8192
#define SKEW_MAX_MS 60000	/* between the host's clock and this one */

static const struct backoff backoff = {
	.base_ms = 500, .cap_ms = 10000, .jitter_ms = 250
};

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	return !turn(arg);
}

/* What the server says of its refusal, in its own words. */
static int
refused(const struct http_reply *r, const struct ask *ask, struct err *e)
{
	char *words[3] = { NULL, NULL, NULL };
	const struct json_field fields[] = {
		{ "error_description", JSON_STRING, &words[0], NULL },
		{ "description", JSON_STRING, &words[1], NULL },
		{ "error", JSON_STRING, &words[2], NULL },
	};
	const char *why = "no reason given";

	json_read(r->body.data ? r->body.data : "", r->body.len, fields, 3,
	    NULL);
	for (int i = 2; i >= 0; i--)
		if (words[i] != NULL && *words[i] != '\0')
			why = words[i];
	err_set(e, GC_EX_NOPERM, "the login host refused the %s (%ld): "
	    "%.200s; %s", ask->what, r->status, why, ask->remedy);
	for (int i = 0; i < 3; i++)
		free(words[i]);
	return -1;
}

/* Its end is reckoned from now on, by the clock here: that it is another
 * than the host's does no harm to the token, but ought to be known. */
static int
taken(struct token *t, const struct http_reply *r, struct err *e)
{
	int64_t now = clock_wall_ms(), ahead = now - r->date_ms;

	if (r->date_ms != -1 && (ahead > SKEW_MAX_MS || ahead < -SKEW_MAX_MS))
		log_warn("the clock here is %lld s %s the login host's",
		    (long long)(ahead < 0 ? -ahead : ahead) / 1000,
		    ahead < 0 ? "behind" : "ahead of");
	return token_from_answer(t, r->body.data ? r->body.data : "",
	    r->body.len, now, e);
}

/* 0 and the token, -1 for good, 1 try again after *wait_ms. */
static int
judge(const struct ask *ask, struct token *t, struct http_reply *r,
    int64_t *wait_ms, struct err *e)
{
	if (r->status == 200)
		return taken(t, r, e);
	if (r->status == 400 || r->status == 401 || r->status == 403)
		return refused(r, ask, e);
	*wait_ms = r->retry_after_ms;
	if (r->status == 429 || r->status >= 500) {
		err_set(e, GC_EX_TEMPFAIL, "the login host answers %ld",
		    r->status);
		return 1;
	}
	return err_set(e, r->status == 404 ? GC_EX_CONFIG :
	    GC_EX_UNAVAILABLE, "the login host answers %ld%s", r->status,
	    r->status == 404 ? ": is it one? See GC_REGION, GC_LOGIN_URL" :
	    "");
}

/* Bounded by the deadline, and by whoever tells us to end. */
static void
set_bounds(struct app *app, CURL *easy, const char *url,
    struct http_reply *reply)
{
	http_prepare(easy, url, app->config.cacert,
	    app->deadline_ms - clock_mono_ms(), reply);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, app);
}

static void
set_request(struct app *app, CURL *easy, const struct ask *ask)
{
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask->form);
	if (app->config.client_secret == NULL)
		return;
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
	curl_easy_setopt(easy, CURLOPT_USERNAME, app->config.client_id);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, app->config.client_secret);
}

/* One request, judged. */
static int
request(struct app *app, const struct ask *ask, struct token *t,
    int64_t *wait_ms, struct err *e)
{
	CURL *easy;
	struct http_reply reply;
	struct buf url;
	int status;

	if (clock_mono_ms() >= app->deadline_ms)
		return err_set(e, GC_EX_TEMPFAIL, "no token within "
		    "--timeout");
	if ((easy = curl_easy_init()) == NULL)
		return err_set(e, GC_EX_OSERR, "can't start libcurl");
	app->requests++;
	app->doing = "asking the login host";
	http_reply_init(&reply);
	buf_init(&url, URL_MAX);
	buf_addf(&url, "%s/oauth/token", app->config.login_url);
	set_bounds(app, easy, url.data, &reply);
	set_request(app, easy, ask);
	status = http_result(curl_easy_perform(easy), &reply, e);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
	if (status == -1)
		err_prefix(e, "can't reach the login host");
	else
		status = judge(ask, t, &reply, wait_ms, e);
	app->failures += status != 0;
	http_reply_free(&reply);
	buf_free(&url);
	curl_easy_cleanup(easy);
	if (is_to_end(app)) {
		token_free(t);
		end(app);
	}
	return status;
}

int
request_token(struct app *app, const struct ask *ask, struct token *t,
    struct err *e)
{
	int64_t wait_ms = 0, least_ms, now;
	unsigned n = 0;
	int status;

	*t = (struct token){ 0 };
	while ((status = request(app, ask, t, &wait_ms, e)) == 1) {
		least_ms = backoff_delay_ms(&backoff, n++, arc4random());
		if (wait_ms < least_ms)
			wait_ms = least_ms;
		now = clock_mono_ms();
		if (now + wait_ms >= app->deadline_ms)
			return err_prefix(e, "no token within --timeout");
		log_note("%s: again in %lld ms", e->msg, (long long)wait_ms);
		app->doing = "waiting for the login host";
		wait_until(app, now + wait_ms);
	}
	app->renewals += status == 0;
	return status;
}

/* What the API host made of it. */
static int
revoked(const struct http_reply *r, struct err *e)
{
	if (r->status == 200 || r->status == 202 || r->status == 204)
		return 0;
	if (r->status == 401 || r->status == 404) {
		log_note("the token had ended already (%ld)", r->status);
		return 0;
	}
	return err_set(e, r->status == 429 || r->status >= 500 ?
	    GC_EX_TEMPFAIL : r->status == 403 ? GC_EX_NOPERM :
	    GC_EX_UNAVAILABLE, "the API host answers %ld", r->status);
}

int
request_revoke(struct app *app, const char *access_token, struct err *e)
{
	CURL *easy = curl_easy_init();
	struct http_reply reply;
	struct buf url;
	int status;

	if (easy == NULL)
		return err_set(e, GC_EX_OSERR, "can't start libcurl");
	app->doing = "asking the API host";
	http_reply_init(&reply);
	buf_init(&url, URL_MAX);
	buf_addf(&url, "%s/api/v2/tokens/me", app->config.api_url);
	set_bounds(app, easy, url.data, &reply);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
	curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
	curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, access_token);
	status = http_result(curl_easy_perform(easy), &reply, e);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
	if (status == -1)
		err_prefix(e, "can't reach the API host");
	else
		status = revoked(&reply, e);
	http_reply_free(&reply);
	buf_free(&url);
	curl_easy_cleanup(easy);
	return status;
}
