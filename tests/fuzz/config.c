/*
 * Any configuration file: settings, or a refusal that says the line.  Where
 * secrets would go is on this machine, as libcurl reads the address, or is
 * reached by TLS.
 */
#include <sys/stat.h>
#include <curl/curl.h>

#include "lib/config.h"
#include "lib/file.h"
#include "tests/fuzz/fuzz.h"

static bool
is_here(const char *host)
{
	return strcmp(host, "127.0.0.1") == 0 ||
	    strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static void
check_url(const char *url)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *user = NULL;

	require(strpbrk(url, " \t\r\n") == NULL);
	/* one that libcurl does not read leads nowhere */
	if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) ==
	    CURLUE_OK) {
		curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
		curl_url_get(u, CURLUPART_HOST, &host, 0);
		curl_url_get(u, CURLUPART_USER, &user, 0);
		require(scheme != NULL && host != NULL && user == NULL &&
		    (strcmp(scheme, "https") == 0 ||
		    strcmp(scheme, "wss") == 0 || is_here(host)));
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	curl_url_cleanup(u);
}

/* The folder of the file, for us alone. */
static void
begin(char path[FUZZ_PATH_MAX])
{
	static char folder[FUZZ_PATH_MAX];

	fuzz_path(folder, "gc");
	require(mkdir(folder, 0700) == 0);
	snprintf(path, FUZZ_PATH_MAX, "%.200s/config", folder);
	*strrchr(folder, '/') = '\0';
	setenv("XDG_CONFIG_HOME", folder, 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[FUZZ_PATH_MAX];
	struct config c;
	struct err e;

	if (path[0] == '\0')
		begin(path);
	require(file_replace(path, data, size, &e) == 0);
	if (config_load(&c, CONFIG_WS | CONFIG_API | CONFIG_LOGIN |
	    CONFIG_SECRETS, &e) == -1) {
		require(e.code == GC_EX_CONFIG && e.msg[0] != '\0');
		return 0;
	}
	require((c.ws_url != NULL || c.channels) && c.api_url != NULL &&
	    c.token_cmd != NULL);
	check_url(c.api_url);
	if (c.ws_url != NULL)
		check_url(c.ws_url);
	if (c.login_url != NULL)
		check_url(c.login_url);
	config_free(&c);
	return 0;
}
