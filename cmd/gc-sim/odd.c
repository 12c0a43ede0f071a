/*
 * Frames that are odd: what RFC 6455 forbids, and what it allows but nobody
 * expects.  A row says what a client owes each: to go on, or to fail the
 * connection with that code.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/sim.h"

enum { FIN = 0x80, RSV1 = 0x40, RSV2 = 0x20, OPCODE_3 = 0x3,
    OPCODE_B = 0xb };

static void
add_masked(struct buf *out, const struct buf *message)
{
	static const unsigned char mask[4] = { 0x12, 0x34, 0x56, 0x78 };
	struct buf plain;
	size_t head;

	buf_init(&plain, 1 << 16);
	frame_add(&plain, true, FRAME_TEXT, message->data, message->len);
	head = plain.len - message->len;
	plain.data[1] |= (char)0x80;
	for (size_t i = 0; i < message->len; i++)
		plain.data[head + i] = (char)(plain.data[head + i] ^
		    mask[i % 4]);
	buf_add(out, plain.data, head);
	buf_add(out, mask, 4);
	buf_add(out, plain.data + head, message->len);
	buf_free(&plain);
}

static void
add_padded(struct buf *out, const struct buf *message)
{
	unsigned char head[10] = { FIN | FRAME_TEXT, 127 };

	head[8] = (unsigned char)(message->len >> 8);
	head[9] = (unsigned char)message->len;
	buf_add(out, head, sizeof(head));
	buf_add(out, message->data, message->len);
}

static void
add_in_pieces(struct buf *out, const struct buf *message)
{
	static const char full[FRAME_CONTROL_MAX] = "ping";
	size_t third = message->len / 3;

	frame_add(out, false, FRAME_TEXT, message->data, third);
	frame_add(out, true, FRAME_PING, full, sizeof(full));
	frame_add(out, false, FRAME_MORE, message->data + third, third);
	frame_add(out, true, FRAME_PING, full, sizeof(full));
	frame_add(out, true, FRAME_MORE, message->data + 2 * third,
	    message->len - 2 * third);
}

static void
add_nested(struct buf *out, const struct buf *message)
{
	frame_add(out, false, FRAME_TEXT, message->data, message->len / 2);
	frame_add(out, true, FRAME_TEXT, message->data, message->len);
}

static void
add_broken_lines(struct buf *out, const struct buf *message)
{
	struct buf text;
	bool in_string = false;

	buf_init(&text, 1 << 20);
	for (size_t i = 0; i < message->len; i++) {
		buf_add(&text, message->data + i, 1);
		if (message->data[i] == '"')
			in_string = !in_string;
		else if (!in_string && strchr("{,:", message->data[i]))
			buf_adds(&text, "\r\n\t ");
	}
	frame_add(out, true, FRAME_TEXT, text.data, text.len);
	buf_free(&text);
}

static void
add_pong(struct buf *out, const struct buf *message)
{
	frame_add(out, true, FRAME_PONG, "unasked", 7);
	frame_add(out, true, FRAME_TEXT, message->data, message->len);
}

static void
add_long_ping(struct buf *out, const struct buf *message)
{
	static const char payload[FRAME_CONTROL_MAX + 1] = "ping";

	(void)message;
	frame_add(out, true, FRAME_PING, payload, sizeof(payload));
}

static const struct kind {
	const char *name, *deserves, *help;
	void (*add)(struct buf *out, const struct buf *message);
	/* where that is NULL: a frame of these bytes */
	unsigned char first;
	unsigned char len;
	const char *bytes;
	bool last;		/* a close frame: nothing may follow it */
} kinds[] = {
#define BYTES(text) sizeof(text) - 1, text
	{ "ping-mid", "-", "pings of 125 bytes between fragments",
	    add_in_pieces, 0, 0, NULL, false },
	{ "line-break", "-", "line breaks between the JSON's tokens",
	    add_broken_lines, 0, 0, NULL, false },
	{ "pong", "-", "a pong that nobody asked for, then the event",
	    add_pong, 0, 0, NULL, false },
	{ "empty", "-", "a text of no bytes", NULL, FIN | FRAME_TEXT,
	    BYTES(""), false },
	{ "close-empty", "-", "a close frame without a code", NULL,
	    FIN | FRAME_CLOSE, BYTES(""), true },
	{ "close-short", "1002", "a close frame of one byte", NULL,
	    FIN | FRAME_CLOSE, BYTES("\x03"), true },
	{ "close-1005", "1002", "a code that is never sent", NULL,
	    FIN | FRAME_CLOSE, BYTES("\x03\xed"), true },
	{ "close-1015", "1002", "likewise", NULL, FIN | FRAME_CLOSE,
	    BYTES("\x03\xf7"), true },
	{ "close-65535", "1002", "a code out of range", NULL,
	    FIN | FRAME_CLOSE, BYTES("\xff\xff"), true },
	{ "close-utf8", "1007", "a reason that is not UTF-8", NULL,
	    FIN | FRAME_CLOSE, BYTES("\x03\xe8" "bye\xff"), true },
	{ "text-utf8", "1007", "a text that is not UTF-8", NULL,
	    FIN | FRAME_TEXT, BYTES("{\"a\":\"\xc3(\"}"), false },
	{ "reserved", "1002", "a reserved bit is set", NULL,
	    FIN | RSV2 | FRAME_TEXT, BYTES("{}"), false },
	{ "compressed", "1002", "permessage-deflate, not agreed upon", NULL,
	    FIN | RSV1 | FRAME_TEXT, BYTES("\xaa\xae\x05\x00"), false },
	{ "opcode", "1002", "a reserved opcode", NULL, FIN | OPCODE_3,
	    BYTES("{}"), false },
	{ "opcode-control", "1002", "a reserved control opcode", NULL,
	    FIN | OPCODE_B, BYTES(""), false },
	{ "masked", "1002", "a frame masked as only clients do",
	    add_masked, 0, 0, NULL, false },
	{ "length-top", "1002", "a length with the top bit of 64 set", NULL,
	    FIN | FRAME_TEXT, 127, "\x80\0\0\0\0\0\0\x02{}", false },
	{ "length-padded", "1002", "a length in more bytes than needed",
	    add_padded, 0, 0, NULL, false },
	{ "continuation", "1002", "a continuation of nothing", NULL,
	    FIN | FRAME_MORE, BYTES("{}"), false },
	{ "nested", "1002", "a message between another's fragments",
	    add_nested, 0, 0, NULL, false },
	{ "ping-fragment", "1002", "a ping in fragments", NULL, FRAME_PING,
	    BYTES("half"), false },
	{ "ping-long", "1002", "a ping of 126 bytes", add_long_ping, 0, 0,
	    NULL, false },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
_Static_assert(KINDS <= ODD_KINDS_MAX, "struct faults has no room");

int
odd_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (int)i;
	return -1;
}

const char *
odd_name(int kind)
{
	return kinds[kind].name;
}

void
odd_help(struct buf *out)
{
	for (size_t i = 0; i < KINDS; i++)
		buf_addf(out, "\n  %-16s %4s  %s", kinds[i].name,
		    kinds[i].deserves, kinds[i].help);
}

bool
odd_add(struct buf *out, int kind, const struct buf *message)
{
	const struct kind *k = &kinds[kind];
	unsigned char head[2] = { k->first, k->len };

	if (k->add != NULL) {
		k->add(out, message);
	} else {
		buf_add(out, head, sizeof(head));
		buf_add(out, k->bytes, k->len == 127 ? 10 : k->len);
	}
	return k->last;
}
