/* Words and times in a page. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cmd/gc-board/board.h"
#include "lib/clock.h"
#include "lib/str.h"

/* What HTML has no place for, and what turns the rest of the line around. */
static bool
is_unfit(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c ||
	    (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	    (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static void
add_character(struct buf *out, const char *s, size_t len)
{
	static const struct { char c; const char *entity; } entities[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" },
	};

	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (entities[i].c == *s) {
			buf_adds(out, entities[i].entity);
			return;
		}
	if (len == 0 || is_unfit(str_utf8_code(s, len)))
		buf_adds(out, "\xef\xbf\xbd");
	else
		buf_add(out, s, len);
}

/* behind: what follows each underscore. */
static void
add_text(struct buf *out, const char *text, const char *behind)
{
	size_t left = strlen(text), len;

	for (int n = 0; left > 0; n++) {
		if (n == TEXT_MAX) {
			buf_adds(out, "\xe2\x80\xa6");
			break;
		}
		len = str_utf8_step(text, left);
		add_character(out, text, len);
		if (*text == '_')
			buf_adds(out, behind);
		len += len == 0;
		text += len;
		left -= len;
	}
}

void
text_remote(struct buf *out, const char *text)
{
	add_text(out, text, "");
}

const char *
text_sign(enum crew_kind kind)
{
	static const char *const signs[CREW_KINDS] = {
		[CREW_READY] = "\xe2\x97\x8f",		/* a full circle */
		[CREW_TALKING] = "\xe2\x96\xb6",	/* a triangle */
		[CREW_BUSY] = "\xe2\x96\xa0",		/* a square */
		[CREW_AWAY] = "\xe2\x97\x86",		/* a diamond */
		[CREW_ALARM] = "\xe2\x9c\x96",		/* a cross */
		[CREW_OFF] = "\xe2\x97\x8b",		/* an empty circle */
		[CREW_OTHER] = "\xe2\x96\xb3",		/* an empty triangle */
	};

	return signs[kind];
}

void
text_status(struct buf *out, const char *status)
{
	buf_adds(out, text_sign(crew_kind(status)));
	buf_adds(out, "\xc2\xa0");
	add_text(out, status, "<wbr>");
}

void
text_age(struct buf *out, int64_t ms)
{
	int64_t s = ms > 0 ? ms / 1000 : 0;

	if (s < 60)
		buf_addf(out, "%" PRId64 " s", s);
	else if (s < 3600)
		buf_addf(out, "%" PRId64 " min", s / 60);
	else if (s < 86400 && s / 60 % 60 == 0)
		buf_addf(out, "%" PRId64 " h", s / 3600);
	else if (s < 86400)
		buf_addf(out, "%" PRId64 " h %02" PRId64, s / 3600,
		    s / 60 % 60);
	else
		buf_addf(out, "%" PRId64 " d", s / 86400);
}

void
text_clock(struct buf *out, int64_t wall_ms)
{
	char utc[CLOCK_RFC3339_LEN + 1], local[16];
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	clock_format_ms(wall_ms, utc);
	if (localtime_r(&t, &tm) == NULL ||
	    strftime(local, sizeof(local), "%H:%M:%S", &tm) == 0)
		local[0] = '\0';
	buf_addf(out, "<time datetime=\"%s\">%s</time>", utc, local);
}
