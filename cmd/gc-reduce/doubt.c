/* Who is doubted, and when they are asked about: CONTRACT section 6,
 * rules 3 and 4. */
#include <stdlib.h>

#include "cmd/gc-reduce/reduce.h"
#include "lib/die.h"

#define REFUSED_FIRST_MS 1000
#define UNVERIFIED_MAX_MS 3600000
#define AUDIT_STEP_MS 10	/* the audit looks no more often */
#define AUDIT_STEPS 100		/* and no less often in a period */
#define AUDIT_LOOKS 4		/* at each agent in a period */

void
doubts_init(struct app *app)
{
	struct doubts *d = &app->doubts;

	TAILQ_INIT(&d->waiting);
	for (size_t i = 0; i < RETRIES; i++)
		TAILQ_INIT(&d->retry[i]);
	d->poll_due_ms = CLOCK_NEVER;
	d->audited_ms = d->audit_due_ms = app->now_ms;
}

static void
stop_retry(struct app *app, struct agent *a)
{
	struct question *q = &a->question;

	if (q->again_ms != CLOCK_NEVER)
		TAILQ_REMOVE(&app->doubts.retry[q->again_list], a,
		    retry_link);
	q->again_ms = CLOCK_NEVER;
}

/* base doubled n times, at most most. */
static int64_t
doubled(int64_t base_ms, unsigned n, int64_t most_ms)
{
	while (n-- > 0 && base_ms < most_ms)
		base_ms *= 2;
	return base_ms < most_ms ? base_ms : most_ms;
}

static unsigned
retry_list(unsigned kind, unsigned n)
{
	return kind + (n < RETRIES_OF_A_KIND ? n : RETRIES_OF_A_KIND - 1);
}

static void
retry_in(struct app *app, struct agent *a, int64_t ms, unsigned list)
{
	stop_retry(app, a);
	a->question.again_ms = app->now_ms + ms;
	a->question.again_list = list;
	TAILQ_INSERT_TAIL(&app->doubts.retry[list], a, retry_link);
}

void
doubt_wait(struct app *app, struct agent *a)
{
	if (!a->question.waiting)
		TAILQ_INSERT_TAIL(&app->doubts.waiting, a, waiting_link);
	a->question.waiting = true;
}

/* The question is answered, or nobody's any more. */
static void
close_question(struct app *app, struct agent *a)
{
	stop_retry(app, a);
	if (a->question.waiting)
		TAILQ_REMOVE(&app->doubts.waiting, a, waiting_link);
	a->question.waiting = a->question.open = false;
}

static void
set_detail(struct question *q, const char *detail)
{
	if (detail == q->detail)
		return;
	free(q->detail);
	q->detail = detail != NULL ? xstrdup(detail) : NULL;
}

void
doubt_forget(struct app *app, struct agent *a)
{
	close_question(app, a);
	set_detail(&a->question, NULL);
}

void
doubt_ask(struct app *app, struct agent *a, enum ask_reason reason,
    const char *detail)
{
	struct question *q = &a->question;

	app->counts.gaps++;
	buf_reset(&app->line);
	record_gap(&app->line, a, reason, a->seq, detail, app->wall_ms);
	print_line(app);
	if (!app->loop.used)
		return;
	stop_retry(app, a);
	/* the more urgent reason stays; the seq is today's */
	if (!q->open || reason <= q->reason) {
		q->reason = reason;
		set_detail(q, detail);
	}
	q->open = true;
	q->seq = a->seq;
	doubt_wait(app, a);
}

void
doubt_agent(struct app *app, struct agent *a, enum ask_reason reason)
{
	if (a->question.open && reason >= ASK_POLL)
		return;
	agent_doubt(a, NULL, ++app->roster.seq);
	agent_touch(a, app->now_ms);
	store_mark(app, a);
	doubt_ask(app, a, reason, NULL);
}

void
doubt_everyone(struct app *app, enum ask_reason reason)
{
	for (size_t i = 0; i < app->roster.count; i++)
		doubt_agent(app, app->roster.list[i], reason);
}

void
doubt_loaded(struct app *app)
{
	app->doubts.start_due = app->roster.count > 0;
	for (size_t i = 0; i < app->roster.count; i++)
		if (agent_is_doubted(app->roster.list[i]))
			doubt_agent(app, app->roster.list[i], ASK_START);
}

/* The agents that a gc:open names: all that are missed, or the new ones. */
static void
doubt_named(struct app *app, struct event *ev)
{
	struct agent *a;
	bool fresh;

	for (size_t i = 0; i < ev->agents.count; i++) {
		a = roster_add(&app->roster, ev->agents.ids[i], &fresh);
		if (fresh)
			doubt_agent(app, a, ASK_START);
		else if (ev->missed)
			doubt_agent(app, a, ASK_RECONNECT);
	}
}

static void
end_failover(struct doubts *d, uint64_t socket)
{
	bool any = false;

	if (socket < SOCKETS_MAX)
		d->failed[socket] = false;
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		any = any || d->failed[i];
	if (!any)
		d->poll_due_ms = CLOCK_NEVER;
}

void
doubt_open(struct app *app, struct event *ev)
{
	struct doubts *d = &app->doubts;

	end_failover(d, ev->socket);
	if (d->start_due) {
		d->start_due = false;
		doubt_everyone(app, ASK_START);
		ev->missed = false;
	} else if (ev->missed && !ev->agents.told) {
		doubt_everyone(app, ASK_RECONNECT);
	}
	if (ev->agents.told)
		doubt_named(app, ev);
}

void
doubt_failover(struct app *app, uint64_t socket)
{
	struct doubts *d = &app->doubts;

	d->failed[socket < SOCKETS_MAX ? socket : SOCKETS_MAX - 1] = true;
	if (d->poll_due_ms != CLOCK_NEVER)
		return;
	/* at once: who is met by the lines behind it is not meant */
	d->poll_due_ms = app->now_ms + app->opt.poll_ms;
	doubt_everyone(app, ASK_POLL);
}

void
doubt_answered(struct app *app, struct agent *a, uint64_t seq, bool refused)
{
	struct question *q = &a->question;

	if (!app->loop.used || (q->open && seq < q->seq))
		return;		/* the answer to the later one is to come */
	close_question(app, a);
	q->failures = 0;
	if (!refused) {
		q->refusals = 0;
		set_detail(q, NULL);
		return;
	}
	retry_in(app, a, doubled(REFUSED_FIRST_MS, q->refusals,
	    app->opt.poll_ms), retry_list(0, q->refusals));
	q->refusals++;
}

void
doubt_unverified(struct app *app, struct agent *a, uint64_t seq)
{
	struct question *q = &a->question;

	if (!app->loop.used || (q->open && seq < q->seq))
		return;
	close_question(app, a);
	retry_in(app, a, doubled(app->opt.poll_ms, q->failures,
	    UNVERIFIED_MAX_MS), retry_list(RETRIES_OF_A_KIND, q->failures));
	q->failures++;
}

/* One list's; when its next is due. */
static int64_t
tick_retry_list(struct app *app, struct agent_list *list)
{
	struct agent *a;

	while ((a = TAILQ_FIRST(list)) != NULL) {
		if (a->question.again_ms > app->now_ms)
			return a->question.again_ms;
		stop_retry(app, a);
		if (agent_is_doubted(a))
			doubt_ask(app, a, a->question.reason,
			    a->question.detail);
		else
			set_detail(&a->question, NULL);
	}
	return CLOCK_NEVER;
}

static int64_t
tick_retry(struct app *app)
{
	int64_t due = CLOCK_NEVER, at;

	for (size_t i = 0; i < RETRIES; i++)
		if ((at = tick_retry_list(app, &app->doubts.retry[i])) < due)
			due = at;
	return due;
}

static int64_t
tick_poll(struct app *app)
{
	struct doubts *d = &app->doubts;

	if (d->poll_due_ms > app->now_ms)
		return d->poll_due_ms;
	d->poll_due_ms = app->now_ms + app->opt.poll_ms;
	doubt_everyone(app, ASK_POLL);
	return d->poll_due_ms;
}

static double
at_most(double x, double most)
{
	return x < most ? x : most;
}

/*
 * Of whom the platform tells all are asked about at once: it is one walk of
 * its list, that many single requests it would not permit.  Then no one of
 * them is due for a period.
 */
static void
audit_together(struct app *app)
{
	struct agent *a;

	for (size_t i = 0; i < app->roster.count; i++) {
		a = app->roster.list[i];
		if (a->parts != NULL && !a->question.open)
			doubt_agent(app, a, ASK_AUDIT);
	}
}

/*
 * Whoever was neither changed nor confirmed for a period is asked about, but
 * no more than a period's even share of them in a step.  Each is looked at a
 * few times a period: that bounds the work, however many there are.
 */
static void
audit_some(struct app *app, size_t n)
{
	struct doubts *d = &app->doubts;
	double share = (double)n * (double)(app->now_ms - d->audited_ms) /
	    (double)app->opt.audit_ms;
	struct agent *a;

	d->audited_ms = app->now_ms;
	d->audit_budget = at_most(d->audit_budget + share, (double)n);
	d->audit_looks = at_most(d->audit_looks + AUDIT_LOOKS * share,
	    (double)n);
	while (d->audit_looks >= 1 && d->audit_budget >= 1) {
		a = app->roster.list[d->audit_next++ % n];
		d->audit_looks -= 1;
		if (a->question.open || app->now_ms - agent_touched_ms(a) <
		    app->opt.audit_ms)
			continue;
		if (a->parts != NULL)
			audit_together(app);
		else
			doubt_agent(app, a, ASK_AUDIT);
		d->audit_budget -= 1;
	}
	d->audit_next %= n;
	d->audit_budget = at_most(d->audit_budget, 1);
	d->audit_looks = at_most(d->audit_looks, AUDIT_LOOKS);
}

static int64_t
tick_audit(struct app *app)
{
	struct doubts *d = &app->doubts;
	size_t n = app->roster.count;
	int64_t step;

	if (app->opt.audit_ms == 0 || n == 0) {
		d->audited_ms = app->now_ms;
		return app->opt.audit_ms == 0 ? CLOCK_NEVER :
		    app->now_ms + app->opt.audit_ms;
	}
	if (app->now_ms < d->audit_due_ms)
		return d->audit_due_ms;
	audit_some(app, n);
	step = app->opt.audit_ms / (int64_t)(n > AUDIT_STEPS ? n :
	    AUDIT_STEPS);
	d->audit_due_ms = app->now_ms + (step > AUDIT_STEP_MS ? step :
	    AUDIT_STEP_MS);
	return d->audit_due_ms;
}

int64_t
doubt_tick(struct app *app)
{
	int64_t retry = tick_retry(app), poll = tick_poll(app);
	int64_t due = tick_audit(app);

	if (retry < due)
		due = retry;
	return poll < due ? poll : due;
}
