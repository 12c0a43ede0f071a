/*
 * Signals as a descriptor: handlers only set a flag and wake a self-pipe,
 * and the loop asks after poll(2).  One set a process.  SIGPIPE is ignored
 * (a write says EPIPE), and so is SIGXFSZ (a write says EFBIG, as a full
 * disk says ENOSPC); sigs_die_pipe() ends as `cat` does.
 */
#ifndef GC_SIGS_H
#define GC_SIGS_H

#include <stdbool.h>

#include "lib/die.h"

struct sigs {
	int stops;		/* TERM and INT so far; 2: exit at once */
	bool status;		/* USR1 came: say the status, then clear */
	bool reload;		/* HUP came */
	bool child;		/* CHLD came: waitpid */
};

/* Catch TERM, INT, USR1, CHLD, and HUP if asked, also where the caller has
 * ignored them (a shell's background, nohup): none of them harms a tool that
 * catches it.  Returns the descriptor to poll for reading, or -1.  A second
 * TERM or INT ends the process at once, with 128 + the signal's number, even
 * if the loop is stuck. */
int sigs_open(bool catch_hup, struct err *e);

/* Catch HUP from now on, after a sigs_open that was not asked to. */
void sigs_catch_hup(void);

/* Drain the descriptor and add what came to s.  Cheap: call it each turn. */
void sigs_take(struct sigs *s);

/* Give a forked child the signals as they were. */
void sigs_reset_in_child(void);

/* End by the TERM or INT that came, as if nothing had caught it. */
_Noreturn void sigs_die_stop(void);

/* End by SIGPIPE, as a filter whose reader went does. */
_Noreturn void sigs_die_pipe(void);

#endif
