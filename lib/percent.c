#include <string.h>

#include "lib/percent.h"

static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

int
percent_add(struct buf *out, const char *text)
{
	size_t n;

	while (*text != '\0') {
		n = strspn(text, plain);
		if (buf_add(out, text, n) == -1)
			return -1;
		text += n;
		if (*text != '\0' && buf_addf(out, "%%%02X",
		    (unsigned)(unsigned char)*text++) == -1)
			return -1;
	}
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
percent_decode(char *out, size_t size, const char *value, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++, n++) {
		int c = value[i] == '+' ? ' ' : (unsigned char)value[i];

		if (c == '%') {
			int high = len - i > 2 ? hex(value[i + 1]) : -1;
			int low = high != -1 ? hex(value[i + 2]) : -1;

			c = low == -1 ? 0 : high << 4 | low;
			i += 2;
		}
		if (c == 0 || n + 1 >= size) {
			*out = '\0';
			return -1;
		}
		out[n] = (char)c;
	}
	out[n] = '\0';
	return 0;
}
