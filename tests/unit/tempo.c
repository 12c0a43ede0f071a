/* A recording's time against ours. */
#include "lib/tempo.h"
#include "tests/tap.h"

#define T0 INT64_C(1718461930000)	/* 2024-06-15T14:32:10Z */
#define HOUR INT64_C(3600000)

/* Lines of one recording, in their order: moment, due, left out. */
static const struct row {
	const char *what;
	double speed;
	int64_t skip_ms, moment_ms, due_ms, skipped_ms;
} rows[] = {
	{ "the first is due at once", 1, HOUR, T0, 0, 0 },
	{ "a second later", 0, 0, T0 + 1000, 1000, 0 },
	{ "a little back: at once", 0, 0, T0 + 400, 1000, 0 },
	{ "from the latest, not from the last", 0, 0, T0 + 1500, 1500, 0 },
	{ "an hour of silence is kept", 0, 0, T0 + 1500 + HOUR, 1500 + HOUR,
	    0 },
	{ "more is left out", 0, 0, T0 + 1501 + 2 * HOUR, 1500 + HOUR,
	    HOUR + 1 },
	{ "and it goes on from there", 0, 0, T0 + 1511 + 2 * HOUR,
	    1510 + HOUR, 0 },
	{ "a step back starts anew", 0, 0, T0, 1510 + HOUR,
	    -1511 - 2 * HOUR },
	{ "and goes on, too", 0, 0, T0 + 10, 1520 + HOUR, 0 },

	{ "twice as fast", 2, HOUR, T0, 0, 0 },
	{ "half the time", 0, 0, T0 + 1001, 500, 0 },
	{ "silence counts in the recording's time", 0, 0, T0 + 1001 + HOUR,
	    500 + HOUR / 2, 0 },
	{ "slower", 0.5, HOUR, T0, 0, 0 },
	{ "twice the time", 0, 0, T0 + 1001, 2002, 0 },

	{ "nothing left out", 1, CLOCK_NEVER, T0, 0, 0 },
	{ "not a day", 0, 0, T0 + 24 * HOUR, 24 * HOUR, 0 },
	{ "not a step back", 0, 0, T0, 24 * HOUR, 0 },

	{ "the first of all years", 1, HOUR, INT64_C(-62135596800000), 0, 0 },
	{ "a leap of all ages is silence", 0, 0, T0, 0,
	    T0 + INT64_C(62135596800000) },
	{ "ten thousand times slower", 0.0001, CLOCK_NEVER, T0, 0, 0 },
	{ "a day is 27 years", 0, 0, T0 + 24 * HOUR, 240000 * HOUR, 0 },
	{ "and a year has an end", 0, 0, T0 + 24 * 365 * HOUR,
	    INT64_C(3000000000000), 0 },
};

static void
test_due(void)
{
	struct tempo t = { .speed = 0 };
	int64_t skipped;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		if (r->speed > 0)
			t = (struct tempo){ .speed = r->speed,
			    .skip_ms = r->skip_ms };
		is_int(tempo_due_ms(&t, stamp_of_ms(r->moment_ms), &skipped),
		    r->due_ms, r->what);
		is_int(skipped, r->skipped_ms, "left out");
	}
}

static void
test_move(void)
{
	const int64_t zero = T0 + 1000 * HOUR;
	struct tempo t = { .speed = 2, .skip_ms = HOUR };
	struct stamp exact = { T0 / 1000 + 1, 2 }, far = { 1, 1 };
	int64_t skipped;

	tempo_due_ms(&t, stamp_of_ms(T0), &skipped);
	is_int(stamp_to_ms(tempo_move(&t, stamp_of_ms(T0), zero)), zero,
	    "the first is at zero");
	is_int(stamp_to_ms(tempo_move(&t, stamp_of_ms(T0 - 3000), zero)),
	    zero - 1500, "one before it, before");
	is_int(tempo_move(&t, exact, zero).nsec, 500000001,
	    "to the nanosecond");
	is_int(tempo_move(&t, far, zero).sec, (2 * zero - T0) / 2000,
	    "half a century is not too far");
	tempo_due_ms(&t, stamp_of_ms(T0 + 5 * HOUR), &skipped);
	is_int(stamp_to_ms(tempo_move(&t, stamp_of_ms(T0 + 5 * HOUR), zero)),
	    zero, "after silence as it is due");
	far.sec = INT64_C(-62135596800);
	is_int(tempo_move(&t, far, zero).sec, far.sec, "too far away: kept");
}

int
main(void)
{
	test_due();
	test_move();
	return done();
}
