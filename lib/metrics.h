/*
 * --metrics FILE: Prometheus text format, replaced atomically every 5 s and
 * at exit.  A tool names its figures in one table; what each of them has
 * (when the file was written, when input came) is labelled with the tool, so
 * that the files of a pipeline can be read together.  GC_PROFILE is a label
 * of every figure where it is set.  CONTRACT section 3.
 */
#ifndef GC_METRICS_H
#define GC_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_PERIOD_MS 5000

struct metric {
	const char *name;	/* gc_dedup_events_total; with labels too:
				 * gc_x_total{kind="a"} (help from the first
				 * of a family, which stand together) */
	const char *help;
	const uint64_t *value;	/* a name in _total is a counter, else gauge;
				 * one in _seconds holds milliseconds */
};

struct metrics {
	const char *path;	/* NULL: all calls do nothing */
	const struct metric *table;
	size_t count;
	uint64_t heard_ms;	/* wall clock: when input last came, or could
				 * have for the first time; 0: there is none */
	void (*compute)(void);	/* NULL, or called before each writing: for
				 * figures that cost something to know */
	int64_t due_ms;		/* the next writing; 0 at first: at once */
	uint64_t failures;	/* told in the file itself, once it can be */
	bool failing;		/* the last one; said on stderr once */
};

/* Write if due; a failure is said, counted and tried again.  Returns the
 * time at which it is due next (CLOCK_NEVER without a path). */
int64_t metrics_tick(struct metrics *m, int64_t now_ms);
void metrics_write(struct metrics *m);		/* now: at exit */

#endif
