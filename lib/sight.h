/*
 * Does the stream see anything: each socket's state, and how many lines came
 * of late and how late they were.  From control lines.  Pure: the time is an
 * argument.
 */
#ifndef GC_SIGHT_H
#define GC_SIGHT_H

#include <stdbool.h>

#include "lib/take.h"

#define SIGHT_SOCKETS 32	/* told apart; the platform has 20 */
#define SIGHT_SECONDS 16	/* that the rates look back, at most */
#define SIGHT_REASON_MAX 64

enum sight_state { SIGHT_NEVER, SIGHT_OPEN, SIGHT_CLOSED, SIGHT_POLLING };

struct sight_socket {
	enum sight_state state;
	int64_t since_ms;	/* wall; of the state */
	uint64_t rtt_ms;
	char reason[SIGHT_REASON_MAX];	/* of being closed; remote text */
};

struct sight {
	struct sight_socket sockets[SIGHT_SOCKETS];
	unsigned socket_count;
	struct sight_second {
		int64_t second;
		uint32_t lines;
		int64_t lag_ms;	/* the longest; -1: none told */
	} seconds[SIGHT_SECONDS];
};

/* A control line, valid JSON, that came at wall_ms.  NULL, or why it is
 * rejected. */
const char *sight_control(struct sight *s, struct take *take, const char *line,
    size_t len, int64_t wall_ms);

/* A line that counts; changed: when it says that something changed, or NULL
 * where that is no measure of lag. */
void sight_count(struct sight *s, int64_t wall_ms,
    const struct stamp *changed);

/* Lines a second, and the longest lag from a change to its line here, of
 * the last whole seconds; -1: no change. */
double sight_rate(const struct sight *s, int64_t wall_ms, unsigned seconds);
int64_t sight_lag_ms(const struct sight *s, int64_t wall_ms,
    unsigned seconds);

/* The worst of all sockets: that one, or NULL where there is none. */
const struct sight_socket *sight_worst(const struct sight *s);
const char *sight_name(enum sight_state state);

#endif
