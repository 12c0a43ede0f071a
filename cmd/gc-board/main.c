/* gc-board: the roster as a page for a wall screen.  CONTRACT section 11. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/gc-board/board.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/filter.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"
#include "lib/str.h"

static struct app {
	struct filter filter;
	struct crew crew;
	struct chart chart;
	struct page page;
	char *output;		/* where its links lead to */
	bool strict;
	struct metrics metrics;
	const char *sandbox;
	int64_t due_ms;		/* monotonic: the next page */
	bool failing;		/* the last one was not written */
	uint64_t pages, failures, agents, doubted;
} app = {
	.chart = { .span_ms = 3600000 },
	.page = { .title = "Agents", .interval_ms = 5000, .old_ms = 60000,
	    .longest = 10 },
};

static const struct opt table[] = {
	{ 'o', "output", OPT_TEXT, &app.output, "FILE.html",
	    "the page (required)", 0, 0 },
	{ 'i', "interval", OPT_DURATION, &app.page.interval_ms, "DURATION",
	    "write it so often (5s)", 100, 3600000 },
	{ 0, "title", OPT_TEXT, &app.page.title, "TEXT",
	    "its heading (Agents)", 0, 0 },
	{ 0, "old", OPT_DURATION, &app.page.old_ms, "DURATION",
	    "data is old when nothing comes for so long (60s)", 1, 0 },
	{ 0, "span", OPT_DURATION, &app.chart.span_ms, "DURATION",
	    "of the timeline (1h)", 60000, 0 },
	{ 0, "longest", OPT_NUMBER, &app.page.longest, "N",
	    "of those longest in one status name so many (10)", 0, 1000 },
	{ 0, "strict", OPT_FLAG, &app.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_board_agent_lines_total", "gc:agent lines read",
	    &app.crew.lines },
	{ "gc_board_pages_total", "pages written", &app.pages },
	{ "gc_board_failures_total", "pages that could not be written",
	    &app.failures },
	{ "gc_board_rejected_total", "lines rejected", &app.filter.rejected },
	{ "gc_board_agents", "agents shown", &app.agents },
	{ "gc_board_doubted", "of these, in doubt", &app.doubted },
};

static void
say_status(void)
{
	char line[256];
	int n;

	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-board\",\"lines\":%"
	    PRIu64 ",\"agents\":%zu,\"doubted\":%zu,\"pages\":%" PRIu64
	    ",\"failures\":%" PRIu64 ",\"rejected\":%" PRIu64
	    ",\"sandbox\":\"%s\"}", app.crew.lines, app.crew.here,
	    app.crew.doubted, app.pages, app.failures, app.filter.rejected,
	    app.sandbox);
	log_raw(line, (size_t)n);
}

static void
write_page(void)
{
	int64_t wall_ms = clock_wall_ms();
	struct buf out;
	struct err e;

	app.agents = app.crew.here;
	app.doubted = app.crew.doubted;
	chart_sample(&app.chart, &app.crew, wall_ms);
	buf_init(&out, PAGE_MAX_BYTES);
	page_write(&out, &app.page, wall_ms);
	if (file_publish(app.output, out.data, out.len, &e) == 0) {
		app.pages++;
		if (app.failing)
			log_warn("'%s' is written again", app.output);
		app.failing = false;
	} else {
		app.failures++;
		if (!app.failing)
			log_warn("%s%s", e.msg, app.pages > 0 ?
			    "; tried again" : "");
		app.failing = true;
	}
	buf_free(&out);
}

static void
last_page(void)
{
	app.page.ended = true;
	write_page();
}

static void
start(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "-o FILE.html [-i DURATION] [OPTION]...",
		.summary = "Show the roster as a page for a wall screen.",
		.table = table, .count = OPTS_COUNT(table),
	};
	struct sandbox box = { .client = false };
	struct err e;

	if (opts_parse("gc-board", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands; lines come on "
		    "stdin", argv[argc - 1]);
	if (app.output == NULL || *app.output == '\0')
		die(GC_EX_USAGE, "-o FILE.html: where is the page to be?");
	if (!str_is_utf8(app.page.title, strlen(app.page.title)))
		die(GC_EX_USAGE, "--title is not UTF-8");
	tzset();	/* reads a file, which it may not later */
	app.metrics.table = metrics;
	app.metrics.count = sizeof(metrics) / sizeof(metrics[0]);
	if (filter_open(&app.filter, app.strict, &app.metrics, &e) == -1)
		die_err(&e);
	app.output = file_follow(app.output, &e);
	if (app.output == NULL)
		die_err(&e);
	file_sweep(app.output);
	sandbox_file(&box, app.output);
	sandbox_file(&box, app.metrics.path);
	app.sandbox = sandbox_enter(&box);
	crew_init(&app.crew, ((uint64_t)arc4random() << 32) | arc4random());
	app.page.crew = &app.crew;
	app.page.chart = &app.chart;
	write_page();
	if (app.failing)
		die(GC_EX_CANTCREAT, "there is no page");
	app.filter.before_exit = last_page;
	app.due_ms = app.filter.now_ms + app.page.interval_ms;
}

int
main(int argc, char **argv)
{
	const char *line, *why;
	size_t len, raw;

	start(argc, argv);
	while (filter_wait(&app.filter, app.due_ms, NULL, 0)) {
		int64_t wall_ms = clock_wall_ms();

		while (filter_line(&app.filter, &line, &len, &raw))
			if ((why = crew_line(&app.crew, line, len, wall_ms)) !=
			    NULL)
				filter_reject(&app.filter, why);
		if (app.filter.now_ms >= app.due_ms) {
			write_page();
			app.due_ms = app.filter.now_ms + app.page.interval_ms;
		}
		if (app.filter.sigs.status) {
			app.filter.sigs.status = false;
			say_status();
		}
	}
	last_page();
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	crew_free(&app.crew);
	return app.failing ? GC_EX_IOERR : GC_EX_OK;
}
