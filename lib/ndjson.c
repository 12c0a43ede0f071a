#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/ndjson.h"

#define IN_CAP (NDJSON_LINE_MAX + 2 * NDJSON_BLOCK)

void
ndjson_in_init(struct ndjson_in *in, int fd)
{
	*in = (struct ndjson_in){ .fd = fd };
	buf_init(&in->buf, IN_CAP);
}

void
ndjson_in_free(struct ndjson_in *in)
{
	buf_free(&in->buf);
}

int
ndjson_fill(struct ndjson_in *in)
{
	char *to;
	ssize_t n;

	buf_drop(&in->buf, in->at);
	in->searched -= in->at;
	in->at = 0;
	/* ndjson_next leaves at most NDJSON_LINE_MAX + 1 bytes: it fits */
	to = buf_room(&in->buf, NDJSON_BLOCK);
	n = read(in->fd, to, NDJSON_BLOCK);
	if (n > 0) {
		buf_grew(&in->buf, (size_t)n);
		return 1;
	}
	if (n == 0) {
		in->ended = true;
		return 0;
	}
	return errno == EINTR || errno == EAGAIN ? -1 : -2;
}

void
ndjson_leave(struct ndjson_in *in)
{
	const char *last;

	in->ended = true;
	if (in->buf.len == in->at)
		return;
	last = memrchr(in->buf.data + in->at, '\n', in->buf.len - in->at);
	in->buf.len = last != NULL ? (size_t)(last + 1 - in->buf.data) : in->at;
	if (in->searched > in->buf.len)
		in->searched = in->buf.len;
}

/* The end of the line that begins at in->at, behind its newline; 0 if the
 * newline has not come. */
static size_t
line_end(struct ndjson_in *in)
{
	char *newline = NULL;

	if (in->buf.len > in->searched)
		newline = memchr(in->buf.data + in->searched, '\n',
		    in->buf.len - in->searched);
	if (newline == NULL) {
		in->searched = in->buf.len;
		return 0;
	}
	return in->searched = (size_t)(newline + 1 - in->buf.data);
}

/* Make the last line end like the others; 0 if there is none. */
static size_t
last_line(struct ndjson_in *in)
{
	if (in->at == in->buf.len)
		return 0;
	buf_add(&in->buf, "\n", 1);
	return in->searched = in->buf.len;
}

/* An over-long last line, nothing of which is held. */
static enum ndjson_got
skipped(struct ndjson_in *in)
{
	in->skipping = false;
	in->line++;
	return NDJSON_LONG;
}

enum ndjson_got
ndjson_next(struct ndjson_in *in, const char **line, size_t *len, size_t *raw)
{
	size_t end;

	for (;;) {
		end = line_end(in);
		if (end == 0 && in->ended && (end = last_line(in)) == 0)
			return in->skipping ? skipped(in) : NDJSON_END;
		if (end == 0) {
			if (in->buf.len - in->at > NDJSON_LINE_MAX + 1) {
				in->skipping = true;
				in->at = in->buf.len;
			}
			return NDJSON_MORE;
		}
		*line = in->buf.data + in->at;
		*raw = end - in->at;
		*len = *raw - 1;
		in->at = end;
		in->line++;
		if (*len > 0 && (*line)[*len - 1] == '\r')
			(*len)--;
		if (in->skipping || *raw - 1 > NDJSON_LINE_MAX) {
			in->skipping = false;
			return NDJSON_LONG;
		}
		if (*len > 0)
			return NDJSON_LINE;
	}
}

/* A description of our own of a pipe, or -1. */
static int
open_anew(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
}

void
ndjson_out_init(struct ndjson_out *out, int fd, ndjson_wait *wait, void *arg)
{
	struct stat st;
	int own = -1;

	*out = (struct ndjson_out){ .fd = fd, .given = fd, .wait = wait,
	    .arg = arg };
	buf_init(&out->buf, SIZE_MAX / 4);	/* flushed above a block */
	if (fstat(fd, &st) == -1)
		return;
	if (S_ISFIFO(st.st_mode))
		own = open_anew(fd);
	if (own != -1)
		out->fd = own;
	out->careful = own == -1 && (S_ISFIFO(st.st_mode) ||
	    S_ISSOCK(st.st_mode) || isatty(fd));
}

void
ndjson_out_free(struct ndjson_out *out)
{
	buf_free(&out->buf);
}

static int
wait_out(const struct ndjson_out *out)
{
	struct pollfd p = { out->fd, POLLOUT, 0 };

	return out->wait != NULL ? out->wait(out->arg, out->fd) :
	    poll(&p, 1, -1) == 1;
}

/* Some of it: how much, 0 to try again, or -1. */
static ssize_t
write_some(struct ndjson_out *out, const char *bytes, size_t len)
{
	ssize_t n;
	int may;

	if (out->careful) {
		if ((may = wait_out(out)) != 1)
			return may;
		len = len < PIPE_BUF ? len : PIPE_BUF;
	}
	n = write(out->fd, bytes, len);
	if (n >= 0 || errno == EINTR)
		return n >= 0 ? n : 0;
	return errno == EAGAIN && wait_out(out) != -1 ? 0 : -1;
}

int
ndjson_flush(struct ndjson_out *out)
{
	const char *p = out->buf.data, *end = p + out->buf.len;
	ssize_t n;

	if (out->buf.len == 0)
		return out->error == 0 ? 0 : -1;
	while (out->error == 0 && p < end) {
		n = write_some(out, p, (size_t)(end - p));
		if (n == -1)
			out->error = errno;
		else
			p += n;
	}
	for (; p < end; p++)
		out->lost += *p == '\n';
	buf_reset(&out->buf);
	return out->error == 0 ? 0 : -1;
}

int
ndjson_put(struct ndjson_out *out, const char *bytes, size_t len)
{
	buf_add(&out->buf, bytes, len);
	out->lines++;
	return out->buf.len >= NDJSON_BLOCK || out->error != 0 ?
	    ndjson_flush(out) : 0;
}

int
ndjson_out_close(struct ndjson_out *out)
{
	if (ndjson_flush(out) == -1)
		return -1;
	if (out->fd != out->given)
		close(out->fd);
	if (close(out->given) == -1 && errno != EBADF && errno != EINTR)
		out->error = errno;
	return out->error == 0 ? 0 : -1;
}
