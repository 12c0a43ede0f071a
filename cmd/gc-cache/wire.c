/* Bytes to and from a Redis. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/gc-cache/cache.h"

static int
open_local(struct wire *w, const char *path, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int code;

	if (len >= sizeof(to.sun_path))
		return err_set(e, GC_EX_CONFIG, "the path of the socket is "
		    "longer than %zu bytes", sizeof(to.sun_path) - 1);
	memcpy(to.sun_path, path, len);
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd != -1 &&
	    connect(w->fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return 0;
	code = errno == EACCES ? GC_EX_NOPERM : GC_EX_UNAVAILABLE;
	return err_set(e, code, "can't connect: %s", strerror(errno));
}

/* lib/transport names the protocols that libcurl would speak; none is
 * spoken, only its bytes are used. */
int
wire_open(struct wire *w, const struct cacheurl *u, const char *cacert,
    int64_t timeout_ms, struct err *e)
{
	struct transport_opts o = { .cacert = cacert,
	    .connect_timeout_ms = timeout_ms };
	struct buf url;

	*w = (struct wire){ NULL, -1 };
	if (u->path != NULL)
		return open_local(w, u->path, e);
	buf_init(&url, 2 * CACHEURL_NAME_MAX + 8192);
	buf_addf(&url, "http%s://%s", u->tls ? "s" : "", u->host);
	w->transport = transport_start(url.data, &o, e);
	buf_free(&url);
	return w->transport != NULL ? 0 : -1;
}

size_t
wire_interest(struct wire *w, bool want_write, struct pollfd *fds,
    int *timeout_ms)
{
	if (w->transport != NULL)
		return transport_interest(w->transport, want_write, fds,
		    timeout_ms);
	fds[0] = (struct pollfd){ w->fd,
	    (short)(POLLIN | (want_write ? POLLOUT : 0)), 0 };
	return 1;
}

/* How many bytes of a system call. */
static ssize_t
counted(ssize_t n, struct err *e)
{
	if (n > 0)
		return n;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return err_set(e, GC_EX_UNAVAILABLE, "%s", n == 0 ?
	    "the server ended the connection" : strerror(errno));
}

ssize_t
wire_recv(struct wire *w, void *bytes, size_t len, struct err *e)
{
	if (w->transport != NULL)
		return transport_recv(w->transport, bytes, len, e);
	return counted(recv(w->fd, bytes, len, 0), e);
}

ssize_t
wire_send(struct wire *w, const void *bytes, size_t len, struct err *e)
{
	if (w->transport != NULL)
		return transport_send(w->transport, bytes, len, e);
	return counted(send(w->fd, bytes, len, MSG_NOSIGNAL), e);
}

void
wire_close(struct wire *w)
{
	transport_close(w->transport);
	if (w->transport == NULL && w->fd > 0)
		close(w->fd);
	*w = (struct wire){ NULL, -1 };
}
