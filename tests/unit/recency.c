/* How recent a gc:agent line is. */
#include "lib/recency.h"
#include "tests/tap.h"

#define AGENT(time, members) "{\"event\":\"gc:agent\",\"seq\":1," \
    "\"userId\":\"ann\",\"currentStatus\":\"Busy\"," \
    "\"lastUpdatedTimestamp\":" time members "}"
#define TIER(time) "{\"currentStatus\":\"Busy\",\"lastUpdatedTimestamp\":" \
    time ",\"verified\":true}"

static const struct {
	const char *line, *recency;
} told[] = {
	{ AGENT("\"2024-06-15T14:32:10Z\"", ""),
	    "2024-06-15T14:32:10.000000000Z" },
	{ AGENT("\"2024-06-15T16:32:10.5+02:00\"", ""),
	    "2024-06-15T14:32:10.500000000Z" },
	{ AGENT("\"2024-12-31t23:59:60z\"", ""),
	    "2024-12-31T23:59:59.999999999Z" },
	{ AGENT("null", ""), "" },
	{ AGENT("null", ",\"queues\":{\"q\":"
	    TIER("\"2024-06-15T14:32:10.000000001Z\"") "}"),
	    "2024-06-15T14:32:10.000000001Z" },
	{ AGENT("\"2024-06-15T14:32:10Z\"", ",\"queues\":{\"a\":"
	    TIER("\"2024-06-15T14:32:12Z\"") ",\"b\":"
	    TIER("\"2024-06-15T14:32:11Z\"") "}"),
	    "2024-06-15T14:32:12.000000000Z" },
	{ AGENT("\"2024-06-15T14:32:10Z\"", ",\"presence\":"
	    TIER("\"2024-06-15T14:32:13Z\"")),
	    "2024-06-15T14:32:13.000000000Z" },
	{ AGENT("\"2024-06-15T14:32:10Z\"", ",\"activeQueues\":"
	    "{\"ids\":[\"q\"],\"lastUpdatedTimestamp\":"
	    "\"2024-06-15T14:32:14Z\"}"),
	    "2024-06-15T14:32:14.000000000Z" },
	{ AGENT("\"0000-01-01T00:00:00+23:59\"", ""),
	    "0000-01-01T00:00:00.000000000Z" },
	{ AGENT("\"9999-12-31T23:59:59-23:59\"", ""),
	    "9999-12-31T23:59:59.999999999Z" },
};

int
main(void)
{
	char got[RECENCY_LEN + 1];
	struct event ev;

	event_init(&ev);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		const char *why = event_parse(&ev, told[i].line,
		    strlen(told[i].line), EVENT_BIT(EVENT_AGENT));

		ok(why == NULL, "%s", told[i].line);
		recency(&ev, got);
		is_str(got, told[i].recency, "how recent it is");
		/* what is written must come back as the same moment */
		if (*got != '\0') {
			struct stamp s;

			is_int(strlen(got), RECENCY_LEN, "of fixed length");
			ok(clock_parse(got, strlen(got), &s) == 0,
			    "a moment itself");
		}
	}
	event_free(&ev);
	return done();
}
