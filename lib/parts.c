#include <stdlib.h>
#include <string.h>

#include "lib/parts.h"

#define LIST_MAX ((size_t)UINT32_MAX)	/* a line is shorter by far */

enum {				/* rows of activity_keys[] */
	A_ROUTING, A_STATUS, A_START, A_PRESENCE, A_DEFINITION, A_SYSTEM,
	A_MODIFIED, A_QUEUES, A_CHANGED, A_LEN
};

static const struct scan_key activity_keys[A_LEN] = {
	[A_ROUTING] = SCAN_KEY("routingStatus", -1),
	[A_STATUS] = SCAN_KEY("status", A_ROUTING),
	[A_START] = SCAN_KEY("startTime", A_ROUTING),
	[A_PRESENCE] = SCAN_KEY("presence", -1),
	[A_DEFINITION] = SCAN_KEY("presenceDefinition", A_PRESENCE),
	[A_SYSTEM] = SCAN_KEY("systemPresence", A_DEFINITION),
	[A_MODIFIED] = SCAN_KEY("modifiedDate", A_PRESENCE),
	[A_QUEUES] = SCAN_KEY("activeQueueIds", -1),
	[A_CHANGED] = SCAN_KEY("dateActiveQueuesChanged", -1),
};

enum { P_DEFINITION, P_SYSTEM, P_MODIFIED, P_PRIMARY, P_LEN };

static const struct scan_key presence_keys[P_LEN] = {
	[P_DEFINITION] = SCAN_KEY("presenceDefinition", -1),
	[P_SYSTEM] = SCAN_KEY("systemPresence", P_DEFINITION),
	[P_MODIFIED] = SCAN_KEY("modifiedDate", -1),
	[P_PRIMARY] = SCAN_KEY("primary", -1),
};

enum { R_STATUS, R_LABEL, R_IDS, R_TIME, R_VERIFIED, R_SOURCE, R_LEN };

static const struct scan_key record_keys[R_LEN] = {
	[R_STATUS] = SCAN_KEY("currentStatus", -1),
	[R_LABEL] = SCAN_KEY("label", -1),
	[R_IDS] = SCAN_KEY("ids", -1),
	[R_TIME] = SCAN_KEY("lastUpdatedTimestamp", -1),
	[R_VERIFIED] = SCAN_KEY("verified", -1),
	[R_SOURCE] = SCAN_KEY("source", -1),
};

static const char user_prefix[] = "v2.users.";

static const struct { const char *name; enum parts_topic topic; } topics[] = {
	{ ".activity", PARTS_ACTIVITY }, { ".presence", PARTS_PRESENCE },
	{ ".routingStatus", PARTS_ROUTING },
};

/* The platform's own, in upper snake case: letters alone tell them apart. */
static const char *const systems[] = {
	"AVAILABLE", "AWAY", "BUSY", "OFFLINE", "IDLE", "ON_QUEUE", "MEAL",
	"TRAINING", "MEETING", "BREAK", "UNKNOWN"
};

void
parts_init(struct parts_told *p)
{
	memset(p, 0, sizeof(*p));
	buf_init(&p->list, LIST_MAX);
}

void
parts_free(struct parts_told *p)
{
	free(p->ids.ids);
	buf_free(&p->list);
}

const char *
parts_topic(struct take *take, struct slice name, enum parts_topic *topic,
    struct text *user_id)
{
	const size_t n = sizeof(user_prefix) - 1;
	struct text t;

	*topic = PARTS_NONE;
	if (!take_text(take, name, &t))
		return name.len > n && memcmp(name.p, user_prefix, n) == 0 ?
		    "topicName has no valid user id" : NULL;
	if (t.len <= n || memcmp(t.p, user_prefix, n) != 0)
		return NULL;
	t = (struct text){ t.p + n, t.len - (uint32_t)n };
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		size_t end = strlen(topics[i].name);

		if (t.len < end || memcmp(t.p + t.len - end, topics[i].name,
		    end) != 0)
			continue;
		*user_id = (struct text){ t.p, t.len - (uint32_t)end };
		if (memchr(t.p, '.', user_id->len) != NULL)
			return NULL;	/* a longer name, of something else */
		*topic = topics[i].topic;
		return user_id->len > 0 && user_id->len <= TAKE_ID_MAX ?
		    NULL : "topicName has no valid user id";
	}
	return NULL;
}

/* --- presence ----------------------------------------------------------- */

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* An ASCII letter, a digit, or a byte of anything else that is written. */
static bool
is_written(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9') ||
	    (unsigned char)c >= 0x80;
}

static char
upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Of letters that are those of name, which has underscores too? */
static bool
same_letters(struct text t, const char *name)
{
	for (uint32_t i = 0; i < t.len; i++) {
		if (is_written(t.p[i]) && !is_letter(t.p[i]))
			return false;
		if (!is_letter(t.p[i]))
			continue;
		name += *name == '_';
		if (upper(t.p[i]) != *name++)
			return false;
	}
	return *name == '\0';
}

struct text
parts_presence(struct text told, char room[PARTS_NAME_MAX])
{
	uint32_t n = 0;
	bool apart = false, small = false;

	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (same_letters(told, systems[i]))
			return (struct text){ systems[i],
			    (uint32_t)strlen(systems[i]) };
	for (uint32_t i = 0; i < told.len; i++) {
		char c = told.p[i];

		if (!is_written(c)) {
			apart = n > 0;
			continue;
		}
		apart = apart || (small && c >= 'A' && c <= 'Z');
		if (n + 2 > PARTS_NAME_MAX)
			return told;
		if (apart)
			room[n++] = '_';
		room[n++] = upper(c);
		small = c >= 'a' && c <= 'z';
		apart = false;
	}
	return n > 0 ? (struct text){ room, n } : told;
}

static const char *
take_presence(struct parts_told *p, struct take *take, struct slice status,
    struct slice time)
{
	struct tier_told *t = &p->presence;

	if (!take_text_or_null(take, status, &t->status))
		return "systemPresence is neither string nor null";
	if (t->status.p != NULL)
		t->status = parts_presence(t->status, p->name);
	if (!take_time_or_null(take, time, &t->at))
		return "modifiedDate is neither RFC 3339 nor null";
	return NULL;
}

/* --- active queues ------------------------------------------------------ */

static int
by_id(const void *x, const void *y)
{
	return text_cmp(*(const struct text *)x, *(const struct text *)y);
}

/* The ids as one text: equal sets are equal texts. */
static bool
take_queues(struct parts_told *p, struct take *take, struct slice list)
{
	struct event_ids *q = &p->ids;

	p->active.status = (struct text){ NULL, 0 };
	if (!told_ids(take, list, q))
		return false;
	if (!q->told)
		return true;
	if (q->count > 1)
		qsort(q->ids, q->count, sizeof(*q->ids), by_id);
	buf_reset(&p->list);
	buf_adds(&p->list, "[");
	for (size_t i = 0; i < q->count; i++) {
		if (i > 0 && text_eq(q->ids[i - 1], q->ids[i]))
			continue;
		buf_adds(&p->list, i > 0 ? "," : "");
		buf_add_json(&p->list, q->ids[i].p, q->ids[i].len);
	}
	buf_adds(&p->list, "]");
	p->active.status = (struct text){ p->list.data,
	    (uint32_t)p->list.len };
	return true;
}

/* --- frames and records ------------------------------------------------- */

/* Nothing is told yet. */
static void
begin(struct parts_told *p)
{
	p->any = false;
	p->presence = p->active = (struct tier_told){ .verified = true };
	p->label = (struct text){ NULL, 0 };
}

static bool
is_object_or_null(struct slice s)
{
	return s.kind <= SCAN_NULL || s.kind == SCAN_OBJECT;
}

static const char *
presence_frame(struct parts_told *p, struct take *take, struct slice body)
{
	struct slice v[P_LEN];
	bool primary = true;

	scan_object(body.p, body.len, presence_keys, P_LEN, v);
	if (v[P_PRIMARY].kind != SCAN_NULL &&
	    !take_flag(v[P_PRIMARY], true, &primary))
		return "primary is neither true, false nor null";
	if (!is_object_or_null(v[P_DEFINITION]))
		return "presenceDefinition is neither object nor null";
	if (!primary)
		return NULL;
	return take_presence(p, take, v[P_SYSTEM], v[P_MODIFIED]);
}

const char *
parts_frame(struct parts_told *p, struct take *take, enum parts_topic topic,
    struct slice body, struct tier_told *routing)
{
	struct slice v[A_LEN];

	begin(p);
	p->any = true;
	*routing = (struct tier_told){ .verified = true };
	if (body.kind != SCAN_OBJECT)
		return "eventBody is missing or no object";
	if (topic == PARTS_PRESENCE)
		return presence_frame(p, take, body);
	scan_object(body.p, body.len, activity_keys, A_LEN, v);
	if (!is_object_or_null(v[A_ROUTING]))
		return "routingStatus is neither object nor null";
	if (!is_object_or_null(v[A_PRESENCE]))
		return "presence is neither object nor null";
	if (!is_object_or_null(v[A_DEFINITION]))
		return "presenceDefinition is neither object nor null";
	if (!take_text_or_null(take, v[A_STATUS], &routing->status))
		return "routingStatus.status is neither string nor null";
	if (!take_time_or_null(take, v[A_START], &routing->at))
		return "startTime is neither RFC 3339 nor null";
	if (!take_queues(p, take, v[A_QUEUES]))
		return "activeQueueIds is no list of ids";
	if (!take_time_or_null(take, v[A_CHANGED], &p->active.at))
		return "dateActiveQueuesChanged is neither RFC 3339 nor null";
	return take_presence(p, take, v[A_SYSTEM], v[A_MODIFIED]);
}

/* The members that presence and activeQueues share. */
static bool
take_part(struct take *take, struct tier_told *t, struct slice s,
    struct slice v[R_LEN])
{
	memset(v, 0, R_LEN * sizeof(*v));
	if (!is_object_or_null(s))
		return false;
	if (s.kind == SCAN_OBJECT)
		scan_object(s.p, s.len, record_keys, R_LEN, v);
	return take_time_or_null(take, v[R_TIME], &t->at) &&
	    told_source(t, v[R_VERIFIED], v[R_SOURCE]);
}

const char *
parts_record(struct parts_told *p, struct take *take, struct slice presence,
    struct slice active)
{
	struct slice v[R_LEN];

	begin(p);
	p->any = presence.kind != SCAN_ABSENT || active.kind != SCAN_ABSENT;
	if (!take_part(take, &p->presence, presence, v) ||
	    !take_text_or_null(take, v[R_LABEL], &p->label) ||
	    !take_text_or_null(take, v[R_STATUS], &p->presence.status))
		return "presence is malformed";
	if (p->presence.status.p != NULL)
		p->presence.status = parts_presence(p->presence.status,
		    p->name);
	if (!take_part(take, &p->active, active, v) ||
	    !take_queues(p, take, v[R_IDS]))
		return "activeQueues is malformed";
	return NULL;
}
