/* Whatever the scanner accepts libjq accepts, save lone surrogates, which it
 * takes in some places and not in others, and depth, which it counts in its
 * own way. */
#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (scan_object((const char *)data, size, NULL, 0, NULL) == SCAN_OK &&
	    json_compact((const char *)data, size, NULL) == -1 &&
	    memmem(data, size, "\\ud", 3) == NULL &&
	    memmem(data, size, "\\uD", 3) == NULL && size < 128)
		abort();
	return 0;
}
