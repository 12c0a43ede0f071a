/* Any line, as every tool reads it, queues sorted. */
#include <stdlib.h>

#include "lib/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event ev;
	const struct tier_told *t;

	event_init(&ev);
	if (event_parse(&ev, (const char *)data, size, ~0u) == NULL &&
	    (ev.kind == EVENT_AGENT || ev.kind == EVENT_STATE))
		for (size_t i = 0; i < ev.queues.count; i++) {
			t = &ev.queues.tiers[i];
			if (t->status.p == NULL || (i > 0 &&
			    text_cmp(t[-1].queue_id, t->queue_id) >= 0))
				abort();
		}
	event_free(&ev);
	return 0;
}
