/* Delays: the rule, and its bounds for whatever figures. */
#include "lib/backoff.h"
#include "tests/tap.h"

static void
test_rule(void)
{
	static const struct backoff b = { 2000, 30000, 1000 };
	static const int64_t want[] = { 2000, 4000, 8000, 16000, 29000,
	    29000 };

	for (unsigned n = 0; n < sizeof(want) / sizeof(want[0]); n++) {
		is_int(backoff_delay_ms(&b, n, 0), want[n], "without chance");
		is_int(backoff_delay_ms(&b, n, UINT32_MAX), want[n] + 999,
		    "with the most of it");
	}
	is_int(backoff_delay_ms(&b, UINT32_MAX, 0), 29000, "for ever");
}

static void
test_bounds(void)
{
	static const int64_t figures[] = { 1, 2, 3, 100, 999, 1000, 1001,
	    30000, INT64_MAX / 3, INT64_MAX };
	enum { COUNT = sizeof(figures) / sizeof(figures[0]) };
	static const uint32_t chance[] = { 0, 1, 1u << 31, UINT32_MAX };
	int bad = 0;

	for (int base = 0; base < COUNT; base++)
		for (int cap = base; cap < COUNT; cap++)
			for (int jitter = -1; jitter < COUNT; jitter++)
				for (unsigned n = 0; n < 400; n++) {
					struct backoff b = { figures[base],
					    figures[cap], jitter < 0 ? 0 :
					    figures[jitter] };
					int64_t d = backoff_delay_ms(&b,
					    n / 4, chance[n % 4]);

					bad += d < b.base_ms || d > b.cap_ms;
				}
	is_int(bad, 0, "never below the base, never above the cap");
}

static void
test_tight(void)
{
	struct backoff b = { 2000, 2500, 1000 };

	is_int(backoff_delay_ms(&b, 0, 0), 2000, "a jitter that does not fit");
	is_int(backoff_delay_ms(&b, 9, UINT32_MAX), 2499, "is cut");
}

int
main(void)
{
	test_rule();
	test_bounds();
	test_tight();
	return done();
}
