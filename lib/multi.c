#include <string.h>

#include "lib/clock.h"
#include "lib/multi.h"

/* --- curl's callbacks --------------------------------------------------- */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct multi *m = arg;
	size_t i = 0;

	(void)easy, (void)socket_arg;
	while (i < m->count && m->fds[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < m->count)
			m->fds[i] = m->fds[--m->count];
		return 0;
	}
	if (i == MULTI_POLL_MAX)
		return -1;
	if (i == m->count)
		m->count++;
	m->fds[i] = (struct pollfd){ fd,
	    (short)((what & CURL_POLL_IN ? POLLIN : 0) |
	    (what & CURL_POLL_OUT ? POLLOUT : 0)), 0 };
	return 0;
}

static int
on_timer(CURLM *handle, long timeout_ms, void *arg)
{
	struct multi *m = arg;

	(void)handle;
	m->timer_ms = timeout_ms < 0 ? CLOCK_NEVER : m->now_ms + timeout_ms;
	return 0;
}

/* --- the whole ---------------------------------------------------------- */

int
multi_init(struct multi *m, unsigned limit, int64_t now_ms, struct err *err)
{
	*m = (struct multi){ .timer_ms = CLOCK_NEVER, .now_ms = now_ms };
	m->handle = curl_multi_init();
	if (m->handle == NULL)
		return err_set(err, GC_EX_OSERR, "can't start libcurl");
	curl_multi_setopt(m->handle, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(m->handle, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->handle, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(m->handle, CURLMOPT_TIMERDATA, m);
	curl_multi_setopt(m->handle, CURLMOPT_MAX_TOTAL_CONNECTIONS,
	    (long)limit);
	return 0;
}

void
multi_free(struct multi *m)
{
	curl_multi_cleanup(m->handle);
	m->handle = NULL;
}

size_t
multi_interest(const struct multi *m, struct pollfd *fds, int64_t *due_ms)
{
	if (m->timer_ms < *due_ms)
		*due_ms = m->timer_ms;
	memcpy(fds, m->fds, m->count * sizeof(*fds));
	return m->count;
}

/* What the sockets have for curl. */
static void
serve_sockets(struct multi *m)
{
	struct pollfd ready[MULTI_POLL_MAX];
	size_t count = m->count;
	int running, what;

	memcpy(ready, m->fds, count * sizeof(*ready));
	if (count == 0 || poll(ready, count, 0) <= 0)
		return;
	for (size_t i = 0; i < count; i++) {
		what = (ready[i].revents & POLLIN ? CURL_CSELECT_IN : 0) |
		    (ready[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
		    (ready[i].revents & (POLLERR | POLLHUP) ?
		    CURL_CSELECT_ERR : 0);
		if (what != 0)
			curl_multi_socket_action(m->handle, ready[i].fd,
			    what, &running);
	}
}

void
multi_step(struct multi *m, int64_t now_ms)
{
	int running;

	m->now_ms = now_ms;
	serve_sockets(m);
	if (now_ms < m->timer_ms)
		return;
	m->timer_ms = CLOCK_NEVER;
	curl_multi_socket_action(m->handle, CURL_SOCKET_TIMEOUT, 0, &running);
}

CURL *
multi_next(struct multi *m, CURLcode *result)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(m->handle, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		*result = msg->data.result;
		return msg->easy_handle;
	}
	return NULL;
}
