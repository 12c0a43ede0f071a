/* Remote text in columns. */
#include <inttypes.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cmd/gc-top/top.h"
#include "lib/clock.h"
#include "lib/str.h"

#define MARKS_MAX 4		/* upon a character, of no width */

static bool utf8;

void
cells_init(void)
{
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* What moves the cursor, or turns the line around. */
static bool
is_unfit(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

/* The columns that it takes, and in *ok whether it is shown as it is. */
static int
width_of(uint32_t c, bool *ok)
{
	int width;

	*ok = !is_unfit(c) && (utf8 || c < 0x80);
	if (!*ok)
		return 1;
	width = c < 0x80 ? 1 : wcwidth((wchar_t)c);
	if (width >= 0)
		return width;
	*ok = false;
	return 1;
}

/* The columns of the whole text. */
static int
width_all(const char *text, int stop)
{
	size_t left = strlen(text), n;
	int columns = 0;
	bool ok;

	while (left > 0 && columns <= stop &&
	    (n = str_utf8_step(text, left)) > 0) {
		columns += width_of(str_utf8_code(text, n), &ok);
		text += n;
		left -= n;
	}
	return columns;
}

void
cells_fit(struct buf *out, const char *text, int columns)
{
	bool cut = width_all(text, columns) > columns, ok;
	size_t left = strlen(text), n;
	int room = cut ? columns - 1 : columns, width, marks = MARKS_MAX;

	while (left > 0 && (n = str_utf8_step(text, left)) > 0) {
		width = width_of(str_utf8_code(text, n), &ok);
		if (width > room)
			break;
		marks = width > 0 ? 0 : marks + 1;
		if (!ok)
			buf_adds(out, "?");
		else if (marks <= MARKS_MAX)
			buf_add(out, text, n);
		room -= width;
		text += n;
		left -= n;
	}
	for (; room > 0; room--)
		buf_adds(out, " ");
	if (cut && columns > 0)
		buf_adds(out, utf8 ? "\xe2\x80\xa6" : ">");
}

void
cells_age(struct buf *out, struct stamp since, int64_t wall_ms)
{
	int64_t s = (wall_ms - stamp_to_ms(since)) / 1000;

	if (since.sec == 0) {
		buf_adds(out, "-");
		return;
	}
	if (s < 0)
		s = 0;
	if (s < 60)
		buf_addf(out, "%" PRId64 "s", s);
	else if (s < 3600)
		buf_addf(out, "%" PRId64 "m%02" PRId64, s / 60, s % 60);
	else if (s < 86400)
		buf_addf(out, "%" PRId64 "h%02" PRId64, s / 3600,
		    s / 60 % 60);
	else
		buf_addf(out, "%" PRId64 "d%02" PRId64, s / 86400,
		    s / 3600 % 24);
}

const char *
cells_sign(enum crew_kind kind)
{
	static const char *const signs[CREW_KINDS][2] = {
		[CREW_READY] = { "+", "\xe2\x97\x8f" },
		[CREW_TALKING] = { ">", "\xe2\x96\xb6" },
		[CREW_BUSY] = { "#", "\xe2\x96\xa0" },
		[CREW_AWAY] = { "~", "\xe2\x97\x86" },
		[CREW_ALARM] = { "!", "\xe2\x9c\x96" },
		[CREW_OFF] = { "-", "\xe2\x97\x8b" },
		[CREW_OTHER] = { ".", "\xe2\x96\xb3" },
	};

	return signs[kind][utf8];
}

const char *
cells_bar(void)
{
	return utf8 ? "\xe2\x96\x88" : "#";
}
