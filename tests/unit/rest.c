/* Requests and answers, against a server in the same loop: if anything
 * blocked, nothing would ever be answered. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/rest.h"
#include "tests/tap.h"

#define CONNS 16
#define TURN_MS 10
#define END_MS 20000

/* --- the server: answers each request with what is next in the list ------ */

static struct { int fd; struct buf in; } conns[CONNS];
static int listener;
static char base[64];
static const char *answers[32];
static size_t answer_count, served;
static bool mute;		/* takes requests, answers nothing */
static struct buf seen;		/* every request, head and body */

static void
listen_somewhere(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(listener, (struct sockaddr *)&a, len) == -1 ||
	    listen(listener, 16) == -1 ||
	    getsockname(listener, (struct sockaddr *)&a, &len) == -1)
		exit(1);
	snprintf(base, sizeof(base), "http://127.0.0.1:%d",
	    ntohs(a.sin_port));
	buf_init(&seen, 1 << 20);
}

/* Is a whole request there?  Its length. */
static size_t
request_len(const struct buf *in)
{
	const char *end = in->len > 0 ? strstr(in->data, "\r\n\r\n") : NULL;
	const char *length = in->len > 0 ?
	    strstr(in->data, "Content-Length: ") : NULL;
	size_t n = 0;

	if (end == NULL)
		return 0;
	if (length != NULL && length < end)
		n = strtoul(length + 16, NULL, 10);
	n += (size_t)(end + 4 - in->data);
	return in->len >= n ? n : 0;
}

static void
serve_conn(int i)
{
	struct buf *in = &conns[i].in;
	ssize_t n = 0;
	size_t len;
	char *room = buf_room(in, 65536);

	if (room != NULL)
		n = recv(conns[i].fd, room, 65536, MSG_DONTWAIT);
	if (n > 0)
		buf_grew(in, (size_t)n);
	while (!mute && (len = request_len(in)) > 0) {
		const char *text = served < answer_count ? answers[served] :
		    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

		served++;
		buf_add(&seen, in->data, len);
		buf_drop(in, len);
		if (send(conns[i].fd, text, strlen(text), MSG_NOSIGNAL) < 0)
			exit(1);
	}
	if (n == 0 || !strncmp(served > 0 && served <= answer_count ?
	    answers[served - 1] : "", "HTTP/1.1 200 CUT", 16)) {
		close(conns[i].fd);
		conns[i].fd = 0;
		buf_free(in);
	}
}

static void
serve(void)
{
	struct pollfd fd = { 0, POLLIN, 0 };

	for (int i = 0; i < CONNS; i++)
		if (conns[i].fd == 0) {
			fd.fd = accept(listener, NULL, NULL);
			if (fd.fd == -1)
				break;
			conns[i].fd = fd.fd;
			buf_init(&conns[i].in, 1 << 22);
		}
	for (int i = 0; i < CONNS; i++) {
		fd = (struct pollfd){ conns[i].fd, POLLIN, 0 };
		if (conns[i].fd != 0 && (poll(&fd, 1, 0) > 0 ||
		    (!mute && conns[i].in.len > 0)))
			serve_conn(i);
	}
}

/* --- the client ---------------------------------------------------------- */

static struct rest_answer got;
static char got_body[256];
static size_t answered;
static int64_t first_ms, last_ms;	/* of the answers, from the start */
static int64_t begun_ms;

static void
on_done(void *arg, const struct rest_answer *a)
{
	*(int *)arg += 1;
	got = *a;
	snprintf(got_body, sizeof(got_body), "%s", a->body);
	last_ms = clock_mono_ms() - begun_ms;
	if (answered++ == 0)
		first_ms = last_ms;
}

static void
reset(const char *answer)
{
	answers[0] = answer;
	answer_count = answer != NULL;
	served = answered = 0;
	mute = false;
	buf_reset(&seen);
	buf_adds(&seen, "");
	begun_ms = clock_mono_ms();
}

/* Until nothing is open, or so long. */
static void
run(struct rest *r, int64_t most_ms)
{
	int64_t until = clock_mono_ms() + most_ms, due, now;
	struct pollfd fds[REST_POLL_MAX];
	size_t n;

	while (rest_open(r) > 0 && (now = clock_mono_ms()) < until) {
		due = now + TURN_MS;
		n = rest_interest(r, fds, &due);
		poll(fds, n, clock_poll_ms(now, due));
		rest_step(r, clock_mono_ms());
		serve();
	}
}

static struct rest *
start(uint64_t rate, int64_t timeout_ms)
{
	struct rest_opts o = { base, NULL, 4, rate, timeout_ms };
	struct rest *r = rest_new(&o, clock_mono_ms(), NULL);

	rest_bearer(r, "t0ken");
	return r;
}

static int count;

static void
ask(struct rest *r, const char *method, const char *path, const char *body)
{
	struct rest_request q = { method, path, body, "asking", false,
	    on_done, &count };

	rest_send(r, &q);
}

/* --- tests --------------------------------------------------------------- */

static void
test_requests(struct rest *r)
{
	reset("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
	ask(r, "POST", "/api/v2/x", NULL);
	run(r, END_MS);
	is_int(got.status, 200, "POST with no body");
	is_str(got_body, "{\"a\":1}", "the answer");
	ok(got.retry_after_ms == -1, "nothing told");
	ok(strstr(seen.data, "POST /api/v2/x HTTP/1.1\r\n") != NULL,
	    "its line");
	ok(strstr(seen.data, "Authorization: Bearer t0ken\r\n") != NULL,
	    "its token");
	ok(strstr(seen.data, "Content-Length: 0\r\n") != NULL, "no body");

	reset("HTTP/1.1 103 Early\r\nRetry-After: 7\r\n"
	    "inin-ratelimit-count: 9\r\ninin-ratelimit-allowed: 9\r\n"
	    "inin-ratelimit-reset: 9\r\ninin-correlation-id: c-8\r\n\r\n"
	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	ask(r, "GET", "/early", NULL);
	run(r, END_MS);
	ok(got.status == 200 && got.retry_after_ms == -1,
	    "what an interim answer says is not the answer's");

	reset(NULL);
	ask(r, "PUT", "/p?q=1", "[1,2]");
	run(r, END_MS);
	ok(strstr(seen.data, "PUT /p?q=1 HTTP/1.1\r\n") != NULL &&
	    strstr(seen.data, "Content-Type: application/json\r\n") != NULL &&
	    strstr(seen.data, "\r\n\r\n[1,2]") != NULL, "PUT with a body");
	ok(strstr(seen.data, "Expect") == NULL, "sent at once");
	is_str(got_body, "", "an empty answer is text too");

	reset("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
	ask(r, "HEAD", "/h", NULL);
	run(r, END_MS);
	ok(got.status == 200 && strncmp(seen.data, "HEAD /h ", 8) == 0,
	    "HEAD waits for no body");
	reset("HTTP/1.1 204 No Content\r\n\r\n");
	ask(r, "DELETE", "/d", NULL);
	run(r, END_MS);
	ok(got.status == 204 && strncmp(seen.data, "DELETE /d ", 10) == 0,
	    "DELETE");
}

static const struct { const char *head; long status; int code; } codes[] = {
	{ "400 Bad", 400, GC_EX_UNAVAILABLE }, { "401 No", 401, GC_EX_NOPERM },
	{ "403 No", 403, GC_EX_NOPERM }, { "404 No", 404, GC_EX_CONFIG },
	{ "405 No", 405, GC_EX_CONFIG }, { "410 No", 410, GC_EX_CONFIG },
	{ "500 Oh", 500, GC_EX_UNAVAILABLE },
	{ "302 Go\r\nLocation: /other", 302, GC_EX_UNAVAILABLE },
};

static void
test_refusals(struct rest *r)
{
	char text[512];

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 %s\r\n"
		    "Content-Length: 0\r\n\r\n", codes[i].head);
		reset(text);
		ask(r, "GET", "/secret-path", NULL);
		run(r, END_MS);
		ok(got.status == codes[i].status &&
		    got.err.code == codes[i].code, "%s", got.err.msg);
		is_int((long long)served, 1, "asked once, led nowhere");
	}
	reset("HTTP/1.1 403 Forbidden\r\nContent-Length: 69\r\n\r\n"
	    "{\"code\":\"missing.permissions\",\"message\":\"no right\","
	    "\"contextId\":\"c-7\"}");
	ask(r, "GET", "/secret-path", NULL);
	run(r, END_MS);
	is_str(got.err.msg, "asking: the server answers 403 "
	    "missing.permissions: no right (contextId c-7)",
	    "the platform's code and contextId");
}

static void
test_no_answer(void)
{
	struct rest_opts o = { "http://127.0.0.1:9", NULL, 1, 600, 5000 };
	struct rest *r = rest_new(&o, clock_mono_ms(), NULL);

	rest_bearer(r, "t0ken");
	reset(NULL);
	ask(r, "GET", "/secret-path", NULL);
	run(r, END_MS);
	ok(answered == 1 && got.status == 0 &&
	    got.err.code == GC_EX_UNAVAILABLE, "nobody there: %s",
	    got.err.msg);
	ok(strstr(got.err.msg, "secret-path") == NULL, "no path is shown");
	rest_del(r);
	r = start(600, 100);
	reset(NULL);
	mute = true;
	ask(r, "GET", "/x", NULL);
	run(r, END_MS);
	ok(answered == 1 && got.status == 0, "no answer in time: %s",
	    got.err.msg);
	rest_del(r);
	/* a label over 63 bytes: no server is needed to know */
	o.base = "http://no-such-name-no-such-name-no-such-name-no-such-name-"
	    "no-such-name.invalid";
	r = rest_new(&o, clock_mono_ms(), NULL);
	rest_bearer(r, "t0ken");
	reset(NULL);
	ask(r, "GET", "/x", NULL);
	run(r, END_MS);
	ok(answered == 1 && got.err.code == GC_EX_CONFIG, "no such name: %s",
	    got.err.msg);
	rest_del(r);
}

static void
test_limits(void)
{
	struct rest *r = start(6000, 5000);

	reset("HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
	    "\r\n");
	ask(r, "GET", "/1", NULL);
	run(r, END_MS);
	ok(got.status == 429 && got.retry_after_ms == 1000 &&
	    got.err.code == GC_EX_TEMPFAIL, "429: %s", got.err.msg);
	ask(r, "GET", "/2", NULL);
	run(r, END_MS);
	ok(got.status == 200 && last_ms >= 1000, "all wait for its time "
	    "(%lld ms)", (long long)last_ms);
	reset("HTTP/1.1 200 OK\r\ninin-ratelimit-count: 9\r\n"
	    "inin-ratelimit-allowed: 10\r\ninin-ratelimit-reset: 1\r\n"
	    "Content-Length: 0\r\n\r\n");
	ask(r, "GET", "/1", NULL);
	run(r, END_MS);
	ask(r, "GET", "/2", NULL);
	run(r, 500);
	is_int((long long)served, 1, "all is used up: nothing is sent");
	run(r, END_MS);
	ok(served >= 2 && last_ms >= 1000, "until its reset (%lld ms)",
	    (long long)last_ms);
	rest_del(r);
	r = start(6000, 5000);
	/* one that is down says nothing about the limit */
	reset("HTTP/1.1 503 Down\r\ninin-ratelimit-count: 1\r\n"
	    "inin-ratelimit-allowed: 9000\r\ninin-ratelimit-reset: 60\r\n"
	    "Content-Length: 0\r\n\r\n");
	ask(r, "GET", "/1", NULL);
	run(r, END_MS);
	ask(r, "GET", "/2", NULL);
	run(r, 2000);
	is_int((long long)answered, 2, "a 503 with no Retry-After stops none");
	rest_del(r);
	/* nine a minute, the first at once: the second is 60/9 s away */
	r = start(6000, 5000);
	reset("HTTP/1.1 200 OK\r\ninin-ratelimit-count: 1\r\n"
	    "inin-ratelimit-allowed: 10\r\ninin-ratelimit-reset: 60\r\n"
	    "Content-Length: 0\r\n\r\n");
	ask(r, "GET", "/1", NULL);
	run(r, END_MS);
	for (int i = 0; i < 3; i++)
		ask(r, "GET", "/2", NULL);
	run(r, 1000);
	ok(served <= 2, "the rate is nine tenths of what is allowed");
	rest_del(r);
}

static void
test_queue(void)
{
	struct rest *r = start(60000, 5000);
	struct rest_request q = { "GET", "/u", NULL, "asking", true, on_done,
	    &count };
	static int other;

	reset(NULL);
	for (int i = 0; i < 20; i++)
		ask(r, "GET", "/many", NULL);
	run(r, END_MS);
	is_int((long long)answered, 20, "twenty over four connections");
	reset(NULL);
	rest_bearer(r, NULL);
	ask(r, "GET", "/first", NULL);
	rest_send(r, &q);
	run(r, 300);
	is_int((long long)served, 0, "without a token nothing is sent");
	rest_bearer(r, "other");
	run(r, END_MS);
	is_int((long long)served, 2, "with one it is");
	ok(strstr(seen.data, "Bearer other") != NULL, "with the one in force");
	reset(NULL);
	mute = true;
	q.arg = &other;
	other = count = 0;
	rest_send(r, &q);
	ask(r, "GET", "/x", NULL);
	run(r, 100);
	rest_send(r, &q);
	rest_cancel(r, &other);
	is_int((long long)rest_open(r), 1, "in flight or not: cancelled");
	mute = false;
	run(r, END_MS);
	ok(other == 0 && count == 1 && got.status == 200,
	    "and not called back");
	reset("HTTP/1.1 200 CUT\r\nContent-Length: 10\r\n\r\nabc");
	ask(r, "GET", "/x", NULL);
	run(r, END_MS);
	ok(got.status == 0, "an answer that is cut: %s", got.err.msg);
	ask(r, "GET", "/x", NULL);
	rest_del(r);
	ok(true, "deleted with work left");
}

int
main(void)
{
	struct rest *r;
	struct err e;

	if (http_start(&e) == -1)
		return 1;
	listen_somewhere();
	r = start(60000, 5000);
	test_requests(r);
	test_refusals(r);
	rest_del(r);
	rest_del(NULL);
	test_no_answer();
	test_limits();
	test_queue();
	for (int i = 0; i < CONNS; i++)
		buf_free(&conns[i].in);
	buf_free(&seen);
	http_stop();
	return done();
}
