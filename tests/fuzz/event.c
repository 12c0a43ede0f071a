/* Any line, as every tool reads it, queues and lists walked. */
#include "lib/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event ev;
	struct tier_told tier;
	const char *at = NULL;

	event_init(&ev);
	if (event_parse(&ev, (const char *)data, size, ~0u) == NULL &&
	    (ev.kind == EVENT_AGENT || ev.kind == EVENT_STATE))
		while (event_queue(&ev, &at, &tier) == 1)
			continue;
	event_free(&ev);
	return 0;
}
