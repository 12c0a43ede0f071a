/* Renewing by a refresh token, in a process of its own: the answer holds the
 * next one, and the old one is good no longer.  So whoever ends us meanwhile
 * (a caller that kills, a terminal that is closed) does not end that: it has
 * the lock until the next one is kept.  It is made at the start, and waits
 * to be asked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"

#define ORPHAN_MS 5000		/* for the answer, once nobody waits for it */

/* What it is asked, and what it tells us: less than a pipe takes at once. */
struct job {
	int64_t after_ms, used_up_ms, deadline_ms;
	bool reload;		/* the configuration is another by now */
};

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

static void
do_job(struct app *app, const struct job *job, struct outcome *o)
{
	*o = (struct outcome){ .status = -1 };
	app->requests = app->failures = app->renewals = 0;
	app->used_up_ms = job->used_up_ms;
	app->deadline_ms = job->deadline_ms;
	app->orphan_ms = 0;
	if (job->reload)
		reload(app);
	o->status = cache_renew(app, job->after_ms, &o->err);
	o->requests = app->requests;
	o->failures = app->failures;
	o->renewals = app->renewals;
}

/* Signals, stdout and metrics stay the other's.  If nobody waits any more,
 * what came is kept all the same. */
static _Noreturn void
serve(struct app *app, int from, int to)
{
	int null = open("/dev/null", O_WRONLY);
	struct outcome o;
	struct job job;

	setsid();
	if (null != -1)
		dup2(null, STDOUT_FILENO);
	app->sigs_fd = -1;
	app->metrics.path = NULL;
	give_up_power(app);
	while (read(from, &job, sizeof(job)) == sizeof(job)) {
		do_job(app, &job, &o);
		if (write(to, &o, sizeof(o)) != sizeof(o))
			break;
	}
	_exit(0);
}

int
apart_start(struct app *app, struct err *e)
{
	int ask[2] = { -1, -1 }, tell[2] = { -1, -1 };
	pid_t us = getpid(), pid;

	if (pipe2(ask, O_CLOEXEC) == -1 || pipe2(tell, O_CLOEXEC) == -1 ||
	    (pid = fork()) == -1)
		return err_set(e, GC_EX_OSERR, "can't make a process to renew "
		    "the token in: %s", strerror(errno));
	if (pid == 0) {
		close(ask[1]);
		close(tell[0]);
		app->apart_from = us;
		serve(app, ask[0], tell[1]);
	}
	close(ask[0]);
	close(tell[1]);
	app->apart_ask = ask[1];
	app->apart_tell = tell[0];
	return 0;
}

/* --- who waits for it --------------------------------------------------- */

static void
wait_for_word(struct app *app, int from)
{
	struct pollfd fds[3] = { { from, POLLIN, 0 },
	    { app->sigs_fd, POLLIN, 0 }, { STDOUT_FILENO, 0, 0 } };
	int64_t now;

	app->doing = "waiting for a renewal";
	do {
		if (!turn(app))
			end(app);
		now = clock_mono_ms();
		poll(fds, 3, clock_poll_ms(now, metrics_tick(&app->metrics,
		    now)));
	} while (fds[0].revents == 0);
}

int
apart_renew(struct app *app, int64_t after_ms, struct token *t, struct err *e)
{
	const struct job job = { after_ms, app->used_up_ms, app->deadline_ms,
	    app->reloaded };
	struct outcome o;

	*t = (struct token){ 0 };
	app->reloaded = false;
	if (write(app->apart_ask, &job, sizeof(job)) == sizeof(job))
		wait_for_word(app, app->apart_tell);
	if (read(app->apart_tell, &o, sizeof(o)) != sizeof(o))
		return err_set(e, GC_EX_OSERR, "the process that renews the "
		    "token was ended by somebody");
	app->requests += o.requests;
	app->failures += o.failures;
	app->renewals += o.renewals;
	if (o.status == -1) {
		*e = o.err;
		return -1;
	}
	return token_load(t, app->cache, app->owner, e) == 1 ? 0 :
	    err_set(e, GC_EX_IOERR, "what was kept is gone again");
}
