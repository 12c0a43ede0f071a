/*
 * A bad day, written down: `at 5s storm 800`, a step a line.  It is
 * understood as a whole before anything begins.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/script.h"
#include "cmd/gc-sim/sim.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/str.h"

#define SCRIPT_MAX (1 << 20)
#define WORDS_MAX 8

struct script {
	enum protocol protocol;
	struct step *steps;
	size_t count, done;
};

/* --- reading ------------------------------------------------------------ */

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
	return strcmp(step->action->name, "set") == 0 ?
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
	step->action = action_find(words[2], p);
	if (step->action == NULL)
		return err_set(e, GC_EX_USAGE, "no such action: %s",
		    words[2]);
	step->words_at = strlen(words[2]) + 1;
	if (!keep_text(step, words + 2, count - 2))
		return err_set(e, GC_EX_USAGE, "the step is too long");
	words += 3;
	count -= 3;
	if (step->action->of_fault)
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
