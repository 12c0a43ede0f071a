/* Any bytes as frames. */
#include <string.h>

#include "lib/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct { const uint8_t *p; size_t left; } input;

static ssize_t
on_recv(void *arg, void *to, size_t len)
{
	(void)arg;
	if (input.left == 0)
		return -1;
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct websocket_calls calls = {
		.recv = on_recv, .send = on_send
	};
	struct websocket *ws = websocket_new(&calls, NULL);

	input.p = data;
	input.left = size;
	while (websocket_read(ws, 8) == WEBSOCKET_BUDGET)
		websocket_write(ws);
	websocket_write(ws);
	websocket_del(ws);
	return 0;
}
