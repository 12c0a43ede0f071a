/* How many were of each kind, over time. */
#include <inttypes.h>
#include <string.h>

#include "cmd/gc-board/board.h"

#define WIDTH 960
#define HEIGHT 220

static struct sample *
nth(struct chart *c, size_t n)
{
	return &c->samples[(c->first + n) % CHART_SAMPLES];
}

static const struct sample *
at(const struct chart *c, size_t n)
{
	return &c->samples[(c->first + n) % CHART_SAMPLES];
}

void
chart_sample(struct chart *c, const struct crew *crew, int64_t wall_ms)
{
	struct sample *s;

	/* a clock that was set back starts the timeline anew */
	if (c->count > 0 && wall_ms < nth(c, c->count - 1)->at_ms)
		c->count = 0;
	if (c->count > 0 && wall_ms - nth(c, c->count - 1)->at_ms <
	    c->span_ms / CHART_SAMPLES)
		return;
	if (c->count == CHART_SAMPLES)
		c->first = (c->first + 1) % CHART_SAMPLES;
	else
		c->count++;
	s = nth(c, c->count - 1);
	*s = (struct sample){ .at_ms = wall_ms };
	for (size_t i = 0; i < crew->ids.count; i++)
		if (crew->agents[i].here)
			s->kinds[crew_kind(crew_status_name(crew,
			    crew->agents[i].status))]++;
}

/* Agents of the kinds before this one. */
static uint32_t
below(const struct sample *s, int kind)
{
	uint32_t sum = 0;

	for (int k = 0; k < kind; k++)
		sum += s->kinds[k];
	return sum;
}

static void
add_point(struct buf *out, const struct chart *c, const struct sample *s,
    uint32_t agents, uint32_t most, int64_t wall_ms)
{
	double x = WIDTH - (double)(wall_ms - s->at_ms) /
	    (double)c->span_ms * WIDTH;

	buf_addf(out, "%.1f,%.1f ", x < 0 ? 0 : x,
	    HEIGHT - (double)agents / most * HEIGHT);
}

/* There along the lower edge, and back along the upper one. */
static void
add_band(struct buf *out, const struct chart *c, int kind, uint32_t most,
    int64_t wall_ms)
{
	bool any = false;

	for (size_t i = 0; i < c->count; i++)
		any = any || at(c, i)->kinds[kind] > 0;
	if (!any)
		return;
	buf_addf(out, "<polygon class=\"%s\" points=\"",
	    crew_kind_name((enum crew_kind)kind));
	for (size_t i = 0; i < c->count; i++)
		add_point(out, c, at(c, i), below(at(c, i), kind), most,
		    wall_ms);
	for (size_t i = c->count; i-- > 0;)
		add_point(out, c, at(c, i), below(at(c, i), kind + 1), most,
		    wall_ms);
	buf_addf(out, "\"><title>%s</title></polygon>",
	    crew_kind_name((enum crew_kind)kind));
}

void
chart_write(struct buf *out, const struct chart *c, int64_t wall_ms)
{
	uint32_t most = 1, sum;

	for (size_t i = 0; i < c->count; i++)
		if ((sum = below(at(c, i), CREW_KINDS)) > most)
			most = sum;
	buf_addf(out, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
	    "role=\"img\" aria-label=\"Agents of each kind over the last %"
	    PRId64 " minutes, %" PRIu32 " at most\">", WIDTH, HEIGHT,
	    c->span_ms / 60000, most);
	for (int k = 0; k < CREW_KINDS; k++)
		add_band(out, c, k, most, wall_ms);
	for (int i = 1; i < 4; i++)
		buf_addf(out, "<line x1=\"0\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>",
		    WIDTH, HEIGHT * i / 4, HEIGHT * i / 4);
	buf_adds(out, "</svg>");
}
