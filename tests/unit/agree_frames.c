/*
 * gc-dedup and gc-reduce agree on frames of the platform.  Random streams of
 * one user's three topics, with copies, reordering, loss, parts left out,
 * parts of one moment, parts without a time and parts of which nothing is
 * known, go into a record as they are and through a window into another.
 * Both say the same, save what was held before, and behind gc-dedup nothing
 * is surer than without it.  Of values of one moment, whose order is a guess
 * anyway, only what is in doubt may differ.  And no change of an unknown part
 * is lost.
 *
 * GC_AGREE_RUNS: how many streams, each from its own seed.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/hear.h"
#include "lib/window.h"
#include "tests/tap.h"

#define RUNS 20000
#define FRAMES 24
#define ARRIVALS (3 * FRAMES)
#define VALUES 3
#define LINE 512
#define TOLD 5			/* seeds of a property that failed */

enum { ROUTING, PRESENCE, ACTIVE, EXTRA, PARTS };

struct one {
	char line[LINE];
	size_t len;
};

/* What the user does now: a value and its moment a part. */
struct now {
	int value[PARTS];
	int64_t ms[PARTS];
};

static struct stream {
	struct one frames[FRAMES];
	int count;
	const struct one *arrived[ARRIVALS];
	int arrivals;
	bool ties;		/* are there values of one moment? */
	uint32_t topics;
} stream;

struct record {
	struct agent *agent;
	uint64_t seq;
	char extra[ARRIVALS + 1];	/* its values, one after another */
};

static struct event ev, after;
static struct record plain, deduped;
static uint64_t given, out, verified, doubted, left, balanced, state;

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

__attribute__((format(printf, 2, 3))) static void
add(struct one *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	o->len += (size_t)vsnprintf(o->line + o->len, LINE - o->len, fmt, ap);
	va_end(ap);
}

static void
add_time(struct one *o, const char *key, int64_t ms, bool timeless)
{
	if (!timeless)
		add(o, ",\"%s\":\"2024-06-15T14:%02d:%02d.%03dZ\"", key,
		    (int)(ms / 60000), (int)(ms / 1000 % 60),
		    (int)(ms % 1000));
}

static void
add_presence(struct one *o, const struct now *now, bool timeless)
{
	add(o, "\"presenceDefinition\":{\"systemPresence\":\"%c\"}",
	    'A' + now->value[PRESENCE]);
	add_time(o, "modifiedDate", now->ms[PRESENCE], timeless);
}

/* One frame of what the user does now; parts are left out now and then. */
static void
tell(struct one *o, const struct now *now, enum parts_topic topic,
    uint32_t partial, uint32_t timeless)
{
	static const char *const names[] = { "", "activity", "presence",
	    "routingStatus" };
	bool activity = topic == PARTS_ACTIVITY;

	o->len = 0;
	add(o, "{\"topicName\":\"v2.users.u.%s\",\"eventBody\":{",
	    names[topic]);
	if (topic == PARTS_PRESENCE) {
		add_presence(o, now, chance(timeless));
		add(o, ",\"primary\":%s}}\n", chance(5) ? "false" : "true");
		return;
	}
	add(o, "\"id\":\"u\"");
	if (!chance(partial)) {
		add(o, ",\"routingStatus\":{\"status\":\"%c\"",
		    'A' + now->value[ROUTING]);
		add_time(o, "startTime", now->ms[ROUTING], chance(timeless));
		add(o, "}");
	}
	if (activity && !chance(partial)) {
		add(o, ",\"presence\":{");
		add_presence(o, now, chance(timeless));
		add(o, "}");
	}
	if (activity && !chance(partial)) {
		add(o, ",\"activeQueueIds\":[\"%c\"]",
		    'A' + now->value[ACTIVE]);
		add_time(o, "dateActiveQueuesChanged", now->ms[ACTIVE],
		    chance(timeless));
	}
	if (activity && !chance(partial))
		add(o, ",\"extra\":\"%c\"", 'A' + now->value[EXTRA]);
	add(o, "}}\n");
}

/* One arrives; a while before those that came last, now and then. */
static void
arrive(const struct one *o, uint32_t reorder)
{
	int at = stream.arrivals++;

	if (chance(reorder))
		for (int n = 1 + (int)below(4); n > 0 && at > 0; n--, at--)
			stream.arrived[at] = stream.arrived[at - 1];
	stream.arrived[at] = o;
}

static void
make_stream(void)
{
	static const int64_t steps[] = { 0, 0, 1, 50, 100, 300, 600 };
	uint32_t loss = below(3) * 15, reorder = chance(50) ? 25 : 0;
	uint32_t copies = chance(50) ? 20 : 0, partial = below(3) * 15;
	uint32_t timeless = chance(50) ? 20 : 0, part;
	struct now now = { { 0 }, { 0 } };
	int64_t ms = 0;

	stream.topics = chance(50) ? 1 : PARTS_TOPICS - 1;
	stream.ties = chance(50);
	stream.count = 3 + (int)below(FRAMES - 3);
	stream.arrivals = 0;
	for (int i = 0; i < stream.count; i++) {
		struct one *o = &stream.frames[i];

		ms += stream.ties ? steps[below(7)] : steps[2 + below(5)];
		part = below(PARTS);
		now.value[part] = (int)below(VALUES);
		now.ms[part] = ms;
		tell(o, &now, (enum parts_topic)(1 + below(stream.topics)),
		    partial, timeless);
		if (chance(loss))
			continue;
		arrive(o, reorder);
		if (chance(copies))
			arrive(&stream.frames[below((uint32_t)i + 1)],
			    reorder);
	}
}

/* --- the records -------------------------------------------------------- */

/* As gc-reduce does; and somebody reads what it does not. */
static void
fold(struct record *r, const struct event *e)
{
	static const struct scan_key extra[] = { SCAN_KEY("extra", -1) };
	struct slice v[1];
	size_t n = strlen(r->extra);

	if (r->agent == NULL)
		r->agent = agent_new(e->user_id);
	if (hear_says(e))
		r->seq += hear_frame(r->agent, e, r->seq + 1, 0) ==
		    AGENT_APPLIED;
	scan_object(e->body.p, e->body.len, extra, 1, v);
	if (v[0].kind == SCAN_STRING && (n == 0 || r->extra[n - 1] != *v[0].p))
		r->extra[n] = *v[0].p;
}

static void
fold_emitted(void *arg, const char *line, size_t len)
{
	(void)arg;
	out++;
	if (event_parse(&after, line, len - 1, 0) == NULL)
		fold(&deduped, &after);
}

static void
run_stream(void)
{
	static const int64_t windows[] = { 50, 200, 500, 1000 };
	struct window w;

	window_init(&w, windows[below(4)], fold_emitted, NULL, state);
	for (int i = 0; i < stream.arrivals; i++) {
		const struct one *o = stream.arrived[i];

		given++;
		if (event_parse(&ev, o->line, o->len - 1, 0) != NULL ||
		    ev.kind != EVENT_FRAME)
			abort();
		fold(&plain, &ev);
		window_push(&w, &ev, o->line, o->len, 0);
	}
	window_flush(&w);
	left += w.keys.bytes + w.keys.count;
	balanced += w.merged + w.copies;
	window_free(&w);
}

static void
forget(struct record *r)
{
	if (r->agent != NULL)
		agent_del(r->agent);
	*r = (struct record){ .agent = NULL };
}

/* --- what must hold ----------------------------------------------------- */

enum property { SAME, SURE, UNKNOWN_SAME, PROPERTIES };
static const char *const sentences[PROPERTIES] = {
	[SAME] = "with or without gc-dedup a part says the same, no surer",
	[SURE] = "of one moment two values may differ, but in doubt",
	[UNKNOWN_SAME] = "what is unknown changes as it did",
};
static uint64_t broken[PROPERTIES];

static void
check(enum property p, bool holds, uint64_t seed, int part)
{
	if (!holds && broken[p]++ < TOLD)
		printf("# seed %" PRIu64 ", part %d: not so: %s\n", seed, part,
		    sentences[p]);
}

static bool
says_same(const struct tier *a, const struct tier *b)
{
	return own_is(&a->status, own_text(&b->status)) &&
	    a->timed == b->timed &&
	    (!a->timed || stamp_cmp(a->stamp, b->stamp) == 0);
}

static void
compare(uint64_t seed, int part)
{
	static const struct tier none;
	const struct tier *t[2] = { &none, &none };
	struct agent *agents[2] = { plain.agent, deduped.agent };
	bool no_surer;

	for (int i = 0; i < 2; i++)
		if (agents[i] != NULL)
			t[i] = part == ROUTING ? &agents[i]->global :
			    part == PRESENCE ?
			    &agent_have_parts(agents[i])->presence :
			    &agent_have_parts(agents[i])->active;
	if (own_has(&t[1]->status))
		*(t[1]->verified ? &verified : &doubted) += 1;
	no_surer = t[0]->verified || !t[1]->verified;
	if (!stream.ties)
		check(SAME, says_same(t[0], t[1]) && no_surer, seed, part);
	else if (t[1]->verified || !own_has(&t[1]->status))
		check(SURE, says_same(t[0], t[1]) && (no_surer ||
		    stream.topics > 1), seed, part);
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
		for (int part = ROUTING; part < EXTRA; part++)
			compare(seed, part);
		check(UNKNOWN_SAME, strcmp(plain.extra, deduped.extra) == 0,
		    seed, EXTRA);
		forget(&plain);
		forget(&deduped);
	}
	for (int p = 0; p < PROPERTIES; p++)
		is_int((long long)broken[p], 0, sentences[p]);
	is_int((long long)left, 0, "a window that let all out holds nothing");
	is_int((long long)balanced, (long long)(given - out),
	    "and has counted what it dropped");
	ok(given - out > runs && verified > runs && doubted > 0,
	    "there was something to disagree on");
	printf("# %" PRIu64 " streams: %" PRIu64 " frames, %" PRIu64
	    " dropped, %" PRIu64 " parts verified, %" PRIu64 " doubted\n",
	    runs, given, given - out, verified, doubted);
	event_free(&ev);
	event_free(&after);
	return done();
}
