/* What goes wrong, by name. */
#include <stddef.h>
#include <string.h>

#include "cmd/gc-sim/sim.h"
#include "lib/str.h"

#define PARTS_MAX 3
#define TEXT_MAX 64		/* of NAME=VALUE */

static const struct fault {
	const char *name, *value, *help;
	struct { enum part kind; size_t at; bool optional; } parts[PARTS_MAX];
} faults[] = {
#define AT(member) offsetof(struct faults, member)
	{ "drop", "P", "a frame is lost",
	    { { PART_CHANCE, AT(drop), false } } },
	{ "duplicate", "P", "a frame comes twice",
	    { { PART_CHANCE, AT(duplicate), false } } },
	{ "reorder", "P", "a frame comes after the next one",
	    { { PART_CHANCE, AT(reorder), false } } },
	{ "delay", "MS", "frames come so late",
	    { { PART_MILLIS, AT(delay_ms), false } } },
	{ "cut", "N", "the connection is cut every N events",
	    { { PART_COUNT, AT(cut), false } } },
	{ "close", "CODE:N", "a close frame every N events; CODE 0: none",
	    { { PART_CODE, AT(close_code), false },
	    { PART_COUNT, AT(close_every), false } } },
	{ "no-pong", NULL, "pings are not answered",
	    { { PART_FLAG, AT(no_pong), false } } },
	{ "stall", "S", "a socket is not read for S s once it subscribed",
	    { { PART_SECONDS_MS, AT(stall_ms), false } } },
	{ "half-open", "N", "after N events a socket is dead, not closed",
	    { { PART_COUNT, AT(half_open), false } } },
	{ "token-life", "S", "tokens live so long, then an unclean cut",
	    { { PART_SECONDS_MS, AT(token_life_ms), false } } },
	{ "refuse", "STATUS:N[:S]", "the first N upgrades; Retry-After S",
	    { { PART_STATUS, AT(refuse_status), false },
	    { PART_COUNT, AT(refuse_left), false },
	    { PART_SECONDS, AT(refuse_after_s), true } } },
	{ "no-upgrade", "N", "the first N upgrades are never answered",
	    { { PART_COUNT, AT(no_upgrade_left), false } } },
	{ "slow-upgrade", "MS", "an upgrade's answer: a byte each MS",
	    { { PART_MILLIS, AT(slow_upgrade_ms), false } } },
	{ "tls-stall", "N", "the next N connections: no answer, not even TLS",
	    { { PART_COUNT, AT(tls_stall_left), false } } },
	{ "rest-slow", "MS", "REST answers so late",
	    { { PART_MILLIS, AT(rest_slow_ms), false } } },
	{ "rest-fail", "P", "REST answers 500 or 503",
	    { { PART_CHANCE, AT(rest_fail), false } } },
	{ "rest-429", "P[:S]", "REST answers 429, Retry-After S s (1)",
	    { { PART_CHANCE, AT(rest_429), false },
	    { PART_SECONDS, AT(rest_429_after_s), true } } },
	{ "rest-garbage", "P", "REST answers 200 with nonsense or half",
	    { { PART_CHANCE, AT(rest_garbage), false } } },
	{ "rest-hang", "P", "REST never answers",
	    { { PART_CHANCE, AT(rest_hang), false } } },
	{ "storm", "S:MS", "every S seconds every agent changes within MS",
	    { { PART_SECONDS_MS, AT(storm_every_ms), false },
	    { PART_MILLIS, AT(storm_ms), false } } },
	{ "malformed", "P", "a frame is no JSON",
	    { { PART_CHANCE, AT(malformed), false } } },
	{ "oversize", "P", "a frame is over 1 MiB",
	    { { PART_CHANCE, AT(oversize), false } } },
	{ "binary", "P", "a frame is binary",
	    { { PART_CHANCE, AT(binary), false } } },
	{ "fragment", "P", "a message comes in fragments",
	    { { PART_CHANCE, AT(fragment), false } } },
	{ "odd", "KIND:N", "every N events an odd frame of that KIND",
	    { { PART_ODD, AT(odd_every), false },
	    { PART_COUNT, AT(odd_every), false } } },
	{ "no-refresh", NULL, "who signs in gets no refresh token",
	    { { PART_FLAG, AT(no_refresh), false } } },
	{ "deny-login", NULL, "who signs in is denied access",
	    { { PART_FLAG, AT(deny_login), false } } },
	{ "channel-life", "S", "channels live so long (24 h)",
	    { { PART_SECONDS_MS, AT(channel_life_ms), false } } },
	{ "heartbeat", "S", "a heartbeat so often (30 s)",
	    { { PART_SECONDS_MS, AT(heartbeat_ms), false } } },
	{ "socket-closing", "N[:S]", "told every N events; closed S s later",
	    { { PART_COUNT, AT(closing_every), false },
	    { PART_SECONDS_MS, AT(closing_grace_ms), true } } },
	{ "no-modified", "P", "a presence has no modifiedDate",
	    { { PART_CHANCE, AT(no_modified), false } } },
	{ "no-part", "P", "an activity leaves out a part that is as before",
	    { { PART_CHANCE, AT(no_part), false } } },
	{ "secondary", "P", "a presence of another source, not primary, too",
	    { { PART_CHANCE, AT(secondary), false } } },
	{ "churn", "S", "so often somebody joins, leaves, comes or goes",
	    { { PART_SECONDS_MS, AT(churn_ms), false } } },
	{ "expand-miss", "P", "REST leaves an expand of a user out",
	    { { PART_CHANCE, AT(expand_miss), false } } },
	{ "deny", "P", "a topic is rejected: a permission is missing",
	    { { PART_CHANCE, AT(deny), false } } },
	{ "rate-limit", "N", "a client's requests a minute (300)",
	    { { PART_COUNT, AT(rate_limit), false } } },
	{ "page-max", "N", "users in one page (500)",
	    { { PART_COUNT, AT(page_max), false } } },
	{ "wfm", NULL, "users/activity is permitted, which is 403 else",
	    { { PART_FLAG, AT(wfm), false } } },
#undef AT
};

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

/* --- values ------------------------------------------------------------- */

static const struct { uint64_t min, max; } ranges[] = {
	[PART_COUNT] = { 1, 1000000000 },
	[PART_MILLIS] = { 1, 1000000000 },
	[PART_SECONDS] = { 0, 1000000 },
	[PART_SECONDS_MS] = { 1, 1000000000 },
	[PART_STATUS] = { 300, 599 },
	[PART_CODE] = { 0, 65535 },
};

static bool
read_chance(const char *text, double *p)
{
	double d;

	if (str_decimal(text, &d) == -1 || d > 1)
		return false;
	*p = d;
	return true;
}

bool
part_read(enum part kind, const char *text, uint64_t *n, double *p)
{
	uint64_t v = 0;
	double d;
	int odd;

	switch (kind) {
	case PART_CHANCE:
		return read_chance(text, p);
	case PART_ODD:
		odd = odd_find(text);
		*n = (uint64_t)odd;
		return odd != -1;
	case PART_SECONDS_MS:
		if (str_decimal(text, &d) == -1 || d > 1e6)
			return false;
		v = (uint64_t)(d * 1000 + 0.5);
		break;
	default:
		if (str_number(text, ranges[kind].max, &v) == -1)
			return false;
	}
	*n = v;
	return v >= ranges[kind].min && v <= ranges[kind].max;
}

static int
wrong_value(const struct fault *fault, struct err *e)
{
	if (fault->value == NULL)
		return err_set(e, GC_EX_USAGE, "fault %s takes no value",
		    fault->name);
	return err_set(e, GC_EX_USAGE, "fault %s: the value is %s; see "
	    "--help", fault->name, fault->value);
}

/* Nothing of f is touched if a part is wrong. */
static int
set_parts(struct faults *f, const struct fault *fault, char *value,
    struct err *e)
{
	struct faults new = *f;
	uint64_t n = 0, row = 0;
	char *part;
	double p = 0;

	for (int i = 0; i < PARTS_MAX && fault->parts[i].kind != PART_NONE;
	    i++) {
		char *at = (char *)&new + fault->parts[i].at;
		enum part kind = fault->parts[i].kind;

		part = strsep(&value, ":");
		if (part == NULL && fault->parts[i].optional)
			n = 0;
		else if (part == NULL || !part_read(kind, part, &n, &p))
			return wrong_value(fault, e);
		if (kind == PART_CHANCE)
			memcpy(at, &p, sizeof(p));
		else if (kind == PART_ODD)
			row = n;	/* the next part goes there */
		else
			memcpy(at + row * sizeof(n), &n, sizeof(n));
	}
	if (value != NULL)
		return wrong_value(fault, e);
	*f = new;
	return 0;
}

/* --- by name ------------------------------------------------------------ */

/* In struct faults those of channels alone come last. */
static bool
is_of_channels(const struct fault *fault)
{
	return fault->parts[0].at >= offsetof(struct faults, expand_miss);
}

static const struct fault *
find(const char *name, enum protocol p, struct err *e)
{
	for (size_t i = 0; i < FAULTS; i++) {
		if (strcmp(name, faults[i].name) != 0)
			continue;
		if (p == CHANNELS || !is_of_channels(&faults[i]))
			return &faults[i];
		err_set(e, GC_EX_USAGE, "fault %s is of --protocol channels",
		    name);
		return NULL;
	}
	err_set(e, GC_EX_USAGE, "no such fault: %s", name);
	return NULL;
}

int
fault_set(struct faults *f, enum protocol p, const char *text,
    struct err *e)
{
	const uint64_t yes = 1;
	const struct fault *fault;
	char name[TEXT_MAX], *value;

	if (strlcpy(name, text, sizeof(name)) >= sizeof(name))
		return err_set(e, GC_EX_USAGE, "no such fault: %s", text);
	value = strchr(name, '=');
	if (value != NULL)
		*value++ = '\0';
	if ((fault = find(name, p, e)) == NULL)
		return -1;
	if ((fault->value == NULL) != (value == NULL))
		return wrong_value(fault, e);
	if (value != NULL)
		return set_parts(f, fault, value, e);
	memcpy((char *)f + fault->parts[0].at, &yes, sizeof(yes));
	return 0;
}

int
fault_clear(struct faults *f, enum protocol p, const char *name,
    struct err *e)
{
	const struct fault *fault = find(name, p, e);

	if (fault == NULL)
		return -1;
	for (int i = 0; i < PARTS_MAX && fault->parts[i].kind != PART_NONE;
	    i++)
		memset((char *)f + fault->parts[i].at, 0,
		    fault->parts[i].kind == PART_ODD ? sizeof(f->odd_every) :
		    sizeof(uint64_t));
	return 0;
}

const char *
fault_help(void)
{
	static struct buf text = { .cap = 1 << 14 };
	char left[64];
	int of = 0;

	buf_adds(&text, "Faults, each with --fault, alone or together (P: a "
	    "probability, S:\nseconds, MS: milliseconds; numbers without a "
	    "unit):");
	for (size_t i = 0; i < FAULTS; i++) {
		if (is_of_channels(&faults[i]) && of++ == 0)
			buf_adds(&text, "\nWith --protocol channels also:");
		snprintf(left, sizeof(left), "%s%s%s", faults[i].name,
		    faults[i].value ? "=" : "",
		    faults[i].value ? faults[i].value : "");
		buf_addf(&text, "\n  %-22s %s", left, faults[i].help);
	}
	buf_adds(&text, "\n\nKinds of odd frames, and the code that each "
	    "deserves (-: none, go on):");
	odd_help(&text);
	return text.data;
}
