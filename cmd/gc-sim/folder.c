/*
 * A folder of our own in /tmp.  It goes with us, however we end: a process
 * that is there for nothing else waits for our end, and removes what we left.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-sim/sim.h"

#define DEPTH 16		/* descriptors of nftw(3) */
#define TRIES 50		/* COMMAND may still put files there */
#define TRY_MS 100

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st, (void)type, (void)f;
	return remove(path);
}

bool
folder_remove(const char *folder)
{
	return nftw(folder, remove_one, DEPTH, FTW_DEPTH | FTW_PHYS) == 0 ||
	    access(folder, F_OK) == -1;
}

/* Nobody waits for us, and no signal for our group is ours. */
static _Noreturn void
sweep(int until, const char *folder)
{
	sigset_t all;
	char c;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	if (dup2(until, STDIN_FILENO) == -1)
		_exit(GC_EX_OSERR);
	closefrom(STDIN_FILENO + 1);
	while (read(STDIN_FILENO, &c, 1) == -1 && errno == EINTR)
		continue;
	for (int i = 0; i < TRIES && !folder_remove(folder); i++)
		poll(NULL, 0, TRY_MS);
	_exit(GC_EX_OK);
}

int
folder_make(char folder[FOLDER_MAX], struct err *e)
{
	int ends[2];
	pid_t pid;

	strlcpy(folder, "/tmp/gc-sim.XXXXXX", FOLDER_MAX);
	if (mkdtemp(folder) == NULL)
		return err_set(e, GC_EX_CANTCREAT, "can't create a folder in "
		    "/tmp: %s", strerror(errno));
	/* the other end is closed by our end alone */
	pid = pipe2(ends, O_CLOEXEC) == -1 ? -1 : fork();
	if (pid == 0) {
		close(ends[1]);
		sweep(ends[0], folder);
	}
	if (pid == -1) {
		rmdir(folder);
		return err_set(e, GC_EX_OSERR, "can't fork: %s",
		    strerror(errno));
	}
	close(ends[0]);
	return 0;
}
