#include <string.h>

#include "lib/record.h"

/* Bytes of a record and of a tier in it that are no text of theirs. */
#define RECORD_FIXED 512
#define TIER_FIXED 160
#define PARTS_FIXED 256
#define ID_TIMES 3		/* a queue's id is told so often */
#define ESCAPED 6		/* bytes of a control character */

static const struct text available = { "Available", 9 };

static void
add_word(struct buf *out, const char *key, size_t k, const struct word *w)
{
	char *to;

	if (w == NULL || !w->plain) {
		buf_add(out, key, k);
		if (w == NULL)
			buf_adds(out, "null");
		else
			buf_add_json(out, w->text, w->len);
	} else if ((to = buf_at(out, k + w->len + 2)) != NULL) {
		memcpy(to, key, k);
		to += k;
		*to++ = '"';
		memcpy(to, w->text, w->len);
		to[w->len] = '"';
		buf_grew(out, k + w->len + 2);
	}
}

static inline void
add_own(struct buf *out, const char *key, const struct own *o)
{
	add_word(out, key, strlen(key), o->word);
}

static inline void
add_text(struct buf *out, const char *key, struct text t)
{
	buf_adds(out, key);
	if (t.p != NULL)
		buf_add_json(out, t.p, t.len);
	else
		buf_adds(out, "null");
}

static inline void
add_number(struct buf *out, const char *key, uint64_t n)
{
	buf_adds(out, key);
	buf_add_number(out, n);
}

/* event: up to the time. */
static inline void
add_event(struct buf *out, const char *event, int64_t wall_ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(wall_ms, at);
	buf_adds(out, event);
	buf_add(out, at, CLOCK_RFC3339_LEN);
}

/* When it was so, and how sure that is. */
static void
add_certainty(struct buf *out, const struct tier *t)
{
	char room[CLOCK_RFC3339_LEN + 1];

	add_text(out, ",\"lastUpdatedTimestamp\":", tier_time(t, room));
	buf_adds(out, t->verified ? ",\"verified\":true" :
	    ",\"verified\":false");
	buf_adds(out, t->from_rest ? ",\"source\":\"rest\"" :
	    ",\"source\":\"event\"");
}

static void
add_tier(struct buf *out, const struct tier *t)
{
	add_own(out, "\"currentStatus\":", &t->status);
	add_own(out, ",\"previousStatus\":", &t->previous);
	add_own(out, ",\"wrapUpCode\":", &t->wrap_up_code);
	add_own(out, ",\"queueId\":", &t->queue_id);
	add_certainty(out, t);
}

/* What a queue's callers meet: the global status unless that is Available,
 * else the queue's own. */
static void
add_effective_queue(struct buf *out, const struct tier *global,
    const struct tier *queue)
{
	struct text g = own_text(&global->status);
	struct text q = own_text(&queue->status);
	size_t from = out->len;

	if (!text_eq(g, available)) {
		add_own(out, "", &global->status);
		return;
	}
	add_own(out, "", &queue->status);
	/* the string is valid JSON already: only a prefix is new */
	if (!text_eq(q, available) && buf_room(out, 6) != NULL) {
		memmove(out->data + from + 7, out->data + from + 1,
		    out->len - from - 1);
		memcpy(out->data + from + 1, "Queue ", 6);
		buf_grew(out, 6);
	}
}

static void
add_parts(struct buf *out, const struct agent_parts *p)
{
	const struct tier *t = &p->presence;

	add_own(out, own_has(&t->status) ? ",\"presence\":{\"currentStatus\":" :
	    ",\"presence\":", &t->status);
	if (own_has(&t->status)) {
		add_own(out, ",\"label\":", &p->label);
		add_certainty(out, t);
		buf_adds(out, "}");
	}
	t = &p->active;
	if (!own_has(&t->status)) {
		buf_adds(out, ",\"activeQueues\":null");
		return;
	}
	/* the list is JSON as it is */
	buf_adds(out, ",\"activeQueues\":{\"ids\":");
	buf_add(out, t->status.word->text, t->status.word->len);
	add_certainty(out, t);
	buf_adds(out, "}");
}

static bool
next_active(const struct tier *active, const char **at, struct slice *id)
{
	struct text ids = own_text(&active->status);
	struct slice list = { ids.p, ids.len, SCAN_ARRAY, false };
	struct slice key;

	if (ids.p == NULL)
		return false;
	if (*at == NULL)
		*at = list.p + 1;
	return slice_next(list, at, &key, id);
}

/* Each active queue's callers meet the same. */
static void
add_effective_active(struct buf *out, const struct agent *a)
{
	const struct own *status = agent_effective(a);
	const char *at = NULL, *comma = "";
	struct slice id;

	while (next_active(&a->parts->active, &at, &id)) {
		buf_adds(out, comma);
		buf_adds(out, "\"");
		buf_add(out, id.p, id.len);
		add_own(out, "\":", status);
		comma = ",";
	}
}

void
record_agent(struct buf *out, const struct agent *a, int64_t wall_ms,
    bool gone)
{
	add_event(out, "{\"event\":\"gc:agent\",\"at\":\"", wall_ms);
	add_number(out, "\",\"seq\":", a->seq);
	buf_adds(out, ",\"userId\":");
	buf_add_json(out, a->user_id, a->user_id_len);
	add_own(out, ",\"name\":", &a->name);
	buf_adds(out, ",");
	add_tier(out, &a->global);
	buf_adds(out, ",\"queues\":{");
	for (size_t i = 0; i < a->queue_count; i++) {
		add_own(out, i ? "," : "", &a->queues[i].queue_id);
		buf_adds(out, ":{");
		add_tier(out, &a->queues[i]);
		buf_adds(out, "}");
	}
	buf_adds(out, "}");
	if (a->parts != NULL)
		add_parts(out, a->parts);
	add_own(out, ",\"effective\":{\"global\":", agent_effective(a));
	buf_adds(out, ",\"queues\":{");
	if (a->parts != NULL)
		add_effective_active(out, a);
	for (size_t i = 0; a->parts == NULL && i < a->queue_count; i++) {
		add_own(out, i ? "," : "", &a->queues[i].queue_id);
		buf_adds(out, ":");
		add_effective_queue(out, &a->global, &a->queues[i]);
	}
	buf_adds(out, gone ? "}},\"gone\":true}\n" : "}}}\n");
}

void
record_gap(struct buf *out, const struct agent *a, enum ask_reason reason,
    uint64_t seq, const char *detail, int64_t wall_ms)
{
	add_event(out, "{\"event\":\"gc:gap\",\"at\":\"", wall_ms);
	buf_adds(out, "\",\"userId\":");
	buf_add_json(out, a->user_id, a->user_id_len);
	buf_adds(out, ",\"reason\":\"");
	buf_adds(out, ask_name(reason));
	add_number(out, "\",\"seq\":", seq);
	if (detail != NULL)
		buf_adds(out, detail);
	buf_adds(out, "}\n");
}

void
record_gap_detail(struct buf *out, const struct tier *held,
    const struct event *ev)
{
	add_text(out, ",\"queueId\":", ev->tier.queue_id);
	add_own(out, ",\"expected\":", &held->status);
	add_text(out, ",\"got\":", ev->merged ? ev->merged_previous :
	    ev->tier.previous);
	add_text(out, ",\"status\":", ev->tier.status);
	add_text(out, ",\"timestamp\":", ev->tier.at.text);
}

/* --- how long a line gets ----------------------------------------------- */

/* A text in JSON, at most. */
static size_t
json_most(struct text t)
{
	size_t n = t.p != NULL ? t.len + 2 : 4;

	for (uint32_t i = 0; t.p != NULL && i < t.len; i++)
		if ((unsigned char)t.p[i] < 0x20)
			n += ESCAPED - 1;
		else if (t.p[i] == '"' || t.p[i] == '\\')
			n++;
	return n;
}

/* The time that is held, or one that is as long. */
static struct text
held_time(const struct tier *t)
{
	static const char any[] = "0000-00-00T00:00:00.000Z";

	return t->odd_time != NULL ? (struct text){ t->odd_time,
	    (uint32_t)strlen(t->odd_time) } : (struct text){ any,
	    sizeof(any) - 1 };
}

static struct tier_told
held_as_told(const struct tier *t)
{
	return (struct tier_told){ .queue_id = own_text(&t->queue_id),
	    .status = own_text(&t->status),
	    .previous = own_text(&t->previous),
	    .wrap_up_code = own_text(&t->wrap_up_code),
	    .at.text = held_time(t) };
}

/* One tier, and its place in `effective`: its own status or the global. */
static size_t
tier_most(const struct tier_told *t, size_t global)
{
	size_t status = json_most(t->status);

	return TIER_FIXED + ID_TIMES * json_most(t->queue_id) + status +
	    (status > global ? status : global) + json_most(t->previous) +
	    json_most(t->wrap_up_code) + json_most(t->at.text);
}

static size_t
larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* A status, and the list of active queues: here and in `effective`. */
static size_t
parts_most(struct text presence, struct text label, struct text active,
    size_t value)
{
	size_t n = 0;

	for (uint32_t i = 0; i < active.len; i++)
		n += active.p[i] == ',' || active.p[i] == ']';
	return json_most(presence) + json_most(label) + 2 * (size_t)active.len
	    + n * (value + 1);
}

/* What the platform tells: the larger of what is held and what is told.
 * status: the longest of a global status. */
static size_t
record_parts_most(const struct agent *a, size_t status,
    const struct parts_told *told)
{
	static const struct agent_parts none;
	const struct agent_parts *p = a->parts != NULL ? a->parts : &none;
	struct text presence = own_text(&p->presence.status);
	struct text label = own_text(&p->label);
	size_t value = larger(status, json_most(presence)), held;

	if (told != NULL && told->any)
		value = larger(value, json_most(told->presence.status));
	held = parts_most(presence, label, own_text(&p->active.status),
	    value) + json_most(held_time(&p->presence)) +
	    json_most(held_time(&p->active));
	if (told == NULL || !told->any)
		return a->parts != NULL ? PARTS_FIXED + value + held : 0;
	/* a label, or a list, may stay beside what is told */
	return PARTS_FIXED + value + held + parts_most(told->presence.status,
	    told->label, told->active.status, value) +
	    json_most(told->presence.at.text) +
	    json_most(told->active.at.text);
}

size_t
record_most(const struct agent *a, const struct tier_told *global,
    const struct tier_told *queues, size_t n, struct text name,
    const struct parts_told *parts)
{
	struct tier_told held = held_as_told(&a->global);
	size_t most, status = json_most(held.status), i = 0, k = 0;
	int order;

	if (global != NULL)
		status = larger(status, json_most(global->status));
	most = RECORD_FIXED + json_most((struct text){ a->user_id,
	    a->user_id_len }) + larger(json_most(own_text(&a->name)),
	    json_most(name)) + larger(tier_most(&held, status),
	    global != NULL ? tier_most(global, status) : 0);
	while (i < a->queue_count || k < n) {
		if (i < a->queue_count)
			held = held_as_told(&a->queues[i]);
		order = i == a->queue_count ? 1 : k == n ? -1 :
		    text_cmp(held.queue_id, queues[k].queue_id);
		most += larger(order <= 0 ? tier_most(&held, status) : 0,
		    order >= 0 ? tier_most(&queues[k], status) : 0);
		i += order <= 0;
		k += order >= 0;
	}
	if (a->parts != NULL || parts != NULL)
		most += record_parts_most(a, status, parts);
	return most;
}

/* All that the event tells is in its line, and no longer here than there. */
size_t
record_gap_most(const struct tier *held, const struct event *ev)
{
	return RECORD_FIXED + ev->line_len + json_most(own_text(
	    &held->status));
}

bool
record_has_room(struct agent *a, const struct event *ev)
{
	bool global = ev->tier.queue_id.p == NULL;
	size_t most = a->record_most + TIER_FIXED + (ID_TIMES + 1 + (global ?
	    (size_t)a->queue_count : 0)) * ev->line_len;

	if (a->record_most == 0 || a->parts != NULL || most > NDJSON_LINE_MAX)
		most = record_most(a, global ? &ev->tier : NULL, &ev->tier,
		    global ? 0 : 1, (struct text){ NULL, 0 }, NULL);
	a->record_most = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
	return most <= NDJSON_LINE_MAX;
}
