/* The latest line of each agent. */
#include "lib/latest.h"
#include "tests/tap.h"

static struct latest l;

static size_t
put(const char *id, const char *stamp, const char *line)
{
	return latest_put(&l, (struct text){ id, (uint32_t)strlen(id) }, stamp,
	    false, line, strlen(line));
}

static void
test_order(void)
{
	latest_init(&l, 1 << 20, 7);
	is_int(put("ann", "2", "a2"), 0, "the first agent");
	is_int(put("bob", "1", "b1"), 1, "the second");
	is_int(l.unwritten, 2, "neither is written");
	ok(put("ann", "1", "a1") == LATEST_STALE, "an older line is stale");
	is_str(l.all[0].line, "a2", "and replaces nothing");
	is_int(put("ann", "2", "again"), 0, "an equally recent one counts");
	is_str(l.all[0].line, "again", "as the last to arrive");
	is_int(l.unwritten, 2, "two agents still");
	ok(put("bob", "", "b") == LATEST_STALE, "no moment is before all");
	is_int(put("eve", "", "e"), 2, "but better than nothing");
	is_int(put("eve", "", "e2"), 2, "and equal to itself");
}

static void
test_written(void)
{
	uint32_t version = l.all[0].version;

	put("ann", "3", "a3");
	ok(!latest_written(&l, 0, version), "an earlier one was written");
	is_int(l.unwritten, 3, "the latest is not");
	ok(latest_written(&l, 0, version + 1), "now it is");
	ok(latest_written(&l, 0, version + 1), "twice is harmless");
	is_int(l.unwritten, 2, "two are left");
	is_str(l.all[0].line, "a3", "it is kept");
	latest_put(&l, (struct text){ "ann", 3 }, "3", true, "bye", 3);
	is_str(l.all[0].line, "bye", "until the agent is gone");
	ok(latest_written(&l, 0, version + 2), "and that is written");
	ok(l.all[0].line == NULL, "then there is no line");
	ok(put("ann", "2", "a2") == LATEST_STALE, "nor will an older one be");
	latest_free(&l);
}

static void
test_room(void)
{
	char line[101];
	size_t n;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	latest_init(&l, 500, 7);
	for (n = 0; !latest_full(&l) && n < 100; n++)
		put((char[]){ (char)('a' + n), '\0' }, "1", line);
	is_int(n, 4, "unwritten lines fill the room");
	is_int(l.forgotten, 0, "and none is forgotten");
	latest_written(&l, 0, 1);
	latest_written(&l, 2, 1);
	put("a", "0", line);
	put("b", "2", line);
	ok(!latest_full(&l), "written ones make room");
	is_int(l.forgotten, 1, "one at a time");
	is_int(l.unwritten, 2, "of which none is lost");
	ok(l.all[1].line != NULL && l.all[3].line != NULL, "they are there");
	latest_free(&l);
	latest_free(&l);
}

int
main(void)
{
	test_order();
	test_written();
	test_room();
	return done();
}
