#include <stdlib.h>
#include <string.h>

#include "lib/event.h"

enum {				/* rows of keys[] */
	K_EVENT, K_DATA, K_MERGED, K_TOPIC, K_BODY,
	K_USER, K_STATUS, K_PREVIOUS, K_QUEUE, K_WRAP, K_TIME,
	K_COUNT, K_MERGED_PREVIOUS, K_SINCE, K_INTACT, K_LEN
};

static const struct scan_key keys[K_LEN] = {
	[K_EVENT] = SCAN_KEY("event", -1),
	[K_DATA] = SCAN_KEY("data", -1),
	[K_MERGED] = SCAN_KEY("merged", -1),
	[K_TOPIC] = SCAN_KEY("topicName", -1),
	[K_BODY] = SCAN_KEY("eventBody", -1),
	[K_USER] = SCAN_KEY("userId", K_DATA),
	[K_STATUS] = SCAN_KEY("status", K_DATA),
	[K_PREVIOUS] = SCAN_KEY("previousStatus", K_DATA),
	[K_QUEUE] = SCAN_KEY("queueId", K_DATA),
	[K_WRAP] = SCAN_KEY("wrapUpCode", K_DATA),
	[K_TIME] = SCAN_KEY("timestamp", K_DATA),
	[K_COUNT] = SCAN_KEY("count", K_MERGED),
	[K_MERGED_PREVIOUS] = SCAN_KEY("previousStatus", K_MERGED),
	[K_SINCE] = SCAN_KEY("since", K_MERGED),
	[K_INTACT] = SCAN_KEY("intact", K_MERGED),
};

/* An event as the guide has it. */
static const struct scan_step usual[] = {
	SCAN_STEP_INTO("", "{\"subscriptionId\":", SCAN_NO_ROW, -1),
	SCAN_STEP(",\"event\":", K_EVENT),
	SCAN_STEP_INTO(",\"data\":", "{\"userId\":", K_USER, K_DATA),
	SCAN_STEP(",\"status\":", K_STATUS),
	SCAN_STEP(",\"previousStatus\":", K_PREVIOUS),
	SCAN_STEP(",\"timestamp\":", K_TIME),
	SCAN_STEP(",\"wrapUpCode\":", K_WRAP),
	SCAN_STEP(",\"queueId\":", K_QUEUE),
	SCAN_STEP(",\"wrapUpCodeName\":", SCAN_NO_ROW),
	SCAN_STEP(",\"wrapUpCodeId\":", SCAN_NO_ROW),
	SCAN_STEP(",\"reason\":", SCAN_NO_ROW),
	{ NULL, 0, 0, 0, 0 }
};

static const char record_begins[] = "{\"event\":\"gc:agent\",";

enum {				/* rows of control_keys[] */
	C_USER, C_SEQ, C_REASON, C_NAME, C_STATUS, C_PREVIOUS, C_WRAP,
	C_TIME, C_QUEUES, C_GONE, C_PARTIAL, C_VERIFIED, C_SOURCE,
	C_SOCKET, C_RESUMED, C_DOWNTIME, C_AGENTS, C_JOINED, C_LEFT,
	C_FETCHED, C_HTTP, C_PRESENCE, C_ACTIVE, C_SOCKETS, C_PROTOCOL,
	C_NEXT, C_EVENT, C_LEN
};

static const struct scan_key control_keys[C_LEN] = {
	[C_USER] = SCAN_KEY("userId", -1),
	[C_SEQ] = SCAN_KEY("seq", -1),
	[C_REASON] = SCAN_KEY("reason", -1),
	[C_NAME] = SCAN_KEY("name", -1),
	[C_STATUS] = SCAN_KEY("currentStatus", -1),
	[C_PREVIOUS] = SCAN_KEY("previousStatus", -1),
	[C_WRAP] = SCAN_KEY("wrapUpCode", -1),
	[C_TIME] = SCAN_KEY("lastUpdatedTimestamp", -1),
	[C_QUEUES] = SCAN_KEY("queues", -1),
	[C_GONE] = SCAN_KEY("gone", -1),
	[C_PARTIAL] = SCAN_KEY("partial", -1),
	[C_VERIFIED] = SCAN_KEY("verified", -1),
	[C_SOURCE] = SCAN_KEY("source", -1),
	[C_SOCKET] = SCAN_KEY("socket", -1),
	[C_RESUMED] = SCAN_KEY("resumed", -1),
	[C_DOWNTIME] = SCAN_KEY("downtimeMs", -1),
	[C_AGENTS] = SCAN_KEY("agents", -1),
	[C_JOINED] = SCAN_KEY("joined", -1),
	[C_LEFT] = SCAN_KEY("left", -1),
	[C_FETCHED] = SCAN_KEY("fetchedAt", -1),
	[C_HTTP] = SCAN_KEY("httpStatus", -1),
	[C_PRESENCE] = SCAN_KEY("presence", -1),
	[C_ACTIVE] = SCAN_KEY("activeQueues", -1),
	[C_SOCKETS] = SCAN_KEY("sockets", -1),
	[C_PROTOCOL] = SCAN_KEY("protocol", -1),
	[C_NEXT] = SCAN_KEY("next", -1),
	[C_EVENT] = SCAN_KEY("event", -1),
};

/* A record as lib/record writes it, up to its queues. */
static const struct scan_step usual_control[] = {
	SCAN_STEP_INTO("", "{\"event\":", C_EVENT, -1),
	SCAN_STEP(",\"at\":", SCAN_NO_ROW),
	SCAN_STEP(",\"seq\":", C_SEQ),
	SCAN_STEP(",\"userId\":", C_USER),
	SCAN_STEP(",\"name\":", C_NAME),
	SCAN_STEP(",\"currentStatus\":", C_STATUS),
	SCAN_STEP(",\"previousStatus\":", C_PREVIOUS),
	SCAN_STEP(",\"wrapUpCode\":", C_WRAP),
	SCAN_STEP(",\"queueId\":", SCAN_NO_ROW),
	SCAN_STEP(",\"lastUpdatedTimestamp\":", C_TIME),
	SCAN_STEP(",\"verified\":", C_VERIFIED),
	SCAN_STEP(",\"source\":", C_SOURCE),
	{ NULL, 0, 0, 0, 0 }
};

static const struct { const char *name; enum event_kind kind; } controls[] = {
	{ "gc:open", EVENT_OPEN }, { "gc:closed", EVENT_CLOSED },
	{ "gc:failover", EVENT_FAILOVER }, { "gc:members", EVENT_MEMBERS },
	{ "gc:barrier", EVENT_BARRIER }, { "gc:agent", EVENT_AGENT },
	{ "gc:gap", EVENT_GAP }, { "gc:state", EVENT_STATE },
	{ "gc:unverified", EVENT_UNVERIFIED },
};

void
event_init(struct event *ev)
{
	memset(ev, 0, sizeof(*ev));
	take_init(&ev->take);
	parts_init(&ev->parts);
}

void
event_free(struct event *ev)
{
	take_free(&ev->take);
	parts_free(&ev->parts);
	free(ev->agents.ids);
	free(ev->left.ids);
	free(ev->queues.tiers);
}

static const char *
parse_merged(struct event *ev, const struct slice *v)
{
	ev->merged = v[K_MERGED].kind > SCAN_NULL;
	if (!ev->merged)
		return NULL;
	if (v[K_MERGED].kind != SCAN_OBJECT ||
	    slice_number(v[K_COUNT], &ev->merged_count) == -1 ||
	    !take_text_or_null(&ev->take, v[K_MERGED_PREVIOUS],
	    &ev->merged_previous) ||
	    !take_time(&ev->take, v[K_SINCE], &ev->since) ||
	    v[K_INTACT].kind == SCAN_ABSENT ||
	    !take_flag(v[K_INTACT], true, &ev->intact))
		return "merged is malformed";
	return NULL;
}

static const char *
parse_status(struct event *ev, const struct slice *v)
{
	struct tier_told *t = &ev->tier;

	ev->kind = EVENT_STATUS;
	t->verified = t->from_rest = false;
	if (v[K_DATA].kind != SCAN_OBJECT)
		return "data is missing or no object";
	if (!take_id(&ev->take, v[K_USER], &ev->user_id))
		return "userId is missing or no valid id";
	if (!take_text(&ev->take, v[K_STATUS], &t->status))
		return "status is missing or no string";
	if (v[K_TIME].kind != SCAN_STRING)
		return "timestamp is missing or no string";
	if (!take_time(&ev->take, v[K_TIME], &t->at))
		return "timestamp is no RFC 3339 date and time";
	if (!take_text_or_null(&ev->take, v[K_PREVIOUS], &t->previous))
		return "previousStatus is neither string nor null";
	if (!take_id_or_null(&ev->take, v[K_QUEUE], &t->queue_id))
		return "queueId is neither a valid id nor null";
	if (!take_text_or_null(&ev->take, v[K_WRAP], &t->wrap_up_code))
		return "wrapUpCode is neither string nor null";
	return parse_merged(ev, v);
}

static const char *
parse_open(struct event *ev, const struct slice *v)
{
	uint64_t downtime;

	if (!take_flag(v[C_RESUMED], false, &ev->resumed))
		return "resumed is neither true nor false";
	if (!take_number_or_null(v[C_DOWNTIME], &downtime))
		return "downtimeMs is neither number nor null";
	ev->missed = ev->resumed &&
	    (downtime != 0 || v[C_DOWNTIME].kind <= SCAN_NULL);
	if (slice_number(v[C_SOCKETS], &ev->sockets) == -1)
		ev->sockets = 0;
	ev->protocol = slice_is(v[C_PROTOCOL], "channels") ? EVENT_CHANNELS :
	    slice_is(v[C_PROTOCOL], "events") ? EVENT_EVENTS : EVENT_UNTOLD;
	return NULL;
}

/* Nobody acts on what it says but as a hint: nothing in it is malformed. */
static void
parse_closed(struct event *ev, const struct slice *v)
{
	ev->reconnects = slice_is(v[C_NEXT], "reconnect") &&
	    slice_number(v[C_SOCKET], &ev->socket) == 0;
}

static const char *
parse_lists(struct event *ev, const struct slice *v)
{
	bool members = ev->kind == EVENT_MEMBERS;

	if (!told_ids(&ev->take, v[members ? C_JOINED : C_AGENTS], &ev->agents))
		return members ? "joined is no list of ids" :
		    "agents is no list of ids";
	if (!told_ids(&ev->take, v[C_LEFT], &ev->left))
		return "left is no list of ids";
	return NULL;
}

static const char *
parse_record(struct event *ev, const struct slice *v)
{
	const char *why;

	why = told_tier(&ev->take, &ev->tier, v[C_STATUS], v[C_PREVIOUS],
	    v[C_WRAP], v[C_TIME]);
	if (why != NULL)
		return why;
	ev->tier.queue_id = (struct text){ NULL, 0 };
	if (!take_text_or_null(&ev->take, v[C_NAME], &ev->name))
		return "name is neither string nor null";
	if (!take_flag(v[C_GONE], false, &ev->gone) ||
	    !take_flag(v[C_PARTIAL], false, &ev->partial) ||
	    !told_source(&ev->tier, v[C_VERIFIED], v[C_SOURCE]))
		return "a flag is neither true nor false";
	if (!take_time_or_null(&ev->take, v[C_FETCHED], &ev->fetched_at))
		return "fetchedAt is neither RFC 3339 nor null";
	why = told_queues(&ev->take, v[C_QUEUES], &ev->queues);
	return why != NULL ? why : parts_record(&ev->parts, &ev->take,
	    v[C_PRESENCE], v[C_ACTIVE]);
}

static const char *
parse_control(struct event *ev, const struct slice *v)
{
	bool agent = ev->kind >= EVENT_AGENT;
	const char *why;

	if (ev->kind == EVENT_BARRIER)
		return NULL;
	if (ev->kind == EVENT_CLOSED) {
		parse_closed(ev, v);
		return NULL;
	}
	if (!take_number_or_null(v[C_SOCKET], &ev->socket))
		return "socket is no number";
	if (ev->kind == EVENT_OPEN && (why = parse_open(ev, v)) != NULL)
		return why;
	if (ev->kind == EVENT_OPEN || ev->kind == EVENT_MEMBERS)
		return parse_lists(ev, v);
	if (!agent)
		return NULL;
	if (!take_id(&ev->take, v[C_USER], &ev->user_id))
		return "userId is missing or no valid id";
	if (slice_number(v[C_SEQ], &ev->seq) == -1)
		return "seq is missing or no whole number";
	if (!take_text_or_null(&ev->take, v[C_REASON], &ev->reason))
		return "reason is neither string nor null";
	if (ev->kind == EVENT_GAP && ev->reason.p == NULL)
		return "reason is missing or no string";
	if (!take_number_or_null(v[C_HTTP], &ev->http_status))
		return "httpStatus is neither number nor null";
	if (ev->kind == EVENT_AGENT || ev->kind == EVENT_STATE)
		return parse_record(ev, v);
	return NULL;
}

static const char *
parse_frame(struct event *ev, const struct slice *v)
{
	const char *why;

	why = parts_topic(&ev->take, v[K_TOPIC], &ev->topic, &ev->user_id);
	if (why != NULL || ev->topic == PARTS_NONE)
		return why;
	ev->kind = EVENT_FRAME;
	ev->merged = false;
	ev->body = v[K_BODY];
	return parts_frame(&ev->parts, &ev->take, ev->topic, ev->body,
	    &ev->tier);
}

static enum event_kind
control_kind(struct slice name)
{
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		if (slice_is(name, controls[i].name))
			return controls[i].kind;
	return EVENT_OTHER;
}

static void
begin(struct event *ev, size_t len, struct slice name)
{
	take_begin(&ev->take, len);
	ev->line_len = len;
	ev->kind = EVENT_OTHER;
	ev->control = name.kind == SCAN_STRING && name.len >= 3 &&
	    memcmp(name.p, "gc:", 3) == 0;
}

/* A control line whose kind is wanted; others are not looked at. */
static const char *
wanted(struct event *ev, const char *line, size_t len, unsigned act_on)
{
	struct slice c[C_LEN];
	enum scan_verdict verdict;

	verdict = scan_usual(line, len, control_keys, C_LEN, usual_control, c);
	if (verdict != SCAN_OK)
		return scan_reason(verdict);
	begin(ev, len, c[C_EVENT]);
	ev->kind = control_kind(c[C_EVENT]);
	if ((act_on & EVENT_BIT(ev->kind)) != 0)
		return parse_control(ev, c);
	ev->kind = EVENT_OTHER;
	return NULL;
}

const char *
event_parse(struct event *ev, const char *line, size_t len, unsigned act_on)
{
	struct slice v[K_LEN];
	enum scan_verdict verdict;
	const char *why;

	/* a record most likely; it is, unless it has its event twice */
	if (len >= sizeof(record_begins) - 1 && memcmp(line, record_begins,
	    sizeof(record_begins) - 1) == 0) {
		why = wanted(ev, line, len, act_on);
		if (why != NULL || ev->control)
			return why;
	}
	verdict = scan_usual(line, len, keys, K_LEN, usual, v);
	if (verdict != SCAN_OK)
		return scan_reason(verdict);
	begin(ev, len, v[K_EVENT]);
	if (slice_is(v[K_EVENT], EVENT_STATUS_NAME))
		return parse_status(ev, v);
	if (v[K_EVENT].kind != SCAN_STRING && v[K_TOPIC].kind == SCAN_STRING)
		return parse_frame(ev, v);
	if ((act_on & EVENT_BIT(control_kind(v[K_EVENT]))) == 0)
		return NULL;
	return wanted(ev, line, len, act_on);
}
