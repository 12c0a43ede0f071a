#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/sigs.h"

static const int caught[] = { SIGTERM, SIGINT, SIGUSR1, SIGCHLD, SIGHUP };
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static volatile sig_atomic_t seen[NSIG];
static int wake[2] = { -1, -1 };

static void
on_signal(int number)
{
	int saved = errno;
	ssize_t ignored;

	if ((number == SIGTERM || number == SIGINT) &&
	    seen[SIGTERM] + seen[SIGINT] >= 1)
		_exit(128 + number);
	seen[number]++;
	ignored = write(wake[1], "", 1);
	(void)ignored;		/* full: the loop is awake already */
	errno = saved;
}

int
sigs_open(bool catch_hup, struct err *e)
{
	struct sigaction act = { .sa_handler = on_signal };

	if (pipe2(wake, O_NONBLOCK | O_CLOEXEC) == -1)
		return err_set(e, GC_EX_OSERR, "can't make a pipe: %s",
		    strerror(errno));
	sigfillset(&act.sa_mask);
	for (size_t i = 0; i < CAUGHT; i++)
		if (caught[i] != SIGHUP)
			sigaction(caught[i], &act, NULL);
	if (catch_hup)
		sigs_catch_hup();
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
	sigaction(SIGXFSZ, &act, NULL);
	return wake[0];
}

void
sigs_catch_hup(void)
{
	struct sigaction act = { .sa_handler = on_signal };

	sigfillset(&act.sa_mask);
	sigaction(SIGHUP, &act, NULL);
}

void
sigs_take(struct sigs *s)
{
	char sink[64];

	while (read(wake[0], sink, sizeof(sink)) > 0)
		continue;
	s->stops = seen[SIGTERM] + seen[SIGINT];
	if (seen[SIGUSR1]) {
		seen[SIGUSR1] = 0;
		s->status = true;
	}
	if (seen[SIGHUP]) {
		seen[SIGHUP] = 0;
		s->reload = true;
	}
	if (seen[SIGCHLD]) {
		seen[SIGCHLD] = 0;
		s->child = true;
	}
}

void
sigs_reset_in_child(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (size_t i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &act, NULL);
	sigaction(SIGPIPE, &act, NULL);
	sigaction(SIGXFSZ, &act, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
die_by(int number)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	sigaction(number, &act, NULL);
	raise(number);
	_exit(128 + number);
}

_Noreturn void
sigs_die_stop(void)
{
	die_by(seen[SIGINT] > 0 ? SIGINT : SIGTERM);
}

_Noreturn void
sigs_die_pipe(void)
{
	die_by(SIGPIPE);
}
