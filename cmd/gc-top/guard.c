/* However gc-top ends, SIGKILL included, the terminal is whole again. */
#include "cmd/gc-top/top.h"
#include "lib/die.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>		/* last: it defines words such as `lines` */

#define SEQUENCES_MAX 1024

static struct termios was, drawing;	/* before the screen, and with it */
static int calm_fd = -1;

static void
add(struct buf *out, const char *capability)
{
	/* padding is of no use to a terminal of today */
	if (capability == NULL)
		return;
	for (const char *p = capability; *p != '\0'; p++)
		if (p[0] == '$' && p[1] == '<' && strchr(p, '>') != NULL)
			p = strchr(p, '>');
		else
			buf_add(out, p, 1);
}

/* In one write, which no other process can come between. */
static void
leave_screen(int tty)
{
	struct buf out;
	ssize_t ignored;

	buf_init(&out, SEQUENCES_MAX);
	add(&out, exit_attribute_mode);
	add(&out, keypad_local);
	add(&out, exit_ca_mode);
	add(&out, cursor_normal);
	ignored = write(tty, out.data, out.len);
	(void)ignored;
	buf_free(&out);
}

/* A shell with jobs takes the terminal back as soon as its job is dead: what it
 * has set by then stays.  One that has set nothing leaves it to us.  The modes
 * come first, for the shell is under way. */
static void
restore(int tty)
{
	struct termios now;

	if (tcgetpgrp(tty) == getpgrp() || (tcgetattr(tty, &now) == 0 &&
	    now.c_iflag == drawing.c_iflag && now.c_oflag == drawing.c_oflag &&
	    now.c_lflag == drawing.c_lflag))
		tcsetattr(tty, TCSANOW, &was);
	leave_screen(tty);
}

/* Wait for a byte, which says that all is well, or for the end. */
static _Noreturn void
watch(int fd, int tty)
{
	static const int deaf[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP,
	    SIGTTOU, SIGPIPE, SIGWINCH, SIGUSR1 };
	char calm = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(deaf) / sizeof(deaf[0]); i++)
		signal(deaf[i], SIG_IGN);
	prctl(PR_SET_NAME, "gc-guard");
	close(STDIN_FILENO);
	while ((n = read(fd, &calm, 1)) == -1 && errno == EINTR)
		continue;
	if (n == 1)
		_exit(0);
	restore(tty);
	_exit(0);
}

bool
guard_look(int tty)
{
	return tcgetattr(tty, &was) == 0;
}

void
guard_open(int tty)
{
	int ends[2];

	if (tcgetattr(tty, &drawing) == -1 || pipe2(ends, O_CLOEXEC) == -1)
		return;
	switch (fork()) {
	case -1:
		log_warn("the terminal is not guarded: no process for it");
		close(ends[0]);
		close(ends[1]);
		return;
	case 0:
		close(ends[1]);
		watch(ends[0], tty);
	default:
		close(ends[0]);
		calm_fd = ends[1];
	}
}

void
guard_calm(void)
{
	ssize_t ignored;

	if (calm_fd == -1)
		return;
	ignored = write(calm_fd, "c", 1);
	(void)ignored;
	close(calm_fd);
	calm_fd = -1;
}
