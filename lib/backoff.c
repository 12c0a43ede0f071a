#include "lib/backoff.h"

int64_t
backoff_delay_ms(const struct backoff *b, unsigned n, uint32_t random)
{
	int64_t room = b->cap_ms > b->base_ms ? b->cap_ms - b->base_ms : 0;
	int64_t jitter = b->jitter_ms < room ? b->jitter_ms : room;
	int64_t most = b->base_ms + room - jitter, delay = b->base_ms;

	while (n-- > 0 && delay < most)
		delay = delay > most / 2 ? most : delay * 2;
	return delay + (int64_t)((double)jitter * random / 4294967296.0);
}
