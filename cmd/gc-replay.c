/* gc-replay: a recorded stream again, in its own time. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/filter.h"
#include "lib/log.h"
#include "lib/moment.h"
#include "lib/opts.h"
#include "lib/sandbox.h"
#include "lib/tempo.h"

static struct app {
	struct filter filter;
	struct tempo tempo;
	struct buf moved;
	double speed;		/* 0: all at once */
	int64_t skip_ms;
	bool now, strict;
	struct metrics metrics;
	const char *sandbox;
	int64_t zero_ms;	/* monotonic: the first moment was due */
	int64_t zero_wall_ms;
	struct stamp reached;	/* of the recording; 0: nothing yet */
	uint64_t printed, untimed, skips;
} app = { .speed = 1, .skip_ms = 3600000 };

static const struct opt table[] = {
	{ 'x', "speed", OPT_DECIMAL, &app.speed, "SPEED",
	    "so many times as fast; 0: all at once (1)", 0, 0 },
	{ 0, "now", OPT_FLAG, &app.now, NULL,
	    "move the timestamps to the time of playing", 0, 0 },
	{ 0, "skip", OPT_DURATION, &app.skip_ms, "DURATION",
	    "leave out a longer silence; 0: none (1h)", 0, 0 },
	{ 0, "strict", OPT_FLAG, &app.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_replay_printed_total", "lines printed", &app.printed },
	{ "gc_replay_untimed_total", "lines without a time of their own",
	    &app.untimed },
	{ "gc_replay_skips_total", "silences left out", &app.skips },
	{ "gc_replay_rejected_total", "lines rejected", &app.filter.rejected },
};

static void
say_status(void)
{
	char line[256], at[CLOCK_RFC3339_LEN + 1] = "";
	int n;

	if (app.reached.sec != 0)
		clock_format_ms(stamp_to_ms(app.reached), at);
	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-replay\",\"printed\":%"
	    PRIu64 ",\"untimed\":%" PRIu64 ",\"skips\":%" PRIu64
	    ",\"rejected\":%" PRIu64 ",\"reached\":%s%s%s,\"sandbox\":\"%s\"}",
	    app.printed, app.untimed, app.skips, app.filter.rejected,
	    *at ? "\"" : "", *at ? at : "null", *at ? "\"" : "", app.sandbox);
	log_raw(line, (size_t)n);
}

static void
take_status(void)
{
	if (app.filter.sigs.status) {
		app.filter.sigs.status = false;
		say_status();
	}
}

/* The latest moment of the file is now: with -x 0 nothing is to come later.
 * It is read twice for that, from where it stands. */
static void
find_last(const char *name)
{
	struct ndjson_in in;
	enum ndjson_got got;
	struct stamp moment, last = { 0, 0 };
	const char *line;
	size_t len, raw;
	bool timed;
	off_t start = lseek(STDIN_FILENO, 0, SEEK_CUR);

	if (start == -1)
		die(GC_EX_USAGE, "--now with -x 0 reads %s twice, and it "
		    "is no file", name);
	ndjson_in_init(&in, STDIN_FILENO);
	while ((got = ndjson_next(&in, &line, &len, &raw)) != NDJSON_END) {
		if (got == NDJSON_MORE && ndjson_fill(&in) == -2)
			die(GC_EX_IOERR, "can't read %s: %s", name,
			    strerror(errno));
		if (got == NDJSON_LINE &&
		    moment_read(line, len, &moment, &timed) == NULL && timed &&
		    stamp_cmp(moment, last) > 0)
			last = moment;
	}
	ndjson_in_free(&in);
	if (lseek(STDIN_FILENO, start, SEEK_SET) == -1)
		die(GC_EX_IOERR, "can't read %s again: %s", name,
		    strerror(errno));
	app.tempo = (struct tempo){ .speed = 1, .skip_ms = CLOCK_NEVER,
	    .begun = true, .from = last, .latest = last };
}

/* Wait until the line is due; false if we are to stop. */
static bool
wait_for(struct stamp moment)
{
	int64_t skipped, due;

	if (!app.tempo.begun) {
		app.zero_ms = clock_mono_ms();
		app.zero_wall_ms = clock_wall_ms();
	}
	due = tempo_due_ms(&app.tempo, moment, &skipped);
	if (skipped != 0) {
		app.skips++;
		log_note("%s:%" PRIu64 ": %s %" PRId64 " s", app.filter.name,
		    app.filter.in.line, skipped > 0 ? "left out a silence of" :
		    "time goes back by", (skipped < 0 ? -skipped : skipped) /
		    1000);
	}
	due += app.zero_ms;
	while (app.filter.stop_ms == 0 && app.filter.now_ms < due) {
		filter_pause(&app.filter, due);
		take_status();
	}
	return app.filter.stop_ms == 0;
}

static struct stamp
to_now(void *arg, struct stamp moment)
{
	(void)arg;
	return tempo_move(&app.tempo, moment, app.zero_wall_ms);
}

/* False if we are to stop before it is printed. */
static bool
one_line(const char *line, size_t len, size_t raw)
{
	struct stamp moment;
	bool timed;
	const char *why = moment_read(line, len, &moment, &timed);

	if (why != NULL) {
		filter_reject(&app.filter, why);
		return true;
	}
	if (app.filter.stop_ms != 0 ||
	    (timed && app.speed > 0 && !wait_for(moment)))
		return false;
	app.untimed += !timed;
	if (timed && stamp_cmp(moment, app.reached) > 0)
		app.reached = moment;
	if (app.now && app.tempo.begun) {
		buf_reset(&app.moved);
		if (moment_move(&app.moved, line, len, to_now, NULL) == -1 ||
		    app.moved.len > NDJSON_LINE_MAX) {
			filter_reject(&app.filter, "longer than 1 MiB with "
			    "its times moved");
			return true;
		}
		buf_adds(&app.moved, "\n");
		line = app.moved.data;
		raw = app.moved.len;
	}
	app.printed++;
	filter_put(&app.filter, line, raw);
	return true;
}

static void
open_input(const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		die(GC_EX_IOERR, "can't open '%s': %s", path, strerror(errno));
	if (dup2(fd, STDIN_FILENO) == -1)
		die(GC_EX_OSERR, "can't use '%s': %s", path, strerror(errno));
	close(fd);
}

/* Lines until the input ends or we are to stop. */
static void
play(void)
{
	const char *line;
	size_t len, raw;

	while (filter_wait(&app.filter, CLOCK_NEVER, NULL, 0)) {
		take_status();
		while (filter_line(&app.filter, &line, &len, &raw))
			if (!one_line(line, len, raw))
				return;
	}
}

int
main(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-x SPEED] [--now] [OPTION]... [FILE]",
		.summary = "Play a recorded stream again, in its own time.",
		.table = table, .count = OPTS_COUNT(table),
	};
	struct sandbox box = { .client = false };
	const char *path;
	struct err e;
	int at;

	at = opts_parse("gc-replay", argc, argv, &opts);
	if (argc - at > 1)
		die(GC_EX_USAGE, "'%s': one recording at a time", argv[at + 1]);
	path = at < argc ? argv[at] : "-";
	open_input(path);
	app.metrics.table = metrics;
	app.metrics.count = sizeof(metrics) / sizeof(metrics[0]);
	if (filter_open(&app.filter, app.strict, &app.metrics, &e) == -1)
		die_err(&e);
	if (strcmp(path, "-") != 0)
		app.filter.name = path;
	sandbox_file(&box, app.metrics.path);
	app.sandbox = sandbox_enter(&box);
	buf_init(&app.moved, NDJSON_LINE_MAX + 1);
	app.tempo.speed = app.speed;
	app.tempo.skip_ms = app.skip_ms == 0 ? CLOCK_NEVER : app.skip_ms;
	app.zero_wall_ms = clock_wall_ms();
	if (app.now && app.speed == 0)
		find_last(app.filter.name);
	play();
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	buf_free(&app.moved);
	return GC_EX_OK;
}
