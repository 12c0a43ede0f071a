/* Any frame of the platform's socket, and any answer of its REST. */
#include "lib/frame.h"
#include "lib/platform.h"
#include "tests/fuzz/fuzz.h"

static void
read_page(const char *text, size_t size)
{
	struct platform_page p;
	struct platform_topic t;
	struct slice element;
	const char *at = NULL;
	struct buf id;
	struct err e;

	if (platform_page(&p, text, size, &e) == -1)
		return;
	buf_init(&id, PLATFORM_ID_MAX);
	platform_topic_init(&t);
	while (platform_each(&p, &at, &element)) {
		if (platform_user(element, &id) == 0 &&
		    !platform_is_id(id.data, id.len))
			abort();
		platform_topic(&t, element);
	}
	platform_more(&p, 1);
	platform_topic_free(&t);
	buf_free(&id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct frame f = frame_read(text, size);
	struct platform_channel c;
	struct platform_error pe;
	struct err e;
	size_t n;

	if (f.kind >= FRAME_KINDS ||
	    (f.kind == FRAME_BAD) != (f.verdict != SCAN_OK))
		abort();
	if (frame_user(text, size, &n) != NULL && (n == 0 || n >= size))
		abort();
	if (platform_channel(&c, text, size, &e) == 0) {
		if (!platform_is_id(c.id, strlen(c.id)))
			abort();
		platform_channel_free(&c);
	}
	platform_error(&pe, text, size);
	read_page(text, size);
	return 0;
}
