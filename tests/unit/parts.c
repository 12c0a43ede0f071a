/* What frames of the platform tell, and how a presence is spelt. */
#include <string.h>

#include "lib/event.h"
#include "tests/tap.h"

#define TOPIC(rest) "{\"topicName\":\"v2.users." rest "\""
#define ACTIVITY(body) TOPIC("ann.activity") ",\"eventBody\":" body "}"
#define PRESENCE(body) TOPIC("ann.presence") ",\"eventBody\":" body "}"
#define ROUTING(body) TOPIC("ann.routingStatus") ",\"eventBody\":" body "}"
#define AT "2024-06-15T14:32:10Z"

/* want: USER ROUTING PRESENCE QUEUES, a time behind an @; - is not told.
 * Or `other`, or why it is rejected. */
static const struct { const char *name, *line, *want; } frames[] = {
	{ "all parts of an activity", ACTIVITY("{\"id\":\"ann\","
	    "\"routingStatus\":{\"status\":\"IDLE\",\"startTime\":\"" AT
	    "\"},\"presence\":{\"presenceDefinition\":{\"id\":\"d\","
	    "\"systemPresence\":\"AWAY\"},"
	    "\"modifiedDate\":\"" AT "\"},\"activeQueueIds\":[\"b\",\"a\"],"
	    "\"dateActiveQueuesChanged\":\"" AT "\"}"),
	    "ann IDLE@" AT " AWAY@" AT " [\"a\",\"b\"]@" AT },
	{ "each without a time", ACTIVITY("{\"routingStatus\":{\"status\":"
	    "\"X\"},\"presence\":{\"presenceDefinition\":{"
	    "\"systemPresence\":\"y\"}}"
	    ",\"activeQueueIds\":[]}"), "ann X Y []" },
	{ "none of them", ACTIVITY("{\"id\":\"ann\"}"), "ann - - -" },
	{ "all of them null", ACTIVITY("{\"routingStatus\":null,\"presence\":"
	    "null,\"activeQueueIds\":null,\"dateActiveQueuesChanged\":null}"),
	    "ann - - -" },
	{ "parts without a value", ACTIVITY("{\"routingStatus\":{\"startTime\":"
	    "\"" AT "\"},\"presence\":{\"presenceDefinition\":null},"
	    "\"dateActiveQueuesChanged\":\"" AT "\"}"), "ann - - -" },
	{ "a routing status", ROUTING("{\"id\":\"ann\",\"routingStatus\":{"
	    "\"status\":\"OFF_QUEUE\",\"startTime\":\"" AT "\"}}"),
	    "ann OFF_QUEUE@" AT " - -" },
	{ "a presence", PRESENCE("{\"source\":\"PURECLOUD\",\"primary\":true,"
	    "\"presenceDefinition\":{\"systemPresence\":\"On Queue\"},"
	    "\"modifiedDate\":\"" AT "\"}"), "ann - ON_QUEUE@" AT " -" },
	{ "a presence of the other shape", PRESENCE("{\"presence\":{"
	    "\"presenceDefinition\":{\"systemPresence\":\"AWAY\"}}}"),
	    "ann - - -" },
	{ "primary null", PRESENCE("{\"primary\":null,\"presenceDefinition\":{"
	    "\"systemPresence\":\"AWAY\"}}"), "ann - AWAY -" },
	{ "primary false", PRESENCE("{\"primary\":false,"
	    "\"presenceDefinition\":{\"systemPresence\":\"AWAY\"}}"),
	    "ann - - -" },
	{ "a queue twice", ACTIVITY("{\"activeQueueIds\":[\"q\",\"p\",\"q\"]}"),
	    "ann - - [\"p\",\"q\"]" },
	{ "a queue with a quote", ACTIVITY("{\"activeQueueIds\":[\"a\\\"b\"]}"),
	    "ann - - [\"a\\\"b\"]" },
	{ "of a key given twice the last", ACTIVITY("{\"routingStatus\":{"
	    "\"status\":\"A\",\"startTime\":\"" AT "\"},\"routingStatus\":{"
	    "\"status\":\"B\"}}"), "ann B - -" },
	{ "an escaped topic", TOPIC("\\u0061nn.activity") ",\"eventBody\":{}}",
	    "ann - - -" },
	{ "the id of the body does not count", ACTIVITY("{\"id\":\"bob\"}"),
	    "ann - - -" },
	{ "another topic of a user", TOPIC("ann.station") "}", "other" },
	{ "a longer topic", TOPIC("ann.x.activity") "}", "other" },
	{ "a combined topic", TOPIC("ann?presence&routingStatus") "}",
	    "other" },
	{ "the channel's own", "{\"topicName\":\"channel.metadata\"}",
	    "other" },
	{ "no text", "{\"topicName\":\"\\ud800\"}", "other" },
	{ "no string", "{\"topicName\":7,\"eventBody\":{}}", "other" },
	{ "an event of the guide's has a name", "{\"event\":\"x\","
	    "\"topicName\":\"v2.users.ann.activity\"}", "other" },
	{ "no user", TOPIC(".activity") ",\"eventBody\":{}}",
	    "topicName has no valid user id" },
	{ "no valid user", TOPIC("\\ud800.activity") ",\"eventBody\":{}}",
	    "topicName has no valid user id" },
	{ "no body", TOPIC("ann.activity") "}",
	    "eventBody is missing or no object" },
	{ "a body that is none", PRESENCE("[]"),
	    "eventBody is missing or no object" },
	{ "a status that is none", ACTIVITY("{\"routingStatus\":\"IDLE\"}"),
	    "routingStatus is neither object nor null" },
	{ "a status of a number", ROUTING("{\"routingStatus\":{\"status\":1}}"),
	    "routingStatus.status is neither string nor null" },
	{ "a time that is none", ROUTING("{\"routingStatus\":{\"status\":\"A\","
	    "\"startTime\":\"now\"}}"),
	    "startTime is neither RFC 3339 nor null" },
	{ "a presence that is none", ACTIVITY("{\"presence\":\"AWAY\"}"),
	    "presence is neither object nor null" },
	{ "a definition that is none", PRESENCE("{\"presenceDefinition\":1}"),
	    "presenceDefinition is neither object nor null" },
	{ "a presence of a list", PRESENCE("{\"presenceDefinition\":{"
	    "\"systemPresence\":[]}}"),
	    "systemPresence is neither string nor null" },
	{ "a date that is none", PRESENCE("{\"modifiedDate\":7}"),
	    "modifiedDate is neither RFC 3339 nor null" },
	{ "queues that are none", ACTIVITY("{\"activeQueueIds\":{}}"),
	    "activeQueueIds is no list of ids" },
	{ "a queue without an id", ACTIVITY("{\"activeQueueIds\":[\"\"]}"),
	    "activeQueueIds is no list of ids" },
	{ "when queues changed", ACTIVITY("{\"dateActiveQueuesChanged\":\"\"}"),
	    "dateActiveQueuesChanged is neither RFC 3339 nor null" },
	{ "primary of a string", PRESENCE("{\"primary\":\"yes\"}"),
	    "primary is neither true, false nor null" },
};

static const struct { const char *told, *want; } spellings[] = {
	{ "AVAILABLE", "AVAILABLE" }, { "Available", "AVAILABLE" },
	{ "On Queue", "ON_QUEUE" }, { "OnQueue", "ON_QUEUE" },
	{ "ON_QUEUE", "ON_QUEUE" }, { "onqueue", "ON_QUEUE" },
	{ "on-queue", "ON_QUEUE" }, { "Break", "BREAK" },
	{ "Out of Office", "OUT_OF_OFFICE" },
	{ "outOfOffice", "OUT_OF_OFFICE" },
	{ "OUT_OF_OFFICE", "OUT_OF_OFFICE" }, { "  x  y ", "X_Y" },
	{ "Idle2", "IDLE2" }, { "AwayX", "AWAY_X" }, { "Awa", "AWA" },
	{ "caf\xc3\xa9 Noir", "CAF\xc3\xa9_NOIR" }, { "", "" }, { "--", "--" },
#define LONG "1234567890123456789012345678901234567890"
	{ LONG "1234567890123456789012aB", LONG "1234567890123456789012aB" },
};

static char got[512];

static void
tell(const struct tier_told *t)
{
	size_t n = strlen(got);

	if (t->status.p == NULL)
		snprintf(got + n, sizeof(got) - n, " -");
	else
		snprintf(got + n, sizeof(got) - n, " %.*s%s%.*s",
		    (int)t->status.len, t->status.p,
		    t->at.text.p != NULL ? "@" : "", (int)t->at.text.len,
		    t->at.text.p != NULL ? t->at.text.p : "");
}

static const char *
read_line(struct event *ev, const char *line)
{
	const char *why = event_parse(ev, line, strlen(line), ~0u);

	if (why != NULL)
		return why;
	if (ev->kind != EVENT_FRAME)
		return "other";
	snprintf(got, sizeof(got), "%.*s", (int)ev->user_id.len,
	    ev->user_id.p);
	tell(&ev->tier);
	tell(&ev->parts.presence);
	tell(&ev->parts.active);
	return got;
}

int
main(void)
{
	char room[PARTS_NAME_MAX], again[PARTS_NAME_MAX];
	struct event ev;

	event_init(&ev);
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		is_str(read_line(&ev, frames[i].line), frames[i].want,
		    frames[i].name);
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]);
	    i++) {
		const char *told = spellings[i].told;
		struct text t = parts_presence((struct text){ told,
		    (uint32_t)strlen(told) }, room);

		snprintf(got, sizeof(got), "%.*s", (int)t.len, t.p);
		is_str(got, spellings[i].want, told);
		ok(text_eq(parts_presence(t, again), t), "and stays so");
	}
	event_free(&ev);
	return done();
}
