/* What is told of the org and of what happens to it. */
#include <stdarg.h>
#include <stdlib.h>

#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/log.h"

#define QUEUES_SHOWN_MAX 100
#define SAY_MAX (4 << 20)

void
sim_say(struct sim *s, const char *what, const char *fmt, ...)
{
	char at[CLOCK_RFC3339_LEN + 1], *rest;
	struct buf line;	/* one write a line: COMMAND writes there too */
	va_list ap;

	clock_format_ms(clock_wall_ms(), at);
	va_start(ap, fmt);
	if (vasprintf(&rest, fmt, ap) == -1)
		die(GC_EX_OSERR, "out of memory");
	va_end(ap);
	buf_init(&line, SAY_MAX);
	buf_addf(&line, "{\"event\":\"sim:%s\",\"at\":\"%s\",%s}\n", what,
	    at, rest);
	fwrite(line.data, 1, line.len, s->log);
	fflush(s->log);
	buf_free(&line);
	free(rest);
}

/* What filters can be about. */
void
say_org(struct sim *s)
{
	const struct org *o = &s->org;
	struct buf text;

	buf_init(&text, 1 << 16);
	buf_addf(&text, "\"agents\":%zu,\"queueIds\":[", o->agent_count);
	for (int i = 0; i < o->queue_count && i < QUEUES_SHOWN_MAX; i++)
		buf_addf(&text, "%s\"%s\"", i > 0 ? "," : "", o->queues[i]);
	buf_adds(&text, "],\"teamIds\":[");
	for (int i = 0; i < TEAMS; i++)
		buf_addf(&text, "%s\"%s\"", i > 0 ? "," : "", o->teams[i]);
	sim_say(s, "org", "%s]", text.data);
	buf_free(&text);
}

static void
add_totals(struct sim *s, struct buf *text)
{
	const struct totals *t = &s->totals;
	const struct { const char *name; uint64_t n; } rows[] = {
		{ "changes", s->org.changes }, { "sent", t->sent },
		{ "dropped", t->dropped }, { "duplicated", t->duplicated },
		{ "reordered", t->reordered }, { "odd", t->odd },
		{ "cuts", t->cuts }, { "opens", t->opens },
		{ "refused", t->refused }, { "tokens", t->tokens },
		{ "rest", t->rest }, { "rest401", t->rest_401 },
		{ "rest404", t->rest_404 }, { "rest429", t->rest_429 },
		{ "rest5xx", t->rest_5xx },
		{ "restGarbage", t->rest_garbage },
		{ "restHung", t->rest_hung },
		{ "channels", t->channels }, { "evicted", t->evicted },
		{ "rateLimited", t->limited },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		buf_addf(text, "%s\"%s\":%llu", i > 0 ? "," : "",
		    rows[i].name, (unsigned long long)rows[i].n);
}

void
say_totals(struct sim *s)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	add_totals(s, &text);
	sim_say(s, "totals", "%s", text.data);
	buf_free(&text);
}

void
say_status(struct sim *s)
{
	struct buf text;

	buf_init(&text, 1 << 16);
	pthread_mutex_lock(&s->lock);
	buf_adds(&text, "{\"tool\":\"gc-sim\",");
	add_totals(s, &text);
	buf_addf(&text, ",\"sockets\":%zu,\"quiet\":%s}", conns_count(s),
	    s->quiet ? "true" : "false");
	pthread_mutex_unlock(&s->lock);
	log_raw(text.data, text.len);
	buf_free(&text);
}

