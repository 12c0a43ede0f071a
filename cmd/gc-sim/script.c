/*
 * A bad day, written down: `at 5s storm 800`, a step a line.  It is
 * understood as a whole before anything begins.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/str.h"

#define SCRIPT_MAX (1 << 20)
#define WORDS_MAX 8
#define ARGS_MAX 3
#define STORM_MS 1000

struct action;

struct step {
	int64_t after_ms;
	size_t line;
	const struct action *action;
	uint64_t n[ARGS_MAX];
	char text[128];		/* the action and its words */
	size_t words_at;	/* in text: behind the action */
};

struct script {
	enum protocol protocol;
	struct step *steps;
	size_t count, done;
};

/* --- what can be done --------------------------------------------------- */

/* What set and clear are about. */
static const char *
fault_of(const struct step *step)
{
	return step->text + step->words_at;
}

static void
do_set(struct sim *s, const struct step *step)
{
	fault_set(&s->faults, s->protocol, fault_of(step), NULL);
}

static void
do_clear(struct sim *s, const struct step *step)
{
	fault_clear(&s->faults, s->protocol, fault_of(step), NULL);
}

static void
do_cut(struct sim *s, const struct step *step)
{
	(void)step;
	conns_cut(s, "script");
}

static void
do_close(struct sim *s, const struct step *step)
{
	conns_close(s, (int)step->n[0]);
}

static void
do_storm(struct sim *s, const struct step *step)
{
	life_storm(s, step->n[0]);
}

static void
do_stall(struct sim *s, const struct step *step)
{
	conns_stall(s, step->n[0]);
}

static void
do_half_open(struct sim *s, const struct step *step)
{
	(void)step;
	conns_half_open(s);
}

static void
do_odd(struct sim *s, const struct step *step)
{
	conns_odd(s, (int)step->n[0]);
}

static void
do_refuse(struct sim *s, const struct step *step)
{
	s->faults.refuse_status = step->n[0];
	s->faults.refuse_left = step->n[1];
	s->faults.refuse_after_s = step->n[2];
}

static void
do_revoke(struct sim *s, const struct step *step)
{
	(void)step;
	token_revoke(s, 0);
	if (s->protocol == CHANNELS)
		channels_revoke(s, 0);
	else
		conns_cut(s, "its token was revoked");
}

static void
do_rest_down(struct sim *s, const struct step *step)
{
	s->rest_down_ms = s->now_ms + (int64_t)step->n[0];
}

static void
do_quiet(struct sim *s, const struct step *step)
{
	(void)step;
	life_end(s);
}

/* An argument stands in its place, or by its name. */
static const struct action {
	const char *name, *usage;
	void (*run)(struct sim *s, const struct step *step);
	struct arg {
		enum part kind;
		const char *key;	/* "n=", or NULL: in its place */
		bool optional;
		uint64_t otherwise;
	} args[ARGS_MAX];
} actions[] = {
	{ "set", "NAME[=VALUE]", do_set, { { .kind = PART_NONE } } },
	{ "clear", "NAME", do_clear, { { .kind = PART_NONE } } },
	{ "cut", "", do_cut, { { .kind = PART_NONE } } },
	{ "close", "CODE", do_close, { { .kind = PART_CODE } } },
	{ "storm", "[MS]", do_storm,
	    { { PART_MILLIS, NULL, true, STORM_MS } } },
	{ "stall", "S", do_stall, { { .kind = PART_SECONDS_MS } } },
	{ "half-open", "", do_half_open, { { .kind = PART_NONE } } },
	{ "odd", "KIND", do_odd, { { .kind = PART_ODD } } },
	{ "refuse", "STATUS [n=N] [retry-after=S]", do_refuse,
	    { { .kind = PART_STATUS }, { PART_COUNT, "n=", true, 1 },
	    { PART_SECONDS, "retry-after=", true, 0 } } },
	{ "revoke", "", do_revoke, { { .kind = PART_NONE } } },
	{ "rest-down", "S", do_rest_down, { { .kind = PART_SECONDS_MS } } },
	{ "quiet", "", do_quiet, { { .kind = PART_NONE } } },
};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* --- reading ------------------------------------------------------------ */

static const struct action *
find(const char *name)
{
	for (size_t i = 0; i < ACTIONS; i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

/* Which argument is the word?  *taken says which have been. */
static int
place_of(const struct action *a, const char *word, unsigned taken)
{
	for (int i = 0; i < ARGS_MAX && a->args[i].kind != PART_NONE; i++)
		if (!(taken & 1u << i) && (a->args[i].key != NULL ?
		    str_starts(word, a->args[i].key) :
		    strchr(word, '=') == NULL))
			return i;
	return -1;
}

static bool
read_args(struct step *step, char **words, size_t count)
{
	const struct arg *args = step->action->args;
	unsigned taken = 0;
	int i;

	for (size_t w = 0; w < count; w++) {
		i = place_of(step->action, words[w], taken);
		if (i == -1 || !part_read(args[i].kind, words[w] +
		    (args[i].key ? strlen(args[i].key) : 0), &step->n[i],
		    NULL))
			return false;
		taken |= 1u << i;
	}
	for (i = 0; i < ARGS_MAX && args[i].kind != PART_NONE; i++) {
		if (taken & 1u << i)
			continue;
		if (!args[i].optional)
			return false;
		step->n[i] = args[i].otherwise;
	}
	return true;
}

/* The one word of set and clear, tried on faults that are nobody's. */
static int
read_fault(struct step *step, enum protocol p, char **words, size_t count,
    struct err *e)
{
	struct faults nobodys = { .drop = 0 };

	if (count != 1)
		return err_set(e, GC_EX_USAGE, "%s wants %s",
		    step->action->name, step->action->usage);
	return step->action->run == do_set ?
	    fault_set(&nobodys, p, words[0], e) :
	    fault_clear(&nobodys, p, words[0], e);
}

/* The action and its words, as a sim: line can show them: each is from a
 * table or a number, so nothing is to be escaped. */
static bool
keep_text(struct step *step, char **words, size_t count)
{
	step->text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		if ((i > 0 && strlcat(step->text, " ", sizeof(step->text)) >=
		    sizeof(step->text)) || strlcat(step->text, words[i],
		    sizeof(step->text)) >= sizeof(step->text))
			return false;
	return true;
}

static int
read_step(struct step *step, enum protocol p, char **words, size_t count,
    struct err *e)
{
	if (count < 3 || strcmp(words[0], "at") != 0)
		return err_set(e, GC_EX_USAGE, "a step is 'at DURATION "
		    "ACTION'");
	if (str_duration_ms(words[1], &step->after_ms) == -1)
		return err_set(e, GC_EX_USAGE, "'%s' is no duration",
		    words[1]);
	step->action = find(words[2]);
	if (step->action == NULL)
		return err_set(e, GC_EX_USAGE, "no such action: %s",
		    words[2]);
	step->words_at = strlen(words[2]) + 1;
	if (!keep_text(step, words + 2, count - 2))
		return err_set(e, GC_EX_USAGE, "the step is too long");
	words += 3;
	count -= 3;
	if (step->action->run == do_set || step->action->run == do_clear)
		return read_fault(step, p, words, count, e);
	if (!read_args(step, words, count))
		return err_set(e, GC_EX_USAGE, "%s wants %s",
		    step->action->name, *step->action->usage ?
		    step->action->usage : "nothing more");
	return 0;
}

/* One line; a comment or a blank one adds no step. */
static int
read_line(struct script *c, char *line, size_t number, struct err *e)
{
	char *words[WORDS_MAX], *word;
	struct step *step;
	size_t count = 0;

	line[strcspn(line, "#\r")] = '\0';
	while ((word = strsep(&line, " \t")) != NULL) {
		if (*word == '\0')
			continue;
		if (count == WORDS_MAX)
			return err_set(e, GC_EX_USAGE, "too many words");
		words[count++] = word;
	}
	if (count == 0)
		return 0;
	c->steps = xreallocarray(c->steps, c->count + 1, sizeof(*step));
	step = &c->steps[c->count];
	memset(step, 0, sizeof(*step));
	step->line = number;
	if (read_step(step, c->protocol, words, count, e) == -1)
		return -1;
	if (c->count > 0 && step->after_ms < step[-1].after_ms)
		return err_set(e, GC_EX_USAGE, "it is earlier than the step "
		    "before");
	c->count++;
	return 0;
}

static int
read_lines(struct script *c, char *text, const char *path, struct err *e)
{
	char *line;

	for (size_t number = 1; (line = strsep(&text, "\n")) != NULL;
	    number++)
		if (read_line(c, line, number, e) == -1)
			return err_prefix(e, "%s:%zu", path, number);
	return 0;
}

struct script *
script_load(const char *path, enum protocol p, struct err *e)
{
	struct script *c = xcalloc(1, sizeof(*c));
	struct buf text;
	int status;

	c->protocol = p;
	buf_init(&text, SCRIPT_MAX);
	buf_adds(&text, "");
	status = file_read(path, &text, e);
	if (status == 0 && strlen(text.data) != text.len)
		status = err_set(e, GC_EX_USAGE, "%s: a NUL byte", path);
	if (status == 0)
		status = read_lines(c, text.data, path, e);
	buf_free(&text);
	if (status == 0)
		return c;
	e->code = GC_EX_USAGE;
	script_free(c);
	return NULL;
}

void
script_free(struct script *c)
{
	if (c != NULL)
		free(c->steps);
	free(c);
}

/* --- acting ------------------------------------------------------------- */

int64_t
script_run(struct script *c, struct sim *s, int64_t after_ms)
{
	while (c->done < c->count &&
	    c->steps[c->done].after_ms <= after_ms) {
		const struct step *step = &c->steps[c->done++];

		sim_say(s, "script", "\"line\":%zu,\"afterMs\":%lld,"
		    "\"step\":\"%s\"", step->line, (long long)after_ms,
		    step->text);
		step->action->run(s, step);
	}
	return c->done < c->count ? c->steps[c->done].after_ms : CLOCK_NEVER;
}
