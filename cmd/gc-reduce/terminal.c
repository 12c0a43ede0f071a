/* The line for who watches: connection, events, doubts and time to go. */
#include <stdio.h>

#include "cmd/gc-reduce/reduce.h"

#define EVENTS_MS 10000		/* the rates look back so far */
#define ANSWERS_MS 60000

void
terminal_open(struct app *app)
{
	take_init(&app->terminal.take);
	statusline_open(&app->terminal.line, app->opt.line);
}

void
terminal_control(struct app *app, const char *line, size_t len)
{
	struct terminal *t = &app->terminal;

	if (!t->line.on)
		return;
	take_begin(&t->take, len);
	sight_control(&t->sight, &t->take, line, len, app->wall_ms);
}

/* The connection in a word, as control lines told it; false: none did. */
static bool
connection(struct app *app)
{
	struct terminal *t = &app->terminal;
	const struct sight *s = &t->sight;
	const struct sight_socket *worst = sight_worst(s);
	char words[48];
	unsigned open = 0;

	if (worst == NULL)
		return false;
	for (unsigned i = 0; i < s->socket_count; i++)
		open += s->sockets[i].state == SIGHT_OPEN;
	snprintf(words, sizeof(words), "%s", sight_name(worst->state));
	if (open > 0 && open < s->socket_count)
		snprintf(words, sizeof(words), "%u of %u open", open,
		    s->socket_count);
	gauge_say(&t->connection, words, app->now_ms);
	return true;
}

static void
draw(struct app *app)
{
	struct terminal *t = &app->terminal;
	struct counts *c = &app->counts;
	struct gauge_facts facts = { .again_ms = -1, .roster = true };

	count_agents(app);
	if (connection(app))
		facts.connection = &t->connection;
	facts.events = gauge_rate(&t->events, app->now_ms, c->events,
	    EVENTS_MS);
	/* those of an earlier doubt say nothing of this one */
	if (c->doubted == 0)
		gauge_forget(&t->answers);
	facts.answers = gauge_rate(&t->answers, app->now_ms, c->answers,
	    ANSWERS_MS);
	facts.agents = c->agents;
	facts.doubted = c->doubted;
	gauge_take(&t->events, app->now_ms, c->events);
	gauge_take(&t->answers, app->now_ms, c->answers);
	statusline_draw(&t->line, &facts, app->now_ms);
}

int64_t
terminal_tick(struct app *app)
{
	struct statusline *line = &app->terminal.line;

	/* a second signal ends all at once, and leaves what is there */
	if (line->on && app->filter.sigs.stops > 0)
		statusline_close(line);
	if (app->now_ms >= statusline_due(line))
		draw(app);
	return statusline_due(line);
}

void
terminal_close(struct app *app)
{
	statusline_close(&app->terminal.line);
	take_free(&app->terminal.take);
}
