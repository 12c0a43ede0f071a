/*
 * The scanner against libjq: the same verdict and the same values.
 *
 * One way: what the scanner accepts libjq accepts, with the same strings at
 * the wanted places.  Other way: what libjq accepts is not always strict
 * JSON (tests/unit/scan.c lists where), but libjq's own writing of it is,
 * and that the scanner must accept, with the same strings again.
 * Let off: lone surrogates, which libjq takes in some places and not in
 * others, and depth, which it counts in its own way.
 */
#include "lib/json.h"
#include "lib/scan.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (1 << 20)
#define DEEP 100		/* brackets: more is not compared */

enum { EVENT, DATA, USER, TIME, KEYS };
static const struct scan_key keys[KEYS] = {
	[EVENT] = { "event", -1 }, [DATA] = { "data", -1 },
	[USER] = { "userId", DATA }, [TIME] = { "timestamp", DATA },
};
static const struct { int row; const char *path; } strings[] = {
	{ EVENT, "event" }, { USER, "data.userId" },
	{ TIME, "data.timestamp" },
};

static bool
is_comparable(const char *text, size_t len)
{
	size_t brackets = 0;

	for (size_t i = 0; i < len; i++)
		brackets += text[i] == '{' || text[i] == '[';
	return brackets < DEEP && memmem(text, len, "\\ud", 3) == NULL &&
	    memmem(text, len, "\\uD", 3) == NULL;
}

static void
compare_string(const char *text, size_t len, const char *path, struct slice s)
{
	char *theirs = NULL;
	const struct json_field f = { path, JSON_STRING, &theirs, NULL };
	struct buf ours;

	buf_init(&ours, TEXT_MAX);
	if (json_read(text, len, &f, 1, NULL) == -1)
		abort();
	/* a NUL character is no text of ours, nor of json_read's */
	if (s.kind == SCAN_STRING && slice_unescape(s, &ours) == 0 &&
	    (theirs == NULL || strlen(theirs) != ours.len ||
	    (ours.len > 0 && memcmp(theirs, ours.data, ours.len) != 0)))
		abort();
	if (s.kind != SCAN_STRING && theirs != NULL)
		abort();
	free(theirs);
	buf_free(&ours);
}

static bool
compare(const char *text, size_t len)
{
	struct slice v[KEYS];

	if (scan_object(text, len, keys, KEYS, v) != SCAN_OK)
		return false;
	if (is_comparable(text, len))
		for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]);
		    i++)
			compare_string(text, len, strings[i].path,
			    v[strings[i].row]);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct buf written;

	buf_init(&written, TEXT_MAX);
	compare(text, size);
	if (size < TEXT_MAX / 8 && is_comparable(text, size) &&
	    json_compact(text, size, &written) == 0 &&
	    written.data[0] == '{' && !compare(written.data, written.len))
		abort();
	buf_free(&written);
	return 0;
}
