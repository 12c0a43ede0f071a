#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
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

enum ndjson_got
ndjson_next(struct ndjson_in *in, const char **line, size_t *len, size_t *raw)
{
	size_t end;

	for (;;) {
		end = line_end(in);
		if (end == 0 && in->ended && (end = last_line(in)) == 0)
			return NDJSON_END;
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

void
ndjson_out_init(struct ndjson_out *out, int fd)
{
	*out = (struct ndjson_out){ .fd = fd };
	buf_init(&out->buf, SIZE_MAX / 4);	/* flushed above a block */
}

void
ndjson_out_free(struct ndjson_out *out)
{
	buf_free(&out->buf);
}

int
ndjson_flush(struct ndjson_out *out)
{
	if (out->error == 0 && out->buf.len > 0 &&
	    file_write_all(out->fd, out->buf.data, out->buf.len) == -1)
		out->error = errno;
	buf_reset(&out->buf);
	return out->error == 0 ? 0 : -1;
}

int
ndjson_put(struct ndjson_out *out, const char *bytes, size_t len)
{
	buf_add(&out->buf, bytes, len);
	out->lines++;
	return out->buf.len >= NDJSON_BLOCK ? ndjson_flush(out) :
	    out->error == 0 ? 0 : -1;
}
