/* gc-reduce: fold events into the two-tier agent roster; flag gaps. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"

static struct app app = {
	.opt = { .poll_ms = 30000, .audit_ms = 900000, .drain_ms = 60000 }
};

static const struct opt table[] = {
	{ 's', "state", OPT_TEXT, &app.opt.state, "FILE",
	    "keep the roster in FILE", 0, 0 },
	{ 'r', "reconcile", OPT_TEXT, &app.opt.reconcile, "COMMAND",
	    "ask COMMAND what is in doubt", 0, 0 },
	{ 0, "snapshot", OPT_FLAG, &app.opt.snapshot, NULL,
	    "print the roster at the end, and no stream", 0, 0 },
	{ 'i', "interval", OPT_DURATION, &app.opt.interval_ms, "DURATION",
	    "with --snapshot: every so often too", 1, 0 },
	{ 0, "poll", OPT_DURATION, &app.opt.poll_ms, "DURATION",
	    "ask about everyone so often while failed over (30s)", 1, 0 },
	{ 0, "audit", OPT_DURATION, &app.opt.audit_ms, "DURATION",
	    "ask about who is quiet so long; 0: never (15m)", 0, 0 },
	{ 0, "drain", OPT_DURATION, &app.opt.drain_ms, "DURATION",
	    "at the end, give COMMAND so long to finish (60s)", 0, 0 },
	{ 0, "line", OPT_FLAG, &app.opt.line, NULL,
	    "the line on the terminal though stdout is a pipe", 0, 0 },
	{ 0, "strict", OPT_FLAG, &app.opt.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.opt.metrics, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_reduce_events_total", "status events read",
	    &app.counts.events },
	{ "gc_reduce_applied_total", "events that changed a tier",
	    &app.counts.applied },
	{ "gc_reduce_stale_total", "events older than their tier",
	    &app.counts.stale },
	{ "gc_reduce_duplicate_total", "events that came again",
	    &app.counts.duplicate },
	{ "gc_reduce_gaps_total", "gc:gap lines", &app.counts.gaps },
	{ "gc_reduce_changes_total", "gc:agent lines", &app.counts.changes },
	{ "gc_reduce_rejected_total", "lines rejected",
	    &app.filter.rejected },
	{ "gc_reduce_journal_failures", "failed writes of the state in a row",
	    &app.store.failures },
	{ "gc_reduce_journal_failures_total", "failed writes of the state",
	    &app.store.failures_total },
	{ "gc_reduce_reconcile_starts_total", "starts of COMMAND",
	    &app.loop.starts },
	{ "gc_reduce_agents", "agents known", &app.counts.agents },
	{ "gc_reduce_doubted", "agents in doubt", &app.counts.doubted },
	{ "gc_reduce_lag_seconds", "age of the last event that changed a tier, "
	    "when it did", &app.counts.lag_ms },
};

void
print_line(struct app *a)
{
	if (!a->opt.snapshot)
		filter_put(&a->filter, a->line.data, a->line.len);
}

void
print_agent(struct app *a, struct agent *agent, bool gone)
{
	a->counts.changes++;
	if (!gone)
		store_mark(a, agent);
	if (a->opt.snapshot)
		return;
	buf_reset(&a->line);
	record_agent(&a->line, agent, a->wall_ms, gone);
	print_line(a);
}

static void
print_snapshot(void)
{
	struct agent **sorted = roster_sorted(&app.roster);

	for (size_t i = 0; i < app.roster.count; i++) {
		buf_reset(&app.line);
		record_agent(&app.line, sorted[i], app.wall_ms, false);
		filter_put(&app.filter, app.line.data, app.line.len);
	}
	free(sorted);
	filter_flush(&app.filter);
}

void
count_agents(struct app *a)
{
	a->counts.agents = a->roster.count;
	a->counts.doubted = 0;
	for (size_t i = 0; i < a->roster.count; i++)
		a->counts.doubted += agent_is_doubted(a->roster.list[i]);
}

static void
compute(void)
{
	count_agents(&app);
}

static void
say_counts(void)
{
	char line[512];
	int n;

	count_agents(&app);
	n = snprintf(line, sizeof(line), "%s: events=%" PRIu64 " applied=%"
	    PRIu64 " stale=%" PRIu64 " duplicate=%" PRIu64 " gaps=%" PRIu64
	    " rejected=%" PRIu64 " agents=%" PRIu64 " doubted=%" PRIu64,
	    log_get_name(), app.counts.events, app.counts.applied,
	    app.counts.stale, app.counts.duplicate, app.counts.gaps,
	    app.filter.rejected, app.counts.agents, app.counts.doubted);
	log_raw(line, (size_t)n);
}

static void
say_status(void)
{
	char line[640];
	int n;

	count_agents(&app);
	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-reduce\","
	    "\"events\":%" PRIu64 ",\"applied\":%" PRIu64 ",\"stale\":%" PRIu64
	    ",\"duplicate\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"rejected\":%"
	    PRIu64 ",\"agents\":%" PRIu64 ",\"doubted\":%" PRIu64
	    ",\"seq\":%" PRIu64 ",\"loopBytes\":%zu,\"reconcileStarts\":%"
	    PRIu64 ",\"journalFailures\":%" PRIu64 ",\"sandbox\":\"%s\"}",
	    app.counts.events, app.counts.applied, app.counts.stale,
	    app.counts.duplicate, app.counts.gaps, app.filter.rejected,
	    app.counts.agents, app.counts.doubted, app.roster.seq,
	    app.loop.out.len, app.loop.starts,
	    app.store.failures_total, app.sandbox);
	log_raw(line, (size_t)n);
}

/* As JSON they are part of the status line. */
static void
say_last_counts(void)
{
	if (log_get_form() == LOG_JSON)
		say_status();
	else
		say_counts();
}

/* Everything that time brings; when it brings something next. */
static int64_t
tick(bool input_open)
{
	int64_t due = CLOCK_NEVER, at;

	if (input_open)
		due = doubt_tick(&app);
	if ((at = command_tick(&app)) < due)
		due = at;
	if ((at = store_tick(&app)) < due)
		due = at;
	if ((at = terminal_tick(&app)) < due)
		due = at;
	if (app.opt.interval_ms > 0 && app.now_ms >= app.snapshot_due_ms) {
		print_snapshot();
		app.snapshot_due_ms = app.now_ms + app.opt.interval_ms;
	}
	if (app.opt.interval_ms > 0 && app.snapshot_due_ms < due)
		due = app.snapshot_due_ms;
	return due;
}

/* One turn; false when the input has ended. */
static bool
turn(bool input_open)
{
	struct pollfd fds[2];
	int64_t due = tick(input_open);
	size_t n = loop_interest(&app, fds), len, raw;
	bool more = filter_wait(&app.filter, due, fds, n);
	const char *line;

	app.now_ms = app.filter.now_ms;
	app.wall_ms = clock_wall_ms();
	loop_serve(&app, fds, n);
	while (input_open && filter_line(&app.filter, &line, &len, &raw))
		fold_line(&app, line, len, raw);
	if (app.filter.sigs.status) {
		app.filter.sigs.status = false;
		say_status();
		if (log_get_form() == LOG_TEXT)
			say_counts();
	}
	return more;
}

static void
leave(void)
{
	terminal_close(&app);
	store_commit(&app);
}

static void
start(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[-s FILE] [-r COMMAND] [--snapshot [-i DURATION]]"
		    " [OPTION]...",
		.summary = "Fold agent status events into a roster in two "
		    "tiers, and flag what is in doubt.",
		.table = table, .count = OPTS_COUNT(table),
		.libraries = BATCH_LIBRARY,
	};
	struct metrics m = { .table = metrics,
	    .count = sizeof(metrics) / sizeof(metrics[0]),
	    .compute = compute };
	struct sandbox box = { .client = false };
	struct err e;

	if (opts_parse("gc-reduce", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands; events come on "
		    "stdin", argv[argc - 1]);
	if (app.opt.interval_ms > 0 && !app.opt.snapshot)
		die(GC_EX_USAGE, "--interval goes with --snapshot");
	m.path = app.opt.metrics;
	/* COMMAND needs what we give up: another process runs it */
	if (app.opt.reconcile != NULL &&
	    child_helper(app.opt.reconcile, &e) == -1)
		die_err(&e);
	if (filter_open(&app.filter, app.opt.strict, &m, &e) == -1)
		die_err(&e);
	app.now_ms = app.filter.now_ms;
	app.wall_ms = clock_wall_ms();
	app.snapshot_due_ms = app.now_ms + app.opt.interval_ms;
	buf_init(&app.line, SIZE_MAX / 4);
	buf_init(&app.detail, NDJSON_LINE_MAX);
	event_init(&app.ev);
	roster_init(&app.roster, ((uint64_t)arc4random() << 32) |
	    arc4random());
	doubts_init(&app);
	store_open(&app);
	terminal_open(&app);
	app.filter.before_exit = leave;
	sandbox_file(&box, app.store.journal.path);
	sandbox_file(&box, m.path);
	app.sandbox = sandbox_enter(&box);
	loop_start(&app);
	doubt_loaded(&app);
}

/* The exit code; everything is let out and durable. */
static int
finish(void)
{
	int code = app.loop.exit_code, stored;

	if (app.opt.snapshot)
		print_snapshot();
	app.filter.before_exit = NULL;
	terminal_close(&app);
	stored = store_close(&app);
	count_agents(&app);
	filter_close(&app.filter);
	if (log_get_level() >= LOG_NOTE || (log_get_level() > LOG_ERR &&
	    (app.filter.rejected > 0 || app.counts.doubted > 0)))
		say_last_counts();
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		free(app.loop.open_lines[i]);
	if (app.loop.used) {
		buf_free(&app.loop.out);
		event_free(&app.loop.ev);
		ndjson_in_free(&app.loop.in);
	}
	roster_free(&app.roster);
	event_free(&app.ev);
	buf_free(&app.line);
	buf_free(&app.detail);
	return stored != GC_EX_OK ? stored : code;
}

int
main(int argc, char **argv)
{
	start(argc, argv);
	while (turn(true))
		continue;
	doubt_tick(&app);	/* what is due is asked still */
	if (app.loop.used) {
		loop_finish(&app);
		while (!app.loop.finished)
			turn(false);
	}
	return finish();
}
