/*
 * A process that makes this one's children, so that this one need not be
 * able to.  It is forked before the sandbox is entered (lib/sandbox.h), with
 * the rights of the start; it runs the one command that it was given, as
 * often as it is asked, and nothing else; it ends when this process does, and
 * kills a child that has no stdin, by whose end it would know.  One a process,
 * and one child at a time.
 *
 * What it is asked is not trusted: of the environment it takes settings that
 * begin with GC_TOKEN_ and no others (LD_PRELOAD would run anything).
 * An exit is told as it is without a helper: by SIGCHLD.
 */
#ifndef GC_HELPER_H
#define GC_HELPER_H

#include <sys/types.h>

#include <stdbool.h>

#include "lib/die.h"

#define HELPER_ENV_PREFIX "GC_TOKEN_"
#define HELPER_ENV_MAX 1024	/* bytes of settings for one child */

/* Becomes the child: fds in (-1: none) and out onto 0 and 1, then command;
 * it does not return. */
typedef void helper_body(const char *command, char *const env[], int in,
    int out);

/* Start it.  Of this process it keeps command, stderr, and what is not
 * close-on-exec, as a program would that was run. */
int helper_open(const char *command, helper_body *body, struct err *e);
bool helper_is_open(void);

/* Have the command run: its process id, or -1 and errno. */
pid_t helper_run(char *const env[], int in, int out);

/* Has it ended?  Without waiting; its exit code, or 128 + signal.  Its id
 * is its own until then, so that it can be sent a signal. */
bool helper_exited(pid_t pid, int *code);

/* It was sent SIGKILL: nobody asks for its exit code. */
void helper_forget(pid_t pid);

#endif
