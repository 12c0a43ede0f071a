/* gc-check: what stands between this machine and the stream, step by step.
 * CONTRACT section 11. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-check/check.h"
#include "lib/clock.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/opts.h"
#include "lib/sigs.h"

static struct app {
	struct check check;
	bool json;
	struct metrics metrics;
	uint64_t counts[CHECK_SKIPPED + 1], code;
	const char *step;
	struct sigs sigs;
	int signals;
} app = { .check = { .timeout_ms = 10000 } };

static const struct opt table[] = {
	{ 0, "timeout", OPT_DURATION, &app.check.timeout_ms, "DURATION",
	    "of each step (10s)", 100, 600000 },
	{ 0, "json", OPT_FLAG, &app.json, NULL,
	    "print gc:check lines instead of words", 0, 0 },
	{ 0, "metrics", OPT_TEXT, &app.metrics.path, "FILE",
	    "write Prometheus metrics to FILE", 0, 0 },
};

static const struct metric metrics[] = {
	{ "gc_check_steps{verdict=\"ok\"}", "steps by what came of them",
	    &app.counts[CHECK_OK] },
	{ "gc_check_steps{verdict=\"failed\"}", "", &app.counts[CHECK_FAILED] },
	{ "gc_check_steps{verdict=\"skipped\"}", "",
	    &app.counts[CHECK_SKIPPED] },
	{ "gc_check_exit_code", "what it ended with", &app.code },
};

/* In this order: each needs what those before it have found. */
static const struct {
	const char *name;
	check_step *step;
} steps[] = {
	{ "settings", check_settings },
	{ "names", check_names },
	{ "connection", check_proxy },
	{ "tls", check_tls },
	{ "clock", check_clock },
	{ "token", check_token },
	{ "rest", check_rest },
	{ "stream", check_upgrade },
	{ "subscription", check_subscription },
	{ "pong", check_pong },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* Steps behind which nothing is worth a try, once they have failed. */
#define GATES 5

/* --- findings ----------------------------------------------------------- */

void
check_ok(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	f->verdict = CHECK_OK;
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

void
check_failed(struct finding *f, int code, const char *fmt, ...)
{
	va_list ap;

	f->verdict = CHECK_FAILED;
	f->code = code;
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

void
check_advise(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->advice, sizeof(f->advice), fmt, ap);
	va_end(ap);
}

void
check_skip(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	f->verdict = CHECK_SKIPPED;
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

/* --- signals ------------------------------------------------------------ */

static void
say_status(void)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "{\"tool\":\"gc-check\","
	    "\"step\":\"%s\",\"ok\":%" PRIu64 ",\"failed\":%" PRIu64
	    ",\"skipped\":%" PRIu64 "}", app.step, app.counts[CHECK_OK],
	    app.counts[CHECK_FAILED], app.counts[CHECK_SKIPPED]);

	log_raw(line, (size_t)n);
}

bool
check_stopped(void)
{
	sigs_take(&app.sigs);
	if (app.sigs.status)
		say_status();
	app.sigs.status = false;
	return app.sigs.stops > 0;
}

int
check_signals(void)
{
	return app.signals;
}

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)arg, (void)a, (void)b, (void)c, (void)d;
	return check_stopped();
}

void
check_stoppable(CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
}

/* --- telling ------------------------------------------------------------ */

/* Remote text may be in it: without control characters, C1's among them. */
static void
print_words(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\xc2' && (unsigned char)text[1] >= 0x80 &&
		    (unsigned char)text[1] < 0xa0)
			text++;
		else if ((unsigned char)*text >= 0x20 && *text != 0x7f) {
			putchar(*text);
			continue;
		}
		putchar('?');
	}
}

static void
tell_words(const char *name, const struct finding *f)
{
	static const char *const verdicts[] = { [CHECK_OK] = "ok",
	    [CHECK_FAILED] = "FAILED", [CHECK_SKIPPED] = "skipped" };

	printf("%-8s %-13s ", verdicts[f->verdict], name);
	print_words(f->what);
	if (f->advice[0] != '\0') {
		printf(". To do: ");
		print_words(f->advice);
	}
	putchar('\n');
}

static void
tell_json(const char *name, const struct finding *f)
{
	static const char *const verdicts[] = { [CHECK_OK] = "ok",
	    [CHECK_FAILED] = "failed", [CHECK_SKIPPED] = "skipped" };
	char at[CLOCK_RFC3339_LEN + 1];
	struct buf out;

	clock_format_ms(clock_wall_ms(), at);
	buf_init(&out, 16 * CHECK_TEXT_MAX);
	buf_addf(&out, "{\"event\":\"gc:check\",\"at\":\"%s\",\"step\":\"%s\","
	    "\"verdict\":\"%s\",\"code\":%d,\"what\":", at, name,
	    verdicts[f->verdict], f->verdict == CHECK_FAILED ? f->code : 0);
	buf_add_json(&out, f->what, strlen(f->what));
	buf_adds(&out, ",\"advice\":");
	buf_add_json(&out, f->advice, strlen(f->advice));
	buf_adds(&out, "}\n");
	fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
}

/* As a filter whose reader has gone, or with why it cannot be. */
static void
flush(void)
{
	if (fflush(stdout) != EOF)
		return;
	if (errno == EPIPE)
		sigs_die_pipe();
	die(GC_EX_IOERR, "can't write to stdout: %s", strerror(errno));
}

static int
run_all(void)
{
	struct finding f;
	int code = GC_EX_OK;
	bool shut = false;

	for (size_t i = 0; i < STEPS; i++) {
		f = (struct finding){ .verdict = CHECK_SKIPPED };
		app.step = steps[i].name;
		if (shut)
			check_skip(&f, "a step before it failed");
		else
			steps[i].step(&app.check, &f);
		if (check_stopped())
			sigs_die_stop();
		if (app.json)
			tell_json(steps[i].name, &f);
		else
			tell_words(steps[i].name, &f);
		flush();
		app.counts[f.verdict]++;
		if (f.verdict != CHECK_FAILED)
			continue;
		shut = shut || (i < GATES && steps[i].step != check_clock);
		if (code == GC_EX_OK)
			code = f.code;
	}
	return code;
}

int
main(int argc, char **argv)
{
	static const struct opts opts = {
		.synopsis = "[--json] [OPTION]...",
		.summary = "Say what stands between this machine and the "
		    "stream, and what to do about it.",
		.table = table, .count = OPTS_COUNT(table),
		.linked = http_library, .libraries = "libjq",
	};
	struct err e;
	int code;

	if (opts_parse("gc-check", argc, argv, &opts) < argc)
		die(GC_EX_USAGE, "'%s': there are no operands",
		    argv[argc - 1]);
	app.metrics.table = metrics;
	app.metrics.count = OPTS_COUNT(metrics);
	if (http_start(&e) == -1 ||
	    (app.signals = sigs_open(false, &e)) == -1)
		die_err(&e);
	app.code = (uint64_t)(code = run_all());
	metrics_write(&app.metrics);
	config_free(&app.check.config);
	token_free(&app.check.token);
	free(app.check.user_id);
	probes_free(&app.check);
	http_stop();
	return code;
}
