/* The rules of CONTRACT section 6, a story each: what happens, and what the
 * record then is.
 *
 *	e QUEUE STATUS PREVIOUS TIME		an event; - is null
 *	m QUEUE STATUS PREVIOUS TIME SINCE FROM INTACT	a merged one
 *	d					all tiers are doubted
 *	s SEQ REASON FIELDS			a gc:state line
 *	a SEQ FIELDS				a gc:agent line
 *
 * A record is "#SEQ GLOBAL QUEUE=TIER ...", a tier STATUS@TIME and then r
 * where REST told it, ? while it is in doubt.  Times are seconds. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/record.h"
#include "lib/settle.h"
#include "tests/tap.h"

static const struct story {
	const char *name;
	struct { const char *act, *want; } steps[7];
} stories[] = {
	{ "1: all else is applied at once", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e - B A 11", "applied #2 B@11" },
		{ "e - C B 11.000000001", "applied #3 C@11.000000001" } } },
	{ "1: older is stale, the same is a duplicate", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e - B A 09.999999999", "stale #1 A@10" },
		{ "e - A X 10.000", "duplicate #1 A@10" },
		{ "e - A - 09", "stale #1 A@10" } } },
	{ "1: one moment, two changes: the order is a guess", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e - B A 10", "applied gap #2 B@10?" },
		{ "e - C X 10.0", "stale #2 B@10?" },
		{ "e - C B 10.0", "applied #3 C@10.0?" } } },
	{ "1: and one that does not fit is stale, and a doubt", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e - B X 10", "stale gap #2 A@10?" },
		{ "e - B - 10", "stale #2 A@10?" },
		{ "e - C A 11", "applied #3 C@11" } } },
	{ "1: each tier has an order of its own", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e q2 X - 05", "applied #2 A@10 q2=X@05" },
		{ "e q1 Y - 04", "applied #3 A@10 q1=Y@04 q2=X@05" },
		{ "e q2 Z X 04", "stale #3 A@10 q1=Y@04 q2=X@05" },
		{ "e q1 Z Y 06", "applied #4 A@10 q1=Z@06 q2=X@05" } } },
	{ "2: where it did not begin where it was, there is a gap", {
		{ "e - A Q 10", "applied #1 A@10" },
		{ "e - C B 11", "applied gap #2 C@11?" },
		{ "e - E D 12", "applied gap #3 E@12?" } } },
	{ "2: an unknown beginning is none", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e - C - 11", "applied #2 C@11" } } },
	{ "2: of a merged line the first beginning counts", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "m - C B 12 11 A true", "applied #2 C@12" },
		{ "m - E D 14 13 B true", "applied gap #3 E@14?" } } },
	{ "2: one that is not intact is a gap, save the first of all", {
		{ "m - A - 10 09 - false", "applied #1 A@10" },
		{ "m - C B 12 11 A false", "applied gap #2 C@12?" } } },
	{ "2: an intact one that overlaps is none", {
		{ "e - B A 10", "applied #1 B@10" },
		{ "m - D C 12 10 A true", "applied #2 D@12" },
		{ "m - F E 13 11 X true", "applied #3 F@13" },
		{ "m - H G 14 12 X false", "applied gap #4 H@14?" } } },
	{ "3: a later event that fits ends the doubt", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "e - B A 11", "applied #3 B@11" } } },
	{ "3: one with no beginning leaves it", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "e - B - 11", "applied #3 B@11?" },
		{ "m - C - 12 12 - true", "applied #4 C@12?" } } },
	{ "3: doubt is per tier", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e q X - 10", "applied #2 A@10 q=X@10" },
		{ "e q Z Y 11", "applied gap #3 A@10 q=Z@11?" },
		{ "e - B A 12", "applied #4 B@12 q=Z@11?" },
		{ "d", "#5 B@12? q=Z@11?" },
		{ "e q V Z 13", "applied #6 B@12? q=V@13" } } },
	{ "5: an answer that is later is taken, and ends the doubt", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "s 2 start B 11", "changed #3 B@11r" } } },
	{ "5: never over a tier with a later timestamp", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "s 2 start B 09", "refused #2 A@10?" },
		{ "s 1 poll B 10", "changed refused #3 B@10r?" } } },
	{ "5: save of an audit that is still the latest", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "s 1 audit B 09", "changed #2 B@09r" },
		{ "s 1 audit C 08", "#2 B@09r" } } },
	{ "5: without a timestamp, only if it is still the latest", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "s 1 poll B -", "refused #2 A@10?" },
		{ "s 2 poll B -", "changed #3 B@10r" } } },
	{ "5: nor is a tier made by it otherwise", {
		{ "e q X - 10", "applied #1 - q=X@10" },
		{ "e q Y X 11", "applied #2 - q=Y@11" },
		{ "s 1 poll B -", "refused #2 - q=Y@11" },
		{ "s 2 poll B -", "changed #3 B@?r q=Y@11" } } },
	{ "5: one that agrees verifies, whatever its timestamp", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "s 2 poll A 05", "changed #3 A@10r" },
		{ "s 3 poll A 05", "#3 A@10r" } } },
	{ "5: but not one that was asked before the doubt", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "s 1 poll A 10", "refused #2 A@10?" },
		{ "s 1 poll B 12", "changed refused #3 B@12r?" } } },
	{ "5: a change since then hinders no timestamp", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "d", "#2 A@10?" },
		{ "e q X - 11", "applied #3 A@10? q=X@11" },
		{ "s 2 poll B 12", "changed #4 B@12r q=X@11" } } },
	{ "5: each queue by itself", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e q1 X - 10", "applied #2 A@10 q1=X@10" },
		{ "e q2 Y - 20", "applied #3 A@10 q1=X@10 q2=Y@20" },
		{ "d", "#4 A@10? q1=X@10? q2=Y@20?" },
		{ "s 4 start A 10 q1 Z 11 q2 Z 19 q3 W 09",
		    "changed refused #5 A@10r q1=Z@11r q2=Y@20? q3=W@09r" },
		{ "s 5 start A 10 q1 Z 11 q2 Y 01 q3 W 09",
		    "changed #6 A@10r q1=Z@11r q2=Y@20r q3=W@09r" } } },
	{ "5: a queue that is missing is one it has left", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e q1 X - 10", "applied #2 A@10 q1=X@10" },
		{ "e q2 Y - 10", "applied #3 A@10 q1=X@10 q2=Y@10" },
		{ "s 2 start A 10 {} q2 Y 10", "#3 A@10 q1=X@10 q2=Y@10" },
		{ "s 3 start A 10 null", "#3 A@10 q1=X@10 q2=Y@10" },
		{ "s 3 start A 10 partial q2 Y 10",
		    "#3 A@10 q1=X@10 q2=Y@10" },
		{ "s 3 start A 10 {} q2 Y 10", "changed #4 A@10 q2=Y@10" } } },
	{ "5: nobody, nowhere: gone, if it is still the latest", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e - B A 11", "applied #2 B@11" },
		{ "s 1 start - - {}", "refused #2 B@11" },
		{ "s 2 start - - null", "#2 B@11" },
		{ "s 2 start - - {}", "changed gone #3 B@11" } } },
	{ "5: of one tier it says nothing: that stays in doubt", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e q X - 10", "applied #2 A@10 q=X@10" },
		{ "d", "#3 A@10? q=X@10?" },
		{ "s 3 start A 10", "changed #4 A@10r q=X@10?" } } },
	{ "6: a record is taken where it is newer", {
		{ "a 7 A 10 q X 11", "taken #7 A@10 q=X@11" },
		{ "a 8 B 12 q Y 10", "mixed #8 B@12 q=X@11" },
		{ "a 7 C 11 q X 11", "older #8 B@12 q=X@11" },
		{ "a 9 D 13", "taken #9 D@13" },
		{ "e - E D 14", "applied #10 E@14" } } },
	{ "6: with its doubts", {
		{ "a 3 A 10 ?", "taken #3 A@10?" },
		{ "s 2 poll A 10", "refused #3 A@10?" },
		{ "s 3 poll A 10", "changed #4 A@10r" } } },
	{ "6: one that is later but lower in seq makes a record of ours", {
		{ "a 9 A 10", "taken #9 A@10" },
		{ "a 3 B 11", "mixed #10 B@11" },
		{ "a 3 B 11", "older #10 B@11" } } },
	{ "of a queue given twice the last telling counts", {
		{ "a 1 A 10 q X 12 q Y 11", "taken #1 A@10 q=Y@11" },
		{ "s 1 poll A 10 q Z 14 \\u0071 W 13",
		    "changed #2 A@10 q=W@13r" },
		{ "s 2 poll A 10 p X 14 q V 15 o X 14 \\u0071 U 16 p Y 13",
		    "changed #3 A@10 o=X@14r p=Y@13r q=U@16r" },
		{ "s 3 poll A 10 {} p Y 13", "changed #4 A@10 p=Y@13r" } } },
	{ "6: and not where it is older", {
		{ "e - A - 10", "applied #1 A@10" },
		{ "e - B A 11", "applied #2 B@11" },
		{ "a 2 C 11", "older #2 B@11" },
		{ "a 3 C 11", "taken #3 C@11" } } },
};

static int too_short;		/* records longer than record_most said */
static uint64_t seq;
static struct event ev;
static struct buf line;

static void
add_text(const char *key, const char *value)
{
	if (strcmp(value, "-") == 0)
		buf_addf(&line, ",\"%s\":null", key);
	else
		buf_addf(&line, ",\"%s\":\"%s\"", key, value);
}

static void
add_time(const char *key, const char *seconds)
{
	if (strcmp(seconds, "-") == 0)
		add_text(key, seconds);
	else
		buf_addf(&line, ",\"%s\":\"2024-06-15T14:32:%sZ\"", key,
		    seconds);
}

static char *
word(char **rest)
{
	char *w = strsep(rest, " ");

	return w != NULL ? w : (char *)"";
}

static const char *
act_event(struct agent *a, char *rest, bool merged)
{
	static const char *const names[] = { "queueId", "status",
	    "previousStatus" };
	static const char *const fates[] = { "applied", "stale",
	    "duplicate" };
	static char said[32];
	struct agent_verdict v;
	const char *why;

	buf_adds(&line, "{\"event\":\"" EVENT_STATUS_NAME "\",\"data\":{"
	    "\"userId\":\"u\"");
	for (int i = 0; i < 3; i++)
		add_text(names[i], word(&rest));
	add_time("timestamp", word(&rest));
	buf_adds(&line, "}");
	if (merged) {
		buf_adds(&line, ",\"merged\":{\"count\":2");
		add_time("since", word(&rest));
		add_text("previousStatus", word(&rest));
		buf_addf(&line, ",\"intact\":%s}", word(&rest));
	}
	buf_adds(&line, "}");
	if ((why = event_parse(&ev, line.data, line.len, 0)) != NULL)
		return why;
	v = agent_judge(a, &ev);
	/* a gap and the change that showed it share one seq */
	if (v.fate == AGENT_APPLIED)
		agent_take(a, &ev, v, ++seq, 0);
	else if (v.gap)
		agent_doubt(a, agent_tier(a, ev.tier.queue_id), ++seq);
	snprintf(said, sizeof(said), "%s%s", fates[v.fate],
	    v.gap ? " gap" : "");
	return said;
}

/* STATUS TIME and then what it says of queues: nothing, null, {}, partial,
 * QUEUE STATUS TIME...; ? is a doubt. */
static void
add_record(const char *event, char *rest)
{
	char *w;
	const char *comma = "";
	bool partial, doubt;

	buf_addf(&line, "{\"event\":\"%s\",\"userId\":\"u\"", event);
	buf_addf(&line, ",\"seq\":%s", word(&rest));
	if (strcmp(event, "gc:state") == 0)
		add_text("reason", word(&rest));
	add_text("currentStatus", word(&rest));
	add_time("lastUpdatedTimestamp", word(&rest));
	w = word(&rest);
	partial = strcmp(w, "partial") == 0;
	doubt = strcmp(w, "?") == 0;
	if (partial || doubt || strcmp(w, "{}") == 0)
		w = word(&rest);
	else if (strcmp(event, "gc:state") == 0 && *w == '\0')
		w = (char *)"null";
	buf_addf(&line, ",\"partial\":%s,\"verified\":%s,\"queues\":",
	    partial ? "true" : "false", doubt ? "false" : "true");
	buf_adds(&line, strcmp(w, "null") == 0 ? "null" : "{");
	for (; *w != '\0' && strcmp(w, "null") != 0; w = word(&rest)) {
		buf_addf(&line, "%s\"%s\":{\"x\":0", comma, w);
		add_text("currentStatus", word(&rest));
		add_time("lastUpdatedTimestamp", word(&rest));
		buf_adds(&line, "}");
		comma = ",";
	}
	buf_adds(&line, strcmp(w, "null") == 0 ? "}" : "}}");
}

static const char *
act_record(struct agent *a, char *rest, bool state)
{
	static const char *const merges[] = { "older", "mixed", "taken" };
	static char said[32];
	struct settle_answer answer;
	enum settle_merge merged;
	const char *why;

	add_record(state ? "gc:state" : "gc:agent", rest);
	why = event_parse(&ev, line.data, line.len, EVENT_BIT(EVENT_STATE) |
	    EVENT_BIT(EVENT_AGENT));
	if (why != NULL)
		return why;
	if (!state) {
		if (ev.seq > seq)
			seq = ev.seq;
		merged = settle_agent(a, &ev, seq + 1, 0);
		if (a->seq > seq)
			seq = a->seq;
		return merges[merged];
	}
	answer = settle_state(a, &ev, seq + 1, 0);
	seq += answer.changed;
	snprintf(said, sizeof(said), "%s%s%s",
	    answer.changed ? "changed " : "", answer.gone ? "gone " : "",
	    answer.refused ? "refused " : "");
	if (*said != '\0')
		said[strlen(said) - 1] = '\0';
	return said;
}

static void
add_tier(struct buf *out, const struct tier *t)
{
	char room[CLOCK_RFC3339_LEN + 1];
	struct text told = tier_time(t, room);
	const char *time = told.p != NULL ? told.p : "::?Z";

	if (!own_has(&t->status)) {
		buf_adds(out, " -");
		return;
	}
	time = strrchr(time, ':') + 1;
	buf_adds(out, " ");
	if (own_has(&t->queue_id))
		buf_addf(out, "%s=", t->queue_id.word->text);
	buf_addf(out, "%s@%.*s%s%s", t->status.word->text,
	    (int)strcspn(time, "Z"), time, t->from_rest ? "r" : "",
	    t->verified ? "" : "?");
}

static void
tell(const struct story *s)
{
	struct agent *a = agent_new((struct text){ "u", 1 });
	struct buf got;
	char act[128], *rest, what;

	buf_init(&got, 1 << 16);
	seq = 0;
	for (size_t i = 0; i < 7 && s->steps[i].act != NULL; i++) {
		const char *said = "";

		snprintf(act, sizeof(act), "%s", s->steps[i].act);
		rest = act;
		what = *word(&rest);
		buf_reset(&line);
		if (what == 'd')
			agent_doubt(a, NULL, ++seq);
		else if (what == 'e' || what == 'm')
			said = act_event(a, rest, what == 'm');
		else
			said = act_record(a, rest, what == 's');
		buf_reset(&got);
		record_agent(&got, a, 0, false);
		too_short += got.len - 1 > record_most(a, NULL, NULL, 0,
		    (struct text){ NULL, 0 }, NULL);
		buf_reset(&got);
		buf_addf(&got, "%s%s#%llu", said, *said ? " " : "",
		    (unsigned long long)a->seq);
		add_tier(&got, &a->global);
		for (size_t q = 0; q < a->queue_count; q++)
			add_tier(&got, &a->queues[q]);
		if (!is_str(got.data, s->steps[i].want, s->name))
			printf("# after %s\n", s->steps[i].act);
	}
	agent_del(a);
	buf_free(&got);
}

/* An agent that was met through a queue: its global tier is not known. */
static void
test_unknown_global(void)
{
	struct agent *a = agent_new((struct text){ "u", 1 });
	char act[] = "q X - 10", answer[] = "1 start - - partial q X 10",
	    settled[] = "1 start A 10";

	seq = 0;
	buf_reset(&line);
	act_event(a, act, false);
	agent_doubt(a, NULL, seq);
	agent_touch(a, 5);
	buf_reset(&line);
	is_str(act_record(a, answer, true), "changed", "of its queue alone");
	a->queues[0].touched_ms = 9;
	ok(a->queues[0].verified && agent_is_doubted(a),
	    "what is not known of it is in doubt");
	is_int(agent_touched_ms(a), 5, "and waits since it was met");
	buf_reset(&line);
	act_record(a, settled, true);
	ok(!agent_is_doubted(a), "until it is told");
	agent_del(a);
}

int
main(void)
{
	buf_init(&line, 1 << 16);
	event_init(&ev);
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		tell(&stories[i]);
	is_int(too_short, 0, "no record was longer than was reckoned");
	test_unknown_global();
	event_free(&ev);
	buf_free(&line);
	return done();
}
