/* Who is there, and in which queues. */
#include "cmd/gc-sim/platform.h"

/* The bit of the queue among the agent's; 0: no member. */
unsigned
people_bit(const struct sim_agent *a, int queue)
{
	for (int t = 1; t < a->tier_count; t++)
		if (a->tiers[t].queue == queue)
			return 1u << t;
	return 0;
}

static bool
may_join(const struct sim *s, const struct sim_agent *a, int queue)
{
	if (people_of(s, a)->inactive || a->tier_count == TIERS_MAX)
		return false;
	return queue == -1 ? a->tier_count <= s->org.queue_count :
	    queue < s->org.queue_count && people_bit(a, queue) == 0;
}

static bool
may_leave(const struct sim *s, const struct sim_agent *a, int queue)
{
	return !people_of(s, a)->inactive && (queue == -1 ?
	    a->tier_count > 1 : people_bit(a, queue) != 0);
}

static bool
may_come(const struct sim *s, const struct sim_agent *a, int queue)
{
	(void)queue;
	return people_of(s, a)->inactive;
}

static bool
may_go(const struct sim *s, const struct sim_agent *a, int queue)
{
	(void)queue;
	return !people_of(s, a)->inactive;
}

/* One of those who may, each as likely as the next; NULL: nobody. */
static struct sim_agent *
pick(struct sim *s, bool (*may)(const struct sim *s,
    const struct sim_agent *a, int queue), int queue)
{
	struct org *o = &s->org;
	uint32_t count = 0, which;
	size_t i;

	for (i = 0; i < o->agent_count; i++)
		count += may(s, &o->agents[i], queue);
	if (count == 0)
		return NULL;
	which = rng_below(&s->people->rng, count);
	for (i = 0; !may(s, &o->agents[i], queue) || which-- > 0; i++)
		continue;
	o->changes++;
	return &o->agents[i];
}

struct sim_agent *
people_join(struct sim *s, int *queue, unsigned *parts)
{
	struct sim_agent *a = pick(s, may_join, *queue);

	if (a == NULL)
		return NULL;
	if (*queue == -1) {
		*queue = (int)rng_below(&s->people->rng,
		    (uint32_t)s->org.queue_count);
		while (people_bit(a, *queue) != 0)
			*queue = (*queue + 1) % s->org.queue_count;
	}
	a->tiers[a->tier_count] = (struct sim_tier){ .queue = *queue,
	    .previous = -1, .at_ms = s->wall_ms };
	*parts = people_set_active(s, people_of(s, a),
	    people_of(s, a)->active | 1u << a->tier_count);
	a->tier_count++;
	return a;
}

struct sim_agent *
people_leave(struct sim *s, int *queue, unsigned *parts)
{
	struct sim_agent *a = pick(s, may_leave, *queue);
	unsigned bit, below, active;
	struct person *p;
	int t;

	if (a == NULL)
		return NULL;
	if (*queue == -1)
		*queue = a->tiers[1 + rng_below(&s->people->rng,
		    (uint32_t)a->tier_count - 1)].queue;
	p = people_of(s, a);
	bit = people_bit(a, *queue);
	below = p->active & (bit - 1);
	active = below | ((p->active & ~(bit - 1) & ~bit) >> 1);
	*parts = 0;
	if (p->active & bit)
		*parts = people_set_active(s, p, active);
	p->active = active;
	for (t = 1; a->tiers[t].queue != *queue; t++)
		continue;
	for (a->tier_count--; t < a->tier_count; t++)
		a->tiers[t] = a->tiers[t + 1];
	return a;
}

struct sim_agent *
people_activate(struct sim *s, bool active)
{
	struct sim_agent *a = pick(s, active ? may_come : may_go, -1);

	if (a != NULL)
		people_of(s, a)->inactive = !active;
	return a;
}
