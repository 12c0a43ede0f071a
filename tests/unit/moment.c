/* When lines were told, and lines told at another time. */
#include <stdlib.h>

#include "lib/moment.h"
#include "tests/tap.h"

#define DATA(members) "{\"event\":\"x\",\"data\":{" members "}}"
#define BODY(members) "{\"topicName\":\"v2.users.a.activity\"," \
    "\"eventBody\":{" members "}}"

/* A line, and its moment; NULL: none.  reject: it is no line. */
static const struct {
	const char *line, *moment;
	bool reject;
} told[] = {
	{ "{\"event\":\"gc:open\",\"at\":\"2024-06-15T14:32:10.001Z\"}",
	    "2024-06-15T14:32:10.001Z", false },
	{ "{\"at\":\"2024-06-15T14:32:10Z\",\"event\":\"other\"}", NULL,
	    false },
	{ "{\"event\":\"gc:x\",\"at\":\"yesterday\"}", NULL, false },
	{ DATA("\"timestamp\":\"2024-06-15T16:32:10+02:00\""),
	    "2024-06-15T14:32:10.000Z", false },
	{ DATA("\"timestamp\":17"), NULL, false },
	{ "{\"event\":\"x\",\"data\":[]}", NULL, false },
	{ BODY("\"routingStatus\":{\"startTime\":\"2024-06-15T14:32:10Z\"},"
	    "\"presence\":{\"modifiedDate\":\"2024-06-15T14:32:12Z\"},"
	    "\"dateActiveQueuesChanged\":\"2024-06-15T14:32:11Z\""),
	    "2024-06-15T14:32:12.000Z", false },
	{ BODY("\"dateActiveQueuesChanged\":\"2024-06-15T14:32:11Z\""),
	    "2024-06-15T14:32:11.000Z", false },
	{ BODY("\"modifiedDate\":\"2024-06-15T14:32:13Z\""),
	    "2024-06-15T14:32:13.000Z", false },
	{ BODY(""), NULL, false },
	{ "{}", NULL, false },
	{ "[]", NULL, true },
	{ "{\"event\":", NULL, true },
};

static void
test_read(void)
{
	char text[CLOCK_RFC3339_LEN + 1];
	struct stamp moment;
	const char *why;
	bool timed;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		why = moment_read(told[i].line, strlen(told[i].line), &moment,
		    &timed);
		ok((why != NULL) == told[i].reject && timed ==
		    (told[i].moment != NULL), "%s", told[i].line);
		if (!timed)
			continue;
		clock_format_ms(stamp_to_ms(moment), text);
		is_str(text, told[i].moment, "its moment");
	}
}

/* An hour later. */
static struct stamp
later(void *arg, struct stamp moment)
{
	(*(int *)arg)++;
	moment.sec += 3600;
	return moment;
}

static const struct { const char *line, *moved; } moved[] = {
	{ "{\"at\":\"2024-06-15T14:32:10.001Z\"}",
	    "{\"at\":\"2024-06-15T15:32:10.001Z\"}" },
	{ "{\"a\" : [ \"2024-12-31T23:30:00-00:30\" ,2]}",
	    "{\"a\" : [ \"2025-01-01T01:00:00.000Z\" ,2]}" },
	{ "{\"a\":\"2024-06-15T14:32:10.1234567Z\"}",
	    "{\"a\":\"2024-06-15T15:32:10.123456700Z\"}" },
	{ "{\"2024-06-15T14:32:10Z\" :1}", "{\"2024-06-15T14:32:10Z\" :1}" },
	{ "{\"a\":\"at 2024-06-15T14:32:10Z\"}",
	    "{\"a\":\"at 2024-06-15T14:32:10Z\"}" },
	{ "{\"a\\\"\":\"\\\\\",\"b\":\"2024-06-15T14:32:10Z\"}",
	    "{\"a\\\"\":\"\\\\\",\"b\":\"2024-06-15T15:32:10.000Z\"}" },
	{ "{\"a\":\"2024\\u002d06-15T14:32:10Z\",\"b\":\"\"}",
	    "{\"a\":\"2024\\u002d06-15T14:32:10Z\",\"b\":\"\"}" },
	{ "{}", "{}" },
};

static void
test_move(void)
{
	struct buf out;
	int calls = 0;

	buf_init(&out, 128);
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		buf_reset(&out);
		is_int(moment_move(&out, moved[i].line, strlen(moved[i].line),
		    later, &calls), 0, moved[i].line);
		is_str(out.data, moved[i].moved, "moved");
	}
	is_int(calls, 4, "for moments alone");
	out.cap = 20;
	buf_reset(&out);
	is_int(moment_move(&out, moved[0].line, strlen(moved[0].line), later,
	    &calls), -1, "a full buffer is told");
	buf_free(&out);
}

int
main(void)
{
	test_read();
	test_move();
	return done();
}
