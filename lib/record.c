#include <inttypes.h>
#include <string.h>

#include "lib/record.h"

static const struct text available = { "Available", 9 };

static void
add_own(struct buf *out, const char *key, const struct own *o)
{
	buf_adds(out, key);
	if (o->set)
		buf_add_json(out, o->p, o->len);
	else
		buf_adds(out, "null");
}

static void
add_text(struct buf *out, const char *key, struct text t)
{
	buf_adds(out, key);
	if (t.p != NULL)
		buf_add_json(out, t.p, t.len);
	else
		buf_adds(out, "null");
}

static void
add_flag(struct buf *out, const char *key, bool flag)
{
	buf_adds(out, key);
	buf_adds(out, flag ? "true" : "false");
}

static void
add_number(struct buf *out, const char *key, uint64_t n)
{
	buf_addf(out, "%s%" PRIu64, key, n);
}

static void
add_event(struct buf *out, const char *event, int64_t wall_ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(wall_ms, at);
	buf_addf(out, "{\"event\":\"%s\",\"at\":\"%s\"", event, at);
}

static void
add_tier(struct buf *out, const struct tier *t)
{
	add_own(out, "\"currentStatus\":", &t->status);
	add_own(out, ",\"previousStatus\":", &t->previous);
	add_own(out, ",\"wrapUpCode\":", &t->wrap_up_code);
	add_own(out, ",\"queueId\":", &t->queue_id);
	add_own(out, ",\"lastUpdatedTimestamp\":", &t->timestamp);
	add_flag(out, ",\"verified\":", t->verified);
	buf_adds(out, t->from_rest ? ",\"source\":\"rest\"" :
	    ",\"source\":\"event\"");
}

static struct text
status_of(const struct tier *t)
{
	return (struct text){ t->status.set ? t->status.p : NULL,
	    t->status.len };
}

/* What a queue's callers meet: the global status unless that is Available,
 * else the queue's own. */
static void
add_effective_queue(struct buf *out, const struct tier *global,
    const struct tier *queue)
{
	struct text g = status_of(global), q = status_of(queue);
	size_t from;

	if (g.p == NULL) {
		buf_adds(out, "null");
	} else if (!text_eq(g, available)) {
		buf_add_json(out, g.p, g.len);
	} else if (text_eq(q, available)) {
		buf_add_json(out, q.p, q.len);
	} else {
		from = out->len;
		buf_add_json(out, q.p, q.len);
		/* the string is valid JSON already: only a prefix is new */
		if (buf_room(out, 6) != NULL) {
			memmove(out->data + from + 7, out->data + from + 1,
			    out->len - from - 1);
			memcpy(out->data + from + 1, "Queue ", 6);
			buf_grew(out, 6);
		}
	}
}

void
record_agent(struct buf *out, const struct agent *a, int64_t wall_ms,
    bool gone)
{
	add_event(out, "gc:agent", wall_ms);
	add_number(out, ",\"seq\":", a->seq);
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
	add_own(out, "},\"effective\":{\"global\":", &a->global.status);
	buf_adds(out, ",\"queues\":{");
	for (size_t i = 0; i < a->queue_count; i++) {
		add_own(out, i ? "," : "", &a->queues[i].queue_id);
		buf_adds(out, ":");
		add_effective_queue(out, &a->global, &a->queues[i]);
	}
	buf_adds(out, gone ? "}},\"gone\":true}\n" : "}}}\n");
}

static void
add_gap(struct buf *out, const struct agent *a, enum ask_reason reason,
    uint64_t seq, int64_t wall_ms)
{
	add_event(out, "gc:gap", wall_ms);
	buf_adds(out, ",\"userId\":");
	buf_add_json(out, a->user_id, a->user_id_len);
	buf_addf(out, ",\"reason\":\"%s\"", ask_name(reason));
	add_number(out, ",\"seq\":", seq);
}

void
record_gap(struct buf *out, const struct agent *a, enum ask_reason reason,
    uint64_t seq, int64_t wall_ms)
{
	add_gap(out, a, reason, seq, wall_ms);
	buf_adds(out, "}\n");
}

void
record_gap_sequence(struct buf *out, const struct agent *a,
    const struct tier *held, const struct event *ev, uint64_t seq,
    int64_t wall_ms)
{
	add_gap(out, a, ASK_SEQUENCE, seq, wall_ms);
	add_text(out, ",\"queueId\":", ev->tier.queue_id);
	add_own(out, ",\"expected\":", &held->status);
	add_text(out, ",\"got\":", ev->merged ? ev->merged_previous :
	    ev->tier.previous);
	add_text(out, ",\"status\":", ev->tier.status);
	add_text(out, ",\"timestamp\":", ev->tier.at.text);
	buf_adds(out, "}\n");
}
