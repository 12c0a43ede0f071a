#include <limits.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/str.h"

#ifndef GC_VERSION
#define GC_VERSION "unknown"
#endif

#define CONNECT_TIMEOUT_MS 10000L

const char *
http_library(void)
{
	return curl_version();
}

/* --- libcurl's memory ---------------------------------------------------- */

static void
free_wiped(void *p)
{
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* realloc(3) would leave what it moves away from. */
static void *
realloc_wiped(void *p, size_t size)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *moved = malloc(size);

	if (moved == NULL)
		return NULL;
	if (had > 0)
		memcpy(moved, p, had < size ? had : size);
	free_wiped(p);
	return moved;
}

int
http_start(struct err *e)
{
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free_wiped,
	    realloc_wiped, strdup, calloc) != CURLE_OK)
		return err_set(e, GC_EX_OSERR, "can't start libcurl");
	return 0;
}

void
http_stop(void)
{
	curl_global_cleanup();
}

/* --- replies -------------------------------------------------------------- */

static void
forget_headers(struct http_reply *r)
{
	r->retry_after_ms = r->date_ms = r->rate_reset_ms = -1;
	r->rate_count = r->rate_allowed = 0;
	r->correlation_id[0] = '\0';
}

void
http_reply_init(struct http_reply *r)
{
	memset(r, 0, sizeof(*r));
	forget_headers(r);
	buf_init_secret(&r->body, HTTP_BODY_MAX);
}

void
http_reply_free(struct http_reply *r)
{
	buf_wipe(&r->body);
}

int64_t
http_retry_after_ms(const char *value, int64_t wall_ms)
{
	uint64_t seconds;
	int64_t ms;
	time_t date;
	char text[64];
	size_t n;

	value += strspn(value, " \t");
	n = strcspn(value, "\r\n");
	if (n == 0 || n >= sizeof(text))
		return -1;
	memcpy(text, value, n);
	while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	text[n] = '\0';
	if (text[strspn(text, "0123456789")] == '\0') {
		if (str_number(text, HTTP_WAIT_MAX_MS / 1000, &seconds) == -1)
			return HTTP_WAIT_MAX_MS;
		return (int64_t)seconds * 1000;
	}
	if ((date = curl_getdate(text, NULL)) == -1)
		return -1;
	ms = (int64_t)date * 1000 - wall_ms;
	return ms < 0 ? 0 : ms > HTTP_WAIT_MAX_MS ? HTTP_WAIT_MAX_MS : ms;
}

bool
http_is_status(const char *line, size_t len)
{
	return len > 5 && strncasecmp(line, "HTTP/", 5) == 0;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct http_reply *r = arg;

	return buf_add(&r->body, bytes, size * count) == 0 ? size * count : 0;
}

bool
http_header(const char *line, size_t len, const char *name,
    char value[HTTP_VALUE_MAX])
{
	size_t n = strlen(name);

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
		return false;
	for (line += n + 1, len -= n + 1; len > 0 && (*line == ' ' ||
	    *line == '\t'); line++)
		len--;
	while (len > 0 && (unsigned char)line[len - 1] <= ' ')
		len--;
	if (len >= HTTP_VALUE_MAX)
		return false;
	memcpy(value, line, len);
	value[len] = '\0';
	return true;
}

static size_t
on_header(char *line, size_t size, size_t count, void *arg)
{
	struct http_reply *r = arg;
	size_t len = size * count;
	char value[HTTP_VALUE_MAX];
	time_t date;
	uint64_t n;

	/* an interim answer, or a proxy's, says nothing of the next */
	if (http_is_status(line, len))
		forget_headers(r);
	else if (http_header(line, len, "Retry-After", value))
		r->retry_after_ms = http_retry_after_ms(value,
		    clock_wall_ms());
	else if (http_header(line, len, "Date", value) &&
	    (date = curl_getdate(value, NULL)) != -1)
		r->date_ms = (int64_t)date * 1000;
	else if (http_header(line, len, "inin-correlation-id", value))
		snprintf(r->correlation_id, sizeof(r->correlation_id), "%.63s",
		    value);
	else if (http_header(line, len, "inin-ratelimit-reset", value) &&
	    str_number(value, UINT32_MAX, &n) == 0)
		r->rate_reset_ms = (int64_t)n * 1000;
	else if (http_header(line, len, "inin-ratelimit-count", value))
		str_number(value, UINT32_MAX, &r->rate_count);
	else if (http_header(line, len, "inin-ratelimit-allowed", value))
		str_number(value, UINT32_MAX, &r->rate_allowed);
	return len;
}

/* The system's folder and our bundle come on top of the system's bundle,
 * which curl has loaded. */
static CURLcode
on_tls(CURL *easy, void *ctx, void *cacert)
{
	const char *folder = NULL;

	curl_easy_getinfo(easy, CURLINFO_CAPATH, &folder);
	SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
	if (folder != NULL)
		SSL_CTX_load_verify_locations(ctx, NULL, folder);
	return cacert == NULL ||
	    SSL_CTX_load_verify_locations(ctx, cacert, NULL) == 1 ?
	    CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/*
 * libcurl keeps one copy of the trust for all transfers of a multi handle,
 * but only if it is a bundle and no folder: else each connection parses the
 * bundle for itself, a megabyte each.  on_tls names the folder again, of
 * which OpenSSL reads what it needs.
 */
static void
set_trust(CURL *easy, const char *cacert)
{
	const char *bundle = NULL;

	curl_easy_getinfo(easy, CURLINFO_CAINFO, &bundle);
	/* a bundle that is missing is an error to curl, though there may be
	 * the folder, or ours */
	curl_easy_setopt(easy, bundle != NULL && access(bundle, R_OK) == 0 ?
	    CURLOPT_CAPATH : CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, cacert);
}

void
http_prepare(CURL *easy, const char *url, const char *cacert,
    int64_t timeout_ms, struct http_reply *r)
{
	r->status = 0;
	forget_headers(r);
	r->cacert = cacert;
	r->error[0] = '\0';
	buf_reset(&r->body);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* in clear is for this machine alone, never by way of a proxy */
	if (str_starts(url, "http://"))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT,
	    HTTP_AGENT_NAME "/" GC_VERSION);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms < 1 ? 1L :
	    timeout_ms > LONG_MAX ? LONG_MAX : (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, r->error);
	set_trust(easy, cacert);
}

int
http_result(CURLcode result, struct http_reply *r, struct err *e)
{
	const char *why = r->error[0] ? r->error : curl_easy_strerror(result);

	if (result == CURLE_OK)
		return 0;
	if (result == CURLE_SSL_CACERT_BADFILE && r->cacert != NULL)
		return err_set(e, GC_EX_CONFIG, "GC_CACERT: '%s' holds no "
		    "certificates in PEM form", r->cacert);
	if (result == CURLE_WRITE_ERROR)
		why = "the answer is longer than 8 MiB";
	str_mask_userinfo(r->error);
	return err_set(e, result == CURLE_PEER_FAILED_VERIFICATION ?
	    GC_EX_NOPERM : result == CURLE_SSL_CACERT_BADFILE ?
	    GC_EX_CONFIG : GC_EX_UNAVAILABLE, "%s", why);
}
