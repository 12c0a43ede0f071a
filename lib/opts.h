/*
 * A tool's command line as one table: parsing, --help and the synopsis
 * come from it, so that they cannot disagree.  GNU getopt_long underneath;
 * `--` ends options.  The options that every tool has (-h, -V, -v, -q,
 * --log) are added here and acted on.  CONTRACT section 3.
 * --_options, which --help does not have, prints the table for programs:
 * scripts/completions makes the shells' completions of it.
 */
#ifndef GC_OPTS_H
#define GC_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_kind {
	OPT_FLAG,		/* bool, set to true; no value */
	OPT_TEXT,		/* const char *, of argv; never blank */
	OPT_LIST,		/* struct opt_list: may be given many times */
	OPT_DURATION,		/* int64_t, milliseconds */
	OPT_SIZE,		/* size_t, bytes */
	OPT_NUMBER,		/* uint64_t, min to max */
	OPT_DECIMAL,		/* double, 0 or more */
	OPT_CHOICE		/* int: index into value's words, a|b|c */
};

struct opt_list {
	const char **items;	/* heap; lives as long as the process */
	size_t count;
};

struct opt {
	char letter;		/* 0: long only */
	const char *name;	/* long name */
	enum opt_kind kind;
	void *target;		/* holds the default beforehand */
	const char *value;	/* its name in --help: FILE, DURATION, a|b */
	const char *help;	/* one line, the default included */
	uint64_t min, max;	/* OPT_NUMBER, OPT_DURATION (ms), OPT_SIZE;
				 * max 0: no limit */
};

struct opts {
	const char *synopsis;	/* what follows the name: "[-w DURATION]" */
	const char *summary;	/* one sentence */
	const struct opt *table;
	size_t count;
	/* for --version; NULL for none: libraries that tell their version at
	 * run time, and the names of others */
	const char *(*linked)(void);
	const char *libraries;
	const char *notes;	/* printed after the table; may be NULL */
	bool stop_at_operand;	/* gc-sim's COMMAND keeps its own options */
};

#define OPTS_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/*
 * Parse; on a mistake say it and end with 64; on --help and --version print
 * and end with 0.  Calls secret_guard() and log_open().  Returns the index
 * of the first operand in argv.  Option names are never abbreviated secrets:
 * there is no option that takes one.
 */
int opts_parse(const char *tool, int argc, char **argv, const struct opts *o);

#endif
