#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"

#define NSEC 1000000000
/* The years 0000 to 9999: what has four digits. */
#define FORMAT_MIN (-62167219200 * INT64_C(1000))
#define FORMAT_MAX (253402300800 * INT64_C(1000) - 1)

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t
clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int
clock_poll_ms(int64_t now_ms, int64_t deadline_ms)
{
	if (deadline_ms == CLOCK_NEVER)
		return -1;
	if (deadline_ms <= now_ms)
		return 0;
	return deadline_ms - now_ms > INT_MAX ? INT_MAX :
	    (int)(deadline_ms - now_ms);
}

/* Exactly n digits at *p, and *p moved behind them; -1 if there are not. */
static int
digits(const char **p, const char *end, int n)
{
	int v = 0;

	if (end - *p < n)
		return -1;
	for (; n > 0; n--, (*p)++) {
		unsigned d = (unsigned)(**p - '0');

		if (d > 9)
			return -1;
		v = v * 10 + (int)d;
	}
	return v;
}

static bool
expect(const char **p, const char *end, char a, char b)
{
	if (*p == end || (**p != a && **p != b))
		return false;
	(*p)++;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Days since 1970-01-01; years begin in March so that leap days come last. */
static int64_t
days_since_epoch(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* The fraction in nanoseconds, or -1. */
static int64_t
fraction(const char **p, const char *end)
{
	int64_t ns = 0;
	int n = 0;

	for (; *p < end && (unsigned)(**p - '0') <= 9; (*p)++, n++) {
		if (n == 9)
			return -1;
		ns = ns * 10 + (**p - '0');
	}
	if (n == 0)
		return -1;
	for (; n < 9; n++)
		ns *= 10;
	return ns;
}

/* The offset from UTC in seconds; *ok false if it is none. */
static int
offset(const char **p, const char *end, bool *ok)
{
	int sign, hour, min;

	if (expect(p, end, 'Z', 'z'))
		return 0;
	sign = *p < end && **p == '-' ? -1 : 1;
	if (!expect(p, end, '+', '-') ||
	    (hour = digits(p, end, 2)) < 0 || hour > 23 ||
	    !expect(p, end, ':', ':') ||
	    (min = digits(p, end, 2)) < 0 || min > 59) {
		*ok = false;
		return 0;
	}
	return sign * (hour * 3600 + min * 60);
}

/* A day, and a second of it, that there are. */
static void
set_stamp(struct stamp *out, int year, int month, int day, int64_t sec,
    int64_t ns)
{
	out->sec = days_since_epoch(year, month, day) * 86400 + sec;
	out->nsec = (int32_t)ns;
}

/*
 * Eight bytes of a form at once: where it has a 0 a digit must be, which
 * goes to digit[]; the rest is as it is.  bound[] is what must be added to
 * the difference to reach the top bit where it is too great: 0x76 for a
 * digit, else 0x7f.
 */
static inline bool
is_form(const char *p, const char form[8], const char bound[8],
    unsigned char digit[8])
{
	uint64_t x, y, bounds;

	memcpy(&x, p, sizeof(x));
	memcpy(&y, form, sizeof(y));
	memcpy(&bounds, bound, sizeof(bounds));
	x ^= y;
	memcpy(digit, &x, sizeof(x));
	return (((x + bounds) | x) & UINT64_C(0x8080808080808080)) == 0;
}

static inline int
two(const unsigned char *digit)
{
	return digit[0] * 10 + digit[1];
}

/* A time as the servers write it, 2024-06-15T14:32:10.003Z.  false: it is
 * none, or for the one who looks closer. */
static bool
parse_usual(const char *text, struct stamp *out)
{
	unsigned char d[CLOCK_RFC3339_LEN];
	int year, month, day, hour, min, sec;

	if (!is_form(text, "0000-00-", "vvvv\177vv\177", d) ||
	    !is_form(text + 8, "00T00:00", "vv\177vv\177vv", d + 8) ||
	    !is_form(text + 16, ":00.000Z", "\177vv\177vvv\177", d + 16))
		return false;
	year = two(d) * 100 + two(d + 2);
	month = two(d + 5);
	day = two(d + 8);
	hour = two(d + 11);
	min = two(d + 14);
	sec = two(d + 17);
	if (month < 1 || month > 12 || day < 1 ||
	    (day > 28 && day > days_in_month(year, month)) || hour > 23 ||
	    min > 59 || sec > 59)
		return false;
	set_stamp(out, year, month, day, hour * 3600 + min * 60 + sec,
	    (d[20] * 100 + two(d + 21)) * 1000000);
	return true;
}

int
clock_parse(const char *text, size_t len, struct stamp *out)
{
	const char *p = text, *end = text + len;
	int year, month, day, hour, min, sec, off;
	int64_t ns = 0;
	bool ok = true;

	if (len == CLOCK_RFC3339_LEN && parse_usual(text, out))
		return 0;
	if ((year = digits(&p, end, 4)) < 0 || !expect(&p, end, '-', '-') ||
	    (month = digits(&p, end, 2)) < 1 || month > 12 ||
	    !expect(&p, end, '-', '-') ||
	    (day = digits(&p, end, 2)) < 1 ||
	    day > days_in_month(year, month) ||
	    !expect(&p, end, 'T', 't') ||
	    (hour = digits(&p, end, 2)) < 0 || hour > 23 ||
	    !expect(&p, end, ':', ':') ||
	    (min = digits(&p, end, 2)) < 0 || min > 59 ||
	    !expect(&p, end, ':', ':') ||
	    (sec = digits(&p, end, 2)) < 0 || sec > 60)
		return -1;
	if (p < end && *p == '.') {
		p++;
		if ((ns = fraction(&p, end)) < 0)
			return -1;
	}
	off = offset(&p, end, &ok);
	if (!ok || p != end)
		return -1;
	if (sec == 60) {
		sec = 59;
		ns = NSEC - 1;
	}
	set_stamp(out, year, month, day,
	    hour * 3600 + min * 60 + sec - off, ns);
	return 0;
}

int
stamp_cmp(struct stamp a, struct stamp b)
{
	if (a.sec != b.sec)
		return a.sec < b.sec ? -1 : 1;
	return (a.nsec > b.nsec) - (a.nsec < b.nsec);
}

int64_t
stamp_diff_ms(struct stamp a, struct stamp b)
{
	int64_t ns = (int64_t)a.nsec - b.nsec, ms = ns / 1000000;

	if (ns < 0 && ns % 1000000 != 0)
		ms--;
	return (a.sec - b.sec) * 1000 + ms;
}

struct stamp
stamp_of_ms(int64_t wall_ms)
{
	struct stamp s = { wall_ms / 1000, (int32_t)(wall_ms % 1000) };

	if (s.nsec < 0) {
		s.sec--;
		s.nsec += 1000;
	}
	s.nsec *= 1000000;
	return s;
}

int64_t
stamp_to_ms(struct stamp s)
{
	return s.sec * 1000 + s.nsec / 1000000;
}

/* The other way, for the years 0 to 9999: the date of a day, which
 * days_since_epoch gives again.  The days are counted from 0000-03-01, and
 * years begin there; the first two months are those of the year before. */
static void
date_of(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	const unsigned cycle = 146097;	/* days of 400 years */
	unsigned z = (unsigned)(days + 719468 + cycle), era = z / cycle;
	unsigned doe = z - era * cycle;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned m = (5 * doy + 2) / 153;

	*day = doy - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = yoe + era * 400 + (*month <= 2) - 400;
}

/* Two digits, and what stands behind them. */
static char *
put(char *to, unsigned v, char behind)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
	to[2] = behind;
	return to + 3;
}

void
clock_format_ms(int64_t wall_ms, char out[CLOCK_RFC3339_LEN + 1])
{
	struct stamp s;
	unsigned second, year, month, day, ms;

	if (wall_ms < FORMAT_MIN || wall_ms > FORMAT_MAX)
		wall_ms = 0;
	s = stamp_of_ms(wall_ms);
	second = (unsigned)(((s.sec % 86400) + 86400) % 86400);
	date_of((s.sec - second) / 86400, &year, &month, &day);
	ms = (unsigned)s.nsec / 1000000;
	put(out, year / 100, '-');
	out = put(out + 2, year % 100, '-');
	out = put(out, month, '-');
	out = put(out, day, 'T');
	out = put(out, second / 3600, ':');
	out = put(out, second / 60 % 60, ':');
	out = put(out, second % 60, '.');
	*out++ = (char)('0' + ms / 100);
	out = put(out, ms % 100, 'Z');
	*out = '\0';
}
