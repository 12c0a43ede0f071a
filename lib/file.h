/*
 * Files of ours: read whole, replaced atomically, private.
 *
 * A replacement is written to a temporary name in the same folder, mode
 * 0600, fsynced, renamed over the old one, and the folder fsynced: whoever
 * opens the path sees the old bytes or the new ones.  CONTRACT section 4.
 *
 * A sync that failed is never asked again for the same bytes: the kernel may
 * have dropped them and call the second one a success.  A retry writes them
 * anew.  tests/faults.h makes each of these calls fail in turn.
 */
#ifndef GC_FILE_H
#define GC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "lib/buf.h"
#include "lib/die.h"

/* The bytes of path are added to out, whose cap is the limit.  -1 with
 * errno left as it was: ENOENT tells a missing file. */
int file_read(const char *path, struct buf *out, struct err *e);

/*
 * -1: the path holds the old bytes, or the new ones where only the folder
 * did not sync; both whole, and no temporary file is left.  A symbolic link
 * at path is replaced, not followed.  What is no regular file (a folder, a
 * device) is refused with 73.
 */
int file_replace(const char *path, const void *bytes, size_t len,
    struct err *e);
/* The same from parts, one behind the other.  keep, where not NULL, gets
 * the new file open for writing, or -1 where it is not in its place. */
int file_replace_parts(const char *path, const struct iovec *parts,
    size_t count, int *keep, struct err *e);

/* The same for others to read: its mode is that of the file at path, else
 * what the umask leaves of 0666. */
int file_publish(const char *path, const void *bytes, size_t len,
    struct err *e);

/* Remove what a replacement of path leaves behind that is killed: for who
 * alone writes path, once at the start. */
void file_sweep(const char *path);

/* 73 if something is at path that is no regular file (links followed). */
int file_check_regular(const char *path, struct err *e);

/* Make every missing folder of path, mode 0700, durable. */
int file_make_folders(const char *path, struct err *e);

/* fsync the folder that holds path: after a rename or a creation. */
int file_sync_folder(const char *path, struct err *e);

/* -1 with 78 if group or others can read path (a secret's file must be
 * private) or it cannot be looked at. */
int file_check_private(const char *path, struct err *e);

/* Write all of it; short writes and EINTR are gone on with. */
int file_write_all(int fd, const void *bytes, size_t len);

/*
 * Take the lock file at path (made 0600 where missing), without waiting:
 * the descriptor, which holds the lock until it is closed or the process
 * ends; or -1, with 75 if another holds it.
 */
int file_lock(const char *path, struct err *e);

/* The path with its links followed, so that what is replaced is where they
 * point; free() it.  NULL, and 73: a link to nothing. */
char *file_follow(const char *path, struct err *e);

#endif
