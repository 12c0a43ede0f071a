/* The payloads to the byte, from arguments and files, and kept. */
#include <sys/stat.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/registry.h"
#include "tests/tap.h"

static char folder[] = "/tmp/gc-registry.XXXXXX";
static char path[64];

/* An event's name and filters; payload NULL: refused with 64. */
static const struct {
	const char *event, *filters[3];
	const char *payload;
} cases[] = {
	{ "routing:agents:status:updated", { NULL },
	    "{\"action\":\"subscribe\","
	    "\"event\":\"routing:agents:status:updated\"}" },
	{ "e", { "queueId=q1" }, "{\"action\":\"subscribe\",\"event\":\"e\","
	    "\"filter\":{\"queueId\":\"q1\"}}" },
	{ "e", { "teamId=t", "queueId=q" },
	    "{\"action\":\"subscribe\",\"event\":\"e\","
	    "\"filter\":{\"teamId\":\"t\",\"queueId\":\"q\"}}" },
	{ "e", { "a=b=c", "d=" }, "{\"action\":\"subscribe\",\"event\":\"e\","
	    "\"filter\":{\"a\":\"b=c\",\"d\":\"\"}}" },
	{ "say \"hi\"\\\n", { "k\"=v\\" },
	    "{\"action\":\"subscribe\",\"event\":\"say \\\"hi\\\"\\\\\\n\","
	    "\"filter\":{\"k\\\"\":\"v\\\\\"}}" },
	{ "caf\xc3\xa9", { "\xf0\x9f\x98\x80= x " },
	    "{\"action\":\"subscribe\",\"event\":\"caf\xc3\xa9\","
	    "\"filter\":{\"\xf0\x9f\x98\x80\":\" x \"}}" },
	{ "v2.users.1.activity", { NULL },
	    "{\"action\":\"subscribe\",\"event\":\"v2.users.1.activity\"}" },
	{ "", { NULL }, NULL },
	{ "\xff", { NULL }, NULL },
	{ "e", { "queueId" }, NULL },
	{ "e", { "=q1" }, NULL },
	{ "e", { "" }, NULL },
	{ "e", { "a=b", "c" }, NULL },
	{ "e", { "a=\xc3" }, NULL },
};

/* A file's text, what is kept of it (with ; after each); or the line that
 * is refused with 65. */
static const struct {
	const char *text;
	size_t len;		/* 0: strlen */
	const char *kept, *why;
} files[] = {
	{ "{\"a\":1}\n{\"b\":2}\n", 0, "{\"a\":1};{\"b\":2};", NULL },
	{ "{\"b\":2}\r\n\n\r\n{\"a\":1}", 0, "{\"b\":2};{\"a\":1};", NULL },
	{ " { \"a\" : 1 } \n", 0, " { \"a\" : 1 } ;", NULL },
	{ "{\"a\":1}\n{\"a\":1}\n", 0, "{\"a\":1};{\"a\":1};", NULL },
	{ "", 0, "", NULL }, { "\n\n", 0, "", NULL },
	{ "{\"a\":1}\nhello\n", 0, NULL, ":2: " },
	{ "\n\n[]\n", 0, NULL, ":3: not a JSON object" },
	{ "{\"a\":1}{\"b\":2}\n", 0, NULL, ":1: more than one" },
	{ "{\"a\":\n1}\n", 0, NULL, ":1: JSON that ends" },
	{ "{\"a\":\"\xff\"}\n", 0, NULL, ":1: not valid UTF-8" },
	{ "\xef\xbb\xbf{}\n", 0, NULL, ":1: begins with" },
	{ "{\"a\":1}\0hidden\n{\"b\":2}\n", 23, NULL, ":1: a NUL" },
};

static void
test_subscribe(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct registry r = { 0 };
		struct err e = { 0, "" };
		size_t n = 0;
		int status;

		while (n < 3 && cases[i].filters[n] != NULL)
			n++;
		status = registry_subscribe(&r, cases[i].event,
		    cases[i].filters, n, &e);
		if (cases[i].payload == NULL)
			ok(status == -1 && e.code == GC_EX_USAGE &&
			    r.count == 0, "row %zu: 64: %s", i, e.msg);
		else if (ok(status == 0 && r.count == 1, "row %zu", i))
			is_str(r.payloads[0], cases[i].payload, "the payload");
		registry_free(&r);
	}
}

static void
test_scope(void)
{
	static const char *const filters[] = { "queueId=q\"1", "teamId=t" };
	struct buf out;
	struct err e;

	buf_init(&out, 1024);
	is_int(registry_scope(&out, NULL, 0, &e), 0, "no filter");
	is_str(out.data, "{}", "is {}");
	buf_reset(&out);
	registry_scope(&out, filters, 2, &e);
	is_str(out.data, "{\"queueId\":\"q\\\"1\",\"teamId\":\"t\"}", "two");
	buf_free(&out);
}

static void
test_files(void)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct registry r = { 0 };
		struct err e = { 0, "" };
		char kept[256] = "";
		int status;

		file_replace(path, files[i].text, files[i].len ?
		    files[i].len : strlen(files[i].text), &e);
		status = registry_read(&r, path, &e);
		for (size_t k = 0; k < r.count; k++)
			snprintf(kept + strlen(kept), sizeof(kept) -
			    strlen(kept), "%s;", r.payloads[k]);
		if (files[i].kept != NULL)
			ok(status == 0 && strcmp(kept, files[i].kept) == 0,
			    "file %zu: '%s' %s", i, kept, e.msg);
		else
			ok(status == -1 && e.code == GC_EX_DATAERR &&
			    strstr(e.msg, path) != NULL &&
			    strstr(e.msg, files[i].why) != NULL,
			    "file %zu: 65: %s", i, e.msg);
		registry_free(&r);
	}
}

/* What was saved comes back, in its order, and is not read as changed. */
static void
test_round_trip(void)
{
	struct registry r = { 0 }, back = { 0 };
	struct stat st;
	struct err e;
	char event[32];
	size_t wrong = 0;

	for (int i = 0; i < REGISTRY_MAX; i++) {
		snprintf(event, sizeof(event), "event\n%d", i);
		wrong += registry_subscribe(&r, event, NULL, 0, &e) != 0;
	}
	is_int((long long)wrong, 0, "as many as may be");
	is_int(registry_add(&r, "{}", 2, &e), -1, "and no more");
	is_int(e.code, GC_EX_DATAERR, "65");
	is_int(registry_save(&r, path, &e), 0, "saved");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "0600");
	is_int(registry_read(&back, path, &e), 0, "read");
	is_int((long long)back.count, REGISTRY_MAX, "all of them");
	for (size_t i = 0; i < back.count; i++)
		wrong += strcmp(r.payloads[i], back.payloads[i]) != 0;
	is_int((long long)wrong, 0, "the same, in the same order");
	registry_free(&r);
	registry_free(&back);
	registry_free(&back);
	unlink(path);
	is_int(registry_read(&back, path, &e), -1, "a missing file is told");
	is_int(registry_save(&back, "/nowhere/r", &e), -1, "as is a folder");
}

/* What is added can be saved, and what is saved can be read. */
static void
test_bytes(void)
{
	static char big[REGISTRY_BYTES_MAX / 2 + 64];
	struct registry r = { 0 }, back = { 0 };
	struct err e = { 0, "" };

	memset(big, 'x', sizeof(big));
	memcpy(big, "{\"a\":\"", 6);
	memcpy(big + sizeof(big) - 2, "\"}", 2);
	is_int(registry_add(&r, big, sizeof(big), &e), 0, "a large one");
	is_int(registry_add(&r, big, sizeof(big), &e), -1, "not two");
	ok(e.code == GC_EX_DATAERR && r.count == 1, "65: %s", e.msg);
	ok(registry_save(&r, path, &e) == 0 &&
	    registry_read(&back, path, &e) == 0 && back.count == 1 &&
	    strcmp(r.payloads[0], back.payloads[0]) == 0, "it is kept whole");
	registry_free(&r);
	registry_free(&back);
	unlink(path);
}

/* What the payloads' filters are together. */
static void
test_filter(void)
{
	static const struct {
		const char *payloads[3], *want;
	} sets[] = {
		{ { "{\"a\":1}" }, "{}" },
		{ { "{\"filter\":null}", "{\"filter\":{}}" }, "{}" },
		{ { "{\"filter\":{\"q\":\"1\"}}",
		    "{\"b\":[],\"filter\":{\"q\":\"1\"}}" },
		    "{\"q\":\"1\"}" },
		{ { "{\"filter\":{\"q\":\"1\"}}", "{}" }, "null" },
		{ { "{}", "{\"filter\":{\"q\":\"1\"}}" }, "null" },
		{ { "{\"filter\":{\"q\":\"1\"}}",
		    "{\"filter\":{\"q\":\"2\"}}" }, "null" },
		{ { "{\"filter\":\"q\"}" }, "null" },
	};
	static const char *const twice[] = { "a=1", "ab=2", "a=2" };
	struct buf out;
	struct err e;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct registry r = { 0 };

		buf_init(&out, 1000);
		for (int k = 0; k < 3 && sets[i].payloads[k]; k++)
			registry_add(&r, sets[i].payloads[k],
			    strlen(sets[i].payloads[k]), &e);
		registry_filter(&out, &r);
		is_str(out.data, sets[i].want, sets[i].payloads[0]);
		buf_free(&out);
		registry_free(&r);
	}
	buf_init(&out, 1000);
	is_int(registry_scope(&out, twice, 2, &e), 0, "like keys");
	ok(registry_scope(&out, twice, 3, &e) == -1 &&
	    e.code == GC_EX_USAGE, "equal keys");
	buf_free(&out);
}

int
main(void)
{
	test_filter();
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/r.ndjson", folder);
	test_subscribe();
	test_scope();
	test_files();
	test_round_trip();
	test_bytes();
	rmdir(folder);
	return done();
}
