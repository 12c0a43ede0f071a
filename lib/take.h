/*
 * The values of a line as what they say: texts, ids, moments, flags.  Each
 * function is false where the value is of another kind or no valid one.
 *
 * One struct take is used for line after line: it owns the characters of
 * the few strings that had escapes; all other texts are borrowed from the
 * line.  Each value of a line is taken once at most, so its unescaped texts
 * never need more room than the line has, and that room is made at once:
 * texts stay where they are until the next line.
 */
#ifndef GC_TAKE_H
#define GC_TAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/scan.h"

#define TAKE_ID_MAX (1 << 15)	/* bytes of an id; a record tells it 3 times */

/* Characters, unescaped; p NULL: null or absent. */
struct text {
	const char *p;
	uint32_t len;
};

bool text_is(struct text t, const char *s);
int text_cmp(struct text a, struct text b);	/* by bytes; neither is null */

/* Null equals null only. */
static inline bool
text_eq(struct text a, struct text b)
{
	if (a.p == NULL || b.p == NULL)
		return a.p == b.p;
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* A moment as it was told and as it is. */
struct told {
	struct text text;	/* p NULL: none */
	struct stamp stamp;
};

struct take {
	struct buf unescaped;
	size_t line_len;
};

void take_init(struct take *t);
void take_free(struct take *t);
void take_begin(struct take *t, size_t line_len);	/* the next line */

bool take_escaped(struct take *t, struct slice s, struct text *text);

static inline bool
take_text(struct take *t, struct slice s, struct text *text)
{
	if (s.escaped || s.kind != SCAN_STRING)
		return take_escaped(t, s, text);
	*text = (struct text){ s.p, s.len };
	return true;
}

bool take_id(struct take *t, struct slice s, struct text *id);
bool take_time(struct take *t, struct slice s, struct told *told);

/* Null and absent are nothing: p NULL.  Such an id may be empty. */
bool take_text_or_null(struct take *t, struct slice s, struct text *text);
bool take_id_or_null(struct take *t, struct slice s, struct text *id);
bool take_time_or_null(struct take *t, struct slice s, struct told *told);

/* absent: what the flag is where it is absent. */
bool take_flag(struct slice s, bool absent, bool *flag);

/* A whole number; 0 where null or absent. */
bool take_number_or_null(struct slice s, uint64_t *n);

#endif
