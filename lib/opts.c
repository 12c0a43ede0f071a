#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/opts.h"
#include "lib/secret.h"
#include "lib/str.h"

#ifndef GC_VERSION
#define GC_VERSION "unknown"
#endif

#ifndef GC_LIBBSD
#define GC_LIBBSD ""
#endif

/* Of libbsd alone: it is there if libbsd is, which is left out where the C
 * library has what a tool wants of it. */
#pragma weak arc4random_stir
void arc4random_stir(void);

#define OPTS_MAX 64		/* options of one tool */
#define LONG_BASE 1000		/* getopt's value of table row 0 */
#define HELP_COLUMN 26

static bool want_help, want_version, want_table, quiet;
static int verbosity;
static int log_choice;

static bool verbose_seen;	/* -v counts; OPT_FLAG alone would not */

static const struct opt common[] = {
	{ .letter = 'q', .name = "quiet", .kind = OPT_FLAG, .target = &quiet,
	    .help = "say errors only" },
	{ .letter = 'v', .name = "verbose", .kind = OPT_FLAG,
	    .target = &verbose_seen, .help = "say more; twice: even more" },
	{ .name = "log", .kind = OPT_CHOICE, .target = &log_choice,
	    .value = "text|json", .help = "form of messages (text)" },
	{ .letter = 'h', .name = "help", .kind = OPT_FLAG,
	    .target = &want_help, .help = "print this" },
	{ .letter = 'V', .name = "version", .kind = OPT_FLAG,
	    .target = &want_version, .help = "print the version" },
	/* for scripts/completions; no --help has it */
	{ .name = "_options", .kind = OPT_FLAG, .target = &want_table },
};

static _Noreturn void
usage(const char *tool)
{
	if (log_get_form() == LOG_TEXT)
		fprintf(stderr, "Try '%s --help'.\n", tool);
	exit(GC_EX_USAGE);
}

static void
add_item(struct opt_list *list, const char *item)
{
	list->items = xreallocarray(list->items, list->count + 1,
	    sizeof(*list->items));
	list->items[list->count++] = item;
}

static int
choose(const char *words, const char *arg)
{
	size_t len = strlen(arg);
	int i = 0;

	for (const char *w = words; ; i++) {
		size_t n = strcspn(w, "|");

		if (n == len && strncmp(w, arg, n) == 0)
			return i;
		if (w[n] == '\0')
			return -1;
		w += n + 1;
	}
}

static bool
in_range(const struct opt *o, uint64_t v)
{
	return v >= o->min && (o->max == 0 || v <= o->max);
}

/* Store the value of one option; false if it is no such value. */
static bool
store(const struct opt *o, const char *arg)
{
	int64_t ms;
	size_t size;
	int choice;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)o->target = true;
		return true;
	case OPT_TEXT:
		*(const char **)o->target = arg;
		return arg[strspn(arg, " \t")] != '\0';
	case OPT_LIST:
		add_item(o->target, arg);
		return true;
	case OPT_DURATION:
		if (str_duration_ms(arg, &ms) == -1 ||
		    !in_range(o, (uint64_t)ms))
			return false;
		*(int64_t *)o->target = ms;
		return true;
	case OPT_SIZE:
		if (str_size(arg, &size) == -1 || !in_range(o, size))
			return false;
		*(size_t *)o->target = size;
		return true;
	case OPT_NUMBER:
		return str_number(arg, o->max ? o->max : UINT64_MAX,
		    o->target) == 0 && in_range(o, *(uint64_t *)o->target);
	case OPT_DECIMAL:
		return str_decimal(arg, o->target) == 0;
	case OPT_CHOICE:
		if ((choice = choose(o->value, arg)) == -1)
			return false;
		*(int *)o->target = choice;
		return true;
	}
	return false;
}

static const struct opt *
row(const struct opts *o, size_t i)
{
	return i < o->count ? &o->table[i] : &common[i - o->count];
}

static void
help_row(const struct opt *o)
{
	char left[64];
	int n;

	n = snprintf(left, sizeof(left), "  %c%c%s --%s%s%s",
	    o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
	    o->letter ? "," : " ", o->name, o->value ? "=" : "",
	    o->value ? o->value : "");
	if (n < HELP_COLUMN)
		printf("%-*s %s\n", HELP_COLUMN, left, o->help);
	else
		printf("%s\n%*s %s\n", left, HELP_COLUMN, "", o->help);
}

static void
help(const char *tool, const struct opts *o)
{
	printf("usage: %s %s\n%s\n\n", tool, o->synopsis, o->summary);
	for (size_t i = 0; i < o->count; i++)
		help_row(&o->table[i]);
	for (size_t i = 0; i < OPTS_COUNT(common); i++)
		if (common[i].help != NULL)
			help_row(&common[i]);
	if (o->notes != NULL)
		printf("\n%s\n", o->notes);
	printf("\nDurations: a number with ms, s, m or h (bare: seconds). "
	    "Sizes: K, M, G.\nSee man %s, and gc(7) for the whole suite.\n",
	    tool);
}

/* A row a line, its fields apart by tabs; "-" is none. */
static void
print_table(const struct opts *o)
{
	static const char *const kinds[] = { [OPT_FLAG] = "flag",
	    [OPT_TEXT] = "text", [OPT_LIST] = "list",
	    [OPT_DURATION] = "duration", [OPT_SIZE] = "size",
	    [OPT_NUMBER] = "number", [OPT_DECIMAL] = "decimal",
	    [OPT_CHOICE] = "choice" };
	const struct opt *r;

	printf("usage\t");
	for (const char *s = o->synopsis; *s != '\0'; s++)
		fputs(*s == '\n' ? "\nusage\t" : (char[]){ *s, '\0' }, stdout);
	putchar('\n');
	for (size_t i = 0; i < o->count + OPTS_COUNT(common); i++) {
		r = row(o, i);
		if (r->help != NULL)
			printf("option\t%c\t%s\t%s\t%s\t%s\n",
			    r->letter ? r->letter : '-', r->name,
			    kinds[r->kind], r->value ? r->value : "-",
			    r->help);
	}
}

/* Help and version are the data asked for: a full disk must not pass. */
static _Noreturn void
finish_stdout(void)
{
	if (fflush(stdout) == EOF || ferror(stdout))
		die(GC_EX_IOERR, "can't write to stdout");
	exit(GC_EX_OK);
}

static void
build(const struct opts *o, struct option *longs, char *shorts)
{
	size_t n = o->count + OPTS_COUNT(common);

	*shorts++ = o->stop_at_operand ? '+' : ':';
	if (o->stop_at_operand)
		*shorts++ = ':';
	for (size_t i = 0; i < n; i++) {
		const struct opt *r = row(o, i);

		longs[i] = (struct option){ r->name,
		    r->kind == OPT_FLAG ? no_argument : required_argument,
		    NULL, LONG_BASE + (int)i };
		if (r->letter == 0)
			continue;
		*shorts++ = r->letter;
		if (r->kind != OPT_FLAG)
			*shorts++ = ':';
	}
	longs[n] = (struct option){ 0 };
	*shorts = '\0';
}

static size_t
find_letter(const struct opts *o, int letter)
{
	size_t i = 0;

	while (row(o, i)->letter != letter)
		i++;
	return i;
}

static void
one_option(const char *tool, const struct opts *o, int c, char **argv)
{
	const struct opt *r;

	if (c == '?') {
		if (optopt >= LONG_BASE)
			log_error("option --%s takes no value",
			    row(o, (size_t)(optopt - LONG_BASE))->name);
		else if (optopt != 0)
			log_error("unknown option -%c", optopt);
		else
			log_error("unknown option %.*s",
			    (int)strcspn(argv[optind - 1], "="),
			    argv[optind - 1]);
		usage(tool);
	}
	if (c == ':') {
		r = optopt >= LONG_BASE ?
		    row(o, (size_t)(optopt - LONG_BASE)) :
		    row(o, find_letter(o, optopt));
		log_error("option --%s needs a value: %s", r->name, r->value);
		usage(tool);
	}
	r = row(o, c >= LONG_BASE ? (size_t)(c - LONG_BASE) :
	    find_letter(o, c));
	if (r->target == &verbose_seen)
		verbosity++;
	if (!store(r, optarg)) {
		log_error("option --%s: '%s' is no valid %s", r->name, optarg,
		    r->value);
		usage(tool);
	}
	/* at once: the mistakes that follow are said in it */
	if (r->target == &log_choice)
		log_set(LOG_WARNING, log_choice == 1 ? LOG_JSON : LOG_TEXT);
}

/*
 * A standard descriptor that the caller closed would be given to the next
 * file or pipe that is opened.  Taken the wrong way round, so that reading
 * stdin or writing stdout still fails, as it should.
 */
static void
hold_standard_descriptors(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDWR };

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			open("/dev/null", modes[fd]);
}

int
opts_parse(const char *tool, int argc, char **argv, const struct opts *o)
{
	struct option longs[OPTS_MAX + 1];
	char shorts[2 * OPTS_MAX + 3];
	int c;

	secret_guard();
	hold_standard_descriptors();
	log_open(tool);
	if (o->count + OPTS_COUNT(common) > OPTS_MAX)
		die(GC_EX_SOFTWARE, "too many options");
	build(o, longs, shorts);
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
		one_option(tool, o, c, argv);
	if (want_help) {
		help(tool, o);
		finish_stdout();
	}
	if (want_table) {
		print_table(o);
		finish_stdout();
	}
	if (want_version) {
		printf("%s (gc-tools) %s\n", tool, GC_VERSION);
		if (o->linked != NULL)
			printf("%s\n", o->linked());
		if (o->libraries != NULL)
			printf("%s\n", o->libraries);
		if (*GC_LIBBSD != '\0' && arc4random_stir != NULL)
			printf("libbsd %s\n", GC_LIBBSD);
		finish_stdout();
	}
	log_set(quiet ? LOG_ERR : verbosity > 1 ? LOG_DETAIL :
	    verbosity == 1 ? LOG_NOTE : LOG_WARNING,
	    log_choice == 1 ? LOG_JSON : LOG_TEXT);
	return optind;
}
