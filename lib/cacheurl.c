#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/cacheurl.h"
#include "lib/percent.h"
#include "lib/str.h"

#define URL_MAX 4096
#define PORT "6379"
#define DB_MAX 1000000

static const struct {
	const char *scheme;
	bool tls, local;
} schemes[] = {
	{ "redis://", false, false }, { "rediss://", true, false },
	{ "redis+unix://", false, true },
};

static int
wrong(struct err *e, const char *what)
{
	return err_set(e, GC_EX_USAGE, "the address: %s; it is "
	    "redis://[USER@]HOST[:PORT][/DB][?prefix=gc], rediss:// likewise, "
	    "or redis+unix:///PATH", what);
}

static int
has_password(struct err *e)
{
	return err_set(e, GC_EX_USAGE, "a password in the address can be "
	    "read by everyone on this machine: it goes into "
	    "GC_REDIS_PASSWORD, or a file that GC_REDIS_PASSWORD_FILE names");
}

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

static int
set_db(struct cacheurl *u, const char *text, struct err *e)
{
	uint64_t db;

	if (str_number(text, DB_MAX, &db) == -1)
		return wrong(e, "DB is no number");
	u->db = (unsigned)db;
	return 0;
}

/* One NAME=VALUE of the query. */
static int
set_one(struct cacheurl *u, const char *pair, size_t len, struct err *e)
{
	const char *equals = memchr(pair, '=', len);
	size_t n = equals != NULL ? (size_t)(equals - pair) : len;
	char db[CACHEURL_NAME_MAX];
	const char *value = equals != NULL ? equals + 1 : pair + len;
	size_t value_len = (size_t)(pair + len - value);

	if (n == 6 && memcmp(pair, "prefix", n) == 0) {
		if (percent_decode(u->prefix, sizeof(u->prefix), value,
		    value_len) == -1 || u->prefix[0] == '\0' ||
		    !is_plain(u->prefix))
			return wrong(e, "prefix is empty, too long or has "
			    "blanks");
		return 0;
	}
	if (n == 2 && memcmp(pair, "db", n) == 0) {
		if (percent_decode(db, sizeof(db), value, value_len) == -1)
			return wrong(e, "DB is no number");
		return set_db(u, db, e);
	}
	if (n >= 4 && memcmp(pair, "pass", 4) == 0)
		return has_password(e);
	return wrong(e, "only prefix and db may follow the ?");
}

static int
set_query(struct cacheurl *u, const char *query, struct err *e)
{
	size_t n;

	for (; *query != '\0'; query += n + (query[n] == '&')) {
		n = strcspn(query, "&");
		if (n > 0 && set_one(u, query, n, e) == -1)
			return -1;
	}
	return 0;
}

/* HOST[:PORT], of len bytes. */
static int
set_host(struct cacheurl *u, const char *host, size_t len, struct err *e)
{
	const char *close = *host == '[' ? memchr(host, ']', len) : NULL;
	const char *name_end = close != NULL ? close + 1 :
	    memchr(host, ':', len);
	size_t n = name_end != NULL ? (size_t)(name_end - host) : len;
	char *port = n < len ? xstrndup(host + n + 1, len - n - 1) :
	    xstrdup(PORT);
	uint64_t number;
	struct buf b;
	bool good = n > 0 && (n == len || host[n] == ':') &&
	    str_number(port, 65535, &number) == 0 && number > 0;

	for (size_t i = 0; i < n; i++)
		good = good && strchr("/?#@%\\\"'<>{}|^`", host[i]) == NULL;
	buf_init(&b, URL_MAX);
	if (good) {
		buf_addf(&b, "%.*s:%" PRIu64, (int)n, host, number);
		u->host = buf_take(&b);
	}
	free(port);
	return good ? 0 : wrong(e, "HOST or PORT is none");
}

/* What stands before the path: the user, and where it is. */
static int
set_authority(struct cacheurl *u, const char *text, size_t len, struct err *e)
{
	const char *at = memchr(text, '@', len);
	size_t user = at != NULL ? (size_t)(at - text) : 0;

	if (at != NULL) {
		if (memchr(text, ':', user) != NULL)
			return has_password(e);
		if (percent_decode(u->user, sizeof(u->user), text, user) ==
		    -1 || u->user[0] == '\0')
			return wrong(e, "USER is empty or too long");
		text = at + 1;
		len -= user + 1;
	}
	return set_host(u, text, len, e);
}

static int
set_path(struct cacheurl *u, const char *text, size_t len, bool local,
    struct err *e)
{
	char *path = xstrndup(text, len);
	int status = 0;

	if (local)
		u->path = path;
	if (local && len < 2)
		return wrong(e, "the socket has no path");
	if (!local && len > 1)
		status = set_db(u, path + 1, e);
	if (!local)
		free(path);
	return status;
}

static void
show(struct cacheurl *u)
{
	struct buf b;

	buf_init(&b, 2 * URL_MAX);
	if (u->path != NULL)
		buf_addf(&b, "redis+unix://%s", u->path);
	else
		buf_addf(&b, "redis%s://%s", u->tls ? "s" : "", u->host);
	if (u->db != 0)
		buf_addf(&b, u->path != NULL ? "?db=%u" : "/%u", u->db);
	u->shown = buf_take(&b);
}

static int
take_apart(struct cacheurl *u, const char *url, struct err *e)
{
	const char *rest = NULL;
	size_t authority, path;
	bool local = false;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (str_starts(url, schemes[i].scheme)) {
			rest = url + strlen(schemes[i].scheme);
			u->tls = schemes[i].tls;
			local = schemes[i].local;
		}
	if (rest == NULL || strlen(url) > URL_MAX || !is_plain(url))
		return wrong(e, rest == NULL ? "it does not begin with "
		    "redis://, rediss:// or redis+unix://" :
		    "it is too long or has blanks");
	authority = strcspn(rest, "/?#");
	/* a password may have had any of these in it */
	if (strchr(rest + authority, '@') != NULL)
		return has_password(e);
	path = strcspn(rest + authority, "?#");
	if (strchr(rest, '#') != NULL)
		return wrong(e, "no # is in it");
	if (local && authority > 0)
		return wrong(e, "the path begins with the third /");
	if (!local && set_authority(u, rest, authority, e) == -1)
		return -1;
	if (set_path(u, rest + authority, path, local, e) == -1)
		return -1;
	rest += authority + path;
	return *rest == '?' ? set_query(u, rest + 1, e) : 0;
}

int
cacheurl_parse(struct cacheurl *u, const char *url, struct err *e)
{
	*u = (struct cacheurl){ .prefix = "gc" };
	if (take_apart(u, url, e) == -1) {
		cacheurl_free(u);
		return -1;
	}
	show(u);
	return 0;
}

void
cacheurl_free(struct cacheurl *u)
{
	free(u->host);
	free(u->path);
	free(u->shown);
	*u = (struct cacheurl){ 0 };
}
