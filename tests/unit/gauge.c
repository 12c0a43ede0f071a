/* How fast, and how long to go. */
#include "lib/clock.h"
#include "lib/gauge.h"
#include "tests/tap.h"

#define S INT64_C(1000)

static void
test_rate(void)
{
	struct gauge g = { .count = 0 };

	is_int((long long)gauge_rate(&g, 0, 100, 10 * S), 0, "no sample");
	gauge_take(&g, 0, 100);
	is_int((long long)gauge_rate(&g, 0, 200, 10 * S), 0, "no time");
	is_int((long long)gauge_rate(&g, 2 * S, 100, 10 * S), 0, "no growth");
	is_int((long long)gauge_rate(&g, 2 * S, 300, 10 * S), 100, "growth");
	gauge_take(&g, 500, 5000);
	is_int((long long)g.count, 1, "a sample a second is enough");
	for (int i = 1; i <= 200; i++)
		gauge_take(&g, i * S, 100 + (uint64_t)i * 10);
	is_int((long long)gauge_rate(&g, 201 * S, 2110, 10 * S), 10,
	    "of the last ten seconds");
	is_int((long long)(gauge_rate(&g, 201 * S, 2700, 10 * S) * 10), 690,
	    "a storm counts at once");
	is_int((long long)gauge_rate(&g, 201 * S, 2110, 600 * S), 10,
	    "no further back than is kept");
	is_int((long long)gauge_rate(&g, 900 * S, 9999, 60 * S), 0,
	    "long ago");
	gauge_forget(&g);
	is_int((long long)gauge_rate(&g, 201 * S, 2700, 10 * S), 0,
	    "forgotten");
}

static void
test_to_go(void)
{
	static const struct { uint64_t left; double rate; int64_t ms; }
	    rows[] = {
		{ 0, 0, 0 }, { 0, 4, 0 }, { 1, 0, CLOCK_NEVER },
		{ 1, -1, CLOCK_NEVER }, { 340, 4, 85 * S },
		{ 1, 0.25, 4 * S }, { 1, 1e-9, CLOCK_NEVER },
		{ UINT64_MAX, 1e-300, CLOCK_NEVER },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(gauge_to_go_ms(rows[i].left, rows[i].rate), rows[i].ms,
		    "time to go");
}

static void
test_word(void)
{
	struct gauge_word w = { .since_ms = 0 };

	gauge_say(&w, "open", 5);
	gauge_say(&w, "open", 7);
	is_int(w.since_ms, 5, "it is what it was");
	gauge_say(&w, "backoff", 9);
	is_int(w.since_ms, 9, "it changed");
	is_str(w.word, "backoff", "the word");
	gauge_say(&w, "a word longer than any word here ever is, and more", 9);
	gauge_say(&w, "a word longer than any word here ever is, and more", 11);
	is_int(w.since_ms, 9, "a long one is the same, too");
}

static void
test_words(void)
{
	static const struct gauge_word open = { "open", 0 };
	static const struct gauge_word backoff = { "backoff", 0 };
	static const struct gauge_word asking = { "asking", 0 };
	static const struct { struct gauge_facts f; int64_t at_ms;
	    const char *words; } rows[] = {
		{ { NULL, -1, 0, 0, 0, false, 0, 0, NULL }, 0, "0.0 events/s" },
		{ { &open, -1, 1.25, 0, 0, false, 0, 0, NULL }, 59 * S + 999,
		    "open 59s  1.2 events/s" },
		{ { &open, -1, 9.96, 0, 12, false, 0, 0, NULL }, 200 * S,
		    "open 3m20  10 events/s  12 lines wait" },
		{ { &backoff, 29 * S, 0, 0, 0, false, 0, 0, NULL }, 60 * S,
		    "backoff, again in 29s  0.0 events/s" },
		{ { &open, -1, 1234.6, 0, 0, true, 50, 0, NULL }, 3725 * S,
		    "open 1h02  1235 events/s  50 agents" },
		{ { NULL, -1, 0, 0, 0, true, 50, 7, NULL }, 0,
		    "0.0 events/s  50 agents  7 in doubt" },
		{ { NULL, -1, 0, 4, 0, true, 5000, 340, NULL }, 0,
		    "0.0 events/s  5000 agents  340 in doubt, 1m25 to go" },
		{ { &asking, -1, 4, 4, 0, false, 0, 12, "answers" }, 9 * S,
		    "asking 9s  4.0 answers/s  12 in doubt, 3s to go" },
	};
	struct buf out;

	buf_init(&out, 512);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_reset(&out);
		gauge_words(&out, &rows[i].f, rows[i].at_ms);
		is_str(out.data, rows[i].words, "words");
	}
	buf_free(&out);
}

int
main(void)
{
	test_rate();
	test_to_go();
	test_word();
	test_words();
	return done();
}
