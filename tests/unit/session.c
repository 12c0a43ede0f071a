/* Every cell of the session's table, the bounds of its delays. */
#include "lib/session.h"
#include "tests/tap.h"

/* The table as gc-subscribe(1) tells it; a cell that is not here stays. */
static const struct {
	enum session_state state;
	enum session_event event;
	struct session_step step;
} cells[] = {
	{ ST_TOKEN, EV_TOKEN, { ST_CONNECT, ACT_CONNECT } },
	{ ST_TOKEN, EV_LOST, { ST_BACKOFF, ACT_BACKOFF } },
	{ ST_TOKEN, EV_STOP, { ST_DONE, ACT_FINISH } },
	{ ST_CONNECT, EV_CONNECTED, { ST_UPGRADE, ACT_UPGRADE } },
	{ ST_CONNECT, EV_LOST, { ST_BACKOFF, ACT_BACKOFF } },
	{ ST_CONNECT, EV_STOP, { ST_DONE, ACT_FINISH } },
	{ ST_UPGRADE, EV_UPGRADED, { ST_STREAM, ACT_OPEN } },
	{ ST_UPGRADE, EV_LOST, { ST_BACKOFF, ACT_BACKOFF } },
	{ ST_UPGRADE, EV_STOP, { ST_DONE, ACT_FINISH } },
	{ ST_STREAM, EV_LOST, { ST_BACKOFF, ACT_BACKOFF } },
	{ ST_STREAM, EV_EXPIRING, { ST_CLOSE, ACT_CLOSE } },
	{ ST_STREAM, EV_STOP, { ST_STOP, ACT_CLOSE } },
	{ ST_CLOSE, EV_LOST, { ST_TOKEN, ACT_ROTATE } },
	{ ST_CLOSE, EV_CLOSED, { ST_TOKEN, ACT_ROTATE } },
	{ ST_CLOSE, EV_STOP, { ST_STOP, ACT_NONE } },
	{ ST_BACKOFF, EV_RETRY, { ST_TOKEN, ACT_TOKEN } },
	{ ST_BACKOFF, EV_STOP, { ST_DONE, ACT_FINISH } },
	{ ST_STOP, EV_LOST, { ST_DONE, ACT_FINISH } },
	{ ST_STOP, EV_CLOSED, { ST_DONE, ACT_FINISH } },
};

static void
test_cells(void)
{
	for (int s = 0; s < ST_COUNT; s++)
		for (int e = 0; e < EV_COUNT; e++) {
			struct session_step want = { s, ACT_NONE };
			struct session_step got = session_step(s, e);

			for (size_t i = 0; i < sizeof(cells) /
			    sizeof(cells[0]); i++)
				if ((int)cells[i].state == s &&
				    (int)cells[i].event == e)
					want = cells[i].step;
			ok(got.next == want.next &&
			    got.action == want.action, "%s, event %d",
			    session_state_name(s), e);
		}
}

static void
test_attempts(void)
{
	struct session_policy p = { { 2000, 30000, 1000 }, 3, 60000 };
	struct session_tries t = { 1, 0 };
	struct session_wait w;

	w = session_failed(&p, &t, -1, 0);
	ok(w.delay_ms == 2000 && !w.failover, "the first delay");
	t.attempts++;
	w = session_failed(&p, &t, -1, UINT32_MAX);
	ok(w.delay_ms >= 4999 && w.delay_ms <= 5000, "doubled, with jitter");
	w = session_failed(&p, &t, 90000, 0);
	is_int(w.delay_ms, 90000, "Retry-After above the cap");
	t.attempts++;
	w = session_failed(&p, &t, -1, 0);
	ok(w.failover && w.delay_ms == 29000, "used up: failover, capped");
	w = session_failed(&p, &t, -1, UINT32_MAX);
	ok(w.failover && w.delay_ms <= 30000, "and so each time after");
}

int
main(void)
{
	test_cells();
	test_attempts();
	return done();
}
