/*
 * Running another program with pipes: the token command, the reconciler.
 * The pipes' ends here are non-blocking and close-on-exec; stderr is
 * inherited.  CONTRACT sections 4 (GC_TOKEN_CMD) and 6 (-r COMMAND).
 */
#ifndef GC_CHILD_H
#define GC_CHILD_H

#include <sys/types.h>

#include <stdbool.h>

#include "lib/die.h"

struct child {
	pid_t pid;		/* -1: not running */
	int to;			/* its stdin, or -1 */
	int from;		/* its stdout, or -1 */
	bool group;		/* it leads one of its own */
};

#define CHILD_NONE { -1, -1, -1, false }

/*
 * From now on children are made by a helper process (lib/helper.h), which
 * runs this command whatever child_start is given.  Call it early, before
 * locks are taken and memory has grown; once.
 */
int child_helper(const char *command, struct err *e);

/* From now on every child leads a process group of its own, so that
 * child_kill ends whatever it has started.  Call it before child_helper. */
void child_lead_groups(void);

/*
 * Start command: directly, its words split at blanks, or by `sh -c` if it
 * has shell characters (str_needs_shell).  The program is looked for beside
 * this executable if it has no slash, then in PATH.  env: NULL, or
 * NULL-ended "NAME=value" settings for the child alone.  with_stdin: a pipe
 * for its stdin, else /dev/null and a process group of its own, so that
 * child_kill ends whatever the shell started too.  A program that is not
 * there shows as exit code 127 of the child.
 */
int child_start(struct child *c, const char *command, char *const env[],
    bool with_stdin, struct err *e);

/* What a message may say of a command: its first word, if that is plain;
 * the rest may hold a secret. */
#define CHILD_NAME_MAX 64
void child_name(const char *command, char name[CHILD_NAME_MAX]);

/* Reap without waiting: 1 and *code (exit code, or 128 + signal), 0 if it
 * still runs. */
int child_reap(struct child *c, int *code);

/* Kill it (its group), if it runs, and reap it; the pipes are closed. */
void child_kill(struct child *c);

/* Close the pipes' ends that are open. */
void child_close_stdin(struct child *c);
void child_close_stdout(struct child *c);

#endif
