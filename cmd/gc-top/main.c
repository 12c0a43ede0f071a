/* gc-top: the roster live in a terminal.  CONTRACT section 11. */
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/gc-top/top.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"
#include "lib/str.h"

#define TTY "/dev/tty"

static struct app {
	struct filter filter;
	struct crew crew, still;	/* still: what is shown while paused */
	struct view view;
	struct screen screen;
	int64_t interval_ms;
	const char *text;
	bool strict;
	struct metrics metrics;
	int tty;		/* -1: no terminal */
	int64_t due_ms;		/* monotonic: the next drawing */
	const char *sandbox;
	uint64_t agents, doubted;
} app = {
	.interval_ms = 1000, .tty = -1,
	.view = { .sort = SORT_STATUS, .queue = INDEX_NONE },
};

static const struct opt table[] = {
	{ 'i', "interval", OPT_DURATION, &app.interval_ms, "DURATION",
	    "draw so often (1s)", 100, 3600000 },
	{ 0, "sort", OPT_CHOICE, &app.view.sort, "name|status|time",
	    "the order of the agents (status)", 0, 0 },
	{ 0, "reverse", OPT_FLAG, &app.view.reverse, NULL,
	    "the other way round", 0, 0 },
	{ 0, "queue", OPT_TEXT, &app.view.awaited, "QUEUE",
	    "only the agents of this one, by id or name", 0, 0 },
	{ 0, "filter", OPT_TEXT, &app.text, "TEXT",
	    "only whose name, id or status has TEXT", 0, 0 },
	{ 0, "doubted", OPT_FLAG, &app.view.doubted_only, NULL,
	    "only who is in doubt", 0, 0 },
	{ 0, "strict", OPT_FLAG, &app.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_top_agent_lines_total", "gc:agent lines read",
	    &app.crew.lines },
	{ "gc_top_rejected_total", "lines rejected", &app.filter.rejected },
	{ "gc_top_agents", "agents known", &app.agents },
	{ "gc_top_doubted", "of these, in doubt", &app.doubted },
};

static void
say_status(void)
{
	char line[256];
	int n;

	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-top\",\"lines\":%"
	    PRIu64 ",\"agents\":%zu,\"doubted\":%zu,\"rejected\":%" PRIu64
	    ",\"sandbox\":\"%s\"}", app.crew.lines, app.crew.here,
	    app.crew.doubted, app.filter.rejected, app.sandbox);
	log_raw(line, (size_t)n);
}

/* Before anything else is written to the terminal, and at every end. */
static void
leave_terminal(void)
{
	if (app.tty == -1)
		return;
	app.tty = -1;
	app.filter.quiet = false;
	draw_close();
	guard_calm();
}

/* A queue that is asked for may be met later; what stands still has not met
 * it. */
static void
look_for_queue(void)
{
	size_t found;

	if (app.view.awaited == NULL || app.screen.paused)
		return;
	found = view_find_queue(&app.crew, app.view.awaited);
	if (found == INDEX_NONE)
		return;
	app.view.queue = found;
	app.view.awaited = NULL;
}

static void
show(void)
{
	draw(&app.screen, &app.view, clock_wall_ms());
	app.due_ms = app.filter.now_ms + app.interval_ms;
}

/* What is shown stands still from now on, or goes on. */
static void
heed_pause(bool was)
{
	if (app.screen.paused == was)
		return;
	app.view.ranked = NULL;
	app.view.crew = was ? &app.crew : &app.still;
	if (was)
		crew_free(&app.still);
	else
		crew_copy(&app.still, &app.crew);
}

/* False to quit. */
static bool
take_keys(void)
{
	bool any = draw_resized(), was = app.screen.paused;
	int key;

	while ((key = draw_key()) != -1) {
		any = true;
		if (!keys_take(&app.screen, &app.view, key))
			return false;
		heed_pause(was);
		was = app.screen.paused;
	}
	if (any)
		show();
	return true;
}

static void
take_lines(void)
{
	int64_t wall_ms = clock_wall_ms();
	const char *line, *why;
	size_t len, raw;

	while (filter_line(&app.filter, &line, &len, &raw)) {
		why = crew_line(&app.crew, line, len, wall_ms);
		if (why != NULL)
			filter_reject(&app.filter, why);
	}
	app.agents = app.crew.here;
	app.doubted = app.crew.doubted;
	look_for_queue();
}

/* One turn; false at the end, by a key or by that of the input. */
static bool
turn(void)
{
	struct pollfd keyboard = { app.tty, POLLIN, 0 };
	int64_t due = app.tty == -1 || app.screen.paused ? CLOCK_NEVER :
	    app.due_ms;

	if (!filter_wait(&app.filter, due, &keyboard, app.tty != -1))
		return false;
	take_lines();
	if (app.filter.sigs.status && !app.filter.quiet)
		say_status();
	app.filter.sigs.status = false;
	if (app.tty == -1)
		return true;
	if (!take_keys())
		return false;
	if (app.filter.now_ms >= app.due_ms && !app.screen.paused)
		show();
	return true;
}

/* The stream has ended: what was known last can be looked at still. */
static void
look_on(void)
{
	struct pollfd fds[2];

	app.screen.ended = true;
	app.filter.now_ms = clock_mono_ms();
	show();
	while (app.filter.stop_ms == 0 && app.filter.sigs.stops == 0) {
		fds[0] = (struct pollfd){ app.tty, POLLIN, 0 };
		fds[1] = (struct pollfd){ app.filter.sigs_fd, POLLIN, 0 };
		if (poll(fds, 2, (int)app.interval_ms) == -1)
			fds[0].revents = fds[1].revents = 0;
		sigs_take(&app.filter.sigs);
		app.filter.now_ms = clock_mono_ms();
		if (fds[0].revents & (POLLHUP | POLLERR) || !take_keys())
			return;
		if (app.filter.now_ms >= app.due_ms && !app.screen.paused)
			show();
	}
}

static void
open_terminal(void)
{
	int tty;

	if (!isatty(STDOUT_FILENO))
		return;
	tty = open(TTY, O_RDWR | O_CLOEXEC);
	if (tty == -1 || !guard_look(tty))
		return;
	if (isatty(STDIN_FILENO))
		die(GC_EX_USAGE, "stdin is a terminal, which is for the keys; "
		    "lines come through a pipe or from a file");
	if (draw_open(tty) == -1)
		die(GC_EX_UNAVAILABLE, "the terminal '%s' is not known: see "
		    "TERM", getenv("TERM") != NULL ? getenv("TERM") : "");
	app.tty = tty;
	/* no words onto the screen */
	app.filter.quiet = isatty(STDERR_FILENO);
	guard_open(tty);
	atexit(leave_terminal);
}

static void
start(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-i DURATION] [--queue QUEUE] [OPTION]...",
		.summary = "Show the roster live in a terminal.",
		.table = table, .count = OPTS_COUNT(table),
		.libraries = "ncursesw",
		.notes = "Keys: ? tells them.",
	};
	struct sandbox box = { .client = false };
	struct err e;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	cells_init();
	if (opts_parse("gc-top", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands; lines come on "
		    "stdin", argv[argc - 1]);
	if (app.text != NULL && strlcpy(app.view.filter, app.text,
	    FILTER_MAX) >= FILTER_MAX)
		die(GC_EX_USAGE, "--filter: longer than %d bytes",
		    FILTER_MAX - 1);
	tzset();	/* reads a file, which it may not later */
	app.metrics.table = metrics;
	app.metrics.count = sizeof(metrics) / sizeof(metrics[0]);
	if (filter_open(&app.filter, app.strict, &app.metrics, &e) == -1)
		die_err(&e);
	app.filter.before_exit = leave_terminal;
	open_terminal();
	sandbox_file(&box, app.metrics.path);
	app.sandbox = sandbox_enter(&box);
	crew_init(&app.crew, ((uint64_t)arc4random() << 32) | arc4random());
	app.view.crew = &app.crew;
}

int
main(int argc, char **argv)
{
	start(argc, argv);
	if (app.tty != -1)
		show();
	while (turn())
		continue;
	if (app.tty != -1 && app.filter.input_done &&
	    app.filter.stop_ms == 0)
		look_on();
	if (app.tty != -1) {
		leave_terminal();
	} else {
		app.view.crew = &app.crew;
		plain_print(&app.filter, &app.view, clock_wall_ms());
	}
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	view_free(&app.view);
	if (app.screen.paused)
		crew_free(&app.still);
	crew_free(&app.crew);
	return GC_EX_OK;
}
