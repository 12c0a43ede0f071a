/* RFC 6455's frames, seen from the server. */
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "cmd/gc-sim/sim.h"

void
frame_add(struct buf *out, bool fin, int opcode, const void *bytes,
    size_t len)
{
	unsigned char head[10] = { (unsigned char)((fin ? 0x80 : 0) |
	    opcode) };
	size_t n = 2;

	if (len < 126) {
		head[1] = (unsigned char)len;
	} else if (len < 65536) {
		head[1] = 126;
		head[2] = (unsigned char)(len >> 8);
		head[3] = (unsigned char)len;
		n = 4;
	} else {
		head[1] = 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (unsigned char)(len >> (56 - 8 * i));
		n = 10;
	}
	buf_add(out, head, n);
	buf_add(out, bytes, len);
}

long
frame_parse(char *in, size_t len, bool *fin, int *opcode, char **payload,
    size_t *payload_len)
{
	const unsigned char *h = (const unsigned char *)in;
	size_t n, head = 6;

	if (len < 2)
		return 0;
	if ((h[0] & 0x70) != 0 || (h[1] & 0x80) == 0)
		return -1;	/* reserved bits; clients mask (5.1) */
	n = h[1] & 0x7f;
	if (n >= 126 && (h[0] & FRAME_CLOSE))
		return -1;	/* a long control frame */
	if (n >= 126) {
		size_t bytes = n == 126 ? 2 : 8;

		head += bytes;
		if (len < 2 + bytes)
			return 0;
		n = 0;
		for (size_t i = 0; i < bytes; i++)
			n = n << 8 | h[2 + i];
		if (n > FRAME_IN_MAX)
			return FRAME_TOO_LONG;
	}
	if (len < head + n)
		return 0;
	*fin = (h[0] & 0x80) != 0;
	*opcode = h[0] & 0x0f;
	*payload = in + head;
	*payload_len = n;
	for (size_t i = 0; i < n; i++)
		in[head + i] = (char)(in[head + i] ^ in[head - 4 + i % 4]);
	return (long)(head + n);
}

/* 7.4: what may stand in a close frame. */
bool
frame_is_close_code(int code, size_t len)
{
	if (len < 2)
		return true;
	return (code >= 1000 && code <= 1014 && code != 1004 &&
	    code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

void
frame_accept(const char *key, char accept[29])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char sum[SHA_DIGEST_LENGTH];
	char text[128];

	snprintf(text, sizeof(text), "%.64s%s", key, guid);
	SHA1((const unsigned char *)text, strlen(text), sum);
	EVP_EncodeBlock((unsigned char *)accept, sum, sizeof(sum));
}
