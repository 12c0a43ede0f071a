/* Retry-After in all its forms, and what a transfer's end means. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/transport.h"
#include "tests/tap.h"

#define NOW 784111700000	/* 1994-11-06T08:48:20Z */
#define DATE_MS 77000		/* from then to 08:49:37 */
#define CAP HTTP_WAIT_MAX_MS

static const struct { const char *value; int64_t ms; } cases[] = {
	/* seconds */
	{ "0", 0 }, { "1", 1000 }, { "120", 120000 }, { "007", 7000 },
	{ " 5", 5000 }, { "\t5 \t", 5000 }, { "5\r\n", 5000 },
	{ "86400", CAP }, { "86401", CAP },
	{ "4294967296", CAP }, { "18446744073709551616", CAP },
	{ "99999999999999999999999999999999999999", CAP },
	/* the three dates of RFC 9110 section 5.6.7 */
	{ "Sun, 06 Nov 1994 08:49:37 GMT", DATE_MS },
	{ "Sunday, 06-Nov-94 08:49:37 GMT", DATE_MS },
	{ "Sun Nov  6 08:49:37 1994", DATE_MS },
	{ " Sun, 06 Nov 1994 08:49:37 GMT\r\n", DATE_MS },
	/* past, now, far away */
	{ "Sun, 06 Nov 1994 08:48:20 GMT", 0 },
	{ "Sun, 06 Nov 1994 08:48:19 GMT", 0 },
	{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
	{ "Mon, 07 Nov 1994 08:48:20 GMT", CAP },
	{ "Fri, 31 Dec 2999 23:59:59 GMT", CAP },
	/* nonsense */
	{ "", -1 }, { " ", -1 }, { "\r\n", -1 }, { "soon", -1 },
	{ "-1", -1 }, { "-120", -1 }, { "+5", -1 }, { "1.5", -1 },
	{ "1e3", -1 }, { "5s", -1 }, { "5 seconds", -1 }, { "0x10", -1 },
	{ "1, 2", -1 }, { "Sun, 36 Nov 1994 08:49:37 GMT", -1 },
	{ "Sun, 06 Foo 1994 08:49:37 GMT", -1 },
	{ "Sun, 06 Nov 1994 08:49:37 GMT and a very long tail of other words",
	    -1 },
};

static const struct { CURLcode result; int code; } results[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, GC_EX_UNAVAILABLE },
	{ CURLE_COULDNT_CONNECT, GC_EX_UNAVAILABLE },
	{ CURLE_OPERATION_TIMEDOUT, GC_EX_UNAVAILABLE },
	{ CURLE_SSL_CONNECT_ERROR, GC_EX_UNAVAILABLE },
	{ CURLE_WRITE_ERROR, GC_EX_UNAVAILABLE },
	{ CURLE_PEER_FAILED_VERIFICATION, GC_EX_NOPERM },
	{ CURLE_SSL_CACERT_BADFILE, GC_EX_CONFIG },
};

static const struct { const char *line, *value; } headers[] = {
	{ "X-A: b\r\n", "b" }, { "x-a:b", "b" },
	{ "X-A: \t b c \t\r\n", "b c" },
	{ "X-A:\r\n", "" }, { "X-A", NULL }, { "X-AB: c\r\n", NULL },
	{ "X-A : b\r\n", NULL }, { "", NULL },
};

static void
test_headers(void)
{
	char value[HTTP_VALUE_MAX], line[2 * HTTP_VALUE_MAX];
	const char *want;
	bool found;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		want = headers[i].value;
		found = http_header(headers[i].line, strlen(headers[i].line),
		    "X-A", value);
		ok(found == (want != NULL) &&
		    (want == NULL || strcmp(value, want) == 0), "header '%s'",
		    headers[i].line);
	}
	ok(http_is_status("HTTP/1.1 200 OK\r\n", 17) &&
	    http_is_status("Http/2 503\r\n", 12) &&
	    !http_is_status("HTTP: x\r\n", 9) && !http_is_status("", 0),
	    "where an answer begins, as curl has it");
	memset(line, 'v', sizeof(line));
	memcpy(line, "X-A:", 4);
	ok(http_header(line, HTTP_VALUE_MAX + 3, "X-A", value) &&
	    strlen(value) == HTTP_VALUE_MAX - 1, "the longest");
	ok(!http_header(line, HTTP_VALUE_MAX + 4, "X-A", value),
	    "one that is longer is none");
}

/* Nothing listens at port 9 of a machine that is ours. */
static void
test_nobody(void)
{
	struct http_reply r;
	struct err e;
	CURL *easy = curl_easy_init();

	http_reply_init(&r);
	buf_adds(&r.body, "left over");
	r.retry_after_ms = 7;
	r.status = 503;
	http_prepare(easy, "http://127.0.0.1:9/", NULL, 5000, &r);
	ok(r.status == 0 && r.retry_after_ms == -1 && r.body.len == 0,
	    "nothing of the transfer before is left");
	is_int(http_result(curl_easy_perform(easy), &r, &e), -1,
	    "nobody there");
	ok(e.code == GC_EX_UNAVAILABLE && e.msg[0] != '\0', "69: %s", e.msg);
	http_prepare(easy, "file:///etc/passwd", NULL, 5000, &r);
	is_int(http_result(curl_easy_perform(easy), &r, &e), -1,
	    "and no file is read for an answer");
	is_int((long long)r.body.len, 0, "not a byte of it");
	curl_easy_cleanup(easy);
	http_reply_free(&r);
}

/* What libcurl says of a proxy quotes its password. */
static void
test_password(void)
{
	static const struct transport_opts opts = { NULL, "test", 5000 };
	struct transport *t;
	struct http_reply r;
	struct err e;
	CURL *easy = curl_easy_init();

	setenv("HTTPS_PROXY", "http://u:HUSH@:x", 1);
	http_reply_init(&r);
	http_prepare(easy, "https://127.0.0.1:9/", NULL, 5000, &r);
	is_int(http_result(curl_easy_perform(easy), &r, &e), -1,
	    "a proxy that is none");
	ok(strstr(e.msg, "***@") != NULL && strstr(e.msg, "HUSH") == NULL,
	    "told without its password: %s", e.msg);
	curl_easy_cleanup(easy);
	http_reply_free(&r);
	t = transport_start("wss://127.0.0.1:9/", &opts, &e);
	while (transport_step(t, &e) == TRANSPORT_WANT)
		transport_wait(t, false, NULL, 0, 100);
	ok(strstr(e.msg, "***@") != NULL && strstr(e.msg, "HUSH") == NULL,
	    "nor for the WebSocket: %s", e.msg);
	transport_close(t);
	unsetenv("HTTPS_PROXY");
}

/* Somebody accepts and says nothing: 0 and less do not mean for ever. */
static void
test_timeout(void)
{
	static const int64_t bounds[] = { 0, -1, -99999, INT64_MIN };
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct http_reply r;
	struct err e;
	char url[64];
	CURL *easy;

	http_reply_init(&r);
	if (bind(fd, (struct sockaddr *)&a, len) == -1 ||
	    listen(fd, 9) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		return;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(a.sin_port));
	alarm(60);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		easy = curl_easy_init();
		http_prepare(easy, url, NULL, bounds[i], &r);
		is_int(http_result(curl_easy_perform(easy), &r, &e), -1,
		    "no time left is no time");
		curl_easy_cleanup(easy);
	}
	http_reply_free(&r);
	close(fd);
}

/* A server for one request, at url: it says that. */
static pid_t
say_once(const char *answer, char url[64])
{
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), conn;
	char sink[4096];
	pid_t pid;

	if (bind(fd, (struct sockaddr *)&a, len) == -1 ||
	    listen(fd, 9) == -1 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) == -1)
		return -1;
	snprintf(url, 64, "http://127.0.0.1:%d/", ntohs(a.sin_port));
	if ((pid = fork()) == 0) {
		alarm(60);
		conn = accept(fd, NULL, NULL);
		if (read(conn, sink, sizeof(sink)) > 0 &&
		    write(conn, answer, strlen(answer)) == -1)
			_exit(1);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void
get(const char *answer, struct http_reply *r)
{
	CURL *easy = curl_easy_init();
	char url[64];
	struct err e;
	pid_t pid = say_once(answer, url);

	http_prepare(easy, url, NULL, 30000, r);
	is_int(http_result(curl_easy_perform(easy), r, &e), 0, "an answer");
	curl_easy_cleanup(easy);
	waitpid(pid, NULL, 0);
}

static void
test_reply(void)
{
	struct http_reply r;

	http_reply_init(&r);
	get("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	    "ININ-Correlation-Id:  c-9 \r\nRetry-After: 7\r\n"
	    "inin-ratelimit-count: 9\r\ninin-ratelimit-allowed: 10\r\n"
	    "inin-ratelimit-reset: 3\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n{}", &r);
	is_str(r.body.data, "{}", "its body");
	is_str(r.correlation_id, "c-9", "the correlation id");
	ok(r.rate_count == 9 && r.rate_allowed == 10 &&
	    r.rate_reset_ms == 3000, "what the server allows");
	is_int(r.retry_after_ms, 7000, "when to come again");
	is_int(r.date_ms, NOW + DATE_MS, "its clock");
	get("HTTP/1.1 204 No\r\ninin-ratelimit-count: many\r\n\r\n", &r);
	ok(r.correlation_id[0] == '\0' && r.rate_count == 0 &&
	    r.rate_allowed == 0 && r.rate_reset_ms == -1 &&
	    r.retry_after_ms == -1 && r.date_ms == -1,
	    "what is not told is not kept from the one before");
	http_reply_free(&r);
}

static void
test_interim(void)
{
	struct http_reply r;

	http_reply_init(&r);
	get("HTTP/1.1 103 Early\r\nRetry-After: 7\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "inin-correlation-id: c-9\r\ninin-ratelimit-count: 9\r\n"
	    "inin-ratelimit-allowed: 9\r\ninin-ratelimit-reset: 9\r\n\r\n"
	    "HTTP/1.1 503 Busy\r\ninin-ratelimit-count: 9 or so\r\n"
	    "Content-Length: 0\r\n\r\n", &r);
	ok(r.correlation_id[0] == '\0' && r.retry_after_ms == -1 &&
	    r.date_ms == -1 && r.rate_count == 0 && r.rate_allowed == 0 &&
	    r.rate_reset_ms == -1, "an interim answer says nothing of it");
	http_reply_free(&r);
}

/* The bundle: named, in the words of who sets it. */
static void
test_bundle(void)
{
	struct http_reply r;
	struct err e;

	http_reply_init(&r);
	r.cacert = "/x.pem";
	snprintf(r.error, sizeof(r.error), "error signaled by ssl ctx");
	http_result(CURLE_SSL_CACERT_BADFILE, &r, &e);
	ok(e.code == GC_EX_CONFIG && strstr(e.msg, "GC_CACERT") != NULL &&
	    strstr(e.msg, "'/x.pem'") != NULL, "78: %s", e.msg);
	http_reply_free(&r);
}

int
main(void)
{
	struct http_reply r;
	struct err e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_int(http_retry_after_ms(cases[i].value, NOW), cases[i].ms,
		    cases[i].value);
	http_reply_init(&r);
	is_int(r.retry_after_ms, -1, "no Retry-After at first");
	is_int(http_result(CURLE_OK, &r, &e), 0, "an answer");
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		e.code = 0;
		ok(http_result(results[i].result, &r, &e) == -1 &&
		    e.code == results[i].code && e.msg[0] != '\0', "%d: %s",
		    results[i].code, e.msg);
	}
	http_reply_free(&r);
	if (http_start(&e) == -1)
		return 1;
	test_headers();
	test_nobody();
	test_password();
	test_timeout();
	test_reply();
	test_bundle();
	test_interim();
	http_stop();
	return done();
}
