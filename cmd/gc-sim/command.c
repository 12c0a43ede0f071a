/* COMMAND: run with the org's settings and nothing of the caller's. */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-sim/sim.h"
#include "lib/log.h"
#include "lib/sigs.h"
#include "lib/str.h"

extern char **environ;

static void
set_folder(const char *name, const char *folder, const char *sub)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, sub);
	mkdir(path, 0700);
	setenv(name, path, 1);
}

/* Nothing of the caller's own settings reaches COMMAND. */
static void
clear_environment(void)
{
	static const char *const prefixes[] = { "GC_", "GENESYSCLOUD_",
	    "XDG_", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy",
	    "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy" };
	char *name;
	size_t i = 0, p;

	while (environ[i] != NULL) {
		for (p = 0; p < sizeof(prefixes) / sizeof(char *); p++)
			if (str_starts(environ[i], prefixes[p]))
				break;
		if (p == sizeof(prefixes) / sizeof(char *) ||
		    str_starts(environ[i], "GC_BUILD=")) {
			i++;
			continue;
		}
		name = xstrndup(environ[i], strcspn(environ[i], "="));
		if (unsetenv(name) == -1)
			i++;
		free(name);
	}
}

pid_t
command_start(char **argv, const struct sim *s, const char *folder,
    const struct urls *u)
{
	pid_t pid = fork();

	if (pid == -1)
		die(GC_EX_OSERR, "can't fork: %s", strerror(errno));
	if (pid != 0)
		return pid;
	sigs_reset_in_child();
	prctl(PR_SET_PDEATHSIG, SIGTERM);	/* it does not outlive us */
	clear_environment();
	setenv("GC_API_URL", u->api, 1);
	setenv("GC_LOGIN_URL", u->api, 1);
	if (s->protocol == CHANNELS)
		setenv("GC_PROTOCOL", "channels", 1);
	else
		setenv("GC_WS_URL", u->ws, 1);
	setenv("GC_CLIENT_ID", s->client_id, 1);
	setenv("GC_CLIENT_SECRET", s->client_secret, 1);
	if (u->cacert[0] != '\0')
		setenv("GC_CACERT", u->cacert, 1);
	if (s->life.truth != NULL)
		setenv("GC_SIM_TRUTH", s->life.truth, 1);
	set_folder("HOME", folder, "home");
	set_folder("XDG_CONFIG_HOME", folder, "config");
	set_folder("XDG_STATE_HOME", folder, "state");
	set_folder("XDG_CACHE_HOME", folder, "cache");
	execvp(argv[0], argv);
	log_error("can't run '%s': %s", argv[0], strerror(errno));
	_exit(127);
}

int
command_ended(pid_t pid)
{
	int status;

	if (pid == 0 || waitpid(pid, &status, WNOHANG) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}
