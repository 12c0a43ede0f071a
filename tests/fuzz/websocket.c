/* Any bytes as frames, in pieces of any size: the first byte says which. */
#include <string.h>

#include "lib/str.h"
#include "lib/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct { const uint8_t *p; size_t left, step; } input;

static ssize_t
on_recv(void *arg, void *to, size_t len)
{
	(void)arg;
	if (input.left == 0)
		return -1;
	if (len > input.step)
		len = input.step;
	if (len > input.left)
		len = input.left;
	memcpy(to, input.p, len);
	input.p += len;
	input.left -= len;
	return (ssize_t)len;
}

static ssize_t
on_send(void *arg, const void *bytes, size_t len)
{
	(void)arg, (void)bytes;
	return (ssize_t)len;
}

static bool
on_text(void *arg, const char *text, size_t len)
{
	(void)arg;
	return str_is_utf8(text, len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = on_send, .on_text = on_text,
	};
	struct websocket *ws;

	if (size == 0)
		return 0;
	ws = websocket_new(&calls, NULL);
	input.p = data + 1;
	input.left = size - 1;
	input.step = data[0] > 0 ? data[0] : 1 << 14;
	while (websocket_read(ws, 8) == WEBSOCKET_BUDGET)
		websocket_write(ws);
	websocket_write(ws);
	websocket_del(ws);
	return 0;
}
