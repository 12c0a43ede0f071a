/* Where the browser comes back to: a server for one request that counts.
 * Browsers open connections in advance and ask for icons, and a page from
 * anywhere may knock here: none of that is in the way. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"
#include "lib/log.h"

#define VISIT_MS 10000		/* from its connection to its whole request */
#define READ_STEP 4096

int
listener_open(struct listener *l, uint16_t port, struct err *e)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0), on = 1;

	for (size_t i = 0; i < VISITORS; i++)
		l->visitors[i] = (struct visitor){ .fd = -1 };
	l->fd = fd;
	if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
	    sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0 &&
	    listen(fd, VISITORS) == 0)
		return 0;
	err_set(e, GC_EX_OSERR, "can't listen on 127.0.0.1:%u, where the "
	    "browser is to come back to: %s%s", (unsigned)port,
	    strerror(errno), errno == EADDRINUSE ? "; end what does, or name "
	    "another registered address with --redirect" : "");
	if (fd != -1)
		close(fd);
	l->fd = -1;
	return -1;
}

static void
forget(struct visitor *v)
{
	buf_wipe(&v->in);
	v->fd = -1;
}

static void
dismiss(struct visitor *v)
{
	if (v->fd != -1)
		close(v->fd);
	forget(v);
}

void
listener_close(struct listener *l)
{
	for (size_t i = 0; i < VISITORS; i++)
		dismiss(&l->visitors[i]);
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}

/* The one that has been here for longest gives way. */
static void
welcome(struct listener *l, int64_t now_ms)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct visitor *v = &l->visitors[0];

	if (fd == -1)
		return;
	for (size_t i = 0; i < VISITORS && v->fd != -1; i++)
		if (l->visitors[i].fd == -1 ||
		    l->visitors[i].end_ms < v->end_ms)
			v = &l->visitors[i];
	dismiss(v);
	v->fd = fd;
	v->end_ms = now_ms + VISIT_MS;
	buf_init_secret(&v->in, REDIRECT_HEAD_MAX);
}

void
listener_answer(int fd, int status, const char *heading, const char *text)
{
	char sink[READ_STEP];
	struct buf page;

	buf_init(&page, 2 * REDIRECT_PAGE_MAX);
	redirect_page(&page, status, heading, text);
	/* less than any socket's buffer: it is taken whole */
	if (send(fd, page.data, page.len, MSG_NOSIGNAL) == -1)
		log_note("the page could not be sent: %s", strerror(errno));
	buf_free(&page);
	shutdown(fd, SHUT_WR);
	/* what is left unread would reset the connection, and the page */
	while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		continue;
	explicit_bzero(sink, sizeof(sink));
	close(fd);
}

/* -1, or the descriptor of an answer, which is the caller's. */
static int
hear(struct visitor *v, const struct redirect_uri *uri, struct redirect *r)
{
	enum redirect_result result;
	size_t room = v->in.cap - v->in.len;
	int fd = v->fd;
	ssize_t n;

	if (room > READ_STEP)
		room = READ_STEP;
	n = read(fd, buf_room(&v->in, room), room);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (n <= 0) {
		dismiss(v);
		return -1;
	}
	buf_grew(&v->in, (size_t)n);
	result = redirect_read(r, uri, v->in.data, v->in.len);
	if (result == REDIRECT_MORE)
		return -1;
	forget(v);
	if (result == REDIRECT_ANSWER)
		return fd;
	listener_answer(fd, (int)result, result == REDIRECT_ELSEWHERE ?
	    "Nothing is here" : "Not understood", "gc-token waits for the "
	    "answer of the login host.");
	return -1;
}

int
listener_wait(struct app *app, struct listener *l,
    const struct redirect_uri *uri, struct redirect *r)
{
	struct pollfd fds[VISITORS + 3];
	int64_t now;
	int fd;

	while (turn(app)) {
		if ((now = clock_mono_ms()) >= app->deadline_ms)
			return -1;
		fds[0] = (struct pollfd){ app->sigs_fd, POLLIN, 0 };
		fds[1] = (struct pollfd){ STDOUT_FILENO, 0, 0 };
		fds[2] = (struct pollfd){ l->fd, POLLIN, 0 };
		for (size_t i = 0; i < VISITORS; i++) {
			if (now >= l->visitors[i].end_ms)
				dismiss(&l->visitors[i]);
			fds[3 + i] = (struct pollfd){ l->visitors[i].fd,
			    POLLIN, 0 };
		}
		if (poll(fds, VISITORS + 3, clock_poll_ms(now,
		    app->deadline_ms)) <= 0)
			continue;
		for (size_t i = 0; i < VISITORS; i++)
			if (fds[3 + i].revents != 0 &&
			    (fd = hear(&l->visitors[i], uri, r)) != -1)
				return fd;
		if (fds[2].revents != 0)
			welcome(l, now);
	}
	end(app);
}
