/* Which partition a line belongs to. */
#include "lib/batch.h"
#include "lib/route.h"
#include "tests/tap.h"

static struct route r;

static const char *
who(const char *line)
{
	static char text[64];

	if (route_line(&r, line, strlen(line)) != SCAN_OK)
		return "no line";
	if (r.everyone)
		return "everyone";
	snprintf(text, sizeof(text), "%.*s", (int)r.user_id.len,
	    r.user_id.p ? r.user_id.p : "");
	return r.user_id.p ? text : "nobody";
}

int
main(void)
{
	unsigned escaped, plain, seen[4] = { 0 };
	static const char bytes[] = "of any length, at any place: 0123456789";
	char line[64];
	int wrong = 0;

	route_init(&r);
	is_str(who("{\"event\":\"e\",\"data\":{\"userId\":\"ann\"}}"), "ann",
	    "an event is its agent's");
	is_str(who("{\"topicName\":\"v2.users.bob.presence\",\"eventBody\":"
	    "{}}"), "bob", "and so is a frame");
	is_str(who("{\"event\":\"gc:agent\",\"userId\":\"ann\"}"), "everyone",
	    "a control line is everyone's");
	is_str(who("{\"event\":\"\\u0067c:open\"}"), "everyone",
	    "however it is spelt");
	is_str(who("{\"event\":\"e\",\"data\":{\"userId\":7}}"), "nobody",
	    "an id is a string");
	is_str(who("{\"topicName\":\"channel.metadata\"}"), "nobody",
	    "not every topic is a user's");
	is_str(who("nonsense"), "no line", "what is no JSON is no line");
	who("{\"data\":{\"userId\":\"\\u0061nn\"}}");
	escaped = route_partition(&r, 1000);
	who("{\"data\":{\"userId\":\"ann\"}}");
	plain = route_partition(&r, 1000);
	is_int(escaped, plain, "the same id, the same partition");
	is_int(plain, batch_crc32(0, "ann", 3) % 1000, "it is the CRC-32");
	is_int(batch_crc32(0, "123456789", 9), 0xcbf43926,
	    "which is that of zlib");
	for (size_t n = 0; n < sizeof(bytes); n++)
		for (size_t i = 0; i <= n; i++)
			wrong += batch_crc32(batch_crc32(0, bytes, i),
			    bytes + i, n - i) != batch_crc32(0, bytes, n);
	is_int(wrong, 0, "a sum in two parts is the sum of the whole");
	for (int i = 0; i < 4000; i++) {
		snprintf(line, sizeof(line), "{\"data\":{\"userId\":\"%d\"}}",
		    i);
		route_line(&r, line, strlen(line));
		seen[route_partition(&r, 4)]++;
	}
	for (int k = 0; k < 4; k++)
		ok(seen[k] > 800 && seen[k] < 1200,
		    "part %d has its share: %u", k + 1, seen[k]);
	route_free(&r);
	return done();
}
