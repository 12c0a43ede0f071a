/* What is told on channels, and what clients say there. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/conn.h"
#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"
#include "lib/scan.h"

#define HEARTBEAT_MS 30000
#define GRACE_MS 60000		/* between socket_closing and the close */
#define MESSAGE_MAX (1 << 16)
#define SYSTEM "v2.system."

/* --- events ------------------------------------------------------------- */

/* The frame around a body; its correlation is chance like all else. */
static void
add_frame(struct conn *c, const char *topic, const char *id,
    const char *part, const struct buf *body, struct buf *out)
{
	char correlation[ID_LEN + 1];

	rng_id(&c->luck, correlation);
	buf_addf(out, "{\"topicName\":\"%s%s.%s\",\"version\":\"2\","
	    "\"eventBody\":%s,\"metadata\":{\"CorrelationId\":\"%s\"}}",
	    topic, id, part, body->data, correlation);
}

/* What of an agent comes on which kind of topic. */
static const struct part_kind {
	unsigned topic, parts;
	const char *name;
} kinds[] = {
	{ TOPIC_ACTIVITY, CHANGED_ROUTING | CHANGED_PRESENCE |
	    CHANGED_QUEUES, "activity" },
	{ TOPIC_PRESENCE, CHANGED_PRESENCE, "presence" },
	{ TOPIC_ROUTING, CHANGED_ROUTING, "routingStatus" },
};

/* What has not changed may be left out. */
static unsigned
told_parts(struct sim *s, struct conn *c, unsigned changed)
{
	unsigned parts = CHANGED_ALL;

	for (unsigned part = 1; part < CHANGED_ALL; part <<= 1)
		if (!(changed & part) &&
		    rng_chance(&c->luck, s->faults.no_part))
			parts &= ~part;
	return parts;
}

static void
tell_body(struct sim *s, struct conn *c, const struct sim_agent *a,
    const char *part, struct buf *body)
{
	struct buf message;

	buf_init(&message, MESSAGE_MAX);
	add_frame(c, "v2.users.", a->id, part, body, &message);
	tell(s, c, &message);
	buf_free(&message);
	buf_reset(body);
}

static void
tell_kind(struct sim *s, struct conn *c, const struct sim_agent *a,
    const struct part_kind *k, unsigned changed)
{
	bool of_time = !rng_chance(&c->luck, s->faults.no_modified);
	struct buf body;

	buf_init(&body, MESSAGE_MAX);
	if (k->topic == TOPIC_ACTIVITY)
		body_activity(s, a, told_parts(s, c, changed), of_time, &body);
	else if (k->topic == TOPIC_PRESENCE)
		body_presence(s, a, of_time, &body);
	else
		body_routing(s, a, &body);
	tell_body(s, c, a, k->name, &body);
	if (k->topic == TOPIC_PRESENCE &&
	    rng_chance(&c->luck, s->faults.secondary)) {
		body_secondary(s, (int)rng_below(&c->luck, DEFINITIONS),
		    &body);
		tell_body(s, c, a, k->name, &body);
	}
	buf_free(&body);
}

/* What its topics want of the agent, however many there are. */
static unsigned
wanted(const struct channel *ch, size_t agent)
{
	size_t from = 0, to = ch->count, middle;
	unsigned all = 0;

	while (from < to) {
		middle = (from + to) / 2;
		if (ch->topics[middle].agent < agent)
			from = middle + 1;
		else
			to = middle;
	}
	for (; from < ch->count && ch->topics[from].agent == agent; from++)
		all |= ch->topics[from].kinds;
	return all;
}

static void
tell_agent(struct sim *s, struct conn *c, const struct sim_agent *a,
    unsigned parts)
{
	unsigned topics = wanted(c->channel, (size_t)(a - s->org.agents));
	bool told = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!(topics & kinds[i].topic) || !(parts & kinds[i].parts) ||
		    !conn_is_live(c))
			continue;
		tell_kind(s, c, a, &kinds[i], parts);
		told = true;
	}
	if (told)
		tell_done(s, c);
}

void
notify_change(struct sim *s, const struct sim_agent *a, unsigned parts)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (c->channel != NULL && conn_is_live(c))
			tell_agent(s, c, a, parts);
}

static bool
wants_queue(const struct channel *ch, int queue)
{
	for (size_t i = 0; i < ch->count; i++)
		if (ch->topics[i].queue == queue && ch->topics[i].kinds)
			return true;
	return false;
}

void
notify_member(struct sim *s, const struct sim_agent *a, int queue,
    bool joined)
{
	const char *id = s->org.queues[queue];
	struct buf body, message;

	buf_init(&body, MESSAGE_MAX);
	buf_init(&message, MESSAGE_MAX);
	buf_addf(&body, "{\"id\":\"%s\",\"user\":{\"id\":\"%s\"},"
	    "\"queueId\":\"%s\",\"joined\":%s}", a->id, a->id, id,
	    joined ? "true" : "false");
	for (struct conn *c = s->conns; c != NULL; c = c->next) {
		if (c->channel == NULL || !conn_is_live(c) ||
		    !wants_queue(c->channel, queue))
			continue;
		add_frame(c, "v2.routing.queues.", id, "users", &body,
		    &message);
		tell(s, c, &message);
		tell_done(s, c);
		buf_reset(&message);
	}
	buf_free(&body);
	buf_free(&message);
}

/* --- of the channel itself ---------------------------------------------- */

static void
say(struct sim *s, struct conn *c, const char *text, size_t len)
{
	struct buf frame;

	buf_init(&frame, CONN_OUT_MAX);
	frame_add(&frame, true, FRAME_TEXT, text, len);
	conn_send(s, c, &frame);
	buf_free(&frame);
}

static void
say_metadata(struct sim *s, struct conn *c, const char *what)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "{\"topicName\":"
	    "\"channel.metadata\",\"eventBody\":{\"message\":\"%s\"}}", what);

	say(s, c, text, (size_t)len);
}

void
notify_system(struct sim *s, const struct channel *ch, const char *type,
    const char *reason)
{
	struct conn *c = ch->conn;
	struct buf text;

	if (c == NULL || !conn_is_live(c))
		return;
	buf_init(&text, MESSAGE_MAX);
	buf_addf(&text, "{\"topicName\":\"" SYSTEM "%s.%s\",\"version\":\"2\","
	    "\"eventBody\":{\"channelId\":\"%s\",\"systemTopicType\":\"%s\","
	    "\"organizationId\":\"%s\",\"reason\":\"%s\"}}", type, ch->id,
	    ch->id, type, s->people->org_id, reason);
	conn_settle(s, c);
	say(s, c, text.data, text.len);
	buf_free(&text);
}

void
notify_heartbeat(struct sim *s, struct conn *c)
{
	if (c->heartbeat_ms <= s->now_ms && conn_is_live(c))
		say_metadata(s, c, "WebSocket Heartbeat");
	c->heartbeat_ms = s->now_ms + (s->faults.heartbeat_ms > 0 ?
	    (int64_t)s->faults.heartbeat_ms : HEARTBEAT_MS);
}

void
notify_closing(struct sim *s, struct conn *c, uint64_t grace_ms)
{
	static const char text[] = "{\"topicName\":\"" SYSTEM "socket_closing"
	    "\",\"version\":\"2\",\"eventBody\":{\"message\":"
	    "\"Websocket closing soon\"}}";

	if (grace_ms == 0)
		grace_ms = s->faults.closing_grace_ms > 0 ?
		    s->faults.closing_grace_ms : GRACE_MS;
	if (c->channel == NULL || !conn_is_live(c) ||
	    c->closing_ms != CLOCK_NEVER)
		return;
	c->closing_ms = s->now_ms + (int64_t)grace_ms;
	sim_say(s, "socket-closing", "\"socket\":%d,\"channel\":%u,"
	    "\"graceMs\":%llu", c->fd, c->channel->number,
	    (unsigned long long)grace_ms);
	say(s, c, text, sizeof(text) - 1);
}

void
notify_closing_all(struct sim *s, uint64_t grace_ms)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		notify_closing(s, c, grace_ms);
}

/* --- what clients say --------------------------------------------------- */

static void
reply(struct sim *s, struct conn *c, const char *result, const char *status,
    struct slice correlation)
{
	struct buf text;

	buf_init(&text, FRAME_IN_MAX * 2);
	buf_addf(&text, "{\"result\":\"%s\",\"status\":\"%s\"", result,
	    status);
	if (correlation.kind == SCAN_STRING) {
		buf_adds(&text, ",\"correlationId\":\"");
		buf_add(&text, correlation.p, correlation.len);
		buf_adds(&text, "\"");
	}
	buf_adds(&text, "}");
	say(s, c, text.data, text.len);
	buf_free(&text);
}

/* {"message":"subscribe","topics":["…"]}, or its twin. */
static void
subscribe(struct sim *s, struct conn *c, struct slice list,
    struct slice correlation, bool more)
{
	struct topics now, given;

	if (list.kind != SCAN_ARRAY) {
		reply(s, c, "400", "failure", correlation);
		return;
	}
	given = topics_read(s, list.p, list.len, true);
	if (given.wrong != NULL || (more && given.rejected > 0) ||
	    c->channel->count + given.count > CHANNEL_TOPICS_MAX) {
		reply(s, c, "400", "failure", correlation);
		topics_free(&given);
		return;
	}
	now = (struct topics){ c->channel->topics, c->channel->count, 0,
	    NULL };
	c->channel->topics = NULL;
	c->channel->count = 0;
	if (more)
		topics_merge(&now, &given);
	else
		topics_remove(&now, &given);
	topics_free(&given);
	channel_subscribe(s, c->channel, &now);
	reply(s, c, "200", more ? "subscribed" : "unsubscribed", correlation);
}

void
notify_heard(struct sim *s, struct conn *c, const char *text, size_t len)
{
	enum { MESSAGE, TOPICS, CORRELATION, COUNT };
	static const struct scan_key keys[COUNT] = {
		[MESSAGE] = SCAN_KEY("message", -1),
		[TOPICS] = SCAN_KEY("topics", -1),
		[CORRELATION] = SCAN_KEY("correlationId", -1),
	};
	struct slice v[COUNT];
	bool more;

	if (c->channel == NULL)
		return;
	if (scan_object(text, len, keys, COUNT, v) != SCAN_OK) {
		v[CORRELATION].kind = SCAN_ABSENT;
		reply(s, c, "400", "error", v[CORRELATION]);
		return;
	}
	more = slice_is(v[MESSAGE], "subscribe");
	if (slice_is(v[MESSAGE], "ping")) {
		if (!s->faults.no_pong)
			say_metadata(s, c, "pong");
	} else if (more || slice_is(v[MESSAGE], "unsubscribe")) {
		subscribe(s, c, v[TOPICS], v[CORRELATION], more);
	} else {
		reply(s, c, "400", "error", v[CORRELATION]);
	}
}
