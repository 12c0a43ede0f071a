/* The lines that go down the pipe: the suite's own, and what was sent. */
#include <inttypes.h>
#include <string.h>

#include "cmd/gc-subscribe/subscribe.h"
#include "lib/clock.h"

#define LINE_CAP (2 << 20)

void
line_init(struct buf *line)
{
	buf_init(line, LINE_CAP);
}

void
line_begin(struct buf *line, const char *event, unsigned socket,
    int64_t wall_ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(wall_ms, at);
	buf_addf(line, "{\"event\":\"gc:%s\",\"at\":\"%s\",\"socket\":%u",
	    event, at, socket);
}

void
line_closed(struct buf *line, unsigned socket, int64_t wall_ms, unsigned code,
    const char *reason, const char *by, const char *next, int64_t delay_ms)
{
	line_begin(line, "closed", socket, wall_ms);
	if (code != 0)
		buf_addf(line, ",\"code\":%u", code);
	else
		buf_adds(line, ",\"code\":null");
	buf_adds(line, ",\"reason\":");
	buf_add_json(line, reason, strlen(reason));
	buf_addf(line, ",\"by\":\"%s\",\"next\":\"%s\",\"delayMs\":%" PRId64,
	    by, next, delay_ms);
}

/* To the ring, for want of a reader. */
static void
wait_in_ring(struct app *app, const char *line, size_t len, bool control)
{
	ring_push(&app->ring, line, len, control,
	    (struct ring_mark){ clock_wall_ms(), app->tries.attempts });
}

static void
blank(char *text, size_t len, char what)
{
	char *end = text + len;

	while ((text = memchr(text, what, (size_t)(end - text))) != NULL)
		*text++ = ' ';
}

void
line_of_frame(struct buf *line, const char *text, size_t len)
{
	size_t from = line->len;

	buf_add(line, text, len);
	/* a line break in valid JSON is white space between its tokens */
	blank(line->data + from, len, '\n');
	blank(line->data + from, len, '\r');
	buf_add(line, "\n", 1);
}

void
line_frame(struct app *app, const char *text, size_t len)
{
	struct buf *block = output_straight(app, false);
	struct buf line;

	app->taken++;
	if (block != NULL) {
		line_of_frame(block, text, len);
		return;
	}
	line_init(&line);
	line_of_frame(&line, text, len);
	wait_in_ring(app, line.data, line.len, false);
	buf_free(&line);
}

bool
line_is_ours(struct slice event)
{
	struct buf name;
	bool ours;

	if (event.kind != SCAN_STRING)
		return false;
	if (!event.escaped)
		return event.len >= 3 && memcmp(event.p, "gc:", 3) == 0;
	buf_init(&name, event.len);
	ours = slice_unescape(event, &name) == 0 && name.len >= 3 &&
	    memcmp(name.data, "gc:", 3) == 0;
	buf_free(&name);
	return ours;
}

void
line_push(struct app *app, const char *line, size_t len, bool control)
{
	struct buf *block = output_straight(app, control);

	app->taken += !control;
	if (block != NULL)
		buf_add(block, line, len);
	else
		wait_in_ring(app, line, len, control);
}

void
line_tell(struct app *app, struct buf *line)
{
	buf_adds(line, "}\n");
	line_push(app, line->data, line->len, true);
	buf_free(line);
}

void
line_failover(struct app *app, unsigned socket, unsigned attempts)
{
	struct buf line;

	app->failovers++;
	line_init(&line);
	line_begin(&line, "failover", socket, clock_wall_ms());
	buf_addf(&line, ",\"attempts\":%u", attempts);
	line_tell(app, &line);
}
