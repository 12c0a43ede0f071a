/* Lines to stdout: straight into the block that is written next while the
 * reader keeps up, by way of the ring when it does not.  The description of
 * stdout is shared with other processes, so it is never made non-blocking: a
 * pipe is opened anew for ourselves, a socket is told each time, and elsewhere
 * little is written at a time. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/log.h"

/* Bytes gathered for one write: a pipe takes half of them at once, and the
 * other half fills while it is read. */
#define BLOCK (128 * 1024)
#define OUT_CAP (4 << 20)	/* a block and the longest line */

/* One in which nothing marks where a write ended. */
static bool
is_stream_socket(int fd)
{
	int type;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_STREAM;
}

int
output_open(struct app *app)
{
	struct output *o = &app->out;
	struct stat st;
	int fd;

	o->fd = STDOUT_FILENO;
	buf_init(&o->buf, OUT_CAP);
	if (fstat(STDOUT_FILENO, &st) == -1)
		return -1;
	o->socket = is_stream_socket(STDOUT_FILENO);
	/* of a file poll says so, and so it is; /dev/null takes all */
	o->nonblocking = o->socket || S_ISREG(st.st_mode) ||
	    (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
	if (!S_ISFIFO(st.st_mode))
		return 0;
	fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd != -1) {
		o->fd = fd;
		o->nonblocking = true;
	}
	return 0;
}

static bool
is_enough(const struct app *app)
{
	return app->opt.count > 0 && app->printed >= app->opt.count;
}

static void
gather(struct app *app)
{
	struct output *o = &app->out;
	enum ring_kind kind;
	struct ring_hole hole;
	const char *line;
	size_t len;

	while (o->buf.len - o->at < BLOCK && (kind = ring_peek(&app->ring,
	    &line, &len, &hole)) != RING_NONE) {
		/* one hole at a time: what is not told can be counted */
		if (kind == RING_HOLE && o->at < o->hole_to)
			break;
		if (kind != RING_CONTROL && is_enough(app)) {
			ring_pop(&app->ring);
			continue;
		}
		if (kind == RING_HOLE) {
			o->hole_from = o->buf.len;
			o->hole_lost = hole.lost;
			if (app->fleet != NULL)
				feed_hole(app, &hole, &o->buf);
			else
				stream_hole(app, &hole, &o->buf);
			o->hole_to = o->buf.len;
		} else {
			buf_add(&o->buf, line, len);
			app->printed += kind == RING_EVENT;
		}
		ring_pop(&app->ring);
	}
	app->no_more = app->no_more || is_enough(app);
}

/* Lines that came and did not go out: in memory, in the block that is being
 * written, and those that a hole would have told. */
uint64_t
output_left(const struct app *app)
{
	const struct output *o = &app->out;
	uint64_t left = o->at < o->hole_to ? o->hole_lost : 0;

	for (size_t i = o->at; i < o->buf.len; i++)
		left += o->buf.data[i] == '\n' &&
		    (i < o->hole_from || i >= o->hole_to);
	return is_enough(app) ? left :
	    left + app->ring.count + app->ring.untold;
}

bool
output_empty(const struct app *app)
{
	return app->out.at == app->out.buf.len && app->ring.head == NULL;
}

bool
output_wants(const struct app *app)
{
	return !app->reader_gone && !output_empty(app);
}

static void
failed(struct app *app)
{
	app->reader_gone = true;
	app->out.error = errno;
	if (errno == EPIPE)
		return;
	log_error("can't write to stdout: the disk or device says no");
	app->exit_code = GC_EX_IOERR;
}

/* What was written makes room, at the latest when it is half a block. */
static void
forget_written(struct output *o)
{
	if (o->at < o->buf.len && o->at < BLOCK / 2)
		return;
	buf_drop(&o->buf, o->at);
	o->hole_from -= o->at < o->hole_from ? o->at : o->hole_from;
	o->hole_to -= o->at < o->hole_to ? o->at : o->hole_to;
	o->at = 0;
}

static ssize_t
write_some(struct output *o)
{
	const char *from = o->buf.data + o->at;
	size_t len = o->buf.len - o->at;

	if (len == 0)
		return 0;
	if (o->socket)
		return send(o->fd, from, len, MSG_DONTWAIT);
	if (!o->nonblocking && len > PIPE_BUF)
		len = PIPE_BUF;
	return write(o->fd, from, len);
}

static bool
takes_more(const struct output *o)
{
	struct pollfd fd = { o->fd, POLLOUT, 0 };

	return o->nonblocking || (poll(&fd, 1, 0) == 1 &&
	    fd.revents == POLLOUT);
}

/* Until nothing is left, or more would block. */
static void
put_out(struct app *app)
{
	struct output *o = &app->out;
	ssize_t n;

	do {
		gather(app);
		n = write_some(o);
		if (n > 0)
			o->at += (size_t)n;
		forget_written(o);
	} while (n > 0 && !output_empty(app) && takes_more(o));
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		failed(app);
}

void
output_flush(struct app *app)
{
	if (output_wants(app) && takes_more(&app->out))
		put_out(app);
}

void
output_serve(struct app *app, short revents)
{
	if (revents & (POLLERR | POLLNVAL | POLLHUP)) {
		errno = EPIPE;
		failed(app);
	} else if (revents & POLLOUT) {
		put_out(app);
	}
}

struct buf *
output_straight(struct app *app, bool control)
{
	struct output *o = &app->out;

	if (app->ring.head == NULL && o->buf.len - o->at >= BLOCK)
		output_flush(app);
	if (app->ring.head != NULL || o->buf.len - o->at >= BLOCK ||
	    (!control && is_enough(app)))
		return NULL;
	app->printed += !control;
	app->no_more = app->no_more || is_enough(app);
	return &o->buf;
}
