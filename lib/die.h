/*
 * Exit codes, error values and allocation that cannot fail.
 *
 * Only cmd/ ends the process.  A library function that can fail returns -1
 * and fills a struct err: the sentence for people, and the exit code that
 * the tool ends with if it cannot go on.  The innermost function writes the
 * sentence; callers may put words before it with err_prefix().
 * Out of memory is the exception: the x-functions say so and end with 71.
 */
#ifndef GC_DIE_H
#define GC_DIE_H

#include <stddef.h>

/* The codes of sysexits.h that the suite uses: CONTRACT section 3, gc(7). */
enum gc_exit {
	GC_EX_OK = 0,
	GC_EX_USAGE = 64,	/* the command line is wrong */
	GC_EX_DATAERR = 65,	/* bad input data */
	GC_EX_UNAVAILABLE = 69,	/* a service cannot be reached */
	GC_EX_SOFTWARE = 70,	/* internal: should not happen */
	GC_EX_OSERR = 71,	/* fork, pipe, memory */
	GC_EX_CANTCREAT = 73,	/* an output file cannot be made */
	GC_EX_IOERR = 74,	/* reading or writing failed */
	GC_EX_TEMPFAIL = 75,	/* try again later */
	GC_EX_NOPERM = 77,	/* authentication or permission refused */
	GC_EX_CONFIG = 78	/* configuration is missing or wrong */
};

struct err {
	int code;		/* enum gc_exit */
	char msg[512];		/* one sentence, no newline, no secret */
};

/* Fill e (which may be NULL) and return -1, so: return err_set(...). */
int err_set(struct err *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Put words and ": " before the sentence that is there; returns -1. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Like their namesakes, but they never return NULL. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);

#endif
