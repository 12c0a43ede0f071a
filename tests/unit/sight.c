/* Does the stream see anything? */
#include "lib/sight.h"
#include "tests/tap.h"

#define T INT64_C(1718461930000)	/* 2024-06-15T14:32:10Z */

static struct sight sight;
static struct take taken;

static void
tell(const char *line, int64_t at_ms)
{
	take_begin(&taken, strlen(line));
	sight_control(&sight, &taken, line, strlen(line), at_ms);
}

#define OPEN(socket, sockets) "{\"event\":\"gc:open\",\"socket\":" socket \
    ",\"sockets\":" sockets "}"

static void
test_sockets(void)
{
	ok(sight_worst(&sight) == NULL, "nothing yet");
	tell(OPEN("0", "2"), T);
	is_int(sight_worst(&sight)->state, SIGHT_NEVER, "one of two");
	tell(OPEN("1", "2"), T);
	is_int(sight_worst(&sight)->state, SIGHT_OPEN, "both");
	tell("{\"event\":\"gc:closed\",\"socket\":1,\"reason\":\"w\\u0068y\"}",
	    T + 5);
	is_int(sight_worst(&sight)->state, SIGHT_CLOSED, "the worst counts");
	is_str(sight_worst(&sight)->reason, "why", "its reason");
	is_int(sight_worst(&sight)->since_ms, T + 5, "and since when");
	tell("{\"event\":\"gc:failover\",\"socket\":1,\"attempts\":5}", T);
	is_str(sight_name(sight_worst(&sight)->state), "polling", "polled");
	tell("{\"event\":\"gc:alive\",\"socket\":1,\"rttMs\":17}", T);
	is_int((long long)sight.sockets[1].rtt_ms, 17, "round trip");
	tell(OPEN("99", "2"), T);
	tell(OPEN("0", "9999"), T);
	tell("{\"event\":\"gc:alive\",\"socket\":99,\"rttMs\":17}", T);
	tell("{\"event\":\"gc:other\",\"socket\":0}", T);
	tell("nonsense", T);
	is_int(sight.socket_count, 2, "what is out of reach is let be");
}

static void
test_rates(void)
{
	struct stamp changed = stamp_of_ms(T - 1000);

	is_int(sight_lag_ms(&sight, T, 10), -1, "no lag of nothing");
	sight_count(&sight, T, NULL);
	for (int i = 0; i < 30; i++)
		sight_count(&sight, T + 1000 + i, &changed);
	is_int((long long)(sight_rate(&sight, T + 1500, 10) * 10), 1,
	    "whole seconds only");
	is_int((long long)(sight_rate(&sight, T + 2000, 10) * 10), 31,
	    "lines");
	is_int(sight_lag_ms(&sight, T + 2000, 10), 2029, "the longest lag");
	is_int((long long)sight_rate(&sight, T + 60000, 10), 0, "long ago");
	changed = stamp_of_ms(T + 999000);
	sight_count(&sight, T + 50000, &changed);
	is_int(sight_lag_ms(&sight, T + 51000, 2), 0, "a clock that is ahead");
	changed = stamp_of_ms(T - 9000000);
	sight_count(&sight, T + 55000, &changed);
	is_int(sight_lag_ms(&sight, T + 56000, 2), -1, "hours are no lag");
}

int
main(void)
{
	take_init(&taken);
	test_sockets();
	test_rates();
	take_free(&taken);
	return done();
}
