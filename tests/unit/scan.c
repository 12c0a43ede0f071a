/* The scanner's verdicts, and libjq's beside each: whatever it accepts
 * libjq accepts, with the same values. */
#include <stdlib.h>

#include "lib/json.h"
#include "lib/scan.h"
#include "tests/tap.h"

enum { EVENT, DATA, USER, N, COUNT };
static const struct scan_key keys[COUNT] = {
	[EVENT] = SCAN_KEY("event", -1), [DATA] = SCAN_KEY("data", -1),
	[USER] = SCAN_KEY("userId", DATA), [N] = SCAN_KEY("n", -1),
};

static const struct scan_step usual[] = {
	SCAN_STEP_INTO("", "{\"topic\":", SCAN_NO_ROW, -1),
	SCAN_STEP(",\"event\":", EVENT),
	SCAN_STEP_INTO(",\"data\":", "{\"userId\":", USER, DATA),
	SCAN_STEP(",\"x\":", SCAN_NO_ROW),
	SCAN_STEP(",\"reason\":", SCAN_NO_ROW),
	{ NULL, 0, 0, 0, 0 }
};

static const struct { const char *text; bool good; } cases[] = {
	{ "{}", true }, { " \t{ } \r", true },
	{ "{\"event\":\"a\"}", true },
	{ "{\"event\":\"a\",\"event\":\"b\"}", true },
	{ "{\"\\u0065vent\":\"a\"}", true },
	{ "{\"data\":{\"userId\":\"x\"},\"data\":{}}", true },
	{ "{\"data\":{\"userId\":\"x\"},\"data\":null}", true },
	{ "{\"data\":[{\"userId\":\"x\"}]}", true },
	{ "{\"x\":{\"userId\":\"no\"},\"data\":{\"userId\":\"yes\"}}", true },
	{ "{\"data\":{\"y\":{\"userId\":\"no\"}}}", true },
	{ "{\"event\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"}", true },
	{ "{\"event\":\"\\ud83d\\ude00 \xf0\x9f\x98\x80\"}", true },
	{ "{\"n\":-0.5e+10}", true }, { "{\"n\":0}", true },
	{ "{\"n\":[1,[2,{}],true,false,null]}", true },
	/* as the steps above have it, and nearly so */
	{ "{\"topic\":\"t\",\"event\":\"e\",\"data\":{\"userId\":\"u\","
	    "\"reason\":null},\"n\":1}", true },
	{ "{\"topic\":\"t\",\"event\":\"e\",\"data\":{\"userId\":\"u\","
	    "\"reason\":null,\"userId\":\"v\"},\"event\":\"f\"}", true },
	{ "{\"topic\":\"t\",\"event\":\"e\",\"data\":{\"userId\":\"u\"},"
	    "\"data\":{}}                ", true },
	{ "{\"topic\":\"t\",\"event\":\"e\\u00e9\",\"data\":{\"userId\":"
	    "\"\\ud83d\\ude00\",\"reason\":\"\"}}", true },
	{ "{\"topic\":null,\"event\":\"e\",\"data\":{\"userId\":7}}     ",
	    true },
	{ "{\"topic\":true,\"event\":-1e2,\"data\":{\"userId\":\"u\",\"x\":17,"
	    "\"reason\":{}}}", true },
	{ "{\"topic\":true,\"event\":[],\"data\":{\"userId\":\"u\",\"x\":17,"
	    "\"reason\":{}}}", true },
	{ "{\"topic\":true,\"event\":1,\"data\":{\"userId\":01,\"x\":17,"
	    "\"reason\":{}}}", false },
	{ "{\"topic\":nul,\"event\":\"e\",\"data\":{\"userId\":\"u\"}}",
	    false },
	{ "{\"topic\":\"t\",\"event\":\"e\",\"data\":{\"userId\":\"u\"    ",
	    false },
	{ "{\"topic\":\"t\",\"event\":\"\x01\",\"data\":{\"userId\":\"\"}}",
	    false },
	{ "{\"topic\":\"t\",\"event\":\"e\"}, \"data\":{\"userId\":\"\"}}",
	    false },
	{ "", false }, { " ", false }, { "[]", false }, { "1", false },
	{ "\"a\"", false }, { "null", false }, { "x", false },
	{ "{", false }, { "{\"a\"", false }, { "{\"a\":", false },
	{ "{\"a\":1", false }, { "{\"a\":\"x", false }, { "{\"a\":1,}", false },
	{ "{,}", false }, { "{\"a\" 1}", false }, { "{a:1}", false },
	{ "{'a':1}", false }, { "{\"a\":1}{}", false }, { "{\"a\":1}]", false },
	{ "{\"a\":[1}", false }, { "{\"a\":[1,]}", false },
	{ "{\"a\":01}", false }, { "{\"a\":1.}", false },
	{ "{\"a\":.5}", false }, { "{\"a\":+1}", false },
	{ "{\"a\":-}", false }, { "{\"a\":1e}", false },
	{ "{\"a\":nan}", false }, { "{\"a\":NaN}", false },
	{ "{\"a\":tru}", false }, { "{\"a\":nulll}", false },
	{ "{\"a\":\"\x01\"}", false }, { "{\"a\":\"\t\"}", false },
	{ "{\"a\":\"\\x\"}", false }, { "{\"a\":\"\\u12g4\"}", false },
	{ "{\"a\":\"\xff\"}", false }, { "{\"a\":\"\xc3\"}", false },
	{ "{\"a\":\"\xc0\xaf\"}", false },
	{ "{\"a\":\"\xed\xa0\x80\"}", false },
	{ "{\"a\":\"\xf4\x90\x80\x80\"}", false },
	{ "\xef\xbb\xbf{}", false },
};

static uint32_t seed = 7;

static uint32_t
below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* The string at a path, as libjq has it and as the slice has it. */
static bool
same_text(const char *text, size_t len, const char *path, struct slice s)
{
	char *theirs = NULL;
	const struct json_field f = { path, JSON_STRING, &theirs, NULL };
	struct buf ours;
	bool same;

	if (json_read(text, len, &f, 1, NULL) == -1)
		return false;
	buf_init(&ours, 1 << 20);
	if (s.kind != SCAN_STRING)
		same = theirs == NULL;
	else if (slice_unescape(s, &ours) == -1)
		same = true;	/* a lone surrogate or NUL: no id of ours */
	else
		same = theirs != NULL && strlen(theirs) == ours.len &&
		    memcmp(theirs, ours.data ? ours.data : "", ours.len) == 0;
	free(theirs);
	buf_free(&ours);
	return same;
}

/* Do the usual steps change anything? */
static bool
steps_agree(const char *text, size_t len, enum scan_verdict verdict,
    const struct slice *v)
{
	struct slice w[COUNT];

	if (scan_usual(text, len, keys, COUNT, usual, w) != verdict)
		return false;
	for (size_t i = 0; i < COUNT && verdict == SCAN_OK; i++)
		if (w[i].kind != v[i].kind || w[i].p != v[i].p ||
		    w[i].len != v[i].len || w[i].escaped != v[i].escaped)
			return false;
	return true;
}

/* The rule, on an exactly sized copy so that reading on is caught. */
static bool
agrees(const char *text, size_t len, enum scan_verdict *verdict)
{
	struct slice v[COUNT];
	char *copy = malloc(len ? len : 1);
	bool fine = true;

	memcpy(copy, text, len);
	*verdict = scan_object(copy, len, keys, COUNT, v);
	/* libjq takes a lone surrogate in some places and not in others, and
	 * counts depth in its own way */
	if (*verdict == SCAN_OK && json_compact(copy, len, NULL) == -1)
		fine = memmem(copy, len, "\\ud", 3) != NULL ||
		    memmem(copy, len, "\\uD", 3) != NULL || len > 500;
	else if (*verdict == SCAN_OK)
		fine = same_text(copy, len, "event", v[EVENT]) &&
		    same_text(copy, len, "data.userId", v[USER]);
	fine = fine && steps_agree(copy, len, *verdict, v);
	free(copy);
	return fine;
}

static void
test_depth(int deep, bool good)
{
	char text[1024] = "{\"a\":";
	enum scan_verdict verdict;
	size_t n = strlen(text);
	bool fine;

	for (int i = 1; i < deep; i++)
		text[n++] = '[';
	for (int i = 1; i < deep; i++)
		text[n++] = ']';
	text[n++] = '}';
	fine = agrees(text, n, &verdict);
	ok(fine && (verdict == SCAN_OK) == good,
	    "%d deep: %s", deep, scan_reason(verdict));
	if (!good)
		is_int(verdict, SCAN_DEEP, "for that reason");
}

static void
test_mutations(void)
{
	static const char *const seeds[] = {
		"{\"event\":\"r\\u00e9\",\"data\":{\"userId\":\"a\xc3\xa9\","
		    "\"n\":-1.5e3,\"q\":null,\"l\":[1,{\"x\":true}]}}",
		"{\"data\":{\"userId\":\"\\ud83d\\ude00\"},\"event\":\"gc:x\","
		    "\"n\":[[],{},\"\",0]}",
		"{\"topic\":null,\"event\":\"r\\u00e9\",\"data\":{\"userId\":"
		    "\"a\xc3\xa9\",\"reason\":\"\",\"q\":null},\"n\":-1.5}",
	};
	char text[256];
	enum scan_verdict verdict;
	int wrong = 0, accepted = 0;

	for (int i = 0; i < 20000; i++) {
		const char *from = seeds[below(3)];
		size_t len = strlen(from);

		memcpy(text, from, len);
		for (uint32_t k = below(4); k > 0; k--)
			text[below((uint32_t)len)] = (char)(below(3) ?
			    (int)below(256) : "{}[]\",:\\0e-"[below(11)]);
		if (below(4) == 0)
			len = below((uint32_t)len + 1);
		if (!agrees(text, len, &verdict) && wrong++ == 0)
			printf("# %.*s\n", (int)len, text);
		accepted += verdict == SCAN_OK;
	}
	is_int(wrong, 0, "20000 mutations: what we accept libjq accepts");
	ok(accepted > 2000, "and %d were accepted", accepted);
}

static void
test_walk(void)
{
	static const char text[] =
	    "{\"data\": {\"a\":1, \"b\" : {\"c\":\"}]\\\"\"} ,\"d\":[]}}";
	struct slice v[COUNT], key, value;
	const char *at;
	char seen[64] = "";

	scan_object(text, sizeof(text) - 1, keys, COUNT, v);
	for (at = v[DATA].p + 1; slice_next(v[DATA], &at, &key, &value);)
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
		    "%.*s=%.*s;", (int)key.len, key.p, (int)value.len,
		    value.p);
	is_str(seen, "a=1;b={\"c\":\"}]\\\"\"};d=[];", "members in order");
}

/* Whatever stands anywhere between the bytes of a usual line. */
static void
test_inserted(void)
{
	static const char line[] = "{\"topic\":\"t\",\"event\":\"e\",\"data\":"
	    "{\"userId\":\"u\",\"x\":null,\"reason\":-1.5e3},\"at\":true}";
	static const char bytes[] = " \t\r\n{}[]\",:\\x0-n\x01\xc3";
	char text[sizeof(line) + 1];
	struct slice v[COUNT];
	int wrong = 0, fine = 0;

	for (size_t i = 0; i < sizeof(line); i++)
		for (const char *c = bytes; *c != '\0'; c++) {
			memcpy(text, line, i);
			text[i] = *c;
			memcpy(text + i + 1, line + i, sizeof(line) - i);
			enum scan_verdict verdict = scan_object(text,
			    sizeof(line), keys, COUNT, v);

			fine += verdict == SCAN_OK;
			wrong += !steps_agree(text, sizeof(line), verdict, v);
		}
	is_int(wrong, 0, "a byte more, anywhere: the steps change nothing");
	ok(fine > 100, "in many lines that are well formed (%d)", fine);
}

int
main(void)
{
	enum scan_verdict verdict;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool fine = agrees(cases[i].text, strlen(cases[i].text),
		    &verdict);

		ok(fine && (verdict == SCAN_OK) == cases[i].good, "%s: %s",
		    cases[i].text, scan_reason(verdict));
	}
	test_depth(256, true);
	test_depth(257, false);
	test_mutations();
	test_walk();
	test_inserted();
	return done();
}
