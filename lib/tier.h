/*
 * One tier of an agent's record, global or of a queue: what was told of it
 * last, and how sure that is.  There are as many as agents, and more: what
 * it holds is kept small.
 */
#ifndef GC_TIER_H
#define GC_TIER_H

#include "lib/event.h"
#include "lib/words.h"

/* A text that is held; NULL is null. */
struct own {
	struct word *word;
};

static inline bool
own_has(const struct own *o)
{
	return o->word != NULL;
}

static inline struct text
own_text(const struct own *o)
{
	return o->word == NULL ? (struct text){ NULL, 0 } :
	    (struct text){ o->word->text, o->word->len };
}

static inline bool
own_is(const struct own *o, struct text t)
{
	return text_eq(own_text(o), t);
}

void own_set(struct own *o, struct text t);

struct tier {
	struct own queue_id;	/* null: the global tier */
	struct own status, previous, wrap_up_code;
	struct stamp stamp;	/* only if timed */
	char *odd_time;		/* as it was told, where not as we write it */
	bool timed;		/* there is a time */
	bool untimed;		/* what it says came without a time: later */
	bool verified;
	bool from_rest;
	bool named;		/* by the line that is settled just now */
	uint64_t doubt_seq;	/* seq of the last doubt about this tier */
	int64_t touched_ms;	/* monotonic: last changed or confirmed */
};

void tier_free(struct tier *t);

/* Everything that a telling says about a tier, save doubt. */
void tier_set(struct tier *t, const struct tier_told *told, int64_t now_ms);

/* The time as it was told; in room, or the tier's.  p NULL: none. */
struct text tier_time(const struct tier *t,
    char room[CLOCK_RFC3339_LEN + 1]);

/* Does the telling say what the tier holds? */
bool tier_says(const struct tier *t, const struct tier_told *told);

void tier_doubt(struct tier *t, uint64_t seq);

#endif
