/* The line for who watches: what is asked, how fast, and time to go. */
#include <inttypes.h>
#include <stdio.h>

#include "cmd/gc-reconcile/reconcile.h"

#define ANSWERS_MS 60000	/* the rate looks back so far */

void
terminal_open(struct app *app)
{
	statusline_open(&app->terminal.line, app->opt.line);
}

/* What it is at; until when, where it waits. */
static void
doing(const struct app *app, char *words, size_t cap, int64_t *again_ms)
{
	const struct walk *w = &app->walk;

	if (app->pace.hold_ms > app->now_ms && fetch_wanted(app)) {
		snprintf(words, cap, "told to wait");
		*again_ms = app->pace.hold_ms - app->now_ms;
	} else if (!app->have_token && fetch_wanted(app)) {
		snprintf(words, cap, "token");
	} else if (w->on && w->pages > 0) {
		snprintf(words, cap, "page %" PRIu64 " of %" PRIu64,
		    w->number, w->pages);
	} else {
		snprintf(words, cap, app->open > 0 || w->on ? "asking" :
		    "idle");
	}
}

static void
draw(struct app *app)
{
	struct terminal *t = &app->terminal;
	struct gauge_facts facts = { .connection = &t->doing,
	    .again_ms = -1, .unit = "answers", .doubted = app->open };
	uint64_t done = app->answers + app->unverified;
	char words[48];

	doing(app, words, sizeof(words), &facts.again_ms);
	gauge_say(&t->doing, words, app->now_ms);
	facts.answers = gauge_rate(&t->answers, app->now_ms, done,
	    ANSWERS_MS);
	facts.events = facts.answers;
	gauge_take(&t->answers, app->now_ms, done);
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
}
