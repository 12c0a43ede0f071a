/* Who has which routing status, presence and active queues: the truth. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"

#define RNG_PEOPLE 5
#define ACTIVE_SHARE 0.9	/* of an agent's queues, at first */
#define TRIES 64		/* to find somebody at random */

enum { OFF_QUEUE, ROUTING_IDLE, INTERACTING, NOT_RESPONDING, COMMUNICATING,
    ROUTINGS };
static const char *const routings[ROUTINGS] = { "OFF_QUEUE", "IDLE",
    "INTERACTING", "NOT_RESPONDING", "COMMUNICATING" };

enum { AVAILABLE, AWAY, BUSY, OFFLINE, SYSTEM_IDLE, ON_QUEUE, MEAL, TRAINING,
    MEETING, BREAK };
static const struct { const char *as[3]; } systems[] = {
	[AVAILABLE] = { { "AVAILABLE", "Available", "Available" } },
	[AWAY] = { { "AWAY", "Away", "Away" } },
	[BUSY] = { { "BUSY", "Busy", "Busy" } },
	[OFFLINE] = { { "OFFLINE", "Offline", "Offline" } },
	[SYSTEM_IDLE] = { { "IDLE", "Idle", "Idle" } },
	[ON_QUEUE] = { { "ON_QUEUE", "On Queue", "OnQueue" } },
	[MEAL] = { { "MEAL", "Meal", "Meal" } },
	[TRAINING] = { { "TRAINING", "Training", "Training" } },
	[MEETING] = { { "MEETING", "Meeting", "Meeting" } },
	[BREAK] = { { "BREAK", "Break", "Break" } },
};

/* The platform's own, then the org's. */
static const struct { int system; const char *label; } labels[DEFINITIONS] = {
	{ AVAILABLE, "Available" }, { AWAY, "Away" }, { BUSY, "Busy" },
	{ OFFLINE, "Offline" }, { SYSTEM_IDLE, "Idle" },
	{ ON_QUEUE, "On Queue" }, { MEAL, "Meal" }, { TRAINING, "Training" },
	{ MEETING, "Meeting" }, { BREAK, "Break" },
	{ BREAK, "Caf\u00e9" }, { MEAL, "Late lunch" },
	{ BUSY, "Paperwork" }, { MEETING, "1:1" }, { AWAY, "Dentist" },
};
#define PRIMARIES 10

static const char *const first_names[] = { "Ada", "Alan", "Barbara", "Claude",
	"Donald", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Jos\u00e9",
	"Karen", "Leslie", "Margaret", "Niklaus", "Ole" };
static const char *const last_names[] = { "Adams", "Berg", "Costa", "Dahl",
	"Evans", "Fischer", "Garc\u00eda", "Hall", "Ito", "Jensen", "Klein",
	"Lopez", "M\u00fcller", "Nowak", "O'Brien", "Park" };
#define NAMES 16

const char *
people_routing_name(int routing)
{
	return routings[routing];
}

const char *
people_system_name(int system, enum spelling how)
{
	return systems[system].as[how];
}

struct person *
people_of(const struct sim *s, const struct sim_agent *a)
{
	return &s->people->all[a - s->org.agents];
}

/* --- the beginning ------------------------------------------------------ */

static void
make_definitions(struct people *p)
{
	for (int i = 0; i < DEFINITIONS; i++) {
		struct definition *d = &p->definitions[i];

		rng_id(&p->rng, d->id);
		d->label = labels[i].label;
		d->system = labels[i].system;
		d->primary = i < PRIMARIES;
	}
}

/* On queue means ready for work, mostly: else off queue. */
static int
routing_for(struct rng *r, int system)
{
	if (system != ON_QUEUE)
		return OFF_QUEUE;
	return rng_chance(r, 0.5) ? ROUTING_IDLE :
	    1 + (int)rng_below(r, ROUTINGS - 1);
}

static unsigned
some_queues(struct rng *r, const struct sim_agent *a)
{
	unsigned active = 0;

	for (int t = 1; t < a->tier_count; t++)
		if (rng_chance(r, ACTIVE_SHARE))
			active |= 1u << t;
	return active;
}

static void
make_person(struct people *p, const struct sim_agent *a, struct person *who,
    int64_t wall_ms)
{
	struct rng *r = &p->rng;

	snprintf(who->name, sizeof(who->name), "%s %s",
	    first_names[rng_below(r, NAMES)], last_names[rng_below(r, NAMES)]);
	who->presence = (int)rng_below(r, DEFINITIONS);
	if (rng_chance(r, 0.4))
		who->presence = ON_QUEUE;
	who->routing = routing_for(r, p->definitions[who->presence].system);
	who->previous = -1;
	who->active = some_queues(r, a);
	who->routing_ms = who->presence_ms = wall_ms - 3600000;
	who->queues_ms = wall_ms - 7200000;
}

void
people_init(struct sim *s, int64_t wall_ms)
{
	struct people *p = xcalloc(1, sizeof(*p));

	p->rng = rng_for(s->seed, RNG_PEOPLE);
	rng_id(&p->rng, p->org_id);
	make_definitions(p);
	p->all = xcalloc(s->org.agent_count, sizeof(*p->all));
	for (size_t i = 0; i < s->org.agent_count; i++)
		make_person(p, &s->org.agents[i], &p->all[i], wall_ms);
	s->people = p;
}

void
people_free(struct sim *s)
{
	if (s->people != NULL)
		free(s->people->all);
	free(s->people);
}

/* --- changes ------------------------------------------------------------ */

/* A part's clock never stands still nor goes back. */
static void
stamp(int64_t *at_ms, int64_t wall_ms)
{
	*at_ms = wall_ms > *at_ms ? wall_ms : *at_ms + 1;
}

static unsigned
set_routing(struct sim *s, struct person *who, int routing)
{
	if (who->routing == routing)
		return 0;
	who->previous = who->routing;
	who->routing = routing;
	stamp(&who->routing_ms, s->wall_ms);
	return CHANGED_ROUTING;
}

static unsigned
set_presence(struct sim *s, struct person *who, int presence)
{
	who->presence = presence;
	stamp(&who->presence_ms, s->wall_ms);
	return CHANGED_PRESENCE;
}

unsigned
people_set_active(struct sim *s, struct person *who, unsigned active)
{
	who->active = active;
	stamp(&who->queues_ms, s->wall_ms);
	return CHANGED_QUEUES;
}

/* Another than now; on queue no more often than the rest together. */
static unsigned
change_presence(struct sim *s, struct person *who)
{
	struct rng *r = &s->people->rng;
	const struct definition *d = s->people->definitions;
	int next = (who->presence + 1 +
	    (int)rng_below(r, DEFINITIONS - 1)) % DEFINITIONS;
	unsigned parts;

	if (who->presence != ON_QUEUE && rng_chance(r, 0.5))
		next = ON_QUEUE;
	parts = set_presence(s, who, next);
	/* a call that is going on outlives its agent's break */
	if (d[next].system != ON_QUEUE && who->routing == INTERACTING &&
	    rng_chance(r, 0.3))
		return parts;
	if (d[next].system == ON_QUEUE && who->routing != OFF_QUEUE)
		return parts;
	return parts | set_routing(s, who, d[next].system == ON_QUEUE ?
	    ROUTING_IDLE : OFF_QUEUE);
}

static unsigned
change_routing(struct sim *s, struct person *who)
{
	struct rng *r = &s->people->rng;

	if (who->presence == ON_QUEUE)
		return set_routing(s, who, 1 + (who->routing +
		    (int)rng_below(r, ROUTINGS - 2)) % (ROUTINGS - 1));
	/* off queue there are calls too, but no work is given out */
	return set_routing(s, who, who->routing == OFF_QUEUE ?
	    COMMUNICATING : OFF_QUEUE);
}

struct sim_agent *
people_change(struct sim *s, struct sim_agent *who, unsigned *parts)
{
	struct org *o = &s->org;
	struct rng *r = &s->people->rng;
	struct sim_agent *a = who;
	struct person *p;
	uint32_t dice;

	for (int i = 0; a == NULL && i < TRIES; i++) {
		a = &o->agents[rng_below(r, (uint32_t)o->agent_count)];
		if (people_of(s, a)->inactive)
			a = NULL;
	}
	if (a == NULL || people_of(s, a)->inactive)
		return NULL;
	p = people_of(s, a);
	dice = rng_below(r, 100);
	if (dice < 12 && a->tier_count > 1)
		*parts = people_set_active(s, p, p->active ^
		    1u << (1 + rng_below(r, (uint32_t)a->tier_count - 1)));
	else if (dice < (p->presence == ON_QUEUE ? 65 : 25))
		*parts = change_routing(s, p);
	else
		*parts = change_presence(s, p);
	o->changes++;
	return a;
}

/* --- the truth ---------------------------------------------------------- */

static void
add_truth(const struct sim *s, const struct sim_agent *a, struct buf *out)
{
	const struct person *p = people_of(s, a);
	const struct definition *d = &s->people->definitions[p->presence];
	char routing[CLOCK_RFC3339_LEN + 1], presence[CLOCK_RFC3339_LEN + 1];
	char queues[CLOCK_RFC3339_LEN + 1];
	bool first = true;

	clock_format_ms(p->routing_ms, routing);
	clock_format_ms(p->presence_ms, presence);
	clock_format_ms(p->queues_ms, queues);
	buf_addf(out, "{\"userId\":\"%s\",\"name\":\"%s\",\"currentStatus\":"
	    "\"%s\",\"previousStatus\":", a->id, p->name,
	    routings[p->routing]);
	if (p->previous == -1)
		buf_adds(out, "null");
	else
		buf_addf(out, "\"%s\"", routings[p->previous]);
	buf_addf(out, ",\"wrapUpCode\":null,\"queueId\":null,"
	    "\"lastUpdatedTimestamp\":\"%s\",\"queues\":{},\"presence\":"
	    "{\"currentStatus\":\"%s\",\"label\":\"%s\","
	    "\"lastUpdatedTimestamp\":\"%s\"},\"activeQueues\":{\"ids\":[",
	    routing, systems[d->system].as[SPELT_EVENT], d->label, presence);
	for (int t = 1; t < a->tier_count; t++) {
		if (!(p->active & 1u << t))
			continue;
		buf_addf(out, "%s\"%s\"", first ? "" : ",",
		    s->org.queues[a->tiers[t].queue]);
		first = false;
	}
	buf_addf(out, "],\"lastUpdatedTimestamp\":\"%s\"}}\n", queues);
}

void
people_truth(const struct sim *s, struct buf *out)
{
	for (size_t i = 0; i < s->org.agent_count; i++)
		if (!s->people->all[i].inactive)
			add_truth(s, &s->org.agents[i], out);
}
