/*
 * Any bytes as an HTTP server's answer, by way of libcurl: to one request as
 * lib/http has them, and to one of lib/rest.  Both read the same, and what an
 * interim answer says before it changes nothing.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <curl/curl.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/* Here the transfers of lib/rest get their socket. */
static CURLMcode add_handle(CURLM *multi, CURL *easy);
#define curl_multi_add_handle add_handle
#include "lib/rest.c"
#undef curl_multi_add_handle

#define ANSWER_MAX (64 << 10)
#define STEPS_MAX 100000

static const char interim[] = "HTTP/1.1 103 Early Hints\r\nRetry-After: 7\r\n"
    "Date: Sat, 15 Jun 2024 14:32:10 GMT\r\ninin-ratelimit-count: 7\r\n"
    "inin-ratelimit-allowed: 7\r\ninin-ratelimit-reset: 7\r\n\r\n";

static struct {
	int listener, fd;	/* fd: of the one connection, or -1 */
	struct sockaddr_un address;
	socklen_t len;
	struct buf answer;
} server = { .fd = -1 };

/* Wherever curl wants to go. */
static curl_socket_t
open_socket(void *arg, curlsocktype type, struct curl_sockaddr *address)
{
	(void)arg, (void)type;
	memcpy(&address->addr, &server.address, server.len);
	address->addrlen = server.len;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static CURLMcode
add_handle(CURLM *multi, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	return curl_multi_add_handle(multi, easy);
}

static void
server_start(void)
{
	server.address.sun_family = AF_UNIX;
	server.len = sizeof(server.address);
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	/* without a name it is given one */
	require(bind(server.listener, (struct sockaddr *)&server.address,
	    sizeof(sa_family_t)) == 0 && listen(server.listener, 8) == 0 &&
	    getsockname(server.listener, (struct sockaddr *)&server.address,
	    &server.len) == 0);
	buf_init(&server.answer, 2 * ANSWER_MAX);
}

/* The next to connect gets the answer, all at once. */
static void
serve(void)
{
	if (server.fd != -1 ||
	    (server.fd = accept(server.listener, NULL, NULL)) == -1)
		return;
	require(write(server.fd, server.answer.data, server.answer.len) ==
	    (ssize_t)server.answer.len && shutdown(server.fd, SHUT_WR) == 0);
}

static void
hang_up(void)
{
	if (server.fd != -1)
		close(server.fd);
	server.fd = -1;
}

/* As the requests of lib/http are; false if no answer came. */
static bool
ask(struct http_reply *reply, const char *before, const uint8_t *data,
    size_t size)
{
	CURL *easy = curl_easy_init();
	CURLM *multi = curl_multi_init();
	struct err e = { 0 };
	CURLMsg *done;
	int running, left;
	bool came;

	buf_reset(&server.answer);
	buf_adds(&server.answer, before);
	buf_add(&server.answer, data, size);
	http_reply_init(reply);
	http_prepare(easy, "http://127.0.0.1/", NULL, 10000, reply);
	add_handle(multi, easy);
	do {
		curl_multi_perform(multi, &running);
		serve();
	} while (running > 0);
	done = curl_multi_info_read(multi, &left);
	came = http_result(done->data.result, reply, &e) == 0;
	require(came || (e.code != 0 && e.msg[0] != '\0'));
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply->status);
	require(reply->retry_after_ms >= -1 &&
	    reply->retry_after_ms <= HTTP_WAIT_MAX_MS);
	curl_multi_remove_handle(multi, easy);
	curl_easy_cleanup(easy);
	curl_multi_cleanup(multi);
	hang_up();
	return came;
}

static void
same(const struct http_reply *a, const struct http_reply *b)
{
	int64_t apart = a->retry_after_ms - b->retry_after_ms;

	/* a date is as far away as the clock says */
	require(a->status == b->status && a->body.len == b->body.len &&
	    apart > -3000 && apart < 3000 && a->date_ms == b->date_ms &&
	    a->rate_count == b->rate_count &&
	    a->rate_allowed == b->rate_allowed &&
	    a->rate_reset_ms == b->rate_reset_ms);
	require(a->body.len == 0 ||
	    memcmp(a->body.data, b->body.data, a->body.len) == 0);
}

/* What lib/rest told. */
struct told {
	const struct http_reply *reply;	/* NULL: none came */
	int times;
};

static void
on_answer(void *arg, const struct rest_answer *a)
{
	struct told *told = arg;
	bool good = a->status >= 200 && a->status <= 299;

	told->times++;
	require(good == (a->err.code == 0) && a->body[a->len] == '\0' &&
	    (good || a->err.msg[0] != '\0'));
	require((told->reply != NULL) == (a->status != 0));
	require(told->reply == NULL || (told->reply->status == a->status &&
	    told->reply->body.len == a->len));
}

static void
ask_rest(const struct http_reply *reply, const uint8_t *data, size_t size)
{
	const struct rest_opts opts = { "http://127.0.0.1", NULL, 1, 300,
	    10000 };
	struct told told = { reply, 0 };
	const struct rest_request request = { "GET", "/x", NULL, "asking",
	    true, on_answer, &told };
	struct err e;
	struct rest *r = rest_new(&opts, 0, &e);

	buf_reset(&server.answer);
	buf_add(&server.answer, data, size);
	rest_bearer(r, "t");
	rest_send(r, &request);
	for (int64_t now_ms = 0; rest_open(r) > 0; now_ms++) {
		require(now_ms < STEPS_MAX);
		rest_step(r, now_ms);
		serve();
	}
	require(told.times == 1);
	rest_del(r);
	hang_up();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_reply plain, hinted;
	bool came;

	if (size > ANSWER_MAX)
		return 0;
	if (server.len == 0)
		server_start();
	came = ask(&plain, "", data, size);
	if (ask(&hinted, interim, data, size) && came &&
	    plain.status >= 200)
		same(&plain, &hinted);
	ask_rest(came && plain.status != 0 ? &plain : NULL, data, size);
	http_reply_free(&plain);
	http_reply_free(&hinted);
	return 0;
}
