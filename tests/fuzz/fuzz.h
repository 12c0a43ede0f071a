/*
 * What every fuzzer begins with.  Each is one function that takes any bytes;
 * libFuzzer, AFL++ and tests/replay.c call it, with nothing before it.
 */
#ifndef GC_FUZZ_H
#define GC_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_PATH_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold of every input. */
static inline void
require(bool holds)
{
	if (!holds)
		abort();
}

/* A file in a folder of the fuzzer's own in TMPDIR, which whoever runs it
 * removes. */
static inline void
fuzz_path(char path[FUZZ_PATH_MAX], const char *name)
{
	const char *tmp = getenv("TMPDIR");
	size_t len;

	snprintf(path, FUZZ_PATH_MAX, "%s/gc-fuzz.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	require(mkdtemp(path) != NULL);
	len = strlen(path);
	snprintf(path + len, FUZZ_PATH_MAX - len, "/%s", name);
}

#endif
