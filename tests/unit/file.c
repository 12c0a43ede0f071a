/* Files as others see them: whole or not at all, private, one at a time. */
#include <sys/stat.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "tests/tap.h"

static char folder[] = "/tmp/gc-file.XXXXXX";
static char path[64];

static unsigned
mode_of(const char *name)
{
	struct stat st;

	return stat(name, &st) == -1 ? 0 : st.st_mode & 0777;
}

static int
entries(void)
{
	DIR *d = opendir(folder);
	int n = 0;

	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
test_replace(void)
{
	struct buf text;
	struct err e;
	int old;
	char first[4] = "";

	buf_init(&text, 1 << 20);
	is_int(file_replace(path, "old", 3, &e), 0, "a new file");
	is_int(mode_of(path), 0600, "is private");
	is_int(chmod(path, 0644), 0, "and if it was not");
	old = open(path, O_RDONLY);
	is_int(file_replace(path, "longer", 6, &e), 0, "replaced");
	is_int(mode_of(path), 0600, "it is again");
	ok(read(old, first, 3) == 3 && strcmp(first, "old") == 0,
	    "who had it open still reads the old bytes");
	close(old);
	is_int(file_read(path, &text, &e), 0, "it is read");
	is_str(text.data, "longer", "with the new ones");
	is_int(file_replace(path, "", 0, &e), 0, "by nothing");
	buf_reset(&text);
	is_int(file_read(path, &text, &e), 0, "an empty file is read");
	is_int((long long)text.len, 0, "as nothing");
	is_int(entries(), 1, "no temporary name is left");
	is_int(file_replace(folder, "x", 1, &e), -1, "a folder is none");
	is_int(file_replace("/nowhere/x", "x", 1, &e), -1, "nor is no folder");
	is_int(e.code, GC_EX_CANTCREAT, "73");
	is_int(entries(), 1, "and nothing is left of it");
	buf_free(&text);
}

static void
test_publish(void)
{
	struct buf text;
	struct err e;
	mode_t mask = umask(027);

	buf_init(&text, 100);
	unlink(path);
	is_int(file_publish(path, "old", 3, &e), 0, "published");
	is_int(mode_of(path), 0640, "for others, as the umask has it");
	chmod(path, 0604);
	is_int(file_publish(path, "new", 3, &e), 0, "again");
	is_int(mode_of(path), 0604, "as the file had it");
	file_read(path, &text, &e);
	is_str(text.data, "new", "with the new bytes");
	is_int(umask(mask), 027, "the umask is as it was");
	is_int(entries(), 1, "no temporary name is left");
	is_int(file_publish(folder, "x", 1, &e), -1, "a folder is none");
	unlink(path);
	buf_free(&text);
}

static void
test_cap(void)
{
	static char big[100000];
	struct buf text;
	struct err e;

	memset(big, 'x', sizeof(big));
	file_replace(path, big, sizeof(big), &e);
	buf_init(&text, sizeof(big));
	is_int(file_read(path, &text, &e), 0, "as long as the cap");
	is_int((long long)text.len, sizeof(big), "whole");
	buf_free(&text);
	buf_init(&text, sizeof(big) - 1);
	is_int(file_read(path, &text, &e), -1, "a byte longer");
	ok(e.code == GC_EX_IOERR && errno == EFBIG, "74: %s", e.msg);
	buf_free(&text);
	unlink(path);
	is_int(file_read(path, &text, &e), -1, "missing");
	is_int(errno, ENOENT, "errno tells it");
	is_int(file_read(folder, &text, &e), -1, "a folder");
	buf_free(&text);
}

static void
test_folders(void)
{
	char deep[96], middle[96];
	struct err e;

	snprintf(deep, sizeof(deep), "%s/a//b/c", folder);
	snprintf(middle, sizeof(middle), "%s/a", folder);
	is_int(file_make_folders(deep, &e), 0, "three folders");
	ok(mode_of(deep) == 0700 && mode_of(middle) == 0700, "private ones");
	is_int(file_make_folders(deep, &e), 0, "once more");
	is_int(chmod(middle, 0755), 0, "the mode of one that is there");
	is_int(file_make_folders(deep, &e), 0, "is its owner's");
	is_int(mode_of(middle), 0755, "it stays");
	file_replace(path, "x", 1, &e);
	snprintf(deep, sizeof(deep), "%s/a", path);
	is_int(file_make_folders(deep, &e), -1, "a file in the way");
	is_int(e.code, GC_EX_CANTCREAT, "73");
}

static void
test_private(void)
{
	static const struct { unsigned mode; int status; } cases[] = {
		{ 0600, 0 }, { 0400, 0 }, { 0700, 0 }, { 0640, -1 },
		{ 0604, -1 }, { 0644, -1 }, { 0620, -1 },
	};
	struct err e;

	file_replace(path, "hush", 4, &e);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		chmod(path, cases[i].mode);
		e.code = 0;
		ok(file_check_private(path, &e) == cases[i].status &&
		    e.code == (cases[i].status ? GC_EX_CONFIG : 0),
		    "mode %03o", cases[i].mode);
		ok(strstr(e.msg, "hush") == NULL, "its bytes are not told");
	}
	unlink(path);
	is_int(file_check_private(path, &e), -1, "missing");
	is_int(e.code, GC_EX_CONFIG, "78");
}

/* The lock ends with its process, however that ends. */
static void
test_lock(void)
{
	struct err e;
	int fd, status, ready[2];
	char c;
	pid_t pid;

	fd = file_lock(path, &e);
	ok(fd != -1, "locked");
	is_int(mode_of(path), 0600, "by a private file");
	is_int(file_lock(path, &e), -1, "by one alone");
	is_int(e.code, GC_EX_TEMPFAIL, "75");
	close(fd);
	if (pipe(ready) == -1 || (pid = fork()) == -1)
		return;
	if (pid == 0) {
		c = file_lock(path, &e) == -1 ? 'n' : 'y';
		file_write_all(ready[1], &c, 1);
		pause();
		_exit(0);
	}
	ok(read(ready[0], &c, 1) == 1 && c == 'y', "another may after that");
	is_int(file_lock(path, &e), -1, "then we may not");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	fd = file_lock(path, &e);
	ok(fd != -1, "until it is killed");
	close(fd);
	close(ready[0]);
	close(ready[1]);
	is_int(file_lock("/nowhere/x", &e), -1, "no folder for it");
	is_int(e.code, GC_EX_CANTCREAT, "73");
}

/* More than a pipe holds, to a reader that takes its time. */
static void
test_write_all(void)
{
	static char bytes[1 << 20], piece[777];
	int ends[2], status;
	ssize_t n;
	size_t seen = 0, wrong = 0;
	pid_t pid;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 >> 3);
	if (pipe(ends) == -1 || (pid = fork()) == -1)
		return;
	if (pid == 0) {
		close(ends[0]);
		_exit(file_write_all(ends[1], bytes, sizeof(bytes)) != 0);
	}
	close(ends[1]);
	while ((n = read(ends[0], piece, sizeof(piece))) > 0) {
		wrong += memcmp(piece, bytes + seen, (size_t)n) != 0;
		seen += (size_t)n;
	}
	close(ends[0]);
	waitpid(pid, &status, 0);
	ok(status == 0 && seen == sizeof(bytes) && wrong == 0,
	    "all of it, in order");
	is_int(file_write_all(-1, "x", 1), -1, "to nowhere");
}

int
main(void)
{
	static const char *const made[] = { "/a/b/c", "/a/b", "/a", "" };
	char name[96];

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/file", folder);
	test_replace();
	test_publish();
	test_cap();
	test_folders();
	test_private();
	test_lock();
	test_write_all();
	unlink(path);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", folder, made[i]);
		rmdir(name);
	}
	return done();
}
