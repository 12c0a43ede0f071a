/* Settings: where each is looked for, and what is refused. */
#include <sys/stat.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/config.h"
#include "lib/file.h"
#include "lib/region.h"
#include "tests/tap.h"

static char home[] = "/tmp/gc-config.XXXXXX";
static char folder[96], path[128], secret[128];

static const char *const names[] = {
	"GC_PROFILE", "GC_SUBDOMAIN", "GC_REGION", "GC_GRANT", "GC_API_URL",
	"GC_LOGIN_URL", "GC_WS_URL", "GC_CLIENT_ID", "GC_CLIENT_SECRET",
	"GC_CLIENT_SECRET_FILE", "GC_TOKEN_CMD", "GC_PROTOCOL", "GC_CACERT",
	"GENESYSCLOUD_REGION", "GENESYSCLOUD_OAUTHCLIENT_ID",
	"GENESYSCLOUD_OAUTHCLIENT_SECRET", "GENESYSCLOUD_ACCESS_TOKEN",
	"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME",
};
#define EVENTS "GC_PROTOCOL=events "
#define ALL (CONFIG_API | CONFIG_LOGIN | CONFIG_WS)

/* Environment and file in, one member out; or refused with 78, why. */
struct row {
	const char *env;	/* NAME=value words */
	const char *file;
	unsigned want;
	size_t member;		/* offset; NONE: must be refused */
	const char *value;	/* NULL: not set; refused: in the sentence */
};
#define NONE ((size_t)-1)
#define IS(member) offsetof(struct config, member)

static const struct row rows[] = {
	/* environment, then the profile's section, then the default */
	{ "GC_TOKEN_CMD=a", "[default]\ntoken_cmd=b", 0, IS(token_cmd), "a" },
	{ "", "[default]\ntoken_cmd = b c ", 0, IS(token_cmd), "b c" },
	{ "GC_TOKEN_CMD=", "[default]\ntoken_cmd=b", 0, IS(token_cmd), "b" },
	{ "", "[other]\ntoken_cmd=b", 0, IS(token_cmd), "gc-token" },
	{ "GC_TOKEN_CMD=\t GC_API_URL=https://h", "", CONFIG_API, NONE,
	    "GC_TOKEN_CMD: there is no command" },
	{ "GC_TOKEN_CMD=\t GC_LOGIN_URL=https://h", "", CONFIG_LOGIN,
	    IS(login_url), "https://h" },
	{ "GC_PROFILE=other", "[default]\ntoken_cmd=a\n[ other ]\r\n"
	    "# a comment\n; another\n\n  Token_Cmd =\tb\r\n[third]\n"
	    "token_cmd=c\n", 0, IS(token_cmd), "b" },
	{ "GC_PROFILE=", "", 0, IS(profile), "default" },
	{ "", "", 0, IS(cacert), NULL },
	{ "GC_CACERT=/x.pem", "", 0, IS(cacert), "/x.pem" },
	{ "GC_CACERT=/nowhere/x.pem GC_LOGIN_URL=https://h", "", CONFIG_LOGIN,
	    NONE, "GC_CACERT: can't read '/nowhere/x.pem'" },
	{ "GC_CACERT=/dev/null GC_LOGIN_URL=https://h", "", CONFIG_LOGIN,
	    IS(cacert), "/dev/null" },
	{ "", "token_cmd=x\n[default]\n", 0, NONE,
	    "config:1: 'token_cmd' stands before any [section]" },
	{ "", "[default]\ntoken_cmd=\n", 0, IS(token_cmd), "gc-token" },
	{ "", "[default]\ncolour=red", 0, NONE, "config:2: unknown key" },
	{ "", "[default]\nhello", 0, NONE, "config:2: neither" },
	{ "", "[default\n", 0, NONE, "config:1: a section" },
	{ "GC_PROFILE=../x", "", 0, NONE, "GC_PROFILE" },
	{ "GC_PROFILE=a/b", "", 0, NONE, "GC_PROFILE" },
	/* where the org is */
	{ "", "", ALL, NONE, "GC_REGION" },
	{ "", "", 0, IS(domain), NULL },
	{ "GC_SUBDOMAIN=acme", "", ALL, IS(domain), "acme.mypurecloud.com" },
	{ "GC_SUBDOMAIN=acme", "", ALL, IS(api_url),
	    "https://api.acme.mypurecloud.com" },
	{ "GC_SUBDOMAIN=acme", "", ALL, IS(login_url),
	    "https://login.acme.mypurecloud.com" },
	{ "GC_SUBDOMAIN=acme", "", ALL, IS(ws_url),
	    "wss://api.acme.mypurecloud.com/api/v2/platform/notification/"
	    "events" },
	{ "GC_SUBDOMAIN=evil.example/", "", 0, NONE, "GC_SUBDOMAIN" },
	{ "GC_SUBDOMAIN=a@b", "", 0, NONE, "GC_SUBDOMAIN" },
	{ EVENTS "GC_SUBDOMAIN=acme GC_REGION=mypurecloud.ie", "", ALL,
	    IS(domain), "mypurecloud.ie" },
	{ EVENTS "GC_REGION=mars", "", 0, NONE, "'mars' is no region" },
	{ EVENTS "GC_REGION=eu-west-1 GC_API_URL=https://b/", "", ALL,
	    IS(api_url), "https://b" },
	{ EVENTS "GC_REGION=eu-west-1 GC_API_URL=https://b/", "", ALL,
	    IS(login_url), "https://login.mypurecloud.ie" },
	{ "GC_WS_URL=wss://h/p", "", CONFIG_WS, IS(ws_url), "wss://h/p" },
	{ "GC_WS_URL=wss://h/p", "", CONFIG_WS | CONFIG_API, NONE,
	    "GC_API_URL" },
	{ "GC_API_URL=https://h", "", CONFIG_LOGIN, NONE, "GC_LOGIN_URL" },
	{ "GC_REGION=eu-west-1", "", CONFIG_LOGIN, IS(login_url),
	    "https://login.mypurecloud.ie" },
	/* the protocol of the vendor's regions needs the API, no WebSocket */
	{ "GC_REGION=eu-west-1 GC_WS_URL=wss://h", "",
	    CONFIG_WS, IS(api_url),
	    "https://api.mypurecloud.ie" },
	{ "GC_PROTOCOL=channels GC_API_URL=https://h", "",
	    CONFIG_WS, IS(api_url), "https://h" },
	{ "GC_PROTOCOL=channels GC_WS_URL=wss://h", "",
	    CONFIG_WS, NONE, "GC_API_URL" },
	{ EVENTS "GC_REGION=eu-west-1", "", CONFIG_WS,
	    IS(ws_url), "wss://api.mypurecloud.ie/api/v2/platform/"
	    "notification/events" },
	{ "GC_WS_URL=wss://h", "", CONFIG_WS, IS(ws_url),
	    "wss://h" },
	{ "GC_PROTOCOL=smoke GC_WS_URL=wss://h", "", CONFIG_WS, NONE,
	    "GC_PROTOCOL" },
	{ "GC_PROTOCOL=channels GC_LOGIN_URL=https://h", "", CONFIG_LOGIN,
	    IS(login_url), "https://h" },
	/* a higher place wins, over the alternatives too */
	{ "GC_SUBDOMAIN=acme", "[default]\nregion=mypurecloud.ie", ALL,
	    IS(domain), "acme.mypurecloud.com" },
	{ EVENTS "GC_REGION=eu-central-1",
	    "[default]\nlogin_url=https://h\nsubdomain=acme", ALL,
	    IS(login_url), "https://login.mypurecloud.de" },
	{ "GC_SUBDOMAIN=acme", "[default]\nws_url=wss://h/p", ALL,
	    IS(ws_url), "wss://api.acme.mypurecloud.com/api/v2/platform/"
	    "notification/events" },
	{ EVENTS "GC_LOGIN_URL=https://l", "[default]\nregion=eu-west-1\n"
	    "api_url=https://a\nlogin_url=https://h", ALL, IS(api_url),
	    "https://a" },
	{ EVENTS "GC_LOGIN_URL=https://l", "[default]\nregion=eu-west-1\n"
	    "api_url=https://a\nlogin_url=https://h", ALL, IS(login_url),
	    "https://l" },
	{ "GC_CLIENT_SECRET_FILE=/nowhere/s", "[default]\nclient_secret=s",
	    CONFIG_SECRETS, NONE, "/nowhere/s" },
	{ "GC_CLIENT_SECRET=s", "[default]\nclient_secret_file=/nowhere/s",
	    CONFIG_SECRETS, IS(client_secret), "s" },
	{ "GENESYSCLOUD_OAUTHCLIENT_SECRET=v",
	    "[default]\nclient_secret_file=/nowhere/s", CONFIG_SECRETS, NONE,
	    "/nowhere/s" },
	{ "GENESYSCLOUD_REGION=us-west-2", "[default]\nsubdomain=acme", ALL,
	    IS(domain), "acme.mypurecloud.com" },
	/* addresses: TLS, save on this machine */
	{ "GC_API_URL=http://h", "", 0, NONE, "GC_API_URL" },
	{ "GC_API_URL=http://127.0.0.1:80/", "", 0, IS(api_url),
	    "http://127.0.0.1:80" },
	{ "GC_API_URL=http://[::1]:80", "", 0, IS(api_url),
	    "http://[::1]:80" },
	{ "GC_WS_URL=ws://localhost/x", "", 0, IS(ws_url),
	    "ws://localhost/x" },
	{ "GC_API_URL=http://127.0.0.1.evil.example", "", 0, NONE, "https" },
	{ "GC_API_URL=http://localhost@evil.example", "", 0, NONE, "user" },
	{ "GC_API_URL=https://me:pw@h", "", 0, NONE, "password" },
	{ "GC_API_URL=https://", "", 0, NONE, "GC_API_URL" },
	{ "GC_API_URL=HTTPS://h/P", "", 0, IS(api_url), "https://h/P" },
	{ "GC_API_URL=HTTP://h", "", 0, NONE, "GC_API_URL" },
	{ "GC_API_URL=http://127.0.0.1:9#", "", 0, NONE, "GC_API_URL" },
	{ "", "[default]\napi_url=https://a b", 0, NONE, "GC_API_URL" },
	{ "GC_WS_URL=https://h", "", 0, NONE, "GC_WS_URL must begin with wss" },
	{ "", "[default]\nlogin_url=ftp://h", 0, NONE, "GC_LOGIN_URL" },
	/* the vendor's names, where ours are unset */
	{ EVENTS "GENESYSCLOUD_REGION=us-west-2", "", ALL, IS(domain),
	    "usw2.pure.cloud" },
	{ EVENTS "GENESYSCLOUD_REGION=us-west-2 GC_REGION=eu-west-1", "", ALL,
	    IS(domain), "mypurecloud.ie" },
	{ EVENTS "GENESYSCLOUD_REGION=us-west-2",
	    "[default]\nregion=eu-west-1", ALL, IS(domain),
	    "mypurecloud.ie" },
	{ "GENESYSCLOUD_REGION=us-west-2 GC_SUBDOMAIN=acme", "", ALL,
	    IS(domain), "acme.mypurecloud.com" },
	{ "GENESYSCLOUD_OAUTHCLIENT_ID=v", "", CONFIG_SECRETS, IS(client_id),
	    "v" },
	{ "GENESYSCLOUD_OAUTHCLIENT_ID=v GC_CLIENT_ID=o", "", CONFIG_SECRETS,
	    IS(client_id), "o" },
	{ "GENESYSCLOUD_OAUTHCLIENT_SECRET=v", "", CONFIG_SECRETS,
	    IS(client_secret), "v" },
	{ "GENESYSCLOUD_ACCESS_TOKEN=t", "", CONFIG_SECRETS | CONFIG_LOGIN,
	    IS(access_token), "t" },
	/* secrets: for who asks */
	{ "GC_CLIENT_SECRET=s", "", CONFIG_SECRETS, IS(client_secret), "s" },
	{ "GC_CLIENT_SECRET=s", "", 0, IS(client_secret), NULL },
	{ "GENESYSCLOUD_ACCESS_TOKEN=t", "", 0, IS(access_token), NULL },
	{ "", "[default]\nclient_secret=s", CONFIG_SECRETS,
	    IS(client_secret), "s" },
	{ "", "[default]\nclient_secret=s", 0, IS(client_secret), NULL },
	{ "GC_CLIENT_SECRET_FILE=/nowhere/s", "", CONFIG_SECRETS, NONE,
	    "/nowhere/s" },
	{ "GC_CLIENT_SECRET_FILE=/nowhere/s", "", 0, IS(client_secret),
	    NULL },
	{ "GC_GRANT=me", "", CONFIG_SECRETS, NONE,
	    "GC_GRANT: 'me' is neither client nor login" },
	{ "GC_GRANT=me", "", 0, IS(domain), NULL },
	{ "GC_GRANT=client", "", CONFIG_SECRETS, IS(client_secret), NULL },
};

/* What a token is had for. */
static const struct {
	const char *env, *file;
	enum config_grant grant;
} grants[] = {
	{ "", "", CONFIG_NO_GRANT },
	{ "GC_CLIENT_ID=c", "", CONFIG_NO_GRANT },
	{ "GC_GRANT=", "", CONFIG_NO_GRANT },
	{ "GC_CLIENT_SECRET=s", "", CONFIG_CLIENT_GRANT },
	{ "GENESYSCLOUD_OAUTHCLIENT_SECRET=s", "", CONFIG_CLIENT_GRANT },
	{ "", "[default]\nclient_secret=s", CONFIG_CLIENT_GRANT },
	{ "GC_GRANT=client", "", CONFIG_CLIENT_GRANT },
	{ "GC_GRANT=login", "", CONFIG_LOGIN_GRANT },
	{ "", "[default]\ngrant=login", CONFIG_LOGIN_GRANT },
	{ "GC_GRANT=login GC_CLIENT_SECRET=s", "", CONFIG_LOGIN_GRANT },
	{ "GC_CLIENT_SECRET=s", "[default]\ngrant=login",
	    CONFIG_LOGIN_GRANT },
	{ "GC_GRANT=client", "[default]\ngrant=login", CONFIG_CLIENT_GRANT },
};

/* Only these settings, and this file. */
static void
set(const char *env, const char *file)
{
	char copy[256], *word, *rest = copy, *value;
	struct err e;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	snprintf(copy, sizeof(copy), "%s", env);
	while ((word = strsep(&rest, " ")) != NULL)
		if ((value = strchr(word, '=')) != NULL) {
			*value++ = '\0';
			setenv(word, value, 1);
		}
	file_replace(path, file, strlen(file), &e);
}

static void
check(const struct row *r)
{
	struct config c;
	struct err e = { 0, "" };
	const char *got;
	int status;

	set(r->env, r->file);
	status = config_load(&c, r->want, &e);
	if (r->member == NONE) {
		ok(status == -1 && e.code == GC_EX_CONFIG &&
		    strstr(e.msg, r->value) != NULL, "'%s' '%s': 78: %s",
		    r->env, r->file, e.msg);
		return;
	}
	if (!ok(status == 0, "'%s' '%s' %s", r->env, r->file, e.msg))
		return;
	got = *(char **)((char *)&c + r->member);
	if (r->value == NULL)
		ok(got == NULL, "it is not set");
	else
		is_str(got, r->value, r->value);
	config_free(&c);
}

static void
test_grants(void)
{
	struct config c;
	struct err e = { 0, "" };

	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
		set(grants[i].env, grants[i].file);
		if (!ok(config_load(&c, CONFIG_SECRETS, &e) == 0 &&
		    c.grant == grants[i].grant, "grant of '%s' '%s'",
		    grants[i].env, grants[i].file))
			printf("# %s\n", e.msg);
		config_free(&c);
	}
}

static const struct { const char *name, *domain; } spellings[] = {
	{ "us-east-1", "mypurecloud.com" }, { "US_EAST_1", "mypurecloud.com" },
	{ "mypurecloud.com", "mypurecloud.com" },
	{ "MyPureCloud.COM.", "mypurecloud.com" },
	{ "us_west-2.", "usw2.pure.cloud" },
	{ "USW2.pure.cloud", "usw2.pure.cloud" },
	{ "eu-west-1", "mypurecloud.ie" }, { "mypurecloud.ie.",
	"mypurecloud.ie" }, { "eu_central_1", "mypurecloud.de" },
	{ "mypurecloud.com.au", "mypurecloud.com.au" },
	{ "us-east-2", "use2.us-gov-pure.cloud" },
	{ "use2.us_gov_pure.cloud", "use2.us-gov-pure.cloud" },
	{ "", NULL }, { ".", NULL }, { "eu-west", NULL },
	{ "eu-west-11", NULL },
	{ "mypurecloud", NULL }, { "mypurecloud.com..", NULL },
	{ " eu-west-1", NULL }, { "api.mypurecloud.com", NULL },
	{ "mypurecloud.com-and-a-tail-that-is-longer-than-any-name-of-a-"
	    "region-ever-was", NULL },
};

static const char *const domains[] = { "mypurecloud.com",
    "use2.us-gov-pure.cloud", "usw2.pure.cloud", "cac1.pure.cloud",
    "mxc1.pure.cloud", "sae1.pure.cloud", "mypurecloud.ie",
    "euw2.pure.cloud", "mypurecloud.de", "euc2.pure.cloud",
    "edee1.eusc-pure.cloud", "mec1.pure.cloud", "aps1.pure.cloud",
    "apse1.pure.cloud", "mypurecloud.com.au", "mypurecloud.jp",
    "apne2.pure.cloud", "apne3.pure.cloud" };

static void
test_regions(void)
{
	struct config c;
	struct err e = { 0, "" };

	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++) {
		const char *got = region_domain(spellings[i].name);

		ok(spellings[i].domain == NULL ? got == NULL : got != NULL &&
		    strcmp(got, spellings[i].domain) == 0, "'%s' is %s",
		    spellings[i].name, got ? got : "none");
	}
	set("GC_REGION=a-name-that-is-longer-than-any-region-has-ever-been",
	    "");
	is_int(config_load(&c, 0, &e), -1, "an unknown region");
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		ok(strstr(e.msg, domains[i]) != NULL, "it lists %s",
		    domains[i]);
}

/* GC_PROTOCOL's auto, which it is by default, follows the domain alone. */
static const struct { const char *env, *file; bool channels; } protocols[] = {
	{ "GC_REGION=eu-west-1", "", true },
	{ "GC_PROTOCOL=auto GC_REGION=eu-west-1", "", true },
	{ "GC_PROTOCOL= GC_REGION=MyPureCloud.IE.", "", true },
	{ "GENESYSCLOUD_REGION=us_west_2", "", true },
	{ "", "[default]\nregion=eu-west-1", true },
	{ "GC_REGION=eu-west-1 GC_API_URL=https://h GC_WS_URL=wss://h", "",
	    true },
	{ "GC_PROTOCOL=events GC_REGION=eu-west-1", "", false },
	{ "GC_REGION=eu-west-1", "[default]\nprotocol=events", false },
	{ "GC_SUBDOMAIN=acme", "", false },
	{ "GC_PROTOCOL=auto GC_SUBDOMAIN=acme", "", false },
	{ "GC_PROTOCOL=auto GC_API_URL=https://api.mypurecloud.ie "
	    "GC_WS_URL=wss://h", "", false },
	{ "GC_PROTOCOL=channels GC_SUBDOMAIN=acme", "", true },
	{ "GC_SUBDOMAIN=acme", "[default]\nprotocol=channels", true },
};

static void
test_protocols(void)
{
	struct config c;
	struct err e = { 0, "" };
	char env[64];

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		set(protocols[i].env, protocols[i].file);
		ok(config_load(&c, CONFIG_WS, &e) == 0 &&
		    c.channels == protocols[i].channels, "'%s' '%s' is %s",
		    protocols[i].env, protocols[i].file,
		    protocols[i].channels ? "channels" : "events");
		config_free(&c);
	}
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		snprintf(env, sizeof(env), "GC_REGION=%s", domains[i]);
		set(env, "");
		ok(config_load(&c, CONFIG_WS, &e) == 0 && c.channels,
		    "%s is channels", domains[i]);
		config_free(&c);
	}
}

/* A file that holds the secret which is used, and who may read it. */
static void
test_private(void)
{
	static const char text[] = "[default]\nclient_id=i\nclient_secret=hush";
	struct config c;
	struct err e = { 0, "" };
	char env[192];

	set("", text);
	chmod(path, 0640);
	is_int(config_load(&c, CONFIG_SECRETS, &e), -1, "others can read it");
	ok(e.code == GC_EX_CONFIG && strstr(e.msg, "hush") == NULL &&
	    strstr(e.msg, path) != NULL, "78: %s", e.msg);
	is_int(config_load(&c, 0, &e), 0, "who wants none does not mind");
	config_free(&c);
	snprintf(env, sizeof(env), "GC_CLIENT_SECRET_FILE=%s", secret);
	set(env, "");
	file_replace(secret, "  two words \r\nmore\n", 19, &e);
	is_int(config_load(&c, CONFIG_SECRETS, &e), 0, "a secret's file");
	is_str(c.client_secret, "  two words ", "its first line, as it is");
	config_free(&c);
	ok(c.client_secret == NULL && c.profile == NULL, "freed");
	config_free(&c);
	file_replace(secret, "\nmore\n", 6, &e);
	is_int(config_load(&c, CONFIG_SECRETS, &e), -1, "an empty one");
	ok(e.code == GC_EX_CONFIG && strstr(e.msg, "is empty") != NULL,
	    "78: %s", e.msg);
	file_replace(secret, "", 0, &e);
	is_int(config_load(&c, CONFIG_SECRETS, &e), -1, "no byte in it");
	chmod(secret, 0604);
	is_int(config_load(&c, CONFIG_SECRETS, &e), -1, "others can read it");
	is_int(e.code, GC_EX_CONFIG, "78");
	unlink(secret);
}

/* What systemd's LoadCredential= brings is readable by an ACL: the group's
 * bits show it.  Nowhere else is that let pass, nor more than that. */
static void
test_credential(void)
{
	static const struct {
		mode_t mode;
		bool there;
		int status;
	} cases[] = { { 0440, true, 0 }, { 0400, true, 0 },
	    { 0440, false, -1 }, { 0444, true, -1 }, { 0460, true, -1 } };
	char env[192], credentials[128];
	struct config c;
	struct err e;

	snprintf(credentials, sizeof(credentials), "%s", secret);
	*strrchr(credentials, '/') = '\0';
	snprintf(env, sizeof(env), "GC_CLIENT_SECRET_FILE=%s", secret);
	set(env, "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unlink(secret);
		file_replace(secret, "hush", 4, &e);
		chmod(secret, cases[i].mode);
		setenv("CREDENTIALS_DIRECTORY", cases[i].there ?
		    credentials : "/run/credentials/other", 1);
		ok(config_load(&c, CONFIG_SECRETS, &e) == cases[i].status,
		    "a credential, mode %03o", (unsigned)cases[i].mode);
		config_free(&c);
	}
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(secret);
}

/* A secret in the reach of others is told, whoever needs it. */
static void
test_reach(void)
{
	static const char *const files[] = {
		"[other]\nclient_secret=hush\n",
		"[default]\nclient_secret=hush\n",
	};
	struct config c;
	struct err e;

	for (size_t i = 0; i < 2; i++) {
		set("GC_CLIENT_SECRET=s", files[i]);
		is_int(config_load(&c, CONFIG_SECRETS, &e), 0, "for us alone");
		config_free(&c);
		chmod(path, 0644);
		is_int(config_load(&c, CONFIG_SECRETS, &e), -1,
		    "others can read one that is not used");
		ok(e.code == GC_EX_CONFIG && strstr(e.msg, "chmod") != NULL,
		    "78: %s", e.msg);
	}
	set("GC_CLIENT_SECRET=s", "[other]\nclient_secret =\n");
	chmod(path, 0644);
	is_int(config_load(&c, CONFIG_SECRETS, &e), 0, "an empty one is none");
	config_free(&c);
}

/* A NUL ends no file quietly. */
static void
test_nul(void)
{
	static const char text[] = "[default]\ntoken_cmd=a\0b\ncacert=/x\n";
	static const char last[] = "[default]\ntoken_cmd=a\0";
	struct config c;
	struct err e;

	set("", "");
	file_replace(path, text, sizeof(text) - 1, &e);
	is_int(config_load(&c, 0, &e), -1, "a NUL");
	ok(e.code == GC_EX_CONFIG && strstr(e.msg, "config:2: a NUL") != NULL,
	    "78, with its line: %s", e.msg);
	file_replace(path, last, sizeof(last) - 1, &e);
	is_int(config_load(&c, 0, &e), -1, "as the last byte too");
}

static void
test_homeless(void)
{
	struct config c;
	struct err e;
	char env[192];

	set("", "");
	unsetenv("HOME");
	is_int(config_load(&c, 0, &e), 0, "no HOME");
	ok(c.state_folder == NULL && c.cache_folder == NULL, "no folders");
	ok(config_path(c.cache_folder, "token", &e) == NULL &&
	    e.code == GC_EX_CONFIG && strstr(e.msg, "HOME") != NULL,
	    "78 where one is needed: %s", e.msg);
	config_free(&c);
	snprintf(env, sizeof(env), "XDG_CACHE_HOME=%s/c", home);
	set(env, "");
	is_int(config_load(&c, 0, &e), 0, "one XDG folder");
	snprintf(env, sizeof(env), "%s/c/gc/default", home);
	is_str(c.cache_folder, env, "is enough for that one");
	config_free(&c);
	setenv("HOME", home, 1);
}

static void
test_folders(void)
{
	struct config c;
	struct err e;
	struct stat st;
	char want[192], *made;

	set("GC_PROFILE=p", "");
	config_load(&c, 0, &e);
	snprintf(want, sizeof(want), "%s/.local/state/gc/p", home);
	is_str(c.state_folder, want, "state");
	snprintf(want, sizeof(want), "%s/.cache/gc/p", home);
	is_str(c.cache_folder, want, "cache");
	ok(stat(c.state_folder, &st) == -1, "neither is made by looking");
	config_free(&c);
	snprintf(want, sizeof(want), "GC_PROFILE=p XDG_CACHE_HOME=relative "
	    "XDG_STATE_HOME=%s/s", home);
	set(want, "");
	config_load(&c, 0, &e);
	snprintf(want, sizeof(want), "%s/s/gc/p", home);
	is_str(c.state_folder, want, "XDG's");
	made = config_path(c.state_folder, "lock", &e);
	ok(made != NULL && stat(c.state_folder, &st) == 0 &&
	    (st.st_mode & 0777) == 0700, "made when needed, 0700");
	free(made);
	snprintf(want, sizeof(want), "%s/.cache/gc/p", home);
	is_str(c.cache_folder, want, "a relative one is ignored");
	config_free(&c);
	unlink(path);
	is_int(config_load(&c, 0, &e), 0, "no file at all");
	config_free(&c);
	mkdir(path, 0700);
	is_int(config_load(&c, 0, &e), -1, "a folder in its place");
	is_int(e.code, GC_EX_CONFIG, "78");
	rmdir(path);
}

int
main(void)
{
	static const char *const made[] = { "/s/gc/p", "/s/gc", "/s",
	    "/.config/gc", "/.config", "" };
	char name[128];
	struct err e;

	if (mkdtemp(home) == NULL)
		return 1;
	setenv("HOME", home, 1);
	snprintf(folder, sizeof(folder), "%s/.config/gc", home);
	snprintf(path, sizeof(path), "%s/config", folder);
	snprintf(secret, sizeof(secret), "%s/secret", folder);
	file_make_folders(folder, &e);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
	test_grants();
	test_regions();
	test_protocols();
	test_private();
	test_credential();
	test_reach();
	test_nul();
	test_homeless();
	test_folders();
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", home, made[i]);
		rmdir(name);
	}
	return done();
}
