#include <string.h>

#include "lib/frame.h"

#define TOPIC_MAX 256		/* the platform's own limit is 200 */

enum { TOPIC, MESSAGE, RESULT, EVENT, BODY, BODY_MESSAGE, BODY_TYPE, KEYS };

static const struct scan_key keys[KEYS] = {
	[TOPIC] = SCAN_KEY("topicName", -1),
	[MESSAGE] = SCAN_KEY("message", -1),
	[RESULT] = SCAN_KEY("result", -1),
	[EVENT] = SCAN_KEY("event", -1),
	[BODY] = SCAN_KEY("eventBody", -1),
	[BODY_MESSAGE] = SCAN_KEY("message", BODY),
	[BODY_TYPE] = SCAN_KEY("systemTopicType", BODY),
};

static const struct { const char *name; enum frame_kind kind; } systems[] = {
	{ "socket_closing", FRAME_CLOSING },
	{ "no_longer_subscribed", FRAME_EVICTED },
	{ "token_revoked", FRAME_REVOKED },
};
#define SYSTEMS (sizeof(systems) / sizeof(systems[0]))

static const char system_prefix[] = "v2.system.", user_prefix[] = "v2.users.";

/* rest: the topic's name behind v2.system. */
static enum frame_kind
system_kind(const char *rest, size_t len, struct slice type)
{
	for (size_t i = 0; i < SYSTEMS; i++) {
		size_t n = strlen(systems[i].name);

		if (len >= n && memcmp(rest, systems[i].name, n) == 0 &&
		    (len == n || rest[n] == '.'))
			return systems[i].kind;
	}
	for (size_t i = 0; i < SYSTEMS; i++)
		if (slice_is(type, systems[i].name))
			return systems[i].kind;
	return FRAME_SYSTEM;
}

/* 404: the channel has ended, was evicted, or its token has ended. */
static bool
is_404(struct slice result)
{
	uint64_t n;

	return slice_is(result, "404") ||
	    (slice_number(result, &n) == 0 && n == 404);
}

static enum frame_kind
topic_kind(const struct slice *v)
{
	struct buf text;
	enum frame_kind kind = FRAME_EVENT;

	if (slice_is(v[TOPIC], "channel.metadata"))
		return slice_is(v[BODY_MESSAGE], "pong") ? FRAME_PONG :
		    FRAME_HEARTBEAT;
	buf_init(&text, TOPIC_MAX);
	if (slice_unescape(v[TOPIC], &text) == 0 &&
	    text.len >= sizeof(system_prefix) - 1 && memcmp(text.data,
	    system_prefix, sizeof(system_prefix) - 1) == 0)
		kind = system_kind(text.data + sizeof(system_prefix) - 1,
		    text.len - (sizeof(system_prefix) - 1), v[BODY_TYPE]);
	buf_free(&text);
	return kind;
}

struct frame
frame_read(const char *text, size_t len)
{
	struct frame f = { .kind = FRAME_BAD };
	struct slice v[KEYS];

	f.verdict = scan_object(text, len, keys, KEYS, v);
	if (f.verdict != SCAN_OK)
		return f;
	f.topic = v[TOPIC];
	f.message = v[MESSAGE];
	f.event = v[EVENT];
	if (v[TOPIC].kind == SCAN_STRING) {
		f.kind = topic_kind(v);
		f.message = v[BODY_MESSAGE];
	} else if (slice_is(v[MESSAGE], "pong") ||
	    slice_is(v[BODY_MESSAGE], "pong")) {
		f.kind = FRAME_PONG;
	} else {
		f.kind = is_404(v[RESULT]) ? FRAME_EVICTED : FRAME_REPLY;
	}
	return f;
}

const char *
frame_user(const char *topic, size_t len, size_t *user_len)
{
	const size_t n = sizeof(user_prefix) - 1;
	size_t end = n;

	if (len <= n || memcmp(topic, user_prefix, n) != 0)
		return NULL;
	while (end < len && topic[end] != '.' && topic[end] != '?')
		end++;
	/* a name alone, with nothing asked of it, is no topic */
	if (end == n || end == len)
		return NULL;
	*user_len = end - n;
	return topic + n;
}
