#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/pace.h"
#include "lib/resolve.h"
#include "lib/rest.h"
#include "lib/str.h"

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
	CURLM *multi;
	struct pollfd fds[REST_POLL_MAX];	/* what curl waits for */
	size_t fd_count;
	int64_t timer_ms;		/* when curl wants to be called */
	struct jobs queue, flying;
	unsigned flying_count;
	size_t queued;
	struct pace pace;
	struct rest_counts counts;
};

/* --- curl's callbacks --------------------------------------------------- */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct rest *r = arg;
	size_t i = 0;

	(void)easy, (void)socket_arg;
	while (i < r->fd_count && r->fds[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < r->fd_count)
			r->fds[i] = r->fds[--r->fd_count];
		return 0;
	}
	if (i == REST_POLL_MAX)
		return -1;
	if (i == r->fd_count)
		r->fd_count++;
	r->fds[i] = (struct pollfd){ fd,
	    (short)((what & CURL_POLL_IN ? POLLIN : 0) |
	    (what & CURL_POLL_OUT ? POLLOUT : 0)), 0 };
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct rest *r = arg;

	(void)multi;
	r->timer_ms = timeout_ms < 0 ? CLOCK_NEVER : r->now_ms + timeout_ms;
	return 0;
}

/* Before each answer: an interim one, or a proxy's, says nothing of it. */
static void
forget_headers(struct rest_answer *a)
{
	*a = (struct rest_answer){ .retry_after_ms = -1, .reset_ms = -1 };
}

static size_t
on_header(char *line, size_t size, size_t count, void *arg)
{
	struct job *j = arg;
	struct rest_answer *a = &j->answer;
	size_t len = size * count;
	char value[HTTP_VALUE_MAX];
	uint64_t n;

	if (http_is_status(line, len))
		forget_headers(a);
	else if (http_header(line, len, "Retry-After", value))
		a->retry_after_ms = http_retry_after_ms(value,
		    clock_wall_ms());
	else if (http_header(line, len, "inin-correlation-id", value))
		snprintf(a->correlation_id, sizeof(a->correlation_id),
		    "%.63s", value);
	else if (http_header(line, len, "inin-ratelimit-count", value))
		str_number(value, UINT32_MAX, &a->count);
	else if (http_header(line, len, "inin-ratelimit-allowed", value))
		str_number(value, UINT32_MAX, &a->allowed);
	else if (http_header(line, len, "inin-ratelimit-reset", value) &&
	    str_number(value, UINT32_MAX, &n) == 0)
		a->reset_ms = (int64_t)n * 1000;
	return len;
}

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
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, j);
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

/* What a status deserves, where it is not 2xx. */
static int
code_of(long status)
{
	switch (status) {
	case 401:
	case 403:
		return GC_EX_NOPERM;
	case 404:
	case 405:
	case 410:
		return GC_EX_CONFIG;
	case 429:
		return GC_EX_TEMPFAIL;
	}
	return GC_EX_UNAVAILABLE;
}

static void
refusal(const char *what, struct rest_answer *a)
{
	const struct platform_error *pe = &a->error;
	const char *context;

	platform_error(&a->error, a->body, a->len);
	context = pe->context_id[0] != '\0' ? pe->context_id :
	    a->correlation_id;
	err_set(&a->err, code_of(a->status), "%s: the server answers %ld%s%s"
	    "%s%.200s%s%s%s", what, a->status, pe->code[0] ? " " : "",
	    pe->code, pe->message[0] ? ": " : "", pe->message,
	    context[0] ? " (contextId " : "", context, context[0] ? ")" : "");
}

/* What the answer says about how much may be asked. */
static void
heed(struct rest *r, const struct rest_answer *a)
{
	uint64_t limit = a->allowed * 9 / 10;
	int64_t wait_ms = a->reset_ms < HOLD_MAX_MS ? a->reset_ms :
	    HOLD_MAX_MS;

	if (limit > 0) {
		if (limit > r->rate)
			limit = r->rate;
		if (limit != r->pace_rate)
			pace_rate(&r->pace, limit, r->now_ms);
		r->pace_rate = limit;
		if (a->count >= a->allowed * 9 / 10 && wait_ms > 0)
			pace_hold(&r->pace, r->now_ms + wait_ms);
	}
	if (a->status != 429 && a->status != 503)
		return;
	r->counts.throttled++;
	if (a->retry_after_ms >= 0)
		pace_hold(&r->pace, r->now_ms + a->retry_after_ms);
	else if (a->status == 429 && wait_ms > 0)
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
		    &a->status);
		curl_multi_remove_handle(r->multi, j->easy);
	}
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
		refusal(j->what, a);
	}
	heed(r, a);
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
		forget_headers(&j->answer);
		j->easy = curl_easy_init();
		if (j->easy != NULL)
			settings(r, j);
		if (j->easy == NULL || curl_multi_add_handle(r->multi,
		    j->easy) != CURLM_OK)
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

struct rest *
rest_new(const struct rest_opts *o, int64_t now_ms, struct err *err)
{
	struct rest *r = xcalloc(1, sizeof(*r));

	r->base = xstrdup(o->base);
	r->host = host_of(o->base);
	r->cacert = o->cacert != NULL ? xstrdup(o->cacert) : NULL;
	r->limit = o->jobs < REST_JOBS_MAX ? o->jobs : REST_JOBS_MAX;
	r->rate = r->pace_rate = o->rate;
	r->timeout_ms = o->timeout_ms;
	r->now_ms = now_ms;
	r->timer_ms = CLOCK_NEVER;
	TAILQ_INIT(&r->queue);
	TAILQ_INIT(&r->flying);
	pace_init(&r->pace, o->rate, now_ms);
	r->multi = curl_multi_init();
	if (r->multi == NULL) {
		err_set(err, GC_EX_OSERR, "can't start libcurl");
		rest_del(r);
		return NULL;
	}
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
	curl_multi_setopt(r->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	    (long)r->limit);
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
			curl_multi_remove_handle(r->multi, j->easy);
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
	curl_multi_cleanup(r->multi);
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

	if (r->timer_ms < *due_ms)
		*due_ms = r->timer_ms;
	if (next_job(r, due_ms) != NULL)
		*due_ms = r->now_ms;
	TAILQ_FOREACH(j, &r->flying, link)
		if (j->resolve != NULL &&
		    r->now_ms + RESOLVE_TURN_MS < *due_ms)
			*due_ms = r->now_ms + RESOLVE_TURN_MS;
	memcpy(fds, r->fds, r->fd_count * sizeof(*fds));
	return r->fd_count;
}

/* What the sockets have for curl. */
static void
serve_sockets(struct rest *r)
{
	struct pollfd ready[REST_POLL_MAX];
	size_t count = r->fd_count;
	int running, what;

	memcpy(ready, r->fds, count * sizeof(*ready));
	if (count == 0 || poll(ready, count, 0) <= 0)
		return;
	for (size_t i = 0; i < count; i++) {
		what = (ready[i].revents & POLLIN ? CURL_CSELECT_IN : 0) |
		    (ready[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
		    (ready[i].revents & (POLLERR | POLLHUP) ?
		    CURL_CSELECT_ERR : 0);
		if (what != 0)
			curl_multi_socket_action(r->multi, ready[i].fd, what,
			    &running);
	}
}

void
rest_step(struct rest *r, int64_t now_ms)
{
	CURLMsg *msg;
	struct job *j;
	int running, left;

	r->now_ms = now_ms;
	start_some(r);
	serve_sockets(r);
	if (now_ms >= r->timer_ms) {
		r->timer_ms = CLOCK_NEVER;
		curl_multi_socket_action(r->multi, CURL_SOCKET_TIMEOUT, 0,
		    &running);
	}
	while ((msg = curl_multi_info_read(r->multi, &left)) != NULL) {
		CURLcode result = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
		    (char **)&j);
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
