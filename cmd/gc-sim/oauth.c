/* The login host: tokens for a client, and for a user who signs in. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/gc-sim/http.h"
#include "lib/clock.h"
#include "lib/str.h"

#define DEFAULT_LIFE_MS 3600000
#define CODE_LIFE_MS 300000
#define GRANTS_MAX 64		/* the oldest are forgotten */
#define VALUE_MAX 2048		/* of a form */
#define CHALLENGE_LEN 43	/* SHA-256 in base64url */

/* A code or a refresh token: good for one use. */
struct grant {
	char text[TOKEN_LEN + 1];	/* "": used */
	char redirect[VALUE_MAX];
	char challenge[CHALLENGE_LEN + 1];
	int64_t end_ms;
	uint64_t token;			/* a refresh token's: made with it */
};

static struct grants {
	struct grant all[GRANTS_MAX];
	size_t next;
} codes, refreshes;

/* --- forms -------------------------------------------------------------- */

/* A field of the form; false if it is not there or too long. */
static bool
form_value(const char *body, const char *name, char to[VALUE_MAX])
{
	size_t len, key = strlen(name);

	for (; *body != '\0'; body += len + (body[len] == '&')) {
		len = strcspn(body, "&");
		if (len <= key || strncmp(body, name, key) != 0 ||
		    body[key] != '=' || len - key - 1 >= VALUE_MAX)
			continue;
		strlcpy(to, body + key + 1, len - key);
		for (char *p = to; *p != '\0'; p++)
			if (*p == '+')
				*p = ' ';
		MHD_http_unescape(to);
		return true;
	}
	*to = '\0';
	return false;
}

static void
fail(struct answer *a, int status, const char *error, const char *why)
{
	a->status = status;
	buf_addf(&a->body, "{\"error\":\"%s\",\"description\":\"%s\","
	    "\"error_description\":\"%s\"}", error, why, why);
}

/* --- grants ------------------------------------------------------------- */

static struct grant *
grant_new(struct sim *s, struct grants *g)
{
	struct grant *new = &g->all[g->next++ % GRANTS_MAX];

	*new = (struct grant){ .end_ms = CLOCK_NEVER };
	sim_random_text(s, new->text, TOKEN_LEN);
	return new;
}

/* That one, which is used up by it; NULL if there is none. */
static struct grant *
grant_use(struct grants *g, const char *text)
{
	for (size_t i = 0; *text != '\0' && i < GRANTS_MAX; i++)
		if (strcmp(g->all[i].text, text) == 0) {
			g->all[i].text[0] = '\0';
			return clock_mono_ms() < g->all[i].end_ms ?
			    &g->all[i] : NULL;
		}
	return NULL;
}

/* --- who asks ----------------------------------------------------------- */

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

/* A client without a secret says its name; what it must prove otherwise is
 * the caller's. */
static bool
is_named(struct sim *s, const char *body)
{
	char id[VALUE_MAX];

	return form_value(body, "client_id", id) &&
	    strcmp(id, s->client_id) == 0;
}

/* RFC 7636, 4.6. */
static bool
proves(const char *verifier, const char *challenge)
{
	unsigned char sum[SHA256_DIGEST_LENGTH], text[48];
	size_t len = strlen(verifier);

	if (len < 43 || len > 128)
		return false;
	SHA256((const unsigned char *)verifier, len, sum);
	EVP_EncodeBlock(text, sum, sizeof(sum));
	for (unsigned char *p = text; *p != '\0'; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p == '=' ? 0 : *p;
	return strcmp((char *)text, challenge) == 0;
}

/* --- tokens ------------------------------------------------------------- */

static void
issue(struct sim *s, int owner, bool refresh, struct answer *a)
{
	uint64_t life_ms = s->faults.token_life_ms > 0 ?
	    s->faults.token_life_ms : DEFAULT_LIFE_MS;
	struct sim_token *t = &s->tokens[s->token_next++ % TOKENS_MAX];
	struct grant *again;

	sim_random_text(s, t->text, TOKEN_LEN);
	t->end_ms = clock_mono_ms() + (int64_t)life_ms;
	t->serial = s->token_next;
	t->owner = owner;
	s->totals.tokens++;
	sim_say(s, "token", "\"lifeMs\":%llu", (unsigned long long)life_ms);
	a->status = 200;
	buf_addf(&a->body, "{\"access_token\":\"%s\",\"token_type\":\"bearer\""
	    ",\"expires_in\":%llu", t->text, life_ms < 1000 ? 1ULL :
	    (unsigned long long)life_ms / 1000);
	if (refresh && !s->faults.no_refresh) {
		again = grant_new(s, &refreshes);
		again->token = t->serial;
		buf_addf(&a->body, ",\"refresh_token\":\"%s\"", again->text);
	}
	buf_adds(&a->body, "}");
}

static void
client_credentials(struct sim *s, struct MHD_Connection *c, const char *body,
    struct answer *a)
{
	(void)body;
	if (is_client(s, c))
		issue(s, OWNER_CLIENT, false, a);
	else
		fail(a, 401, "invalid_client", "authentication failed");
}

static void
authorization_code(struct sim *s, struct MHD_Connection *c, const char *body,
    struct answer *a)
{
	char code[VALUE_MAX], redirect[VALUE_MAX], verifier[VALUE_MAX];
	bool client = is_client(s, c);
	struct grant *g;

	form_value(body, "code", code);
	form_value(body, "redirect_uri", redirect);
	form_value(body, "code_verifier", verifier);
	if (!client && !is_named(s, body))
		fail(a, 401, "invalid_client", "authentication failed");
	else if ((g = grant_use(&codes, code)) == NULL ||
	    strcmp(g->redirect, redirect) != 0)
		fail(a, 400, "invalid_grant", "code not found");
	else if (g->challenge[0] != '\0' ? !proves(verifier, g->challenge) :
	    !client)
		fail(a, 400, "invalid_grant", "code verifier does not match");
	else
		issue(s, OWNER_USER, true, a);
}

static void
refresh_token(struct sim *s, struct MHD_Connection *c, const char *body,
    struct answer *a)
{
	char text[VALUE_MAX];

	form_value(body, "refresh_token", text);
	if (!is_client(s, c) && !is_named(s, body))
		fail(a, 401, "invalid_client", "authentication failed");
	else if (grant_use(&refreshes, text) == NULL)
		fail(a, 400, "invalid_grant", "refresh token not found");
	else
		issue(s, OWNER_USER, true, a);
}

static const struct {
	const char *name;
	void (*run)(struct sim *s, struct MHD_Connection *c, const char *body,
	    struct answer *a);
} grant_types[] = {
	{ "client_credentials", client_credentials },
	{ "authorization_code", authorization_code },
	{ "refresh_token", refresh_token },
};

static void
token(struct sim *s, struct MHD_Connection *c, const char *body,
    struct answer *a)
{
	char type[VALUE_MAX];

	form_value(body, "grant_type", type);
	for (size_t i = 0; i < sizeof(grant_types) / sizeof(grant_types[0]);
	    i++)
		if (strcmp(type, grant_types[i].name) == 0) {
			grant_types[i].run(s, c, body, a);
			return;
		}
	fail(a, 400, "unsupported_grant_type", "unsupported grant type");
}

void
token_revoke(struct sim *s, uint64_t serial)
{
	for (size_t i = 0; i < TOKENS_MAX; i++)
		if (serial == 0 || s->tokens[i].serial == serial)
			s->tokens[i] = (struct sim_token){ .end_ms = 0 };
	for (size_t i = 0; i < GRANTS_MAX; i++)
		if (serial == 0 || refreshes.all[i].token == serial)
			refreshes.all[i].text[0] = '\0';
}

/* --- signing in --------------------------------------------------------- */

static const char *
query(struct MHD_Connection *c, const char *name)
{
	const char *value = MHD_lookup_connection_value(c,
	    MHD_GET_ARGUMENT_KIND, name);

	return value != NULL ? value : "";
}

/* What a client may have registered here. */
static bool
is_redirect(const char *uri)
{
	return (str_starts(uri, "http://localhost:") ||
	    str_starts(uri, "http://127.0.0.1:")) &&
	    strlen(uri) < VALUE_MAX && strpbrk(uri, " \r\n#") == NULL;
}

/* Somebody is asked for a name and a password, and agrees: here at once. */
static void
authorize(struct sim *s, struct MHD_Connection *c, struct answer *a)
{
	const char *redirect = query(c, "redirect_uri");
	const char *challenge = query(c, "code_challenge");
	struct grant *g;

	if (strcmp(query(c, "client_id"), s->client_id) != 0) {
		fail(a, 400, "invalid_client", "client not found");
		return;
	}
	if (!is_redirect(redirect)) {
		fail(a, 400, "invalid_request", "redirect_uri mismatch");
		return;
	}
	if (strcmp(query(c, "response_type"), "code") != 0 ||
	    (*challenge != '\0' && (strlen(challenge) != CHALLENGE_LEN ||
	    strcmp(query(c, "code_challenge_method"), "S256") != 0))) {
		fail(a, 400, "invalid_request", "code with S256, or without");
		return;
	}
	a->status = 302;
	buf_addf(&a->location, "%s%c", redirect,
	    strchr(redirect, '?') != NULL ? '&' : '?');
	if (s->faults.deny_login) {
		buf_adds(&a->location, "error=access_denied");
	} else {
		g = grant_new(s, &codes);
		g->end_ms = clock_mono_ms() + CODE_LIFE_MS;
		strlcpy(g->redirect, redirect, sizeof(g->redirect));
		strlcpy(g->challenge, challenge, sizeof(g->challenge));
		buf_addf(&a->location, "code=%s", g->text);
	}
	if (*query(c, "state") != '\0') {
		buf_adds(&a->location, "&state=");
		http_escape(&a->location, query(c, "state"));
	}
	sim_say(s, "authorize", "\"denied\":%s", s->faults.deny_login ?
	    "true" : "false");
}

bool
oauth_answer(struct sim *s, struct MHD_Connection *c, const char *method,
    const char *url, const char *body, struct answer *a)
{
	if (strcmp(method, "POST") == 0 && strcmp(url, "/oauth/token") == 0)
		token(s, c, body, a);
	else if (strcmp(method, "GET") == 0 &&
	    strcmp(url, "/oauth/authorize") == 0)
		authorize(s, c, a);
	else
		return false;
	return true;
}
