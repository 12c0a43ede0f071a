/*
 * gc-dedup and gc-reduce agree.  Random streams of one agent's two tiers,
 * with copies, reordering, equal timestamps, loss and unknown beginnings, go
 * into a roster as they are and through a window into another.  A tier that
 * the second one holds as verified says what the first one says, and what
 * happened last of all that arrived; and a loss that shows to one shows to
 * the other.
 *
 * GC_AGREE_RUNS: how many streams, each from its own seed.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/agent.h"
#include "lib/window.h"
#include "tests/tap.h"

#define RUNS 20000
#define EVENTS 24
#define ARRIVALS (3 * EVENTS)
#define TIERS 2
#define STATUSES 4
#define LINE 320
#define TOLD 5			/* seeds of a property that failed */

struct one {
	int64_t ms;
	int tier;
	char status;
	char line[LINE];
	size_t len;
};

struct roster_of_one {
	struct agent *agent;
	uint64_t seq;
	bool gap[TIERS];	/* was one ever seen? */
	bool torn[TIERS];	/* in the tier's first line, where it is none */
};

static struct stream {
	struct one happened[EVENTS];
	int count;
	const struct one *arrived[ARRIVALS];
	int arrivals;
	bool lossy;		/* and nothing but that */
} stream;

static struct event ev, after;
static struct roster_of_one plain, deduped;
static uint64_t merged, verified, doubted, state;

static uint32_t
below(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static bool
chance(uint32_t percent)
{
	return below(100) < percent;
}

/* --- the stream --------------------------------------------------------- */

static void
happen(struct one *e, int64_t ms, char *current, uint32_t unknown)
{
	char previous[8] = "null";

	e->ms = ms;
	e->tier = (int)below(TIERS);
	do
		e->status = (char)('A' + below(STATUSES));
	while (e->status == current[e->tier]);
	if (current[e->tier] != 0 && !chance(unknown))
		snprintf(previous, sizeof(previous), "\"%c\"",
		    current[e->tier]);
	current[e->tier] = e->status;
	e->len = (size_t)snprintf(e->line, sizeof(e->line), "{\"event\":\""
	    EVENT_STATUS_NAME "\",\"data\":{\"userId\":\"u\",\"status\":\"%c\""
	    ",\"previousStatus\":%s,\"timestamp\":\"2024-06-15T14:%02d:%02d."
	    "%03dZ\",\"queueId\":%s}}\n", e->status, previous,
	    (int)(ms / 60000), (int)(ms / 1000 % 60), (int)(ms % 1000),
	    e->tier == 0 ? "null" : "\"q\"");
}

/* One arrives; a while before those that came last, now and then. */
static void
arrive(const struct one *e, uint32_t reorder)
{
	int at = stream.arrivals++;

	if (chance(reorder))
		for (int n = 1 + (int)below(4); n > 0 && at > 0; n--, at--)
			stream.arrived[at] = stream.arrived[at - 1];
	stream.arrived[at] = e;
}

static void
make_stream(void)
{
	static const int64_t steps[] = { 0, 0, 1, 50, 100, 300, 600 };
	static const uint32_t losses[] = { 0, 0, 10, 30 };
	uint32_t loss = losses[below(4)], reorder = chance(50) ? 25 : 0;
	uint32_t copies = chance(50) ? 20 : 0, unknown = below(3) * 10;
	uint32_t apart = chance(50) ? 2 : 0;	/* no equal timestamps */
	char current[TIERS] = { 0 };
	int64_t ms = 0;

	stream.count = 3 + (int)below(EVENTS - 3);
	stream.arrivals = 0;
	stream.lossy = reorder == 0 && copies == 0 && apart > 0;
	for (int i = 0; i < stream.count; i++) {
		struct one *e = &stream.happened[i];

		ms += steps[apart + below(7 - apart)];
		happen(e, ms, current, unknown);
		if (chance(loss))
			continue;
		arrive(e, reorder);
		if (chance(copies))
			arrive(&stream.happened[below((uint32_t)i + 1)],
			    reorder);
	}
}

/* What happened last in the tier, of all that arrived; NULL: nothing. */
static const struct one *
last_of(int tier)
{
	const struct one *last = NULL;

	for (int i = 0; i < stream.arrivals; i++)
		if (stream.arrived[i]->tier == tier &&
		    (last == NULL || stream.arrived[i] > last))
			last = stream.arrived[i];
	return last;
}

/* --- the rosters -------------------------------------------------------- */

/* As gc-reduce does. */
static void
fold(struct roster_of_one *r, const struct event *e)
{
	int tier = e->tier.queue_id.p != NULL;
	bool fresh = r->agent == NULL;
	struct agent_verdict v;

	if (fresh)
		r->agent = agent_new(e->user_id);
	v = agent_judge(r->agent, e);
	r->gap[tier] |= v.gap;
	if (agent_tier(r->agent, e->tier.queue_id) == NULL)
		r->torn[tier] = e->merged && !e->intact;
	if (v.fate == AGENT_APPLIED) {
		agent_take(r->agent, e, v, ++r->seq, 0);
		if (fresh && e->tier.queue_id.p != NULL)
			agent_doubt(r->agent, NULL, r->seq);
	} else if (v.gap) {
		agent_doubt(r->agent, agent_tier(r->agent,
		    e->tier.queue_id), ++r->seq);
	}
}

static void
fold_emitted(void *arg, const char *line, size_t len)
{
	(void)arg;
	if (event_parse(&after, line, len - 1, 0) != NULL)
		return;
	merged += after.merged;
	fold(&deduped, &after);
}

static void
run_stream(void)
{
	static const int64_t windows[] = { 50, 200, 500, 1000 };
	struct window w;

	window_init(&w, windows[below(4)], fold_emitted, NULL, state);
	for (int i = 0; i < stream.arrivals; i++) {
		const struct one *e = stream.arrived[i];

		event_parse(&ev, e->line, e->len - 1, 0);
		fold(&plain, &ev);
		window_push(&w, &ev, e->line, e->len, 0);
	}
	window_flush(&w);
	window_free(&w);
}

static void
forget(struct roster_of_one *r)
{
	if (r->agent != NULL)
		agent_del(r->agent);
	*r = (struct roster_of_one){ .agent = NULL };
}

/* --- what must hold ----------------------------------------------------- */

enum property { PRESENT, AGREES, RIGHT, PLAIN_RIGHT, SEEN, PROPERTIES };
static const char *const sentences[PROPERTIES] = {
	[PRESENT] = "both rosters know the same tiers",
	[AGREES] = "behind gc-dedup a tier says the same, or is doubted",
	[RIGHT] = "behind gc-dedup no tier is wrong and verified",
	[PLAIN_RIGHT] = "without it neither",
	[SEEN] = "what shows a loss to one shows it to the other",
};
static uint64_t broken[PROPERTIES];

static void
check(enum property p, bool holds, uint64_t seed, int tier)
{
	if (!holds && broken[p]++ < TOLD)
		printf("# seed %" PRIu64 ", tier %d: not so: %s\n", seed, tier,
		    sentences[p]);
}

static struct tier *
tier_of(struct roster_of_one *r, int tier)
{
	struct text id = { tier == 0 ? NULL : "q", tier == 0 ? 0 : 1 };

	return r->agent == NULL ? NULL : agent_tier(r->agent, id);
}

static bool
is_right(const struct tier *t, const struct one *last)
{
	return !t->verified || t->status.word->text[0] == last->status;
}

static void
compare(uint64_t seed, int tier)
{
	const struct tier *a = tier_of(&plain, tier);
	const struct tier *b = tier_of(&deduped, tier);
	const struct one *last = last_of(tier);

	check(PRESENT, (a == NULL) == (last == NULL) &&
	    (b == NULL) == (last == NULL), seed, tier);
	if (a == NULL || b == NULL || last == NULL)
		return;
	*(b->verified ? &verified : &doubted) += 1;
	check(AGREES, !b->verified || (own_is(&a->status, own_text(
	    &b->status)) && stamp_cmp(a->stamp, b->stamp) == 0), seed, tier);
	check(RIGHT, is_right(b, last), seed, tier);
	check(PLAIN_RIGHT, is_right(a, last), seed, tier);
	check(SEEN, !stream.lossy || plain.gap[tier] ==
	    (deduped.gap[tier] || deduped.torn[tier]), seed, tier);
}

int
main(void)
{
	const char *asked = getenv("GC_AGREE_RUNS");
	uint64_t runs = asked != NULL ? strtoull(asked, NULL, 10) : RUNS;

	event_init(&ev);
	event_init(&after);
	for (uint64_t seed = 0; seed < runs; seed++) {
		state = seed * 0x9e3779b97f4a7c15u;
		make_stream();
		run_stream();
		for (int tier = 0; tier < TIERS; tier++)
			compare(seed, tier);
		forget(&plain);
		forget(&deduped);
	}
	for (int p = 0; p < PROPERTIES; p++)
		is_int((long long)broken[p], 0, sentences[p]);
	ok(merged > runs && verified > runs / 4 && doubted > runs / 4,
	    "there was something to disagree on");
	printf("# %" PRIu64 " streams: %" PRIu64 " merged lines, %" PRIu64
	    " tiers verified, %" PRIu64 " doubted\n", runs, merged, verified,
	    doubted);
	event_free(&ev);
	event_free(&after);
	return done();
}
