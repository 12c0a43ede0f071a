/*
 * Any lines into a roster, by the rules that gc-reduce folds them by.  After
 * each one the agent's record is a line that every tool reads and that is no
 * longer than was reckoned, and a roster made from it alone has the same
 * record: a journal gives back what went in.
 */
#include "lib/hear.h"
#include "lib/record.h"
#include "lib/roster.h"
#include "lib/settle.h"
#include "tests/fuzz/fuzz.h"

#define SEQ_MAX (SLICE_NUMBER_MAX / 2)	/* as gc-reduce takes them */
#define NO_NAME ((struct text){ NULL, 0 })

/* Lines of one record, as gc-reduce writes and reads it. */
static void
write_record(struct buf *line, const struct agent *a)
{
	buf_init(line, SIZE_MAX / 4);
	record_agent(line, a, 0, false);
}

static void
same_tier(const struct tier *a, const struct tier *b)
{
	char rooms[2][CLOCK_RFC3339_LEN + 1];
	struct text x, y;

	require(own_is(&a->queue_id, own_text(&b->queue_id)) &&
	    own_is(&a->status, own_text(&b->status)));
	if (!own_has(&a->status))
		return;
	x = tier_time(a, rooms[0]);
	y = tier_time(b, rooms[1]);
	require(own_is(&a->previous, own_text(&b->previous)) &&
	    own_is(&a->wrap_up_code, own_text(&b->wrap_up_code)) &&
	    text_eq(x, y) && a->verified == b->verified &&
	    a->from_rest == b->from_rest);
}

static void
same_agent(const struct agent *a, const struct agent *b)
{
	require(a->seq == b->seq && a->queue_count == b->queue_count &&
	    own_is(&a->name, own_text(&b->name)) &&
	    (a->parts == NULL) == (b->parts == NULL));
	same_tier(&a->global, &b->global);
	for (size_t i = 0; i < a->queue_count; i++)
		same_tier(&a->queues[i], &b->queues[i]);
	if (a->parts == NULL)
		return;
	same_tier(&a->parts->presence, &b->parts->presence);
	same_tier(&a->parts->active, &b->parts->active);
}

static void
same_again(const struct agent *a, size_t most)
{
	struct buf line, again;
	struct event ev;
	struct agent *b;

	write_record(&line, a);
	require(line.len - 1 <= most);
	event_init(&ev);
	require(event_parse(&ev, line.data, line.len - 1, ~0u) == NULL &&
	    ev.kind == EVENT_AGENT && !ev.gone);
	b = agent_new(ev.user_id);
	settle_agent(b, &ev, ev.seq, 0);
	b->seq = ev.seq;
	same_agent(a, b);
	write_record(&again, b);
	require(again.len == line.len &&
	    memcmp(again.data, line.data, line.len) == 0);
	agent_del(b);
	event_free(&ev);
	buf_free(&line);
	buf_free(&again);
}

static void
fold_status(struct roster *r, struct agent *a, const struct event *ev)
{
	struct agent_verdict v = agent_judge(a, ev);

	if (v.fate == AGENT_APPLIED)
		agent_take(a, ev, v, ++r->seq, 0);
	else if (v.gap)
		agent_doubt(a, agent_tier(a, ev->tier.queue_id), ++r->seq);
}

/* Of a whole answer that nothing has come after, nothing is left in doubt
 * that is not asked about again. */
static bool
fold_state(struct roster *r, struct agent *a, const struct event *ev)
{
	bool current = ev->seq >= a->seq;
	struct settle_answer answer = settle_state(a, ev, r->seq + 1, 0);

	require(!answer.gone || (answer.changed && !answer.refused));
	r->seq += answer.changed;
	if (current && !answer.gone && !answer.refused && !ev->partial &&
	    ev->tier.status.p != NULL && ev->queues.told &&
	    (a->parts == NULL || ev->parts.presence.status.p != NULL))
		require(!agent_is_doubted(a));
	return answer.gone;
}

static void
fold_agent(struct roster *r, struct agent *a, const struct event *ev)
{
	uint64_t held = a->seq;

	if (ev->seq > r->seq)
		r->seq = ev->seq;
	settle_agent(a, ev, r->seq + 1, 0);
	require(a->seq >= held);
	if (a->seq > r->seq)
		r->seq = a->seq;
}

/* True if the agent is gone. */
static bool
fold(struct roster *r, struct agent *a, const struct event *ev)
{
	if (ev->kind == EVENT_STATE)
		return fold_state(r, a, ev);
	if (ev->kind == EVENT_AGENT && ev->gone)
		return true;
	if (ev->kind == EVENT_AGENT)
		fold_agent(r, a, ev);
	else if (ev->kind == EVENT_STATUS)
		fold_status(r, a, ev);
	else if (hear_frame(a, ev, r->seq + 1, 0) == AGENT_APPLIED)
		r->seq++;
	return false;
}

/* How long the record may be at most, with what the line tells. */
static size_t
reckon(struct agent *a, const struct event *ev)
{
	bool record = ev->kind == EVENT_AGENT || ev->kind == EVENT_STATE;

	if (ev->kind == EVENT_STATUS)
		return record_has_room(a, ev) ? a->record_most : SIZE_MAX;
	return a->record_most = record_most(a, &ev->tier,
	    record ? ev->queues.tiers : NULL, record ? ev->queues.count : 0,
	    record ? ev->name : NO_NAME, &ev->parts);
}

static void
one_line(struct roster *r, struct event *ev, const char *line, size_t len)
{
	struct agent *a;
	bool fresh;
	size_t most;

	if (event_parse(ev, line, len, ~0u) != NULL ||
	    (ev->kind == EVENT_AGENT && ev->seq > SEQ_MAX))
		return;
	if (ev->kind == EVENT_OPEN)
		for (size_t i = 0; i < r->count; i++)
			agent_doubt(r->list[i], NULL, ++r->seq);
	if (ev->kind != EVENT_STATUS && ev->kind != EVENT_FRAME &&
	    ev->kind != EVENT_AGENT && ev->kind != EVENT_STATE)
		return;
	a = roster_add(r, ev->user_id, &fresh);
	most = reckon(a, ev);
	if (most > NDJSON_LINE_MAX || fold(r, a, ev))
		roster_remove(r, a);
	else
		same_again(a, most);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *newline;
	struct roster r;
	struct event ev;
	size_t len;

	roster_init(&r, 1);
	event_init(&ev);
	for (; size > 0; p += len, size -= len) {
		newline = memchr(p, '\n', size);
		len = newline ? (size_t)(newline + 1 - p) : size;
		one_line(&r, &ev, p, len - (newline != NULL));
	}
	event_free(&ev);
	roster_free(&r);
	return 0;
}
