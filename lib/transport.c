#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/buf.h"
#include "lib/transport.h"

#define URL_MAX (64 * 1024)
#define KEEPALIVE_S 60L
#define UNKNOWN_WAIT_MS 50	/* where libcurl has nothing to poll for */

struct transport {
	CURLM *multi;
	CURL *easy;
	char *name;		/* host and port, for messages */
	char *cacert;
	bool cacert_bad;
	bool connected;
	int fd;
	char reason[CURL_ERROR_SIZE];
};

/* Addresses. */

static const struct { const char *ours, *curls; } schemes[] = {
	{ "wss://", "https://" }, { "https://", "https://" },
	{ "ws://", "http://" }, { "http://", "http://" }
};

/* The URL as libcurl knows it; NULL if it is none of the schemes. */
static CURLU *
parse(const char *url)
{
	CURLU *u = NULL;
	struct buf text;

	buf_init(&text, URL_MAX);
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i].ours);

		if (strncasecmp(url, schemes[i].ours, n) != 0)
			continue;
		if (buf_adds(&text, schemes[i].curls) == -1 ||
		    buf_adds(&text, url + n) == -1)
			break;
		u = curl_url();
		if (curl_url_set(u, CURLUPART_URL, text.data,
		    CURLU_PATH_AS_IS) != CURLUE_OK) {
			curl_url_cleanup(u);
			u = NULL;
		}
		break;
	}
	buf_wipe(&text);
	return u;
}

static char *
part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, what, &text, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(text);
	curl_free(text);
	return copy;
}

static bool
has(CURLU *u, CURLUPart what)
{
	char *text = part(u, what, 0);

	free(text);
	return text != NULL;
}

static char *
joined(char *a, const char *between, char *b)
{
	struct buf text;

	buf_init(&text, URL_MAX);
	buf_adds(&text, a);
	if (b != NULL && (buf_adds(&text, between) == -1 ||
	    buf_adds(&text, b) == -1))
		buf_reset(&text);
	free(a);
	free(b);
	return buf_take(&text);
}

int
transport_split(const char *url, struct transport_target *target,
    struct err *err)
{
	CURLU *u = parse(url);
	char *scheme, *host;

	*target = (struct transport_target){ 0 };
	if (u == NULL)
		return err_set(err, GC_EX_CONFIG,
		    "the WebSocket's address is no wss or ws URL");
	if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD) ||
	    has(u, CURLUPART_FRAGMENT)) {
		curl_url_cleanup(u);
		return err_set(err, GC_EX_CONFIG, "the WebSocket's address "
		    "holds a user name, a password or a fragment");
	}
	scheme = part(u, CURLUPART_SCHEME, 0);
	target->tls = scheme != NULL && strcmp(scheme, "https") == 0;
	free(scheme);
	host = part(u, CURLUPART_HOST, CURLU_PUNYCODE);
	if (host != NULL && *host != '\0') {
		target->host = joined(host, ":",
		    part(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT));
		host = NULL;
	}
	free(host);
	target->path = part(u, CURLUPART_PATH, 0);
	if (target->path != NULL)
		target->path = joined(target->path, "?",
		    part(u, CURLUPART_QUERY, 0));
	curl_url_cleanup(u);
	if (target->host == NULL || target->path == NULL)
		return err_set(err, GC_EX_CONFIG,
		    "the WebSocket's address names no usable host");
	return 0;
}

void
transport_target_free(struct transport_target *target)
{
	free(target->host);
	if (target->path != NULL)
		freezero(target->path, strlen(target->path));
	*target = (struct transport_target){ 0 };
}

/* Connecting. */

static const struct { CURLcode result; int code; } codes[] = {
	{ CURLE_PEER_FAILED_VERIFICATION, GC_EX_NOPERM },
	{ CURLE_SSL_ISSUER_ERROR, GC_EX_NOPERM },
	{ CURLE_SSL_INVALIDCERTSTATUS, GC_EX_NOPERM },
	{ CURLE_SSL_CACERT_BADFILE, GC_EX_CONFIG },
	{ CURLE_UNSUPPORTED_PROTOCOL, GC_EX_CONFIG },
	{ CURLE_URL_MALFORMAT, GC_EX_CONFIG },
};

static int
explain(struct transport *t, CURLcode result, struct err *err)
{
	int code = GC_EX_UNAVAILABLE;

	if (t->cacert_bad)
		return err_set(err, GC_EX_CONFIG, "%s: cannot be read as a "
		    "bundle of PEM certificates", t->cacert);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].result == result)
			code = codes[i].code;
	return err_set(err, code, "%s: %s", t->name, *t->reason != '\0' ?
	    t->reason : curl_easy_strerror(result));
}

/* libcurl has loaded the system's trust into the context by now. */
static CURLcode
add_trust(CURL *easy, void *ssl_ctx, void *arg)
{
	struct transport *t = arg;
	SSL_CTX *ctx = ssl_ctx;

	(void)easy;
	/* the caller's buffer may move between a send and its repetition */
	SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (t->cacert == NULL ||
	    SSL_CTX_load_verify_locations(ctx, t->cacert, NULL) == 1)
		return CURLE_OK;
	ERR_clear_error();
	t->cacert_bad = true;
	return CURLE_SSL_CACERT_BADFILE;
}

/* Without CURLOPT_NOSIGNAL: libcurl then keeps SIGPIPE off us in each call,
 * and uses no alarm, for its names are resolved in a thread. */
static bool
set_options(struct transport *t, const char *url,
    const struct transport_opts *opts)
{
	CURL *c = t->easy;
	bool good = true;

#define SET(option, value) \
	(good &= curl_easy_setopt(c, (option), (value)) == CURLE_OK)
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_ERRORBUFFER, t->reason);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)opts->connect_timeout_ms);
	/* do not wait for a resolver's thread when given up */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_HTTPPROXYTUNNEL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSL_CTX_DATA, t);
	SET(CURLOPT_SSL_CTX_FUNCTION, add_trust);
	SET(CURLOPT_TCP_NODELAY, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
	SET(CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
	if (opts->user_agent != NULL)
		SET(CURLOPT_USERAGENT, opts->user_agent);
#undef SET
	return good;
}

struct transport *
transport_start(const char *url, const struct transport_opts *opts,
    struct err *err)
{
	struct transport_target target;
	struct transport *t;
	char *base;

	if (transport_split(url, &target, err) == -1) {
		transport_target_free(&target);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->fd = -1;
	t->name = target.host;
	target.host = NULL;
	t->cacert = opts->cacert != NULL ? xstrdup(opts->cacert) : NULL;
	/* the path is not libcurl's concern, and may be a secret */
	base = joined(xstrdup(target.tls ? "https://" : "http://"), "",
	    xstrdup(t->name));
	transport_target_free(&target);
	t->easy = curl_easy_init();
	t->multi = curl_multi_init();
	if (t->easy == NULL || t->multi == NULL ||
	    !set_options(t, base, opts) ||
	    curl_multi_add_handle(t->multi, t->easy) != CURLM_OK) {
		err_set(err, GC_EX_SOFTWARE, "libcurl cannot do what is "
		    "needed (it must be built with OpenSSL)");
		transport_close(t);
		t = NULL;
	}
	free(base);
	return t;
}

enum transport_result
transport_step(struct transport *t, struct err *err)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLMsg *message;
	int running, left;

	if (t->connected)
		return TRANSPORT_DONE;
	if (curl_multi_perform(t->multi, &running) != CURLM_OK) {
		err_set(err, GC_EX_SOFTWARE, "%s: libcurl failed", t->name);
		return TRANSPORT_FAILED;
	}
	message = curl_multi_info_read(t->multi, &left);
	if (message == NULL || message->msg != CURLMSG_DONE)
		return TRANSPORT_WANT;
	if (message->data.result != CURLE_OK) {
		explain(t, message->data.result, err);
		return TRANSPORT_FAILED;
	}
	if (curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd) !=
	    CURLE_OK || fd == CURL_SOCKET_BAD) {
		err_set(err, GC_EX_UNAVAILABLE, "%s: the connection was lost",
		    t->name);
		return TRANSPORT_FAILED;
	}
	t->fd = fd;
	t->connected = true;
	return TRANSPORT_DONE;
}

/* Waiting. */

static void
lower(int *timeout_ms, long to)
{
	if (to >= 0 && (*timeout_ms < 0 || to < *timeout_ms))
		*timeout_ms = (int)to;
}

size_t
transport_interest(struct transport *t, bool want_write, struct pollfd *fds,
    int *timeout_ms)
{
	fd_set in, out, urgent;
	int max = -1;
	long due = -1;
	size_t n = 0;

	if (t->connected) {
		fds[0] = (struct pollfd){ .fd = t->fd,
		    .events = want_write ? POLLIN | POLLOUT : POLLIN };
		return 1;
	}
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&urgent);
	curl_multi_fdset(t->multi, &in, &out, &urgent, &max);
	curl_multi_timeout(t->multi, &due);
	for (int fd = 0; fd <= max && n < TRANSPORT_POLL_MAX; fd++) {
		int events = (FD_ISSET(fd, &in) ? POLLIN : 0) |
		    (FD_ISSET(fd, &out) ? POLLOUT : 0) |
		    (FD_ISSET(fd, &urgent) ? POLLPRI : 0);

		if (events != 0)
			fds[n++] = (struct pollfd){ .fd = fd,
			    .events = (short)events };
	}
	lower(timeout_ms, due);
	if (n == 0)
		lower(timeout_ms, UNKNOWN_WAIT_MS);
	return n;
}

int
transport_wait(struct transport *t, bool want_write, struct pollfd *extra,
    size_t count, int timeout_ms)
{
	struct pollfd fds[TRANSPORT_EXTRA_MAX + TRANSPORT_POLL_MAX];
	size_t n = count;
	int ready;

	if (count > TRANSPORT_EXTRA_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (count > 0)
		memcpy(fds, extra, count * sizeof(*extra));
	if (t != NULL)
		n += transport_interest(t, want_write, fds + count,
		    &timeout_ms);
	ready = poll(fds, n, timeout_ms);
	for (size_t i = 0; i < count; i++)
		extra[i].revents = ready > 0 ? fds[i].revents : 0;
	return ready;
}

/* Bytes. */

ssize_t
transport_recv(struct transport *t, void *bytes, size_t len, struct err *err)
{
	size_t n = 0;
	CURLcode result;

	*t->reason = '\0';
	result = curl_easy_recv(t->easy, bytes, len, &n);
	if (result == CURLE_AGAIN)
		return 0;
	if (result != CURLE_OK)
		return explain(t, result, err);
	if (n == 0)
		return err_set(err, GC_EX_UNAVAILABLE,
		    "%s: the server ended the connection", t->name);
	return (ssize_t)n;
}

ssize_t
transport_send(struct transport *t, const void *bytes, size_t len,
    struct err *err)
{
	size_t n = 0;
	CURLcode result;

	*t->reason = '\0';
	result = curl_easy_send(t->easy, bytes, len, &n);
	if (result == CURLE_AGAIN)
		return 0;
	if (result != CURLE_OK)
		return explain(t, result, err);
	return (ssize_t)n;
}

int
transport_fd(const struct transport *t)
{
	return t->fd;
}

void
transport_close(struct transport *t)
{
	if (t == NULL)
		return;
	if (t->multi != NULL && t->easy != NULL)
		curl_multi_remove_handle(t->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_multi_cleanup(t->multi);
	free(t->name);
	free(t->cacert);
	free(t);
}
