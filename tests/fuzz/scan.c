/*
 * The scanner against libjq: the same verdict and the same values.
 *
 * One way: what the scanner accepts libjq accepts, with the same strings at
 * the wanted places.  Other way: what libjq accepts is not always strict
 * JSON (tests/unit/scan.c lists where), but libjq's own writing of it is,
 * and that the scanner must accept, with the same strings again.
 * And the usual steps, which are those of an event, change nothing.
 * Let off: lone surrogates, which libjq takes in some places and not in
 * others, and depth, which it counts in its own way.
 *
 * And against itself: member by member the same is found, and wherever the
 * text stands in memory.
 */
#include "lib/json.h"
#include "lib/scan.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (1 << 20)
#define DEEP 100		/* brackets: more is not compared */

enum { EVENT, DATA, USER, TIME, SEQ, DEEPER, KEYS };
static const struct scan_key keys[KEYS] = {
	[EVENT] = SCAN_KEY("event", -1), [DATA] = SCAN_KEY("data", -1),
	[USER] = SCAN_KEY("userId", DATA), [TIME] = SCAN_KEY("timestamp", DATA),
	[SEQ] = SCAN_KEY("seq", -1), [DEEPER] = SCAN_KEY("event", USER),
};
static const struct scan_step usual[] = {
	SCAN_STEP_INTO("", "{\"subscriptionId\":", SCAN_NO_ROW, -1),
	SCAN_STEP(",\"event\":", EVENT),
	SCAN_STEP_INTO(",\"data\":", "{\"userId\":", USER, DATA),
	SCAN_STEP(",\"status\":", SCAN_NO_ROW),
	SCAN_STEP(",\"previousStatus\":", SCAN_NO_ROW),
	SCAN_STEP(",\"timestamp\":", TIME),
	{ NULL, 0, 0, 0, 0 }
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
	require(json_read(text, len, &f, 1, NULL) == 0);
	/* a NUL character is no text of ours, nor of json_read's */
	if (s.kind == SCAN_STRING && slice_unescape(s, &ours) == 0)
		require(theirs != NULL && strlen(theirs) == ours.len &&
		    (ours.len == 0 ||
		    memcmp(theirs, ours.data, ours.len) == 0));
	require(s.kind == SCAN_STRING || theirs == NULL);
	free(theirs);
	buf_free(&ours);
}

static void
compare_number(const char *text, size_t len, struct slice s)
{
	int64_t theirs = -1;
	const struct json_field f = { "seq", JSON_INTEGER, &theirs, NULL };
	uint64_t ours;

	/* lib/json takes no number above 9e15 for an integer */
	if (slice_number(s, &ours) == 0 && ours < 9000000000000000)
		require(json_read(text, len, &f, 1, NULL) == 0 &&
		    theirs == (int64_t)ours);
}

static bool
same_slice(struct slice a, struct slice b)
{
	return a.kind == b.kind && (a.kind == SCAN_ABSENT ||
	    (a.p == b.p && a.len == b.len && a.escaped == b.escaped));
}

/* The last member of that name, by walking over them all. */
static struct slice
walk_to(struct slice object, const char *name)
{
	struct slice key, value, found = { 0 };
	const char *at = object.p + 1;

	while (slice_next(object, &at, &key, &value))
		if (slice_is(key, name))
			found = value;
	return found;
}

static void
check_walk(const char *text, size_t len, const struct slice *v)
{
	const char *from = memchr(text, '{', len);
	const char *to = memrchr(text, '}', len);
	struct slice top = { from, (uint32_t)(to + 1 - from), SCAN_OBJECT,
	    false }, object, found;

	for (size_t i = 0; i < KEYS; i++) {
		object = keys[i].in == -1 ? top : v[keys[i].in];
		found = (struct slice){ 0 };
		if (object.kind == SCAN_OBJECT)
			found = walk_to(object, keys[i].name);
		require(same_slice(found, v[i]));
	}
}

/* Wide reads depend on where the text begins and ends. */
static void
check_moved(const char *text, size_t len, enum scan_verdict verdict,
    const struct slice *v)
{
	size_t by = 1 + len % 31;
	char *room = xmalloc(by + len), *moved = room + by;
	struct slice w[KEYS];

	memset(room, '"', by);
	memcpy(moved, text, len);
	require(scan_object(moved, len, keys, KEYS, w) == verdict);
	for (size_t i = 0; verdict == SCAN_OK && i < KEYS; i++) {
		if (w[i].kind != SCAN_ABSENT)
			w[i].p = text + (w[i].p - moved);
		require(same_slice(v[i], w[i]));
	}
	free(room);
}

static void
compare_steps(const char *text, size_t len, enum scan_verdict verdict,
    const struct slice *v)
{
	struct slice w[KEYS];

	require(scan_usual(text, len, keys, KEYS, usual, w) == verdict);
	for (size_t i = 0; i < KEYS && verdict == SCAN_OK; i++)
		require(same_slice(v[i], w[i]));
}

static bool
compare(const char *text, size_t len)
{
	struct slice v[KEYS];
	enum scan_verdict verdict = scan_object(text, len, keys, KEYS, v);

	compare_steps(text, len, verdict, v);
	check_moved(text, len, verdict, v);
	if (verdict != SCAN_OK)
		return false;
	check_walk(text, len, v);
	if (!is_comparable(text, len))
		return true;
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		compare_string(text, len, strings[i].path,
		    v[strings[i].row]);
	compare_number(text, len, v[SEQ]);
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
	    written.data[0] == '{')
		require(compare(written.data, written.len));
	buf_free(&written);
	return 0;
}
