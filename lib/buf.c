#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/die.h"

#define BUF_FIRST 256

void
buf_init(struct buf *b, size_t cap)
{
	*b = (struct buf){ .cap = cap };
}

void
buf_init_secret(struct buf *b, size_t cap)
{
	*b = (struct buf){ .cap = cap, .secret = true };
}

void
buf_free(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->alloc = 0;
}

void
buf_wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->alloc);
	buf_free(b);
}

static void
cut(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data != NULL)
		b->data[len] = '\0';
}

void
buf_reset(struct buf *b)
{
	cut(b, 0);
}

static void
grow(struct buf *b, size_t alloc)
{
	char *old = b->data;

	if (!b->secret || old == NULL) {
		b->data = xreallocarray(old, alloc, 1);
	} else {
		b->data = xmalloc(alloc);
		memcpy(b->data, old, b->len);
		explicit_bzero(old, b->alloc);
		free(old);
	}
	b->data[b->len] = '\0';
	b->alloc = alloc;
}

char *
buf_room(struct buf *b, size_t n)
{
	size_t want, alloc;

	if (n > b->cap || b->len > b->cap - n)
		return NULL;
	want = b->len + n + 1;
	if (want > b->alloc) {
		alloc = b->alloc ? b->alloc : BUF_FIRST;
		while (alloc < want)
			alloc *= 2;
		grow(b, alloc);
	}
	return b->data + b->len;
}

void
buf_grew(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

int
buf_add(struct buf *b, const void *bytes, size_t n)
{
	char *to = buf_room(b, n);

	if (to == NULL)
		return -1;
	if (n > 0)
		memcpy(to, bytes, n);
	buf_grew(b, n);
	return 0;
}

int
buf_adds(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

int
buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	to = n < 0 ? NULL : buf_room(b, (size_t)n);
	if (to != NULL) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		buf_grew(b, (size_t)n);
	}
	va_end(again);
	return to == NULL ? -1 : 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->len) {
		cut(b, 0);
		return;
	}
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n + 1);
	b->len -= n;
}

int
buf_add_json(struct buf *b, const char *bytes, size_t n)
{
	static const char named[0x20] = { ['\b'] = 'b', ['\f'] = 'f',
	    ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	size_t start = b->len, from = 0, i;
	char esc[8];

	if (buf_add(b, "\"", 1) == -1)
		return -1;
	for (i = 0; i <= n; i++) {
		unsigned char c = i < n ? (unsigned char)bytes[i] : '"';

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		if (buf_add(b, bytes + from, i - from) == -1)
			goto full;
		from = i + 1;
		if (i == n)
			break;
		if (c >= 0x20)
			snprintf(esc, sizeof(esc), "\\%c", c);
		else if (named[c] != 0)
			snprintf(esc, sizeof(esc), "\\%c", named[c]);
		else
			snprintf(esc, sizeof(esc), "\\u%04x", c);
		if (buf_adds(b, esc) == -1)
			goto full;
	}
	if (buf_add(b, "\"", 1) == 0)
		return 0;
full:
	cut(b, start);
	return -1;
}

char *
buf_take(struct buf *b)
{
	char *text = b->data != NULL ? b->data : xstrdup("");

	b->data = NULL;
	b->len = b->alloc = 0;
	return text;
}
