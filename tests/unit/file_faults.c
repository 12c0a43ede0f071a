/* Every call of each durable write made to fail, first one, then the next,
 * once, some times in a row, or for ever, and the power cut at each: the
 * file is the old one or the new one, a failure is told, a success is true,
 * nothing is left over, and a retry works. */
#include <dirent.h>

#include "lib/file.h"
#include "lib/journal.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/registry.h"
#include "lib/token.h"
#include "tests/faults.h"
#include "tests/tap.h"

#define KNOWN 4096		/* disks that are remembered */
#define CALLS_MAX 200		/* of one operation: more is a loop */
#define VARIANTS 12		/* ENOSPC or EIO, by half, what is kept */

static char folder[32];
static char path[64], image[64];
static int wrong;
static const char *doing;

static void
check(bool right, const char *what, const char *got)
{
	if (!right && wrong++ < 20)
		printf("# %s, call %ld, mode %d: %s (%s)\n", doing, fault.at,
		    fault.mode, what, got ? got : "null");
}

static int
count_entries(const char *of)
{
	DIR *d = opendir(of);
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
set_variant(int v)
{
	fault.error = v & 1 ? EIO : ENOSPC;
	fault.by_half = v & 2;
	fault.kept = v / 4;
}

static void
clear_folder(void)
{
	char name[400];
	DIR *d = opendir(folder);
	struct dirent *entry;

	fault.aside = true;
	while ((entry = readdir(d)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		unlink(name);
	}
	closedir(d);
	fault.aside = false;
	fault_follow(path);
}

/* --- whole files --------------------------------------------------------- */

static char old_bytes[FAULT_DISK], new_bytes[FAULT_DISK];

static void
read_whole(char *to)
{
	struct buf b;

	fault.aside = true;
	buf_init(&b, FAULT_DISK);
	*to = '\0';
	if (file_read(path, &b, NULL) == 0 && b.data != NULL)
		snprintf(to, FAULT_DISK, "%s", b.data);
	buf_free(&b);
	fault.aside = false;
}

static void
whole_after_power_cut(const char *bytes, size_t len)
{
	check(bytes != NULL && ((len == strlen(old_bytes) &&
	    memcmp(bytes, old_bytes, len) == 0) ||
	    (len == strlen(new_bytes) &&
	    memcmp(bytes, new_bytes, len) == 0)),
	    "after a power cut neither old nor new", bytes);
}

static int
write_replace(bool changed, struct err *e)
{
	return file_replace(path, changed ? "new\nlines\n" : "old\n",
	    changed ? 10 : 4, e);
}

static int
write_token(bool changed, struct err *e)
{
	static char old_token[] = "old", new_token[] = "newer";
	static char type[] = "bearer";
	const struct token t = {
		.access_token = changed ? new_token : old_token,
		.token_type = type, .issued_ms = 1000, .expires_ms = 9000,
		.refresh_token = changed ? old_token : new_token
	};

	return token_save(&t, path, "me", e);
}

static int
write_registry(bool changed, struct err *e)
{
	struct registry r = { 0 };
	int status;

	registry_subscribe(&r, "one", NULL, 0, e);
	if (changed)
		registry_subscribe(&r, "two", NULL, 0, e);
	status = registry_save(&r, path, e);
	registry_free(&r);
	return status;
}

static int
write_metrics(bool changed, struct err *e)
{
	const uint64_t value = changed ? 2 : 1;
	const struct metric table[] = { { "gc_x", "x", &value } };
	struct metrics m = { .path = path, .table = table, .count = 1 };

	metrics_write(&m);
	return m.failures == 0 ? 0 : err_set(e, GC_EX_IOERR, "failed");
}

typedef int writer(bool changed, struct err *e);

/* One failing call; false when none was left to fail. */
static bool
try_whole(writer *write_it, long at, enum fault_mode mode, int variant)
{
	char now[FAULT_DISK];
	struct err e = { .msg = "" };
	int fds, status;
	bool hit;

	clear_folder();
	fault_on_power_cut = NULL;
	write_it(false, &e);
	read_whole(old_bytes);
	fds = count_entries("/proc/self/fd");
	fault_on_power_cut = whole_after_power_cut;
	set_variant(variant);
	fault_arm(at, mode);
	status = write_it(true, &e);
	hit = fault_disarm();
	read_whole(now);
	check(status == 0 || (e.code != 0 && e.msg[0] != '\0'),
	    "a failure that says nothing", e.msg);
	check(strcmp(now, new_bytes) == 0 ||
	    (status == -1 && strcmp(now, old_bytes) == 0),
	    "neither old nor new", now);
	check(count_entries(folder) == 3, "a file is left over", NULL);
	check(count_entries("/proc/self/fd") == fds, "a descriptor leaks",
	    NULL);
	if (status == -1)
		check(write_it(true, &e) == 0, "the retry failed", e.msg);
	read_whole(now);
	check(strcmp(now, new_bytes) == 0, "after the retry not new", now);
	memcpy(old_bytes, new_bytes, sizeof(old_bytes));
	fault_power_cuts();	/* now it must be the new one */
	return hit;
}

static void
walk_whole(const char *name, writer *write_it)
{
	long at = 0, most = 0;
	struct err e;

	doing = name;
	wrong = 0;
	clear_folder();
	fault_on_power_cut = NULL;
	write_it(true, &e);
	read_whole(new_bytes);
	for (int mode = 0; mode < FAULT_MODES; mode++)
		for (int v = 0; v < VARIANTS; v++) {
			for (at = 0; at < CALLS_MAX; at++)
				if (!try_whole(write_it, at, mode, v))
					break;
			most = at > most ? at : most;
		}
	ok(wrong == 0 && most >= 6 && most < CALLS_MAX, "%s: each of %ld "
	    "calls fails safely", name, most);
}

/* --- the journal --------------------------------------------------------- */

struct seen {
	char text[1024];
};

/* What the journal may hold after a power cut; NULL: nothing more. */
static const char *allowed[4];
static bool may_be_missing;

static const char *
collect(void *arg, const char *line, size_t len)
{
	struct seen *s = arg;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof(s->text) - at, "%.*s ", (int)len, line);
	return NULL;
}

static int
open_at(const char *at, struct journal *j, struct seen *s, struct err *e)
{
	s->text[0] = '\0';
	*e = (struct err){ .msg = "" };
	return journal_open(j, at, "roster", collect, s, e);
}

static void
allow(const char *a, const char *b, const char *c, const char *d)
{
	allowed[0] = a;
	allowed[1] = b;
	allowed[2] = c;
	allowed[3] = d;
}

static bool
is_allowed(const char *text)
{
	for (int i = 0; i < 4; i++)
		if (allowed[i] != NULL && strcmp(text, allowed[i]) == 0)
			return true;
	return false;
}

/* What a journal of these bytes tells.  The same disks come again and
 * again: each is opened once. */
static const char *
told_by(const char *bytes, size_t len)
{
	static struct {
		uint32_t sum;
		size_t len;
		struct seen seen;
	} known[KNOWN];
	uint32_t sum = batch_crc32(0, bytes, len);
	size_t i = sum % KNOWN;
	struct journal j;
	struct err e;

	if (known[i].len == len && known[i].sum == sum)
		return known[i].seen.text;
	known[i].sum = sum;
	known[i].len = len;
	file_replace(image, bytes, len, &e);
	if (open_at(image, &j, &known[i].seen, &e) == 0)
		journal_close(&j);
	else
		snprintf(known[i].seen.text, sizeof(known[i].seen.text),
		    "refused: %s", e.msg);
	return known[i].seen.text;
}

static void
journal_after_power_cut(const char *bytes, size_t len)
{
	const char *text;

	if (bytes == NULL) {
		check(may_be_missing, "after a power cut it is gone", NULL);
		return;
	}
	text = told_by(bytes, len);
	check(is_allowed(text), "after a power cut it holds", text);
}

static void
add(struct journal *j, const char *line)
{
	char text[600];

	snprintf(text, sizeof(text), "{\"n\":%s}\n", line);
	journal_add(j, text, strlen(text));
}

#define TEXT(n) #n
#define WORD(n) TEXT(n)
#define N(n) "{\"n\":" TEXT(n) "} "
/* lines so long that half of a batch has a whole commit in it */
#define TWO 2222222222222222222222222222222222222222222222222222222222222222222\
22222222222222222222
#define FOUR 444444444444444444444444444444444444444444444444444444444444444444\
4444444444444444444444444444444444444444444444444444444444444444444444444444444\
4444444444444444444444444444444444444444444444444444444444444444444444444444444\
4444444444444444444444444444444444444444444444444444444444444444444444444444444\
4444444444444444444444444444444444444444444444444444444444444444444444444444444\
44444444444444444444

/* A journal with one batch, 1; what follows is looked at. */
static void
prepare(struct journal *j)
{
	struct seen s;
	struct err e;

	fault_on_power_cut = NULL;
	clear_folder();
	open_at(path, j, &s, &e);
	add(j, "1");
	journal_commit(j, 1000, &e);
	may_be_missing = false;
	fault_on_power_cut = journal_after_power_cut;
}

/* Opens as the disk has it, with this in it and nothing else. */
static void
reopen(struct journal *j)
{
	struct seen s;
	struct err e;

	journal_close(j);
	check(open_at(path, j, &s, &e) == 0, "it does not open", e.msg);
	check(is_allowed(s.text), "it holds", s.text);
	/* what it told must be durable by now */
	allow(s.text, NULL, NULL, NULL);
	fault_power_cuts();
}

static void
told(int status, const struct err *e)
{
	check(status == 0 || (e->code != 0 && e->msg[0] != '\0'),
	    "a failure that says nothing", e->msg);
}

static bool
try_commit(long at)
{
	struct err e = { .msg = "" };
	struct journal j;
	int status;
	bool hit;

	prepare(&j);
	add(&j, WORD(TWO));
	add(&j, "3");
	allow(N(1), N(1) N(TWO) N(3), N(1) N(TWO) N(3) N(FOUR), NULL);
	fault_arm(at, fault.mode);
	status = journal_commit(&j, 2000, &e);
	told(status, &e);
	if (status == 0) {
		allow(N(1) N(TWO) N(3), N(1) N(TWO) N(3) N(FOUR), NULL, NULL);
		fault_power_cuts();
	}
	add(&j, WORD(FOUR));
	told(journal_commit(&j, 3000, &e), &e);
	hit = fault_disarm();
	check(journal_commit(&j, 4000, &e) == 0, "the retry failed", e.msg);
	allow(N(1) N(TWO) N(3) N(FOUR), NULL, NULL, NULL);
	fault_power_cuts();
	reopen(&j);
	journal_close(&j);
	return hit;
}

/* The process ends after the failure, and the next one opens the file. */
static bool
try_commit_killed(long at)
{
	struct err e = { .msg = "" };
	struct journal j;
	int status;
	bool hit;

	prepare(&j);
	add(&j, WORD(TWO));
	allow(N(1), N(1) N(TWO), NULL, NULL);
	fault_arm(at, fault.mode);
	status = journal_commit(&j, 2000, &e);
	hit = fault_disarm();
	if (status == 0)
		allow(N(1) N(TWO), NULL, NULL, NULL);
	reopen(&j);
	journal_close(&j);
	return hit;
}

static bool
try_rewrite(long at)
{
	struct err e = { .msg = "" };
	struct journal j;
	struct buf lines;
	int status;
	bool hit;

	prepare(&j);
	buf_init(&lines, 1000);
	buf_adds(&lines, "{\"n\":5}\n{\"n\":6}\n");
	allow(N(1), N(5) N(6), NULL, NULL);
	fault_arm(at, fault.mode);
	status = journal_rewrite(&j, &lines, 2, 2000, &e);
	told(status, &e);
	hit = fault_disarm();
	if (status == 0)
		allow(N(5) N(6), NULL, NULL, NULL);
	fault_power_cuts();
	check(count_entries(folder) <= 6, "a file is left over", NULL);
	add(&j, "7");
	allow(N(1), N(5) N(6), N(1) N(7), N(5) N(6) N(7));
	check(journal_commit(&j, 4000, &e) == 0, "a commit after it failed",
	    e.msg);
	allow(status == 0 ? N(5) N(6) N(7) : N(1) N(7), N(5) N(6) N(7), NULL,
	    NULL);
	fault_power_cuts();
	reopen(&j);
	buf_free(&lines);
	journal_close(&j);
	return hit;
}

static bool
try_create(long at)
{
	struct journal j;
	struct seen s;
	struct err e;
	int status;
	bool hit;

	fault_on_power_cut = NULL;
	clear_folder();
	fault_on_power_cut = journal_after_power_cut;
	may_be_missing = true;
	allow("", NULL, NULL, NULL);
	fault_arm(at, fault.mode);
	status = open_at(path, &j, &s, &e);
	hit = fault_disarm();
	told(status, &e);
	check(count_entries(folder) <= 6, "a file is left over", NULL);
	if (status == -1)
		check(open_at(path, &j, &s, &e) == 0, "the retry failed",
		    e.msg);
	may_be_missing = false;
	fault_power_cuts();
	allow("", N(1), NULL, NULL);
	add(&j, "1");
	check(journal_commit(&j, 1000, &e) == 0, "no commit", e.msg);
	allow(N(1), NULL, NULL, NULL);
	reopen(&j);
	journal_close(&j);
	return hit;
}

/* One with a torn tail. */
static bool
try_open(long at)
{
	struct journal j;
	struct seen s;
	struct err e;
	int fd, status;
	bool hit;

	prepare(&j);
	journal_close(&j);
	allow(N(1), NULL, NULL, NULL);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	lseek(fd, 0, SEEK_END);
	file_write_all(fd, "{\"n\":2}\n{\"n", 11);
	close(fd);
	fault_arm(at, fault.mode);
	status = open_at(path, &j, &s, &e);
	hit = fault_disarm();
	told(status, &e);
	if (status == -1)
		check(open_at(path, &j, &s, &e) == 0, "the retry failed",
		    e.msg);
	check(is_allowed(s.text), "it holds", s.text);
	fault_power_cuts();
	reopen(&j);
	journal_close(&j);
	return hit;
}

static void
walk_journal(const char *name, bool try(long at), long least)
{
	int fds = count_entries("/proc/self/fd");
	long at = 0, most = 0;

	doing = name;
	wrong = 0;
	for (int mode = 0; mode < FAULT_MODES; mode++)
		for (int v = 0; v < VARIANTS; v++) {
			fault.mode = mode;
			for (at = 0; at < CALLS_MAX; at++) {
				set_variant(v);
				if (!try(at))
					break;
			}
			most = at > most ? at : most;
		}
	is_int(count_entries("/proc/self/fd"), fds, "no descriptor leaks");
	ok(wrong == 0 && most >= least && most < CALLS_MAX, "%s: each of %ld "
	    "calls fails safely", name, most);
}

int
main(void)
{
	/* in memory, where the machine has it: it makes many files */
	strlcpy(folder, access("/dev/shm", W_OK) == 0 ? "/dev/shm/gc.XXXXXX" :
	    "/tmp/gc.XXXXXX", sizeof(folder));
	if (mkdtemp(folder) == NULL)
		return 1;
	log_set(LOG_ERR, LOG_TEXT);
	snprintf(path, sizeof(path), "%s/f", folder);
	snprintf(image, sizeof(image), "%s/image", folder);
	walk_whole("file_replace", write_replace);
	walk_whole("token_save", write_token);
	walk_whole("registry_save", write_registry);
	walk_whole("metrics_write", write_metrics);
	walk_journal("commit", try_commit, 3);
	walk_journal("commit, and killed", try_commit_killed, 2);
	walk_journal("rewrite", try_rewrite, 6);
	walk_journal("create", try_create, 10);
	walk_journal("open", try_open, 8);
	clear_folder();
	rmdir(folder);
	return done();
}
