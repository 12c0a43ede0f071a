/* Every system call of the writer fails in turn: what it calls written can
 * be read, what it does not is there whole after the next try, and never
 * twice; and after a power cut what it calls durable is there. */
#include <dirent.h>
#include <stdlib.h>

#include "lib/file.h"
#include "lib/spool.h"
#include "tests/faults.h"
#include "tests/tap.h"

static char folder[] = "/tmp/gc-spoolf-XXXXXX";
static char queue[64], path[PATH_MAX], seen_path[128];
static int durable;		/* lines that must outlive a power cut */
static int lost;		/* power cuts that they did not */
static bool begun;		/* a sync is begun in a thread first */

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

/* The numbers that whole batches hold, in their order: how many, or -1 if
 * one is missing or comes twice. */
static int
count_lines(const char *file)
{
	struct batch_find find = { 0 };
	struct batch_found found;
	struct buf b;
	struct err e;
	size_t at;
	int n = 0;
	char want[32];

	buf_init(&b, 1 << 20);
	if (file_read(file, &b, &e) == -1 || b.len == 0) {
		buf_free(&b);
		return 0;
	}
	at = (size_t)((char *)memchr(b.data, '\n', b.len) + 1 - b.data);
	while (at < b.len && n != -1) {
		if (batch_find(&find, b.data + at, b.len - at, &found) !=
		    BATCH_WHOLE)
			break;
		for (size_t i = 0; i < found.lines_len && n != -1; i += 8) {
			snprintf(want, sizeof(want), "{\"n\":%d}\n", ++n);
			if (memcmp(b.data + at + i, want, 8) != 0)
				n = -1;
		}
		at += found.len;
	}
	buf_free(&b);
	return n;
}

/* What the disk could hold now. */
static void
power_cut(const char *bytes, size_t len)
{
	int fd;

	if (durable == 0)
		return;
	if (bytes == NULL) {
		lost++;
		return;
	}
	fd = __real_open(seen_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || __real_write(fd, bytes, len) != (ssize_t)len)
		printf("# can't write %s\n", seen_path);
	__real_close(fd);
	if (count_lines(seen_path) < durable)
		lost++;
}

/* Put three lines, trying again where it fails; the tries, or -1. */
static int
run(enum spool_sync sync)
{
	char line[32];
	struct spool s;
	struct err e;
	int tries = 0, put = 0;

	durable = 0;
	for (; put < 3 && tries < 40; tries++) {
		if (spool_open(&s, queue, sync, 1 << 20, 0, &e) == -1)
			continue;
		/* what a killed writer has written is there still */
		put = (int)s.lines;
		while (put < 3 && tries < 40) {
			snprintf(line, sizeof(line), "{\"n\":%d}\n", put + 1);
			spool_add(&s, line, strlen(line));
			while (spool_commit(&s, 1000, &e) == -1 &&
			    tries++ < 40)
				continue;
			put++;
			if (sync == SPOOL_ALWAYS)
				durable = put;
		}
		if (sync == SPOOL_INTERVAL && begun)
			tries += spool_sync_begin(&s, &e) == -1;
		while (sync == SPOOL_INTERVAL && spool_sync(&s, &e) == -1 &&
		    tries++ < 40)
			continue;
		durable = put;
		spool_close(&s);
	}
	return tries < 40 ? tries : -1;
}

static void
test(enum spool_sync sync, const char *name)
{
	int wrong = 0, stuck = 0;
	long calls = 0;

	lost = 0;
	for (int mode = FAULT_ONCE; mode < FAULT_FOR_EVER; mode++)
		for (int half = 0; half < 2; half++)
			for (long at = 0; ; at++) {
				wipe();
				fault.by_half = half;
				fault_follow(path);
				fault_on_power_cut = power_cut;
				fault_arm(at, (enum fault_mode)mode);
				stuck += run(sync) == -1;
				durable = 0;
				if (!fault_disarm())
					break;
				wrong += count_lines(path) != 3;
				calls++;
			}
	ok(calls > 30, "%s: %ld failures", name, calls);
	is_int(wrong, 0, "after each, every line is there, once");
	is_int(stuck, 0, "and the writer goes on");
	is_int(lost, 0, "nothing durable was lost to a power cut");
}

int
main(void)
{
	struct err e;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(queue, sizeof(queue), "%s/q", folder);
	snprintf(seen_path, sizeof(seen_path), "%s/seen", folder);
	if (segment_path(path, queue, 0, &e) == -1)
		return 1;
	test(SPOOL_ALWAYS, "always");
	test(SPOOL_INTERVAL, "interval");
	begun = true;
	test(SPOOL_INTERVAL, "interval, in a thread");
	wipe();
	rmdir(queue);
	unlink(seen_path);
	rmdir(folder);
	return done();
}
