/* What lines say: lists that are checked whole, queues that are sorted and
 * told once, texts however they are spelt. */
#include <stdlib.h>

#include "lib/event.h"
#include "tests/tap.h"

#define MANY 20000

static const struct {
	const char *name, *line;
	const char *want;	/* what is listed, or why it is rejected */
} cases[] = {
	{ "queues come sorted", "{\"event\":\"gc:state\",\"userId\":\"u\","
	    "\"seq\":1,\"queues\":{\"q2\":{\"currentStatus\":\"B\"},\"\":"
	    "{\"currentStatus\":\"N\"},\"q10\":{\"currentStatus\":\"A\"}}}",
	    "=N q10=A q2=B" },
	{ "of one given twice the last counts, however it is spelt",
	    "{\"event\":\"gc:state\",\"userId\":\"u\",\"seq\":1,\"queues\":{"
	    "\"\\u0071\":{\"currentStatus\":\"A\"},"
	    "\"b\":{\"currentStatus\":\"B\"},"
	    "\"q\":{\"currentStatus\":\"C\"},\"a\":{\"currentStatus\":\"D\"},"
	    "\"\\u0071\":{\"currentStatus\":\"\\u0045\"}}}",
	    "a=D b=B q=E" },
	{ "what it says before does not, whatever it was",
	    "{\"event\":\"gc:state\",\"userId\":\"u\",\"seq\":1,\"queues\":{"
	    "\"q\":7,\"q\":{\"currentStatus\":\"C\"}}}", "q=C" },
	{ "what it says last does", "{\"event\":\"gc:state\",\"userId\":\"u\","
	    "\"seq\":1,\"queues\":{\"q\":{\"currentStatus\":\"C\"},\"q\":7}}",
	    "queues is malformed" },
	{ "a queue has a status", "{\"event\":\"gc:agent\",\"userId\":\"u\","
	    "\"seq\":1,\"queues\":{\"q\":{\"currentStatus\":null}}}",
	    "queues is malformed" },
	{ "an id is valid text", "{\"event\":\"gc:agent\",\"userId\":\"u\","
	    "\"seq\":1,\"queues\":{\"\\ud800\":{\"currentStatus\":\"A\"}}}",
	    "queues is malformed" },
	{ "no queues are told", "{\"event\":\"gc:state\",\"userId\":\"u\","
	    "\"seq\":1,\"queues\":null}", "none" },
	{ "or none of them", "{\"event\":\"gc:state\",\"userId\":\"u\","
	    "\"seq\":1,\"queues\":{}}", "" },
	{ "queues are no list", "{\"event\":\"gc:state\",\"userId\":\"u\","
	    "\"seq\":1,\"queues\":[]}", "queues is neither object nor null" },
	{ "agents stay in their order", "{\"event\":\"gc:open\",\"agents\":"
	    "[\"z\",\"\\u0061\",\"z\"]}", "z a z" },
	{ "an open without them names nobody", "{\"event\":\"gc:open\"}",
	    "none" },
	{ "with an empty list likewise, and says so",
	    "{\"event\":\"gc:open\",\"agents\":[]}", "" },
	{ "a list is checked to its end", "{\"event\":\"gc:open\",\"agents\":"
	    "[\"a\",\"\"]}", "agents is no list of ids" },
	{ "the other one too", "{\"event\":\"gc:members\",\"joined\":[\"a\"],"
	    "\"left\":[\"b\",1]}", "left is no list of ids" },
};

/* What lines tell of the connection: sockets, the protocol, and whether one
 * will be open again. */
static const struct {
	const char *name, *line;
	unsigned sockets, protocol, reconnects;
} connections[] = {
	{ "an open of channels", "{\"event\":\"gc:open\",\"protocol\":"
	    "\"channels\",\"socket\":1,\"sockets\":3}", 3,
	    EVENT_CHANNELS, 0 },
	{ "one of events", "{\"event\":\"gc:open\",\"protocol\":"
	    "\"events\",\"sockets\":1}", 1, EVENT_EVENTS, 0 },
	{ "one that tells neither", "{\"event\":\"gc:open\",\"protocol\":"
	    "7,\"sockets\":\"x\"}", 0, EVENT_UNTOLD, 0 },
	{ "a socket that will be open again", "{\"event\":\"gc:closed\","
	    "\"socket\":2,\"next\":\"reconnect\"}", 0, 0, 1 },
	{ "one that will not", "{\"event\":\"gc:closed\",\"socket\":2,"
	    "\"next\":\"stop\"}", 0, 0, 0 },
	{ "and one that is no number", "{\"event\":\"gc:closed\","
	    "\"socket\":\"x\",\"next\":\"reconnect\"}", 0, 0, 0 },
};

static struct event ev;
static struct buf got;

static void
add(struct text id, const struct text *status)
{
	buf_addf(&got, "%s%.*s", got.len > 0 ? " " : "", (int)id.len, id.p);
	if (status != NULL)
		buf_addf(&got, "=%.*s", (int)status->len, status->p);
}

static const char *
listed(const char *line, size_t len)
{
	const char *why = event_parse(&ev, line, len, ~0u);

	buf_reset(&got);
	buf_adds(&got, "");
	if (why != NULL)
		return why;
	if (ev.kind == EVENT_OPEN || ev.kind == EVENT_MEMBERS) {
		for (size_t i = 0; i < ev.agents.count; i++)
			add(ev.agents.ids[i], NULL);
		return ev.agents.told ? got.data : "none";
	}
	for (size_t i = 0; i < ev.queues.count; i++)
		add(ev.queues.tiers[i].queue_id, &ev.queues.tiers[i].status);
	return ev.queues.told ? got.data : "none";
}

static void
test_connections(void)
{
	for (size_t i = 0; i < sizeof(connections) / sizeof(connections[0]);
	    i++) {
		const char *line = connections[i].line;
		const char *why;

		ev.sockets = 0;
		ev.protocol = EVENT_UNTOLD;
		ev.reconnects = false;
		why = event_parse(&ev, line, strlen(line), ~0u);
		ok(why == NULL && ev.sockets == connections[i].sockets &&
		    ev.protocol == connections[i].protocol &&
		    ev.reconnects == connections[i].reconnects,
		    "%s", connections[i].name);
	}
}

/* Every string escaped, and as many as a line has room for. */
static void
test_many(void)
{
	struct buf line;
	long wrong = 0;

	buf_init(&line, 4 << 20);
	buf_adds(&line, "{\"event\":\"gc:state\",\"userId\":\"\\u0075\","
	    "\"seq\":1,\"name\":\"\\\"\",\"queues\":{");
	for (int i = MANY; i-- > 0;)
		buf_addf(&line, "\"\\u0071%05d\":{\"currentStatus\":\"\\u0053%d"
		    "\",\"previousStatus\":\"\\n\"}%s", i, i, i ? "," : "}}");
	is_str(event_parse(&ev, line.data, line.len, ~0u) == NULL ? "" : "no",
	    "", "a line of nothing but escapes");
	is_int((long long)ev.queues.count, MANY, "has all its queues");
	for (size_t i = 0; i < ev.queues.count; i++) {
		const struct tier_told *t = &ev.queues.tiers[i];

		wrong += t->queue_id.len != 6 || t->status.p[0] != 'S' ||
		    strtoul(t->queue_id.p + 1, NULL, 10) != i ||
		    strtoul(t->status.p + 1, NULL, 10) != i ||
		    !text_is(t->previous, "\n");
	}
	is_int(wrong, 0, "and what it says of each");
	buf_free(&line);
}

static void
test_id_cap(void)
{
	struct buf line;

	buf_init(&line, 1 << 20);
	for (int more = 0; more < 2; more++) {
		buf_reset(&line);
		buf_adds(&line, "{\"event\":\"gc:open\",\"agents\":[\"");
		for (int i = 0; i < TAKE_ID_MAX + more; i++)
			buf_adds(&line, "x");
		buf_adds(&line, "\"]}");
		ok((event_parse(&ev, line.data, line.len, ~0u) == NULL) ==
		    !more, "an id of %d bytes", TAKE_ID_MAX + more);
	}
	buf_free(&line);
}

int
main(void)
{
	event_init(&ev);
	buf_init(&got, 1 << 16);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		is_str(listed(cases[i].line, strlen(cases[i].line)),
		    cases[i].want, cases[i].name);
	test_connections();
	test_many();
	test_id_cap();
	event_free(&ev);
	buf_free(&got);
	return done();
}
