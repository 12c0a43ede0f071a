/*
 * late [-s SKIP]: how late each line of stdin is, by the first timestamp in
 * it, which blast wrote when it sent the line: p50, p99 and the most, in
 * microseconds.  The first SKIP lines are not counted: programs warm up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/ndjson.h"
#include "lib/str.h"

#define LINES_MAX 1000000

static const char key[] = "imestamp\":\"";

static double late[LINES_MAX];
static size_t count;

static double
microseconds(struct timespec now, struct stamp then)
{
	return (double)(now.tv_sec - then.sec) * 1e6 +
	    (double)(now.tv_nsec - then.nsec) / 1e3;
}

static void
one_line(const char *line, size_t len, struct timespec now)
{
	const char *p = memmem(line, len, key, sizeof(key) - 1), *end;
	struct stamp then;

	if (p == NULL || count == LINES_MAX)
		return;
	p += sizeof(key) - 1;
	end = memchr(p, '"', len - (size_t)(p - line));
	if (end != NULL && clock_parse(p, (size_t)(end - p), &then) == 0)
		late[count++] = microseconds(now, then);
}

static int
by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return (a > b) - (a < b);
}

int
main(int argc, char **argv)
{
	uint64_t skip = 0;
	enum ndjson_got got;
	struct timespec now = { 0 };
	struct ndjson_in in;
	const char *line;
	size_t len, raw, n;

	if (getopt(argc, argv, "s:") == 's' &&
	    str_number(optarg, LINES_MAX, &skip) == -1)
		return GC_EX_USAGE;
	ndjson_in_init(&in, STDIN_FILENO);
	while ((got = ndjson_next(&in, &line, &len, &raw)) != NDJSON_END)
		if (got == NDJSON_MORE) {
			ndjson_fill(&in);
			clock_gettime(CLOCK_REALTIME, &now);
		} else if (got == NDJSON_LINE) {
			one_line(line, len, now);
		}
	ndjson_in_free(&in);
	if (count <= skip)
		return GC_EX_DATAERR;
	n = count - skip;
	qsort(late + skip, n, sizeof(*late), by_value);
	printf("{\"lines\":%zu,\"p50\":%.1f,\"p99\":%.1f,\"most\":%.1f}\n", n,
	    late[skip + n / 2], late[skip + n * 99 / 100], late[skip + n - 1]);
	return GC_EX_OK;
}
