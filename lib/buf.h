/*
 * A growing byte buffer with a mandatory cap.
 *
 * Invariant: len <= cap, and data[len] is '\0' once there is memory, so
 * text can be printed.  Adding past the cap changes nothing and returns -1:
 * the caller says what was too long.  A buf of zeros with a cap is empty
 * and valid.  The buffer owns data; pointers into it die at the next add.
 */
#ifndef GC_BUF_H
#define GC_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
	char *data;
	size_t len;
	size_t alloc;		/* bytes behind data */
	size_t cap;		/* len never goes above */
	bool secret;		/* memory that it grows out of is zeroed */
};

void buf_init(struct buf *b, size_t cap);
void buf_init_secret(struct buf *b, size_t cap);	/* end by buf_wipe */
void buf_free(struct buf *b);		/* safe twice; the cap stays */
void buf_wipe(struct buf *b);		/* zero what was held, then free */
void buf_reset(struct buf *b);		/* len = 0, memory kept */

/* Room for n more bytes: where to write them (then buf_grew), or NULL. */
char *buf_room(struct buf *b, size_t n);

static inline void
buf_grew(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

/* The same as buf_room, where there is room already by a few instructions. */
static inline char *
buf_at(struct buf *b, size_t n)
{
	return n < b->alloc - b->len && n <= b->cap - b->len ?
	    b->data + b->len : buf_room(b, n);
}

/* Each of these: 0, or -1 if it does not fit under the cap. */
int buf_addf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Drop n bytes from the front. */
void buf_drop(struct buf *b, size_t n);

int buf_add_number(struct buf *b, uint64_t n);

/* The bytes as a JSON string with its quotes; they must be UTF-8. */
int buf_add_json(struct buf *b, const char *bytes, size_t n);

/* Here, so that a text of known length is added by a few instructions. */
static inline int
buf_add(struct buf *b, const void *bytes, size_t n)
{
	char *to = buf_at(b, n);

	if (to == NULL)
		return -1;
	if (n > 0)
		memcpy(to, bytes, n);
	buf_grew(b, n);
	return 0;
}

static inline int
buf_adds(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

/* The text is yours; the buffer is empty afterwards.  Never NULL. */
char *buf_take(struct buf *b);

#endif
