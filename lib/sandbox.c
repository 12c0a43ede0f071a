#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/die.h"
#include "lib/log.h"
#include "lib/sandbox.h"

#if defined(__SANITIZE_ADDRESS__) || defined(GC_COVERAGE)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifndef WATCHED
#define WATCHED 0
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define X32_BIT 0x40000000u	/* other numbers for the same calls */

/* From 424 on a call has one number everywhere; headers may be older. */
enum {
	NR_IO_URING_SETUP = 425, NR_IO_URING_ENTER, NR_IO_URING_REGISTER,
	NR_OPEN_TREE, NR_MOVE_MOUNT, NR_FSOPEN, NR_FSCONFIG, NR_FSMOUNT,
	NR_FSPICK, NR_CLONE3 = 435, NR_PIDFD_GETFD = 438,
	NR_MOUNT_SETATTR = 442, NR_QUOTACTL_FD, NR_LANDLOCK_CREATE,
	NR_LANDLOCK_ADD, NR_LANDLOCK_RESTRICT
};

/* --- seccomp ------------------------------------------------------------ */

enum when {
	ALWAYS,
	IS,			/* argument arg is value */
	LACKS,			/* has none of its bits */
	PASS			/* is value: let it pass, whatever follows */
};

struct rule {
	int nr;
	int error;
	enum when when;
	unsigned arg;
	uint32_t value;
};

#define NO(name) { SYS_##name, EPERM, ALWAYS, 0, 0 }
#define NO_NR(nr) { nr, EPERM, ALWAYS, 0, 0 }

static const struct rule rules_all[] = {
	/* other programs, other processes */
	NO(execve), NO(execveat), { SYS_clone, EPERM, LACKS, 0, CLONE_THREAD },
	{ NR_CLONE3, ENOSYS, ALWAYS, 0, 0 },	/* libc falls back to clone */
#ifdef __x86_64__
	NO(fork), NO(vfork),
#endif
	NO(ptrace), NO(process_vm_readv), NO(process_vm_writev), NO(kcmp),
	NO_NR(NR_PIDFD_GETFD), NO(perf_event_open),
	/* what goes round the rest of this table */
	NO_NR(NR_IO_URING_SETUP), NO_NR(NR_IO_URING_ENTER),
	NO_NR(NR_IO_URING_REGISTER), NO(unshare), NO(setns),
	NO(personality), NO(open_by_handle_at), NO(name_to_handle_at),
	/* keys typed for the terminal's next reader */
	{ SYS_ioctl, EPERM, IS, 1, TIOCSTI },
	/* the machine */
	NO(mount), NO(umount2), NO(pivot_root), NO(chroot),
	NO_NR(NR_OPEN_TREE), NO_NR(NR_MOVE_MOUNT), NO_NR(NR_FSOPEN),
	NO_NR(NR_FSCONFIG), NO_NR(NR_FSMOUNT), NO_NR(NR_FSPICK),
	NO_NR(NR_MOUNT_SETATTR), NO(swapon), NO(swapoff), NO(quotactl),
	NO_NR(NR_QUOTACTL_FD), NO(acct), NO(reboot), NO(sethostname),
	NO(setdomainname), NO(settimeofday), NO(clock_settime),
	NO(adjtimex), NO(clock_adjtime), NO(vhangup), NO(syslog),
	NO(kexec_load), NO(init_module), NO(finit_module), NO(delete_module),
#ifdef SYS_kexec_file_load
	NO(kexec_file_load),
#endif
#ifdef __x86_64__
	NO(iopl), NO(ioperm), NO(modify_ldt),
#endif
	/* much code in the kernel for nothing that we do */
	NO(bpf), NO(userfaultfd), NO(add_key), NO(request_key), NO(keyctl),
};

static const struct rule rules_filter[] = {
	NO(socket), NO(socketpair), NO(connect), NO(bind), NO(listen),
	NO(accept), NO(accept4),
};

static const struct rule rules_client[] = {
	{ SYS_socket, 0, PASS, 0, AF_UNIX },	/* systemd, nscd */
	{ SYS_socket, 0, PASS, 0, AF_INET },
	{ SYS_socket, 0, PASS, 0, AF_INET6 },
	{ SYS_socket, 0, PASS, 0, AF_NETLINK },	/* getaddrinfo: addresses */
	{ SYS_socket, EAFNOSUPPORT, ALWAYS, 0, 0 },
	NO(listen), NO(accept), NO(accept4),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#ifdef ARCH
#define RULE_LEN 5		/* instructions, at most */
#define HEAD_LEN 6
#define PROGRAM_MAX (HEAD_LEN + RULE_LEN * (COUNT(rules_all) + \
    COUNT(rules_filter) + COUNT(rules_client)) + 1)

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define GIVE(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define JUMP(op, value, yes, no) \
    BPF_JUMP(BPF_JMP | (op) | BPF_K, (value), (yes), (no))
#define REFUSE(error) \
    (SECCOMP_RET_ERRNO | ((uint32_t)(error) & SECCOMP_RET_DATA))

struct program {
	struct sock_filter code[PROGRAM_MAX];
	size_t len;
};

static void
add(struct program *p, const struct sock_filter *code, size_t len)
{
	memcpy(p->code + p->len, code, len * sizeof(*code));
	p->len += len;
}

/* Arguments of the table are ints: their low words (both are little). */
static void
add_rule(struct program *p, const struct rule *r)
{
	const struct sock_filter plain[] = {
		JUMP(BPF_JEQ, (uint32_t)r->nr, 0, 1),
		GIVE(REFUSE(r->error)),
	};
	const struct sock_filter looking[RULE_LEN] = {
		JUMP(BPF_JEQ, (uint32_t)r->nr, 0, 4),
		LOAD(offsetof(struct seccomp_data, args) +
		    r->arg * sizeof(uint64_t)),
		r->when == LACKS ?
		    (struct sock_filter)JUMP(BPF_JSET, r->value, 1, 0) :
		    (struct sock_filter)JUMP(BPF_JEQ, r->value, 0, 1),
		GIVE(r->when == PASS ? SECCOMP_RET_ALLOW : REFUSE(r->error)),
		LOAD(offsetof(struct seccomp_data, nr)),
	};

	if (r->when == ALWAYS)
		add(p, plain, COUNT(plain));
	else
		add(p, looking, RULE_LEN);
}

static void
add_rules(struct program *p, const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_rule(p, &rules[i]);
}

static bool
enter_seccomp(bool client)
{
	/* calls by another table of numbers are none of ours */
	static const struct sock_filter head[HEAD_LEN] = {
		LOAD(offsetof(struct seccomp_data, arch)),
		JUMP(BPF_JEQ, ARCH, 1, 0),
		GIVE(REFUSE(ENOSYS)),
		LOAD(offsetof(struct seccomp_data, nr)),
		JUMP(BPF_JGE, X32_BIT, 0, 1),
		GIVE(REFUSE(ENOSYS)),
	};
	static const struct sock_filter tail = GIVE(SECCOMP_RET_ALLOW);
	struct program p = { .len = 0 };
	struct sock_fprog prog;

	add(&p, head, HEAD_LEN);
	add_rules(&p, rules_all, COUNT(rules_all));
	if (client)
		add_rules(&p, rules_client, COUNT(rules_client));
	else
		add_rules(&p, rules_filter, COUNT(rules_filter));
	add(&p, &tail, 1);
	prog = (struct sock_fprog){ (unsigned short)p.len, p.code };
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0;
}
#else
static bool
enter_seccomp(bool client)
{
	(void)client, (void)rules_all, (void)rules_filter, (void)rules_client;
	return false;
}
#endif

/* --- Landlock ----------------------------------------------------------- */

/* linux/landlock.h, in its first version and the rights of later ones. */
#define CREATE_VERSION 1u
#define RULE_PATH_BENEATH 1

enum {
	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3, FS_REMOVE_FILE = 1 << 5, FS_MAKE_REG = 1 << 8,
	FS_ABI_1 = (1 << 13) - 1,
	FS_REFER = 1 << 13,		/* version 2 */
	FS_TRUNCATE = 1 << 14,		/* 3 */
	FS_IOCTL_DEV = 1 << 15,		/* 5 */
	FS_FOLDER = FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR |
	    FS_REMOVE_FILE | FS_MAKE_REG | FS_TRUNCATE
};

static const struct { int version; uint64_t rights; } later[] = {
	{ 2, FS_REFER }, { 3, FS_TRUNCATE }, { 5, FS_IOCTL_DEV },
};

struct ruleset { uint64_t handled_access_fs; };
struct path_beneath {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

/* The folder, or the nearest one above it that there is. */
static int
open_folder(const char *folder)
{
	char *copy = xstrdup(folder), *path = copy;
	int fd;

	while ((fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1 &&
	    errno == ENOENT && strcmp(path, "/") != 0 &&
	    strcmp(path, ".") != 0)
		path = dirname(path);
	free(copy);
	return fd;
}

static bool
allow_folder(int rules, const char *folder, uint64_t rights)
{
	struct path_beneath rule = { rights, open_folder(folder) };
	bool done = rule.parent_fd != -1 && syscall(NR_LANDLOCK_ADD, rules,
	    RULE_PATH_BENEATH, &rule, 0) == 0;

	if (rule.parent_fd != -1)
		close(rule.parent_fd);
	return done;
}

static bool
enter_landlock(const struct sandbox *s)
{
	struct ruleset set = { FS_ABI_1 };
	long version = syscall(NR_LANDLOCK_CREATE, NULL, 0, CREATE_VERSION);
	bool done = version > 0;
	int rules = -1;

	for (size_t i = 0; i < COUNT(later); i++)
		if (version >= later[i].version)
			set.handled_access_fs |= later[i].rights;
	if (s->client)
		set.handled_access_fs &= ~(uint64_t)(FS_READ_FILE |
		    FS_READ_DIR);
	if (done)
		rules = (int)syscall(NR_LANDLOCK_CREATE, &set, sizeof(set), 0);
	done = rules != -1;
	for (unsigned i = 0; i < s->count && done; i++)
		done = allow_folder(rules, s->folders[i],
		    FS_FOLDER & set.handled_access_fs);
	done = done && syscall(NR_LANDLOCK_RESTRICT, rules, 0) == 0;
	if (rules != -1)
		close(rules);
	return done;
}

/* --- both --------------------------------------------------------------- */

void
sandbox_folder(struct sandbox *s, const char *folder)
{
	if (folder != NULL && s->count < SANDBOX_FOLDERS)
		s->folders[s->count++] = xstrdup(folder);
}

void
sandbox_file(struct sandbox *s, const char *path)
{
	char *copy;

	if (path == NULL)
		return;
	copy = xstrdup(path);
	sandbox_folder(s, dirname(copy));
	free(copy);
}

static bool
is_watched(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return WATCHED || (preload != NULL &&
	    strstr(preload, "vgpreload") != NULL);
}

const char *
sandbox_enter(struct sandbox *s)
{
	/* [seccomp][landlock] */
	static const char *const names[2][2] = {
		{ "none", "landlock" }, { "seccomp", "seccomp+landlock" }
	};
	bool may = !is_watched() &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	bool landlock = may && enter_landlock(s);
	bool seccomp = may && enter_seccomp(s->client);

	log_detail("sandbox: %s", names[seccomp][landlock]);
	for (unsigned i = 0; i < s->count; i++) {
		if (landlock)
			log_detail("sandbox: may write below '%s'",
			    s->folders[i]);
		free(s->folders[i]);
	}
	s->count = 0;
	return names[seccomp][landlock];
}
