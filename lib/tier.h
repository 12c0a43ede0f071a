/*
 * One tier of an agent's record, global or of a queue: owned copies of what
 * was told of it last, and how sure that is.
 */
#ifndef GC_TIER_H
#define GC_TIER_H

#include "lib/event.h"

/* An owned text; set false is null. */
struct own {
	char *p;
	uint32_t len, alloc;
	bool set;
};

static inline struct text
own_text(const struct own *o)
{
	return (struct text){ o->set ? o->p : NULL, o->len };
}

static inline bool
own_is(const struct own *o, struct text t)
{
	return text_eq(own_text(o), t);
}

void own_set(struct own *o, struct text t);

struct tier {
	struct own queue_id;	/* not set: the global tier */
	struct own status, previous, wrap_up_code;
	struct own timestamp;	/* as it was told */
	struct stamp stamp;	/* the same as a moment; only if set */
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

/* Does the telling say what the tier holds? */
bool tier_says(const struct tier *t, const struct tier_told *told);

void tier_doubt(struct tier *t, uint64_t seq);

#endif
