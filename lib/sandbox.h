/*
 * Least power: what a tool will not need is given up before the first byte
 * of others is read, for good.  Best effort: where the kernel has no seccomp
 * or no Landlock, or forbids them, the tool runs without, and says so.
 *
 * seccomp refuses the system calls of a table, with EPERM, and lets all
 * others pass: a list of what is allowed would have to follow each libc.
 * Landlock refuses files by where they are.  Both are inherited by children,
 * so there are none: no program is run from inside (lib/helper.h runs the
 * one command of a tool from outside), and no process is made; threads may.
 * On processors other than x86_64 and aarch64 seccomp is left out.  Under a
 * sanitizer, valgrind or --coverage nothing is done: they need what we
 * refuse.
 */
#ifndef GC_SANDBOX_H
#define GC_SANDBOX_H

#include <stdbool.h>

#define SANDBOX_FOLDERS 4

struct sandbox {
	bool client;		/* may speak to hosts, and read every file;
				 * else no socket, and what may be written
				 * is all that may be read */
	char *folders[SANDBOX_FOLDERS];	/* may be written, with all below */
	unsigned count;
};

/* Let a folder, or the folder of a file, be written.  Where it is missing,
 * the nearest above it that is not.  NULL is none. */
void sandbox_folder(struct sandbox *s, const char *folder);
void sandbox_file(struct sandbox *s, const char *path);

/* Enter it, with one thread running; s is freed.  What is in force, for the
 * status: "seccomp+landlock", "seccomp", "landlock" or "none". */
const char *sandbox_enter(struct sandbox *s);

#endif
