#include <inttypes.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/gauge.h"

#define TO_GO_MAX_MS INT64_C(31536000000)	/* a year: nobody knows */

static const struct gauge_sample *
sample(const struct gauge *g, size_t number)
{
	return &g->samples[number % GAUGE_SAMPLES];
}

void
gauge_take(struct gauge *g, int64_t now_ms, uint64_t total)
{
	if (g->count > 0 && now_ms - sample(g, g->count - 1)->at_ms <
	    GAUGE_STEP_MS)
		return;
	g->samples[g->count++ % GAUGE_SAMPLES] =
	    (struct gauge_sample){ now_ms, total };
}

void
gauge_forget(struct gauge *g)
{
	g->count = 0;
}

double
gauge_rate(const struct gauge *g, int64_t now_ms, uint64_t total,
    int64_t span_ms)
{
	size_t i = g->count > GAUGE_SAMPLES ? g->count - GAUGE_SAMPLES : 0;
	const struct gauge_sample *s;

	while (i < g->count && now_ms - sample(g, i)->at_ms > span_ms)
		i++;
	s = sample(g, i);
	if (i == g->count || s->at_ms >= now_ms || s->total >= total)
		return 0;
	return (double)(total - s->total) * 1000 /
	    (double)(now_ms - s->at_ms);
}

int64_t
gauge_to_go_ms(uint64_t left, double per_second)
{
	double ms;

	if (left == 0)
		return 0;
	if (per_second <= 0)
		return CLOCK_NEVER;
	ms = (double)left * 1000 / per_second;
	return ms < (double)TO_GO_MAX_MS ? (int64_t)ms : CLOCK_NEVER;
}

void
gauge_say(struct gauge_word *w, const char *word, int64_t now_ms)
{
	if (strncmp(w->word, word, sizeof(w->word) - 1) == 0)
		return;
	strlcpy(w->word, word, sizeof(w->word));
	w->since_ms = now_ms;
}

static void
add_duration(struct buf *out, int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < 60)
		buf_addf(out, "%" PRId64 "s", s);
	else if (s < 3600)
		buf_addf(out, "%" PRId64 "m%02" PRId64, s / 60, s % 60);
	else
		buf_addf(out, "%" PRId64 "h%02" PRId64, s / 3600,
		    s / 60 % 60);
}

static void
add_connection(struct buf *out, const struct gauge_facts *f, int64_t now_ms)
{
	buf_addf(out, "%s", f->connection->word);
	if (f->again_ms >= 0) {
		buf_adds(out, ", again in ");
		add_duration(out, f->again_ms);
	} else {
		buf_adds(out, " ");
		add_duration(out, now_ms - f->connection->since_ms);
	}
	buf_adds(out, "  ");
}

static void
add_doubts(struct buf *out, const struct gauge_facts *f)
{
	int64_t to_go_ms = gauge_to_go_ms(f->doubted, f->answers);

	buf_addf(out, "  %" PRIu64 " in doubt", f->doubted);
	if (to_go_ms == CLOCK_NEVER)
		return;
	buf_adds(out, ", ");
	add_duration(out, to_go_ms);
	buf_adds(out, " to go");
}

void
gauge_words(struct buf *out, const struct gauge_facts *f, int64_t now_ms)
{
	if (f->connection != NULL)
		add_connection(out, f, now_ms);
	buf_addf(out, f->events < 9.95 ? "%.1f %s/s" : "%.0f %s/s",
	    f->events, f->unit != NULL ? f->unit : "events");
	if (f->waiting > 0)
		buf_addf(out, "  %" PRIu64 " lines wait", f->waiting);
	if (f->roster)
		buf_addf(out, "  %" PRIu64 " agents", f->agents);
	if (f->doubted > 0)
		add_doubts(out, f);
}
