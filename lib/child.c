#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/child.h"
#include "lib/helper.h"
#include "lib/log.h"
#include "lib/sigs.h"
#include "lib/str.h"

#define NOT_FOUND 127		/* as shells say it */

static bool all_lead;		/* a group of their own */

/* A program that stands beside this executable, else its name for PATH. */
static const char *
locate(const char *name, char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (strchr(name, '/') != NULL || n <= 0)
		return name;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL ||
	    (size_t)(slash + 1 - path) + strlen(name) + 1 > PATH_MAX)
		return name;
	memcpy(slash + 1, name, strlen(name) + 1);
	return access(path, X_OK) == 0 ? path : name;
}

static _Noreturn void
run(const char *command, char *const env[])
{
	char path[PATH_MAX], name[CHILD_NAME_MAX];
	char *copy = xstrdup(command), *word, **argv;
	size_t n = 0;

	for (; env != NULL && *env != NULL; env++)
		putenv(*env);
	if (str_needs_shell(command)) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	} else {
		argv = xcalloc(strlen(command) / 2 + 2, sizeof(*argv));
		while ((word = strsep(&copy, " \t")) != NULL)
			if (*word != '\0')
				argv[n++] = word;
		argv[n] = NULL;
		if (n > 0)
			execvp(locate(argv[0], path), argv);
	}
	if (n == 0 && !str_needs_shell(command))
		errno = ENOENT;
	child_name(command, name);
	log_error("can't run '%s': %s", name, strerror(errno));
	_exit(NOT_FOUND);
}

/* In the child: fds onto 0 and 1, then the program. */
static void
become(const char *command, char *const env[], int in, int out)
{
	if (in == -1 || all_lead)
		setpgid(0, 0);
	if (in == -1)
		in = open("/dev/null", O_RDONLY);
	if (in == -1 || dup2(in, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1)
		_exit(GC_EX_OSERR);
	/* dup2 of an equal number leaves close-on-exec set */
	fcntl(STDIN_FILENO, F_SETFD, 0);
	fcntl(STDOUT_FILENO, F_SETFD, 0);
	sigs_reset_in_child();
	run(command, env);
}

static void
close_pair(int fds[2])
{
	if (fds[0] != -1)
		close(fds[0]);
	if (fds[1] != -1)
		close(fds[1]);
}

void
child_name(const char *command, char name[CHILD_NAME_MAX])
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
	size_t n;

	command += strspn(command, " \t");
	n = strspn(command, plain);
	if (n > 0 && (command[n] == '\0' || strchr(" \t;", command[n])))
		snprintf(name, CHILD_NAME_MAX, "%.*s", (int)n, command);
	else
		snprintf(name, CHILD_NAME_MAX, "sh");
}

void
child_lead_groups(void)
{
	all_lead = true;
}

int
child_helper(const char *command, struct err *e)
{
	return helper_open(command, become, e);
}

static pid_t
make(const char *command, char *const env[], int in, int out)
{
	pid_t pid;

	if (helper_is_open())
		return helper_run(env, in, out);
	pid = fork();
	if (pid == 0)
		become(command, env, in, out);
	return pid;
}

int
child_start(struct child *c, const char *command, char *const env[],
    bool with_stdin, struct err *e)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	char name[CHILD_NAME_MAX];

	if ((with_stdin && pipe2(in, O_CLOEXEC) == -1) ||
	    pipe2(out, O_CLOEXEC) == -1 ||
	    (c->pid = make(command, env, in[0], out[1])) == -1) {
		child_name(command, name);
		err_set(e, GC_EX_OSERR, "can't start '%s': %s", name,
		    strerror(errno));
		close_pair(in);
		close_pair(out);
		*c = (struct child)CHILD_NONE;
		return -1;
	}
	c->group = !with_stdin || all_lead;
	c->to = in[1];
	c->from = out[0];
	if (with_stdin) {
		close(in[0]);
		fcntl(c->to, F_SETFL, O_NONBLOCK);
	}
	close(out[1]);
	fcntl(c->from, F_SETFL, O_NONBLOCK);
	return 0;
}

int
child_reap(struct child *c, int *code)
{
	int status;

	if (c->pid == -1)
		return 0;
	if (helper_is_open()) {
		if (!helper_exited(c->pid, code))
			return 0;
	} else {
		if (waitpid(c->pid, &status, WNOHANG) != c->pid)
			return 0;
		*code = WIFEXITED(status) ? WEXITSTATUS(status) :
		    128 + WTERMSIG(status);
	}
	c->pid = -1;
	return 1;
}

void
child_kill(struct child *c)
{
	child_close_stdin(c);
	child_close_stdout(c);
	if (c->pid == -1)
		return;
	/* its group is not there before it has run */
	if (!c->group || kill(-c->pid, SIGKILL) == -1)
		kill(c->pid, SIGKILL);
	if (helper_is_open())
		helper_forget(c->pid);
	else
		while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	c->pid = -1;
}

void
child_close_stdin(struct child *c)
{
	if (c->to != -1)
		close(c->to);
	c->to = -1;
}

void
child_close_stdout(struct child *c)
{
	if (c->from != -1)
		close(c->from);
	c->from = -1;
}
