/* Retry-After in all its forms, and what a transfer's end means. */
#include "lib/clock.h"
#include "lib/http.h"
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
	{ CURLE_SSL_CACERT_BADFILE, GC_EX_NOPERM },
};

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
	curl_global_init(CURL_GLOBAL_DEFAULT);
	test_nobody();
	curl_global_cleanup();
	return done();
}
