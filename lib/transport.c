#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/resolve.h"
#include "lib/str.h"
#include "lib/transport.h"

#define URL_MAX 8192
#define READ_AHEAD (64 * 1024)
#define ASK_MS 5000		/* for: is there such a name? */
#define ASK_EVERY_MS 50

struct transport {
	CURLM *multi;
	CURL *easy;
	char *cacert;
	char *name;			/* the host's */
	struct resolve *asking;		/* it was not resolved: is there one? */
	int64_t ask_until_ms;
	bool no_such_name;
	struct pollfd fds[TRANSPORT_POLL_MAX];	/* what curl waits for */
	size_t count;
	int64_t timer_ms;		/* when curl wants to be called */
	bool connected;
	curl_socket_t socket;
	char error[CURL_ERROR_SIZE];
};

static const struct {
	const char *scheme, *port;
	bool tls;
} schemes[] = {
	{ "ws://", ":80", false }, { "wss://", ":443", true },
	{ "http://", ":80", false }, { "https://", ":443", true },
};

void
transport_target_free(struct transport_target *t)
{
	free(t->host);
	free(t->path);
	*t = (struct transport_target){ 0 };
}

int
transport_split(const char *url, struct transport_target *t, struct err *err)
{
	const char *rest = NULL, *port = "";
	struct buf path;
	size_t n;

	*t = (struct transport_target){ 0 };
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_starts(url, schemes[i].scheme)) {
			rest = url + strlen(schemes[i].scheme);
			port = schemes[i].port;
			t->tls = schemes[i].tls;
		}
	n = rest != NULL ? strcspn(rest, "/?#") : 0;
	if (n == 0 || strlen(url) > URL_MAX || strchr(rest, '#') != NULL ||
	    memchr(rest, '@', n) != NULL)
		return err_set(err, GC_EX_CONFIG, "an address must be "
		    "ws://HOST[:PORT]/PATH or wss://…, with no user name and "
		    "no fragment");
	t->host = xstrndup(rest, n);
	if (str_ends(t->host, port))
		t->host[n - strlen(port)] = '\0';
	buf_init(&path, URL_MAX + 1);
	if (rest[n] != '/')
		buf_adds(&path, "/");
	buf_adds(&path, rest + n);
	t->path = buf_take(&path);
	return 0;
}

/* --- curl's callbacks --------------------------------------------------- */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct transport *t = arg;
	size_t i = 0;

	(void)easy, (void)socket_arg;
	while (i < t->count && t->fds[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < t->count)
			t->fds[i] = t->fds[--t->count];
		return 0;
	}
	if (i == TRANSPORT_POLL_MAX)
		return -1;
	if (i == t->count)
		t->count++;
	t->fds[i] = (struct pollfd){ fd,
	    (short)((what & CURL_POLL_IN ? POLLIN : 0) |
	    (what & CURL_POLL_OUT ? POLLOUT : 0)), 0 };
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct transport *t = arg;

	(void)multi;
	t->timer_ms = timeout_ms < 0 ? CLOCK_NEVER :
	    clock_mono_ms() + timeout_ms;
	return 0;
}

static CURLcode
on_tls(CURL *easy, void *ctx, void *arg)
{
	struct transport *t = arg;

	(void)easy;
	/* several records a read of the socket, not two reads a record */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
	/* what would block is tried again from wherever it is by then */
	SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
	    SSL_MODE_ENABLE_PARTIAL_WRITE);
	return t->cacert == NULL || SSL_CTX_load_verify_locations(ctx,
	    t->cacert, NULL) == 1 ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/* --- connecting --------------------------------------------------------- */

static void
configure(struct transport *t, const char *url,
    const struct transport_opts *o)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_URL, url);
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_SSL_ENABLE_ALPN, 0L);
	curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL, 1L);
	/* in clear is for this machine alone, never by way of a proxy */
	if (str_starts(url, "http://"))
		curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)o->connect_timeout_ms);
	if (o->user_agent != NULL)
		curl_easy_setopt(e, CURLOPT_USERAGENT, o->user_agent);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, t);
	/* closing does not wait for a name that is being looked up */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
}

/* Without the port, and an IPv6 address without its brackets. */
static char *
bare_name(const char *host)
{
	if (*host == '[')
		return xstrndup(host + 1, strcspn(host + 1, "]"));
	return xstrndup(host, strcspn(host, ":"));
}

struct transport *
transport_start(const char *url, const struct transport_opts *opts,
    struct err *err)
{
	struct transport_target target;
	struct transport *t;
	struct buf http;

	if (transport_split(url, &target, err) == -1)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->timer_ms = CLOCK_NEVER;
	t->socket = CURL_SOCKET_BAD;
	t->cacert = opts->cacert ? xstrdup(opts->cacert) : NULL;
	t->multi = curl_multi_init();
	t->easy = curl_easy_init();
	buf_init(&http, URL_MAX + 64);
	buf_addf(&http, "http%s://%s/", target.tls ? "s" : "", target.host);
	t->name = bare_name(target.host);
	transport_target_free(&target);
	if (t->multi == NULL || t->easy == NULL) {
		err_set(err, GC_EX_OSERR, "can't start libcurl");
		transport_close(t);
		t = NULL;
	} else {
		configure(t, http.data, opts);
		curl_multi_add_handle(t->multi, t->easy);
	}
	buf_free(&http);
	return t;
}

/* What a connection that failed says, and the exit code it deserves. */
static enum transport_result
failed(struct transport *t, CURLcode result, struct err *err)
{
	const char *why = t->error[0] ? t->error : curl_easy_strerror(result);
	int code = GC_EX_UNAVAILABLE;

	str_mask_userinfo(t->error);
	if (result == CURLE_SSL_CACERT_BADFILE) {
		err_set(err, GC_EX_CONFIG, "'%s' holds no certificate in PEM "
		    "form that can be read", t->cacert);
		return TRANSPORT_FAILED;
	}
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		code = GC_EX_NOPERM;
	else if (result == CURLE_URL_MALFORMAT || t->no_such_name)
		code = GC_EX_CONFIG;
	err_set(err, code, "can't connect: %s", why);
	return TRANSPORT_FAILED;
}

/* libcurl found no address: for want of a name, or of someone to ask? */
static enum transport_result
ask(struct transport *t, struct err *err)
{
	int64_t now = clock_mono_ms();
	enum resolve_answer answer;

	if (t->asking == NULL) {
		t->asking = resolve_start(t->name);
		t->ask_until_ms = now + ASK_MS;
	}
	answer = resolve_answer(t->asking);
	t->timer_ms = now + ASK_EVERY_MS;
	if (answer == RESOLVE_WAIT && now < t->ask_until_ms)
		return TRANSPORT_WANT;
	t->no_such_name = answer == RESOLVE_NONE;
	return failed(t, CURLE_COULDNT_RESOLVE_HOST, err);
}

enum transport_result
transport_step(struct transport *t, struct err *err)
{
	struct pollfd ready[TRANSPORT_POLL_MAX];
	size_t count = t->count;
	CURLMsg *msg;
	int running, left;

	if (t->connected)
		return TRANSPORT_DONE;
	if (t->asking != NULL)
		return ask(t, err);
	memcpy(ready, t->fds, sizeof(ready));
	if (count > 0 && poll(ready, count, 0) > 0)
		for (size_t i = 0; i < count; i++)
			if (ready[i].revents != 0)
				curl_multi_socket_action(t->multi,
				    ready[i].fd,
				    (ready[i].revents & POLLIN ?
				    CURL_CSELECT_IN : 0) |
				    (ready[i].revents & POLLOUT ?
				    CURL_CSELECT_OUT : 0) |
				    (ready[i].revents & (POLLERR | POLLHUP) ?
				    CURL_CSELECT_ERR : 0), &running);
	if (clock_mono_ms() >= t->timer_ms)
		curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0,
		    &running);
	while ((msg = curl_multi_info_read(t->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		if (msg->data.result == CURLE_COULDNT_RESOLVE_HOST)
			return ask(t, err);
		if (msg->data.result != CURLE_OK)
			return failed(t, msg->data.result, err);
		curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &t->socket);
		if (t->socket == CURL_SOCKET_BAD)
			return failed(t, CURLE_COULDNT_CONNECT, err);
		t->connected = true;
		return TRANSPORT_DONE;
	}
	return TRANSPORT_WANT;
}

/* --- waiting ------------------------------------------------------------ */

size_t
transport_interest(struct transport *t, bool want_write, struct pollfd *fds,
    int *timeout_ms)
{
	int64_t now;
	int timer;

	if (t->connected) {
		fds[0] = (struct pollfd){ t->socket,
		    (short)(POLLIN | (want_write ? POLLOUT : 0)), 0 };
		return 1;
	}
	now = clock_mono_ms();
	timer = clock_poll_ms(now, t->timer_ms);
	if (timer >= 0 && (*timeout_ms < 0 || timer < *timeout_ms))
		*timeout_ms = timer;
	memcpy(fds, t->fds, t->count * sizeof(*fds));
	return t->count;
}

int
transport_wait(struct transport *t, bool want_write, struct pollfd *extra,
    size_t count, int timeout_ms)
{
	struct pollfd fds[TRANSPORT_EXTRA_MAX + TRANSPORT_POLL_MAX];
	size_t own = 0;
	int got;

	memcpy(fds, extra, count * sizeof(*fds));
	if (t != NULL)
		own = transport_interest(t, want_write, fds + count,
		    &timeout_ms);
	got = poll(fds, count + own, timeout_ms);
	for (size_t i = 0; i < count; i++)
		extra[i].revents = got > 0 ? fds[i].revents : 0;
	return got;
}

/* --- bytes -------------------------------------------------------------- */

ssize_t
transport_recv(struct transport *t, void *bytes, size_t len, struct err *err)
{
	size_t n = 0;
	CURLcode r = curl_easy_recv(t->easy, bytes, len, &n);

	if (r == CURLE_AGAIN)
		return 0;
	if (r == CURLE_OK && n > 0)
		return (ssize_t)n;
	return err_set(err, GC_EX_UNAVAILABLE, "%s", r == CURLE_OK ?
	    "the server ended the connection" : curl_easy_strerror(r));
}

ssize_t
transport_send(struct transport *t, const void *bytes, size_t len,
    struct err *err)
{
	size_t n = 0;
	CURLcode r = curl_easy_send(t->easy, bytes, len, &n);

	if (r == CURLE_AGAIN)
		return 0;
	if (r == CURLE_OK)
		return (ssize_t)n;
	return err_set(err, GC_EX_UNAVAILABLE, "%s", curl_easy_strerror(r));
}

bool
transport_no_such_name(const struct transport *t)
{
	return t->no_such_name;
}

int
transport_fd(const struct transport *t)
{
	return t->connected ? t->socket : -1;
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
	resolve_free(t->asking);
	free(t->cacert);
	free(t->name);
	free(t);
}
