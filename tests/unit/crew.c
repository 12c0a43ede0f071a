/* The roster as people look at it. */
#include "lib/crew.h"
#include "tests/tap.h"

#define T INT64_C(1718461930000)	/* 2024-06-15T14:32:10Z */
#define TIER(status, verified) "\"currentStatus\":" status \
    ",\"previousStatus\":null,\"wrapUpCode\":null,\"queueId\":null," \
    "\"lastUpdatedTimestamp\":\"2024-06-15T14:32:09.000Z\"," \
    "\"verified\":" verified ",\"source\":\"event\""
#define AGENT(id, more, global, queues) "{\"event\":\"gc:agent\"," \
    "\"at\":\"2024-06-15T14:32:10.000Z\",\"seq\":1,\"userId\":\"" id "\"," \
    more ",\"queues\":{},\"effective\":{\"global\":" global \
    ",\"queues\":{" queues "}}}"

static struct crew crew;

static const char *
take(const char *line, int64_t at_ms)
{
	return crew_line(&crew, line, strlen(line), at_ms);
}

static size_t
in(size_t queue, const char *status)
{
	struct text t = { status, (uint32_t)strlen(status) };
	struct crew_count counts[CREW_STATUSES_MAX];
	size_t n = index_get(&crew.statuses, t);

	crew_count(&crew, queue, counts);
	return n == INDEX_NONE ? 0 : counts[n].agents;
}

static void
test_agents(void)
{
	struct crew_count counts[CREW_STATUSES_MAX];
	struct text q1 = { "q1", 2 };
	size_t queue;

	ok(take(AGENT("ann", TIER("\"Busy\"", "true"), "\"Busy\"",
	    "\"q1\":\"Queue Busy\",\"q2\":null"), T) == NULL, "an agent");
	ok(take(AGENT("bob", TIER("\"Available\"", "false"),
	    "\"Available\"", "\"q1\":\"Available\""), T) == NULL, "another");
	is_int((long long)crew.here, 2, "two are here");
	is_int((long long)crew.doubted, 1, "one in doubt");
	is_int((long long)in(INDEX_NONE, "Busy"), 1, "one is busy");
	queue = index_get(&crew.queues, q1);
	is_int((long long)in(queue, "Queue Busy"), 1, "in the queue, too");
	is_int((long long)crew_count(&crew, queue, counts), 2, "of two");
	is_int(crew.agents[0].since.sec, T / 1000 - 1, "since its timestamp");
	take(AGENT("ann", "\"name\":\"Ann\"," TIER("\"Busy\"", "true"),
	    "\"Busy\"", "\"q1\":\"Busy\"},\"queueNames\":{\"q1\":\"Sales\""),
	    T);
	is_str(crew_agent_name(&crew, 0), "Ann", "a name");
	take(AGENT("ann", TIER("null", "true"), "null", ""), T);
	is_int((long long)in(INDEX_NONE, ""), 1, "unknown is a status, too");
	is_str(crew_status_name(&crew, 0), "unknown", "with a word for it");
	is_int((long long)crew.agents[0].post_count, 0, "no queue any more");
	ok(take(AGENT("bob", TIER("\"X\"", "true"), "7", ""), T) != NULL,
	    "a malformed line is rejected");
	ok(take(AGENT("bob", TIER("\"X\"", "true"), "\"X\"", "\"q1\":7"), T) !=
	    NULL, "and so is one with malformed queues");
	is_int((long long)in(INDEX_NONE, "Available"), 1, "and changes "
	    "nothing");
	take(AGENT("bob", TIER("null", "true"), "null", "}},\"gone\":true,"
	    "\"x\":{\"y\":{"), T);
	is_int((long long)crew.here, 1, "who is gone is not here");
	is_int((long long)crew.doubted, 0, "nor in doubt");
}

static void
test_names(void)
{
	static const char line[] = "{\"event\":\"gc:agent\",\"seq\":1,"
	    "\"userId\":\"cat\"," TIER("\"Busy\"", "true") ",\"queues\":{},"
	    "\"effective\":{\"global\":\"Busy\",\"queues\":{\"q9\":\"Busy\"}},"
	    "\"queueNames\":{\"q9\":\"Sales\",\"q8\":null,\"q7\":\"IT\"}}";
	static const char first[] = AGENT("ann", TIER("\"Busy\"", "true"),
	    "null", "}},\"queueNames\":{\"q\":\"Q\"},\"x\":{\"y\":{");
	struct text q9 = { "q9", 2 };
	struct crew fresh;

	crew_init(&fresh, 1);
	ok(crew_line(&fresh, first, sizeof(first) - 1, T) == NULL,
	    "the first queue of all, known by its name alone");
	crew_free(&fresh);
	ok(take(line, T) == NULL, "with names");
	is_str(crew_queue_name(&crew, index_get(&crew.queues, q9)), "Sales",
	    "a queue's name");
	is_str(crew_agent_name(&crew, crew.ids.count - 1), "cat",
	    "without one the id");
}

static void
test_sight(void)
{
	static const char open[] = "{\"event\":\"gc:open\",\"socket\":0,"
	    "\"sockets\":1}";
	int64_t before = crew.lines;

	is_int(sight_lag_ms(&crew.sight, T + 1000, 10), 1000,
	    "a change told by an event has a lag");
	take(open, T + 9);
	is_int(sight_worst(&crew.sight)->state, SIGHT_OPEN, "it is open");
	is_int(crew.heard_ms, T + 9, "heard of");
	is_int((long long)crew.lines, before, "which is no agent's line");
}

/* How many queues a name makes whose id is longer than an id can be. */
static size_t
names_long_queue(void)
{
	static const char head[] = "{\"event\":\"gc:agent\",\"seq\":1,"
	    "\"userId\":\"dan\"," TIER("\"Busy\"", "true") ",\"queues\":{},"
	    "\"effective\":{\"global\":\"Busy\",\"queues\":{}},"
	    "\"queueNames\":{\"";
	size_t was = crew.queues.count;
	struct buf line;

	buf_init(&line, 1 << 20);
	buf_adds(&line, head);
	for (size_t i = 0; i <= TAKE_ID_MAX; i++)
		buf_adds(&line, "q");
	buf_adds(&line, "\":\"Sales\"}}");
	ok(take(line.data, T) == NULL, "an id that is too long is named");
	buf_free(&line);
	return crew.queues.count - was;
}

static void
test_odd(void)
{
	static const char open[] = "{\"event\":\"gc:open\",\"socket\":";
	static const char *const bad[] = { "\"abc\"}", "-1}", "{}}", "0.5}",
	    "0,\"resumed\":\"maybe\"}", "40}", "0,\"sockets\":99}" };
	static const char closed[] = "{\"event\":\"gc:closed\",\"socket\":0,"
	    "\"reason\":";
	struct text q2 = { "q2", 2 };
	char line[256], word[64];
	size_t queue, statuses, last;

	snprintf(line, sizeof(line), "%snull}", closed);
	take(line, T);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "%s%s", open, bad[i]);
		ok(take(line, T) != NULL, "no open socket: %s", bad[i]);
	}
	is_int(sight_worst(&crew.sight)->state, SIGHT_CLOSED,
	    "so it is closed still");
	memset(word, 'x', 62);
	snprintf(word + 62, sizeof(word) - 62, "y");
	snprintf(line, sizeof(line), "%s\"%.62s\xc3\xa4\"}", closed, word);
	take(line, T);
	is_int((long long)strlen(sight_worst(&crew.sight)->reason), 62,
	    "a reason is cut before a character");
	snprintf(line, sizeof(line), "%snull}", closed);
	take(line, T);
	is_str(sight_worst(&crew.sight)->reason, "", "no reason is none");

	take(AGENT("twice", "\"name\":\"\"," TIER("\"Busy\"", "true"),
	    "\"Busy\"", "\"q2\":\"Meal\",\"q2\":\"Busy\""), T);
	queue = index_get(&crew.queues, q2);
	last = crew.ids.count - 1;
	is_int((long long)crew.agents[last].post_count, 1, "a queue once");
	is_int((long long)in(queue, "Busy"), 1, "as it was told last");
	is_str(crew_agent_name(&crew, last), "twice", "no name is none");
	is_int((long long)names_long_queue(), 0, "a name of no id is none");
	statuses = crew.statuses.count;
	ok(take(AGENT("bad", TIER("\"X\"", "true"), "\"X\"",
	    "\"q2\":\"New\",\"q3\":7"), T) != NULL, "a malformed line");
	is_int((long long)crew.statuses.count, (long long)statuses,
	    "leaves no status behind");
}

static void
test_copy(void)
{
	struct crew copy;

	crew_copy(&copy, &crew);
	take(AGENT("ann", "\"name\":\"Anna\"," TIER("\"Meal\"", "true"),
	    "\"Meal\"", "\"q1\":\"Meal\""), T);
	is_str(crew_agent_name(&crew, 0), "Anna", "the crew goes on");
	is_str(crew_agent_name(&copy, 0), "Ann", "its copy stands still");
	is_int((long long)copy.here, (long long)crew.here, "as many are here");
	is_int((long long)copy.agents[0].post_count, 0, "with their queues");
	crew_free(&copy);
}

static void
test_kinds(void)
{
	static const struct { const char *status; enum crew_kind kind; }
	    rows[] = {
		{ "Available", CREW_READY }, { "ON_QUEUE", CREW_READY },
		{ "Queue Busy", CREW_BUSY }, { "On Queue", CREW_READY },
		{ "NOT_RESPONDING", CREW_ALARM }, { "Meal", CREW_AWAY },
		{ "", CREW_OTHER }, { "Something else", CREW_OTHER },
		{ "INTERACTING", CREW_TALKING }, { "OFFLINE", CREW_OFF },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(crew_kind_name(crew_kind(rows[i].status)),
		    crew_kind_name(rows[i].kind), rows[i].status);
}

static void
test_many_statuses(void)
{
	char line[600];

	for (int i = 0; i < 2 * CREW_STATUSES_MAX; i++) {
		snprintf(line, sizeof(line), AGENT("dan", TIER("\"%d\"",
		    "true"), "\"%d\"", ""), i, i);
		take(line, T);
	}
	is_int((long long)crew.statuses.count, CREW_STATUSES_MAX,
	    "statuses have an end");
}

int
main(void)
{
	crew_init(&crew, 7);
	test_agents();
	test_names();
	test_sight();
	test_copy();
	test_kinds();
	test_odd();
	test_many_statuses();
	crew_free(&crew);
	return done();
}
