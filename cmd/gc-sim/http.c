/* libmicrohttpd: the login host, the upgrade, REST.  A thread a connection,
 * so that a slow answer holds up nobody else. */
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/evp.h>
#include <time.h>
#include <unistd.h>

#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/str.h"

#define BODY_MAX 4096		/* of a request */
#define ANSWER_MAX (1 << 20)
#define STATE_PATH "/api/v2/routing/users/"
#define DEFAULT_LIFE_S 3600

/* One request; made when its head has come. */
struct request {
	struct buf body;
};

/* An answer that is being made. */
struct answer {
	int status;
	struct buf body;
	int retry_after_s;	/* -1: none */
};

static enum MHD_Result
reply(struct MHD_Connection *c, struct answer *a)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(a->body.len,
	    a->body.data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;
	char text[16];

	MHD_add_response_header(r, "Content-Type", "application/json");
	if (a->retry_after_s >= 0) {
		snprintf(text, sizeof(text), "%d", a->retry_after_s);
		MHD_add_response_header(r, "Retry-After", text);
	}
	result = MHD_queue_response(c, (unsigned)a->status, r);
	MHD_destroy_response(r);
	buf_free(&a->body);
	return result;
}

static void
refuse(struct answer *a, int status, const char *code, const char *message)
{
	a->status = status;
	buf_addf(&a->body, "{\"message\":\"%s\",\"code\":\"%s\","
	    "\"status\":%d}", message, code, status);
}

/* --- login -------------------------------------------------------------- */

static bool
is_client(struct sim *s, struct MHD_Connection *c)
{
	const char *given = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Authorization");
	char pair[256];
	unsigned char want[400] = "Basic ";

	snprintf(pair, sizeof(pair), "%s:%s", s->client_id, s->client_secret);
	EVP_EncodeBlock(want + 6, (const unsigned char *)pair,
	    (int)strlen(pair));
	return given != NULL && strcmp(given, (const char *)want) == 0;
}

static void
login(struct sim *s, struct MHD_Connection *c, const char *body,
    struct answer *a)
{
	double life_s = s->faults.token_life_s > 0 ? s->faults.token_life_s :
	    DEFAULT_LIFE_S;
	struct sim_token *t;

	if (strstr(body, "grant_type=client_credentials") == NULL) {
		a->status = 400;
		buf_adds(&a->body, "{\"error\":\"unsupported_grant_type\","
		    "\"description\":\"unsupported grant type\"}");
		return;
	}
	if (!is_client(s, c)) {
		a->status = 401;
		buf_adds(&a->body, "{\"error\":\"invalid_client\","
		    "\"description\":\"authentication failed\"}");
		return;
	}
	t = &s->tokens[s->token_next++ % TOKENS_MAX];
	sim_random_text(s, t->text, TOKEN_LEN);
	t->end_ms = clock_mono_ms() + (int64_t)(life_s * 1000);
	s->totals.tokens++;
	sim_say(s, "token", "\"lifeMs\":%lld", (long long)(life_s * 1000));
	a->status = 200;
	buf_addf(&a->body, "{\"access_token\":\"%s\",\"token_type\":\"bearer\""
	    ",\"expires_in\":%lld}", t->text,
	    life_s < 1 ? 1LL : (long long)life_s);
}

/* When the bearer's token ends; 0 if it has none that is valid. */
static int64_t
bearer(struct sim *s, struct MHD_Connection *c)
{
	const char *given = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Authorization");

	if (given == NULL || !str_starts(given, "Bearer "))
		return 0;
	for (size_t i = 0; i < TOKENS_MAX; i++)
		if (s->tokens[i].text[0] != '\0' &&
		    strcmp(given + 7, s->tokens[i].text) == 0 &&
		    clock_mono_ms() < s->tokens[i].end_ms)
			return s->tokens[i].end_ms;
	return 0;
}

/* --- the upgrade -------------------------------------------------------- */

struct upgrade {
	struct sim *sim;
	int64_t token_end_ms;
};

static void
upgraded(void *arg, struct MHD_Connection *c, void *con_cls,
    const char *extra, size_t extra_len, MHD_socket fd,
    struct MHD_UpgradeResponseHandle *urh)
{
	struct upgrade *u = arg;
	ssize_t ignored;

	(void)c, (void)con_cls, (void)extra, (void)extra_len;
	pthread_mutex_lock(&u->sim->lock);
	conn_add(u->sim, fd, urh, u->token_end_ms);
	pthread_mutex_unlock(&u->sim->lock);
	ignored = write(u->sim->wake[1], "", 1);
	(void)ignored;
	free(u);
}

static enum MHD_Result
accept_upgrade(struct sim *s, struct MHD_Connection *c, const char *key,
    int64_t token_end_ms)
{
	struct upgrade *u = xcalloc(1, sizeof(*u));
	struct MHD_Response *r;
	enum MHD_Result result;
	char accept[29];

	*u = (struct upgrade){ s, token_end_ms };
	r = MHD_create_response_for_upgrade(upgraded, u);
	frame_accept(key, accept);
	MHD_add_response_header(r, "Upgrade", "websocket");
	MHD_add_response_header(r, "Sec-WebSocket-Accept", accept);
	result = MHD_queue_response(c, MHD_HTTP_SWITCHING_PROTOCOLS, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result
upgrade(struct sim *s, struct MHD_Connection *c, struct answer *a)
{
	const char *key = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Sec-WebSocket-Key");
	const char *version = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Sec-WebSocket-Version");
	const char *to = MHD_lookup_connection_value(c, MHD_HEADER_KIND,
	    "Upgrade");
	int64_t end_ms = bearer(s, c);

	if (s->faults.refuse_left > 0) {
		s->faults.refuse_left--;
		if (s->faults.refuse_after_s > 0)
			a->retry_after_s = (int)s->faults.refuse_after_s;
		refuse(a, (int)s->faults.refuse_status, "refused",
		    "refused by gc-sim");
	} else if (end_ms == 0) {
		refuse(a, 401, "bad.credentials", "Invalid login credentials.");
	} else if (to == NULL || strcasecmp(to, "websocket") != 0 ||
	    key == NULL || strlen(key) != 24 || version == NULL ||
	    strcmp(version, "13") != 0) {
		refuse(a, 426, "bad.request", "not a WebSocket upgrade");
	} else {
		buf_free(&a->body);
		return accept_upgrade(s, c, key, end_ms);
	}
	s->totals.refused++;
	sim_say(s, "refused", "\"status\":%d", a->status);
	return reply(c, a);
}

/* --- REST --------------------------------------------------------------- */

static void
state(struct sim *s, struct MHD_Connection *c, const char *url,
    struct answer *a)
{
	const struct sim_agent *agent;
	char id[ID_LEN + 1] = "";
	const char *from = url + strlen(STATE_PATH);
	size_t len = strlen(from) - strlen("/state");

	s->totals.rest++;
	if (bearer(s, c) == 0) {
		s->totals.rest_401++;
		refuse(a, 401, "bad.credentials", "Invalid login credentials.");
		return;
	}
	if (rng_chance(&s->luck, s->faults.rest_429)) {
		s->totals.rest_429++;
		a->retry_after_s = 1;
		refuse(a, 429, "too.many.requests", "Rate limit exceeded");
		return;
	}
	if (rng_chance(&s->luck, s->faults.rest_fail)) {
		s->totals.rest_5xx++;
		refuse(a, rng_below(&s->luck, 2) ? 500 : 503,
		    "service.unavailable", "by fault rest-fail");
		return;
	}
	if (len <= ID_LEN)
		memcpy(id, from, len);
	if ((agent = org_find(&s->org, id)) == NULL) {
		s->totals.rest_404++;
		refuse(a, 404, "not.found", "no such user");
		return;
	}
	a->status = 200;
	org_state(&s->org, agent, &a->body);
}

static enum MHD_Result
route(struct sim *s, struct MHD_Connection *c, const char *method,
    const char *url, const char *body)
{
	struct answer a = { .status = 404, .retry_after_s = -1 };
	enum MHD_Result result;
	bool is_state = str_starts(url, STATE_PATH) && str_ends(url, "/state");
	bool get = strcmp(method, "GET") == 0;

	buf_init(&a.body, ANSWER_MAX);
	if (is_state && s->faults.rest_slow_ms > 0)
		usleep((useconds_t)s->faults.rest_slow_ms * 1000);
	pthread_mutex_lock(&s->lock);
	if (strcmp(url, "/oauth/token") == 0 && strcmp(method, "POST") == 0)
		login(s, c, body, &a);
	else if (get && is_state)
		state(s, c, url, &a);
	else if (!get || strcmp(url, WS_PATH) != 0)
		refuse(&a, 404, "not.found", "no such path");
	if (get && strcmp(url, WS_PATH) == 0)
		result = upgrade(s, c, &a);
	else
		result = reply(c, &a);
	pthread_mutex_unlock(&s->lock);
	return result;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url,
    const char *method, const char *version, const char *upload,
    size_t *upload_len, void **state_of)
{
	struct request *r = *state_of;

	(void)version;
	if (r == NULL) {
		*state_of = r = xcalloc(1, sizeof(*r));
		buf_init(&r->body, BODY_MAX);
		buf_adds(&r->body, "");
		return MHD_YES;
	}
	if (*upload_len > 0) {
		buf_add(&r->body, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	return route(arg, c, method, url, r->body.data);
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
