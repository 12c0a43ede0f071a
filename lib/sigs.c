#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/sigs.h"

static const int caught[] = { SIGTERM, SIGINT, SIGUSR1, SIGCHLD, SIGHUP };
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static volatile sig_atomic_t seen[NSIG];
static bool kept[NSIG];		/* ignored by the caller's wish */
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

/* nohup(1), and a shell that runs it in the background, have it so. */
static bool
is_kept(int number)
{
	struct sigaction old;

	return (number == SIGINT || number == SIGHUP) &&
	    sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

int
sigs_open(bool catch_hup, struct err *e)
{
	struct sigaction act = { .sa_handler = on_signal };

	if (pipe2(wake, O_NONBLOCK | O_CLOEXEC) == -1)
		return err_set(e, GC_EX_OSERR, "can't make a pipe: %s",
		    strerror(errno));
	sigfillset(&act.sa_mask);
	for (size_t i = 0; i < CAUGHT; i++) {
		kept[caught[i]] = is_kept(caught[i]);
		if ((caught[i] != SIGHUP || catch_hup) && !kept[caught[i]])
			sigaction(caught[i], &act, NULL);
	}
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
	sigaction(SIGXFSZ, &act, NULL);
	return wake[0];
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
		if (!kept[caught[i]])
			sigaction(caught[i], &act, NULL);
	sigaction(SIGPIPE, &act, NULL);
	sigaction(SIGXFSZ, &act, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void
sigs_die_pipe(void)
{
	struct sigaction act = { .sa_handler = SIG_DFL };

	sigaction(SIGPIPE, &act, NULL);
	raise(SIGPIPE);
	_exit(128 + SIGPIPE);
}
