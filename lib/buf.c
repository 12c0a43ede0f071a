#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/die.h"
#include "lib/span.h"

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
buf_add_number(struct buf *b, uint64_t n)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return buf_add(b, p, (size_t)(digits + sizeof(digits) - p));
}

/* A byte that cannot stand in a JSON string as it is. */
static int
add_escaped(struct buf *b, unsigned char c)
{
	static const char named[0x20] = { ['\b'] = 'b', ['\f'] = 'f',
	    ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	static const char hex[] = "0123456789abcdef";
	char esc[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 0xf] };

	if (c < 0x20 && named[c] == 0)
		return buf_add(b, esc, 6);
	esc[1] = (char)(c < 0x20 ? named[c] : c);
	return buf_add(b, esc, 2);
}

static int
add_quoted(struct buf *b, const char *bytes, size_t n)
{
	char *to = buf_at(b, n + 2);

	if (to == NULL)
		return -1;
	*to++ = '"';
	memcpy(to, bytes, n);
	to[n] = '"';
	buf_grew(b, n + 2);
	return 0;
}

int
buf_add_json(struct buf *b, const char *bytes, size_t n)
{
	const char *p = bytes, *end = bytes + n, *from = bytes;
	size_t start = b->len;
	int status;

	if (n > 0 && span_plain(p, end) == end)
		return add_quoted(b, bytes, n);
	status = buf_add(b, "\"", 1);
	while (status == 0 && (p = span_plain(p, end)) < end) {
		if ((*p & 0x80) != 0) {
			p++;
			continue;
		}
		status = buf_add(b, from, (size_t)(p - from)) == -1 ? -1 :
		    add_escaped(b, (unsigned char)*p);
		from = ++p;
	}
	if (status == 0 && buf_add(b, from, (size_t)(end - from)) == 0 &&
	    buf_add(b, "\"", 1) == 0)
		return 0;
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
