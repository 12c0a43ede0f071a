#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/statusline.h"

#define LINE_CAP 512
#define COLUMNS 80		/* where the terminal does not say */

/* From the cursor's row on nothing is left: ours was the last. */
#define CLEAR "\r\033[J"
#define BELOW "\n"
#define BACK "\r\033[A"

bool
statusline_fits(const struct statusline_place *p)
{
	return p->terminal && !p->stdout_terminal &&
	    (!p->stdout_pipe || p->pipe_wanted) && !p->quiet && !p->json &&
	    p->term != NULL && *p->term != '\0' &&
	    strcmp(p->term, "dumb") != 0 &&
	    (p->no_color == NULL || *p->no_color == '\0');
}

static bool
is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == -1 || S_ISFIFO(st.st_mode) ||
	    S_ISSOCK(st.st_mode);
}

/*
 * What those who share a terminal lock: the folder of the session's leader in
 * /proc, as a session has one terminal.  The terminal itself will not do: as
 * /dev/tty it is the same file for everyone.
 */
static int
open_lock(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld", (long)getsid(0));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void
statusline_open(struct statusline *s, bool pipe_wanted)
{
	struct statusline_place place = {
		.terminal = isatty(STDERR_FILENO),
		.stdout_terminal = isatty(STDOUT_FILENO),
		.stdout_pipe = is_pipe(STDOUT_FILENO),
		.pipe_wanted = pipe_wanted,
		.quiet = log_get_level() == LOG_ERR,
		.json = log_get_form() == LOG_JSON,
		.term = getenv("TERM"), .no_color = getenv("NO_COLOR"),
	};

	*s = (struct statusline){ .lock = -1 };
	if (statusline_fits(&place))
		s->lock = open_lock();
	s->on = s->lock != -1;
}

int64_t
statusline_due(const struct statusline *s)
{
	return s->on ? s->due_ms : CLOCK_NEVER;
}

/* May something be written that nobody waits for?  A job in the background
 * may not, and a terminal that was stopped takes nothing. */
static bool
is_ours(const struct statusline *s)
{
	struct pollfd fd = { STDERR_FILENO, POLLOUT, 0 };

	if (tcgetpgrp(STDERR_FILENO) != getpgrp()) {
		flock(s->lock, LOCK_UN);
		return false;
	}
	return flock(s->lock, LOCK_EX | LOCK_NB) == 0 &&
	    poll(&fd, 1, 0) == 1 && fd.revents == POLLOUT;
}

static void
put(const struct buf *line)
{
	ssize_t ignored = write(STDERR_FILENO, line->data, line->len);

	(void)ignored;		/* there is nobody left to be told */
}

/* The words, cut to the terminal's width: a wrapped line would be two. */
static void
add_words(struct buf *line, const struct gauge_facts *f, int64_t now_ms)
{
	size_t from = line->len, width = COLUMNS;
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		width = size.ws_col;
	buf_addf(line, "%s: ", log_get_name());
	gauge_words(line, f, now_ms);
	if (line->len - from >= width)
		line->len = from + width - 1;
}

void
statusline_draw(struct statusline *s, const struct gauge_facts *f,
    int64_t now_ms)
{
	struct buf line;

	if (!s->on)
		return;
	s->due_ms = now_ms + STATUSLINE_MS;
	s->drawn = is_ours(s);
	log_lead(s->drawn ? CLEAR : NULL);
	if (!s->drawn)
		return;
	buf_init(&line, LINE_CAP);
	buf_adds(&line, CLEAR BELOW);
	add_words(&line, f, now_ms);
	buf_adds(&line, BACK);
	put(&line);
	buf_free(&line);
}

void
statusline_close(struct statusline *s)
{
	static char clear[] = CLEAR;
	const struct buf line = { .data = clear, .len = sizeof(clear) - 1 };

	if (s->drawn && is_ours(s))
		put(&line);
	log_lead(NULL);
	if (s->on)
		close(s->lock);
	*s = (struct statusline){ .on = false };
}
