/* Any reply to the upgrade, whole and in two portions. */
#include "lib/wshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wshake w;
	struct err e;
	size_t used, half = size / 2;

	wshake_init(&w, "dGhlIHNhbXBsZSBub25jZQ==", 0);
	if (wshake_feed(&w, data, half, &used, &e) == WSHAKE_MORE)
		wshake_feed(&w, data + half, size - half, &used, &e);
	wshake_free(&w);
	return 0;
}
