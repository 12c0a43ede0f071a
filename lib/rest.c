#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/multi.h"
#include "lib/pace.h"
#include "lib/refusal.h"
#include "lib/resolve.h"
#include "lib/rest.h"

#define URL_MAX (16 << 10)
#define HEADER_MAX (32 << 10)
#define RESOLVE_MS 5000		/* for: is there such a name? */
#define RESOLVE_TURN_MS 20	/* between looks for its answer */
#define HOLD_MAX_MS 300000	/* of an inin-ratelimit-reset */

struct job {
	TAILQ_ENTRY(job) link;
	char *method, *url, *body, *what;
	bool urgent;
	rest_done *done;
	void *arg;
	/* in flight */
	CURL *easy;
	struct curl_slist *headers;
	struct http_reply reply;
	struct rest_answer answer;
	struct resolve *resolve;	/* no address: is there the name? */
	int64_t resolve_until_ms;
	bool no_name;
};
TAILQ_HEAD(jobs, job);

struct rest {
	char *base, *cacert, *bearer;
	unsigned limit;			/* transfers at once */
	char *host;
	uint64_t rate, pace_rate;	/* ours; with what the server allows */
	int64_t timeout_ms, now_ms;
	struct multi multi;
	struct jobs queue, flying;
	unsigned flying_count;
	size_t queued;
	struct pace pace;
	struct rest_counts counts;
};

/* --- jobs --------------------------------------------------------------- */

static void
wipe(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

static void
job_del(struct job *j)
{
	for (struct curl_slist *h = j->headers; h != NULL; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(j->headers);
	curl_easy_cleanup(j->easy);
	resolve_free(j->resolve);
	http_reply_free(&j->reply);
	wipe(&j->url);
	wipe(&j->body);
	free(j->method);
	free(j->what);
	free(j);
}

void
rest_send(struct rest *r, const struct rest_request *q)
{
	struct job *j = xcalloc(1, sizeof(*j));
	struct buf url;

	buf_init_secret(&url, URL_MAX);
	if (buf_addf(&url, "%s%s", r->base, q->path) == -1)
		buf_adds(&url, "");
	j->url = buf_take(&url);
	j->method = xstrdup(q->method);
	j->body = q->body != NULL ? xstrdup(q->body) : NULL;
	j->what = xstrdup(q->what);
	j->urgent = q->urgent;
	j->done = q->done;
	j->arg = q->arg;
	http_reply_init(&j->reply);
	r->queued++;
	if (j->urgent)
		TAILQ_INSERT_HEAD(&r->queue, j, link);
	else
		TAILQ_INSERT_TAIL(&r->queue, j, link);
}

static void
settings(struct rest *r, struct job *j)
{
	CURL *e = j->easy;
	struct buf text;

	http_prepare(e, j->url, r->cacert, r->timeout_ms, &j->reply);
	buf_init_secret(&text, HEADER_MAX);
	buf_addf(&text, "Authorization: Bearer %s", r->bearer);
	j->headers = curl_slist_append(NULL, text.data);
	buf_wipe(&text);
	if (j->body != NULL || strcmp(j->method, "POST") == 0 ||
	    strcmp(j->method, "PUT") == 0) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDS,
		    j->body != NULL ? j->body : "");
		j->headers = curl_slist_append(j->headers,
		    "Content-Type: application/json");
		/* no round trip to ask whether the body is welcome */
		j->headers = curl_slist_append(j->headers, "Expect:");
	}
	if (strcmp(j->method, "HEAD") == 0)
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, j->method);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, j->headers);
	curl_easy_setopt(e, CURLOPT_PRIVATE, j);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
}

/* The next that may go now, or NULL; *due_ms is lowered to when one may. */
static struct job *
next_job(struct rest *r, int64_t *due_ms)
{
	struct job *j = TAILQ_FIRST(&r->queue);
	int64_t at;

	if (j == NULL || r->bearer == NULL || r->flying_count >= r->limit)
		return NULL;
	at = j->urgent ? r->now_ms : pace_next_ms(&r->pace, r->now_ms);
	if (at <= r->now_ms)
		return j;
	if (at < *due_ms)
		*due_ms = at;
	return NULL;
}

/* --- answers ------------------------------------------------------------ */

/* What the answer says about how much may be asked. */
static void
heed(struct rest *r, long status, const struct http_reply *a)
{
	uint64_t limit = a->rate_allowed * 9 / 10;
	int64_t wait_ms = a->rate_reset_ms < HOLD_MAX_MS ? a->rate_reset_ms :
	    HOLD_MAX_MS;

	if (limit > 0) {
		if (limit > r->rate)
			limit = r->rate;
		if (limit != r->pace_rate)
			pace_rate(&r->pace, limit, r->now_ms);
		r->pace_rate = limit;
		if (a->rate_count >= a->rate_allowed * 9 / 10 && wait_ms > 0)
			pace_hold(&r->pace, r->now_ms + wait_ms);
	}
	if (status != 429 && status != 503)
		return;
	r->counts.throttled++;
	if (a->retry_after_ms >= 0)
		pace_hold(&r->pace, r->now_ms + a->retry_after_ms);
	else if (status == 429 && wait_ms > 0)
		pace_hold(&r->pace, r->now_ms + wait_ms);
}

static void
finish(struct rest *r, struct job *j, CURLcode result)
{
	struct rest_answer *a = &j->answer;

	TAILQ_REMOVE(&r->flying, j, link);
	r->flying_count--;
	pace_done(&r->pace, r->now_ms);
	if (j->easy != NULL) {
		curl_easy_getinfo(j->easy, CURLINFO_RESPONSE_CODE,
		    &j->reply.status);
		curl_multi_remove_handle(r->multi.handle, j->easy);
	}
	a->status = j->reply.status;
	a->retry_after_ms = j->reply.retry_after_ms;
	if (j->reply.body.data == NULL)
		buf_adds(&j->reply.body, "");
	a->body = j->reply.body.data;
	a->len = j->reply.body.len;
	if (http_result(result, &j->reply, &a->err) == -1) {
		r->counts.failed++;
		a->status = 0;
		if (j->no_name)
			a->err.code = GC_EX_CONFIG;
		err_prefix(&a->err, "%s", j->what);
	} else if (a->status < 200 || a->status > 299) {
		r->counts.refused++;
		refusal_read(&a->err, &a->error, j->what, &j->reply);
	}
	heed(r, a->status, &j->reply);
	if (j->done != NULL)
		j->done(j->arg, a);
	job_del(j);
}

/* The transfers that found no address, once it is known why. */
static void
serve_names(struct rest *r)
{
	enum resolve_answer answer;
	struct job *j, *next;

	for (j = TAILQ_FIRST(&r->flying); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->resolve == NULL)
			continue;
		answer = resolve_answer(j->resolve);
		if (answer == RESOLVE_WAIT && r->now_ms < j->resolve_until_ms)
			continue;
		j->no_name = answer == RESOLVE_NONE;
		finish(r, j, CURLE_COULDNT_RESOLVE_HOST);
		/* a callback may have cancelled the next one */
		next = TAILQ_FIRST(&r->flying);
	}
}

static void
start_some(struct rest *r)
{
	int64_t due = CLOCK_NEVER;
	struct job *j;

	while ((j = next_job(r, &due)) != NULL) {
		TAILQ_REMOVE(&r->queue, j, link);
		r->queued--;
		TAILQ_INSERT_TAIL(&r->flying, j, link);
		r->flying_count++;
		r->counts.requests++;
		pace_take(&r->pace, r->now_ms);
		j->easy = curl_easy_init();
		if (j->easy != NULL)
			settings(r, j);
		if (j->easy == NULL || curl_multi_add_handle(
		    r->multi.handle, j->easy) != CURLM_OK)
			finish(r, j, CURLE_FAILED_INIT);
	}
}

/* The name in an address, without its port. */
static char *
host_of(const char *base)
{
	const char *host = strstr(base, "://");

	host = host != NULL ? host + 3 : base;
	return xstrndup(host, strcspn(host, *host == '[' ? "/" : ":/"));
}

/* --- the whole ---------------------------------------------------------- */

void
rest_move(struct rest *r, const char *base, const char *cacert)
{
	free(r->base);
	free(r->host);
	free(r->cacert);
	r->base = xstrdup(base);
	r->host = host_of(base);
	r->cacert = cacert != NULL ? xstrdup(cacert) : NULL;
}

struct rest *
rest_new(const struct rest_opts *o, int64_t now_ms, struct err *err)
{
	struct rest *r = xcalloc(1, sizeof(*r));

	rest_move(r, o->base, o->cacert);
	r->limit = o->jobs < REST_JOBS_MAX ? o->jobs : REST_JOBS_MAX;
	r->rate = r->pace_rate = o->rate;
	r->timeout_ms = o->timeout_ms;
	r->now_ms = now_ms;
	TAILQ_INIT(&r->queue);
	TAILQ_INIT(&r->flying);
	pace_init(&r->pace, o->rate, now_ms);
	if (multi_init(&r->multi, r->limit, now_ms, err) == -1) {
		rest_del(r);
		return NULL;
	}
	return r;
}

static void
drop(struct rest *r, struct jobs *list, const void *arg, bool all)
{
	struct job *j, *next;

	for (j = TAILQ_FIRST(list); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (!all && j->arg != arg)
			continue;
		TAILQ_REMOVE(list, j, link);
		if (list == &r->queue) {
			r->queued--;
		} else {
			r->flying_count--;
			pace_done(&r->pace, r->now_ms);
		}
		if (j->easy != NULL)
			curl_multi_remove_handle(r->multi.handle, j->easy);
		job_del(j);
	}
}

void
rest_cancel(struct rest *r, const void *arg)
{
	drop(r, &r->queue, arg, false);
	drop(r, &r->flying, arg, false);
}

void
rest_del(struct rest *r)
{
	if (r == NULL)
		return;
	drop(r, &r->queue, NULL, true);
	drop(r, &r->flying, NULL, true);
	multi_free(&r->multi);
	wipe(&r->bearer);
	free(r->base);
	free(r->host);
	free(r->cacert);
	free(r);
}

void
rest_bearer(struct rest *r, const char *token)
{
	wipe(&r->bearer);
	r->bearer = token != NULL ? xstrdup(token) : NULL;
}

size_t
rest_open(const struct rest *r)
{
	return r->queued + r->flying_count;
}

const struct rest_counts *
rest_counts(const struct rest *r)
{
	return &r->counts;
}

size_t
rest_interest(struct rest *r, struct pollfd *fds, int64_t *due_ms)
{
	const struct job *j;

	if (next_job(r, due_ms) != NULL)
		*due_ms = r->now_ms;
	TAILQ_FOREACH(j, &r->flying, link)
		if (j->resolve != NULL &&
		    r->now_ms + RESOLVE_TURN_MS < *due_ms)
			*due_ms = r->now_ms + RESOLVE_TURN_MS;
	return multi_interest(&r->multi, fds, due_ms);
}

void
rest_step(struct rest *r, int64_t now_ms)
{
	CURLcode result;
	struct job *j;
	CURL *easy;

	r->now_ms = r->multi.now_ms = now_ms;
	start_some(r);
	multi_step(&r->multi, now_ms);
	while ((easy = multi_next(&r->multi, &result)) != NULL) {
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&j);
		if (result != CURLE_COULDNT_RESOLVE_HOST) {
			finish(r, j, result);
			continue;
		}
		j->resolve = resolve_start(r->host);
		j->resolve_until_ms = now_ms + RESOLVE_MS;
	}
	serve_names(r);
	start_some(r);
}
