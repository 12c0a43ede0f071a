/* gc-dedup: within a short window, keep the latest event per agent and tier. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/event.h"
#include "lib/filter.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"
#include "lib/window.h"

#define ACT_ON (EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_CLOSED) | \
    EVENT_BIT(EVENT_FAILOVER) | EVENT_BIT(EVENT_MEMBERS) | \
    EVENT_BIT(EVENT_BARRIER))

enum { CLOCK_BOTH, CLOCK_EVENT };

static struct app {
	struct filter filter;
	struct window window;
	struct event ev;
	int64_t window_ms;
	int clock;
	bool strict;
	struct metrics metrics;
	const char *sandbox;	/* what is in force */
	uint64_t events, printed, held;
} app = { .window_ms = 500 };

static const struct opt table[] = {
	{ 'w', "window", OPT_DURATION, &app.window_ms, "DURATION",
	    "hold events so long; 0: not at all (500ms)", 0, 3600000 },
	{ 0, "clock", OPT_CHOICE, &app.clock, "both|event",
	    "what ends a window; event: events alone (both)",
	    0, 0 },
	{ 0, "strict", OPT_FLAG, &app.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_dedup_events_total", "status events read", &app.events },
	{ "gc_dedup_printed_total", "status events printed", &app.printed },
	{ "gc_dedup_copies_total", "exact copies dropped",
	    &app.window.copies },
	{ "gc_dedup_merged_total", "events that a later one stands for",
	    &app.window.merged },
	{ "gc_dedup_early_total", "keys let out early for want of memory",
	    &app.window.early },
	{ "gc_dedup_rejected_total", "lines rejected",
	    &app.filter.rejected },
	{ "gc_dedup_held", "agents and tiers held now", &app.held },
};

static void
print_event(void *arg, const char *line, size_t len)
{
	(void)arg;
	app.printed++;
	filter_put(&app.filter, line, len);
}

static void
one_line(const char *line, size_t len, size_t raw)
{
	const char *why = event_parse(&app.ev, line, len, ACT_ON);

	if (why != NULL) {
		filter_reject(&app.filter, why);
		return;
	}
	if (app.ev.kind == EVENT_STATUS || app.ev.kind == EVENT_FRAME) {
		app.events++;
		window_push(&app.window, &app.ev, line, raw,
		    app.filter.now_ms);
		return;
	}
	if (app.ev.kind != EVENT_OTHER)
		window_flush(&app.window);
	filter_put(&app.filter, line, raw);
	if (app.ev.kind == EVENT_BARRIER)
		filter_flush(&app.filter);
}

static void
let_out(void)
{
	window_flush(&app.window);
	app.held = app.window.keys.count;
}

static void
say_status(void)
{
	char line[320];
	int n;

	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-dedup\",\"events\":%"
	    PRIu64 ",\"printed\":%" PRIu64 ",\"copies\":%" PRIu64
	    ",\"merged\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"held\":%zu,"
	    "\"heldBytes\":%zu,\"sandbox\":\"%s\"}", app.events, app.printed,
	    app.window.copies, app.window.merged, app.filter.rejected,
	    app.window.keys.count, app.window.keys.bytes, app.sandbox);
	log_raw(line, (size_t)n);
}

int
main(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-w DURATION] [--clock=both|event] [OPTION]...",
		.summary = "Within a short window, keep the latest status "
		    "event of each agent and tier.",
		.table = table, .count = OPTS_COUNT(table),
	};
	struct sandbox box = { .client = false };
	int64_t due = CLOCK_NEVER;
	const char *line;
	size_t len, raw;
	struct err e;

	if (opts_parse("gc-dedup", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands; events come on "
		    "stdin", argv[argc - 1]);
	app.metrics.table = metrics;
	app.metrics.count = sizeof(metrics) / sizeof(metrics[0]);
	if (filter_open(&app.filter, app.strict, &app.metrics, &e) == -1)
		die_err(&e);
	sandbox_file(&box, app.metrics.path);
	app.sandbox = sandbox_enter(&box);
	event_init(&app.ev);
	window_init(&app.window, app.window_ms, print_event, NULL,
	    ((uint64_t)arc4random() << 32) | arc4random());
	app.filter.before_exit = let_out;
	while (filter_wait(&app.filter, due, NULL, 0)) {
		if (app.clock == CLOCK_BOTH)
			window_expire(&app.window, app.filter.now_ms);
		while (filter_line(&app.filter, &line, &len, &raw))
			one_line(line, len, raw);
		due = app.clock == CLOCK_EVENT ? CLOCK_NEVER :
		    window_expire(&app.window, app.filter.now_ms);
		app.held = app.window.keys.count;
		if (app.filter.sigs.status) {
			app.filter.sigs.status = false;
			say_status();
		}
	}
	let_out();
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	window_free(&app.window);
	event_free(&app.ev);
	return GC_EX_OK;
}
