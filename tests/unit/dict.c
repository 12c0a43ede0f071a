/* Names of ids. */
#include <stdlib.h>

#include "lib/dict.h"
#include "tests/tap.h"

static struct text
t(const char *s)
{
	return (struct text){ s, s != NULL ? (uint32_t)strlen(s) : 0 };
}

static void
is_name(struct dict *d, const char *id, const char *want)
{
	struct text got = dict_get(d, t(id));

	ok(text_eq(got, t(want)), "%s is %s", id, want ? want : "unknown");
}

static void
test_put(void)
{
	struct dict d = { NULL, 0, 0, 0 }, more = { NULL, 0, 0, 0 };
	char id[16];

	is_name(&d, "ann", NULL);
	dict_put(&d, t("ann"), t("Ann"));
	dict_put(&d, t("bob"), t("Bob"));
	is_name(&d, "ann", "Ann");
	dict_put(&d, t("ann"), t("Ann\tAb\x7f"));
	is_name(&d, "ann", "Ann Ab ");
	is_int((long long)d.count, 2, "each once");
	dict_put(&d, t(""), t("Nobody"));
	dict_put(&d, t("no\tbody"), t("Nobody"));
	dict_put(&d, t("cat"), t(""));
	dict_put(&d, t("cat"), t(NULL));
	is_int((long long)d.count, 2, "what is no entry is left out");
	for (int i = 0; i < 2000; i++) {
		snprintf(id, sizeof(id), "u%d", i * 7919 % 1000);
		dict_put(&more, t(id), t(i < 1000 ? "old" : "new"));
	}
	dict_put(&more, t("bob"), t("Robert"));
	dict_add(&d, &more);
	is_name(&d, "bob", "Robert");
	is_name(&d, "u999", "new");
	is_name(&d, "u1000", NULL);
	is_int((long long)d.count, 1002, "the last of many counts");
	dict_free(&d);
	dict_free(&d);
	dict_free(&more);
}

static void
test_text(void)
{
	static const char file[] = "bob\tBob\r\n\n# no name\n"
	    "ann\tAnn \xc3\xa4\n"
	    "\tNobody\ncat\tC\xff\nbob\tRob\tB";
	struct dict d = { NULL, 0, 0, 0 };
	struct buf out;
	uint64_t bad;

	dict_read(&d, file, sizeof(file) - 1, &bad);
	is_int((long long)bad, 3, "the first line that is none");
	buf_init(&out, 64);
	is_int(dict_write(&d, &out), 0, "written");
	is_str(out.data, "ann\tAnn \xc3\xa4\nbob\tRob B\n", "sorted");
	out.cap = 30;
	is_int(dict_write(&d, &out), -1, "a full buffer is told");
	buf_free(&out);
	dict_free(&d);
}

static void
test_long(void)
{
	struct dict d = { NULL, 0, 0, 0 };
	char name[DICT_NAME_MAX + 3];

	memset(name, 'x', sizeof(name));
	memcpy(name + DICT_NAME_MAX - 1, "\xc3\xa4", 2);
	dict_put(&d, t("ann"), (struct text){ name, sizeof(name) });
	is_int(dict_get(&d, t("ann")).len, DICT_NAME_MAX - 1,
	    "cut between characters");
	dict_free(&d);
}

static void
test_control(void)
{
	static const char file[] = "ann\tA\0\t\t\x7fx\nbob\tB\xc2\x9b"
	    "1\xc2\xa0\nc\0t\tCat\n";
	static const char want[] = "ann\tA    x\nbob\tB 1\xc2\xa0\n";
	struct dict d = { NULL, 0, 0, 0 };
	struct buf out;
	uint64_t bad;

	dict_read(&d, file, sizeof(file) - 1, &bad);
	is_int((long long)bad, 3, "an id with a NUL is none");
	is_int(dict_get(&d, t("ann")).len, 6, "a name has all its bytes");
	buf_init(&out, 64);
	dict_write(&d, &out);
	is_str(out.data, want, "control characters are blanks");
	buf_free(&out);
	dict_free(&d);
}

int
main(void)
{
	test_put();
	test_control();
	test_text();
	test_long();
	return done();
}
