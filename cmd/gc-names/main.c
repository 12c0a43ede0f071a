/* gc-names: gc:agent lines with the names of the agent and its queues.
 * CONTRACT section 11. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/gc-names/names.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"

#define ACT_ON (EVENT_BIT(EVENT_AGENT) | EVENT_BIT(EVENT_BARRIER))
#define FDS_MAX (FILTER_FDS + 1 + REST_POLL_MAX)

static struct app app = {
	.opt = { .refresh_ms = 24 * 3600000, .wait_ms = 10000 },
};

static const struct opt table[] = {
	{ 0, "names", OPT_TEXT, &app.opt.names, "FILE",
	    "names from FILE (id TAB name), not by REST", 0, 0 },
	{ 0, "refresh", OPT_DURATION, &app.opt.refresh_ms, "DURATION",
	    "read them again so often (24h)", 1000, 0 },
	{ 0, "wait", OPT_DURATION, &app.opt.wait_ms, "DURATION",
	    "at the start lines wait so long for names (10s)", 0, 0 },
	{ 0, "strict", OPT_FLAG, &app.opt.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.opt.metrics, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_names_agents_total", "gc:agent lines read", &app.agents },
	{ "gc_names_named_total", "of these, with the agent's name",
	    &app.named },
	{ "gc_names_unknown_total", "ids met that have no name",
	    &app.unknown },
	{ "gc_names_plain_total", "lines that names would make too long",
	    &app.plain },
	{ "gc_names_reads_total", "turns of reading by REST",
	    &app.read.turns },
	{ "gc_names_failed_reads_total", "of these, without a name read",
	    &app.read.failed },
	{ "gc_names_rejected_total", "lines rejected", &app.filter.rejected },
	{ "gc_names_known", "names known now", &app.known },
};

static void
say_status(void)
{
	char line[384];
	int n;

	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-names\",\"agents\":%"
	    PRIu64 ",\"named\":%" PRIu64 ",\"unknown\":%" PRIu64
	    ",\"plain\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"known\":%"
	    PRIu64 ",\"reads\":%" PRIu64 ",\"failedReads\":%" PRIu64
	    ",\"sandbox\":\"%s\"}", app.agents, app.named, app.unknown,
	    app.plain, app.filter.rejected, app.known, app.read.turns,
	    app.read.failed, app.sandbox);
	log_raw(line, (size_t)n);
}

/* --- names from a file -------------------------------------------------- */

/* Those of the file alone; what cannot be read stays as it was.  *whole: it
 * is as one that dict_write made. */
static int
load(const char *path, bool *whole, struct err *e)
{
	struct dict fresh = { NULL, 0, 0, 0 };
	struct buf text;
	uint64_t bad;
	int status;

	buf_init(&text, NAMES_FILE_MAX);
	status = file_read(path, &text, e);
	if (status == 0) {
		dict_read(&fresh, text.data != NULL ? text.data : "",
		    text.len, &bad);
		if (bad > 0)
			log_warn("%s:%" PRIu64 ": no id, TAB and name", path,
			    bad);
		dict_free(&app.dict);
		app.dict = fresh;
		app.known = dict_count(&app.dict);
		if (whole != NULL)
			*whole = bad == 0 && text.len > 0 &&
			    text.data[text.len - 1] == '\n';
	}
	buf_free(&text);
	return status;
}

/* The cache of an earlier run: its age decides when to read again, or that
 * it is damaged. */
static void
open_cache(void)
{
	struct read *r = &app.read;
	struct stat st;
	int64_t age_ms;
	bool whole;
	struct err e;

	r->due_ms = app.now_ms;
	r->cache = config_path(r->config.cache_folder, "names", &e);
	if (r->cache == NULL) {
		log_warn("the names are not kept: %s", e.msg);
		return;
	}
	if (stat(r->cache, &st) == -1)
		return;
	if (file_check_regular(r->cache, &e) == -1 ||
	    load(r->cache, &whole, &e) == -1) {
		log_warn("%s", e.msg);
		return;
	}
	if (!whole) {
		log_warn("%s is damaged: the names are read again", r->cache);
		return;
	}
	age_ms = clock_wall_ms() - (int64_t)st.st_mtime * 1000;
	if (age_ms >= 0 && age_ms < app.opt.refresh_ms) {
		r->last_ms = app.now_ms - age_ms;
		r->due_ms = app.now_ms + app.opt.refresh_ms - age_ms;
	}
}

/* --- lines -------------------------------------------------------------- */

static void
one_agent(const char *line, size_t len, size_t raw)
{
	uint64_t unknown = app.unknown;

	app.agents++;
	if (add_names(&app, line, len) == 0) {
		filter_put(&app.filter, app.line.data, app.line.len);
	} else {
		app.plain++;
		filter_put(&app.filter, line, raw);
	}
	if (app.from_rest && app.unknown > unknown)
		read_missed(&app);
}

static void
one_line(const char *line, size_t len, size_t raw)
{
	const char *why = event_parse(&app.ev, line, len, ACT_ON);

	if (why != NULL) {
		filter_reject(&app.filter, why);
	} else if (app.ev.kind == EVENT_AGENT) {
		one_agent(line, len, raw);
	} else {
		filter_put(&app.filter, line, raw);
		if (app.ev.kind == EVENT_BARRIER)
			filter_flush(&app.filter);
	}
}

/* --- a turn ------------------------------------------------------------- */

/* HUP: the file, or the settings and all names, again. */
static void
reload(void)
{
	struct config fresh;
	struct err e;

	if (!app.from_rest) {
		if (load(app.opt.names, NULL, &e) == -1)
			log_warn("HUP: the names stay as they were: %s",
			    e.msg);
		return;
	}
	if (config_load(&fresh, CONFIG_API, &e) == -1) {
		log_warn("HUP: the settings stay as they were: %s", e.msg);
		return;
	}
	if (config_replace(&app.read.config, &fresh))
		log_warn("HUP: the token command stays that of the start");
	read_again(&app);
}

static void
heed_signals(void)
{
	struct sigs *sigs = &app.filter.sigs;

	if (sigs->status)
		say_status();
	if (sigs->reload)
		reload();
	sigs->status = sigs->reload = false;
}

/* False once the input has ended. */
static bool
turn(void)
{
	struct pollfd fds[FDS_MAX];
	size_t n = FILTER_FDS;
	int64_t due = CLOCK_NEVER;
	const char *line;
	size_t len, raw;
	bool more;
	int timeout;

	if (app.from_rest) {
		due = read_step(&app);
		fds[n++] = (struct pollfd){ asktoken_fd(&app.read.asktoken),
		    POLLIN, 0 };
		n += rest_interest(app.read.rest, fds + n, &due);
	}
	if (app.hold && app.now_ms >= app.hold_until_ms) {
		log_warn("the names are not there yet: the lines go on with "
		    "what is known");
		app.hold = false;
	}
	if (app.filter.stop_ms != 0)
		app.hold = false;
	if (app.hold && app.hold_until_ms < due)
		due = app.hold_until_ms;
	timeout = filter_prepare(&app.filter, due, fds);
	if (app.hold)
		fds[0].fd = -1;
	if (poll(fds, n, timeout) == -1)
		for (size_t i = 0; i < n; i++)
			fds[i].revents = 0;
	more = filter_collect(&app.filter, fds);
	app.now_ms = app.filter.now_ms;
	heed_signals();
	while (!app.hold && filter_line(&app.filter, &line, &len, &raw))
		one_line(line, len, raw);
	return more && app.read.fatal == 0;
}

static void
start_rest(struct sandbox *box)
{
	struct err e;

	if (config_load(&app.read.config, CONFIG_API, &e) == -1 ||
	    child_helper(app.read.config.token_cmd, &e) == -1)
		die_err(&e);
	if (app.read.config.cacert != NULL &&
	    access(app.read.config.cacert, R_OK) == -1)
		die(GC_EX_CONFIG, "GC_CACERT: can't read '%s': %s",
		    app.read.config.cacert, strerror(errno));
	open_cache();
	app.hold = app.read.due_ms <= app.now_ms;
	app.hold_until_ms = app.now_ms + app.opt.wait_ms;
	if (http_start(&e) == -1)
		die_err(&e);
	read_start(&app);
	box->client = true;
	sandbox_file(box, app.read.cache);
}

static void
start_file(struct sandbox *box)
{
	struct err e;

	if (load(app.opt.names, NULL, &e) == -1)
		die(GC_EX_IOERR, "%s", e.msg);
	sandbox_file(box, app.opt.names);
}

static void
start(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[--names FILE] [OPTION]...",
		.summary = "Add the names of the agent and its queues to each "
		    "gc:agent line.",
		.table = table, .count = OPTS_COUNT(table),
		.linked = http_library, .libraries = "libjq",
	};
	struct metrics m = { .table = metrics,
	    .count = sizeof(metrics) / sizeof(metrics[0]) };
	struct sandbox box = { .client = false };
	struct err e;

	if (opts_parse("gc-names", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands; lines come on "
		    "stdin", argv[argc - 1]);
	m.path = app.opt.metrics;
	app.from_rest = app.opt.names == NULL;
	app.now_ms = clock_mono_ms();
	event_init(&app.ev);
	buf_init(&app.line, NDJSON_LINE_MAX + 1);
	if (app.from_rest)
		start_rest(&box);
	else
		start_file(&box);
	if (filter_open(&app.filter, app.opt.strict, &m, &e) == -1)
		die_err(&e);
	sigs_catch_hup();
	sandbox_file(&box, m.path);
	app.sandbox = sandbox_enter(&box);
}

int
main(int argc, char **argv)
{
	start(argc, argv);
	while (turn())
		continue;
	if (log_get_level() >= LOG_NOTE)
		say_status();
	filter_close(&app.filter);
	if (app.from_rest) {
		read_free(&app);
		http_stop();
	}
	dict_free(&app.dict);
	event_free(&app.ev);
	buf_free(&app.line);
	return app.read.fatal;
}
