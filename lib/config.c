#include <sys/stat.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/file.h"
#include "lib/region.h"
#include "lib/settings.h"
#include "lib/str.h"

#define SECRET_FILE_MAX (64 << 10)
#define ALL_URLS (CONFIG_API | CONFIG_LOGIN | CONFIG_WS)

/* --- folders ------------------------------------------------------------ */

static char *
join(const char *a, const char *b, const char *c)
{
	struct buf path;

	buf_init(&path, 1 << 16);
	buf_addf(&path, "%s%s%s", a, b, c);
	return buf_take(&path);
}

/* ${XDG:-~/home}/gc and what is in it; NULL where neither is set. */
static char *
folder(const char *xdg, const char *home, const char *name)
{
	const char *base = getenv(xdg), *user = getenv("HOME");
	char *parent, *path;

	/* XDG: a relative path is invalid and to be ignored */
	if (base != NULL && *base == '/')
		parent = join(base, "/gc/", "");
	else if (user != NULL && *user == '/')
		parent = join(user, home, "/gc/");
	else
		return NULL;
	path = join(parent, name, "");
	free(parent);
	return path;
}

char *
config_path(const char *dir, const char *name, struct err *e)
{
	if (dir == NULL) {
		err_set(e, GC_EX_CONFIG, "there is no place for '%s': set "
		    "HOME (or XDG_STATE_HOME and XDG_CACHE_HOME)", name);
		return NULL;
	}
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
	for (char *p = url; *p != '\0' && *p != ':'; p++)
		*p = (char)tolower((unsigned char)*p);
	for (const char *p = url; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#')
			return err_set(e, GC_EX_CONFIG, "%s: a blank or '#' "
			    "is in no address", name);
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
		*setting = NULL;	/* taken */
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
unknown_region(const char *name, struct err *e)
{
	struct buf list;

	buf_init(&list, sizeof(e->msg));
	region_list(&list);
	err_set(e, GC_EX_CONFIG, "GC_REGION: '%.40s' is no region; they are:"
	    "%s, or their AWS names", name, list.data);
	buf_free(&list);
	return -1;
}

static int
derive_domain(struct config *c, struct settings *s, struct err *e)
{
	const char *domain;

	if (s->v[REGION] != NULL) {
		if ((domain = region_domain(s->v[REGION])) == NULL)
			return unknown_region(s->v[REGION], e);
		c->domain = xstrdup(domain);
		c->vendor_region = true;
	} else if (s->v[SUBDOMAIN] != NULL) {
		if (s->v[SUBDOMAIN][strspn(s->v[SUBDOMAIN],
		    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789-")] != '\0')
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
	if (c->channels)
		want = (want & ~(unsigned)CONFIG_WS) | CONFIG_API;
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

/* auto follows the domain; nothing is probed. */
static int
check_protocol(struct config *c, const struct settings *s,
    unsigned want, struct err *e)
{
	const char *p = s->v[PROTOCOL] != NULL ? s->v[PROTOCOL] : "auto";

	/* a token has none */
	if ((want & (CONFIG_WS | CONFIG_API)) == 0 || strcmp(p, "events") == 0)
		return 0;
	if (strcmp(p, "auto") != 0 && strcmp(p, "channels") != 0)
		return err_set(e, GC_EX_CONFIG, "GC_PROTOCOL: '%.40s' is "
		    "none of events, channels and auto", p);
	c->channels = strcmp(p, "channels") == 0 || c->vendor_region;
	return 0;
}

/*
 * A file of systemd's LoadCredential=: it lets our user in by an ACL, which
 * shows as rights of the group, and nobody else into the folder.
 */
static bool
is_credential(const char *path)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	size_t len = folder != NULL ? strlen(folder) : 0;
	struct stat st;

	return len > 0 && strncmp(path, folder, len) == 0 &&
	    path[len] == '/' && strchr(path + len + 1, '/') == NULL &&
	    stat(path, &st) == 0 && (st.st_mode & 0337) == 0;
}

/* The first line of a file that is for us alone. */
static int
read_secret_file(char **secret, const char *path, struct err *e)
{
	struct buf text;
	size_t len = 0;

	buf_init_secret(&text, SECRET_FILE_MAX);
	if ((is_credential(path) || file_check_private(path, e) == 0) &&
	    file_read(path, &text, e) == 0) {
		len = strcspn(text.data, "\r\n");
		err_set(e, GC_EX_CONFIG, "GC_CLIENT_SECRET_FILE: '%s' is "
		    "empty", path);
	}
	e->code = GC_EX_CONFIG;
	if (len > 0)
		*secret = xstrndup(text.data, len);
	buf_wipe(&text);
	return len > 0 ? 0 : -1;
}

static int
load_grant(struct config *c, const struct settings *s, struct err *e)
{
	const char *told = s->v[GRANT];

	if (told == NULL)
		c->grant = c->client_secret != NULL ? CONFIG_CLIENT_GRANT :
		    CONFIG_NO_GRANT;
	else if (strcmp(told, "client") == 0)
		c->grant = CONFIG_CLIENT_GRANT;
	else if (strcmp(told, "login") == 0)
		c->grant = CONFIG_LOGIN_GRANT;
	else
		return err_set(e, GC_EX_CONFIG, "GC_GRANT: '%.20s' is neither "
		    "client nor login", told);
	return 0;
}

static int
load_secret(struct config *c, struct settings *s, struct err *e)
{
	c->client_id = settings_take(s, CLIENT_ID);
	c->client_secret = settings_take(s, CLIENT_SECRET);
	c->access_token = settings_take(s, ACCESS_TOKEN);
	if (c->client_secret == NULL && s->v[CLIENT_SECRET_FILE] != NULL &&
	    read_secret_file(&c->client_secret, s->v[CLIENT_SECRET_FILE],
	    e) == -1)
		return -1;
	return load_grant(c, s, e);
}

/* It is read when something connects; what cannot be is said now. */
static int
check_cacert(const char *path, unsigned want, struct err *e)
{
	if (path == NULL || (want & ALL_URLS) == 0 ||
	    access(path, R_OK) == 0)
		return 0;
	return err_set(e, GC_EX_CONFIG, "GC_CACERT: can't read '%s': %s",
	    path, strerror(errno));
}

static int
check_command(const char *command, unsigned want, struct err *e)
{
	if (command == NULL || (want & (CONFIG_API | CONFIG_WS)) == 0 ||
	    command[strspn(command, " \t\n")] != '\0')
		return 0;
	return err_set(e, GC_EX_CONFIG, "GC_TOKEN_CMD: there is no command "
	    "in it");
}

static int
derive(struct config *c, struct settings *s, unsigned want, struct err *e)
{
	if (derive_domain(c, s, e) == -1 ||
	    check_protocol(c, s, want, e) == -1 ||
	    derive_urls(c, s, want, e) == -1 ||
	    check_cacert(s->v[CACERT], want, e) == -1 ||
	    check_command(s->v[TOKEN_CMD], want, e) == -1)
		return -1;
	return want & CONFIG_SECRETS ? load_secret(c, s, e) : 0;
}

int
config_load(struct config *c, unsigned want, struct err *e)
{
	struct settings s;
	const char *profile = getenv("GC_PROFILE");
	char *path;
	int status;

	*c = (struct config){ 0 };
	if (profile == NULL || *profile == '\0')
		profile = "default";
	if (*profile == '.' || strpbrk(profile, "/]\n") != NULL)
		return err_set(e, GC_EX_CONFIG, "GC_PROFILE: '%.40s' is no "
		    "name of a profile", profile);
	path = folder("XDG_CONFIG_HOME", "/.config", "config");
	status = settings_read(&s, path, profile, want & CONFIG_SECRETS, e);
	free(path);
	if (status == -1)
		return -1;
	c->profile = xstrdup(profile);
	c->state_folder = folder("XDG_STATE_HOME", "/.local/state", profile);
	c->cache_folder = folder("XDG_CACHE_HOME", "/.cache", profile);
	if ((status = derive(c, &s, want, e)) == -1) {
		config_free(c);
	} else {
		c->cacert = settings_take(&s, CACERT);
		if ((c->token_cmd = settings_take(&s, TOKEN_CMD)) == NULL)
			c->token_cmd = xstrdup("gc-token");
	}
	settings_free(&s);
	return status;
}

static void
free_secret(char *s)
{
	if (s != NULL)
		explicit_bzero(s, strlen(s));
	free(s);
}

bool
config_replace(struct config *c, struct config *fresh)
{
	char *command = c->token_cmd;
	bool other = strcmp(command, fresh->token_cmd) != 0;

	c->token_cmd = fresh->token_cmd;
	config_free(c);
	*c = *fresh;
	c->token_cmd = command;
	*fresh = (struct config){ 0 };
	return other;
}

void
config_free(struct config *c)
{
	free_secret(c->client_secret);
	free_secret(c->access_token);
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
