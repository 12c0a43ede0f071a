/*
 * Time: readings of the clocks, and RFC 3339 text to and fro.
 *
 * Only cmd/ and lib/log read a clock; everything else takes the time as an
 * argument.  Monotonic times are for deadlines, wall times for people and
 * for the `at` of control lines.
 */
#ifndef GC_CLOCK_H
#define GC_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_RFC3339_LEN 24	/* 2024-06-15T14:32:10.000Z */
#define CLOCK_NEVER INT64_MAX	/* a deadline that does not come */

/* A moment to the nanosecond; UTC, proleptic Gregorian, no leap seconds. */
struct stamp {
	int64_t sec;		/* since 1970-01-01T00:00:00Z */
	int32_t nsec;		/* 0 to 999999999 */
};

int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void);

/* Milliseconds until deadline for poll(2): 0 when past, -1 for never. */
int clock_poll_ms(int64_t now_ms, int64_t deadline_ms);

/*
 * RFC 3339 date-time of exactly len bytes: any offset, 0 to 9 fractional
 * digits, `t` and `z` too; `:60` is the last nanosecond before the next
 * minute (CONTRACT section 2).  -1 if it is no such thing or names a day
 * or hour that does not exist.
 */
int clock_parse(const char *text, size_t len, struct stamp *out);

/* <0, 0, >0 */
int stamp_cmp(struct stamp a, struct stamp b);

/* a - b in milliseconds, rounded down. */
int64_t stamp_diff_ms(struct stamp a, struct stamp b);
struct stamp stamp_of_ms(int64_t wall_ms);
int64_t stamp_to_ms(struct stamp s);

/* UTC with milliseconds into out, NUL-terminated. */
void clock_format_ms(int64_t wall_ms, char out[CLOCK_RFC3339_LEN + 1]);

#endif
