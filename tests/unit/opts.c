/* A command line, each in a process of its own: what comes out of it, or
 * the code it ends with and what is said. */
#include <sys/resource.h>
#include <sys/wait.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/die.h"
#include "lib/json.h"
#include "lib/opts.h"
#include "tests/tap.h"

#define WORDS_MAX 32

static bool flag;
static const char *text = "none";
static struct opt_list list;
static int64_t window_ms = 500;
static size_t size = 64;
static uint64_t number = 8;
static double decimal = 0.5;
static int choice;

static const struct opt table[] = {
	{ 'a', "all", OPT_FLAG, &flag, NULL, "take all", 0, 0 },
	{ 't', "text", OPT_TEXT, &text, "TEXT", "a text", 0, 0 },
	{ 'f', "filter", OPT_LIST, &list, "KEY=VALUE", "some", 0, 0 },
	{ 'w', "window", OPT_DURATION, &window_ms, "DURATION",
	    "how long (500ms)", 10, 60000 },
	{ 0, "buffer", OPT_SIZE, &size, "SIZE",
	    "an option whose name leaves its help no room", 1, 1 << 20 },
	{ 'j', "jobs", OPT_NUMBER, &number, "N", "at once (8)", 1, 64 },
	{ 0, "rate", OPT_DECIMAL, &decimal, "N", "a second (0.5)", 0, 0 },
	{ 0, "clock", OPT_CHOICE, &choice, "both|event", "which (both)", 0,
	    0 },
};

/* The command line in words; code 0 and what came of it on stdout, or the
 * code and what stderr holds. */
static const struct {
	const char *args;
	int code;
	const char *said;
} cases[] = {
	{ "", 0, "0 none 0 500 64 8 0.5 0 |" },
	{ "-a -t x -f a=1 -f b=2 -w 2 -j 3 --clock event one two", 0,
	    "1 x 2 2000 64 3 0.5 1 | one two" },
	{ "--all --text=x --filter=a --window=1.5s --jobs=3 --rate=.25 "
	    "--buffer=4K --clock=event", 0,
	    "1 x 1 1500 4096 3 0.25 1 |" },
	{ "-atx", 0, "1 x 0 500 64 8 0.5 0 |" },
	{ "-t -a", 0, "0 -a 0 500 64 8 0.5 0 |" },
	{ "one -a two", 0, "1 none 0 500 64 8 0.5 0 | one two" },
	{ "-- -a --text", 0, "0 none 0 500 64 8 0.5 0 | -a --text" },
	{ "-", 0, "0 none 0 500 64 8 0.5 0 | -" },
	{ "-j 3 -j 5", 0, "0 none 0 500 64 5 0.5 0 |" },
	{ "-q -v -v --log=json", 0, "0 none 0 500 64 8 0.5 0 |" },
	{ "-w 10ms --jobs 64 --buffer 1M", 0,
	    "0 none 0 10 1048576 64 0.5 0 |" },
	/* mistakes: 64, named, with the way to help */
	{ "-x", 64, "unknown option -x" },
	{ "-ax", 64, "unknown option -x" },
	{ "--nothing", 64, "unknown option --nothing" },
	{ "--nothing=secret", 64, "unknown option --nothing\n" },
	{ "--all=yes", 64, "--all takes no value" },
	{ "-t", 64, "--text needs a value: TEXT" },
	{ "--text", 64, "--text needs a value: TEXT" },
	{ "-j 0", 64, "--jobs: '0' is no valid N" },
	{ "-j 65", 64, "--jobs: '65'" }, { "-j -1", 64, "--jobs: '-1'" },
	{ "-j 3x", 64, "--jobs: '3x'" }, { "-j=3", 64, "--jobs: '=3'" },
	{ "-w 9ms", 64, "--window: '9ms'" }, { "-w 61", 64, "'61'" },
	{ "-w 5d", 64, "'5d' is no valid DURATION" },
	{ "--buffer 0", 64, "--buffer: '0'" },
	{ "--buffer 2M", 64, "'2M' is no valid SIZE" },
	{ "--rate -1", 64, "'-1'" }, { "--rate many", 64, "'many'" },
	{ "--clock wall", 64, "'wall' is no valid both|event" },
	{ "--clock both|event", 64, "'both|event'" },
	{ "--clock=", 64, "--clock: ''" },
	{ "--text=", 64, "--text: ''" },
	{ "--text=\t", 64, "is no valid TEXT" },
	{ "--log=xml", 64, "--log: 'xml' is no valid text|json" },
	{ "-x", 64, "Try 'gc-test --help'." },
	/* asked for: on stdout, whatever else there is */
	{ "--help", 0, "usage: gc-test [-a] [WORD...]\nA test.\n\n"
	    "  -a, --all                take all\n" },
	{ "-h operand", 0, "  -w, --window=DURATION" },
	{ "--help", 0, "      --buffer=SIZE" },
	{ "--help", 0, "  -h, --help" }, { "--help", 0, "some notes\n" },
	{ "--version", 0, "gc-test (gc-tools) " },
	{ "-V", 0, "\nlibrun 3\nlibthis 1, libthat 2\n" },
	/* the form is that of the messages from there on */
	{ "--log=json -x", 64, "\"msg\":\"unknown option -x\"}\n" },
	{ "--log=json --text", 64, "\"msg\":\"option --text needs" },
	{ "-x --log=json", 64, "gc-test: unknown option -x\n" },
};

static const char *
linked(void)
{
	return "librun 3";
}

static const struct opts opts = {
	.linked = linked,
	.synopsis = "[-a] [WORD...]", .summary = "A test.", .table = table,
	.count = OPTS_COUNT(table), .libraries = "libthis 1, libthat 2",
	.notes = "some notes",
};

/* Parse the words; the options and operands to stdout. */
static _Noreturn void
child(const char *args, const struct opts *o)
{
	static char copy[256];
	char *argv[WORDS_MAX] = { (char *)"gc-test" }, *rest = copy, *word;
	int argc = 1, first;

	snprintf(copy, sizeof(copy), "%s", args);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' && argc < WORDS_MAX - 1)
			argv[argc++] = word;
	argv[argc] = NULL;
	first = opts_parse("gc-test", argc, argv, o);
	printf("%d %s %zu %" PRId64 " %zu %" PRIu64 " %g %d |", flag, text,
	    list.count, window_ms, size, number, decimal, choice);
	while (first < argc)
		printf(" %s", argv[first++]);
	free(list.items);
	exit(fflush(stdout) != 0);
}

/* Its exit code; what it wrote to stdout and stderr is in out and err. */
static int
run(const char *args, const struct opts *o, struct buf *out, struct buf *err)
{
	FILE *files[2] = { tmpfile(), tmpfile() };
	struct buf *bufs[2] = { out, err };
	int status;
	size_t n;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		dup2(fileno(files[0]), 1);
		dup2(fileno(files[1]), 2);
		child(args, o);
	}
	waitpid(pid, &status, 0);
	for (int i = 0; i < 2; i++) {
		rewind(files[i]);
		buf_reset(bufs[i]);
		n = fread(buf_room(bufs[i], 8192), 1, 8192, files[i]);
		buf_grew(bufs[i], n);
		fclose(files[i]);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_cases(struct buf *out, struct buf *err)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int code = run(cases[i].args, &opts, out, err);
		struct buf *full = cases[i].code == 0 ? out : err;
		struct buf *empty = cases[i].code == 0 ? err : out;

		if (!ok(code == cases[i].code && empty->len == 0 &&
		    strstr(full->data, cases[i].said) != NULL, "'%s': %d",
		    cases[i].args, cases[i].code))
			printf("# %d: %s%s", code, out->data, err->data);
	}
	run("--log=json -x", &opts, out, err);
	ok(strstr(err->data, "Try") == NULL && json_compact(err->data,
	    err->len, NULL) == 0, "in JSON there is nothing but JSON");
	run("--log=json --a\xc3=x", &opts, out, err);
	ok(json_compact(err->data, err->len, NULL) == 0 && strstr(err->data,
	    "--a?") != NULL, "whatever is quoted");
	run("--nothing=hush", &opts, out, err);
	ok(strstr(err->data, "hush") == NULL, "a value that may be a secret "
	    "is not told");
}

/* Every tool may have a secret in its environment: no core, whoever it is. */
static void
test_guard(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0) {
		static char name[] = "gc-test";
		char *argv[] = { name, NULL };
		struct rlimit core;

		opts_parse(name, 1, argv, &opts);
		getrlimit(RLIMIT_CORE, &core);
		_exit(core.rlim_max == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	is_int(status, 0, "parsing options forbids core dumps");
}

int
main(void)
{
	struct opts first = opts;
	struct buf out, err;

	buf_init(&out, 1 << 16);
	buf_init(&err, 1 << 16);
	test_cases(&out, &err);
	first.stop_at_operand = true;
	is_int(run("-a run -t x", &first, &out, &err), 0, "a command's own");
	ok(strstr(out.data, "1 none 0") != NULL &&
	    strstr(out.data, "| run -t x") != NULL, "options stay its own");
	is_int(run("-j", &first, &out, &err), GC_EX_USAGE, "a value missing");
	ok(strstr(err.data, "needs a value") != NULL, "is told there, too");
	test_guard();
	buf_free(&out);
	buf_free(&err);
	return done();
}
