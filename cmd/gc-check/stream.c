/* The stream itself, as gc-subscribe sees it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/gc-check/check.h"
#include "lib/clock.h"
#include "lib/ndjson.h"
#include "lib/scan.h"
#include "lib/sigs.h"

#define PROGRAM "gc-subscribe"
#define NOT_FOUND 127
#define PING_MS 1000		/* after the open: see start */
#define NO_REASON " used up"	/* the end of what it says last */

enum { EVENT, SUBSCRIPTIONS, REJECTED, RTT, MSG, KEYS };

static const struct scan_key keys[KEYS] = {
	[EVENT] = SCAN_KEY("event", -1),
	[SUBSCRIPTIONS] = SCAN_KEY("subscriptions", -1),
	[REJECTED] = SCAN_KEY("rejected", -1),
	[RTT] = SCAN_KEY("rttMs", -1),
	[MSG] = SCAN_KEY("msg", -1),
};

/* gc-subscribe beside this program, else in PATH. */
static _Noreturn void
become(const char *const words[])
{
	char *const *argv = (char *const *)(uintptr_t)words;
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL && slash + sizeof(PROGRAM) < path + sizeof(path)) {
		memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
		execv(path, argv);
	}
	execvp(PROGRAM, argv);
	_exit(NOT_FOUND);
}

/* A process of its own name and registry, that tries once. */
static pid_t
start(const struct check *c, int *out, int *words)
{
	char filter[160];
	const char *const argv[] = { PROGRAM, "--name", "gc-check",
	    "--give-up", "--max-attempts", "1", "--ping-interval", "1s",
	    "--backoff-base", "500ms", "--jitter", "100ms",
	    "--log", "json", c->user_id != NULL ? "-f" : NULL, filter, NULL };
	int ends[2][2];
	pid_t pid;

	snprintf(filter, sizeof(filter), "userId=%s", c->user_id != NULL ?
	    c->user_id : "");
	if (pipe2(ends[0], O_CLOEXEC) == -1)
		return -1;
	if (pipe2(ends[1], O_CLOEXEC) == -1) {
		close(ends[0][0]);
		close(ends[0][1]);
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		sigs_reset_in_child();
		dup2(ends[0][1], STDOUT_FILENO);
		dup2(ends[1][1], STDERR_FILENO);
		become(argv);
	}
	close(ends[0][1]);
	close(ends[1][1]);
	*out = ends[0][0];
	*words = ends[1][0];
	return pid;
}

static void
take_line(struct check *c, const char *line, size_t len)
{
	struct slice v[KEYS];

	if (scan_object(line, len, keys, KEYS, v) != SCAN_OK)
		return;
	if (slice_is(v[EVENT], "gc:open")) {
		c->opened = true;
		slice_number(v[SUBSCRIPTIONS], &c->subscriptions);
		slice_number(v[REJECTED], &c->rejected);
	} else if (slice_is(v[EVENT], "gc:alive")) {
		c->alive = slice_number(v[RTT], &c->rtt_ms) == 0;
	} else if (v[MSG].kind == SCAN_STRING) {
		struct buf text;

		buf_init(&text, CHECK_TEXT_MAX - 1);
		if (slice_unescape(v[MSG], &text) == 0 &&
		    (c->stream_words[0] == '\0' ||
		    strstr(text.data, NO_REASON) == NULL))
			snprintf(c->stream_words, sizeof(c->stream_words),
			    "%s", text.data);
		buf_free(&text);
	}
}

/* False once it has closed that end. */
static bool
read_lines(struct check *c, struct ndjson_in *in)
{
	const char *line;
	size_t len, raw;

	for (;;) {
		switch (ndjson_next(in, &line, &len, &raw)) {
		case NDJSON_LINE:
			take_line(c, line, len);
			continue;
		case NDJSON_LONG:
			continue;
		case NDJSON_MORE:
			return true;
		case NDJSON_END:
			return false;
		}
	}
}

/* Until it is alive, has ended, or there is no time left: one to open, one
 * for the pong. */
static void
listen_to(struct check *c, int out, int words)
{
	int64_t until = clock_mono_ms() + c->timeout_ms;
	struct ndjson_in ins[2];
	struct pollfd fds[3] = { { out, POLLIN, 0 }, { words, POLLIN, 0 },
	    { check_signals(), POLLIN, 0 } };
	bool opened = false;

	ndjson_in_init(&ins[0], out);
	ndjson_in_init(&ins[1], words);
	while (!c->alive && (fds[0].fd != -1 || fds[1].fd != -1) &&
	    clock_mono_ms() < until && !check_stopped()) {
		if (c->opened && !opened)
			until = clock_mono_ms() + PING_MS + c->timeout_ms;
		opened = c->opened;
		if (poll(fds, 3, clock_poll_ms(clock_mono_ms(), until)) <= 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents == 0)
				continue;
			ndjson_fill(&ins[i]);
			if (!read_lines(c, &ins[i]))
				fds[i].fd = -1;
		}
	}
	ndjson_in_free(&ins[0]);
	ndjson_in_free(&ins[1]);
}

static void
run(struct check *c)
{
	int out, words, status;
	pid_t pid = start(c, &out, &words);

	c->ran = true;
	c->stream_code = GC_EX_OSERR;
	if (pid == -1)
		return;
	listen_to(c, out, words);
	close(out);
	close(words);
	kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	c->stream_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void
advise(struct finding *f, const struct check *c, int code)
{
	if (code == GC_EX_NOPERM)
		check_advise(f, "the client lacks a right: see the message, "
		    "and 'Connecting your org' in the README");
	else if (code == GC_EX_CONFIG)
		check_advise(f, "is this the right place? See GC_REGION, "
		    "GC_WS_URL and GC_PROTOCOL (now %s)",
		    c->config.channels ? "channels" : "events");
	else
		check_advise(f, "run gc-subscribe -vv to see more");
}

void
check_upgrade(struct check *c, struct finding *f)
{
	if (!c->have_token) {
		check_skip(f, "there is no token");
		return;
	}
	if (c->config.channels && c->user_id == NULL) {
		check_skip(f, "there is no user to subscribe to");
		return;
	}
	run(c);
	if (c->opened) {
		check_ok(f, "the %s is open", c->config.channels ?
		    "channel's socket" : "socket");
		return;
	}
	if (c->stream_code == NOT_FOUND)
		check_failed(f, GC_EX_OSERR, PROGRAM " is not in PATH");
	else
		check_failed(f, c->stream_code != 0 ? c->stream_code :
		    GC_EX_UNAVAILABLE, "%s", c->stream_words[0] != '\0' ?
		    c->stream_words : "the socket does not open");
	advise(f, c, c->stream_code);
}

void
check_subscription(struct check *c, struct finding *f)
{
	if (!c->opened) {
		check_skip(f, "nothing is open");
	} else if (c->subscriptions == 0) {
		check_failed(f, GC_EX_NOPERM, "nothing is subscribed to: %s",
		    c->stream_words[0] != '\0' ? c->stream_words :
		    "all of it was refused");
		advise(f, c, GC_EX_NOPERM);
	} else {
		check_ok(f, "%llu subscribed to, %llu refused",
		    (unsigned long long)c->subscriptions,
		    (unsigned long long)c->rejected);
	}
}

void
check_pong(struct check *c, struct finding *f)
{
	if (!c->opened) {
		check_skip(f, "nothing is open");
	} else if (c->alive) {
		check_ok(f, "answered after %llu ms",
		    (unsigned long long)c->rtt_ms);
	} else if (c->subscriptions == 0) {
		check_skip(f, "it does not stay open for nothing");
	} else {
		check_failed(f, GC_EX_UNAVAILABLE, "no ping is answered");
		check_advise(f, "something between swallows the stream: a "
		    "proxy that keeps WebSockets open but passes nothing?");
	}
}
