/* A file of names: the cache of gc-names, and --names FILE. */
#include "lib/dict.h"
#include "lib/str.h"
#include "tests/fuzz/fuzz.h"

/* As text: what was written reads again as the same, with nothing bad. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dict d = { NULL, 0, 0, 0 }, again = { NULL, 0, 0, 0 };
	struct buf one, other;
	uint64_t bad;

	buf_init(&one, 4 * size + 16);
	buf_init(&other, 4 * size + 16);
	dict_read(&d, (const char *)data, size, &bad);
	require(dict_write(&d, &one) == 0);
	if (one.len > 0) {
		require(str_is_utf8(one.data, one.len));
		dict_read(&again, one.data, one.len, &bad);
		require(bad == 0 && again.count == d.count);
		require(dict_write(&again, &other) == 0);
		require(one.len == other.len &&
		    memcmp(one.data, other.data, one.len) == 0);
	}
	for (size_t i = 0; i < d.count; i++)
		require(d.all[i].name_len <= DICT_NAME_MAX &&
		    strlen(d.all[i].name) == d.all[i].name_len);
	buf_free(&one);
	buf_free(&other);
	dict_free(&d);
	dict_free(&again);
	return 0;
}
