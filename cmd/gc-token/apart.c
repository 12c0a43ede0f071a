/* Renewing by a refresh token, in a process of its own: the answer holds the
 * next one, and the old one is good no longer.  So whoever ends us meanwhile
 * (a caller that kills, a terminal that is closed) does not end that: it has
 * the lock until the next one is kept. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"

#define ORPHAN_MS 5000		/* for the answer, once nobody waits for it */

/* What it tells us: less than a pipe takes at once. */
struct outcome {
	int status;
	struct err err;
	uint64_t requests, failures, renewals;
};

/* --- the process apart -------------------------------------------------- */

bool
apart_turn(struct app *app)
{
	if (getppid() == app->apart_from)
		return true;
	if (app->orphan_ms == 0)
		app->orphan_ms = clock_mono_ms();
	return clock_mono_ms() - app->orphan_ms < ORPHAN_MS;
}

static int
renew_and_keep(struct app *app, struct err *e)
{
	struct token t;

	if (grant_renew(app, &t, e) == -1)
		return -1;
	if (token_save(&t, app->cache, app->owner, e) == -1)
		return err_prefix(e, "renewed, but it can't be kept: run "
		    "gc-token login");
	token_free(&t);
	return 0;
}

/* Signals, stdout and metrics stay the other's. */
static _Noreturn void
see_through(struct app *app, int to)
{
	struct outcome o = { .status = -1 };
	int null = open("/dev/null", O_WRONLY);
	ssize_t ignored;

	setsid();
	if (null != -1)
		dup2(null, STDOUT_FILENO);
	app->sigs_fd = -1;
	app->metrics.path = NULL;
	app->requests = app->failures = app->renewals = 0;
	o.status = renew_and_keep(app, &o.err);
	o.requests = app->requests;
	o.failures = app->failures;
	o.renewals = app->renewals;
	ignored = write(to, &o, sizeof(o));
	(void)ignored;		/* nobody waits: it is kept all the same */
	_exit(0);
}

/* --- who waits for it --------------------------------------------------- */

static void
wait_for_word(struct app *app, int from)
{
	struct pollfd fds[3] = { { from, POLLIN, 0 },
	    { app->sigs_fd, POLLIN, 0 }, { STDOUT_FILENO, 0, 0 } };
	int64_t now;

	app->doing = "asking the login host";
	do {
		if (!turn(app))
			end(app);
		now = clock_mono_ms();
		poll(fds, 3, clock_poll_ms(now, metrics_tick(&app->metrics,
		    now)));
	} while (fds[0].revents == 0);
}

static int
take_outcome(struct app *app, int from, struct err *e)
{
	struct outcome o;

	wait_for_word(app, from);
	if (read(from, &o, sizeof(o)) != sizeof(o))
		return err_set(e, GC_EX_TEMPFAIL, "renewing was ended by "
		    "somebody");
	app->requests += o.requests;
	app->failures += o.failures;
	app->renewals += o.renewals;
	if (o.status == -1)
		*e = o.err;
	return o.status;
}

int
apart_renew(struct app *app, struct token *t, struct err *e)
{
	pid_t us = getpid(), pid;
	int fds[2], status;

	*t = (struct token){ 0 };
	if (pipe2(fds, O_CLOEXEC) == -1)
		return err_set(e, GC_EX_OSERR, "can't make a pipe: %s",
		    strerror(errno));
	if ((pid = fork()) == 0) {
		close(fds[0]);
		app->apart_from = us;
		see_through(app, fds[1]);
	}
	status = pid == -1 ? err_set(e, GC_EX_OSERR, "can't fork: %s",
	    strerror(errno)) : 0;
	close(fds[1]);
	if (status == 0)
		status = take_outcome(app, fds[0], e);
	close(fds[0]);
	if (pid != -1)
		while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	if (status == -1)
		return -1;
	return token_load(t, app->cache, app->owner, e) == 1 ? 0 :
	    err_set(e, GC_EX_IOERR, "what was kept is gone again");
}
