#include "lib/session.h"

#define TO(state, act) { ST_ ## state, ACT_ ## act }

/* An empty cell ({ 0, 0 } with no entry below) is told apart by `set`. */
static const struct {
	bool set;
	struct session_step step;
} table[ST_COUNT][EV_COUNT] = {
	[ST_TOKEN] = {
		[EV_TOKEN] = { true, TO(CONNECT, CONNECT) },
		[EV_LOST] = { true, TO(BACKOFF, BACKOFF) },
		[EV_STOP] = { true, TO(DONE, FINISH) },
	},
	[ST_CONNECT] = {
		[EV_CONNECTED] = { true, TO(UPGRADE, UPGRADE) },
		[EV_LOST] = { true, TO(BACKOFF, BACKOFF) },
		[EV_STOP] = { true, TO(DONE, FINISH) },
	},
	[ST_UPGRADE] = {
		[EV_UPGRADED] = { true, TO(STREAM, OPEN) },
		[EV_LOST] = { true, TO(BACKOFF, BACKOFF) },
		[EV_STOP] = { true, TO(DONE, FINISH) },
	},
	[ST_STREAM] = {
		[EV_LOST] = { true, TO(BACKOFF, BACKOFF) },
		[EV_EXPIRING] = { true, TO(CLOSE, CLOSE) },
		[EV_STOP] = { true, TO(STOP, CLOSE) },
	},
	[ST_CLOSE] = {
		[EV_LOST] = { true, TO(TOKEN, ROTATE) },
		[EV_CLOSED] = { true, TO(TOKEN, ROTATE) },
		[EV_STOP] = { true, TO(STOP, NONE) },
	},
	[ST_BACKOFF] = {
		[EV_RETRY] = { true, TO(TOKEN, TOKEN) },
		[EV_STOP] = { true, TO(DONE, FINISH) },
	},
	[ST_STOP] = {
		[EV_LOST] = { true, TO(DONE, FINISH) },
		[EV_CLOSED] = { true, TO(DONE, FINISH) },
	},
};

struct session_step
session_step(enum session_state state, enum session_event event)
{
	if (table[state][event].set)
		return table[state][event].step;
	return (struct session_step){ state, ACT_NONE };
}

const char *
session_state_name(enum session_state state)
{
	static const char *const names[ST_COUNT] = {
		[ST_TOKEN] = "token", [ST_CONNECT] = "connect",
		[ST_UPGRADE] = "upgrade", [ST_STREAM] = "stream",
		[ST_CLOSE] = "close", [ST_BACKOFF] = "backoff",
		[ST_STOP] = "stop", [ST_DONE] = "done",
	};

	return names[state];
}

struct session_wait
session_failed(const struct session_policy *p, struct session_tries *t,
    int64_t retry_after_ms, uint32_t random)
{
	struct session_wait w;
	unsigned n = t->failures;

	w.failover = t->attempts >= p->max_attempts;
	if (w.failover)
		n = UINT32_MAX;		/* the highest delay from here on */
	else
		t->failures++;
	w.delay_ms = backoff_delay_ms(&p->backoff, n, random);
	if (retry_after_ms > w.delay_ms)
		w.delay_ms = retry_after_ms;
	return w;
}

struct session_wait
session_renewing(const struct session_policy *p, struct session_tries *t,
    bool counted, int64_t retry_after_ms, uint32_t random)
{
	struct session_wait w = { .failover = false };

	t->attempts -= counted;
	w.delay_ms = backoff_delay_ms(&p->backoff, t->failures, random);
	if (retry_after_ms > w.delay_ms)
		w.delay_ms = retry_after_ms;
	return w;
}
