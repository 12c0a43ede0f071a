/*
 * sandboxed filter|client FOLDER [ACT [ARGUMENT]]: enter lib/sandbox, with
 * FOLDER to be written, and then try what it is to forbid, or must not.
 * Prints what is in force; with ACT, `yes` or the name of the error.
 */
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/log.h"
#include "lib/sandbox.h"

static const char *argument;

static int
try_socket(void)
{
	int family = strcmp(argument, "unix") == 0 ? AF_UNIX :
	    strcmp(argument, "inet") == 0 ? AF_INET :
	    strcmp(argument, "netlink") == 0 ? AF_NETLINK :
	    strcmp(argument, "packet") == 0 ? AF_PACKET : AF_ALG;

	return socket(family, family == AF_NETLINK ? SOCK_RAW :
	    family == AF_ALG ? SOCK_SEQPACKET : SOCK_DGRAM, 0);
}

/* On descriptor 0, which the test makes a socket where it matters. */
static int
try_connect(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "x" };

	return connect(0, (struct sockaddr *)&to, sizeof(to));
}

static int
try_bind(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "x" };

	return bind(0, (struct sockaddr *)&to, sizeof(to));
}

static int try_listen(void) { return listen(0, 1); }
static int try_accept(void) { return accept(0, NULL, NULL); }

static int
try_socketpair(void)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static int
try_exec(void)
{
	char *args[] = { (char []){ "true" }, NULL };

	return execv("/bin/true", args);
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
try_clone3(void)
{
	return (int)syscall(435, NULL, 0);
}

static int
try_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int
try_mount(void)
{
	return mount("none", "/", "tmpfs", MS_REMOUNT, NULL);
}

static int try_unshare(void) { return (int)syscall(SYS_unshare, 0); }
static int try_keyctl(void) { return (int)syscall(SYS_keyctl, 0, 0, 0); }
static int try_bpf(void) { return (int)syscall(SYS_bpf, 0, NULL, 0); }
static int try_uring(void) { return (int)syscall(425, 0, NULL); }

static int
try_type(void)
{
	return ioctl(0, TIOCSTI, "x");
}

static int
try_read(void)
{
	return open(argument, O_RDONLY);
}

static int
try_write(void)
{
	return open(argument, O_WRONLY);
}

static int
try_create(void)
{
	return open(argument, O_WRONLY | O_CREAT, 0600);
}

static int try_truncate(void) { return truncate(argument, 0); }
static int try_unlink(void) { return unlink(argument); }
static int try_mkdir(void) { return mkdir(argument, 0700); }
static int try_symlink(void) { return symlink("x", argument); }

static int
try_replace(void)
{
	struct err e;

	return file_replace(argument, "x\n", 2, &e);
}

static int
try_lock(void)
{
	struct err e;

	return file_lock(argument, &e);
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
try_thread(void)
{
	pthread_t t;

	errno = pthread_create(&t, NULL, nothing, NULL);
	return errno != 0 ? -1 : pthread_join(t, NULL);
}

static int
try_name(void)
{
	struct addrinfo *found = NULL;
	int status = getaddrinfo(argument, "443", NULL, &found);

	if (status == 0)
		freeaddrinfo(found);
	errno = EHOSTUNREACH;
	return status == 0 ? 0 : -1;
}

static int
try_random(void)
{
	unsigned char bytes[16];

	return getentropy(bytes, sizeof(bytes));
}

static const struct {
	const char *name;
	int (*act)(void);
} acts[] = {
	{ "socket", try_socket }, { "connect", try_connect },
	{ "bind", try_bind }, { "listen", try_listen },
	{ "accept", try_accept }, { "socketpair", try_socketpair },
	{ "exec", try_exec }, { "fork", try_fork },
	{ "clone3", try_clone3 }, { "ptrace", try_ptrace },
	{ "mount", try_mount }, { "unshare", try_unshare },
	{ "keyctl", try_keyctl }, { "bpf", try_bpf }, { "uring", try_uring },
	{ "type", try_type }, { "read", try_read }, { "write", try_write },
	{ "create", try_create }, { "truncate", try_truncate },
	{ "unlink", try_unlink }, { "mkdir", try_mkdir },
	{ "symlink", try_symlink }, { "replace", try_replace },
	{ "lock", try_lock }, { "thread", try_thread }, { "name", try_name },
	{ "random", try_random },
};

int
main(int argc, char **argv)
{
	struct sandbox box = { .client = argc > 1 &&
	    strcmp(argv[1], "client") == 0 };
	const char *force;

	if (argc < 3)
		return GC_EX_USAGE;
	log_open("sandboxed");
	sandbox_folder(&box, argv[2]);
	force = sandbox_enter(&box);
	if (argc == 3) {
		puts(force);
		return 0;
	}
	argument = argc > 4 ? argv[4] : "";
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, argv[3]) == 0) {
			puts(acts[i].act() == -1 ? strerrorname_np(errno) :
			    "yes");
			return 0;
		}
	return GC_EX_USAGE;
}
