/* A script's steps and what they do: for script.c and actions.c. */
#ifndef GC_SIM_SCRIPT_H
#define GC_SIM_SCRIPT_H

#include "cmd/gc-sim/sim.h"

#define ARGS_MAX 3

struct step {
	int64_t after_ms;
	size_t line;
	const struct action *action;
	uint64_t n[ARGS_MAX];
	char text[128];		/* the action and its words */
	size_t words_at;	/* in text: behind the action */
};

/* An argument stands in its place, or by its name. */
struct action {
	const char *name, *usage;
	void (*run)(struct sim *s, const struct step *step);
	bool of_fault;			/* one word: NAME[=VALUE] */
	struct arg {
		enum part kind;
		const char *key;	/* "n=", or NULL: in its place */
		bool optional;
		uint64_t otherwise;
	} args[ARGS_MAX];
};

/* NULL if there is none of that name in the protocol. */
const struct action *action_find(const char *name, enum protocol p);

#endif
