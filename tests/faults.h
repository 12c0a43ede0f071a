/*
 * Faults under lib/file and lib/journal: each system call that they write
 * with can be made to fail at the n-th call.  A test that includes this is
 * linked with `ld --wrap` (see FAULTY in the Makefile), which leads every
 * such call of lib/ through here; nothing of it is in any other binary.
 *
 *	fault_arm(2, FAULT_ONCE);	the third call fails
 *	...
 *	if (!fault_disarm())		there was no third call: all seen
 *
 * It also knows what a disk would hold after a power cut: a byte that was
 * written is on the disk after a sync that succeeded; a sync that failed
 * leaves it off the disk and clean, so that no later sync writes it.  At
 * each call fault_on_power_cut, if set, is shown what could be there then.
 */
#ifndef GC_FAULTS_H
#define GC_FAULTS_H

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAULT_DISK 8192		/* bytes of a file that is followed */
#define FAULT_FILES 16

int __real_open(const char *path, int flags, ...);
int __real_mkostemp(char *template, int flags);
ssize_t __real_read(int fd, void *bytes, size_t len);
ssize_t __real_write(int fd, const void *bytes, size_t len);
int __real_rename(const char *from, const char *to);
int __real_ftruncate(int fd, off_t len);
int __real_close(int fd);
/* Time stands still, so that the same is written twice. */
int64_t __wrap_clock_wall_ms(void);
int64_t
__wrap_clock_wall_ms(void)
{
	return INT64_C(1718461930000);
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_mkostemp(char *template, int flags);
ssize_t __wrap_read(int fd, void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_close(int fd);

/* How it goes on after the first failure. */
enum fault_mode {
	FAULT_ONCE,		/* all is well again */
	FAULT_TWICE, FAULT_THRICE, FAULT_FOUR_TIMES,
	FAULT_FOR_EVER,		/* until disarmed */
	FAULT_MODES
};

/* A file as the page cache and as the disk have it. */
struct fault_file {
	ino_t ino;
	char cache[FAULT_DISK], disk[FAULT_DISK];
	bool unsynced[FAULT_DISK];
	size_t cache_len, disk_len;
};

static struct {
	bool armed;
	long at, count;		/* the call that fails, calls so far */
	enum fault_mode mode;
	int error;		/* of writes: ENOSPC, EIO */
	bool by_half;		/* a failing write writes half, once */
	int kept;		/* a failing sync leaves on the disk: nothing,
				 * 1 the first half, 2 the second */
	bool aside;		/* the test's own calls: not looked at */
	const char *followed;	/* the path whose power cuts are shown */
	ino_t named, named_durably;	/* the file that it names; 0: none */
	struct fault_file files[FAULT_FILES];
} fault = { .error = ENOSPC };

/* What the followed path could hold after a power cut; NULL: no file. */
static void (*fault_on_power_cut)(const char *bytes, size_t len);

__attribute__((unused)) static void
fault_arm(long at, enum fault_mode mode)
{
	fault.armed = true;
	fault.at = at;
	fault.count = 0;
	fault.mode = mode;
}

/* Did anything fail? */
__attribute__((unused)) static bool
fault_disarm(void)
{
	fault.armed = false;
	return fault.count > fault.at;
}

/* Is it this call's turn? */
static bool
fault_now(void)
{
	long n;

	if (!fault.armed || fault.aside)
		return false;
	n = fault.count++ - fault.at;
	return n == 0 || (n > 0 && (fault.mode == FAULT_FOR_EVER ||
	    n <= (long)fault.mode));
}

static struct fault_file *
fault_file(int fd)
{
	struct fault_file *f = fault.files;
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		return NULL;
	while (f < fault.files + FAULT_FILES - 1 && f->ino != 0 &&
	    f->ino != st.st_ino)
		f++;
	if (f->ino != st.st_ino)
		*f = (struct fault_file){ .ino = st.st_ino };
	return f;
}

/* A new file, perhaps with the number of one that is gone but that the
 * followed path still names on the disk: that one keeps another number. */
static void
fault_new_file(int fd)
{
	struct fault_file *f = fault_file(fd);

	if (f->ino == fault.named_durably) {
		f->ino = fault.named_durably |= (ino_t)1 << 62;
		f = fault_file(fd);
	}
	*f = (struct fault_file){ .ino = f->ino };
}

/* Forget all files, as they are on the disk: a new test begins. */
__attribute__((unused)) static void
fault_follow(const char *path)
{
	memset(fault.files, 0, sizeof(fault.files));
	fault.followed = path;
	fault.named = fault.named_durably = 0;
}

static size_t
fault_unsynced(const struct fault_file *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->cache_len; i++)
		n += f->unsynced[i];
	return n;
}

/* The disk with none, all, the first or the second half of what is not
 * synced: a power cut leaves some of it. */
static void
fault_show(const struct fault_file *f, int which)
{
	static char image[FAULT_DISK];
	size_t unsynced = fault_unsynced(f), seen = 0, len = f->disk_len;

	if (unsynced == 0 && which > 0)
		return;
	memset(image, 0, sizeof(image));
	memcpy(image, f->disk, f->disk_len);
	for (size_t i = 0; i < f->cache_len; i++) {
		if (!f->unsynced[i])
			continue;
		seen++;
		if (which == 0 || (which == 2 && seen > unsynced / 2) ||
		    (which == 3 && seen <= unsynced / 2))
			continue;
		image[i] = f->cache[i];
		len = i + 1 > len ? i + 1 : len;
	}
	fault_on_power_cut(image, len);
}

static void
fault_power_cuts(void)
{
	if (fault.aside || fault_on_power_cut == NULL)
		return;
	fault.aside = true;
	if (fault.named_durably == 0)
		fault_on_power_cut(NULL, 0);
	for (struct fault_file *f = fault.files; f < fault.files +
	    FAULT_FILES && f->ino != 0; f++)
		if (f->ino == fault.named || f->ino == fault.named_durably)
			for (int which = 0; which < 4; which++)
				fault_show(f, which);
	fault.aside = false;
}

static bool
fault_names(const char *path)
{
	return fault.followed != NULL && strcmp(path, fault.followed) == 0;
}

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, int) : 0;
	va_end(ap);
	if (fault_now()) {
		errno = EIO;
		return -1;
	}
	return __real_open(path, flags, mode);
}

int
__wrap_mkostemp(char *template, int flags)
{
	int fd;

	if (fault_now()) {
		errno = ENOSPC;
		return -1;
	}
	fd = __real_mkostemp(template, flags);
	if (fd != -1 && !fault.aside)
		fault_new_file(fd);
	return fd;
}

ssize_t
__wrap_read(int fd, void *bytes, size_t len)
{
	if (fault_now()) {
		errno = EIO;
		return -1;
	}
	return __real_read(fd, bytes, len);
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t len)
{
	struct fault_file *f = fault.aside ? NULL : fault_file(fd);
	off_t at = lseek(fd, 0, SEEK_CUR);
	ssize_t n;

	if (fault_now()) {
		if (!fault.by_half || len < 2) {
			errno = fault.error;
			return -1;
		}
		/* the rest of it is the next call, which fails */
		len /= 2;
		fault.count--;
		fault.by_half = false;
	}
	n = __real_write(fd, bytes, len);
	if (n > 0 && f != NULL && at + n <= FAULT_DISK) {
		memcpy(f->cache + at, bytes, (size_t)n);
		memset(f->unsynced + at, true, (size_t)n);
		if ((size_t)(at + n) > f->cache_len)
			f->cache_len = (size_t)(at + n);
		fault_power_cuts();
	}
	return n;
}

/* Everything unsynced is clean now; on the disk is what was kept of it. */
static void
fault_sync(struct fault_file *f, bool whole, int kept)
{
	size_t unsynced = fault_unsynced(f), seen = 0;

	for (size_t i = 0; i < f->cache_len; i++) {
		if (!f->unsynced[i])
			continue;
		seen++;
		if (!whole && kept != (seen <= unsynced / 2 ? 1 : 2))
			continue;
		f->disk[i] = f->cache[i];
		if (i + 1 > f->disk_len)
			f->disk_len = i + 1;
	}
	memset(f->unsynced, false, sizeof(f->unsynced));
	if (!whole)
		return;
	/* the length is on the disk; bytes that were lost are zeros */
	if (f->cache_len < f->disk_len)
		memset(f->disk + f->cache_len, 0, f->disk_len - f->cache_len);
	f->disk_len = f->cache_len;
}

/* No real sync: the disk that counts is ours. */
static int
fault_any_sync(int fd)
{
	struct fault_file *f = fault.aside ? NULL : fault_file(fd);
	bool fails = fault_now();

	if (f != NULL)
		fault_sync(f, !fails, fault.kept);
	else if (!fails && !fault.aside)
		fault.named_durably = fault.named;	/* a folder */
	if (!fault.aside)
		fault_power_cuts();
	errno = EIO;
	return fails ? -1 : 0;
}

int
__wrap_fsync(int fd)
{
	return fault_any_sync(fd);
}

int
__wrap_fdatasync(int fd)
{
	return fault_any_sync(fd);
}

int
__wrap_rename(const char *from, const char *to)
{
	struct stat st;
	int status;

	if (fault_now()) {
		errno = EIO;
		return -1;
	}
	status = __real_rename(from, to);
	if (status == 0 && !fault.aside && fault_names(to) &&
	    stat(to, &st) == 0) {
		fault.named = st.st_ino;
		fault_power_cuts();
	}
	return status;
}

int
__wrap_ftruncate(int fd, off_t len)
{
	struct fault_file *f = fault.aside ? NULL : fault_file(fd);
	int status;

	if (fault_now()) {
		errno = EIO;
		return -1;
	}
	status = __real_ftruncate(fd, len);
	if (status == 0 && f != NULL && len <= FAULT_DISK) {
		memset(f->unsynced + len, false, (size_t)(FAULT_DISK - len));
		f->cache_len = (size_t)len;
		fault_power_cuts();
	}
	return status;
}

/* Whatever it says, the descriptor is closed: as Linux does. */
int
__wrap_close(int fd)
{
	int status = __real_close(fd);

	if (fault_now()) {
		errno = EIO;
		return -1;
	}
	return status;
}

#endif
