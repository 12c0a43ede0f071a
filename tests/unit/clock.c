/* RFC 3339 to moments and back. */
#include "lib/clock.h"
#include "tests/tap.h"

static const struct { const char *text; int64_t sec; int32_t nsec; } good[] = {
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "2024-06-15T14:32:10.000Z", 1718461930, 0 },
	{ "2024-06-15t14:32:10z", 1718461930, 0 },
	{ "2024-06-15T16:32:10+02:00", 1718461930, 0 },
	{ "2024-06-15T09:02:10.5-05:30", 1718461930, 500000000 },
	{ "2024-06-15T14:32:10.123456789Z", 1718461930, 123456789 },
	{ "2024-06-15T14:32:10.000000001Z", 1718461930, 1 },
	{ "2024-02-29T00:00:00Z", 1709164800, 0 },
	{ "2000-02-29T00:00:00Z", 951782400, 0 },
	{ "1969-12-31T23:59:59Z", -1, 0 },
	{ "2016-12-31T23:59:60Z", 1483228799, 999999999 },
	{ "2016-12-31T23:59:60.5Z", 1483228799, 999999999 },
	{ "0001-01-01T00:00:00Z", -62135596800, 0 },
	{ "9999-12-31T23:59:59Z", 253402300799, 0 },
};

static const char *const bad[] = {
	"", "2024", "2024-06-15", "2024-06-15 14:32:10Z",
	"2024-06-15T14:32:10", "2024-06-15T14:32Z", "2024-6-15T14:32:10Z",
	"2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
	"2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z",
	"1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z",
	"2024-01-00T00:00:00Z", "2024-01-01T24:00:00Z",
	"2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z",
	"2024-01-01T00:00:00.Z", "2024-01-01T00:00:00.1234567890Z",
	"2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00+01:60",
	"2024-01-01T00:00:00+0100", "2024-01-01T00:00:00Zx",
	"2024-01-01T00:00:00ZZ", "+024-01-01T00:00:00Z",
};

/* Every day of the four-digit years, against what it parses as. */
static void
test_format(void)
{
	const int64_t first = -62167219200, last = 253402300799;
	char text[CLOCK_RFC3339_LEN + 1];
	struct stamp s;
	int wrong = 0;

	for (int64_t sec = first; sec <= last; sec += 86399) {
		clock_format_ms(sec * 1000 + 7, text);
		wrong += clock_parse(text, strlen(text), &s) == -1 ||
		    s.sec != sec || s.nsec != 7000000;
	}
	is_int(wrong, 0, "formatted and parsed, through 10000 years");
	clock_format_ms(last * 1000 + 999, text);
	is_str(text, "9999-12-31T23:59:59.999Z", "to their last moment");
	clock_format_ms(last * 1000 + 1000, text);
	is_str(text, "1970-01-01T00:00:00.000Z", "beyond it there is none");
	clock_format_ms(first * 1000 - 1, text);
	is_str(text, "1970-01-01T00:00:00.000Z", "nor before the first");
}

/* The usual form is read by a way of its own: with any byte at any place it
 * is what the same time is with its offset told in digits. */
static void
test_usual(void)
{
	static const char *const texts[] = { "2024-06-15T14:32:10.003Z",
	    "2023-02-28T23:59:59.999Z", "2100-02-28T19:09:58.120Z" };
	char usual[CLOCK_RFC3339_LEN + 1];
	char told[CLOCK_RFC3339_LEN + 6];
	struct stamp a, b;
	int wrong = 0, taken = 0, got;

	for (size_t t = 0; t < 3; t++)
		for (size_t at = 0; at < CLOCK_RFC3339_LEN - 1; at++)
			for (int c = 0; c < 256; c++) {
				memcpy(usual, texts[t], sizeof(usual));
				usual[at] = (char)c;
				memcpy(told, usual, CLOCK_RFC3339_LEN - 1);
				memcpy(told + CLOCK_RFC3339_LEN - 1, "+00:00",
				    sizeof("+00:00"));
				got = clock_parse(usual, CLOCK_RFC3339_LEN,
				    &a);
				wrong += got != clock_parse(told,
				    CLOCK_RFC3339_LEN + 5, &b) || (got == 0 &&
				    stamp_cmp(a, b) != 0);
				taken += got == 0;
			}
	is_int(wrong, 0, "any byte anywhere: as with the offset in digits");
	ok(taken > 200 && taken < 600, "some are times: %d", taken);
}

int
main(void)
{
	char text[CLOCK_RFC3339_LEN + 1];
	struct stamp s, later = { 5, 2 }, sooner = { 5, 1 };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(clock_parse(good[i].text, strlen(good[i].text), &s) == 0 &&
		    s.sec == good[i].sec && s.nsec == good[i].nsec,
		    "%s", good[i].text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(clock_parse(bad[i], strlen(bad[i]), &s), -1, bad[i]);
	is_int(clock_parse("2024-06-15T14:32:10Zjunk", 20, &s), 0,
	    "no more than len is read");
	clock_format_ms(1718461930007, text);
	is_str(text, "2024-06-15T14:32:10.007Z", "formatted");
	clock_format_ms(-1, text);
	is_str(text, "1969-12-31T23:59:59.999Z", "before 1970");
	test_format();
	test_usual();
	ok(stamp_cmp(later, sooner) > 0 && stamp_cmp(sooner, later) < 0 &&
	    stamp_cmp(later, later) == 0, "moments compare to the ns");
	is_int(stamp_diff_ms((struct stamp){ 2, 0 },
	    (struct stamp){ 1, 500000000 }), 500, "difference");
	is_int(stamp_diff_ms((struct stamp){ 1, 0 },
	    (struct stamp){ 1, 1 }), -1, "is rounded down");
	is_int(stamp_to_ms(stamp_of_ms(-1)), -1, "and there and back");
	is_int(clock_poll_ms(10, CLOCK_NEVER), -1, "never waits for ever");
	is_int(clock_poll_ms(10, 5), 0, "past does not wait");
	is_int(clock_poll_ms(10, 15), 5, "else the rest");
	return done();
}
