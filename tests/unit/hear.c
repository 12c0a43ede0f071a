/*
 * The rules of CONTRACT section 9 for frames of the platform, a story each:
 * what happens, and what the record then is.
 *
 *	f ROUTING PRESENCE QUEUES	a frame; each STATUS@TIME, or - if it
 *					is not told; without @TIME timeless
 *	d				all is doubted
 *	s SEQ ROUTING PRESENCE QUEUES	an answer, of reason audit
 *	a SEQ ROUTING PRESENCE QUEUES	a gc:agent line, of what is verified
 *
 * A record is "#SEQ ROUTING<PREVIOUS PRESENCE QUEUES = EFFECTIVE", each
 * STATUS@TIME and then r where REST told it, ? while it is in doubt.  A
 * presence of an answer has the label L unless its status is small.
 */
#include <ctype.h>
#include <stdlib.h>

#include "lib/hear.h"
#include "lib/record.h"
#include "lib/settle.h"
#include "tests/tap.h"

#define STEPS 6

static const struct story {
	const char *name;
	struct { const char *act, *want; } steps[STEPS];
} stories[] = {
	{ "each part has its own time", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "f J@09 Q@12 q@12", "applied #2 I@10 Q@12 q@12 = Q" },
		{ "f J@11 Q@11 p@11", "applied #3 J@11<I Q@12 q@12 = Q" },
		{ "f I@10 Q@12 p@11", "stale #3 J@11<I Q@12 q@12 = Q" },
		{ "f J@11 Q@12 q@12", "duplicate #3 J@11<I Q@12 q@12 = Q" } } },
	{ "what a frame leaves out stays", {
		{ "f - P@11 -", "applied #1 - P@11 - = P" },
		{ "f I@10 - -", "applied #2 I@10 P@11 - = P" },
		{ "f - - q@12", "applied #3 I@10 P@11 q@12 = P" } } },
	{ "without a time it is as new as its arrival", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "f J Q p", "applied #2 J@10<I Q@11 p@12 = Q" },
		{ "f J Q p", "duplicate #2 J@10<I Q@11 p@12 = Q" },
		{ "f I@09 P@10 q@11", "stale #2 J@10<I Q@11 p@12 = Q" },
		{ "f K@11 - -", "applied #3 K@11<J Q@11 p@12 = Q" } } },
	{ "a time that is learnt is no change before", {
		{ "f I - -", "applied #1 I - - = -" },
		{ "f J - -", "applied #2 J<I - - = -" },
		{ "f J@10 - -", "applied #3 J@10<I - - = -" },
		{ "f J@11 - -", "applied #4 J@11<J - - = -" } } },
	{ "a repeat of what is doubted verifies it", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "d", "#2 I@10? P@11? q@12? = P" },
		{ "f I@10 - -", "applied #3 I@10 P@11? q@12? = P" },
		{ "f - P -", "applied #4 I@10 P@11 q@12? = P" },
		{ "f I@09 P@11 -", "stale #4 I@10 P@11 q@12? = P" },
		{ "f - - q@12", "applied #5 I@10 P@11 q@12 = P" } } },
	{ "so does what is newer, and not what is older", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "d", "#2 I@10? P@11? q@12? = P" },
		{ "f I@09 P@10 q@11", "stale #2 I@10? P@11? q@12? = P" },
		{ "f I@11 Q@12 p@13", "applied #3 I@11<I Q@12 p@13 = Q" } } },
	{ "of one moment the later to arrive stands, in doubt", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "f J@10 Q@11 p@12", "applied #2 J@10<I? Q@11? p@12? = Q" },
		{ "f J@10 Q@11 -", "applied #3 J@10<I Q@11 p@12? = Q" } } },
	{ "an answer settles part by part", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "d", "#2 I@10? P@11? q@12? = P" },
		{ "s 2 J@12 P@11 -",
		    "changed #3 J@12r<I P:L@11r q@12? = P" },
		{ "s 3 J@12 P@11 p@13",
		    "changed #4 J@12r<I P:L@11r p@13r = P" },
		{ "s 4 J@12 P@11 p@13", "#4 J@12r<I P:L@11r p@13r = P" } } },
	{ "an answer to an older doubt does not verify", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "d", "#2 I@10? P@11? q@12? = P" },
		{ "d", "#3 I@10? P@11? q@12? = P" },
		{ "s 2 I@10 p@11 q@12", "refused #3 I@10? P@11? q@12? = P" },
		{ "s 3 I@10 p@11 -", "changed #4 I@10r P@11r q@12? = P" } } },
	{ "nor one about a part that was not known then", {
		{ "f I@10 - -", "applied #1 I@10 - - = -" },
		{ "d", "#2 I@10? - - = -" },
		{ "s 1 I@10 p@11 -",
		    "changed refused #3 I@10? P@11r? - = P" },
		{ "s 3 I@10 p@11 -", "changed #4 I@10r P@11r - = P" } } },
	{ "never over what is newer, save an audit's and nothing came", {
		{ "f I@10 P@11 q@12", "applied #1 I@10 P@11 q@12 = P" },
		{ "f J@12 Q@12 -", "applied #2 J@12<I Q@12 q@12 = Q" },
		{ "s 1 I@11 P@11 q@11", "#2 J@12<I Q@12 q@12 = Q" },
		{ "s 2 I@11 P@11 q@11",
		    "changed #3 I@11r<J P:L@11r q@11r = P" } } },
	{ "a label stays with its presence", {
		{ "s 0 I@10 P@11 -", "changed #1 I@10r P:L@11r - = P" },
		{ "f I@10 P@11 -", "duplicate #1 I@10r P:L@11r - = P" },
		{ "s 1 I@10 p@11 -", "#1 I@10r P:L@11r - = P" },
		{ "d", "#2 I@10r? P:L@11r? - = P" },
		{ "f - P@11 -", "applied #3 I@10r? P:L@11 - = P" },
		{ "f - P@12 -", "applied #4 I@10r? P@12 - = P" } } },
	{ "a label may come later", {
		{ "f I@10 P@11 -", "applied #1 I@10 P@11 - = P" },
		{ "s 1 I@10 P@11 -", "changed #2 I@10 P:L@11 - = P" } } },
	{ "an answer of a presence alone is nobody who is gone", {
		{ "f I@10 P@11 -", "applied #1 I@10 P@11 - = P" },
		{ "s 1 - P@12 -", "changed #2 I@10 P:L@12r - = P" },
		{ "s 2 - - -", "changed gone #3 I@10 P:L@12r - = P" } } },
	{ "a record is taken as it is", {
		{ "a 7 I@10 P@11 q@12", "taken #7 I@10 P:L@11 q@12 = P" },
		{ "a 6 J@11 P@10 -", "mixed #8 J@11 P:L@11 q@12 = P" },
		{ "a 9 J@12 - -", "mixed #9 J@12 P:L@11 q@12 = P" },
		{ "a 10 J@13 Q@12 p@13", "taken #10 J@13 Q:L@12 p@13 = Q" } } },
	{ "a call goes on, whatever the presence", {
		{ "f INTERACTING@10 BREAK@10 q@10", "applied #1 "
		    "INTERACTING@10 BREAK@10 q@10 = INTERACTING" },
		{ "f COMMUNICATING@11 - -", "applied #2 COMMUNICATING@11<"
		    "INTERACTING BREAK@10 q@10 = COMMUNICATING" },
		{ "f NOT_RESPONDING@12 - -", "applied #3 NOT_RESPONDING@12<"
		    "COMMUNICATING BREAK@10 q@10 = NOT_RESPONDING" },
		{ "f IDLE@13 - -", "applied #4 IDLE@13<NOT_RESPONDING "
		    "BREAK@10 q@10 = BREAK" } } },
	{ "on queue and idle is ready", {
		{ "f - ON_QUEUE@10 -", "applied #1 - ON_QUEUE@10 - = -" },
		{ "f IDLE@10 - -", "applied #2 IDLE@10 ON_QUEUE@10 - = "
		    "ON_QUEUE" },
		{ "f OFF_QUEUE@11 - -", "applied #3 OFF_QUEUE@11<IDLE "
		    "ON_QUEUE@10 - = OFF_QUEUE" },
		{ "f NEW@12 - -", "applied #4 NEW@12<OFF_QUEUE ON_QUEUE@10 - "
		    "= NEW" },
		{ "f - AWAY@12 -", "applied #5 NEW@12<OFF_QUEUE AWAY@12 - = "
		    "AWAY" } } },
	{ "of an unknown presence a call alone tells", {
		{ "f IDLE@10 - -", "applied #1 IDLE@10 - - = -" },
		{ "f INTERACTING@11 - -", "applied #2 INTERACTING@11<IDLE - "
		    "- = INTERACTING" } } },
};

static struct event ev;
static struct buf line, got;
static uint64_t seq;
static int too_short;		/* records longer than record_most said */

static char *
word(char **rest)
{
	char *w = strsep(rest, " ");

	return w != NULL ? w : (char *)"-";
}

/* A telling cut in two: its status, and its time or nothing. */
static const char *
cut(char *told)
{
	char *at = strchr(told, '@');

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

static void
add_time(const char *key, const char *seconds)
{
	if (seconds != NULL)
		buf_addf(&line, ",\"%s\":\"2024-06-15T14:32:%sZ\"", key,
		    seconds);
}

static void
add_frame(char *rest)
{
	char *routing = word(&rest), *presence = word(&rest);
	char *queues = word(&rest);
	const char *time = cut(routing);

	buf_adds(&line, "{\"topicName\":\"v2.users.u.activity\","
	    "\"eventBody\":{\"id\":\"u\"");
	if (*routing != '-') {
		buf_addf(&line, ",\"routingStatus\":{\"status\":\"%s\"",
		    routing);
		add_time("startTime", time);
		buf_adds(&line, "}");
	}
	time = cut(presence);
	if (*presence != '-') {
		buf_addf(&line, ",\"presence\":{\"presenceDefinition\":{"
		    "\"systemPresence\":\"%s\"}", presence);
		add_time("modifiedDate", time);
		buf_adds(&line, "}");
	}
	time = cut(queues);
	if (*queues != '-') {
		buf_addf(&line, ",\"activeQueueIds\":[\"%s\"]", queues);
		add_time("dateActiveQueuesChanged", time);
	}
	buf_adds(&line, "}}");
}

static void
add_record(const char *event, char *rest)
{
	const char *time;
	char *w;

	buf_addf(&line, "{\"event\":\"%s\",\"reason\":\"audit\",\"userId\":"
	    "\"u\",\"seq\":%s", event, word(&rest));
	time = cut(w = word(&rest));
	if (*w != '-')
		buf_addf(&line, ",\"currentStatus\":\"%s\"", w);
	add_time("lastUpdatedTimestamp", time);
	time = cut(w = word(&rest));
	buf_adds(&line, ",\"queues\":{},\"presence\":");
	if (*w != '-') {
		buf_addf(&line, "{\"currentStatus\":\"%s\",\"label\":%s", w,
		    isupper((unsigned char)*w) ? "\"L\"" : "null");
		add_time("lastUpdatedTimestamp", time);
	}
	buf_adds(&line, *w != '-' ? "}" : "null");
	time = cut(w = word(&rest));
	buf_adds(&line, ",\"activeQueues\":");
	if (*w != '-') {
		buf_addf(&line, "{\"ids\":[\"%s\"]", w);
		add_time("lastUpdatedTimestamp", time);
	}
	buf_adds(&line, *w != '-' ? "}}" : "null}");
}

static const char *
act(struct agent *a, char what, char *rest)
{
	static const char *const fates[] = { "applied ", "stale ",
	    "duplicate " };
	static const char *const merges[] = { "older ", "mixed ", "taken " };
	static char said[64];
	struct settle_answer answer;
	enum settle_merge merged;
	enum agent_fate fate;
	const char *why;

	buf_reset(&line);
	if (what == 'd') {
		agent_doubt(a, NULL, ++seq);
		return "";
	}
	if (what == 'f')
		add_frame(rest);
	else
		add_record(what == 's' ? "gc:state" : "gc:agent", rest);
	why = event_parse(&ev, line.data, line.len, ~0u);
	if (why != NULL)
		return why;
	if (what == 'f') {
		fate = hear_frame(a, &ev, seq + 1, 0);
		seq += fate == AGENT_APPLIED;
		return fates[fate];
	}
	if (what == 'a') {
		merged = settle_agent(a, &ev, seq + 1, 0);
		seq = a->seq;
		return merges[merged];
	}
	answer = settle_state(a, &ev, seq + 1, 0);
	seq += answer.changed;
	snprintf(said, sizeof(said), "%s%s%s", answer.changed ? "changed " :
	    "", answer.gone ? "gone " : "", answer.refused ? "refused " : "");
	return said;
}

/* Quotes and brackets of a list of one id are left out. */
static void
add_tier(const struct tier *t, bool previous, const struct own *label)
{
	bool list = own_has(&t->status) && t->status.word->text[0] == '[';
	char room[CLOCK_RFC3339_LEN + 1];

	if (!own_has(&t->status)) {
		buf_adds(&got, " -");
		return;
	}
	buf_addf(&got, " %.*s", (int)t->status.word->len - (list ? 4 : 0),
	    t->status.word->text + (list ? 2 : 0));
	if (label != NULL && own_has(label))
		buf_addf(&got, ":%s", label->word->text);
	if (t->timed)
		buf_addf(&got, "@%.2s", strrchr(tier_time(t, room).p, ':') + 1);
	buf_adds(&got, t->from_rest ? "r" : "");
	if (previous && own_has(&t->previous))
		buf_addf(&got, "<%s", t->previous.word->text);
	buf_adds(&got, t->verified ? "" : "?");
}

static void
tell(const struct story *s)
{
	struct agent *a = agent_new((struct text){ "u", 1 });
	char words[128], *rest, what;
	struct text effective;

	seq = 0;
	for (size_t i = 0; i < STEPS && s->steps[i].act != NULL; i++) {
		const char *said;

		snprintf(words, sizeof(words), "%s", s->steps[i].act);
		rest = words;
		what = *word(&rest);
		said = act(a, what, rest);
		buf_reset(&got);
		record_agent(&got, a, 0, false);
		too_short += got.len - 1 > record_most(a, NULL, NULL, 0,
		    (struct text){ NULL, 0 }, NULL);
		buf_reset(&got);
		buf_addf(&got, "%s#%llu", said, (unsigned long long)a->seq);
		add_tier(&a->global, true, NULL);
		add_tier(&agent_have_parts(a)->presence, false,
		    &a->parts->label);
		add_tier(&a->parts->active, false, NULL);
		effective = own_text(agent_effective(a));
		buf_adds(&got, " = ");
		buf_add(&got, effective.p != NULL ? effective.p : "-",
		    effective.p != NULL ? effective.len : 1);
		buf_add(&got, "", 1);
		is_str(got.data, s->steps[i].want, s->name);
	}
	agent_del(a);
}

int
main(void)
{
	buf_init(&line, 1 << 16);
	buf_init(&got, 1 << 16);
	event_init(&ev);
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		tell(&stories[i]);
	is_int(too_short, 0, "no record was longer than was reckoned");
	event_free(&ev);
	buf_free(&line);
	buf_free(&got);
	return done();
}
