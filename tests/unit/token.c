/* Tokens: answers of every shape, how long one is good for, the cache. */
#include <sys/stat.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/token.h"
#include "tests/tap.h"

#define NOW 1718461930000	/* 2024-06-15T14:32:10Z */
#define S 1000
#define OWNER "id@https://login.example"

static char folder[] = "/tmp/gc-token.XXXXXX";
static char path[64];

/* The login host's; life_s 0: refused. */
static const struct { const char *text; int64_t life_s; } answers[] = {
	{ "{\"access_token\":\"a.b-c_d~+/=\",\"token_type\":\"bearer\","
	    "\"expires_in\":86399}", 86399 },
	{ "{\"expires_in\":1,\"access_token\":\"x\"}", 1 },
	{ "{\"access_token\":\"x\",\"expires_in\":3600.5,\"more\":[{}]}",
	    3600 },
	{ " {\"access_token\":\"x\",\"expires_in\":60}\r\n", 60 },
	{ "{\"access_token\":\"x\",\"token_type\":null,\"expires_in\":9}", 9 },
	{ "{\"access_token\":\"x\"}", 0 },
	{ "{\"access_token\":\"x\",\"expires_in\":null}", 0 },
	{ "{\"access_token\":\"x\",\"expires_in\":\"3600\"}", 0 },
	{ "{\"access_token\":\"x\",\"expires_in\":0}", 0 },
	{ "{\"access_token\":\"x\",\"expires_in\":-5}", 0 },
	{ "{\"access_token\":\"x\",\"expires_in\":1e300}", 0 },
	{ "{\"access_token\":\"x\",\"expires_in\":99999999999}", 0 },
	{ "{\"expires_in\":3600}", 0 },
	{ "{\"access_token\":\"\",\"expires_in\":3600}", 0 },
	{ "{\"access_token\":null,\"expires_in\":3600}", 0 },
	{ "{\"access_token\":7,\"expires_in\":3600}", 0 },
	{ "{\"access_token\":\"a b\",\"expires_in\":3600}", 0 },
	{ "{\"access_token\":\"a\\r\\nX-Evil: 1\",\"expires_in\":3600}", 0 },
	{ "{\"access_token\":\"a\\u0000b\",\"expires_in\":3600}", 0 },
	{ "{\"access_token\":\"\\u00e9\",\"expires_in\":3600}", 0 },
	{ "", 0 }, { "null", 0 }, { "[]", 0 }, { "x", 0 }, { "{", 0 },
	{ "<html>503</html>", 0 }, { "{}{}", 0 },
};

/* GC_TOKEN_CMD's; token NULL: refused. */
static const struct {
	const char *text, *token;
	int64_t issued_ms, expires_ms;
} outputs[] = {
	{ "abc", "abc", 0, 0 }, { "abc\n", "abc", 0, 0 },
	{ "abc \t\r\n\n", "abc", 0, 0 },
	{ "{\"event\":\"gc:token\",\"access_token\":\"abc\","
	    "\"issued_at\":\"2024-06-15T14:32:10.000Z\","
	    "\"expires_at\":\"2024-06-15T15:32:10.000Z\"}\n",
	    "abc", NOW, NOW + 3600 * S },
	{ "{\"access_token\":\"abc\",\"issued_at\":null,"
	    "\"expires_at\":null}", "abc", 0, 0 },
	{ "{\"access_token\":\"abc\",\"expires_at\":\"tomorrow\"}",
	    "abc", 0, 0 },
	{ "{\"access_token\":\"abc\"}", "abc", 0, 0 },
	{ "{\"access_token\":\"abc\","
	    "\"issued_at\":\"9999-12-31T23:59:59.999Z\","
	    "\"expires_at\":\"9999-12-31T23:59:59-00:01\"}",
	    "abc", INT64_C(253402300799999), 0 },
	{ "{\"event\":\"gc:token\"}", NULL, 0, 0 },
	{ "{\"access_token\":\"a b\"}", NULL, 0, 0 },
	{ "{\"access_token\":\"abc\"", NULL, 0, 0 },
	{ "", NULL, 0, 0 }, { "\n", NULL, 0, 0 }, { "a b\n", NULL, 0, 0 },
	{ "first\nsecond\n", NULL, 0, 0 }, { "\x1b[31m", NULL, 0, 0 },
	{ "t\xc3\xb6ken", NULL, 0, 0 },
};

/* From when it is NOW: life, spent, what is asked of it. */
static const struct {
	int64_t life_s, left_s, min_ttl_s;
	bool fresh;
} lives[] = {
	{ 3600, 3600, 90, true }, { 3600, 91, 90, true },
	{ 3600, 90, 90, true }, { 3600, 89, 90, false },
	{ 3600, 0, 90, false }, { 3600, -1, 0, false },
	{ 3600, 1, 0, true },
	/* never more than half its life is asked */
	{ 60, 60, 90, true }, { 60, 30, 90, true }, { 60, 29, 90, false },
	{ 180, 90, 90, true }, { 180, 89, 90, false },
	{ 60, 30, 9000, true }, { 2, 1, 90, true }, { 2, 0, 90, false },
	/* issued in the future: a clock was set */
	{ 60, 61, 0, false }, { 60, 90, 90, false },
};

/* When it is replaced, in seconds after it was issued. */
static const struct { int64_t life_s, before_s, at_s; } rotations[] = {
	{ 3600, 90, 3510 }, { 86400, 90, 86310 }, { 181, 90, 91 },
	{ 180, 90, 90 }, { 178, 90, 89 }, { 60, 90, 30 }, { 60, 0, 60 },
	{ 3600, 7200, 1800 }, { 2, 90, 1 },
};

static void
test_answers(void)
{
	struct token t;
	struct err e;

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		int64_t life = answers[i].life_s;
		int status;

		e.code = 0;
		status = token_from_answer(&t, answers[i].text,
		    strlen(answers[i].text), NOW, &e);
		ok(life > 0 ? status == 0 && t.issued_ms == NOW &&
		    t.expires_ms == NOW + life * S &&
		    strcmp(t.token_type, "bearer") == 0 :
		    status == -1 && e.code == GC_EX_UNAVAILABLE &&
		    t.access_token == NULL, "answer %s", answers[i].text);
		token_free(&t);
	}
	token_free(&t);
	ok(t.access_token == NULL && t.expires_ms == 0, "freed twice");
}

/* What is no name of a type is none. */
static void
test_types(void)
{
	static const struct { const char *told, *type; } types[] = {
		{ "MAC", "MAC" }, { "", "bearer" }, { "a b", "bearer" },
		{ "x\\ny", "bearer" }, { "\\u00e9", "bearer" },
	};
	char text[512], longest[128];
	struct token t;
	struct err e;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(text, sizeof(text), "{\"access_token\":\"x\","
		    "\"token_type\":\"%s\",\"expires_in\":9}",
		    types[i].told);
		token_from_answer(&t, text, strlen(text), NOW, &e);
		is_str(t.token_type, types[i].type, types[i].told);
		token_free(&t);
	}
	memset(longest, 't', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"access_token\":\"x\","
	    "\"token_type\":\"%s\"}", longest);
	token_from_output(&t, text, strlen(text), &e);
	is_str(t.token_type, "bearer", "a name of 127 characters");
	token_free(&t);
}

/* One comes with an answer, or does not; who prints a token has none. */
static void
test_refresh(void)
{
	static const struct { const char *told, *refresh; } answers_too[] = {
		{ "\"r-1\"", "r-1" }, { "null", NULL }, { "\"\"", NULL },
		{ "7", NULL }, { "\"a b\"", NULL },
		{ "\"a\\r\\nb\"", NULL },
	};
	char text[256];
	struct token t;
	struct err e;

	for (size_t i = 0; i < sizeof(answers_too) / sizeof(answers_too[0]);
	    i++) {
		const char *want = answers_too[i].refresh;

		snprintf(text, sizeof(text), "{\"access_token\":\"x\","
		    "\"expires_in\":9,\"refresh_token\":%s}",
		    answers_too[i].told);
		ok(token_from_answer(&t, text, strlen(text), NOW, &e) == 0 &&
		    (want == NULL ? t.refresh_token == NULL :
		    t.refresh_token != NULL &&
		    strcmp(t.refresh_token, want) == 0),
		    "refresh token %s", answers_too[i].told);
		token_free(&t);
		is_int(token_from_output(&t, text, strlen(text), &e), 0,
		    "printed by a command");
		ok(t.refresh_token == NULL, "it is none of ours");
		token_free(&t);
	}
}

static void
test_outputs(void)
{
	struct token t;
	struct err e;

	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		const char *want = outputs[i].token;
		int status;

		e.code = 0;
		status = token_from_output(&t, outputs[i].text,
		    strlen(outputs[i].text), &e);
		ok(want == NULL ? status == -1 && t.access_token == NULL &&
		    e.code == GC_EX_UNAVAILABLE :
		    status == 0 && strcmp(t.access_token, want) == 0 &&
		    t.issued_ms == outputs[i].issued_ms &&
		    t.expires_ms == outputs[i].expires_ms,
		    "output row %zu: %s", i, want ? want : e.msg);
		token_free(&t);
	}
}

static void
test_life(void)
{
	struct token t = { 0 };

	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		t.expires_ms = NOW + lives[i].left_s * S;
		t.issued_ms = t.expires_ms - lives[i].life_s * S;
		ok(token_is_fresh(&t, lives[i].min_ttl_s * S, NOW) ==
		    lives[i].fresh, "%d s of %d left, %d asked: %s",
		    (int)lives[i].left_s, (int)lives[i].life_s,
		    (int)lives[i].min_ttl_s, lives[i].fresh ? "fresh" :
		    "not");
	}
	t = (struct token){ .expires_ms = NOW + 89 * S };
	ok(!token_is_fresh(&t, 90 * S, NOW), "issued nobody knows when");
	t.expires_ms = 0;
	ok(token_is_fresh(&t, 9000 * S, NOW), "of unknown life: always");
	is_int(token_rotate_ms(&t, 90 * S), CLOCK_NEVER, "and never rotated");
	for (size_t i = 0; i < sizeof(rotations) / sizeof(rotations[0]); i++) {
		t.issued_ms = NOW;
		t.expires_ms = NOW + rotations[i].life_s * S;
		is_int(token_rotate_ms(&t, rotations[i].before_s * S) - NOW,
		    rotations[i].at_s * S, "rotated before its end, or at "
		    "half its life");
	}
}

static void
test_line(void)
{
	char access[] = "a\"b", type[] = "bearer", refresh[] = "HUSH";
	struct token t = { access, type, NOW, NOW + 60 * S, NULL,
	    refresh };
	struct buf line;

	buf_init(&line, 4096);
	token_line(&line, &t, NOW + 1);
	is_str(line.data, "{\"event\":\"gc:token\","
	    "\"at\":\"2024-06-15T14:32:10.001Z\",\"access_token\":\"a\\\"b\","
	    "\"token_type\":\"bearer\","
	    "\"issued_at\":\"2024-06-15T14:32:10.000Z\","
	    "\"expires_at\":\"2024-06-15T14:33:10.000Z\",\"expires_in\":60}\n",
	    "the line, as gc-lines(5) has it");
	buf_reset(&line);
	token_line(&line, &t, NOW + 70 * S);
	ok(strstr(line.data, "\"expires_in\":0}\n") != NULL, "past its end");
	t.issued_ms = t.expires_ms = 0;
	buf_reset(&line);
	token_line(&line, &t, NOW);
	ok(strstr(line.data, "\"expires_at\":null,\"expires_in\":null}\n") !=
	    NULL, "of unknown life");
	buf_free(&line);
}

static void
test_cache(void)
{
	static char longest[TOKEN_MAX + 1], again[TOKEN_MAX + 1];
	char type[] = "bearer";
	struct token t = { longest, type, NOW, NOW + 60 * S, NULL, again };
	struct token back;
	struct stat st;
	struct buf text;
	struct err e;
	int wrong = 0;

	memset(longest, '"', TOKEN_MAX);
	memset(again, '\\', TOKEN_MAX);
	is_int(token_load(&back, path, OWNER, &e), 0, "no cache: none");
	is_str(e.msg, "", "with nothing to say");
	is_int(token_save(&t, path, OWNER, &e), 0, "the longest token saved");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "mode 0600");
	ok(token_load(&back, path, OWNER, &e) == 1 &&
	    strcmp(back.access_token, longest) == 0 &&
	    strcmp(back.refresh_token, again) == 0 &&
	    back.issued_ms == NOW && back.expires_ms == NOW + 60 * S,
	    "and loaded");
	token_free(&back);
	is_int(token_load(&back, path, OWNER "x", &e), 0, "another's: none");
	ok(strstr(e.msg, "another client's") != NULL, "said: %s", e.msg);
	chmod(path, 0640);
	is_int(token_load(&back, path, OWNER, &e), -1, "others can read it");
	is_int(e.code, GC_EX_CONFIG, "78");
	longest[8] = again[8] = '\0';
	token_save(&t, path, OWNER, &e);
	buf_init(&text, 1 << 20);
	file_read(path, &text, &e);
	for (size_t cut = 0; cut + 1 < text.len; cut++) {
		file_replace(path, text.data, cut, &e);
		wrong += token_load(&back, path, OWNER, &e) != 0 ||
		    back.access_token != NULL ||
		    back.refresh_token != NULL;
		token_free(&back);
	}
	is_int(wrong, 0, "cut anywhere: none");
	file_replace(path, "\0\xff\xfe", 3, &e);
	is_int(token_load(&back, path, OWNER, &e), 0, "bytes: none");
	ok(strstr(e.msg, path) != NULL, "said: %s", e.msg);
	file_replace(path, "", 0, &e);
	is_int(token_load(&back, path, OWNER, &e), 0, "no byte: none");
	file_replace(path, "{\"owner\":\"" OWNER "\",\"access_token\":"
	    "\"x\\n\",\"expires_at\":\"2030-01-01T00:00:00Z\"}", 85, &e);
	is_int(token_load(&back, path, OWNER, &e), 0, "no token: none");
	ok(back.access_token == NULL && back.token_type == NULL,
	    "and nothing of it is left");
	t.refresh_token = NULL;
	token_save(&t, path, OWNER, &e);
	ok(token_load(&back, path, OWNER, &e) == 1 &&
	    back.refresh_token == NULL, "without a refresh token");
	token_free(&back);
	t.expires_ms = 0;
	token_save(&t, path, OWNER, &e);
	is_int(token_load(&back, path, OWNER, &e), 0, "no end: none");
	unlink(path);
	buf_free(&text);
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/token", folder);
	test_answers();
	test_types();
	test_refresh();
	test_outputs();
	test_life();
	test_line();
	test_cache();
	rmdir(folder);
	return done();
}
