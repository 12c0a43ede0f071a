/* gc-cache: the roster in a Redis, for more than one machine.  CONTRACT
 * section 10. */
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-cache/cache.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/opts.h"
#include "lib/sandbox.h"

#define AS_TEXT(x) #x
#define VERSION_TEXT(a, b, c) AS_TEXT(a) "." AS_TEXT(b) "." AS_TEXT(c)

struct app app = { .opt = { .timeout_ms = 10000, .drain_ms = -1 } };

static const struct opt table[] = {
	{ 0, "ttl", OPT_DURATION, &app.opt.ttl_ms, "DURATION",
	    "put: the roster ends so long after its last writer", 1000, 0 },
	{ 0, "buffer", OPT_SIZE, &app.opt.buffer, "SIZE",
	    "put: room for the latest line of each agent (64M)", 1, 0 },
	{ 0, "drain", OPT_DURATION, &app.opt.drain_ms, "DURATION",
	    "put: at the end of input wait so long (60s)", 0, 0 },
	{ 0, "timeout", OPT_DURATION, &app.opt.timeout_ms, "DURATION",
	    "who says nothing for so long is gone (10s)", 1, 0 },
	{ 0, "strict", OPT_FLAG, &app.opt.strict, NULL,
	    "end with 65 at the first rejected line", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_cache_agents_total", "gc:agent lines read, or printed",
	    &app.agents },
	{ "gc_cache_written_total", "lines that Redis took", &app.written },
	{ "gc_cache_stale_total", "lines older than what is known",
	    &app.stale },
	{ "gc_cache_connects_total", "connections made", &app.conn.ups },
	{ "gc_cache_rejected_total", "lines rejected", &app.filter.rejected },
	{ "gc_cache_unwritten", "agents whose latest line is not written",
	    &app.unwritten },
	{ "gc_cache_up", "1 while connected", &app.up },
};

void
say_status(void)
{
	char line[320];
	int n;

	n = snprintf(line, sizeof(line), "{\"tool\":\"gc-cache\",\"state\":"
	    "\"%s\",\"agents\":%" PRIu64 ",\"written\":%" PRIu64
	    ",\"stale\":%" PRIu64 ",\"unwritten\":%" PRIu64 ",\"connects\":%"
	    PRIu64 ",\"rejected\":%" PRIu64 ",\"sandbox\":\"%s\"}",
	    app.up ? "up" : "away", app.agents, app.written, app.stale,
	    app.unwritten, app.conn.ups, app.filter.rejected, app.sandbox);
	log_raw(line, (size_t)n);
}

/* GC_CACERT counts where there is TLS. */
static void
load_trust(void)
{
	struct config config;
	struct err e;

	if (!app.url.tls)
		return;
	if (config_load(&config, 0, &e) == -1)
		die_err(&e);
	if (config.cacert != NULL) {
		if (access(config.cacert, R_OK) == -1)
			die(GC_EX_CONFIG, "GC_CACERT: can't read '%s': %s",
			    config.cacert, strerror(errno));
		app.conn.cacert = xstrdup(config.cacert);
	}
	config_free(&config);
}

/* True for put. */
static bool
take_operands(char **operands, int count)
{
	bool puts;
	struct err e;

	if (count < 2)
		die(GC_EX_USAGE, "what to do? put or get, and the address");
	puts = strcmp(operands[0], "put") == 0;
	if (!puts && strcmp(operands[0], "get") != 0)
		die(GC_EX_USAGE, "the first operand is put or get");
	if (count > 2)
		die(GC_EX_USAGE, "one address, and no more");
	if (!puts && (app.opt.ttl_ms != 0 || app.opt.buffer != 0 ||
	    app.opt.drain_ms != -1))
		die(GC_EX_USAGE, "--ttl, --buffer and --drain are for put");
	if (app.opt.buffer == 0)
		app.opt.buffer = BUFFER_BYTES;
	if (app.opt.drain_ms == -1)
		app.opt.drain_ms = DRAIN_MS;
	if (cacheurl_parse(&app.url, operands[1], &e) == -1)
		die_err(&e);
	return puts;
}

int
main(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "put|get ADDRESS [OPTION]...",
		.summary = "Keep the roster in a Redis, or print it from "
		    "there.",
		.table = table, .count = OPTS_COUNT(table),
		.linked = http_library,
		.libraries = "hiredis " VERSION_TEXT(HIREDIS_MAJOR,
		    HIREDIS_MINOR, HIREDIS_PATCH),
		.notes = "ADDRESS: redis://[USER@]HOST[:PORT][/DB][?prefix=gc],"
		    " rediss:// for TLS,\nor redis+unix:///PATH."
		    "  A password comes from GC_REDIS_PASSWORD or\n"
		    "GC_REDIS_PASSWORD_FILE.",
	};
	struct sandbox box = { .client = true };
	struct err e;
	int at = opts_parse("gc-cache", argc, argv, &opts), code;
	bool puts = take_operands(argv + at, argc - at);

	load_trust();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	app.metrics.table = metrics;
	app.metrics.count = sizeof(metrics) / sizeof(metrics[0]);
	if (filter_open(&app.filter, app.opt.strict, &app.metrics, &e) == -1)
		die_err(&e);
	sandbox_file(&box, app.metrics.path);
	app.sandbox = sandbox_enter(&box);
	event_init(&app.ev);
	app.conn.url = &app.url;
	app.conn.timeout_ms = app.opt.timeout_ms;
	conn_init(&app.conn, app.filter.now_ms);
	if (puts)
		put_init();
	code = puts ? put() : get();
	event_free(&app.ev);
	cacheurl_free(&app.url);
	return code;
}
