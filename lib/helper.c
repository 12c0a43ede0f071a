#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/helper.h"
#include "lib/str.h"

#define ENVS_MAX 8		/* settings for one child */
#define FDS_MAX 256		/* early in a process they are low */
#define NAME "gc-helper"	/* in ps -c; argv stays the tool's */

enum { RUN, FORGET };		/* what is asked */
enum { STARTED, ENDED };	/* what is told */

struct request {
	int kind;
	pid_t pid;		/* FORGET */
	bool has_in;		/* RUN: two descriptors come with it, or one */
	size_t len;
	char env[HELPER_ENV_MAX];	/* each ends with a NUL */
};

struct reply {
	int kind;
	pid_t pid;		/* -1: it could not be started */
	int code;		/* ENDED: exit code; STARTED: errno */
};

static int channel = -1;	/* to the helper */

/* --- in the helper ------------------------------------------------------ */

static struct state {
	int fd;			/* to the tool */
	pid_t tool;
	pid_t pid;		/* the child, or -1 */
	bool told;		/* that it has ended; it is not reaped yet */
	bool has_in;		/* the end of its stdin is its end */
	const char *command;
	helper_body *body;
} own;

/* The settings of a request, or false if there is one that may not be. */
static bool
unpack(struct request *r, char *env[ENVS_MAX + 1])
{
	size_t n = 0, at = 0;

	if (r->len > sizeof(r->env) ||
	    (r->len > 0 && r->env[r->len - 1] != '\0'))
		return false;
	for (; at < r->len && n < ENVS_MAX; at += strlen(r->env + at) + 1) {
		if (!str_starts(r->env + at, HELPER_ENV_PREFIX))
			return false;
		env[n++] = r->env + at;
	}
	env[n] = NULL;
	return at == r->len;
}

static void
start_child(struct request *r, int in, int out)
{
	struct reply reply = { STARTED, -1, EPERM };
	char *env[ENVS_MAX + 1];

	if (own.pid == -1 && out != -1 && unpack(r, env)) {
		own.pid = fork();
		if (own.pid == 0)
			own.body(own.command, env, in, out);
		own.told = false;
		own.has_in = in != -1;
		reply = (struct reply){ STARTED, own.pid, errno };
	}
	send(own.fd, &reply, sizeof(reply), MSG_NOSIGNAL);
}

/* Left a zombie until the tool knows, so that its id is not another's. */
static void
tell_if_ended(void)
{
	siginfo_t info = { .si_pid = 0 };
	struct reply reply;

	if (own.pid == -1 || own.told || waitid(P_PID, (id_t)own.pid, &info,
	    WEXITED | WNOHANG | WNOWAIT) == -1 || info.si_pid == 0)
		return;
	reply = (struct reply){ ENDED, own.pid, info.si_code == CLD_EXITED ?
	    info.si_status : 128 + info.si_status };
	own.told = true;
	send(own.fd, &reply, sizeof(reply), MSG_NOSIGNAL);
	if (getppid() == own.tool)
		kill(own.tool, SIGCHLD);
}

/* The tool has ended.  Nobody would take a token any more, and what the
 * command started is of its group (lib/child). */
static _Noreturn void
end(void)
{
	if (own.pid != -1 && !own.has_in && kill(-own.pid, SIGKILL) == -1)
		kill(own.pid, SIGKILL);
	_exit(GC_EX_OK);
}

/* One request; the end of the process when the tool has ended. */
static void
serve(void)
{
	struct request r;
	struct iovec part = { &r, sizeof(r) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c;
	int fds[2] = { -1, -1 };
	ssize_t n = recvmsg(own.fd, &m, MSG_CMSG_CLOEXEC);

	if (n == 0 || (n == -1 && errno != EINTR))
		end();
	if (n != sizeof(r))
		return;
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (r.kind == RUN)
		start_child(&r, r.has_in ? fds[1] : -1, fds[0]);
	else if (own.pid != -1 && r.pid == own.pid &&
	    waitpid(own.pid, NULL, 0) == own.pid)
		own.pid = -1;
	for (int i = 0; i < 2; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

/* As if a program had been run: locks and pipes of the tool are not held,
 * and its reader and writer do not wait for us. */
static void
let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), flags;

	if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
	    dup2(null, STDOUT_FILENO) == -1)
		_exit(GC_EX_OSERR);
	for (int fd = STDERR_FILENO + 1; fd < FDS_MAX; fd++) {
		flags = fcntl(fd, F_GETFD);
		if (fd != own.fd && flags != -1 && (flags & FD_CLOEXEC))
			close(fd);
	}
}

/* Signals are blocked: those for the whole group are the tool's to heed. */
static _Noreturn void
be_helper(void)
{
	struct pollfd fds[2] = { { own.fd, POLLIN, 0 }, { -1, POLLIN, 0 } };
	struct signalfd_siginfo sink;
	sigset_t child;

	let_go();
	prctl(PR_SET_NAME, NAME);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	fds[1].fd = signalfd(-1, &child, SFD_CLOEXEC);
	for (;;) {
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			_exit(GC_EX_OSERR);
		if (fds[1].revents != 0 &&
		    read(fds[1].fd, &sink, sizeof(sink)) > 0)
			tell_if_ended();
		if (fds[0].revents != 0)
			serve();
	}
}

/* --- in the tool -------------------------------------------------------- */

int
helper_open(const char *command, helper_body *body, struct err *e)
{
	sigset_t all, before;
	pid_t tool = getpid(), pid;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1)
		return err_set(e, GC_EX_OSERR, "can't make a socket pair: %s",
		    strerror(errno));
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		own = (struct state){ .fd = ends[1], .tool = tool, .pid = -1,
		    .command = command, .body = body };
		be_helper();
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(ends[1]);
	if (pid == -1) {
		close(ends[0]);
		return err_set(e, GC_EX_OSERR, "can't fork: %s",
		    strerror(errno));
	}
	channel = ends[0];
	return 0;
}

bool
helper_is_open(void)
{
	return channel != -1;
}

static int
pack(struct request *r, char *const env[])
{
	size_t len;

	for (; env != NULL && *env != NULL; env++) {
		len = strlen(*env) + 1;
		if (len > sizeof(r->env) - r->len) {
			errno = E2BIG;
			return -1;
		}
		memcpy(r->env + r->len, *env, len);
		r->len += len;
	}
	return 0;
}

pid_t
helper_run(char *const env[], int in, int out)
{
	struct request r = { .kind = RUN, .has_in = in != -1 };
	struct iovec part = { &r, sizeof(r) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .room = { 0 } };
	int fds[2] = { out, in }, count = in == -1 ? 1 : 2;
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct reply reply;
	ssize_t n;

	if (pack(&r, env) == -1)
		return -1;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	memcpy(CMSG_DATA(c), fds, (size_t)count * sizeof(int));
	if (sendmsg(channel, &m, MSG_NOSIGNAL) == -1)
		return -1;
	do	/* the end of an earlier child may still stand before it */
		n = recv(channel, &reply, sizeof(reply), 0);
	while ((n == -1 && errno == EINTR) ||
	    (n == sizeof(reply) && reply.kind != STARTED));
	if (n != sizeof(reply)) {
		errno = n == 0 ? ECHILD : errno;
		return -1;
	}
	errno = reply.code;
	return reply.pid;
}

void
helper_forget(pid_t pid)
{
	const struct request r = { .kind = FORGET, .pid = pid };

	send(channel, &r, sizeof(r), MSG_NOSIGNAL);
}

bool
helper_exited(pid_t pid, int *code)
{
	struct reply reply;
	ssize_t n;

	do
		n = recv(channel, &reply, sizeof(reply), MSG_DONTWAIT);
	while (n == sizeof(reply) && (reply.kind != ENDED ||
	    reply.pid != pid));
	if (n == -1)
		return false;
	/* a helper that was killed leaves nobody who knows */
	*code = n == sizeof(reply) ? reply.code : 128 + SIGKILL;
	helper_forget(pid);
	return true;
}
