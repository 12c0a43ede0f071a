/* The org's truth: seeded, and changing with the right previousStatus. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"

static const char *const statuses[] = { "Available", "Not Ready", "Busy",
    "On Queue", "Away", "Break", "Meal", "Meeting", "Training", "Offline" };
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))
static const char *const wrap_ups[] = { "RESOLVED", "FOLLOW_UP", "CALLBACK",
    "TRANSFER" };
static const double queue_share = 0.3;	/* of all changes */

uint64_t
rng_next(struct rng *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint32_t
rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

bool
rng_chance(struct rng *r, double p)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53 < p;
}

struct rng
rng_for(uint64_t seed, uint64_t use)
{
	struct rng r = { seed ^ use * 0xd1342543de82ef95u };

	return (struct rng){ rng_next(&r) };
}

void
rng_id(struct rng *r, char id[ID_LEN + 1])
{
	uint64_t a = rng_next(r), b = rng_next(r);

	snprintf(id, ID_LEN + 1, "%08x-%04x-4%03x-%04x-%012llx",
	    (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff,
	    (unsigned)a & 0xfff, (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
	    (unsigned long long)(b & 0xffffffffffffu));
}

static void
make_agent(struct org *o, struct sim_agent *a, int64_t wall_ms)
{
	int first = (int)rng_below(&o->rng, (uint32_t)o->queue_count);

	rng_id(&o->rng, a->id);
	a->team = (int)rng_below(&o->rng, TEAMS);
	a->tier_count = 1 + 1 + (int)rng_below(&o->rng, TIERS_MAX - 1);
	if (a->tier_count > 1 + o->queue_count)
		a->tier_count = 1 + o->queue_count;
	for (int t = 0; t < a->tier_count; t++)
		a->tiers[t] = (struct sim_tier){
			.queue = t == 0 ? -1 : (first + t) % o->queue_count,
			.status = (int)rng_below(&o->rng, STATUSES),
			.previous = -1, .at_ms = wall_ms - 3600000
		};
}

static int
by_id(const void *x, const void *y)
{
	const struct sim_agent *a = x, *b = y;

	return strcmp(a->id, b->id);
}

void
org_init(struct org *o, uint64_t seed, size_t agents, int queues,
    int64_t wall_ms)
{
	*o = (struct org){ .rng = { seed }, .agent_count = agents,
	    .queue_count = queues };
	o->agents = xcalloc(agents, sizeof(*o->agents));
	o->queues = xcalloc((size_t)queues, sizeof(*o->queues));
	for (int i = 0; i < queues; i++)
		rng_id(&o->rng, o->queues[i]);
	for (int i = 0; i < TEAMS; i++)
		rng_id(&o->rng, o->teams[i]);
	for (size_t i = 0; i < agents; i++)
		make_agent(o, &o->agents[i], wall_ms);
	qsort(o->agents, agents, sizeof(*o->agents), by_id);
}

void
org_free(struct org *o)
{
	free(o->agents);
	free(o->queues);
}

const struct sim_agent *
org_find(const struct org *o, const char *id)
{
	struct sim_agent key = { .team = 0 };

	if (strlen(id) != ID_LEN)
		return NULL;
	memcpy(key.id, id, ID_LEN + 1);
	return bsearch(&key, o->agents, o->agent_count, sizeof(key), by_id);
}

struct sim_agent *
org_change(struct org *o, struct sim_agent *who, int64_t wall_ms, int *tier)
{
	struct sim_agent *a = who != NULL ? who :
	    &o->agents[rng_below(&o->rng, (uint32_t)o->agent_count)];
	struct sim_tier *t;

	*tier = 0;
	if (who == NULL && a->tier_count > 1 &&
	    rng_chance(&o->rng, queue_share))
		*tier = 1 + (int)rng_below(&o->rng,
		    (uint32_t)a->tier_count - 1);
	t = &a->tiers[*tier];
	t->previous = t->status;
	t->status = (t->status + 1 + (int)rng_below(&o->rng, STATUSES - 1)) %
	    (int)STATUSES;
	t->wrap_up_code = *tier > 0 && rng_chance(&o->rng, 0.5) ?
	    wrap_ups[rng_below(&o->rng, 4)] : NULL;
	/* a tier's clock never stands still nor goes back */
	t->at_ms = wall_ms > t->at_ms ? wall_ms : t->at_ms + 1;
	o->changes++;
	return a;
}

static void
add_text(struct buf *out, const char *text)
{
	if (text == NULL)
		buf_adds(out, "null");
	else
		buf_addf(out, "\"%s\"", text);
}

static const char *
status_name(int status)
{
	return status < 0 ? NULL : statuses[status];
}

void
org_event(const struct org *o, const struct sim_agent *a, int tier,
    const char *subscription, struct buf *out)
{
	const struct sim_tier *t = &a->tiers[tier];
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(t->at_ms, at);
	buf_addf(out, "{\"subscriptionId\":\"%s\",\"event\":\"" EVENT_NAME
	    "\",\"data\":{\"userId\":\"%s\",\"status\":\"%s\","
	    "\"previousStatus\":", subscription, a->id,
	    statuses[t->status]);
	add_text(out, status_name(t->previous));
	buf_addf(out, ",\"timestamp\":\"%s\",\"wrapUpCode\":", at);
	add_text(out, t->wrap_up_code);
	buf_adds(out, ",\"queueId\":");
	add_text(out, t->queue < 0 ? NULL : o->queues[t->queue]);
	buf_addf(out, ",\"wrapUpCodeName\":null,\"wrapUpCodeId\":null,"
	    "\"reason\":\"Agent clicked %s\"}}", statuses[t->status]);
}

void
org_state(const struct org *o, const struct sim_agent *a, struct buf *out)
{
	char at[CLOCK_RFC3339_LEN + 1];

	buf_addf(out, "{\"userId\":\"%s\"", a->id);
	for (int i = 0; i < a->tier_count; i++) {
		const struct sim_tier *t = &a->tiers[i];

		clock_format_ms(t->at_ms, at);
		if (i > 0)
			buf_addf(out, "%s{\"queueId\":\"%s\"", i == 1 ?
			    ",\"queueId\":null,\"queues\":[" : ",",
			    o->queues[t->queue]);
		buf_addf(out, ",\"status\":\"%s\",\"previousStatus\":",
		    statuses[t->status]);
		add_text(out, status_name(t->previous));
		buf_adds(out, ",\"wrapUpCode\":");
		add_text(out, t->wrap_up_code);
		buf_addf(out, ",\"timestamp\":\"%s\"%s", at, i ? "}" : "");
	}
	buf_adds(out, a->tier_count > 1 ? "]}" :
	    ",\"queueId\":null,\"queues\":[]}");
}

static void
add_tier(const struct org *o, const struct sim_tier *t, struct buf *out)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(t->at_ms, at);
	buf_addf(out, "\"currentStatus\":\"%s\",\"previousStatus\":",
	    statuses[t->status]);
	add_text(out, status_name(t->previous));
	buf_adds(out, ",\"wrapUpCode\":");
	add_text(out, t->wrap_up_code);
	buf_adds(out, ",\"queueId\":");
	add_text(out, t->queue < 0 ? NULL : o->queues[t->queue]);
	buf_addf(out, ",\"lastUpdatedTimestamp\":\"%s\"", at);
}

void
org_truth(const struct org *o, struct buf *out)
{
	for (size_t i = 0; i < o->agent_count; i++) {
		const struct sim_agent *a = &o->agents[i];

		buf_addf(out, "{\"userId\":\"%s\",", a->id);
		add_tier(o, &a->tiers[0], out);
		buf_adds(out, ",\"queues\":{");
		for (int t = 1; t < a->tier_count; t++) {
			buf_addf(out, "%s\"%s\":{", t > 1 ? "," : "",
			    o->queues[a->tiers[t].queue]);
			add_tier(o, &a->tiers[t], out);
			buf_adds(out, "}");
		}
		buf_adds(out, "}}\n");
	}
}
