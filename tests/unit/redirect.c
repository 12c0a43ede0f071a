/* Where the browser comes back to: addresses, requests, and the page. */
#include <stdlib.h>

#include "lib/redirect.h"
#include "tests/tap.h"

#define PATH100 "/0123456789/0123456789/0123456789/0123456789/012345678" \
    "9/0123456789/0123456789/0123456789/0123456789/"

/* port 0: refused, and why */
static const struct { const char *uri; int port; const char *path; } uris[] = {
	{ "http://localhost:8085/", 8085, "/" },
	{ "http://localhost:8085", 8085, "/" },
	{ "HTTP://LocalHost:1/a/b", 1, "/a/b" },
	{ "http://127.0.0.1:65535/x%20y", 65535, "/x%20y" },
	{ "http://localhost/", 80, "/" }, { "http://127.0.0.1", 80, "/" },
	{ "https://localhost:8085/", 0, "begin with http://" },
	{ "localhost:8085", 0, "begin with http://" },
	{ "", 0, "begin with http://" },
	{ "http://", 0, "localhost" },
	{ "http://example.com:8085/", 0, "localhost" },
	{ "http://localhost.example.com/", 0, "localhost" },
	{ "http://127.0.0.1.example.com/", 0, "localhost" },
	{ "http://127.0.0.10/", 0, "localhost" },
	{ "http://0.0.0.0:8085/", 0, "localhost" },
	{ "http://[::1]:8085/", 0, "localhost" },
	{ "http://localhost@example.com/", 0, "nothing but" },
	{ "http://localhost:8085/?a=b", 0, "nothing but" },
	{ "http://localhost:8085/#a", 0, "nothing but" },
	{ "http://localhost:8085/a b", 0, "nothing but" },
	{ "http://localhost:8085/\xc3\xa9", 0, "nothing but" },
	{ "http://localhost:0/", 0, "port" },
	{ "http://localhost:65536/", 0, "port" },
	{ "http://localhost:/", 0, "port" },
	{ "http://localhost:8o85/", 0, "port" },
	{ "http://localhost:808508/", 0, "port" },
	{ "http://localhost:-1/", 0, "port" },
	{ "http://localhost:1" PATH100 PATH100 PATH100, 0, "too long" },
};

#define GET(target) "GET " target " HTTP/1.1\r\nHost: localhost:8085\r\n\r\n"
#define A REDIRECT_ANSWER
#define B REDIRECT_BAD
#define M REDIRECT_MORE
#define E REDIRECT_ELSEWHERE

static const struct {
	const char *bytes;
	enum redirect_result want;
	const char *code, *state, *error, *description;
} requests[] = {
	{ GET("/?code=abc&state=xyz"), A, "abc", "xyz", "", "" },
	{ GET("/?state=xyz&code=a%2Bb%3D+c"), A, "a+b= c", "xyz", "", "" },
	{ GET("/?code=abc"), A, "abc", "", "", "" },
	{ GET("/?code=abc&state="), A, "abc", "", "", "" },
	{ GET("/?&code=abc&&more=%zz&codes=1&code2&x=y=z&"), A, "abc", "",
	    "", "" },
	{ GET("/?code=a=b"), A, "a=b", "", "", "" },
	{ GET("/?error=access_denied&state=s&error_description="
	    "The+user+said+%3Cno%3E"), A, "", "s", "access_denied",
	    "The user said <no>" },
	{ GET("/?error=access_denied"), A, "", "", "access_denied", "" },
	{ "GET /?code=abc HTTP/1.0\r\n\r\n", A, "abc", "", "", "" },
	{ "GET /?code=abc HTTP/1.1\n\n", A, "abc", "", "", "" },
	{ GET("/?code=abc") "GET /?code=d HTTP/1.1\r\n\r\n", A, "abc", "",
	    "", "" },
	/* not ended */
	{ "", M, "", "", "", "" },
	{ "GET /?code=abc", M, "", "", "", "" },
	{ "GET /?code=abc HTTP/1.1\r\n", M, "", "", "", "" },
	{ "GET /?code=abc HTTP/1.1\r\nHost: x\r\n", M, "", "", "", "" },
	{ "\r\n", M, "", "", "", "" },
	/* another path */
	{ GET("/favicon.ico"), E, "", "", "", "" },
	{ GET("/x?code=abc"), E, "", "", "", "" },
	{ GET("//?code=abc"), E, "", "", "", "" },
	{ GET("/%2F?code=abc"), E, "", "", "", "" },
	/* nonsense, and what could be a trick */
	{ GET("/"), B, "", "", "", "" },
	{ GET("/?"), B, "", "", "", "" },
	{ GET("/?state=xyz"), B, "", "", "", "" },
	{ GET("/?code="), B, "", "", "", "" },
	{ GET("/?code"), B, "", "", "", "" },
	{ GET("/?Code=abc"), B, "", "", "", "" },
	{ GET("/?code=a&code=b"), B, "", "", "", "" },
	{ GET("/?code=a&state=b&state=b"), B, "", "", "", "" },
	{ GET("/?code=a&error=b"), B, "", "", "", "" },
	{ GET("/?code=%"), B, "", "", "", "" },
	{ GET("/?code=a%00b"), B, "", "", "", "" },
	{ GET("/?code=a#b"), B, "", "", "", "" },
	{ GET("/?code=a b"), B, "", "", "", "" },
	{ GET("/?code=\xff"), B, "", "", "", "" },
	{ GET("http://localhost:8085/?code=abc"), B, "", "", "", "" },
	{ GET("*"), B, "", "", "", "" },
	{ "POST /?code=abc HTTP/1.1\r\n\r\n", B, "", "", "", "" },
	{ "HEAD /?code=abc HTTP/1.1\r\n\r\n", B, "", "", "", "" },
	{ "get /?code=abc HTTP/1.1\r\n\r\n", B, "", "", "", "" },
	{ "GET  /?code=abc HTTP/1.1\r\n\r\n", B, "", "", "", "" },
	{ "GET /?code=abc HTTP/2.0\r\n\r\n", B, "", "", "", "" },
	{ "GET /?code=abc HTTP/1.2\r\n\r\n", B, "", "", "", "" },
	{ "GET /?code=abc HTTP/1.1 \r\n\r\n", B, "", "", "", "" },
	{ "GET /?code=abc\r\n\r\n", B, "", "", "", "" },
	{ "GET / HTTP/1.\r\n\r\n", B, "", "", "", "" },
	{ "GET /\r\n\r\n", B, "", "", "", "" },
	{ "\r\n\r\n", B, "", "", "", "" },
	{ "\n\n", B, "", "", "", "" },
	{ "\x16\x03\x01\x02\n\n", B, "", "", "", "" },
};

static void
test_uris(void)
{
	struct redirect_uri u;
	struct err e;

	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
		int status = redirect_parse(&u, uris[i].uri, &e);

		ok(uris[i].port != 0 ? status == 0 &&
		    u.port == uris[i].port &&
		    strcmp(u.path, uris[i].path) == 0 : status == -1 &&
		    e.code == GC_EX_USAGE && strstr(e.msg, uris[i].path),
		    "'%.60s': %s", uris[i].uri, status == 0 ? u.path :
		    e.msg);
	}
}

/* Each in memory of its own length, so that a reader past its end is seen. */
static enum redirect_result
read_copy(struct redirect *r, const char *bytes, size_t len)
{
	static const struct redirect_uri u = { 8085, "/" };
	char *copy = malloc(len > 0 ? len : 1);
	enum redirect_result result;

	memcpy(copy, bytes, len);
	result = redirect_read(r, &u, copy, len);
	free(copy);
	return result;
}

static void
test_requests(void)
{
	struct redirect r;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		enum redirect_result got = read_copy(&r, requests[i].bytes,
		    strlen(requests[i].bytes));

		ok(got == requests[i].want &&
		    strcmp(r.code, requests[i].code) == 0 &&
		    strcmp(r.state, requests[i].state) == 0 &&
		    strcmp(r.error, requests[i].error) == 0 &&
		    strcmp(r.description, requests[i].description) == 0,
		    "row %zu, '%.30s': %d", i, requests[i].bytes, (int)got);
	}
}

/* Cut anywhere, it has not ended; with a byte more than may be, it never
 * does. */
static void
test_lengths(void)
{
	static const char whole[] = GET("/?code=abc&state=xyz");
	static char longest[REDIRECT_HEAD_MAX + 1] = "GET /?code=";
	struct redirect r;
	int wrong = 0;

	for (size_t n = 0; n + 1 < sizeof(whole); n++)
		wrong += read_copy(&r, whole, n) != REDIRECT_MORE;
	is_int(wrong, 0, "cut anywhere: not ended");
	is_int(read_copy(&r, "GET /?code=\0 HTTP/1.1\r\n\r\n", 26),
	    REDIRECT_BAD, "a NUL");
	memset(longest + 11, 'a', sizeof(longest) - 11);
	is_int(read_copy(&r, longest, REDIRECT_HEAD_MAX - 1), REDIRECT_MORE,
	    "a byte short of the limit");
	is_int(read_copy(&r, longest, REDIRECT_HEAD_MAX), REDIRECT_LONG,
	    "the limit");
	is_int(read_copy(&r, longest, sizeof(longest)), REDIRECT_LONG,
	    "above it");
	memcpy(longest + 11 + sizeof(r.code) - 1, " HTTP/1.1\r\n\r\n", 13);
	is_int(read_copy(&r, longest, 11 + sizeof(r.code) + 12),
	    REDIRECT_ANSWER, "the longest code");
	is_int((long long)strlen(r.code), sizeof(r.code) - 1, "whole");
	memcpy(longest + 11 + sizeof(r.code), " HTTP/1.1\r\n\r\n", 13);
	longest[10 + sizeof(r.code)] = 'a';
	is_int(read_copy(&r, longest, 11 + sizeof(r.code) + 13),
	    REDIRECT_BAD, "a longer one");
	is_str(r.code, "", "of which nothing is kept");
}

static void
test_page(void)
{
	static char longest[100000];
	const char *body;
	struct buf page;
	char length[64];

	buf_init(&page, 2 * REDIRECT_PAGE_MAX);
	redirect_page(&page, 200, "Hello", "<script>&\"'\x1b\x7f\xc2\x9b\xff "
	    "caf\xc3\xa9");
	body = strstr(page.data, "\r\n\r\n");
	if (!ok(body != NULL, "a head and a body"))
		return;
	body += 4;
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n",
	    strlen(body));
	ok(strstr(page.data, length) != NULL, "of the length told");
	ok(strncmp(page.data, "HTTP/1.1 200 OK\r\n", 17) == 0, "its status");
	ok(strstr(page.data, "Connection: close\r\n") != NULL &&
	    strstr(page.data, "Cache-Control: no-store\r\n") != NULL &&
	    strstr(page.data, "Referrer-Policy: no-referrer\r\n") != NULL,
	    "nobody keeps it");
	ok(strstr(body, "<p>&#60;script&#62;&#38;&#34;&#39;???? "
	    "caf\xc3\xa9</p>") != NULL, "text is text");
	ok(strstr(body, "<h1>Hello</h1>") != NULL, "the heading");
	buf_reset(&page);
	redirect_page(&page, 431, "", "");
	ok(strncmp(page.data, "HTTP/1.1 431 Request", 20) == 0, "another");
	memset(longest, '<', sizeof(longest) - 1);
	buf_reset(&page);
	redirect_page(&page, 404, longest, longest);
	body = strstr(page.data, "\r\n\r\n") + 4;
	ok(strlen(body) <= REDIRECT_PAGE_MAX, "a text without end is cut");
	buf_free(&page);
}

int
main(void)
{
	test_uris();
	test_requests();
	test_lengths();
	test_page();
	return done();
}
