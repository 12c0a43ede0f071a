/* The journal, cut at every byte and with every bit flipped: what opening
 * gives back is what was committed, or a refusal; never a lie. */
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/journal.h"
#include "tests/tap.h"

static char folder[] = "/tmp/gc-journal.XXXXXX";
static char path[64];

struct seen {
	char text[4096];
	int lines;
};

static const char *
collect(void *arg, const char *line, size_t len)
{
	struct seen *s = arg;

	s->lines++;
	snprintf(s->text + strlen(s->text), sizeof(s->text) -
	    strlen(s->text), "%.*s;", (int)len, line);
	return strncmp(line, "{\"bad\"", 6) == 0 ? "a bad line" : NULL;
}

static int
open_journal(struct journal *j, struct seen *s, struct err *e)
{
	*s = (struct seen){ .lines = 0 };
	e->msg[0] = '\0';
	return journal_open(j, path, "roster", collect, s, e);
}

static void
put(const char *text, size_t len)
{
	struct err e;

	if (file_replace(path, text, len, &e) == -1)
		printf("# %s\n", e.msg);
}

static void
get(struct buf *b)
{
	struct err e;

	buf_reset(b);
	if (file_read(path, b, &e) == -1)
		printf("# %s\n", e.msg);
}

static void
commit_two_batches(struct journal *j, struct err *e)
{
	journal_add(j, "{\"n\":1}\n", 8);
	journal_add(j, "{\"n\":2}\n", 8);
	is_int(journal_commit(j, 1000, e), 0, "the first batch is durable");
	journal_add(j, "{\"n\":3}\n", 8);
	is_int(journal_commit(j, 2000, e), 0, "and the second");
}

static void
test_round_trip(struct buf *whole)
{
	struct journal j, second;
	struct seen s;
	struct err e;

	is_int(open_journal(&j, &s, &e), 0, "a missing file is a new journal");
	is_int(s.lines, 0, "with nothing in it");
	commit_two_batches(&j, &e);
	is_int(journal_open(&second, path, "roster", collect, &s, &e), -1,
	    "a second process is kept out");
	is_int(e.code, GC_EX_TEMPFAIL, "with 75");
	journal_add(&j, "{\"n\":4}\n", 8);
	journal_close(&j);
	is_int(open_journal(&j, &s, &e), 0, "it opens again");
	is_str(s.text, "{\"n\":1};{\"n\":2};{\"n\":3};",
	    "with what was committed, and no more");
	journal_close(&j);
	get(whole);
}

/* Every prefix opens as some prefix of the batches, or is refused only
 * while its first line is not whole. */
static void
test_cuts(const struct buf *whole)
{
	static const char *const fits[] = { "", "{\"n\":1};{\"n\":2};",
	    "{\"n\":1};{\"n\":2};{\"n\":3};" };
	size_t header = (size_t)(strchr(whole->data, '\n') + 1 - whole->data);
	int wrong = 0;

	for (size_t cut = 0; cut <= whole->len; cut++) {
		struct journal j;
		struct seen s;
		struct err e;
		int known = 0;

		put(whole->data, cut);
		if (open_journal(&j, &s, &e) == -1) {
			wrong += cut == 0 || cut >= header;
			continue;
		}
		for (int i = 0; i < 3; i++)
			known |= strcmp(s.text, fits[i]) == 0;
		wrong += !known;
		journal_add(&j, "{\"n\":9}\n", 8);
		wrong += journal_commit(&j, 3000, &e) != 0;
		journal_close(&j);
		wrong += open_journal(&j, &s, &e) != 0 ||
		    strstr(s.text, "{\"n\":9};") == NULL;
		journal_close(&j);
	}
	is_int(wrong, 0, "cut at every byte, it is a prefix, and goes on");
}

/* No flipped bit gives a line that was not written, or loses a batch that
 * is not the last. */
static void
test_flips(const struct buf *whole)
{
	int wrong = 0, opened = 0;
	char *copy = malloc(whole->len);

	for (size_t bit = 0; bit < whole->len * 8; bit++) {
		struct journal j;
		struct seen s;
		struct err e;

		memcpy(copy, whole->data, whole->len);
		copy[bit / 8] ^= (char)(1 << (bit % 8));
		put(copy, whole->len);
		if (open_journal(&j, &s, &e) == -1) {
			wrong += e.code != GC_EX_DATAERR;
			continue;
		}
		opened++;
		if (strcmp(s.text, "{\"n\":1};{\"n\":2};{\"n\":3};") != 0 &&
		    strcmp(s.text, "{\"n\":1};{\"n\":2};") != 0 &&
		    wrong++ == 0)
			printf("# bit %zu: %s\n", bit, s.text);
		journal_close(&j);
	}
	free(copy);
	is_int(wrong, 0, "with any bit flipped it tells no lie");
	ok(opened > 0, "and a broken last batch is cut off");
}

static void
test_refusals(const struct buf *whole)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "{\"event\":\"gc:journal\",\"version\":2,\"kind\":"
		    "\"roster\"}\n", "newer version" },
		{ "{\"event\":\"gc:journal\",\"version\":1,\"kind\":"
		    "\"queue\"}\n", "another kind" },
		{ "hello\n", "no journal" },
		{ "{\"a\":1}\n", "no journal" },
	};
	struct journal j;
	struct seen s;
	struct err e;
	struct buf now;

	buf_init(&now, 1 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(cases[i].text, strlen(cases[i].text));
		is_int(open_journal(&j, &s, &e), -1, cases[i].why);
		ok(e.code == GC_EX_DATAERR && strstr(e.msg, cases[i].why),
		    "65: %s", e.msg);
		get(&now);
		is_str(now.data, cases[i].text, "the file is left as it is");
	}
	(void)whole;
	buf_free(&now);
}

static void
test_rewrite(void)
{
	struct journal j;
	struct seen s;
	struct err e;
	struct buf lines, now;

	unlink(path);
	buf_init(&lines, 1 << 20);
	buf_init(&now, 1 << 20);
	open_journal(&j, &s, &e);
	commit_two_batches(&j, &e);
	buf_adds(&lines, "{\"n\":3}\n");
	is_int(journal_rewrite(&j, &lines, 1, 5000, &e), 0, "rewritten");
	journal_add(&j, "{\"n\":4}\n", 8);
	is_int(journal_commit(&j, 6000, &e), 0, "and gone on with");
	journal_close(&j);
	is_int(open_journal(&j, &s, &e), 0, "opens");
	is_str(s.text, "{\"n\":3};{\"n\":4};", "with the new lines");
	journal_close(&j);
	get(&now);
	ok(strstr(now.data, "\"lines\":0,\"crc32\":\"00000000\"") != NULL,
	    "an empty batch ends the rewriting");
	buf_free(&lines);
	buf_free(&now);
}

static void
test_full_disk(void)
{
	struct journal j;
	struct seen s;
	struct err e;
	int fd;

	unlink(path);
	open_journal(&j, &s, &e);
	fd = j.fd;
	j.fd = -1;		/* every write fails */
	journal_add(&j, "{\"n\":1}\n", 8);
	is_int(journal_commit(&j, 1000, &e), -1, "a failed write is told");
	j.fd = fd;
	is_int(journal_commit(&j, 1000, &e), 0, "the batch was kept");
	journal_close(&j);
	open_journal(&j, &s, &e);
	is_str(s.text, "{\"n\":1};", "once");
	journal_close(&j);
}

int
main(void)
{
	struct buf whole;
	char lock[80];

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/j", folder);
	buf_init(&whole, 1 << 20);
	is_int(journal_crc32(0, "123456789", 9), 0xcbf43926,
	    "CRC-32's check value");
	test_round_trip(&whole);
	test_cuts(&whole);
	test_flips(&whole);
	test_refusals(&whole);
	test_rewrite();
	test_full_disk();
	buf_free(&whole);
	unlink(path);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	rmdir(folder);
	return done();
}
