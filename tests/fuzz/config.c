/* Any configuration file: settings, or a refusal that says the line. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/config.h"
#include "lib/file.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char folder[] = "/tmp/gc-fuzz.XXXXXX", path[64];
	struct config c;
	struct err e;

	if (path[0] == '\0') {
		if (mkdtemp(folder) == NULL)
			abort();
		setenv("XDG_CONFIG_HOME", folder, 1);
		snprintf(path, sizeof(path), "%s/gc", folder);
		mkdir(path, 0700);
		snprintf(path, sizeof(path), "%s/gc/config", folder);
	}
	if (file_replace(path, data, size, &e) == -1)
		return 0;
	if (config_load(&c, CONFIG_WS | CONFIG_API | CONFIG_LOGIN |
	    CONFIG_SECRETS, &e) == -1) {
		if (e.code != GC_EX_CONFIG || e.msg[0] == '\0')
			abort();
		return 0;
	}
	if ((c.ws_url == NULL && !c.channels) || c.api_url == NULL ||
	    c.token_cmd == NULL)
		abort();
	config_free(&c);
	return 0;
}
