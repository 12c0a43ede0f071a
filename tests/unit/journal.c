/* The journal, cut at every byte and with every bit flipped: what opening
 * gives back is what was committed, or a refusal; never a lie. */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/journal.h"
#include "tests/tap.h"

static char folder[32];
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

/* Where in the text each batch ends, the header first. */
static size_t
find_ends(const struct buf *whole, size_t ends[3])
{
	const char *p = whole->data, *newline;
	size_t n = 0;

	for (; (newline = strchr(p, '\n')) != NULL; p = newline + 1)
		if (n == 0 || strncmp(p, "{\"event\":\"gc:commit\"", 20) == 0)
			ends[n++] = (size_t)(newline + 1 - whole->data);
	return n;
}

static const char *const batches[] = { "", "{\"n\":1};{\"n\":2};",
    "{\"n\":1};{\"n\":2};{\"n\":3};" };

static bool
holds(const char *text, size_t len)
{
	struct buf now;
	bool same;

	buf_init(&now, 1 << 20);
	get(&now);
	same = now.len == len && (len == 0 || memcmp(now.data, text, len) ==
	    0);
	buf_free(&now);
	return same;
}

/* Every prefix opens as the batches that are whole in it, the rest cut off
 * and counted; or is refused and left, while its first line is not whole. */
static void
test_cuts(const struct buf *whole)
{
	size_t ends[3], n = 0;
	int wrong = 0;

	is_int((long long)find_ends(whole, ends), 3, "a header, two batches");
	for (size_t cut = 0; cut <= whole->len; cut++) {
		struct journal j;
		struct seen s;
		struct err e;

		while (n < 2 && cut >= ends[n + 1])
			n++;
		put(whole->data, cut);
		if (open_journal(&j, &s, &e) == -1) {
			wrong += cut == 0 || cut >= ends[0] ||
			    e.code != GC_EX_DATAERR ||
			    !holds(whole->data, cut);
			continue;
		}
		wrong += cut > 0 && cut < ends[0];
		wrong += strcmp(s.text, batches[n]) != 0 || (cut > 0 &&
		    j.cut_bytes != cut - ends[n]) ||
		    !holds(whole->data, ends[n]);
		journal_add(&j, "{\"n\":9}\n", 8);
		wrong += journal_commit(&j, 3000, &e) != 0;
		journal_close(&j);
		wrong += open_journal(&j, &s, &e) != 0 ||
		    strstr(s.text, "{\"n\":9};") == NULL;
		journal_close(&j);
	}
	is_int(wrong, 0, "cut at every byte, its whole batches are there");
}

/* A flipped bit is refused with its place, or changes nothing (the time of
 * a commit), or makes the last batch a torn tail. */
static void
test_flips(const struct buf *whole)
{
	size_t ends[3];
	int wrong = 0, cut = 0, refused = 0;
	char *copy = malloc(whole->len);

	find_ends(whole, ends);
	for (size_t bit = 0; bit < whole->len * 8; bit++) {
		struct journal j;
		struct seen s;
		struct err e;
		bool last = bit / 8 >= ends[1];

		memcpy(copy, whole->data, whole->len);
		copy[bit / 8] ^= (char)(1 << (bit % 8));
		put(copy, whole->len);
		if (open_journal(&j, &s, &e) == -1) {
			wrong += e.code != GC_EX_DATAERR ||
			    !holds(copy, whole->len);
			/* a last batch only for having too many lines */
			wrong += last && strstr(e.msg, "more lines") == NULL;
			wrong += bit / 8 >= ends[0] && strstr(e.msg,
			    " is damaged at line ") == NULL;
			refused++;
			continue;
		}
		cut += j.cut_bytes > 0;
		wrong += j.cut_bytes > 0 ? !last || strcmp(s.text,
		    batches[1]) != 0 || !holds(copy, ends[1]) :
		    strcmp(s.text, batches[2]) != 0;
		journal_close(&j);
	}
	free(copy);
	is_int(wrong, 0, "with any bit flipped it tells no lie");
	ok(cut > 0, "a broken last batch is cut off (%d)", cut);
	ok(refused > 0, "an earlier one is refused (%d)", refused);
}

#define HEADER "{\"event\":\"gc:journal\",\"version\":1,\"kind\":\"roster\"}\n"
#define COMMIT(n, sum) "{\"event\":\"gc:commit\",\"at\":\"x\",\"lines\":" #n \
    ",\"crc32\":\"" sum "\"}\n"

/* Whole texts: what opening says, and what is left of the file (0: all). */
static void
test_texts(void)
{
	static const struct {
		const char *text;
		int code;
		size_t left;
		const char *what;
	} cases[] = {
		{ HEADER, 0, 0, "nothing but the header" },
		{ HEADER COMMIT(0, "00000000"), 0, 0, "an empty batch" },
		{ HEADER COMMIT(1, "00000000"), 0, sizeof(HEADER) - 1,
		    "a last batch of too few lines is torn" },
		{ HEADER "{}\n" COMMIT(1, "00000000"), 0, sizeof(HEADER) - 1,
		    "a last batch of a wrong sum is torn" },
		{ HEADER "{}\n" COMMIT(1, "00000000") "{}\n", 0,
		    sizeof(HEADER) - 1, "also with lines behind it" },
		{ HEADER "{}\n" COMMIT(1, "00000000")
		    "{\"x\":\"gc:commit\"}\n", 0, sizeof(HEADER) - 1,
		    "also if they speak of a commit" },
		{ HEADER "{}\n" COMMIT(1, "00000000")
		    COMMIT(0, "00000000"), 65, 0,
		    "a wrong sum before another commit is damage" },
		{ HEADER "{ \"crc32\": \"00000000\", \"lines\": 0,"
		    " \"event\": \"gc:\\u0063ommit\" }\n", 0, 0,
		    "a commit however it is spelt" },
		{ HEADER "{}\n" COMMIT(0, "00000000"), 65, 0,
		    "more lines than are counted is damage" },
	};
	struct journal j;
	struct seen s;
	struct err e;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);
		int status;

		put(cases[i].text, len);
		status = open_journal(&j, &s, &e);
		is_int(status == 0 ? 0 : e.code, cases[i].code,
		    cases[i].what);
		ok(holds(cases[i].text, cases[i].left ? cases[i].left : len),
		    "and so much is left of it");
		if (status == 0)
			journal_close(&j);
	}
	put(HEADER "\0\0\0", sizeof(HEADER) + 2);
	is_int(open_journal(&j, &s, &e), 0, "zeros of a crash are torn");
	is_int((long long)j.cut_bytes, 3, "and counted");
	journal_close(&j);
}

static void
test_refusals(void)
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

/* Paths that are no file of ours. */
static void
test_places(void)
{
	char other[80], missing[96];
	struct journal j, second;
	struct seen s;
	struct err e;
	struct stat st;

	unlink(path);
	snprintf(other, sizeof(other), "%s/link", folder);
	ok(symlink("j", other) == 0, "a link to nothing");
	is_int(journal_open(&j, other, "roster", collect, &s, &e), -1,
	    "is refused");
	is_int(e.code, GC_EX_CANTCREAT, "with 73");
	put("", 0);
	is_int(journal_open(&j, other, "roster", collect, &s, &e), 0,
	    "one to an empty file is a new journal");
	is_int(open_journal(&second, &s, &e), -1, "held also by its own name");
	is_int(e.code, GC_EX_TEMPFAIL, "with 75");
	s = (struct seen){ .lines = 0 };
	commit_two_batches(&j, &e);
	is_int(journal_rewrite(&j, &(struct buf){ .cap = 1 }, 0, 1000, &e), 0,
	    "rewritten");
	ok(lstat(other, &st) == 0 && S_ISLNK(st.st_mode), "the link is kept");
	journal_close(&j);
	unlink(other);
	is_int(journal_open(&j, folder, "roster", collect, &s, &e), -1,
	    "a folder is refused");
	is_int(e.code, GC_EX_CANTCREAT, "with 73");
	is_int(journal_open(&j, "/dev/null", "roster", collect, &s, &e), -1,
	    "and so is a device");
	snprintf(missing, sizeof(missing), "%s/none/j", folder);
	is_int(journal_open(&j, missing, "roster", collect, &s, &e), -1,
	    "a folder that is not there");
	is_int(e.code, GC_EX_CANTCREAT, "is 73");
	snprintf(missing, sizeof(missing), "%s/j", path);
	is_int(journal_open(&j, missing, "roster", collect, &s, &e), -1,
	    "a file for a folder");
	is_int(e.code, GC_EX_CANTCREAT, "is 73");
}

/* Somebody takes the file away, or puts another in its place. */
static void
test_taken_away(void)
{
	struct journal j;
	struct seen s;
	struct err e;
	struct buf lines;

	buf_init(&lines, 100);
	buf_adds(&lines, "{\"n\":1}\n");
	unlink(path);
	open_journal(&j, &s, &e);
	journal_add(&j, "{\"n\":1}\n", 8);
	unlink(path);
	is_int(journal_commit(&j, 1000, &e), -1, "a removed file takes none");
	ok(journal_is_missing(&j), "and is missed");
	is_int(journal_rewrite(&j, &lines, 1, 1000, &e), 0, "written anew");
	journal_add(&j, "{\"n\":2}\n", 8);
	is_int(journal_commit(&j, 1000, &e), 0, "it goes on");
	put("theirs", 6);
	is_int(journal_commit(&j, 1000, &e), -1,
	    "another file in its place takes none, not even nothing");
	ok(strstr(e.msg, "replaced") != NULL, "said: %s", e.msg);
	is_int(journal_rewrite(&j, &lines, 1, 1000, &e), -1,
	    "nor is it written over");
	ok(holds("theirs", 6), "it is left as it is");
	journal_close(&j);
	unlink(path);
	buf_free(&lines);
}

/* What a killed process leaves: a lock that nobody holds, and a file that
 * never got its name.  A name that only looks like it is somebody else's. */
static void
test_leftovers(void)
{
	char ours[80], theirs[80];
	struct journal j;
	struct seen s;
	struct err e;

	snprintf(ours, sizeof(ours), "%s.new-a1B2c3", path);
	snprintf(theirs, sizeof(theirs), "%s.backup", path);
	close(open(ours, O_CREAT | O_WRONLY, 0600));
	close(open(theirs, O_CREAT | O_WRONLY, 0600));
	is_int(open_journal(&j, &s, &e), 0, "a leftover lock is no hindrance");
	journal_close(&j);
	ok(access(ours, F_OK) == -1, "a leftover file is removed");
	ok(access(theirs, F_OK) == 0, "another is not");
	unlink(theirs);
}

int
main(void)
{
	struct buf whole;
	char lock[80];

	/* in memory, where the machine has it: it makes many files */
	strlcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/gc.XXXXXX" :
	    "/tmp/gc.XXXXXX", sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/j", folder);
	buf_init(&whole, 1 << 20);
	is_int(batch_crc32(0, "123456789", 9), 0xcbf43926,
	    "CRC-32's check value");
	test_round_trip(&whole);
	test_cuts(&whole);
	test_flips(&whole);
	test_refusals();
	test_texts();
	test_rewrite();
	test_full_disk();
	test_places();
	test_taken_away();
	test_leftovers();
	buf_free(&whole);
	unlink(path);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	rmdir(folder);
	return done();
}
