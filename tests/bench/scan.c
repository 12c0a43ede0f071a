/*
 * scan split|strict|libjq [FILE]: what it costs to find the five members that
 * the tools live on in each line, and nothing else.  The lines of FILE, read
 * beforehand, or, without FILE, those of stdin as a filter reads them.
 * Prints the seconds and a sum over what was found, which every parser must
 * agree on: of each string its length times 131, its first and last byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jv.h>

#include "lib/die.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/ndjson.h"
#include "lib/scan.h"

#define FILE_MAX ((size_t)1 << 31)

static const struct scan_key keys[] = {
	SCAN_KEY("data", -1), SCAN_KEY("userId", 0), SCAN_KEY("status", 0),
	SCAN_KEY("previousStatus", 0), SCAN_KEY("timestamp", 0),
	SCAN_KEY("queueId", 0),
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static uint64_t sum, lines;

static void
add(const char *p, size_t len)
{
	if (len > 0)
		sum += len * 131 + (unsigned char)p[0] +
		    (unsigned char)p[len - 1];
}

static void
scan_split(const char *line, size_t len)
{
	(void)line;
	sum += len;
}

static void
scan_strict(const char *line, size_t len)
{
	struct slice found[KEYS];

	if (scan_object(line, len, keys, KEYS, found) != SCAN_OK)
		return;
	for (size_t i = 1; i < KEYS; i++)
		if (found[i].kind == SCAN_STRING)
			add(found[i].p, found[i].len);
}

static void
scan_libjq(const char *line, size_t len)
{
	jv data = jv_object_get(jv_parse_sized(line, (int)len),
	    jv_string("data"));
	jv value;

	for (size_t i = 1; i < KEYS; i++) {
		value = jv_object_get(jv_copy(data), jv_string(keys[i].name));
		if (jv_get_kind(value) == JV_KIND_STRING)
			add(jv_string_value(value), (size_t)
			    jv_string_length_bytes(jv_copy(value)));
		jv_free(value);
	}
	jv_free(data);
}

static const struct {
	const char *name;
	void (*scan)(const char *line, size_t len);
} parsers[] = {
	{ "split", scan_split }, { "strict", scan_strict },
	{ "libjq", scan_libjq },
};

static void
scan_text(const char *p, size_t len, void (*scan)(const char *, size_t))
{
	const char *end = p + len, *newline;

	for (; (newline = memchr(p, '\n', (size_t)(end - p))) != NULL;
	    p = newline + 1) {
		scan(p, (size_t)(newline - p));
		lines++;
	}
}

static void
scan_stdin(void (*scan)(const char *, size_t))
{
	enum ndjson_got got;
	struct ndjson_in in;
	const char *line;
	size_t len, raw;

	ndjson_in_init(&in, STDIN_FILENO);
	while ((got = ndjson_next(&in, &line, &len, &raw)) != NDJSON_END)
		if (got == NDJSON_MORE) {
			ndjson_fill(&in);
		} else if (got == NDJSON_LINE) {
			scan(line, len);
			lines++;
		}
	ndjson_in_free(&in);
}

static double
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	void (*scan)(const char *, size_t) = NULL;
	double wall, cpu;
	struct buf text;
	struct err e;

	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
		if (argc > 1 && strcmp(argv[1], parsers[i].name) == 0)
			scan = parsers[i].scan;
	if (scan == NULL || argc > 3) {
		fprintf(stderr, "usage: scan split|strict|libjq [FILE]\n");
		return GC_EX_USAGE;
	}
	buf_init(&text, FILE_MAX);
	if (argc == 3 && file_read(argv[2], &text, &e) == -1)
		die_err(&e);
	wall = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	if (argc == 3)
		scan_text(text.data, text.len, scan);
	else
		scan_stdin(scan);
	printf("{\"wall\":%.6f,\"cpu\":%.6f,\"lines\":%llu,\"sum\":%llu}\n",
	    now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu,
	    (unsigned long long)lines, (unsigned long long)sum);
	buf_free(&text);
	return GC_EX_OK;
}
