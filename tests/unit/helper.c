/* The process that makes the children: what it takes and what it tells. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/helper.h"
#include "tests/tap.h"

static volatile sig_atomic_t told;

static void
on_child(int number)
{
	(void)number;
	told++;
}

/* A child that does what GC_TOKEN_DO says. */
static void
body(const char *command, char *const env[], int in, int out)
{
	const char *act = env[0] == NULL ? "" : env[0];
	sigset_t none;
	char c;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dprintf(out, "%s %s in=%d", command, act, in != -1);
	if (strcmp(act, "GC_TOKEN_DO=wait") == 0)
		pause();
	if (strcmp(act, "GC_TOKEN_DO=read") == 0)
		dprintf(out, " %zd", read(in, &c, 1));
	_exit(7);
}

/* Start it and read what it says, up to its end or so many bytes. */
static pid_t
start(char *env, int in, char *text, size_t want)
{
	char *envs[2] = { env, NULL };
	int out[2];
	size_t at = 0;
	ssize_t n = 1;
	pid_t pid;

	if (pipe(out) == -1)
		return -1;
	pid = helper_run(envs, in, out[1]);
	close(out[1]);
	while (pid != -1 && n > 0 && at < want) {
		n = read(out[0], text + at, want - at);
		at += n > 0 ? (size_t)n : 0;
	}
	text[at] = '\0';
	close(out[0]);
	return pid;
}

static int
await_end(pid_t pid)
{
	int code = -1;

	for (int i = 0; i < 2000 && !helper_exited(pid, &code); i++)
		poll(NULL, 0, 10);
	return code;
}

static void
test_runs(void)
{
	static char read_one[] = "GC_TOKEN_DO=read", none[] = "GC_TOKEN_X=";
	char text[128];
	int in[2] = { -1, -1 };
	pid_t pid = start(none, -1, text, 100);

	ok(pid > 0, "a child is started");
	is_str(text, "cmd GC_TOKEN_X= in=0", "with its command and setting");
	is_int(await_end(pid), 7, "its exit code is told");
	ok(told > 0, "by SIGCHLD");
	if (pipe(in) == 0 && write(in[1], "x", 1) == 1)
		pid = start(read_one, in[0], text, 100);
	is_str(text, "cmd GC_TOKEN_DO=read in=1 1", "it is given its input");
	is_int(await_end(pid), 7, "and ends");
}

static void
test_kills(void)
{
	static char wait_for[] = "GC_TOKEN_DO=wait", none[] = "GC_TOKEN_X=";
	char text[128];
	pid_t pid = start(wait_for, -1, text, 25);
	int code;

	ok(pid > 0, "one that stays");
	ok(!helper_exited(pid, &code), "has not ended");
	ok(start(none, -1, text, 100) == -1, "there is one at a time");
	kill(pid, SIGTERM);
	is_int(await_end(pid), 128 + SIGTERM, "a signal's number is told");
	pid = start(wait_for, -1, text, 25);
	kill(pid, SIGKILL);
	helper_forget(pid);
	pid = start(none, -1, text, 100);
	ok(pid > 0, "after one that was forgotten there is another");
	is_int(await_end(pid), 7, "whose end is its own");
}

static void
test_refuses(void)
{
	static char evil[] = "LD_PRELOAD=/tmp/evil.so", path[] = "PATH=/tmp";
	static char many[HELPER_ENV_MAX + 16] = "GC_TOKEN_X=";
	char text[128];

	ok(start(evil, -1, text, 100) == -1 && errno == EPERM,
	    "no other setting is taken");
	ok(start(path, -1, text, 100) == -1 && errno == EPERM,
	    "none at all");
	memset(many + strlen(many), 'x', sizeof(many) - strlen(many) - 1);
	ok(start(many, -1, text, 100) == -1 && errno == E2BIG,
	    "nor one that is too long");
}

int
main(void)
{
	struct sigaction act = { .sa_handler = on_child };
	struct err e;

	sigaction(SIGCHLD, &act, NULL);
	ok(!helper_is_open(), "at first there is none");
	ok(helper_open("cmd", body, &e) == 0 && helper_is_open(),
	    "a helper");
	test_runs();
	test_kills();
	test_refuses();
	return done();
}
