/*
 * Any lines through the dedup window.  What comes out is lines that every
 * tool reads; no event is lost: it is printed, a copy, or one that another
 * stands for; and a roster behind the window ends as one before it.
 *
 * An empty line is 200 ms of the wall clock.
 */
#include "lib/hear.h"
#include "lib/ndjson.h"
#include "lib/roster.h"
#include "lib/window.h"
#include "tests/fuzz/fuzz.h"

#define STEP_MS 200
#define CONTROL (~0u)

/* A roster and what it was told. */
struct side {
	struct roster roster;
	struct event ev;
	uint64_t lines, count;	/* told; events that they stand for */
	unsigned kinds;		/* of them, as bits */
	bool merged;		/* one was merged before */
};

static void
begin(struct side *s)
{
	*s = (struct side){ 0 };
	roster_init(&s->roster, 1);
	event_init(&s->ev);
}

static void
end(struct side *s)
{
	roster_free(&s->roster);
	event_free(&s->ev);
}

static void
tell(struct side *s)
{
	const struct event *ev = &s->ev;
	bool fresh;
	struct agent *a = roster_add(&s->roster, ev->user_id, &fresh);
	struct agent_verdict v;

	s->lines++;
	s->count += ev->merged ? ev->merged_count : 1;
	s->kinds |= EVENT_BIT(ev->kind);
	s->merged |= ev->merged;
	if (ev->kind == EVENT_FRAME) {
		hear_frame(a, ev, ++s->roster.seq, 0);
		return;
	}
	v = agent_judge(a, ev);
	if (v.fate == AGENT_APPLIED)
		agent_take(a, ev, v, ++s->roster.seq, 0);
	else if (v.gap)
		agent_doubt(a, agent_tier(a, ev->tier.queue_id),
		    ++s->roster.seq);
}

static void
let_out(void *arg, const char *line, size_t len)
{
	struct side *behind = arg;

	require(len > 0 && line[len - 1] == '\n' &&
	    len - 1 <= NDJSON_LINE_MAX);
	require(event_parse(&behind->ev, line, len - 1, CONTROL) == NULL);
	require(behind->ev.kind == EVENT_STATUS ||
	    behind->ev.kind == EVENT_FRAME);
	tell(behind);
}

/* What is sure behind the window is as it is before it. */
static void
same_tier(const struct tier *a, const struct tier *b)
{
	char rooms[2][CLOCK_RFC3339_LEN + 1];

	if (own_has(&b->status) && b->verified)
		require(own_is(&a->status, own_text(&b->status)) &&
		    text_eq(tier_time(a, rooms[0]), tier_time(b, rooms[1])));
}

static void
same_roster(const struct roster *before, struct roster *behind)
{
	struct agent *a, *b;

	require(before->count == behind->count);
	for (size_t i = 0; i < before->count; i++) {
		a = before->list[i];
		b = roster_get(behind, (struct text){ a->user_id,
		    a->user_id_len });
		require(b != NULL && a->queue_count == b->queue_count &&
		    (a->parts == NULL) == (b->parts == NULL));
		same_tier(&a->global, &b->global);
		for (size_t k = 0; k < a->queue_count; k++)
			same_tier(&a->queues[k], &b->queues[k]);
		if (a->parts == NULL)
			continue;
		same_tier(&a->parts->presence, &b->parts->presence);
		same_tier(&a->parts->active, &b->parts->active);
	}
}

static void
one_line(struct window *w, struct side *before, const char *line, size_t len,
    int64_t *now_ms)
{
	const struct event *ev = &before->ev;

	if (len == 1)
		window_expire(w, *now_ms += STEP_MS);
	if (len == 1 || event_parse(&before->ev, line, len - 1, CONTROL) !=
	    NULL)
		return;
	if (ev->kind != EVENT_STATUS && ev->kind != EVENT_FRAME) {
		if (ev->kind != EVENT_OTHER)
			window_flush(w);
		return;
	}
	tell(before);
	window_push(w, ev, line, len, *now_ms);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *newline;
	struct side before, behind;
	struct window w;
	int64_t now_ms = 0;

	begin(&before);
	begin(&behind);
	window_init(&w, 500, let_out, &behind, 2);
	for (; size > 0 && (newline = memchr(p, '\n', size)) != NULL;
	    size -= (size_t)(newline + 1 - p), p = newline + 1)
		one_line(&w, &before, p, (size_t)(newline + 1 - p), &now_ms);
	window_flush(&w);
	require(w.keys.count == 0 && w.keys.bytes == 0 &&
	    w.keys.oldest == NULL);
	require(before.lines == behind.lines + w.copies + w.merged);
	if (before.kinds == EVENT_BIT(EVENT_STATUS) && !before.merged)
		require(before.count == behind.count + w.copies);
	/* of a mixed stream no one promises an order */
	if (before.kinds != (EVENT_BIT(EVENT_STATUS) |
	    EVENT_BIT(EVENT_FRAME)))
		same_roster(&before.roster, &behind.roster);
	window_free(&w);
	end(&before);
	end(&behind);
	return 0;
}
