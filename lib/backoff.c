#include "lib/backoff.h"

int64_t
backoff_delay_ms(const struct backoff *b, unsigned n, uint32_t random)
{
	int64_t jitter = b->jitter_ms < b->cap_ms ? b->jitter_ms : b->cap_ms;
	int64_t most = b->cap_ms - jitter, delay = b->base_ms;

	while (n-- > 0 && delay < most)
		delay *= 2;
	if (delay > most)
		delay = most;
	return delay + (int64_t)(((uint64_t)jitter * random) >> 32);
}
