/* Every cell of the channel's table, and what each answer means. */
#include "lib/channel.h"
#include "tests/tap.h"

#define NEVER_FAREWELL(s) \
	{ s, CE_STOP, { CH_STOP, CA_CLOSE } }, \
	{ s, CE_REPLACED, { CH_LEAVE, CA_CLOSE } }

/* The table as gc-subscribe(1) tells it; a cell that is not here stays. */
static const struct {
	enum channel_state state;
	enum channel_event event;
	struct channel_step step;
} cells[] = {
	{ CH_CHECK, CE_KEPT, { CH_CONNECT, CA_CONNECT } },
	{ CH_CHECK, CE_GONE, { CH_CREATE, CA_CREATE } },
	{ CH_CHECK, CE_LOST, { CH_BACKOFF, CA_BACKOFF } },
	NEVER_FAREWELL(CH_CHECK),
	{ CH_CREATE, CE_CREATED, { CH_CONNECT, CA_CONNECT } },
	{ CH_CREATE, CE_LOST, { CH_BACKOFF, CA_BACKOFF } },
	NEVER_FAREWELL(CH_CREATE),
	{ CH_CONNECT, CE_CONNECTED, { CH_UPGRADE, CA_UPGRADE } },
	{ CH_CONNECT, CE_LOST, { CH_BACKOFF, CA_BACKOFF } },
	NEVER_FAREWELL(CH_CONNECT),
	{ CH_UPGRADE, CE_UPGRADED, { CH_SUBSCRIBE, CA_SUBSCRIBE } },
	{ CH_UPGRADE, CE_GONE, { CH_BACKOFF, CA_FORGET } },
	{ CH_UPGRADE, CE_LOST, { CH_BACKOFF, CA_BACKOFF } },
	NEVER_FAREWELL(CH_UPGRADE),
	{ CH_SUBSCRIBE, CE_SUBSCRIBED, { CH_STREAM, CA_OPEN } },
	{ CH_SUBSCRIBE, CE_GONE, { CH_BACKOFF, CA_FORGET } },
	{ CH_SUBSCRIBE, CE_LOST, { CH_BACKOFF, CA_BACKOFF } },
	NEVER_FAREWELL(CH_SUBSCRIBE),
	{ CH_STREAM, CE_RENEW, { CH_STREAM, CA_SUBSCRIBE } },
	{ CH_STREAM, CE_SUBSCRIBED, { CH_STREAM, CA_RENEWED } },
	{ CH_STREAM, CE_GONE, { CH_BACKOFF, CA_FORGET } },
	{ CH_STREAM, CE_LOST, { CH_BACKOFF, CA_BACKOFF } },
	NEVER_FAREWELL(CH_STREAM),
	{ CH_BACKOFF, CE_RETRY, { CH_CHECK, CA_CHECK } },
	NEVER_FAREWELL(CH_BACKOFF),
	{ CH_LEAVE, CE_CLOSED, { CH_DONE, CA_FINISH } },
	{ CH_LEAVE, CE_STOP, { CH_STOP, CA_NONE } },
	{ CH_STOP, CE_CLOSED, { CH_DONE, CA_FINISH } },
};

static void
test_cells(void)
{
	for (int s = 0; s < CH_STATES; s++)
		for (int e = 0; e < CHANNEL_EVENTS; e++) {
			struct channel_step want = { s, CA_NONE };
			struct channel_step got = channel_step(s, e);

			for (size_t i = 0; i < sizeof(cells) /
			    sizeof(cells[0]); i++)
				if ((int)cells[i].state == s &&
				    (int)cells[i].event == e)
					want = cells[i].step;
			ok(got.next == want.next &&
			    got.action == want.action, "%s, event %d",
			    channel_state_name(s), e);
		}
}

/* From everywhere a stop comes to its end, and nothing leads back. */
static void
test_end(void)
{
	for (int s = 0; s < CH_DONE; s++) {
		enum channel_state at = channel_step(s, CE_STOP).next;
		int out = 0;

		is_int(at, CH_STOP, "a stop is heard");
		for (int e = 0; e < CHANNEL_EVENTS; e++)
			out += channel_step(at, e).next != CH_STOP &&
			    channel_step(at, e).next != CH_DONE;
		is_int(out, 0, "and nothing leads back");
		is_int(channel_step(at, CE_CLOSED).next, CH_DONE,
		    "but to the end");
	}
}

static const struct {
	enum channel_ask ask;
	long status;
	enum channel_event event;
} answers[] = {
	{ CHANNEL_HEAD, 200, CE_KEPT }, { CHANNEL_HEAD, 204, CE_KEPT },
	{ CHANNEL_HEAD, 404, CE_GONE }, { CHANNEL_HEAD, 410, CE_GONE },
	{ CHANNEL_HEAD, 429, CE_LOST }, { CHANNEL_HEAD, 0, CE_LOST },
	{ CHANNEL_HEAD, -1, CE_LOST },
	{ CHANNEL_POST, 200, CE_CREATED }, { CHANNEL_POST, 404, CE_LOST },
	{ CHANNEL_POST, 401, CE_LOST }, { CHANNEL_POST, 503, CE_LOST },
	{ CHANNEL_PUT, 200, CE_SUBSCRIBED }, { CHANNEL_PUT, 404, CE_GONE },
	{ CHANNEL_PUT, 400, CE_LOST }, { CHANNEL_PUT, 302, CE_LOST },
};

int
main(void)
{
	test_cells();
	test_end();
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		is_int(channel_answer(answers[i].ask, answers[i].status),
		    answers[i].event, "what an answer means");
	is_int(channel_renew_ms(24 * 3600000), 23 * 3600000, "23 hours");
	is_int(channel_renew_ms(60000), 57500, "of a minute");
	is_int(channel_renew_ms(0), 23 * 3600000, "if it is not told");
	is_int(channel_renew_ms(-5), 23 * 3600000, "or has ended");
	is_int(channel_renew_ms(30 * 3600000), 23 * 3600000, "or is too far");
	return done();
}
