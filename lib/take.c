#include <string.h>

#include "lib/take.h"

#define UNESCAPED_MAX ((size_t)UINT32_MAX)	/* a slice is no longer */

bool
text_is(struct text t, const char *s)
{
	return t.p != NULL && strlen(s) == t.len && memcmp(t.p, s, t.len) == 0;
}

int
text_cmp(struct text a, struct text b)
{
	int c = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);

	return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

void
take_init(struct take *t)
{
	*t = (struct take){ .line_len = 0 };
	buf_init(&t->unescaped, UNESCAPED_MAX);
}

void
take_free(struct take *t)
{
	buf_free(&t->unescaped);
}

void
take_begin(struct take *t, size_t line_len)
{
	buf_reset(&t->unescaped);
	t->line_len = line_len;
}

bool
take_escaped(struct take *t, struct slice s, struct text *text)
{
	size_t from = t->unescaped.len;

	if (s.kind != SCAN_STRING)
		return false;
	/* all the room at once, so that earlier texts stay where they are */
	if (buf_room(&t->unescaped, t->line_len - from) == NULL ||
	    slice_unescape(s, &t->unescaped) == -1)
		return false;
	*text = (struct text){ t->unescaped.data + from,
	    (uint32_t)(t->unescaped.len - from) };
	return true;
}

bool
take_text_or_null(struct take *t, struct slice s, struct text *text)
{
	*text = (struct text){ NULL, 0 };
	return s.kind <= SCAN_NULL || take_text(t, s, text);
}

bool
take_id(struct take *t, struct slice s, struct text *id)
{
	return take_text(t, s, id) && id->len > 0 && id->len <= TAKE_ID_MAX;
}

bool
take_id_or_null(struct take *t, struct slice s, struct text *id)
{
	return take_text_or_null(t, s, id) && id->len <= TAKE_ID_MAX;
}

bool
take_time(struct take *t, struct slice s, struct told *told)
{
	return take_text(t, s, &told->text) &&
	    clock_parse(told->text.p, told->text.len, &told->stamp) == 0;
}

bool
take_time_or_null(struct take *t, struct slice s, struct told *told)
{
	memset(told, 0, sizeof(*told));
	return s.kind <= SCAN_NULL || take_time(t, s, told);
}

bool
take_flag(struct slice s, bool absent, bool *flag)
{
	*flag = s.kind == SCAN_ABSENT ? absent : s.kind == SCAN_TRUE;
	return s.kind == SCAN_ABSENT || s.kind == SCAN_TRUE ||
	    s.kind == SCAN_FALSE;
}

bool
take_number_or_null(struct slice s, uint64_t *n)
{
	*n = 0;
	return s.kind <= SCAN_NULL || slice_number(s, n) == 0;
}
