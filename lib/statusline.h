/*
 * One line on stderr that says how it goes, where stderr is a terminal.
 *
 * It stands in the row below the cursor, so that what other processes of the
 * pipeline say there is written above it; our own messages clear it first.
 * Only who has the terminal to itself draws: in the foreground, and with a
 * stdout that is neither a terminal, whose lines it would tear, nor, unless
 * that is asked for, a pipe: who reads that may write to the same terminal.
 * So of a pipeline the last alone draws, and of several, in one script, who
 * was first, until it ends.
 *
 * Nothing here waits: a terminal that was stopped (^S) is left alone.  Where
 * the line is not wanted all calls do nothing.
 */
#ifndef GC_STATUSLINE_H
#define GC_STATUSLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/gauge.h"

#define STATUSLINE_MS 1000	/* between two drawings */

struct statusline {
	bool on;
	bool drawn;
	int lock;		/* of the terminal */
	int64_t due_ms;
};

/* What decides. */
struct statusline_place {
	bool terminal;		/* stderr is one */
	bool stdout_terminal, stdout_pipe;
	bool pipe_wanted;
	bool quiet, json;
	const char *term, *no_color;	/* of the environment; may be NULL */
};

bool statusline_fits(const struct statusline_place *p);

/* pipe_wanted: also where stdout is a pipe.  Asks the environment, so before
 * anything is given up. */
void statusline_open(struct statusline *s, bool pipe_wanted);

/* When it is to be drawn next; CLOCK_NEVER where there is none. */
int64_t statusline_due(const struct statusline *s);

void statusline_draw(struct statusline *s, const struct gauge_facts *f,
    int64_t now_ms);

/* Clear it, for good; safe twice. */
void statusline_close(struct statusline *s);

#endif
