/* What goes wrong, by name. */
#include <stddef.h>
#include <string.h>

#include "cmd/gc-sim/sim.h"
#include "lib/str.h"

/* The parts of a value, as `STATUS:N[:RETRY-AFTER]` has them. */
enum part { NONE, CHANCE, COUNT, MILLIS, SECONDS, SECONDS_MS };

static const struct fault {
	const char *name, *value, *help;
	struct { enum part kind; size_t at; bool optional; } parts[3];
} faults[] = {
#define AT(member) offsetof(struct faults, member)
	{ "drop", "P", "a frame is lost",
	    { { CHANCE, AT(drop), false } } },
	{ "duplicate", "P", "a frame comes twice",
	    { { CHANCE, AT(duplicate), false } } },
	{ "reorder", "P", "a frame comes after the next one",
	    { { CHANCE, AT(reorder), false } } },
	{ "delay", "MS", "frames come so late",
	    { { MILLIS, AT(delay_ms), false } } },
	{ "cut", "N", "the connection is cut every N events",
	    { { COUNT, AT(cut), false } } },
	{ "close", "CODE:N", "a close frame every N events",
	    { { COUNT, AT(close_code), false },
	    { COUNT, AT(close_every), false } } },
	{ "no-pong", NULL, "pings are not answered",
	    { { NONE, AT(no_pong), false } } },
	{ "half-open", "N", "after N events a socket is dead, not closed",
	    { { COUNT, AT(half_open), false } } },
	{ "token-life", "S", "tokens live so long, then an unclean cut",
	    { { SECONDS, AT(token_life_s), false } } },
	{ "refuse", "STATUS:N[:S]", "the first N upgrades are refused",
	    { { COUNT, AT(refuse_status), false },
	    { COUNT, AT(refuse_left), false },
	    { COUNT, AT(refuse_after_s), true } } },
	{ "rest-slow", "MS", "REST answers so late",
	    { { MILLIS, AT(rest_slow_ms), false } } },
	{ "rest-fail", "P", "REST answers 500 or 503",
	    { { CHANCE, AT(rest_fail), false } } },
	{ "rest-429", "P", "REST answers 429, Retry-After 1 s",
	    { { CHANCE, AT(rest_429), false } } },
	{ "storm", "S:MS", "every S seconds every agent changes within MS",
	    { { SECONDS_MS, AT(storm_every_ms), false },
	    { MILLIS, AT(storm_ms), false } } },
	{ "malformed", "P", "a frame is no JSON",
	    { { CHANCE, AT(malformed), false } } },
	{ "oversize", "P", "a frame is over 1 MiB",
	    { { CHANCE, AT(oversize), false } } },
	{ "binary", "P", "a frame is binary",
	    { { CHANCE, AT(binary), false } } },
	{ "fragment", "P", "a message comes in fragments",
	    { { CHANCE, AT(fragment), false } } },
#undef AT
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static bool
store(struct faults *f, enum part kind, size_t at, const char *text)
{
	char *target = (char *)f + at;
	uint64_t n;
	double d;

	if (kind == CHANCE || kind == SECONDS || kind == SECONDS_MS) {
		if (str_decimal(text, &d) == -1 ||
		    (kind == CHANCE && d > 1) || (kind != CHANCE &&
		    (d <= 0 || d > 1e6)))
			return false;
		if (kind == SECONDS_MS) {
			n = (uint64_t)(d * 1000);
			memcpy(target, &n, sizeof(n));
		} else {
			memcpy(target, &d, sizeof(d));
		}
		return true;
	}
	if (str_number(text, 1000000000, &n) == -1)
		return false;
	memcpy(target, &n, sizeof(n));
	return true;
}

static int
parse_value(struct faults *f, const struct fault *fault, char *value,
    struct err *e)
{
	char *part;

	for (int i = 0; i < 3 && fault->parts[i].kind != NONE; i++) {
		part = strsep(&value, ":");
		if (part == NULL && fault->parts[i].optional)
			break;
		if (part == NULL || !store(f, fault->parts[i].kind,
		    fault->parts[i].at, part))
			return err_set(e, GC_EX_USAGE, "fault %s: the value "
			    "is %s", fault->name, fault->value);
	}
	if (value != NULL)
		return err_set(e, GC_EX_USAGE, "fault %s: the value is %s",
		    fault->name, fault->value);
	return 0;
}

int
fault_parse(struct faults *f, const char *text, struct err *e)
{
	char name[64], *value;

	if (strlcpy(name, text, sizeof(name)) >= sizeof(name))
		return err_set(e, GC_EX_USAGE, "no such fault");
	value = strchr(name, '=');
	if (value != NULL)
		*value++ = '\0';
	for (size_t i = 0; i < FAULTS; i++) {
		if (strcmp(name, faults[i].name) != 0)
			continue;
		if (faults[i].value == NULL) {
			*((bool *)(void *)((char *)f +
			    faults[i].parts[0].at)) = true;
			return value == NULL ? 0 : err_set(e, GC_EX_USAGE,
			    "fault %s takes no value", name);
		}
		return parse_value(f, &faults[i], value, e);
	}
	return err_set(e, GC_EX_USAGE, "no such fault: %s", name);
}

const char *
fault_help(void)
{
	static char text[4096];
	size_t n = 0;
	char left[64];

	n += (size_t)snprintf(text, sizeof(text), "Faults, each with "
	    "--fault, alone or together (P: a probability):");
	for (size_t i = 0; i < FAULTS; i++) {
		snprintf(left, sizeof(left), "%s%s%s", faults[i].name,
		    faults[i].value ? "=" : "",
		    faults[i].value ? faults[i].value : "");
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "\n  %-22s %s", left, faults[i].help);
	}
	return text;
}
