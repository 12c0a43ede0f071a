/* The line for who watches: connection and events. */
#include <stdio.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"

#define EVENTS_MS 10000		/* the rate looks back so far */

/* Of many sockets how many are open; else the state of the one, or what has
 * to be known before there is any. */
static void
fleet_words(const struct fleet *f, char *words, size_t cap)
{
	unsigned wanted = 0, open = 0;
	const struct link *l = f->slots[0].link;

	for (unsigned i = 0; i < f->shards.channels; i++) {
		wanted += f->shards.load[i] > 0;
		open += f->slots[i].is_open;
	}
	if (wanted == 0 || f->scope.elsewhere)
		snprintf(words, cap, "%s", f->bearer == NULL ? "token" :
		    f->scope.known && !f->scope.elsewhere ?
		    "nobody in scope" : "scope");
	else if (open >= wanted)
		snprintf(words, cap, "open");
	else if (wanted > 1 || l == NULL)
		snprintf(words, cap, "%u of %u open", open, wanted);
	else
		snprintf(words, cap, "%s", channel_state_name(l->state));
}

/* When it is tried again: of one socket, as of many each has its time. */
static int64_t
again_ms(const struct app *app)
{
	const struct fleet *f = app->fleet;
	int64_t at_ms = CLOCK_NEVER;

	if (f == NULL)
		at_ms = app->state == ST_BACKOFF ? app->retry_ms : at_ms;
	else if (f->shards.channels == 1 && f->slots[0].link != NULL &&
	    f->slots[0].link->state == CH_BACKOFF && !f->scope.elsewhere)
		at_ms = f->slots[0].link->retry_ms;
	return at_ms == CLOCK_NEVER ? -1 : at_ms - app->now_ms;
}

static void
draw(struct app *app)
{
	struct terminal *t = &app->terminal;
	struct gauge_facts facts = { .connection = &t->connection,
	    .again_ms = again_ms(app), .waiting = app->ring.count };
	char words[48];

	if (app->fleet != NULL)
		fleet_words(app->fleet, words, sizeof(words));
	else
		snprintf(words, sizeof(words), "%s", app->is_open ? "open" :
		    session_state_name(app->state));
	gauge_say(&t->connection, words, app->now_ms);
	facts.events = gauge_rate(&t->events, app->now_ms, app->taken,
	    EVENTS_MS);
	gauge_take(&t->events, app->now_ms, app->taken);
	statusline_draw(&t->line, &facts, app->now_ms);
}

int64_t
terminal_due(const struct app *app)
{
	return statusline_due(&app->terminal.line);
}

void
terminal_tick(struct app *app)
{
	struct statusline *line = &app->terminal.line;

	/* a second signal ends all at once, and leaves what is there */
	if (line->on && app->sigs.stops > 0)
		statusline_close(line);
	if (app->now_ms >= statusline_due(line))
		draw(app);
}
