/* Any line, as every tool reads it, queues sorted.  A frame of the platform
 * goes into a record too: what the record's line says is what the frame
 * said, and no longer than was reckoned. */
#include "lib/event.h"
#include "lib/hear.h"
#include "lib/record.h"
#include "lib/supersede.h"
#include "tests/fuzz/fuzz.h"

static void
check_queues(const struct event *ev)
{
	for (size_t i = 0; i < ev->queues.count; i++) {
		const struct tier_told *t = &ev->queues.tiers[i];

		require(t->status.p != NULL && (i == 0 ||
		    text_cmp(t[-1].queue_id, t->queue_id) < 0));
	}
}

static void
check_frame(const struct event *ev)
{
	struct agent *a = agent_new(ev->user_id);
	size_t most = record_most(a, &ev->tier, NULL, 0,
	    (struct text){ NULL, 0 }, &ev->parts);
	struct event again;
	struct buf line;

	require(ev->user_id.len > 0 && ev->body.kind == SCAN_OBJECT);
	supersedes(ev, ev);
	require((hear_frame(a, ev, 1, 0) == AGENT_APPLIED) == hear_says(ev));
	buf_init(&line, SIZE_MAX / 4);
	record_agent(&line, a, 0, false);
	require(line.len - 1 <= most);
	event_init(&again);
	require(event_parse(&again, line.data, line.len, ~0u) == NULL &&
	    again.kind == EVENT_AGENT && again.parts.any &&
	    text_eq(again.user_id, ev->user_id) &&
	    text_eq(again.tier.status, ev->tier.status) &&
	    text_eq(again.tier.at.text, ev->tier.status.p != NULL ?
	    ev->tier.at.text : again.tier.at.text) &&
	    text_eq(again.parts.presence.status, ev->parts.presence.status) &&
	    text_eq(again.parts.active.status, ev->parts.active.status));
	event_free(&again);
	buf_free(&line);
	agent_del(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event ev;

	event_init(&ev);
	if (event_parse(&ev, (const char *)data, size, ~0u) == NULL) {
		if (ev.kind == EVENT_AGENT || ev.kind == EVENT_STATE)
			check_queues(&ev);
		if (ev.kind == EVENT_FRAME)
			check_frame(&ev);
	}
	event_free(&ev);
	return 0;
}
