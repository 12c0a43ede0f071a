/* A line of the stream into the roster: CONTRACT section 6. */
#include <string.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/hear.h"
#include "lib/settle.h"

#define ACT_ON (EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_FAILOVER) | \
    EVENT_BIT(EVENT_MEMBERS) | EVENT_BIT(EVENT_BARRIER) | \
    EVENT_BIT(EVENT_AGENT) | EVENT_BIT(EVENT_STATE))

/* Our own go on from what we are told, and must stay what can be read. */
#define SEQ_MAX (SLICE_NUMBER_MAX / 2)

static const char too_long[] =
    "its agent's record would be longer than 1 MiB";

/* Say what the event shows about the tier, which it has not changed yet. */
static void
ask_sequence(struct app *app, struct agent *a, const struct tier *held)
{
	buf_reset(&app->detail);
	record_gap_detail(&app->detail, held, &app->ev);
	doubt_ask(app, a, ASK_SEQUENCE, app->detail.data);
}

/* The line is no change, but it may be a doubt. */
static void
fold_old(struct app *app, struct agent *a, const struct agent_verdict *v)
{
	struct tier *t = agent_tier(a, app->ev.tier.queue_id);

	*(v->fate == AGENT_STALE ? &app->counts.stale :
	    &app->counts.duplicate) += 1;
	if (!v->gap)
		return;
	agent_doubt(a, t, ++app->roster.seq);
	store_mark(app, a);
	ask_sequence(app, a, t);
}

/* An agent that is not known. */
static struct agent *
meet(struct app *app, struct text user_id)
{
	bool fresh;
	struct agent *a = roster_add(&app->roster, user_id, &fresh);

	/* what is not told of it waits from now on */
	agent_touch(a, app->now_ms);
	return a;
}

/* Would every line that it makes be one? */
static bool
fits(struct agent *a, const struct event *ev, struct agent_verdict v)
{
	return (v.fate != AGENT_APPLIED || record_has_room(a, ev)) &&
	    (!v.gap || record_gap_most(agent_tier(a, ev->tier.queue_id), ev)
	    <= NDJSON_LINE_MAX);
}

/* An event was applied: how long ago it had happened, by our clock.  A frame
 * tells parts that changed before as well. */
static void
count_applied(struct app *app)
{
	const struct told *told[] = { &app->ev.tier.at,
	    &app->ev.parts.presence.at, &app->ev.parts.active.at };
	int64_t lag_ms = INT64_MAX, this_ms;

	app->counts.applied++;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		if (told[i]->text.p == NULL)
			continue;
		this_ms = app->wall_ms - stamp_to_ms(told[i]->stamp);
		lag_ms = this_ms < lag_ms ? this_ms : lag_ms;
	}
	if (lag_ms != INT64_MAX)
		app->counts.lag_ms = lag_ms > 0 ? (uint64_t)lag_ms : 0;
}

static void
apply(struct app *app, struct agent *a, struct agent_verdict v, bool fresh)
{
	const struct event *ev = &app->ev;

	count_applied(app);
	a->seq = ++app->roster.seq;
	if (v.gap)
		ask_sequence(app, a, agent_tier(a, ev->tier.queue_id));
	agent_take(a, ev, v, a->seq, app->now_ms);
	if (fresh && ev->tier.queue_id.p != NULL) {
		/* what it does elsewhere is not known */
		agent_doubt(a, NULL, a->seq);
		agent_touch(a, app->now_ms);
		doubt_ask(app, a, ASK_START, NULL);
	}
	print_agent(app, a, false);
}

static void
fold_status(struct app *app)
{
	const struct event *ev = &app->ev;
	struct agent_verdict v;
	struct agent *a;
	bool fresh;

	a = roster_add(&app->roster, ev->user_id, &fresh);
	v = agent_judge(a, ev);
	if (!fits(a, ev, v)) {
		if (fresh)
			roster_remove(&app->roster, a);
		filter_reject(&app->filter, too_long);
		return;
	}
	app->counts.events++;
	if (v.fate == AGENT_APPLIED)
		apply(app, a, v, fresh);
	else
		fold_old(app, a, &v);
}

/* Would the record that an answer or a record makes of it be a line? */
static bool
fits_record(struct agent *a, const struct event *ev)
{
	bool frame = ev->kind == EVENT_FRAME;
	size_t most = record_most(a, &ev->tier, ev->queues.tiers,
	    frame ? 0 : ev->queues.count,
	    frame ? (struct text){ NULL, 0 } : ev->name, &ev->parts);

	if (most > NDJSON_LINE_MAX)
		return false;
	a->record_most = (uint32_t)most;
	return true;
}

/* What the platform tells of a user. */
static void
fold_frame(struct app *app)
{
	const struct event *ev = &app->ev;
	uint64_t seq = app->roster.seq + 1;
	enum agent_fate fate;
	struct agent *a;
	bool fresh;

	a = roster_add(&app->roster, ev->user_id, &fresh);
	if (!fits_record(a, ev)) {
		if (fresh)
			roster_remove(&app->roster, a);
		filter_reject(&app->filter, too_long);
		return;
	}
	app->counts.events++;
	if (fresh)
		agent_touch(a, app->now_ms);
	fate = hear_frame(a, ev, seq, app->now_ms);
	if (fate != AGENT_APPLIED) {
		*(fate == AGENT_STALE ? &app->counts.stale :
		    &app->counts.duplicate) += 1;
		return;
	}
	count_applied(app);
	app->roster.seq = seq;
	if (fresh && ev->tier.status.p == NULL) {
		/* what else it does is not known */
		agent_doubt(a, NULL, seq);
		doubt_ask(app, a, ASK_START, NULL);
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

const char *
fold_state(struct app *app, struct event *ev)
{
	struct settle_answer answer;
	struct agent *a = roster_get(&app->roster, ev->user_id);
	bool fresh = a == NULL;

	if (fresh && ev->tier.status.p == NULL && ev->queues.count == 0 &&
	    !parts_say(&ev->parts))
		return NULL;	/* nobody, of whom nothing is said */
	if (fresh)
		a = meet(app, ev->user_id);
	if (!fits_record(a, ev)) {
		if (fresh)
			roster_remove(&app->roster, a);
		else
			doubt_unverified(app, a, ev->seq);
		return too_long;
	}
	app->counts.answers++;
	answer = settle_state(a, ev, app->roster.seq + 1, app->now_ms);
	doubt_answered(app, a, ev->seq, answer.refused);
	if (answer.gone) {
		forget_agent(app, a);
	} else if (answer.changed) {
		app->roster.seq++;
		print_agent(app, a, false);
	}
	return NULL;
}

/* It is gone, another roster says. */
static void
fold_gone(struct app *app, const char *line, size_t raw)
{
	struct agent *a = roster_get(&app->roster, app->ev.user_id);

	if (app->ev.seq > app->roster.seq)
		app->roster.seq = app->ev.seq;
	if (a == NULL || app->ev.seq <= a->seq)
		return;
	doubt_forget(app, a);
	a->seq = app->ev.seq;
	store_gone(app, a);
	roster_remove(&app->roster, a);
	if (!app->opt.snapshot)
		filter_put(&app->filter, line, raw);
}

/* Another roster's record, or our own from a cache. */
static void
fold_agent(struct app *app, const char *line, size_t raw)
{
	struct event *ev = &app->ev;
	struct agent *a = roster_get(&app->roster, ev->user_id);
	bool fresh = a == NULL;
	enum settle_merge merged;

	if (fresh)
		a = meet(app, ev->user_id);
	if (!fits_record(a, ev)) {
		if (fresh)
			roster_remove(&app->roster, a);
		filter_reject(&app->filter, too_long);
		return;
	}
	if (ev->seq > app->roster.seq)
		app->roster.seq = ev->seq;
	merged = settle_agent(a, ev, app->roster.seq + 1, app->now_ms);
	if (fresh)
		merged = SETTLE_TAKEN;
	if (a->seq > app->roster.seq)
		app->roster.seq = a->seq;
	if (merged != SETTLE_OLDER)
		store_mark(app, a);
	if (merged == SETTLE_MIXED)
		print_agent(app, a, false);
	else if (merged == SETTLE_TAKEN && !app->opt.snapshot)
		filter_put(&app->filter, line, raw);
}

static void
fold_members(struct app *app)
{
	struct event *ev = &app->ev;
	struct agent *a;
	bool fresh;

	for (size_t i = 0; i < ev->agents.count; i++) {
		a = roster_add(&app->roster, ev->agents.ids[i], &fresh);
		if (fresh)
			doubt_agent(app, a, ASK_START);
	}
	for (size_t i = 0; i < ev->left.count; i++)
		if ((a = roster_get(&app->roster, ev->left.ids[i])) != NULL)
			forget_agent(app, a);
}

/*
 * Whom the next line is about is likely told at the same place as in the
 * last event's, and as long: a guess, which is checked by nobody, as it
 * changes nothing but when memory is fetched.
 */
static void
look_ahead(struct app *app, const char *next)
{
	const struct buf *in = &app->filter.in.buf;
	uint32_t len = app->ev.user_id.len;

	roster_meet(&app->roster);
	if (app->id_at > 0 && next + app->id_at + len <= in->data + in->len)
		roster_expect(&app->roster, (struct text){
		    next + app->id_at, len });
}

void
fold_line(struct app *app, const char *line, size_t len, size_t raw)
{
	struct event *ev = &app->ev;
	const char *why;

	look_ahead(app, line + raw);
	why = event_parse(ev, line, len, ACT_ON);
	roster_approach(&app->roster);
	app->id_at = 0;
	if (why == NULL && ev->kind == EVENT_AGENT && ev->seq > SEQ_MAX)
		why = "seq is higher than any roster's";
	if (why != NULL) {
		filter_reject(&app->filter, why);
		return;
	}
	if (ev->kind == EVENT_STATUS) {
		if (ev->user_id.p > line && ev->user_id.p < line + len)
			app->id_at = (size_t)(ev->user_id.p - line);
		fold_status(app);
		return;
	}
	if (ev->kind == EVENT_FRAME && hear_says(ev)) {
		fold_frame(app);
		return;
	}
	if (ev->control) {
		loop_forward(app, line, raw);
		terminal_control(app, line, len);
	}
	if (ev->kind == EVENT_STATE) {
		if ((why = fold_state(app, ev)) != NULL)
			filter_reject(&app->filter, why);
		return;
	}
	if (ev->kind == EVENT_AGENT) {
		if (ev->gone)
			fold_gone(app, line, raw);
		else
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
	a = meet(app, ev->user_id);
	settle_agent(a, ev, ev->seq, app->now_ms);
	a->seq = ev->seq;
	return NULL;
}
