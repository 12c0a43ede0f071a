#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/file.h"
#include "lib/str.h"

/* Every setting, its name in the environment and the vendor's.  In the file
 * it is the name in lower case without GC_. */
enum key {
	SUBDOMAIN, REGION, GRANT, API_URL, LOGIN_URL, WS_URL, CLIENT_ID,
	CLIENT_SECRET, CLIENT_SECRET_FILE, TOKEN_CMD, PROTOCOL, CACERT,
	ACCESS_TOKEN, KEY_COUNT
};

static const struct {
	const char *env, *vendor;
	bool secret;
} keys[KEY_COUNT] = {
	[SUBDOMAIN] = { "GC_SUBDOMAIN", NULL, false },
	[REGION] = { "GC_REGION", "GENESYSCLOUD_REGION", false },
	[GRANT] = { "GC_GRANT", NULL, false },
	[API_URL] = { "GC_API_URL", NULL, false },
	[LOGIN_URL] = { "GC_LOGIN_URL", NULL, false },
	[WS_URL] = { "GC_WS_URL", NULL, false },
	[CLIENT_ID] = { "GC_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID", false },
	[CLIENT_SECRET] = { "GC_CLIENT_SECRET",
	    "GENESYSCLOUD_OAUTHCLIENT_SECRET", true },
	[CLIENT_SECRET_FILE] = { "GC_CLIENT_SECRET_FILE", NULL, false },
	[TOKEN_CMD] = { "GC_TOKEN_CMD", NULL, false },
	[PROTOCOL] = { "GC_PROTOCOL", NULL, false },
	[CACERT] = { "GC_CACERT", NULL, false },
	[ACCESS_TOKEN] = { NULL, "GENESYSCLOUD_ACCESS_TOKEN", true },
};

static const struct { const char *aws, *domain; } regions[] = {
	{ "us-east-1", "mypurecloud.com" },
	{ "us-east-2", "use2.us-gov-pure.cloud" },
	{ "us-west-2", "usw2.pure.cloud" },
	{ "ca-central-1", "cac1.pure.cloud" },
	{ "mx-central-1", "mxc1.pure.cloud" },
	{ "sa-east-1", "sae1.pure.cloud" },
	{ "eu-west-1", "mypurecloud.ie" },
	{ "eu-west-2", "euw2.pure.cloud" },
	{ "eu-central-1", "mypurecloud.de" },
	{ "eu-central-2", "euc2.pure.cloud" },
	{ "eusc-de-east-1", "edee1.eusc-pure.cloud" },
	{ "me-central-1", "mec1.pure.cloud" },
	{ "ap-south-1", "aps1.pure.cloud" },
	{ "ap-southeast-1", "apse1.pure.cloud" },
	{ "ap-southeast-2", "mypurecloud.com.au" },
	{ "ap-northeast-1", "mypurecloud.jp" },
	{ "ap-northeast-2", "apne2.pure.cloud" },
	{ "ap-northeast-3", "apne3.pure.cloud" },
};
#define REGIONS (sizeof(regions) / sizeof(regions[0]))

struct settings {
	char *v[KEY_COUNT];
};

static void
free_secret(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

static void
settings_free(struct settings *s)
{
	for (int k = 0; k < KEY_COUNT; k++)
		free_secret(&s->v[k]);
}

const char *
config_region(const char *name)
{
	char plain[64];
	size_t n = 0;

	for (; name[n] != '\0' && n < sizeof(plain) - 1; n++)
		plain[n] = name[n] == '_' ? '-' :
		    (char)tolower((unsigned char)name[n]);
	if (n > 0 && plain[n - 1] == '.')
		n--;
	plain[n] = '\0';
	for (size_t i = 0; i < REGIONS; i++)
		if (strcmp(plain, regions[i].aws) == 0 ||
		    strcmp(plain, regions[i].domain) == 0)
			return regions[i].domain;
	return NULL;
}

static int
unknown_region(const char *name, struct err *e)
{
	struct buf list;

	buf_init(&list, sizeof(e->msg));
	for (size_t i = 0; i < REGIONS; i++)
		buf_addf(&list, " %s", regions[i].domain);
	err_set(e, GC_EX_CONFIG, "GC_REGION: '%.40s' is no region; they are:"
	    "%s, or their AWS names", name, list.data);
	buf_free(&list);
	return -1;
}

/* --- the file ----------------------------------------------------------- */

static char *
trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

static int
find_key(const char *name)
{
	for (int k = 0; k < KEY_COUNT; k++)
		if (keys[k].env != NULL && strcasecmp(name,
		    keys[k].env + strlen("GC_")) == 0)
			return k;
	return -1;
}

/* One line of the file; the section in force is *ours or not. */
static int
file_line(struct settings *s, char *line, const char *profile, bool *ours,
    unsigned want, struct err *e)
{
	char *value, *end;
	int k;

	line = trim(line);
	if (*line == '\0' || *line == '#' || *line == ';')
		return 0;
	if (*line == '[') {
		end = strchr(line, ']');
		if (end == NULL || end[1] != '\0')
			return err_set(e, GC_EX_CONFIG, "a section is "
			    "[name], alone on its line");
		*end = '\0';
		*ours = strcmp(trim(line + 1), profile) == 0;
		return 0;
	}
	if ((value = strchr(line, '=')) == NULL)
		return err_set(e, GC_EX_CONFIG, "neither [section] nor "
		    "key = value");
	*value++ = '\0';
	if ((k = find_key(trim(line))) == -1)
		return err_set(e, GC_EX_CONFIG, "unknown key '%.40s'",
		    trim(line));
	if (!*ours || s->v[k] != NULL ||
	    (keys[k].secret && !(want & CONFIG_SECRETS)))
		return 0;
	s->v[k] = xstrdup(trim(value));
	return 0;
}

static int
read_file(struct settings *s, const char *path, const char *profile,
    unsigned want, struct err *e)
{
	bool ours = false, had_secret = s->v[CLIENT_SECRET] != NULL;
	char *line, *rest;
	struct buf text;
	int status = 0, number = 0;

	buf_init(&text, CONFIG_FILE_MAX);
	if (file_read(path, &text, e) == -1) {
		buf_free(&text);
		e->code = GC_EX_CONFIG;
		return access(path, F_OK) == 0 ? -1 : 0;
	}
	rest = text.data;
	while (status == 0 && (line = strsep(&rest, "\n")) != NULL) {
		number++;
		status = file_line(s, line, profile, &ours, want, e);
	}
	if (status == -1)
		err_prefix(e, "%s:%d", path, number);
	else if (!had_secret && s->v[CLIENT_SECRET] != NULL)
		status = file_check_private(path, e);
	buf_wipe(&text);
	return status;
}

/* --- folders ------------------------------------------------------------ */

static char *
join(const char *a, const char *b, const char *c)
{
	struct buf path;

	buf_init(&path, 1 << 16);
	buf_addf(&path, "%s%s%s", a, b, c);
	return buf_take(&path);
}

/* ${XDG:-~/home}/gc */
static char *
folder(const char *xdg, const char *home)
{
	const char *base = getenv(xdg), *user = getenv("HOME");

	/* XDG: a relative path is invalid and to be ignored */
	if (base != NULL && *base == '/')
		return join(base, "/gc", "");
	return join(user != NULL ? user : "", home, "/gc");
}

char *
config_path(const char *dir, const char *name, struct err *e)
{
	return file_make_folders(dir, e) == -1 ? NULL : join(dir, "/", name);
}

/* --- what follows from the settings ------------------------------------- */

static bool
is_loopback(const char *host)
{
	static const char *const names[] = { "127.0.0.1", "localhost",
	    "[::1]" };
	size_t n = strcspn(host, *host == '[' ? "/" : ":/");

	if (*host == '[' && memchr(host, ']', n) != NULL)
		n = (size_t)((const char *)memchr(host, ']', n) + 1 - host);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && strncmp(names[i], host, n) == 0)
			return true;
	return false;
}

/* Secrets go there: only TLS, save on this machine. */
static int
check_url(const char *name, char *url, const char *scheme, struct err *e)
{
	char secure[16], plain[16];
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		url[--n] = '\0';
	snprintf(secure, sizeof(secure), "%ss://", scheme);
	snprintf(plain, sizeof(plain), "%s://", scheme);
	if (strchr(url, '@') != NULL)
		return err_set(e, GC_EX_CONFIG, "%s must not hold a user name "
		    "or password", name);
	if (str_starts(url, secure) && url[strlen(secure)] != '\0')
		return 0;
	if (str_starts(url, plain) && is_loopback(url + strlen(plain)))
		return 0;
	return err_set(e, GC_EX_CONFIG, "%s must begin with %s (%s only for "
	    "127.0.0.1, [::1] and localhost)", name, secure, plain);
}

static int
url(char **out, char **setting, const char *name, const char *scheme,
    const char *prefix, const char *domain, const char *path, bool wanted,
    struct err *e)
{
	char *host;

	if (*setting != NULL) {
		*out = *setting;
		*setting = NULL;
		return check_url(name, *out, scheme, e);
	}
	if (domain == NULL)
		return !wanted ? 0 : err_set(e, GC_EX_CONFIG, "where is the "
		    "org? Set GC_REGION (or GC_SUBDOMAIN), or %s", name);
	host = join(prefix, domain, "");
	*out = join(host, path, "");
	free(host);
	return 0;
}

static int
derive_domain(struct config *c, struct settings *s, struct err *e)
{
	const char *domain;

	if (s->v[REGION] != NULL) {
		if ((domain = config_region(s->v[REGION])) == NULL)
			return unknown_region(s->v[REGION], e);
		c->domain = xstrdup(domain);
		c->vendor_region = true;
	} else if (s->v[SUBDOMAIN] != NULL) {
		if (s->v[SUBDOMAIN][strspn(s->v[SUBDOMAIN],
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789-")] != '\0' || *s->v[SUBDOMAIN] == '\0')
			return err_set(e, GC_EX_CONFIG, "GC_SUBDOMAIN: "
			    "'%.40s' is no host name's part", s->v[SUBDOMAIN]);
		c->domain = join(s->v[SUBDOMAIN], ".mypurecloud.com", "");
	}
	return 0;
}

static int
derive_urls(struct config *c, struct settings *s, unsigned want,
    struct err *e)
{
	/* a token given as such is not asked for anywhere */
	if (s->v[ACCESS_TOKEN] != NULL && s->v[CLIENT_ID] == NULL)
		want &= ~(unsigned)CONFIG_LOGIN;
	if (url(&c->api_url, &s->v[API_URL], "GC_API_URL", "http",
	    "https://api.", c->domain, "", want & CONFIG_API, e) == -1 ||
	    url(&c->login_url, &s->v[LOGIN_URL], "GC_LOGIN_URL", "http",
	    "https://login.", c->domain, "", want & CONFIG_LOGIN, e) == -1)
		return -1;
	return url(&c->ws_url, &s->v[WS_URL], "GC_WS_URL", "ws",
	    "wss://api.", c->domain, "/api/v2/platform/notification/events",
	    want & CONFIG_WS, e);
}

/* The channels protocol is not in this version: say so before a 404 does. */
static int
check_protocol(const struct config *c, const struct settings *s,
    unsigned want, struct err *e)
{
	const char *p = s->v[PROTOCOL] != NULL ? s->v[PROTOCOL] : "auto";

	if (strcmp(p, "events") == 0)
		return 0;
	if (strcmp(p, "auto") != 0 && strcmp(p, "channels") != 0)
		return err_set(e, GC_EX_CONFIG, "GC_PROTOCOL: '%.40s' is "
		    "neither events nor auto", p);
	if (strcmp(p, "channels") == 0 ||
	    (c->vendor_region && (want & (CONFIG_WS | CONFIG_API))))
		return err_set(e, GC_EX_CONFIG, "the channels protocol of the "
		    "public regions is not in this version; GC_PROTOCOL="
		    "events speaks the other one");
	return 0;
}

static int
load_secret(struct config *c, struct settings *s, struct err *e)
{
	struct buf text;
	const char *path = s->v[CLIENT_SECRET_FILE];

	if (s->v[GRANT] != NULL && strcmp(s->v[GRANT], "client") != 0)
		return err_set(e, GC_EX_CONFIG, "GC_GRANT: '%.20s' is not in "
		    "this version; client is", s->v[GRANT]);
	c->client_id = s->v[CLIENT_ID];
	c->client_secret = s->v[CLIENT_SECRET];
	c->access_token = s->v[ACCESS_TOKEN];
	s->v[CLIENT_ID] = s->v[CLIENT_SECRET] = s->v[ACCESS_TOKEN] = NULL;
	if (c->client_secret != NULL || path == NULL)
		return 0;
	buf_init(&text, CONFIG_FILE_MAX);
	if (file_check_private(path, e) == -1 ||
	    file_read(path, &text, e) == -1) {
		e->code = GC_EX_CONFIG;
		buf_wipe(&text);
		return -1;
	}
	if (text.len > 0)
		text.data[strcspn(text.data, "\r\n")] = '\0';
	c->client_secret = xstrdup(text.len > 0 ? text.data : "");
	buf_wipe(&text);
	return 0;
}

static void
read_environment(struct settings *s, unsigned want)
{
	const char *value;

	for (int k = 0; k < KEY_COUNT; k++) {
		if (keys[k].secret && !(want & CONFIG_SECRETS))
			continue;
		value = keys[k].env != NULL ? getenv(keys[k].env) : NULL;
		if (value != NULL && *value != '\0')
			s->v[k] = xstrdup(value);
	}
}

/* The vendor's names, where ours are unset everywhere. */
static void
read_vendor(struct settings *s, unsigned want)
{
	const char *value;

	for (int k = 0; k < KEY_COUNT; k++) {
		if (s->v[k] != NULL || keys[k].vendor == NULL ||
		    (keys[k].secret && !(want & CONFIG_SECRETS)) ||
		    (k == CLIENT_SECRET && s->v[CLIENT_SECRET_FILE] != NULL) ||
		    (k == REGION && s->v[SUBDOMAIN] != NULL))
			continue;
		value = getenv(keys[k].vendor);
		if (value != NULL && *value != '\0')
			s->v[k] = xstrdup(value);
	}
}

int
config_load(struct config *c, unsigned want, struct err *e)
{
	struct settings s = { { NULL } };
	const char *profile = getenv("GC_PROFILE");
	char *dir, *path;
	int status;

	*c = (struct config){ 0 };
	if (profile == NULL || *profile == '\0')
		profile = "default";
	if (*profile == '.' || strpbrk(profile, "/]\n") != NULL)
		return err_set(e, GC_EX_CONFIG, "GC_PROFILE: '%.40s' is no "
		    "name of a profile", profile);
	c->profile = xstrdup(profile);
	dir = folder("XDG_STATE_HOME", "/.local/state");
	c->state_folder = join(dir, "/", profile);
	free(dir);
	dir = folder("XDG_CACHE_HOME", "/.cache");
	c->cache_folder = join(dir, "/", profile);
	free(dir);
	dir = folder("XDG_CONFIG_HOME", "/.config");
	path = join(dir, "/config", "");
	free(dir);
	read_environment(&s, want);
	status = read_file(&s, path, profile, want, e);
	free(path);
	read_vendor(&s, want);
	if (status == 0 && (derive_domain(c, &s, e) == -1 ||
	    check_protocol(c, &s, want, e) == -1 ||
	    derive_urls(c, &s, want, e) == -1 ||
	    ((want & CONFIG_SECRETS) && load_secret(c, &s, e) == -1)))
		status = -1;
	c->token_cmd = s.v[TOKEN_CMD] ? s.v[TOKEN_CMD] : xstrdup("gc-token");
	c->cacert = s.v[CACERT];
	s.v[TOKEN_CMD] = s.v[CACERT] = NULL;
	settings_free(&s);
	if (status == -1)
		config_free(c);
	return status;
}

void
config_free(struct config *c)
{
	free_secret(&c->client_secret);
	free_secret(&c->access_token);
	free(c->profile);
	free(c->domain);
	free(c->api_url);
	free(c->login_url);
	free(c->ws_url);
	free(c->token_cmd);
	free(c->cacert);
	free(c->client_id);
	free(c->state_folder);
	free(c->cache_folder);
	*c = (struct config){ 0 };
}
