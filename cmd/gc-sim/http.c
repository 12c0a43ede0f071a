/* libmicrohttpd: requests and answers.  A thread a connection,
 * so that a slow answer holds up nobody else. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/gc-sim/http.h"
#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/str.h"

#define BODY_MAX (1 << 20)	/* of a request */
#define ANSWER_MAX (16 << 20)
#define PATH_SHOWN_MAX 160

/* One request; made when its head has come. */
struct request {
	struct buf body;
	bool too_long;
};

/* --- answers ------------------------------------------------------------ */

/* The body of which only half comes, and then the connection's end. */
struct half {
	size_t len;
	char bytes[];
};

static ssize_t
read_half(void *arg, uint64_t at, char *to, size_t max)
{
	const struct half *h = arg;
	size_t left = at < h->len ? h->len - (size_t)at : 0;

	if (left == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (left > max)
		left = max;
	memcpy(to, h->bytes + at, left);
	return (ssize_t)left;
}

static struct MHD_Response *
make_response(const struct answer *a)
{
	struct half *h;

	if (a->delivery != HALF)
		return MHD_create_response_from_buffer(a->body.len,
		    a->body.data,
		    MHD_RESPMEM_MUST_COPY);
	h = xmalloc(sizeof(*h) + a->body.len);
	h->len = a->body.len;
	memcpy(h->bytes, a->body.data, a->body.len);
	return MHD_create_response_from_callback(2 * a->body.len, 4096,
	    read_half, h, free);
}

static void
add_number(struct MHD_Response *r, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	MHD_add_response_header(r, name, text);
}

enum MHD_Result
http_reply(struct MHD_Connection *c, struct answer *a)
{
	struct MHD_Response *r = make_response(a);
	enum MHD_Result result;

	MHD_add_response_header(r, "Content-Type", "application/json");
	if (a->retry_after_s >= 0)
		add_number(r, "Retry-After", (uint64_t)a->retry_after_s);
	if (a->correlation[0] != '\0')
		MHD_add_response_header(r, "inin-correlation-id",
		    a->correlation);
	if (a->rate_allowed > 0) {
		add_number(r, "inin-ratelimit-count", a->rate_count);
		add_number(r, "inin-ratelimit-allowed", a->rate_allowed);
		add_number(r, "inin-ratelimit-reset",
		    (uint64_t)a->rate_reset_s);
	}
	if (a->location.len > 0)
		MHD_add_response_header(r, "Location", a->location.data);
	result = MHD_queue_response(c, (unsigned)a->status, r);
	MHD_destroy_response(r);
	return result;
}

void
http_refuse(struct answer *a, int status, const char *code,
    const char *message)
{
	a->status = status;
	buf_addf(&a->body, "{\"message\":\"%s\",\"code\":\"%s\","
	    "\"status\":%d", message, code, status);
	if (a->correlation[0] != '\0')
		buf_addf(&a->body, ",\"contextId\":\"%s\",\"details\":[],"
		    "\"errors\":[]", a->correlation);
	buf_adds(&a->body, "}");
}

void
http_escape(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (strchr("-._~,", c) != NULL || (c >= '0' && c <= '9') ||
		    ((c | 32) >= 'a' && (c | 32) <= 'z'))
			buf_add(out, &c, 1);
		else
			buf_addf(out, "%%%02X", c);
	}
}

int
http_fd(struct MHD_Connection *c)
{
	return MHD_get_connection_info(c,
	    MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* Until so long has passed (-1: for ever), the client has gone or the end
 * has come.  Without the lock. */
static void
dawdle(const struct sim *s, struct MHD_Connection *c, int64_t ms)
{
	struct pollfd fds[2] = { { http_fd(c), POLLRDHUP, 0 },
	    { s->ending[0], 0, 0 } };
	int64_t now = clock_mono_ms();
	int64_t until = ms < 0 ? CLOCK_NEVER : now + ms;

	while (poll(fds, 2, clock_poll_ms(clock_mono_ms(), until)) == -1)
		continue;
}

struct sim_token *
http_bearer(struct sim *s, struct MHD_Connection *c)
{
	const char *given = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Authorization");

	if (given == NULL || strncasecmp(given, "Bearer ", 7) != 0)
		return NULL;
	for (size_t i = 0; i < TOKENS_MAX; i++)
		if (s->tokens[i].text[0] != '\0' &&
		    strcmp(given + 7, s->tokens[i].text) == 0 &&
		    clock_mono_ms() < s->tokens[i].end_ms)
			return &s->tokens[i];
	return NULL;
}

/* --- requests ----------------------------------------------------------- */

/* With -v, each request that is no upgrade.  Bytes that a JSON string or a
 * terminal could take amiss are shown as `?`, a channel by its number. */
static void
say_request(struct sim *s, const char *method, const char *url,
    const struct answer *a)
{
	const struct channel *ch = s->channels;
	char path[PATH_SHOWN_MAX], status[16] = "null";
	const char *at = NULL;

	if (log_get_level() < LOG_NOTE)
		return;
	while (ch != NULL && (at = strstr(url, ch->id)) == NULL)
		ch = ch->next;
	if (ch == NULL)
		strlcpy(path, url, sizeof(path));
	else
		snprintf(path, sizeof(path), "%.*s%u%s", (int)(at - url), url,
		    ch->number, at + strlen(ch->id));
	for (char *p = path; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '"' || *p == '\\')
			*p = '?';
	if (a->delivery != NEVER)
		snprintf(status, sizeof(status), "%d", a->status);
	sim_say(s, "rest", "\"method\":\"%s\",\"path\":\"%s\",\"status\":%s",
	    method, path, status);
}

/* Is it an upgrade's path?  *channel: whose, or NULL. */
static bool
is_socket(const struct sim *s, const char *url, const char **channel)
{
	*channel = NULL;
	if (s->protocol == EVENTS)
		return strcmp(url, WS_PATH) == 0;
	*channel = url + strlen(CHANNELS_PATH);
	return str_starts(url, CHANNELS_PATH);
}

/* With the lock held; true if *result has been queued. */
static bool
answer(struct sim *s, struct MHD_Connection *c, const char *method,
    const char *url, const struct request *r, struct answer *a,
    enum MHD_Result *result)
{
	bool get = strcmp(method, "GET") == 0;
	const char *channel;

	s->now_ms = clock_mono_ms();
	s->wall_ms = clock_wall_ms();
	channels_tick(s);	/* what has ended is not there */
	if (get && is_socket(s, url, &channel))
		return upgrade(s, c, channel, a, result);
	if (r->too_long)
		http_refuse(a, 413, "bad.request", "the body is too long");
	else if (s->protocol == EVENTS && get && rest_is_state(url))
		rest_state(s, c, url, a);
	else if (!oauth_answer(s, c, method, url, r->body.data, a) &&
	    !routes_answer(s, c, method, url, &r->body, a))
		http_refuse(a, 404, "not.found", "no such path");
	sim_wake(s);
	say_request(s, method, url, a);
	return false;
}

static enum MHD_Result
route(struct sim *s, struct MHD_Connection *c, const char *method,
    const char *version, const char *url, const struct request *r)
{
	struct answer a = { .status = 404, .retry_after_s = -1,
	    .old_http = strcmp(version, "HTTP/1.0") == 0 };
	enum MHD_Result result = MHD_NO;
	int64_t slow_ms = 0;
	bool queued;

	buf_init(&a.body, ANSWER_MAX);
	buf_adds(&a.body, "");
	buf_init(&a.location, ANSWER_MAX);
	pthread_mutex_lock(&s->lock);
	if (s->protocol == EVENTS ? rest_is_state(url) :
	    str_starts(url, API_PATH))
		slow_ms = (int64_t)s->faults.rest_slow_ms;
	pthread_mutex_unlock(&s->lock);
	if (slow_ms > 0)
		dawdle(s, c, slow_ms);
	pthread_mutex_lock(&s->lock);
	queued = answer(s, c, method, url, r, &a, &result);
	pthread_mutex_unlock(&s->lock);
	if (a.delivery == NEVER)
		dawdle(s, c, -1);	/* MHD_NO: then it is closed */
	else if (!queued)
		result = http_reply(c, &a);
	buf_free(&a.body);
	buf_free(&a.location);
	return result;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **state_of)
{
	struct request *r = *state_of;

	if (r == NULL) {
		*state_of = r = xcalloc(1, sizeof(*r));
		buf_init(&r->body, BODY_MAX);
		buf_adds(&r->body, "");
		return MHD_YES;
	}
	if (*upload_len > 0) {
		if (buf_add(&r->body, upload, *upload_len) == -1)
			r->too_long = true;
		*upload_len = 0;
		return MHD_YES;
	}
	return route(arg, c, method, version, url, r);
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **state_of,
    enum MHD_RequestTerminationCode why)
{
	struct request *r = *state_of;

	(void)arg, (void)c, (void)why;
	if (r != NULL)
		buf_free(&r->body);
	free(r);
	*state_of = NULL;
}

struct MHD_Daemon *
http_start(struct sim *s, struct err *e)
{
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_NO_LISTEN_SOCKET |
	    MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
	    MHD_USE_POLL | MHD_USE_ITC | MHD_ALLOW_UPGRADE, 0, NULL, NULL,
	    on_request, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
	    MHD_OPTION_END);

	if (d == NULL)
		err_set(e, GC_EX_OSERR, "can't start libmicrohttpd");
	return d;
}
