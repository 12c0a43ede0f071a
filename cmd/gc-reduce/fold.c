/* A line of the stream into the roster: CONTRACT section 6. */
#include <string.h>

#include "cmd/gc-reduce/reduce.h"

#define ACT_ON (EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_FAILOVER) | \
    EVENT_BIT(EVENT_MEMBERS) | EVENT_BIT(EVENT_BARRIER) | \
    EVENT_BIT(EVENT_AGENT) | EVENT_BIT(EVENT_STATE))

/* The line is no change, but it may be a doubt. */
static void
fold_old(struct app *app, struct agent *a, const struct agent_verdict *v)
{
	const struct event *ev = &app->ev;
	struct tier *t = agent_tier(a, ev->tier.queue_id);

	*(v->fate == AGENT_STALE ? &app->counts.stale :
	    &app->counts.duplicate) += 1;
	if (!v->gap)
		return;
	agent_doubt(a, t, ++app->roster.seq);
	store_mark(app, a);
	buf_reset(&app->line);
	record_gap_sequence(&app->line, a, t, ev, a->seq, app->wall_ms);
	doubt_ask(app, a, ASK_SEQUENCE);
}

static void
fold_status(struct app *app)
{
	const struct event *ev = &app->ev;
	struct agent_verdict v;
	struct agent *a;
	uint64_t seq;
	bool fresh;

	app->counts.events++;
	a = roster_add(&app->roster, ev->user_id, &fresh);
	v = agent_judge(a, ev);
	if (v.fate != AGENT_APPLIED) {
		fold_old(app, a, &v);
		return;
	}
	app->counts.applied++;
	seq = ++app->roster.seq;
	if (v.gap) {
		buf_reset(&app->line);
		record_gap_sequence(&app->line, a,
		    agent_tier(a, ev->tier.queue_id), ev, seq, app->wall_ms);
		a->seq = seq;
		doubt_ask(app, a, ASK_SEQUENCE);
	}
	agent_take(a, ev, v, seq, app->now_ms);
	if (fresh && ev->tier.queue_id.p != NULL) {
		/* what it does elsewhere is not known */
		agent_doubt(a, NULL, seq);
		buf_reset(&app->line);
		record_gap(&app->line, a, ASK_START, seq, app->wall_ms);
		doubt_ask(app, a, ASK_START);
	}
	print_agent(app, a, false);
}

void
forget_agent(struct app *app, struct agent *a)
{
	a->seq = ++app->roster.seq;
	print_agent(app, a, true);
	store_gone(app, a);
	doubt_forget(app, a);
	roster_remove(&app->roster, a);
}

void
fold_state(struct app *app, struct event *ev)
{
	struct agent_answer answer;
	struct agent *a = roster_get(&app->roster, ev->user_id);
	bool fresh = a == NULL;

	if (fresh && ev->tier.status.p == NULL) {
		struct slice key, value;
		const char *at = ev->queues.p + 1;

		if (ev->queues.kind != SCAN_OBJECT ||
		    !slice_next(ev->queues, &at, &key, &value))
			return;		/* nobody, of whom nothing is said */
	}
	if (fresh)
		a = roster_add(&app->roster, ev->user_id, &fresh);
	answer = agent_settle(a, ev, app->roster.seq + 1, app->now_ms);
	doubt_answered(app, a, ev->seq, answer.refused);
	if (answer.gone) {
		forget_agent(app, a);
	} else if (answer.changed) {
		app->roster.seq++;
		print_agent(app, a, false);
	}
}

/* Another roster's record, or our own from a cache. */
static void
fold_agent(struct app *app, const char *line, size_t raw)
{
	struct event *ev = &app->ev;
	struct agent *a = roster_get(&app->roster, ev->user_id);
	enum agent_merge merged;
	bool fresh;

	if (ev->seq > app->roster.seq)
		app->roster.seq = ev->seq;
	if (ev->gone) {
		if (a == NULL || ev->seq <= a->seq)
			return;
		doubt_forget(app, a);
		a->seq = ev->seq;
		store_gone(app, a);
		roster_remove(&app->roster, a);
		merged = AGENT_TAKEN;
	} else {
		a = roster_add(&app->roster, ev->user_id, &fresh);
		merged = agent_merge(a, ev, app->now_ms);
		if (fresh)
			merged = AGENT_TAKEN;
		if (merged != AGENT_OLDER)
			store_mark(app, a);
	}
	if (merged == AGENT_MIXED)
		print_agent(app, a, false);
	else if (merged == AGENT_TAKEN && !app->opt.snapshot)
		filter_put(&app->filter, line, raw);
}

static void
fold_members(struct app *app)
{
	struct event *ev = &app->ev;
	const char *at = NULL;
	struct text id;
	struct agent *a;
	bool fresh;

	while (event_id(ev, ev->agents, &at, &id) == 1) {
		a = roster_add(&app->roster, id, &fresh);
		if (fresh)
			doubt_agent(app, a, ASK_START);
	}
	at = NULL;
	while (event_id(ev, ev->left, &at, &id) == 1)
		if ((a = roster_get(&app->roster, id)) != NULL)
			forget_agent(app, a);
}

void
fold_line(struct app *app, const char *line, size_t len, size_t raw)
{
	struct event *ev = &app->ev;
	const char *why = event_parse(ev, line, len, ACT_ON);

	if (why != NULL) {
		filter_reject(&app->filter, why);
		return;
	}
	if (ev->kind == EVENT_STATUS) {
		fold_status(app);
		return;
	}
	if (ev->control)
		loop_forward(app, line, raw);
	if (ev->kind == EVENT_STATE) {
		fold_state(app, ev);
		return;
	}
	if (ev->kind == EVENT_AGENT) {
		fold_agent(app, line, raw);
		return;
	}
	if (ev->kind == EVENT_BARRIER) {
		store_barrier(app, line, raw);
		return;
	}
	if (!app->opt.snapshot)
		filter_put(&app->filter, line, raw);
	if (ev->kind == EVENT_OPEN) {
		loop_keep_open(app, ev->socket, line, raw);
		doubt_open(app, ev);
	} else if (ev->kind == EVENT_FAILOVER) {
		doubt_failover(app, ev->socket);
	} else if (ev->kind == EVENT_MEMBERS) {
		fold_members(app);
	}
}

/* A line of the roster's journal: the last one an agent has counts. */
const char *
fold_journal(void *arg, const char *line, size_t len)
{
	struct app *app = arg;
	struct event *ev = &app->ev;
	struct agent *a;
	const char *why;
	bool fresh;

	why = event_parse(ev, line, len, EVENT_BIT(EVENT_AGENT));
	if (why != NULL)
		return why;
	if (ev->kind != EVENT_AGENT)
		return "it is no gc:agent line";
	a = roster_get(&app->roster, ev->user_id);
	if (a != NULL)
		roster_remove(&app->roster, a);
	if (ev->seq > app->roster.seq)
		app->roster.seq = ev->seq;
	if (ev->gone) {
		/* the newline is behind it */
		store_keep_gone(app, line, len + 1);
		return NULL;
	}
	a = roster_add(&app->roster, ev->user_id, &fresh);
	agent_merge(a, ev, app->now_ms);
	a->seq = ev->seq;
	return NULL;
}
