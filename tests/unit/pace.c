/* The pace: no 60 s hold more than the rate, however the requests come,
 * and however long each takes to be on the wire. */
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/pace.h"
#include "tests/tap.h"

#define MINUTE_MS 60000
#define SENT_MAX 200000
#define FLYING_MAX 256

/* How a run's requests behave; all in ms. */
static const struct {
	const char *name;
	uint64_t rate;
	int64_t pause;		/* between two looks, at most */
	int64_t latency;	/* from being sent to its end, at most */
	int64_t stall_every, stall;	/* nothing ends meanwhile */
	size_t jobs;
	int floor;		/* per cent of the rate that must be reached */
} runs[] = {
	{ "one a minute", 1, 250, 0, 0, 0, 8, 80 },
	{ "one a minute, slow", 1, 250, 5000, 0, 0, 8, 70 },
	{ "seven", 7, 250, 100, 0, 0, 8, 80 },
	{ "sixty", 60, 250, 10000, 0, 0, 8, 60 },
	{ "the default", 240, 250, 50, 0, 0, 8, 80 },
	{ "the default, slow", 240, 250, 1000, 0, 0, 8, 80 },
	{ "slow connects", 240, 250, 9000, 0, 0, 64, 70 },
	{ "connects that stall", 240, 100, 200, 70000, 40000, 256, 40 },
	{ "bursts after silence", 240, 90000, 30000, 0, 0, 256, 0 },
	{ "a hundred a second", 6000, 20, 300, 0, 0, 256, 80 },
};

static uint32_t seed;

static int64_t
below(int64_t n)
{
	seed = seed * 1664525 + 1013904223;
	return n <= 0 ? 0 : (int64_t)(((uint64_t)seed * (uint64_t)n) >> 32);
}

static int
by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t
most_in_a_minute(int64_t *at, size_t n)
{
	size_t from = 0, most = 0;

	qsort(at, n, sizeof(*at), by_time);
	for (size_t i = 0; i < n; i++) {
		while (at[from] <= at[i] - MINUTE_MS)
			from++;
		if (i - from + 1 > most)
			most = i - from + 1;
	}
	return most;
}

/* When the transfer that starts now ends: during a stall nothing does. */
static int64_t
end_of(size_t run, int64_t now)
{
	int64_t end = now + below(runs[run].latency + 1);
	int64_t every = runs[run].stall_every;

	if (every > 0 && end % every < runs[run].stall)
		end += runs[run].stall - end % every;
	return end;
}

static void
test_run(size_t r)
{
	static int64_t wire[SENT_MAX];
	int64_t ends[FLYING_MAX], now = 0, next;
	size_t n = 0, flying = 0, most;
	struct pace p;

	seed = (uint32_t)r + 1;
	pace_init(&p, runs[r].rate, now);
	while (now < 10 * MINUTE_MS && n < SENT_MAX) {
		for (size_t i = 0; i < flying; i++)
			if (ends[i] <= now) {
				pace_done(&p, now);
				ends[i--] = ends[--flying];
			}
		while (flying < runs[r].jobs && n < SENT_MAX &&
		    (next = pace_next_ms(&p, now)) <= now) {
			pace_take(&p, now);
			ends[flying] = end_of(r, now);
			/* the worst moment is any between the two */
			wire[n++] = below(2) ? ends[flying] :
			    now + below(ends[flying] - now + 1);
			flying++;
		}
		now += 1 + below(runs[r].pause);
	}
	most = most_in_a_minute(wire, n);
	ok(most <= runs[r].rate, "%s: at most %d in 60 s (%zu)",
	    runs[r].name, (int)runs[r].rate, most);
	ok(n >= runs[r].rate * 10 * (uint64_t)runs[r].floor / 100,
	    "and not many fewer (%zu)", n);
}

/* What pace_next_ms names is the first moment that will do. */
static void
test_next(void)
{
	struct pace p;
	int64_t next;

	pace_init(&p, 240, 0);
	for (int i = 0; i < 24; i++) {
		is_int(pace_next_ms(&p, 0), 0, "the burst goes at once");
		pace_take(&p, 0);
	}
	next = pace_next_ms(&p, 0);
	ok(next > 0 && next <= 278, "then it is spread: %d", (int)next);
	is_int(pace_next_ms(&p, next), next, "that moment will do");
	pace_hold(&p, 5000);
	is_int(pace_next_ms(&p, 100), 5000, "a hold stops everyone");
	pace_hold(&p, 4000);
	is_int(pace_next_ms(&p, 100), 5000, "a shorter one ends none");
}

static void
test_full(void)
{
	struct pace p;
	int64_t next;

	pace_init(&p, 2, 0);
	pace_take(&p, 0);
	ok(pace_next_ms(&p, 50000) == 50000, "the second of two a minute");
	pace_take(&p, 50000);
	ok(pace_next_ms(&p, 200000) == CLOCK_NEVER,
	    "as many as the rate are under way: no time can be named");
	pace_done(&p, 200050);
	next = pace_next_ms(&p, 200050);
	ok(next >= 260050 && next <= 260200,
	    "60 s from the end of the first: %lld", (long long)next);
	is_int(pace_next_ms(&p, next), next, "that moment will do");
	pace_done(&p, 300000);
	is_int(pace_next_ms(&p, 10000000), 10000000, "all is long ago");
}

static void
test_rate(void)
{
	struct pace p;

	pace_init(&p, 240, 0);
	pace_hold(&p, 5000);
	pace_rate(&p, 60, 100);
	is_int(pace_next_ms(&p, 100), 5000, "a hold outlives the rate");
	for (int i = 0; i < 6; i++)
		pace_take(&p, 5000);
	is_int(pace_next_ms(&p, 5000), 6112, "a lower rate is the one");
	pace_rate(&p, 600, 5000);
	is_int(pace_next_ms(&p, 5000), 5112, "what was spent stays spent");
	pace_rate(&p, 6, 5000);
	is_int(pace_next_ms(&p, 5000), CLOCK_NEVER, "and all that is under "
	    "way counts");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		test_run(i);
	test_next();
	test_full();
	test_rate();
	return done();
}
