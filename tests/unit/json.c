/* libjq as the suite uses it: fields of objects, programs, compact texts. */
#include <stdlib.h>

#include "lib/json.h"
#include "lib/str.h"
#include "tests/tap.h"

/* Field "f" (or a path), as each kind: NULL or untouched where it is not. */
#define ABSENT 99
static const struct {
	const char *text, *path, *string;
	int64_t integer;
	int flag;
} reads[] = {
	{ "{\"f\":\"x\"}", "f", "x", ABSENT, ABSENT },
	{ "{\"f\":\"\"}", "f", "", ABSENT, ABSENT },
	{ "{\"f\":\"\\u00e9\\n\"}", "f", "\xc3\xa9\n", ABSENT, ABSENT },
	{ "{\"f\":\"a\\u0000b\"}", "f", NULL, ABSENT, ABSENT },
	{ "{\"f\":7}", "f", NULL, 7, ABSENT },
	{ "{\"f\":-7.9}", "f", NULL, -7, ABSENT },
	{ "{\"f\":8999999999999999}", "f", NULL, 8999999999999999, ABSENT },
	{ "{\"f\":1e300}", "f", NULL, ABSENT, ABSENT },
	{ "{\"f\":true}", "f", NULL, ABSENT, 1 },
	{ "{\"f\":false}", "f", NULL, ABSENT, 0 },
	{ "{\"f\":null}", "f", NULL, ABSENT, ABSENT },
	{ "{\"f\":[1]}", "f", NULL, ABSENT, ABSENT },
	{ "{\"f\":\"7\"}", "f", "7", ABSENT, ABSENT },
	{ "{}", "f", NULL, ABSENT, ABSENT },
	{ "{\"F\":1}", "f", NULL, ABSENT, ABSENT },
	{ "{\"f\":\"old\",\"f\":\"new\"}", "f", "new", ABSENT, ABSENT },
	{ "{\"a\":{\"b\":{\"c\":3}}}", "a.b.c", NULL, 3, ABSENT },
	{ "{\"a\":{\"b\":3}}", "a.b.c", NULL, ABSENT, ABSENT },
	{ "{\"a\":null}", "a.b", NULL, ABSENT, ABSENT },
	{ "{\"a\":[{\"b\":3}]}", "a.b", NULL, ABSENT, ABSENT },
};

static const char *const no_objects[] = { "", " ", "[]", "null", "3",
    "\"x\"", "{", "{\"a\":}", "{}{}", "{} x", "\xff" };

/* A program on a text: its lines, or 65 and why. */
static const struct { const char *program, *text, *out, *why; } runs[] = {
	{ ".", "{\"b\":1,\"a\":[1, 2]}", "{\"b\":1,\"a\":[1,2]}\n", NULL },
	{ ".a, .b", "{\"a\":1,\"b\":\"x\"}", "1\n\"x\"\n", NULL },
	{ ".[]", "[1,2,3]", "1\n2\n3\n", NULL },
	{ "empty", "{}", "", NULL },
	{ ".x", "{}", "null\n", NULL },
	{ "{id: $id}", "null", "{\"id\":\"q\\\"1\"}\n", NULL },
	{ "$other + $id", "null", "\"oq\\\"1\"\n", NULL },
	{ "\"a\\nb\"", "null", "\"a\\nb\"\n", NULL },
	{ ".a.b", "{\"a\":3}", "", "annot index number" },
	{ "error(\"no such agent\")", "{}", "", "no such agent" },
	{ "1, error(\"late\")", "{}", "1\n", "late" },
	{ "error({a:1})", "{}", "", "{\"a\":1}" },
	{ ".", "{", "", "not JSON" }, { ".", "", "", "not JSON" },
	{ ".", "1 2", "", "not JSON" },
	/* what reaches out of a program finds nothing, and no way to crash */
	{ "try input catch \"none\"", "{}", "\"none\"\n", NULL },
	{ "[inputs]", "{}", "[]\n", NULL },
	{ "debug", "{}", "{}\n", NULL },
	{ "halt", "{}", "", NULL },
	{ "input_filename", "{}", "null\n", NULL },
	{ "get_search_list", "{}", "[]\n", NULL },
};

/* Programs that cannot be had: 78, and no crash. */
static const char *const no_programs[] = { ".a |", "$nobody",
    "include \"a\"; .", "import \"a\" as a; .", "import \"a\" as $a; .",
    "include \"a\" {search: \"./\"}; ." };

static void
test_reads(void)
{
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		const char *want = reads[i].string;
		char *string = NULL;
		int64_t integer = ABSENT;
		bool flag = false, seen[3], fine;
		const struct json_field fields[] = {
			{ reads[i].path, JSON_STRING, &string, &seen[0] },
			{ reads[i].path, JSON_INTEGER, &integer, &seen[1] },
			{ reads[i].path, JSON_BOOL, &flag, &seen[2] },
		};

		fine = json_read(reads[i].text, strlen(reads[i].text), fields,
		    3, NULL) == 0;
		ok(fine && seen[0] == (want != NULL) &&
		    (want == NULL ? string == NULL :
		    string != NULL && strcmp(string, want) == 0) &&
		    seen[1] == (reads[i].integer != ABSENT) &&
		    integer == reads[i].integer &&
		    seen[2] == (reads[i].flag != ABSENT) &&
		    flag == (reads[i].flag == 1), "%s of %s", reads[i].path,
		    reads[i].text);
		free(string);
	}
}

static void
test_no_objects(void)
{
	for (size_t i = 0; i < sizeof(no_objects) / sizeof(char *); i++) {
		char *s = (char *)"left over";
		const struct json_field f = { "s", JSON_STRING, &s, NULL };
		struct err e = { 0, "" };

		ok(json_read(no_objects[i], strlen(no_objects[i]), &f, 1,
		    &e) == -1 && e.code == GC_EX_DATAERR && s == NULL,
		    "'%s': 65", no_objects[i]);
	}
}

static void
test_runs(void)
{
	static const char *const args[] = { "id", "q\"1", "other", "o", NULL };
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct err e = { 0, "" };
		struct json_program *p = json_program_new(runs[i].program,
		    args, &e);
		int status, again;

		if (!ok(p != NULL, "%s %s", runs[i].program, e.msg))
			continue;
		buf_reset(&out);
		status = json_program_run(p, runs[i].text,
		    strlen(runs[i].text), &out, &e);
		is_str(out.data ? out.data : "", runs[i].out, "its lines");
		ok(runs[i].why == NULL ? status == 0 : status == -1 &&
		    e.code == GC_EX_DATAERR &&
		    strstr(e.msg, runs[i].why) != NULL, "its end: %s",
		    e.msg);
		again = json_program_run(p, runs[i].text,
		    strlen(runs[i].text), &out, &e);
		is_int(again, status, "the same once more");
		json_program_free(p);
	}
	buf_free(&out);
}

/* One program for many texts: an error in one is none in the next. */
static void
test_goes_on(void)
{
	struct err e;
	struct json_program *p = json_program_new(".a | tonumber", NULL, &e);
	struct buf out;

	buf_init(&out, 8);
	is_int(json_program_run(p, "{\"a\":\"x\"}", 9, &out, &e), -1, "no");
	is_int(json_program_run(p, "{", 1, &out, &e), -1, "nor this");
	is_int(json_program_run(p, "{\"a\":\"12\"}", 10, &out, &e), 0, "yes");
	is_str(out.data, "12\n", "its output alone");
	is_int(json_program_run(p, "{\"a\":1234567}", 13, &out, &e), -1,
	    "more than the cap");
	ok(strstr(e.msg, "too long") != NULL, "is told: %s", e.msg);
	json_program_free(p);
	buf_free(&out);
	json_program_free(NULL);
}

static void
test_no_programs(void)
{
	for (size_t i = 0; i < sizeof(no_programs) / sizeof(char *); i++) {
		struct err e = { 0, "" };

		ok(json_program_new(no_programs[i], NULL, &e) == NULL &&
		    e.code == GC_EX_CONFIG && e.msg[0] != '\0',
		    "'%s': 78: %s", no_programs[i], e.msg);
	}
}

/* An error is cut between two characters, wherever the limit falls. */
static void
test_cut(void)
{
	static const char *const programs[] = { "error(\"\u00e9\" * 300)",
	    "error(\"a\" + \"\u00e9\" * 300)",
	    "error(\"a\" + \"\u20ac\" * 300)",
	    "error({a: (\"\u20ac\" * 300)})" };
	struct buf out;

	buf_init(&out, 64);
	for (size_t i = 0; i < sizeof(programs) / sizeof(char *); i++) {
		struct err e = { 0, "" };
		struct json_program *p = json_program_new(programs[i], NULL,
		    &e);

		is_int(json_program_run(p, "{}", 2, &out, &e), -1,
		    programs[i]);
		ok(strlen(e.msg) > 200 && str_is_utf8(e.msg, strlen(e.msg)),
		    "is told in whole characters: %s", e.msg);
		json_program_free(p);
	}
	buf_free(&out);
}

static void
test_compact(void)
{
	struct buf out;

	buf_init(&out, 12);
	is_int(json_compact(" [ 1 ,\n\"x\" ] ", 13, &out), 0, "white space");
	is_str(out.data, "[1,\"x\"]", "goes");
	is_int(json_compact("[1", 2, NULL), -1, "no JSON");
	is_int(json_compact("[1]", 3, NULL), 0, "the verdict alone");
	is_int(json_compact("\"much too long\"", 15, &out), -1, "the cap");
	buf_free(&out);
}

int
main(void)
{
	test_reads();
	test_no_objects();
	test_runs();
	test_goes_on();
	test_no_programs();
	test_cut();
	test_compact();
	return done();
}
