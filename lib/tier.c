#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/tier.h"

void
own_set(struct own *o, struct text t)
{
	o->set = t.p != NULL;
	o->len = o->set ? t.len : 0;
	if (!o->set)
		return;
	if (o->alloc < t.len + 1) {
		o->alloc = t.len + 1;
		o->p = xreallocarray(o->p, o->alloc, 1);
	}
	memmove(o->p, t.p, t.len);
	o->p[t.len] = '\0';
}

void
tier_free(struct tier *t)
{
	free(t->queue_id.p);
	free(t->status.p);
	free(t->previous.p);
	free(t->wrap_up_code.p);
	free(t->timestamp.p);
}

void
tier_set(struct tier *t, const struct tier_told *told, int64_t now_ms)
{
	/* first, as it may be the status that was held */
	own_set(&t->previous, told->previous);
	own_set(&t->status, told->status);
	own_set(&t->wrap_up_code, told->wrap_up_code);
	t->untimed = told->at.text.p == NULL;
	if (!t->untimed) {
		own_set(&t->timestamp, told->at.text);
		t->stamp = told->at.stamp;
	}
	t->touched_ms = now_ms;
}

bool
tier_says(const struct tier *t, const struct tier_told *told)
{
	return own_is(&t->status, told->status) &&
	    own_is(&t->previous, told->previous) &&
	    own_is(&t->wrap_up_code, told->wrap_up_code) &&
	    (told->at.text.p == NULL || (t->timestamp.set &&
	    stamp_cmp(told->at.stamp, t->stamp) == 0));
}

void
tier_doubt(struct tier *t, uint64_t seq)
{
	t->verified = false;
	t->doubt_seq = seq;
}
