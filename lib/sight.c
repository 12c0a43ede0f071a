#include <string.h>

#include "lib/scan.h"
#include "lib/sight.h"
#include "lib/str.h"

#define LAG_MAX_MS 3600000	/* beyond that it is no lag */

enum { EVENT, SOCKET, SOCKETS, REASON, RTT, KEYS };

static const struct scan_key keys[KEYS] = {
	[EVENT] = SCAN_KEY("event", -1),
	[SOCKET] = SCAN_KEY("socket", -1),
	[SOCKETS] = SCAN_KEY("sockets", -1),
	[REASON] = SCAN_KEY("reason", -1),
	[RTT] = SCAN_KEY("rttMs", -1),
};

static const struct { const char *name; enum sight_state state; } states[] = {
	{ "gc:open", SIGHT_OPEN }, { "gc:closed", SIGHT_CLOSED },
	{ "gc:failover", SIGHT_POLLING },
	{ "gc:alive", SIGHT_NEVER },	/* changes none */
};
#define STATES (sizeof(states) / sizeof(states[0]))

/* As much as there is room for, in whole characters. */
static void
set_reason(struct sight_socket *socket, struct text reason)
{
	size_t len = 0, n;

	while (len < reason.len && (n = str_utf8_step(reason.p + len,
	    reason.len - len)) > 0 && len + n < sizeof(socket->reason))
		len += n;
	memcpy(socket->reason, reason.p, len);
	socket->reason[len] = '\0';
}

static void
set_state(struct sight *s, unsigned number, enum sight_state state,
    int64_t wall_ms)
{
	struct sight_socket *socket = &s->sockets[number];

	if (socket->state != state)
		socket->since_ms = wall_ms;
	socket->state = state;
	if (number >= s->socket_count)
		s->socket_count = number + 1;
}

const char *
sight_control(struct sight *s, struct take *take, const char *line,
    size_t len, int64_t wall_ms)
{
	struct slice v[KEYS];
	struct text reason = { "", 0 };
	uint64_t number, count = 0, rtt;
	size_t i = 0;

	if (scan_object(line, len, keys, KEYS, v) != SCAN_OK)
		return NULL;
	while (i < STATES && !slice_is(v[EVENT], states[i].name))
		i++;
	if (i == STATES)
		return NULL;
	if (!take_number_or_null(v[SOCKET], &number))
		return "socket is no whole number";
	slice_number(v[SOCKETS], &count);
	if (number >= SIGHT_SOCKETS || count > SIGHT_SOCKETS)
		return "more sockets than are told apart";
	if (states[i].state == SIGHT_NEVER) {
		if (slice_number(v[RTT], &rtt) == 0)
			s->sockets[number].rtt_ms = rtt;
		return NULL;
	}
	if (count > 0)
		s->socket_count = (unsigned)count;
	set_state(s, (unsigned)number, states[i].state, wall_ms);
	if (states[i].state == SIGHT_CLOSED) {
		take_text(take, v[REASON], &reason);
		set_reason(&s->sockets[number], reason);
	}
	return NULL;
}

static struct sight_second *
second_of(struct sight *s, int64_t wall_ms)
{
	int64_t second = wall_ms / 1000;
	struct sight_second *at;

	at = &s->seconds[(size_t)(second % SIGHT_SECONDS)];
	if (at->second != second)
		*at = (struct sight_second){ second, 0, -1 };
	return at;
}

void
sight_count(struct sight *s, int64_t wall_ms, const struct stamp *changed)
{
	struct sight_second *at = second_of(s, wall_ms);
	int64_t lag;

	at->lines++;
	if (changed == NULL)
		return;
	lag = wall_ms - stamp_to_ms(*changed);
	if (lag < 0)
		lag = 0;	/* their clock is ahead of ours */
	if (lag < LAG_MAX_MS && lag > at->lag_ms)
		at->lag_ms = lag;
}

/* Of the last whole seconds: is this one of them? */
static bool
is_recent(const struct sight_second *at, int64_t wall_ms, unsigned seconds)
{
	int64_t now = wall_ms / 1000;

	return at->second < now && at->second >= now - (int64_t)seconds;
}

double
sight_rate(const struct sight *s, int64_t wall_ms, unsigned seconds)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < SIGHT_SECONDS; i++)
		if (is_recent(&s->seconds[i], wall_ms, seconds))
			lines += s->seconds[i].lines;
	return (double)lines / seconds;
}

int64_t
sight_lag_ms(const struct sight *s, int64_t wall_ms, unsigned seconds)
{
	int64_t most = -1;

	for (size_t i = 0; i < SIGHT_SECONDS; i++)
		if (is_recent(&s->seconds[i], wall_ms, seconds) &&
		    s->seconds[i].lag_ms > most)
			most = s->seconds[i].lag_ms;
	return most;
}

const struct sight_socket *
sight_worst(const struct sight *s)
{
	static const enum sight_state order[] = { SIGHT_CLOSED,
	    SIGHT_POLLING, SIGHT_NEVER, SIGHT_OPEN };

	for (size_t w = 0; w < sizeof(order) / sizeof(order[0]); w++)
		for (unsigned i = 0; i < s->socket_count; i++)
			if (s->sockets[i].state == order[w])
				return &s->sockets[i];
	return NULL;
}

const char *
sight_name(enum sight_state state)
{
	static const char *const names[] = { [SIGHT_NEVER] = "not open yet",
	    [SIGHT_OPEN] = "open", [SIGHT_CLOSED] = "closed",
	    [SIGHT_POLLING] = "polling" };

	return names[state];
}
