#include <sys/file.h>
#include <sys/stat.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"

#define READ_STEP 65536
#define TEMPORARY ".new-"	/* between a path and six letters */

int
file_read(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
	char *to;
	ssize_t n;

	if (fd == -1) {
		saved = errno;
		err_set(e, GC_EX_IOERR, "can't open '%s': %s", path,
		    strerror(saved));
		errno = saved;
		return -1;
	}
	for (;;) {
		size_t room = out->cap - out->len;

		if (room > READ_STEP)
			room = READ_STEP;
		/* one byte more than the cap tells a file that is too long */
		to = buf_room(out, room);
		n = room > 0 ? read(fd, to, room) : read(fd, &(char){0}, 1);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0 || room == 0)
			break;
		buf_grew(out, (size_t)n);
	}
	saved = n < 0 ? errno : EFBIG;
	close(fd);
	if (n == 0)
		return 0;
	errno = saved;
	return err_set(e, GC_EX_IOERR, "can't read '%s': %s", path,
	    strerror(saved));
}

int
file_write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
file_sync_folder(const char *path, struct err *e)
{
	char *copy = xstrdup(path), *folder = dirname(copy);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status = 0;

	/* some file systems cannot sync a folder and say EINVAL: not ours */
	if (fd == -1 || (fsync(fd) == -1 && errno != EINVAL))
		status = err_set(e, GC_EX_IOERR, "can't sync folder '%s': %s",
		    folder, strerror(errno));
	if (fd != -1)
		close(fd);
	free(copy);
	return status;
}

int
file_check_regular(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == -1 || S_ISREG(st.st_mode))
		return 0;
	return err_set(e, GC_EX_CANTCREAT, "'%s' is no regular file", path);
}

static int
write_parts(int fd, const struct iovec *parts, size_t count)
{
	int status = 0;

	for (size_t i = 0; i < count && status == 0; i++)
		status = file_write_all(fd, parts[i].iov_base,
		    parts[i].iov_len);
	return status;
}

int
file_replace(const char *path, const void *bytes, size_t len, struct err *e)
{
	const struct iovec part = { (void *)(uintptr_t)bytes, len };

	return file_replace_parts(path, &part, 1, NULL, e);
}

/* The mode of a file that is published at path. */
static mode_t
published_mode(const char *path)
{
	struct stat st;
	mode_t mask;

	if (stat(path, &st) == 0)
		return st.st_mode & 0777;
	mask = umask(022);
	umask(mask);
	return 0666 & ~mask;
}

/* A temporary file beside path with these bytes, durable, or public: its
 * descriptor, or -1 and nothing is left of it. */
static int
write_beside(const char *path, char tmp[PATH_MAX], const struct iovec *parts,
    size_t count, bool public, struct err *e)
{
	int fd;

	if (snprintf(tmp, PATH_MAX, "%s" TEMPORARY "XXXXXX", path) >=
	    PATH_MAX)
		return err_set(e, GC_EX_CANTCREAT, "path too long: '%s'",
		    path);
	fd = mkostemp(tmp, O_CLOEXEC);	/* 0600 by POSIX */
	if (fd == -1)
		return err_set(e, GC_EX_CANTCREAT, "can't create '%s': %s",
		    tmp, strerror(errno));
	if (write_parts(fd, parts, count) == 0 && (!public ||
	    fchmod(fd, published_mode(path)) == 0) && fsync(fd) == 0)
		return fd;
	err_set(e, GC_EX_IOERR, "can't write '%s': %s", tmp,
	    strerror(errno));
	close(fd);
	unlink(tmp);
	return -1;
}

/* keep as in file.h; NULL: the file is closed. */
static int
put_in_place(const char *path, const struct iovec *parts, size_t count,
    bool public, int *keep, struct err *e)
{
	char tmp[PATH_MAX];
	int fd;

	if (file_check_regular(path, e) == -1 ||
	    (fd = write_beside(path, tmp, parts, count, public, e)) == -1)
		return -1;
	if ((keep == NULL && close(fd) == -1) || rename(tmp, path) == -1) {
		err_set(e, GC_EX_IOERR, "can't replace '%s': %s", path,
		    strerror(errno));
		unlink(tmp);
		if (keep != NULL)
			close(fd);
		return -1;
	}
	if (keep != NULL)
		*keep = fd;
	return 0;
}

int
file_replace_parts(const char *path, const struct iovec *parts, size_t count,
    int *keep, struct err *e)
{
	if (keep != NULL)
		*keep = -1;
	if (put_in_place(path, parts, count, false, keep, e) == -1)
		return -1;
	return file_sync_folder(path, e);
}

int
file_publish(const char *path, const void *bytes, size_t len, struct err *e)
{
	const struct iovec part = { (void *)(uintptr_t)bytes, len };

	if (put_in_place(path, &part, 1, true, NULL, e) == -1)
		return -1;
	return file_sync_folder(path, e);
}

void
file_sweep(const char *path)
{
	char *copy = xstrdup(path), *again = xstrdup(path);
	const char *name = basename(again);
	size_t len = strlen(name), all = len + strlen(TEMPORARY "XXXXXX");
	DIR *folder = opendir(dirname(copy));
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL)
		if (strlen(entry->d_name) == all &&
		    strncmp(entry->d_name, name, len) == 0 &&
		    strncmp(entry->d_name + len, TEMPORARY,
		    strlen(TEMPORARY)) == 0)
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder != NULL)
		closedir(folder);
	free(copy);
	free(again);
}

int
file_make_folders(const char *path, struct err *e)
{
	char *copy = xstrdup(path), *p = copy;
	int status = 0;

	while (status == 0 && p != NULL) {
		p = strchr(p + 1, '/');
		if (p != NULL)
			*p = '\0';
		if (mkdir(copy, 0700) == 0)
			status = file_sync_folder(copy, e);
		else if (errno != EEXIST)
			status = err_set(e, GC_EX_CANTCREAT,
			    "can't create folder '%s': %s", copy,
			    strerror(errno));
		if (p != NULL)
			*p = '/';
	}
	free(copy);
	return status;
}

int
file_check_private(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return err_set(e, GC_EX_CONFIG, "can't look at '%s': %s",
		    path, strerror(errno));
	if (S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		return err_set(e, GC_EX_CONFIG, "'%s' holds a secret and "
		    "others can reach it (mode %03o): chmod 600 it", path,
		    (unsigned)(st.st_mode & 0777));
	return 0;
}

int
file_lock(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		return err_set(e, GC_EX_CANTCREAT, "can't open lock '%s': %s",
		    path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	if (errno == EWOULDBLOCK)
		err_set(e, GC_EX_TEMPFAIL, "'%s' is held by another process",
		    path);
	else
		err_set(e, GC_EX_OSERR, "can't lock '%s': %s", path,
		    strerror(errno));
	close(fd);
	return -1;
}

char *
file_follow(const char *path, struct err *e)
{
	char *real = realpath(path, NULL);
	struct stat st;

	if (real != NULL || lstat(path, &st) == -1)
		return real != NULL ? real : xstrdup(path);
	err_set(e, GC_EX_CANTCREAT, "'%s' is a link to nothing: %s", path,
	    strerror(errno));
	return NULL;
}
