#include <string.h>

#include "lib/moment.h"
#include "lib/scan.h"
#include "lib/slice.h"

#define TEXT_MAX 35		/* 2024-06-15T14:32:10.123456789+00:00 */

enum {
	EVENT, AT, DATA, BODY, TIMESTAMP, ROUTING, PRESENCE, START, MODIFIED,
	QUEUES, BARE, KEYS
};

static const struct scan_key keys[KEYS] = {
	[EVENT] = SCAN_KEY("event", -1),
	[AT] = SCAN_KEY("at", -1),
	[DATA] = SCAN_KEY("data", -1),
	[BODY] = SCAN_KEY("eventBody", -1),
	[TIMESTAMP] = SCAN_KEY("timestamp", DATA),
	[ROUTING] = SCAN_KEY("routingStatus", BODY),
	[PRESENCE] = SCAN_KEY("presence", BODY),
	[START] = SCAN_KEY("startTime", ROUTING),
	[MODIFIED] = SCAN_KEY("modifiedDate", PRESENCE),
	[QUEUES] = SCAN_KEY("dateActiveQueuesChanged", BODY),
	[BARE] = SCAN_KEY("modifiedDate", BODY),
};

static bool
is_moment(struct slice s, struct stamp *moment)
{
	return s.kind == SCAN_STRING && !s.escaped && s.len <= TEXT_MAX &&
	    clock_parse(s.p, s.len, moment) == 0;
}

/* The latest of the parts of a frame. */
static bool
latest(const struct slice *v, struct stamp *moment)
{
	static const int parts[] = { START, MODIFIED, QUEUES, BARE };
	struct stamp one;
	bool any = false;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (is_moment(v[parts[i]], &one) &&
		    (!any || stamp_cmp(one, *moment) > 0)) {
			*moment = one;
			any = true;
		}
	return any;
}

const char *
moment_read(const char *line, size_t len, struct stamp *moment, bool *timed)
{
	struct slice v[KEYS];
	enum scan_verdict verdict = scan_object(line, len, keys, KEYS, v);

	*timed = false;
	if (verdict != SCAN_OK)
		return scan_reason(verdict);
	if (v[EVENT].kind == SCAN_STRING && v[EVENT].len >= 3 &&
	    memcmp(v[EVENT].p, "gc:", 3) == 0)
		*timed = is_moment(v[AT], moment);
	else
		*timed = is_moment(v[TIMESTAMP], moment) || latest(v, moment);
	return NULL;
}

static int
add_stamp(struct buf *out, struct stamp s)
{
	char ms[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(stamp_to_ms(s), ms);
	if (s.nsec % 1000000 == 0)
		return buf_adds(out, ms);
	return buf_addf(out, "%.23s%06dZ", ms, (int)(s.nsec % 1000000));
}

/* The end of the string that begins behind the quote at p: its own. */
static const char *
closing(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p;
}

/* Does a colon follow, so that the string was a key? */
static bool
is_key(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
		p++;
	return p < end && *p == ':';
}

int
moment_move(struct buf *out, const char *line, size_t len, moment_to *to,
    void *arg)
{
	const char *end = line + len, *told = line, *p = line, *close;
	struct stamp moment;

	while (p < end && (p = memchr(p, '"', (size_t)(end - p))) != NULL) {
		close = closing(p, end);
		if (close - p - 1 <= TEXT_MAX && clock_parse(p + 1,
		    (size_t)(close - p - 1), &moment) == 0 &&
		    !is_key(close + 1, end)) {
			if (buf_add(out, told, (size_t)(p + 1 - told)) == -1 ||
			    add_stamp(out, to(arg, moment)) == -1)
				return -1;
			told = close;
		}
		p = close + 1;
	}
	return buf_add(out, told, (size_t)(end - told));
}
