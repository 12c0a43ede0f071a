/* gc-queue: lines kept until their reader is done with them.  CONTRACT
 * section 10. */
#include <amqp.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-queue/queue.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"
#include "lib/spool.h"
#include "lib/str.h"

#define SEGMENT_DEFAULT (64 << 20)
#define SEGMENT_MIN (64 << 10)
#define BATCH_DEFAULT 1000
#define LINGER_MS 100
#define PATIENCE_MS 60000

static struct app app = { .opt = { .sync = -1, .linger_ms = -1,
    .patience_ms = -1 } };

static const struct opt table[] = {
	{ 'f', "follow", OPT_FLAG, &app.opt.follow, NULL,
	    "get: wait for more at the end", 0, 0 },
	{ 'g', "group", OPT_TEXT, &app.opt.group, "NAME",
	    "get: as this group of readers (default)", 0, 0 },
	{ 'p', "part", OPT_TEXT, &app.opt.part, "K/N",
	    "get: of N parts of the agents, the K-th", 0, 0 },
	{ 0, "batch", OPT_NUMBER, &app.opt.batch, "LINES",
	    "get: a barrier behind so many lines (1000)", 1, 1000000 },
	{ 0, "linger", OPT_DURATION, &app.opt.linger_ms, "DURATION",
	    "get: or behind what came in so long (100ms)", 1, 60000 },
	{ 0, "patience", OPT_DURATION, &app.opt.patience_ms, "DURATION",
	    "get: say that a barrier is late after (60s)", 1, 0 },
	{ 0, "sync", OPT_CHOICE, &app.opt.sync, "always|interval|none",
	    "put: when a batch must be on the disk (interval)", 0, 0 },
	{ 0, "keep", OPT_TEXT, &app.opt.keep, "SIZE|DURATION",
	    "put, trim: keep so much, read or not (the unread)",
	    0, 0 },
	{ 0, "segment", OPT_SIZE, &app.opt.segment, "SIZE",
	    "put: of a file of the queue (64M)", SEGMENT_MIN,
	    (uint64_t)1 << 40 },
	{ 0, "strict", OPT_FLAG, &app.opt.strict, NULL,
	    "put: end with 65 at the first rejected line", 0, 0 },
	{ 0, "forget", OPT_TEXT, &app.opt.forget, "NAME",
	    "trim: this group of readers is no more", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.filter.metrics.path, "FILE",
	    "put, get: write Prometheus metrics to FILE", 0, 0 },
};

enum { PUT = 1, GET = 2, LS = 4, TRIM = 8 };

static int run_list(struct app *a, const struct metrics *m);
static int run_trim(struct app *a, const struct metrics *m);

static const struct command {
	const char *name;
	int bit;
	int (*run)(struct app *app, const struct metrics *m);
} commands[] = {
	{ "put", PUT, put_run }, { "get", GET, get_run },
	{ "ls", LS, run_list }, { "trim", TRIM, run_trim },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
count_outstanding(void)
{
	app.counts.outstanding = 0;
	for (size_t i = 0; i < app.stream_count; i++)
		app.counts.outstanding +=
		    barriers_out(&app.streams[i]->barriers);
}

static const struct metric metrics_put[] = {
	{ "gc_queue_lines_total", "lines taken", &app.counts.lines },
	{ "gc_queue_bytes_total", "bytes of them", &app.counts.bytes },
	{ "gc_queue_batches_total", "batches written",
	    &app.counts.batches },
	{ "gc_queue_failures_total", "failures of the disk or the broker",
	    &app.counts.failures },
	{ "gc_queue_rejected_total", "lines rejected",
	    &app.filter.rejected },
};

static const struct metric metrics_get[] = {
	{ "gc_queue_lines_total", "lines handed on", &app.counts.lines },
	{ "gc_queue_bytes_total", "bytes of them", &app.counts.bytes },
	{ "gc_queue_acknowledged_total", "acknowledgements",
	    &app.counts.acked },
	{ "gc_queue_starts_total", "starts of COMMAND",
	    &app.counts.starts },
	{ "gc_queue_holes_total", "lines missing, told in the stream",
	    &app.counts.holes },
	{ "gc_queue_failures_total", "failures of the disk or the broker",
	    &app.counts.failures },
	{ "gc_queue_barriers", "barriers on their way",
	    &app.counts.outstanding },
};

_Noreturn void
queue_die(struct app *a, const struct err *e)
{
	filter_end(&a->filter);
	die_err(e);
}

void
say_status(struct app *a, const char *what)
{
	char line[512];
	int n;

	count_outstanding();
	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-queue\",\"does\":"
	    "\"%s\",\"lines\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"batches\":%"
	    PRIu64 ",\"rejected\":%" PRIu64 ",\"acknowledged\":%" PRIu64
	    ",\"barriers\":%" PRIu64 ",\"starts\":%" PRIu64 ",\"holes\":%"
	    PRIu64 ",\"failures\":%" PRIu64 ",\"sandbox\":\"%s\"}", what,
	    a->counts.lines, a->counts.bytes, a->counts.batches,
	    a->filter.rejected, a->counts.acked, a->counts.outstanding,
	    a->counts.starts, a->counts.holes, a->counts.failures,
	    a->sandbox);
	log_raw(line, (size_t)n);
}

static int
look(struct app *a, void (*what)(struct app *app))
{
	struct err e;

	if (filter_open(&a->filter, false, NULL, &e) == -1)
		die_err(&e);
	a->now_ms = a->filter.now_ms;
	a->wall_ms = clock_wall_ms();
	what(a);
	filter_close(&a->filter);
	return GC_EX_OK;
}

static int
run_list(struct app *a, const struct metrics *m)
{
	(void)m;
	return look(a, a->driver->list);
}

static int
run_trim(struct app *a, const struct metrics *m)
{
	(void)m;
	return look(a, a->driver->trim);
}

/* An option of another command is a mistake, not nothing. */
static void
check_options(const struct app *a, const struct command *c)
{
	const struct { const char *name; bool given; int of; } rules[] = {
		{ "follow", a->opt.follow, GET },
		{ "group", a->opt.group != NULL, GET },
		{ "part", a->opt.part != NULL, GET },
		{ "batch", a->opt.batch != 0, GET },
		{ "linger", a->opt.linger_ms != -1, GET },
		{ "patience", a->opt.patience_ms != -1, GET },
		{ "sync", a->opt.sync != -1, PUT },
		{ "keep", a->opt.keep != NULL, PUT | TRIM },
		{ "segment", a->opt.segment != 0, PUT },
		{ "strict", a->opt.strict, PUT },
		{ "forget", a->opt.forget != NULL, TRIM },
		{ "metrics", a->filter.metrics.path != NULL, PUT | GET },
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].given && !(rules[i].of & c->bit))
			die(GC_EX_USAGE, "--%s does not go with %s",
			    rules[i].name, c->name);
}

/* A size or a duration: the unit tells which. */
static void
parse_keep(struct app *a)
{
	const char *text = a->opt.keep;
	size_t bytes;

	if (text == NULL)
		return;
	if (strpbrk(text, "KMG") != NULL && str_size(text, &bytes) == 0)
		a->keep.bytes = bytes;
	else if (strpbrk(text, "smh") == NULL ||
	    str_duration_ms(text, &a->keep.ms) == -1)
		die(GC_EX_USAGE, "option --keep: '%s' is neither a size with "
		    "K, M or G nor a duration with ms, s, m or h", text);
	if (a->keep.bytes == 0 && a->keep.ms == 0)
		die(GC_EX_USAGE, "option --keep: nothing would be kept");
}

static void
set_defaults(struct app *a)
{
	const char *group = a->opt.group ? a->opt.group : "default";

	if (!place_is_group(group))
		die(GC_EX_USAGE, "'%s' is no name of a group: letters, "
		    "digits, '-' and '_', %d at most", group,
		    PLACE_GROUP_MAX);
	snprintf(a->reader.group, sizeof(a->reader.group), "%s", group);
	if (a->opt.part != NULL && place_part(a->opt.part, &a->reader) == -1)
		die(GC_EX_USAGE, "option --part: '%s' is no K/N with K from "
		    "1 to N, and N at most %d", a->opt.part, PLACE_PARTS_MAX);
	if (a->opt.sync == -1)
		a->opt.sync = SPOOL_INTERVAL;
	if (a->opt.segment == 0)
		a->opt.segment = SEGMENT_DEFAULT;
	if (a->opt.batch == 0)
		a->opt.batch = BATCH_DEFAULT;
	if (a->opt.linger_ms == -1)
		a->opt.linger_ms = LINGER_MS;
	if (a->opt.patience_ms == -1)
		a->opt.patience_ms = PATIENCE_MS;
	parse_keep(a);
}

/* COMMAND, of one word or many, as sh -c takes it. */
static char *
join(char **words)
{
	struct buf all;

	buf_init(&all, SIZE_MAX / 4);
	for (; *words != NULL; words++)
		if (buf_adds(&all, *words) == -1 ||
		    (words[1] != NULL && buf_adds(&all, " ") == -1))
			die(GC_EX_USAGE, "COMMAND is too long");
	return buf_take(&all);
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	die(GC_EX_USAGE, "'%s' is neither put, get, ls nor trim", name);
}

/* It needs what we give up: another process runs it. */
static void
start_helper(struct app *a)
{
	char number[16];
	struct err e;

	snprintf(number, sizeof(number), "%u",
	    a->reader.parts > 0 ? a->reader.part : 1);
	setenv("GC_PARTITION", number, 1);
	child_lead_groups();
	if (a->driver->network)
		return;
	if (child_helper(a->command, &e) == -1)
		die_err(&e);
}

static const char *
linked(void)
{
	static char text[128];

	snprintf(text, sizeof(text), "librabbitmq %s\n%s", amqp_version(),
	    OpenSSL_version(OPENSSL_VERSION));
	return text;
}

int
main(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "put|get|ls|trim [OPTION]... QUEUE [-- COMMAND]",
		.summary = "Keep lines in a queue until those who read them "
		    "are done with them.",
		.table = table, .count = OPTS_COUNT(table),
		.linked = linked,
		.libraries = BATCH_LIBRARY,
		.notes = "QUEUE: dir:PATH, or amqp[s]://[USER@]HOST/NAME."
		    "\nget runs COMMAND (by sh -c) and gives it the lines and "
		    "barriers; without one it\nprints them.",
	};
	struct metrics m = { .compute = count_outstanding };
	const struct command *c;
	int at = opts_parse("gc-queue", argc, argv, &opts), code;

	if (argc - at < 2)
		die(GC_EX_USAGE, "a command and a queue are needed: gc-queue "
		    "put|get|ls|trim QUEUE");
	c = find_command(argv[at]);
	check_options(&app, c);
	if (argc - at > 2 && c->bit != GET)
		die(GC_EX_USAGE, "'%s': only get takes a COMMAND",
		    argv[at + 2]);
	url_parse(&app, argv[at + 1]);
	set_defaults(&app);
	m.path = app.filter.metrics.path;
	m.table = c->bit == PUT ? metrics_put : metrics_get;
	m.count = c->bit == PUT ? OPTS_COUNT(metrics_put) :
	    OPTS_COUNT(metrics_get);
	if (argc - at > 2) {
		app.command = join(argv + at + 2);
		start_helper(&app);
	}
	code = c->run(&app, &m);
	free(app.command);
	url_free(&app);
	return code;
}
