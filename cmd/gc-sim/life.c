/* The life of the org: changes at a rate, storms, and the quiet after. */
#include "cmd/gc-sim/platform.h"
#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define TRUTH_MAX (1 << 30)
#define CHANGES_A_TICK 10000

void
life_write_truth(struct sim *s)
{
	struct buf text;
	struct err e;

	if (s->life.truth == NULL || s->life.truth_written)
		return;
	buf_init(&text, TRUTH_MAX);
	if (s->protocol == CHANNELS)
		people_truth(s, &text);
	else
		org_truth(&s->org, &text);
	if (file_replace(s->life.truth, text.data, text.len, &e) == -1) {
		log_error("%s", e.msg);
		s->life.truth_failed = true;
	}
	buf_free(&text);
	s->life.truth_written = s->quiet;
}

void
life_begin(struct sim *s)
{
	if (s->started)
		return;
	s->started = true;
	s->started_ms = s->now_ms;
}

bool
life_goes_on(const struct sim *s)
{
	return s->started && !s->quiet &&
	    (s->events_max == 0 || s->org.changes < s->events_max);
}

void
life_end(struct sim *s)
{
	if (s->quiet)
		return;
	s->quiet = true;
	conns_settle(s);
	life_write_truth(s);
	sim_say(s, "quiet", "\"events\":%llu",
	    (unsigned long long)s->org.changes);
}

static void
change(struct sim *s, struct sim_agent *who)
{
	int tier;
	unsigned parts;
	struct sim_agent *a;

	if (!life_goes_on(s))
		return;
	if (s->protocol == CHANNELS) {
		a = people_change(s, who, &parts);
		if (a != NULL)
			notify_change(s, a, parts);
		return;
	}
	a = org_change(&s->org, who, s->wall_ms, &tier);
	conns_publish(s, a, tier);
}

void
life_member(struct sim *s, int queue, bool joins)
{
	struct sim_agent *a;
	unsigned parts = 0;

	if (!life_goes_on(s))
		return;
	a = joins ? people_join(s, &queue, &parts) :
	    people_leave(s, &queue, &parts);
	if (a == NULL) {
		sim_say(s, joins ? "join" : "leave", "\"userId\":null");
		return;
	}
	sim_say(s, joins ? "join" : "leave",
	    "\"userId\":\"%s\",\"queueId\":\"%s\"", a->id,
	    s->org.queues[queue]);
	notify_member(s, a, queue, joins);
	if (parts != 0)
		notify_change(s, a, parts);
}

void
life_activate(struct sim *s, bool active)
{
	const char *what = active ? "activate" : "deactivate";
	struct sim_agent *a;

	if (!life_goes_on(s))
		return;
	a = people_activate(s, active);
	if (a == NULL)
		sim_say(s, what, "\"userId\":null");
	else
		sim_say(s, what, "\"userId\":\"%s\"", a->id);
}

/* So often; counted from the first subscription. */
static void
churn(struct sim *s)
{
	int64_t every_ms = (int64_t)s->faults.churn_ms;
	uint32_t dice;

	if (s->life.churned_ms < s->started_ms)
		s->life.churned_ms = s->started_ms;
	if (every_ms == 0 || s->now_ms < s->life.churned_ms + every_ms)
		return;
	s->life.churned_ms = s->now_ms;
	dice = rng_below(&s->life.rng, 4);
	if (dice < 2)
		life_member(s, -1, dice == 0);
	else
		life_activate(s, dice == 2);
}

/* A shift change is a few clicks a person, one soon after the other. */
void
life_storm(struct sim *s, uint64_t ms)
{
	struct rng *r = &s->life.rng;

	sim_say(s, "storm", "\"agents\":%zu,\"ms\":%llu", s->org.agent_count,
	    (unsigned long long)ms);
	for (size_t i = 0; i < s->org.agent_count; i++) {
		struct sim_agent *a = &s->org.agents[i];
		int64_t at = s->now_ms + rng_below(r,
		    (uint32_t)(ms * 2 / 3 + 1));

		for (int n = 0; n < STORM_CHANGES; n++) {
			a->storm_ms[n] = at;
			at += 1 + rng_below(r,
			    (uint32_t)(ms / (3 * STORM_CHANGES) + 1));
		}
	}
	s->life.storming = true;
}

static void
storm_changes(struct sim *s)
{
	s->life.storming = false;
	for (size_t i = 0; i < s->org.agent_count; i++)
		for (int n = 0; n < STORM_CHANGES; n++) {
			struct sim_agent *a = &s->org.agents[i];

			if (a->storm_ms[n] == 0)
				continue;
			if (a->storm_ms[n] > s->now_ms) {
				s->life.storming = true;
				continue;
			}
			a->storm_ms[n] = 0;
			change(s, a);
		}
}

/* The next storm is a period from now: from the first subscription, or
 * from when the fault was set. */
static void
storms(struct sim *s)
{
	struct life *l = &s->life;
	int64_t every_ms = (int64_t)s->faults.storm_every_ms;

	if (every_ms != l->storm_every_ms) {
		l->storm_every_ms = every_ms;
		l->storm_due_ms = s->now_ms + every_ms;
	}
	if (every_ms > 0 && s->now_ms >= l->storm_due_ms) {
		l->storm_due_ms += every_ms;
		life_storm(s, s->faults.storm_ms);
	}
	if (l->storming)
		storm_changes(s);
}

void
life_tick(struct sim *s)
{
	struct life *l = &s->life;

	if (!life_goes_on(s)) {
		l->ticked_ms = s->now_ms;
		return;
	}
	l->owed += l->rate * (double)(s->now_ms - l->ticked_ms) / 1000;
	l->ticked_ms = s->now_ms;
	for (int i = 0; l->owed >= 1 && i < CHANGES_A_TICK; i++) {
		change(s, NULL);
		l->owed -= 1;
	}
	storms(s);
	churn(s);
	if (s->events_max > 0 && s->org.changes >= s->events_max)
		life_end(s);
}
