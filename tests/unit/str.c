/* Numbers that options hold, and which commands want a shell. */
#include "lib/backoff.h"
#include "lib/str.h"
#include "tests/tap.h"

static const struct { const char *text; int64_t ms; } durations[] = {
	{ "500ms", 500 }, { "1", 1000 }, { "1.5s", 1500 }, { "2m", 120000 },
	{ "0", 0 }, { "1h", 3600000 }, { ".5", 500 }, { "0.1ms", 1 },
	{ "24h", 86400000 },
};
static const char *const no_durations[] = { "", "-1", "1d", "ms", "1 s",
    "inf", "nan", "0x10", "1e400", "1ss", "9999999h", "+1" };
static const struct { const char *text; size_t bytes; } sizes[] = {
	{ "0", 0 }, { "64", 64 }, { "64K", 65536 }, { "1.5m", 1572864 },
	{ "2G", 2147483648u },
};
static const char *const no_sizes[] = { "", "K", "1KB", "1T", "-1", "1e30" };

static void
test_backoff(void)
{
	struct backoff b = { 2000, 30000, 1000 };
	static const int64_t want[] = { 2000, 4000, 8000, 16000, 29000,
	    29000 };
	int64_t most;

	for (unsigned n = 0; n < 6; n++) {
		ok(backoff_delay_ms(&b, n, 0) == want[n], "delay %u", n);
		most = backoff_delay_ms(&b, n, UINT32_MAX);
		ok(most >= want[n] + 999 && most <= want[n] + 1000,
		    "with jitter");
	}
	is_int(backoff_delay_ms(&b, 4000000000u, UINT32_MAX) <= 30000, 1,
	    "never above the cap");
	b.jitter_ms = 50000;
	is_int(backoff_delay_ms(&b, 3, UINT32_MAX) <= 30000, 1,
	    "a jitter above the cap is the cap");
}

static const struct { const char *text, *masked; } userinfo[] = {
	{ "nothing to hide", "nothing to hide" }, { "", "" },
	{ "'http://h:3128'", "'http://h:3128'" },
	{ "Unsupported proxy syntax in 'http://u:HUSH@:x'",
	    "Unsupported proxy syntax in 'http://***@:x'" },
	{ "bad 'u:HUSH@h'", "bad '***@h'" },
	{ "bad http://u:HU/SH@h/ port", "bad http://***@h/ port" },
	{ "'http://u:HU@SH@h'", "'http://***@h'" },
	{ "'socks5://u:HU SH@h'", "'socks5://***@h'" },
	{ "'http://u:HU'SH@h'", "'http://***@h'" },
	{ "http://u@a http://v:HUSH@b", "http://***@b" },
	{ "a@b", "*@b" }, { "x http://u:HU'SH@h", "x http://***@h" },
	{ "'u:HU://SH@h'", "'***@h'" },
};

static void
test_secrets(void)
{
	char copy[128];

	for (size_t i = 0; i < sizeof(userinfo) / sizeof(*userinfo); i++) {
		snprintf(copy, sizeof(copy), "%s", userinfo[i].text);
		str_mask_userinfo(copy);
		is_str(copy, userinfo[i].masked, userinfo[i].masked);
	}
}

static void
test_utf8(void)
{
	is_int((long long)str_utf8_step("", 0), 0, "no character");
	is_int((long long)str_utf8_step("ab", 2), 1, "one byte");
	is_int((long long)str_utf8_step("\xc3\xa9x", 3), 2, "two");
	is_int((long long)str_utf8_step("\xf0\x9f\x98\x80", 4), 4, "four");
	is_int((long long)str_utf8_step("\xf0\x9f\x98\x80", 3), 0, "cut");
	is_int((long long)str_utf8_step("\xed\xa0\x80", 3), 0,
	    "a surrogate");
	is_int((long long)str_utf8_step("\x80", 1), 0, "no beginning");
	ok(str_is_utf8("eight by\xc3\xa9", 10) &&
	    !str_is_utf8("eight by\xc3", 9), "a whole text");
}

int
main(void)
{
	int64_t ms;
	size_t bytes;
	uint64_t n;
	double d;

	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++)
		ok(str_duration_ms(durations[i].text, &ms) == 0 &&
		    ms == durations[i].ms, "duration %s", durations[i].text);
	for (size_t i = 0; i < sizeof(no_durations) / sizeof(char *); i++)
		ok(str_duration_ms(no_durations[i], &ms) == -1,
		    "no duration: '%s'", no_durations[i]);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ok(str_size(sizes[i].text, &bytes) == 0 &&
		    bytes == sizes[i].bytes, "size %s", sizes[i].text);
	for (size_t i = 0; i < sizeof(no_sizes) / sizeof(char *); i++)
		ok(str_size(no_sizes[i], &bytes) == -1, "no size: '%s'",
		    no_sizes[i]);
	ok(str_number("18446744073709551615", UINT64_MAX, &n) == 0 &&
	    n == UINT64_MAX, "the largest number");
	is_int(str_number("18446744073709551616", UINT64_MAX, &n), -1,
	    "and one more");
	is_int(str_number("11", 10, &n), -1, "over the limit");
	is_int(str_number("1x", 10, &n), -1, "not all digits");
	ok(str_decimal("0.25", &d) == 0 && d > 0.24 && d < 0.26, "decimal");
	is_int(str_decimal("0.25x", &d), -1, "no decimal");
	ok(str_starts("gc:open", "gc:") && !str_starts("gc", "gc:") &&
	    str_ends("x_total", "_total") && !str_ends("l", "_total"),
	    "prefix and suffix");
	ok(!str_needs_shell("gc-reconcile -j 8 --rate=240") ==
	    str_needs_shell("a | b"), "a pipe wants a shell");
	ok(!str_needs_shell("gc-token -r"), "words do not");
	test_backoff();
	test_secrets();
	test_utf8();
	return done();
}
