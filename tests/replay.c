/*
 * Runs a fuzzer's function over files: what a fuzzer once found stays found,
 * with any compiler.  Linked with one of tests/fuzz; tests/fuzz.t runs it.
 */
#include "lib/buf.h"
#include "lib/file.h"
#include "lib/log.h"
#include "tests/fuzz/fuzz.h"

#define FILE_MAX (64 << 20)

int
main(int argc, char **argv)
{
	uint8_t *exact;
	struct buf text;
	struct err e;

	buf_init(&text, FILE_MAX);
	for (int i = 1; i < argc; i++) {
		buf_reset(&text);
		if (file_read(argv[i], &text, &e) == -1)
			die_err(&e);
		/* no byte behind it that could be read unnoticed */
		exact = xmalloc(text.len > 0 ? text.len : 1);
		memcpy(exact, text.data, text.len);
		/* of one that fails this is the last line */
		printf("# %s\n", argv[i]);
		fflush(stdout);
		LLVMFuzzerTestOneInput(exact, text.len);
		free(exact);
	}
	buf_free(&text);
	return 0;
}
