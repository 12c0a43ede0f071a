#include <stdbool.h>

#include "lib/channel.h"

#define LIFE_MS (24 * 3600 * INT64_C(1000))

#define TO(state, act) { true, { CH_ ## state, CA_ ## act } }

/* What can happen to it in any state that is not yet a farewell. */
#define ALWAYS \
	[CE_STOP] = TO(STOP, CLOSE), [CE_REPLACED] = TO(LEAVE, CLOSE)

/* An empty cell ({ 0, 0 } with no entry below) is told apart by `set`. */
static const struct {
	bool set;
	struct channel_step step;
} table[CH_STATES][CHANNEL_EVENTS] = {
	[CH_CHECK] = {
		[CE_KEPT] = TO(CONNECT, CONNECT),
		[CE_GONE] = TO(CREATE, CREATE),
		[CE_LOST] = TO(BACKOFF, BACKOFF),
		ALWAYS,
	},
	[CH_CREATE] = {
		[CE_CREATED] = TO(CONNECT, CONNECT),
		[CE_LOST] = TO(BACKOFF, BACKOFF),
		ALWAYS,
	},
	[CH_CONNECT] = {
		[CE_CONNECTED] = TO(UPGRADE, UPGRADE),
		[CE_LOST] = TO(BACKOFF, BACKOFF),
		ALWAYS,
	},
	[CH_UPGRADE] = {
		[CE_UPGRADED] = TO(SUBSCRIBE, SUBSCRIBE),
		[CE_GONE] = TO(BACKOFF, FORGET),
		[CE_LOST] = TO(BACKOFF, BACKOFF),
		ALWAYS,
	},
	[CH_SUBSCRIBE] = {
		[CE_SUBSCRIBED] = TO(STREAM, OPEN),
		[CE_GONE] = TO(BACKOFF, FORGET),
		[CE_LOST] = TO(BACKOFF, BACKOFF),
		ALWAYS,
	},
	[CH_STREAM] = {
		[CE_RENEW] = TO(STREAM, SUBSCRIBE),
		[CE_SUBSCRIBED] = TO(STREAM, RENEWED),
		[CE_GONE] = TO(BACKOFF, FORGET),
		[CE_LOST] = TO(BACKOFF, BACKOFF),
		ALWAYS,
	},
	[CH_BACKOFF] = {
		[CE_RETRY] = TO(CHECK, CHECK),
		ALWAYS,
	},
	[CH_LEAVE] = {
		[CE_CLOSED] = TO(DONE, FINISH),
		[CE_STOP] = TO(STOP, NONE),
	},
	[CH_STOP] = {
		[CE_CLOSED] = TO(DONE, FINISH),
	},
};

struct channel_step
channel_step(enum channel_state state, enum channel_event event)
{
	if (table[state][event].set)
		return table[state][event].step;
	return (struct channel_step){ state, CA_NONE };
}

const char *
channel_state_name(enum channel_state state)
{
	static const char *const names[CH_STATES] = {
		[CH_CHECK] = "check", [CH_CREATE] = "create",
		[CH_CONNECT] = "connect", [CH_UPGRADE] = "upgrade",
		[CH_SUBSCRIBE] = "subscribe", [CH_STREAM] = "stream",
		[CH_BACKOFF] = "backoff", [CH_LEAVE] = "leave",
		[CH_STOP] = "stop", [CH_DONE] = "done",
	};

	return names[state];
}

enum channel_event
channel_answer(enum channel_ask ask, long status)
{
	static const enum channel_event done[CHANNEL_ASKS] = {
		[CHANNEL_HEAD] = CE_KEPT, [CHANNEL_POST] = CE_CREATED,
		[CHANNEL_PUT] = CE_SUBSCRIBED,
	};

	if (status >= 200 && status < 300)
		return done[ask];
	/* of a POST it would mean that this is the wrong place */
	if (ask != CHANNEL_POST && (status == 404 || status == 410))
		return CE_GONE;
	return CE_LOST;
}

int64_t
channel_renew_ms(int64_t left_ms)
{
	return (left_ms > 0 && left_ms < LIFE_MS ? left_ms : LIFE_MS) / 24 *
	    23;
}
