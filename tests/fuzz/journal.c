/*
 * Any file as a journal: it is read, or refused and left as it is.  What was
 * read reads again with nothing to cut.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/journal.h"

#define FILE_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *
count_line(void *arg, const char *line, size_t len)
{
	*(uint64_t *)arg += 1;
	return len > 0 && line[0] == '!' ? "it begins with !" : NULL;
}

static void
must_be_as_it_was(const char *path, const uint8_t *data, size_t size)
{
	struct buf now;

	buf_init(&now, FILE_MAX);
	if (file_read(path, &now, NULL) == -1 || now.len != size ||
	    (size > 0 && memcmp(now.data, data, size) != 0))
		abort();
	buf_free(&now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char folder[] = "/tmp/gc-fuzz.XXXXXX", path[64], lock[80];
	uint64_t first = 0, second = 0;
	struct journal j;
	struct err e;

	if (path[0] == '\0') {
		if (mkdtemp(folder) == NULL)
			abort();
		snprintf(path, sizeof(path), "%s/journal", folder);
		snprintf(lock, sizeof(lock), "%s.lock", path);
	}
	if (size > FILE_MAX || file_replace(path, data, size, &e) == -1)
		return 0;
	if (journal_open(&j, path, "roster", count_line, &first, &e) == -1) {
		must_be_as_it_was(path, data, size);
		return 0;
	}
	journal_close(&j);
	if (journal_open(&j, path, "roster", count_line, &second, &e) == -1 ||
	    j.cut_bytes != 0 || first != second)
		abort();
	journal_close(&j);
	return 0;
}
