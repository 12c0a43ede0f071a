/*
 * events [-a AGENTS] [-q QUEUES] [-s SEED] [-t] [-p RATE] COUNT: status
 * events as a contact centre tells them, 337 bytes each, 500 a second of
 * their own time.  The same arguments give the same bytes.
 *
 * Of the changes a tenth is of a queue, and a third is of the agents that
 * changed just before; 3 % are told twice, 2 % late, 1 % never.  -t: each
 * agent in turn instead, nothing twice, late or lost, so that COUNT events
 * make known as many agents.  -p: RATE lines a second, on time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/str.h"

#define LINE_CAP 1024
#define QUEUES_EACH 4		/* queues that an agent works for */
#define LATER 64		/* so many events late, at most */
#define RECENT 32		/* agents that changed just before */
#define STEP_MS 2		/* between two changes, on average */
#define PACE_NS 10000000	/* -p: let out so often */
#define FIRST_MS INT64_C(1718461930000)
#define ID_LEN 36

static const char *const statuses[] = { "Available", "Not Ready", "Busy",
    "On Queue", "Away", "Break", "Meal", "Meeting", "Training", "Offline" };
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static const struct { const char *code, *name; } wrap_ups[] = {
	{ "RESOLVED", "Resolved" }, { "FOLLOW_UP", "Follow up" },
	{ "CALLBACK", "Callback requested" }, { "TRANSFER", "Transferred" },
	{ "NO_ANSWER", "No answer" },
};
#define WRAP_UPS (sizeof(wrap_ups) / sizeof(wrap_ups[0]))

/* What an id is of: the same number is another one in each. */
enum { OF_AGENT = 1, OF_QUEUE, OF_WRAP_UP };

static struct {
	uint64_t agents, queues, seed, rate, count;
	bool in_turn;
} opt = { 10000, 50, 1, 0, 0, false };

struct agent {
	uint8_t status, queue_status[QUEUES_EACH];
};

struct change {
	uint64_t agent, queue;
	unsigned from, to;
	bool in_queue;
	int64_t ms;
};

static uint64_t chance;
static uint64_t printed;
static struct agent *agents;
static struct { char line[LINE_CAP]; size_t len; } later[LATER];

static uint64_t
scramble(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t
below(uint64_t n)
{
	chance += 0x9e3779b97f4a7c15u;
	return (scramble(chance) >> 32) * n >> 32;
}

static bool
in_hundred(unsigned percent)
{
	return below(100) < percent;
}

static void
make_id(char id[ID_LEN + 1], unsigned of, uint64_t number)
{
	uint64_t a = scramble(((uint64_t)of << 56) + number + 1);
	uint64_t b = scramble(a);

	snprintf(id, ID_LEN + 1, "%08x-%04x-4%03x-%04x-%012llx",
	    (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff,
	    (unsigned)a & 0xfff, (unsigned)(b >> 48 & 0x3fff) | 0x8000,
	    (unsigned long long)(b & 0xffffffffffff));
}

/* Why, in words: with an escape in 2 of 100, and with more than ASCII. */
static void
make_reason(char *reason, size_t cap, const char *status)
{
	uint64_t n = below(100);

	if (n < 90)
		snprintf(reason, cap, "Agent clicked %s", status);
	else if (n < 96)
		snprintf(reason, cap, "System: shift change");
	else if (n < 98)
		snprintf(reason, cap, "Supervisor \\\"%s\\\" forced", status);
	else
		snprintf(reason, cap, n < 99 ? "Pause d\\u00e9jeuner" :
		    "Pause d\xc3\xa9jeuner");
}

/* Members that only a queue's events tell. */
static void
make_queue(char *part, size_t cap, const struct change *c)
{
	char queue[ID_LEN + 1], code[ID_LEN + 1];
	uint64_t w = below(WRAP_UPS);

	make_id(queue, OF_QUEUE, c->queue);
	make_id(code, OF_WRAP_UP, w);
	if (!c->in_queue)
		snprintf(part, cap, "\"wrapUpCode\":null,\"queueId\":null,"
		    "\"wrapUpCodeName\":null,\"wrapUpCodeId\":null");
	else if (in_hundred(50))
		snprintf(part, cap, "\"wrapUpCode\":null,\"queueId\":\"%s\","
		    "\"wrapUpCodeName\":null,\"wrapUpCodeId\":null", queue);
	else
		snprintf(part, cap, "\"wrapUpCode\":\"%s\",\"queueId\":\"%s\","
		    "\"wrapUpCodeName\":\"%s\",\"wrapUpCodeId\":\"%s\"",
		    wrap_ups[w].code, queue, wrap_ups[w].name, code);
}

static size_t
make_line(char *line, const struct change *c)
{
	char user[ID_LEN + 1], at[CLOCK_RFC3339_LEN + 1];
	char queue[256], reason[64];

	make_id(user, OF_AGENT, c->agent);
	clock_format_ms(c->ms, at);
	make_queue(queue, sizeof(queue), c);
	make_reason(reason, sizeof(reason), statuses[c->to]);
	return (size_t)snprintf(line, LINE_CAP,
	    "{\"subscriptionId\":\"sub_5d0c2b7e9a4f1683\","
	    "\"event\":\"routing:agents:status:updated\",\"data\":{"
	    "\"userId\":\"%s\",\"status\":\"%s\",\"previousStatus\":\"%s\","
	    "\"timestamp\":\"%s\",%s,\"reason\":\"%s\"}}\n", user,
	    statuses[c->to], statuses[c->from], at, queue, reason);
}

/* With -p, wait until it is this line's time. */
static void
keep_pace(void)
{
	static struct timespec start;
	struct timespec due;
	uint64_t ns;

	if (printed == 0)
		clock_gettime(CLOCK_MONOTONIC, &start);
	ns = printed * 1000000000 / opt.rate / PACE_NS * PACE_NS;
	due = start;
	due.tv_sec += (time_t)(ns / 1000000000);
	due.tv_nsec += (long)(ns % 1000000000);
	if (due.tv_nsec >= 1000000000) {
		due.tv_sec++;
		due.tv_nsec -= 1000000000;
	}
	if (printed * 1000000000 / opt.rate % PACE_NS <
	    1000000000 / opt.rate)
		fflush(stdout);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void
print_line(const char *line, size_t len)
{
	if (printed == opt.count)
		return;
	if (opt.rate > 0)
		keep_pace();
	fwrite(line, 1, len, stdout);
	printed++;
}

/* The next change, which the agent makes whether it is told or not. */
static struct change
next_change(uint64_t turn)
{
	static uint64_t recent[RECENT];
	static int64_t ms = FIRST_MS;
	struct change c = { 0 };
	uint64_t which = below(QUEUES_EACH);
	uint8_t *status;

	c.agent = opt.in_turn ? turn % opt.agents :
	    turn >= RECENT && in_hundred(30) ? recent[below(RECENT)] :
	    below(opt.agents);
	recent[turn % RECENT] = c.agent;
	c.in_queue = opt.queues > 0 && in_hundred(10);
	c.queue = c.in_queue ? (c.agent * 7 + which * 13) % opt.queues : 0;
	status = c.in_queue ? &agents[c.agent].queue_status[which] :
	    &agents[c.agent].status;
	c.from = *status;
	c.to = (unsigned)((c.from + 1 + below(STATUSES - 1)) % STATUSES);
	*status = (uint8_t)c.to;
	ms += (int64_t)below(2 * STEP_MS + 1);
	c.ms = ms;
	return c;
}

/* One change: told now, later, both, or never. */
static void
one_change(uint64_t turn)
{
	struct change c = next_change(turn);
	uint64_t now = turn % LATER, then = (turn + 1 + below(LATER - 1)) %
	    LATER;
	bool late = in_hundred(2), twice = in_hundred(3);
	char line[LINE_CAP];
	size_t len = make_line(line, &c);

	if (opt.in_turn) {
		print_line(line, len);
		return;
	}
	if (later[now].len > 0)
		print_line(later[now].line, later[now].len);
	later[now].len = 0;
	if (in_hundred(1))
		return;
	if (!late || later[then].len > 0)
		print_line(line, len);
	if ((late || twice) && later[then].len == 0) {
		memcpy(later[then].line, line, len);
		later[then].len = len;
	}
}

static int
usage(void)
{
	fprintf(stderr, "usage: events [-a AGENTS] [-q QUEUES] [-s SEED] [-t] "
	    "[-p RATE] COUNT\n");
	return GC_EX_USAGE;
}

int
main(int argc, char **argv)
{
	static char block[1 << 16];
	int letter, bad = 0;

	while ((letter = getopt(argc, argv, "a:q:s:tp:")) != -1)
		if (letter == 't')
			opt.in_turn = true;
		else if (letter == '?' || str_number(optarg, UINT32_MAX,
		    letter == 'a' ? &opt.agents : letter == 'q' ?
		    &opt.queues : letter == 's' ? &opt.seed : &opt.rate) == -1)
			bad = 1;
	if (bad || optind != argc - 1 || opt.agents == 0 ||
	    str_number(argv[optind], UINT32_MAX, &opt.count) == -1)
		return usage();
	setvbuf(stdout, block, _IOFBF, sizeof(block));
	chance = scramble(opt.seed);
	agents = xcalloc(opt.agents, sizeof(*agents));
	for (uint64_t i = 0; i < opt.agents; i++) {
		agents[i].status = (uint8_t)below(STATUSES);
		for (size_t q = 0; q < QUEUES_EACH; q++)
			agents[i].queue_status[q] = (uint8_t)below(STATUSES);
	}
	for (uint64_t turn = 0; printed < opt.count; turn++)
		one_change(turn);
	free(agents);
	return fflush(stdout) == 0 ? GC_EX_OK : GC_EX_IOERR;
}
