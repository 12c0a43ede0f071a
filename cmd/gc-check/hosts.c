/* Names, proxy, certificates, clock: of each host that is spoken to. */
#include <curl/curl.h>
#include <inttypes.h>
#include <netdb.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-check/check.h"
#include "lib/clock.h"
#include "lib/die.h"
#include "lib/http.h"
#include "lib/str.h"

#define SKEW_MAX_MS 120000	/* a token's life is judged by the minute */

/* --- settings ----------------------------------------------------------- */

static void
add_probe(struct check *c, const char *use, const char *url)
{
	struct probe *p = &c->probes[c->probe_count];
	const char *host = strstr(url, "://");
	size_t scheme, len;

	if (host == NULL)
		return;
	scheme = (size_t)(host - url);
	host += 3;
	len = strcspn(host, "/?#");
	*p = (struct probe){ .use = use, .date_ms = -1 };
	p->tls = str_starts(url, "https") || str_starts(url, "wss");
	p->url = xmalloc(len + 16);
	snprintf(p->url, len + 16, "%s://%.*s", p->tls ? "https" : "http",
	    (int)len, host);
	p->host = *host == '[' ? xstrndup(host + 1, strcspn(host + 1, "]")) :
	    xstrndup(host, strcspn(host, ":/?#") < len ? strcspn(host,
	    ":/?#") : len);
	(void)scheme;
	/* one host is looked at once */
	for (size_t i = 0; i < c->probe_count; i++)
		if (strcmp(c->probes[i].url, p->url) == 0) {
			free(p->url);
			free(p->host);
			return;
		}
	c->probe_count++;
}

void
probes_free(struct check *c)
{
	for (size_t i = 0; i < c->probe_count; i++) {
		free(c->probes[i].url);
		free(c->probes[i].host);
	}
}

void
check_settings(struct check *c, struct finding *f)
{
	struct err e;

	if (config_load(&c->config, CONFIG_API | CONFIG_WS, &e) == -1) {
		check_failed(f, e.code, "%s", e.msg);
		check_advise(f, "see gc-config(5)");
		return;
	}
	add_probe(c, "API", c->config.api_url);
	if (!c->config.channels)
		add_probe(c, "notifications", c->config.ws_url);
	check_ok(f, "profile %s, protocol %s, %s", c->config.profile,
	    c->config.channels ? "channels" : "events",
	    c->config.domain != NULL ? c->config.domain : c->probes[0].host);
}

/* --- one request -------------------------------------------------------- */

/* The proxy that libcurl would take, by its own variables; "": none. */
static const char *
proxy_setting(const struct probe *p)
{
	static const char *const https[] = { "https_proxy", "HTTPS_PROXY",
	    "all_proxy", "ALL_PROXY", NULL };
	static const char *const http[] = { "http_proxy", "all_proxy",
	    "ALL_PROXY", NULL };
	const char *const *name = p->tls ? https : http;

	for (; *name != NULL; name++)
		if (getenv(*name) != NULL && *getenv(*name) != '\0')
			return *name;
	return "";
}

/* Which hosts that exempts is libcurl's to say. */
static bool
has_exemptions(void)
{
	const char *small = getenv("no_proxy"), *big = getenv("NO_PROXY");

	return (small != NULL && *small != '\0') ||
	    (big != NULL && *big != '\0');
}

/* Was the proxy that is set used?  Where that is not known: it may have. */
static bool
was_proxied(const struct probe *p)
{
	return *proxy_setting(p) != '\0' && (p->by_proxy || !p->tls ||
	    p->err.code != 0);
}

/* Any answer is one: what is looked at is the way there. */
static void
ask(struct probe *p, const struct check *c)
{
	CURL *easy = curl_easy_init();
	struct http_reply reply;
	CURLcode result;
	long proxied = 0;

	if (easy == NULL)
		return;
	http_reply_init(&reply);
	http_prepare(easy, p->url, c->config.cacert, c->timeout_ms, &reply);
	check_stoppable(easy);
	curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	result = curl_easy_perform(easy);
	p->local_ms = clock_wall_ms();
	p->asked = true;
	if (http_result(result, &reply, &p->err) == 0)
		p->err.code = 0;
	p->date_ms = reply.date_ms;
	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &p->verify);
	curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxied);
	p->by_proxy = proxied != 0 || result == CURLE_COULDNT_RESOLVE_PROXY;
	curl_easy_cleanup(easy);
	http_reply_free(&reply);
}

/* --- names -------------------------------------------------------------- */

void
check_names(struct check *c, struct finding *f)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char text[NI_MAXHOST] = "";
	const struct probe *p = &c->probes[0];
	int wrong;

	for (size_t i = 0; i < c->probe_count; i++) {
		p = &c->probes[i];
		wrong = EAI_NONAME;
		if (*proxy_setting(p) == '\0' || has_exemptions())
			wrong = getaddrinfo(p->host, NULL, &hints, &found);
		if (wrong != 0 && *proxy_setting(p) != '\0') {
			check_skip(f, "the proxy looks up %s", p->host);
			continue;
		}
		if (wrong == EAI_NONAME) {
			check_failed(f, GC_EX_CONFIG, "there is no host %s",
			    p->host);
			check_advise(f, "look at GC_REGION, GC_SUBDOMAIN or "
			    "the address that is set");
			return;
		}
		if (wrong != 0) {
			check_failed(f, GC_EX_UNAVAILABLE, "%s cannot be "
			    "looked up: %s", p->host, gai_strerror(wrong));
			check_advise(f, "no name server answers: look at "
			    "/etc/resolv.conf and the network");
			return;
		}
		getnameinfo(found->ai_addr, found->ai_addrlen, text,
		    sizeof(text), NULL, 0, NI_NUMERICHOST);
		freeaddrinfo(found);
		check_ok(f, "%s is %s", p->host, text);
	}
}

/* --- the way there ------------------------------------------------------ */

/* The first request to each host; later steps look at what came. */
void
check_proxy(struct check *c, struct finding *f)
{
	const char *setting = "";

	for (size_t i = 0; i < c->probe_count; i++) {
		struct probe *p = &c->probes[i];

		ask(p, c);
		if (was_proxied(p))
			setting = proxy_setting(p);
		/* a certificate that does not verify was reached */
		if (p->err.code == 0 || p->err.code == GC_EX_NOPERM)
			continue;
		check_failed(f, p->err.code, "%s", p->err.msg);
		if (*setting != '\0')
			check_advise(f, "the way leads over the proxy of %s: "
			    "is it right, and does it let you through to %s? "
			    "NO_PROXY names what needs none", setting,
			    p->host);
		else
			check_advise(f, "does a firewall stand between, or is "
			    "a proxy needed (HTTPS_PROXY)?");
		return;
	}
	if (*setting != '\0')
		check_ok(f, "by the proxy of %s", setting);
	else
		check_ok(f, "reached without a proxy");
}

static void
advise_on_chain(struct finding *f, const struct check *c, long verify)
{
	if (verify == X509_V_ERR_CERT_HAS_EXPIRED)
		check_advise(f, "the certificate has expired, or this "
		    "machine's clock is ahead: see date(1)");
	else if (verify == X509_V_ERR_CERT_NOT_YET_VALID)
		check_advise(f, "this machine's clock is behind, or the "
		    "certificate is new: see date(1)");
	else if (verify == X509_V_OK)
		check_advise(f, "the certificate is another host's: is the "
		    "address right?");
	else
		check_advise(f, "where a proxy or firewall of yours opens TLS, "
		    "put its CA's PEM into %s; verification cannot be "
		    "switched off", c->config.cacert != NULL ?
		    "the file of GC_CACERT" : "a file and name it in "
		    "GC_CACERT");
}

void
check_tls(struct check *c, struct finding *f)
{
	bool any = false;

	for (size_t i = 0; i < c->probe_count; i++) {
		const struct probe *p = &c->probes[i];

		any = any || p->tls;
		if (!p->tls || p->err.code != GC_EX_NOPERM)
			continue;
		check_failed(f, GC_EX_NOPERM, "%s", p->err.msg);
		advise_on_chain(f, c, p->verify);
		return;
	}
	if (any)
		check_ok(f, "the certificates verify%s",
		    c->config.cacert != NULL ? ", with GC_CACERT" : "");
	else
		check_skip(f, "there is no TLS to this address");
}

void
check_clock(struct check *c, struct finding *f)
{
	int64_t skew;

	for (size_t i = 0; i < c->probe_count; i++) {
		const struct probe *p = &c->probes[i];

		if (p->date_ms == -1)
			continue;
		skew = p->local_ms - p->date_ms;
		if (skew > SKEW_MAX_MS || skew < -SKEW_MAX_MS) {
			check_failed(f, GC_EX_CONFIG, "this machine's clock is "
			    "%" PRId64 " s %s that of %s", (skew < 0 ? -skew :
			    skew) / 1000, skew < 0 ? "behind" : "ahead of",
			    p->host);
			check_advise(f, "set it: run an NTP client; tokens "
			    "and timestamps are judged by it");
			return;
		}
		check_ok(f, "within %" PRId64 " s of %s", (skew < 0 ? -skew :
		    skew) / 1000 + 1, p->host);
		return;
	}
	check_skip(f, "no host told its time");
}
