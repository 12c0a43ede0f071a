/* The token, and what it may read. */
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-check/check.h"
#include "lib/asktoken.h"
#include "lib/clock.h"
#include "lib/http.h"
#include "lib/platform.h"
#include "lib/scan.h"

#define MIN_TTL_MS 60000
#define TOKEN_MS 90000		/* gc-token itself takes 60 s at most */

/* Wait for the token command; 1 and c->token, else -1 and err. */
static int
wait_for_token(struct check *c, struct asktoken *a, struct err *e)
{
	int64_t until = clock_mono_ms() + TOKEN_MS, left;
	struct pollfd fds[2];
	int got;

	while ((got = asktoken_feed(a, &c->token, e)) == 0) {
		left = until - clock_mono_ms();
		if (left <= 0)
			return err_set(e, GC_EX_UNAVAILABLE, "%s does not "
			    "end", a->name);
		if (check_stopped())
			return err_set(e, GC_EX_UNAVAILABLE, "told to end");
		fds[0] = (struct pollfd){ asktoken_fd(a), POLLIN, 0 };
		fds[1] = (struct pollfd){ check_signals(), POLLIN, 0 };
		/* its end is told by no descriptor: look again soon */
		poll(fds, 2, left < 50 ? (int)left : 50);
		if (fds[0].fd == -1)
			poll(NULL, 0, 10);
	}
	return got;
}

void
check_token(struct check *c, struct finding *f)
{
	struct asktoken a;
	struct err e;
	int64_t left_ms;

	asktoken_init(&a);
	if (asktoken_start(&a, c->config.token_cmd, MIN_TTL_MS, NULL, &e) ==
	    -1 || wait_for_token(c, &a, &e) != 1) {
		check_failed(f, e.code, "%s", e.msg);
		check_advise(f, e.code == GC_EX_CONFIG ? "set GC_CLIENT_ID "
		    "and GC_CLIENT_SECRET, or run gc-token login" :
		    e.code == GC_EX_NOPERM ? "the client's id or secret is "
		    "wrong, it is another region's, or it has no role: run "
		    "gc-token -v" : "run gc-token -v");
	} else {
		c->have_token = true;
		left_ms = c->token.expires_ms - clock_wall_ms();
		if (c->token.expires_ms == 0)
			check_ok(f, "a token of unknown life");
		else
			check_ok(f, "a token, good for %lld min",
			    (long long)(left_ms / 60000));
	}
	asktoken_free(&a);
}

/* --- REST --------------------------------------------------------------- */

/* GET a path behind the API's address; the status, or 0 and err. */
static long
get(const struct check *c, const char *path, struct http_reply *reply,
    struct err *e)
{
	CURL *easy = curl_easy_init();
	struct curl_slist *headers = NULL;
	struct buf url, bearer;
	CURLcode result;

	buf_init(&url, 4096);
	buf_init_secret(&bearer, TOKEN_LINE_MAX);
	buf_addf(&url, "%s%s", c->config.api_url, path);
	buf_addf(&bearer, "Authorization: Bearer %s", c->token.access_token);
	headers = curl_slist_append(headers, bearer.data);
	http_prepare(easy, url.data, c->config.cacert, c->timeout_ms, reply);
	check_stoppable(easy);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	result = curl_easy_perform(easy);
	if (http_result(result, reply, e) == 0)
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE,
		    &reply->status);
	explicit_bzero(headers->data, strlen(headers->data));
	curl_slist_free_all(headers);
	curl_easy_cleanup(easy);
	buf_free(&url);
	buf_wipe(&bearer);
	return reply->status;
}

static const char *
body_of(const struct http_reply *reply)
{
	return reply->body.data != NULL ? reply->body.data : "";
}

/* Someone whom the stream can be tried with, if there is anyone. */
static int
take_user(struct check *c, const struct http_reply *reply, struct err *e)
{
	struct platform_page page;
	struct slice element;
	const char *at = NULL;
	struct buf id;

	if (platform_page(&page, body_of(reply), reply->body.len, e) == -1)
		return -1;
	buf_init(&id, PLATFORM_ID_MAX);
	if (platform_each(&page, &at, &element) &&
	    platform_user(element, &id) == 0)
		c->user_id = buf_take(&id);
	buf_free(&id);
	return 0;
}

static bool
is_object(const struct http_reply *reply)
{
	return scan_object(body_of(reply), reply->body.len, NULL, 0, NULL) ==
	    SCAN_OK;
}

/* What came with a 200. */
static void
answered(struct check *c, struct finding *f, const struct http_reply *reply)
{
	struct err e;
	int status = 0;

	if (c->config.channels)
		status = take_user(c, reply, &e);
	else if (!is_object(reply))
		status = err_set(&e, GC_EX_UNAVAILABLE, "no JSON object");
	if (status == -1) {
		check_failed(f, e.code, "reading the API: 200, but %s",
		    e.msg);
		check_advise(f, "is it the API, or is it a proxy or a portal "
		    "that answers in its place?");
	} else {
		check_ok(f, c->config.channels ? "the list of users may be "
		    "read%s" : "agents' states may be read",
		    c->user_id == NULL ? ", and is empty" : "");
	}
}

static void
refused(struct finding *f, long status, const char *what,
    const struct http_reply *reply)
{
	struct platform_error error;

	if (!platform_error(&error, body_of(reply), reply->body.len))
		error.message[0] = '\0';
	check_failed(f, status == 401 || status == 403 ? GC_EX_NOPERM :
	    status == 404 || status == 405 || status == 410 ? GC_EX_CONFIG :
	    status == 429 ? GC_EX_TEMPFAIL : GC_EX_UNAVAILABLE,
	    "%s: %ld%s%s", what, status, error.message[0] ? ": " : "",
	    error.message);
	if (status == 403)
		check_advise(f, "give the client's role the permission that "
		    "is named, or routing:agent:view");
	else if (status == 401)
		check_advise(f, "the API does not know the token: is the "
		    "login of the same region?");
	else if (status == 404)
		check_advise(f, "is this the right place? See GC_REGION and "
		    "GC_PROTOCOL");
	else
		check_advise(f, "try again later");
}

void
check_rest(struct check *c, struct finding *f)
{
	/* nobody has this id: who may ask is told 404 */
	const char *path = c->config.channels ?
	    "/api/v2/users?state=active&pageSize=1&pageNumber=1" :
	    "/api/v2/routing/users/gc-check/state";
	struct http_reply reply;
	struct err e;
	long status;

	if (!c->have_token) {
		check_skip(f, "there is no token");
		return;
	}
	http_reply_init(&reply);
	status = get(c, path, &reply, &e);
	if (status == 0) {
		check_failed(f, e.code, "%s", e.msg);
		check_advise(f, "the API is not reached: see above");
	} else if (status == 200) {
		answered(c, f, &reply);
	} else if (!c->config.channels && status == 404 &&
	    is_object(&reply)) {
		check_ok(f, "agents' states may be read");
	} else {
		refused(f, status, "reading the API", &reply);
	}
	http_reply_free(&reply);
}
