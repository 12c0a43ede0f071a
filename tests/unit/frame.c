/* What each kind of frame is, spelt in the ways that have been seen. */
#include "lib/frame.h"
#include "tests/tap.h"

#define META "{\"topicName\":\"channel.metadata\",\"eventBody\":"
#define SYS "{\"topicName\":\"v2.system."

static const struct { const char *text; enum frame_kind kind; } cases[] = {
	{ "{\"topicName\":\"v2.users.u1.activity\",\"version\":\"2\","
	    "\"eventBody\":{\"id\":\"u1\"},\"metadata\":{}}", FRAME_EVENT },
	{ "{\"topicName\":\"v2.users.u1.presence\"}", FRAME_EVENT },
	{ "{\"topicName\":\"v2.users.u1.x\",\"message\":\"pong\"}",
	    FRAME_EVENT },
	{ "{\"topicName\":\"v2.systems.x\"}", FRAME_EVENT },
	{ "{\"topicName\":\"\"}", FRAME_EVENT },
	{ META "{\"message\":\"WebSocket Heartbeat\"}}", FRAME_HEARTBEAT },
	{ META "{}}", FRAME_HEARTBEAT },
	{ META "null,\"version\":\"2\"}", FRAME_HEARTBEAT },
	{ META "{\"message\":\"pong\"}}", FRAME_PONG },
	{ "{\"eventBody\":{\"message\":\"pong\"}}", FRAME_PONG },
	{ "{\"message\":\"pong\"}", FRAME_PONG },
	{ "{\"result\":\"200\",\"status\":\"subscribed\"}", FRAME_REPLY },
	{ "{\"result\":\"400\",\"status\":\"failure\",\"message\":\"no\"}",
	    FRAME_REPLY },
	{ "{\"result\":\"404\",\"message\":\"gone\"}", FRAME_EVICTED },
	{ "{\"result\":404}", FRAME_EVICTED },
	{ "{}", FRAME_REPLY }, { "{\"topicName\":null}", FRAME_REPLY },
	{ "{\"topicName\":7}", FRAME_REPLY },
	{ SYS "socket_closing\",\"eventBody\":{\"message\":\"Websocket "
	    "closing soon\"}}", FRAME_CLOSING },
	{ "{\"topicName\":\"v2.syste\\u006d.socket_closing\"}",
	    FRAME_CLOSING },
	{ SYS "socket_closing.abc\"}", FRAME_CLOSING },
	{ SYS "no_longer_subscribed.abc\"}", FRAME_EVICTED },
	{ SYS "abc.def\",\"eventBody\":{\"systemTopicType\":"
	    "\"no_longer_subscribed\"}}", FRAME_EVICTED },
	{ SYS "token_revoked.abc\"}", FRAME_REVOKED },
	{ SYS "subscription_changed\"}", FRAME_SYSTEM },
	{ SYS "socket_closings\"}", FRAME_SYSTEM },
	{ SYS "\"}", FRAME_SYSTEM },
	{ "ping", FRAME_BAD }, { "", FRAME_BAD }, { "[]", FRAME_BAD },
	{ "{\"topicName\":\"v2.users.u1.activity\"", FRAME_BAD },
};

static const struct { const char *topic, *user; } users[] = {
	{ "v2.users.u-1.activity", "u-1" },
	{ "v2.users.u-1.x.y", "u-1" },
	{ "v2.users.u-1?presence&routingStatus", "u-1" },
	{ "v2.users.u-1.", "u-1" },
	{ "v2.users.u-1", NULL }, { "v2.users.", NULL },
	{ "v2.users..activity", NULL }, { "", NULL },
	{ "v2.routing.queues.q1.users", NULL },
};

int
main(void)
{
	struct frame f;
	char user[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f = frame_read(cases[i].text, strlen(cases[i].text));
		is_int(f.kind, cases[i].kind, cases[i].text);
	}
	f = frame_read("nonsense", 8);
	is_int(f.verdict, SCAN_NOT_OBJECT, "a bad one says why");
	f = frame_read(cases[0].text, strlen(cases[0].text));
	ok(slice_is(f.topic, "v2.users.u1.activity"), "the topic");
	f = frame_read("{\"message\":\"no\"}", 16);
	ok(slice_is(f.message, "no"), "what a reply says");
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		size_t n = 0;
		const char *u = frame_user(users[i].topic,
		    strlen(users[i].topic), &n);

		if (users[i].user == NULL) {
			ok(u == NULL, "nobody: %s", users[i].topic);
			continue;
		}
		snprintf(user, sizeof(user), "%.*s", (int)n, u ? u : "");
		is_str(user, users[i].user, users[i].topic);
	}
	return done();
}
