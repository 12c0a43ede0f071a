/* A queue's segments: cut at every byte, with every bit flipped, and parts
 * of a reader's bookkeeping.  What is read is what was put, or nothing. */
#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/expire.h"
#include "lib/file.h"
#include "lib/spool.h"
#include "tests/tap.h"

static char folder[] = "/tmp/gc-spool-XXXXXX";
static char queue[64];

static void
wipe(void)
{
	DIR *dir = opendir(queue);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

/* Everything whole batches hold, over all segments; how many were bad. */
static int
read_all(char *out, size_t size)
{
	struct segments list;
	struct segment s;
	struct batch_found found;
	const char *lines;
	struct err e;
	int bad = 0, got;

	out[0] = '\0';
	segment_init(&s);
	if (segments_list(&list, queue, &e) == -1)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		if (segment_open(&s, queue, list.bases[i], &e) == -1) {
			bad++;
			continue;
		}
		for (got = 1; got == 1; ) {
			enum batch_verdict v = segment_next(&s, &lines,
			    &found);

			if (v == BATCH_WHOLE)
				snprintf(out + strlen(out), size -
				    strlen(out), "%.*s",
				    (int)found.lines_len, lines);
			bad += v == BATCH_BAD;
			if (v == BATCH_MORE)
				got = segment_fill(&s, &e);
		}
	}
	segment_close(&s);
	segments_free(&list);
	return bad;
}

static int
open_spool(struct spool *s, size_t segment_max, uint64_t at_least)
{
	struct err e;

	if (spool_open(s, queue, SPOOL_INTERVAL, segment_max, at_least,
	    &e) == 0)
		return 0;
	printf("# %s\n", e.msg);
	return -1;
}

static void
put(struct spool *s, const char *line)
{
	struct err e;

	spool_add(s, line, strlen(line));
	if (spool_commit(s, 1000, &e) == -1)
		printf("# %s\n", e.msg);
}

static void
two_batches(void)
{
	struct spool s;
	struct err e;

	wipe();
	open_spool(&s, 1 << 20, 0);
	spool_add(&s, "{\"n\":1}\n", 8);
	put(&s, "{\"n\":2}\n");
	put(&s, "{\"n\":3}\n");
	ok(!spool_is_synced(&s), "what is written is not yet durable");
	is_int(spool_sync(&s, &e), 0, "a sync");
	ok(spool_is_synced(&s), "now it is");
	is_int((long long)s.lines, 3, "three lines");
	spool_close(&s);
}

/* A sync that is begun, and what comes meanwhile. */
static void
test_begun(void)
{
	struct spool s;
	struct err e;

	wipe();
	open_spool(&s, 1 << 20, 0);
	is_int(spool_sync_begin(&s, &e), 0, "of nothing");
	ok(!s.flight.on, "there is none");
	put(&s, "{\"n\":1}\n");
	is_int(spool_sync_begin(&s, &e), 0, "one is begun");
	put(&s, "{\"n\":2}\n");
	ok(!spool_is_synced(&s), "what came after it waits");
	while (spool_sync_begin(&s, &e) == 0 && !spool_is_synced(&s))
		continue;
	ok(spool_is_synced(&s), "and is synced by the next");
	put(&s, "{\"n\":3}\n");
	spool_sync_begin(&s, &e);
	is_int(spool_sync(&s, &e), 0, "one that is waited for");
	ok(spool_is_synced(&s), "has the other's, too");
	put(&s, "{\"n\":4}\n");
	spool_sync_begin(&s, &e);
	spool_close(&s);
	ok(!s.flight.on, "an end waits for it");
}

/* At full speed no more is held than is allowed. */
static void
test_held(void)
{
	static char line[1 << 16];
	size_t most = 0;
	struct spool s;
	struct err e;

	memset(line, ' ', sizeof(line));
	memcpy(line, "{}", 2);
	line[sizeof(line) - 1] = '\n';
	wipe();
	open_spool(&s, (size_t)1 << 30, 0);
	for (int i = 0; i < 2000; i++) {
		spool_add(&s, line, sizeof(line));
		if (spool_is_full(&s) && spool_commit(&s, 1000, &e) == -1)
			printf("# %s\n", e.msg);
		most = s.held.len > most ? s.held.len : most;
	}
	ok(most < SPOOL_UNSYNCED_MAX + 2 * SPOOL_BATCH_FULL,
	    "%zu bytes were held at most", most);
	is_int(spool_commit(&s, 1000, &e) + spool_sync(&s, &e), 0, "synced");
	is_int((long long)s.lines, 2000, "and all was written");
	spool_close(&s);
}

static void
load(const char *path, struct buf *b)
{
	struct err e;

	buf_init(b, 1 << 20);
	if (file_read(path, b, &e) == -1)
		printf("# %s\n", e.msg);
}

static void
store(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || file_write_all(fd, bytes, len) == -1)
		printf("# can't write %s\n", path);
	if (fd != -1)
		close(fd);
}

static const char *const prefixes[] = {
	"", "{\"n\":1}\n{\"n\":2}\n", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"
};

static bool
is_prefix(const char *text)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(text, prefixes[i]) == 0)
			return true;
	return false;
}

/* Cut anywhere behind its first line: whole batches stay, the rest is cut
 * off, and what is put next follows them. */
static void
test_cuts(const char *path, const struct buf *whole, size_t header)
{
	char text[4096], want[4096];
	struct spool s;
	int wrong = 0;

	for (size_t cut = header; cut <= whole->len; cut++) {
		store(path, whole->data, cut);
		read_all(want, sizeof(want));
		wrong += !is_prefix(want);
		if (open_spool(&s, 1 << 20, 0) == -1) {
			wrong++;
			continue;
		}
		put(&s, "{\"n\":4}\n");
		spool_close(&s);
		snprintf(want + strlen(want), sizeof(want) - strlen(want),
		    "{\"n\":4}\n");
		wrong += read_all(text, sizeof(text)) != 0 ||
		    strcmp(text, want) != 0;
	}
	is_int(wrong, 0, "cut at every byte: whole batches, then the next");
}

/* With any bit flipped no line is believed that was not put, and the writer
 * goes on or refuses. */
static void
test_flips(const char *path, const struct buf *whole, size_t header)
{
	char text[4096], *copy = xmalloc(whole->len);
	int lies = 0, stopped = 0, silent = 0;
	struct spool s;
	struct err e;

	for (size_t bit = 0; bit < whole->len * 8; bit++) {
		memcpy(copy, whole->data, whole->len);
		copy[bit / 8] ^= (char)(1 << bit % 8);
		store(path, copy, whole->len);
		read_all(text, sizeof(text));
		lies += !is_prefix(text) && strcmp(text, "{\"n\":3}\n") != 0;
		if (spool_open(&s, queue, SPOOL_INTERVAL, 1 << 20, 0, &e) ==
		    -1) {
			stopped += bit / 8 < header &&
			    e.code == GC_EX_DATAERR;
			silent += bit / 8 >= header;
			continue;
		}
		put(&s, "{\"n\":4}\n");
		spool_close(&s);
		read_all(text, sizeof(text));
		lies += strstr(text, "{\"n\":4}\n") == NULL;
		wipe();
	}
	is_int(lies, 0, "with any bit flipped nothing false is read");
	ok(stopped > 0, "a newer version is refused");
	is_int(silent, 0, "and nothing else is");
	free(copy);
}

static void
test_damage(void)
{
	char path[PATH_MAX];
	struct buf whole;
	struct err e;

	two_batches();
	segment_path(path, queue, 0, &e);
	load(path, &whole);
	test_cuts(path, &whole, (size_t)((char *)memchr(whole.data, '\n',
	    whole.len) + 1 - whole.data));
	test_flips(path, &whole, (size_t)((char *)memchr(whole.data, '\n',
	    whole.len) + 1 - whole.data));
	buf_free(&whole);
}

static void
test_segments(void)
{
	struct segments list;
	char text[4096];
	struct spool s, second;
	struct err e;
	uint64_t floor;

	wipe();
	open_spool(&s, 100, 0);
	for (int i = 0; i < 5; i++)
		put(&s, "{\"n\":1}\n");
	is_int(spool_open(&second, queue, SPOOL_NONE, 100, 0, &e), -1,
	    "a second writer is refused");
	is_int(e.code, GC_EX_TEMPFAIL, "with 75");
	segments_list(&list, queue, &e);
	is_int((long long)list.count, 5, "a segment is closed when it is full");
	is_int((long long)segments_find(&list, list.bases[2]), 2,
	    "a position is in the segment that begins at it");
	is_int((long long)segments_find(&list, list.bases[2] - 1), 1,
	    "and those before it in the one before");
	floor = list.bases[2];
	is_int(expire_segments(queue, floor, 0, 0, 2000, &e), 2,
	    "what all have read goes");
	is_int(expire_segments(queue, 0, 0, 500, 2000, &e), 2,
	    "what is too old goes, but the last");
	segments_free(&list);
	spool_close(&s);
	read_all(text, sizeof(text));
	is_str(text, "{\"n\":1}\n", "the last is there");
	open_spool(&s, 1 << 20, 100000);
	put(&s, "{\"n\":2}\n");
	ok(s.base == 100000 && s.lines == 6,
	    "no new line has a position that a reader was at");
	spool_close(&s);
}

static void
test_names(void)
{
	uint64_t base = 0;

	is_int(segment_base("00000000000000000042.ndjson", &base), 0,
	    "a segment's name");
	is_int((long long)base, 42, "is its position");
	is_int(segment_base("42.ndjson", &base), -1, "no other is one");
	is_int(segment_base("00000000000000000042.ndjson.new-abcdef", &base),
	    -1, "nor a half one");
	is_int(segment_base("0000000000000000004x.ndjson", &base), -1,
	    "nor what is no number");
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(queue, sizeof(queue), "%s/q", folder);
	test_names();
	test_damage();
	test_segments();
	test_begun();
	test_held();
	wipe();
	rmdir(queue);
	rmdir(folder);
	return done();
}
