/* One channel: what the actions of its table do. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/log.h"

#define HELD_CAP (8 << 20)
#define CLOSE_MS 5000		/* for the server's close frame, the DELETE */
#define LAST_MS 3000		/* the same at the end: STOP_MS is for all */
#define EVICTED_MS (3600 * INT64_C(1000))	/* its cause is said so often */

struct link *
link_new(struct slot *slot)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->app = slot->app;
	l->slot = slot;
	l->retry_ms = l->step_ms = l->close_ms = l->ping_ms = CLOCK_NEVER;
	l->renew_ms = l->healthy_ms = l->linger_ms = CLOCK_NEVER;
	l->switch_ms = CLOCK_NEVER;
	l->retry_after_ms = -1;
	l->state = CH_BACKOFF;
	buf_init(&l->held, HELD_CAP);
	TAILQ_INSERT_TAIL(&slot->app->fleet->links, l, entry);
	return l;
}

void
link_del(struct link *l)
{
	rest_cancel(l->app->fleet->rest, l);
	plug_drop(l);
	TAILQ_REMOVE(&l->app->fleet->links, l, entry);
	platform_channel_free(&l->channel);
	if (l->target.path != NULL)
		explicit_bzero(l->target.path, strlen(l->target.path));
	transport_target_free(&l->target);
	carried_free(&l->sent);
	carried_free(&l->carried);
	free(l);
}

#define SECRET_MIN 4		/* bytes: what is shorter gives nothing away */

static void
mask(char *text, const char *secret)
{
	size_t len = secret != NULL ? strlen(secret) : 0;
	char *at = text;

	while (len >= SECRET_MIN && (at = strstr(at, secret)) != NULL)
		memset(at, '*', len);
}

/* The channel's id and the rest of its address are secrets, whoever tells
 * them, and in whatever part of it they stand. */
void
link_mask(const struct link *l, char *text)
{
	char *path = xstrdup(l->target.path != NULL ? l->target.path : "");
	char *query, *last;

	mask(text, path);
	query = strchr(path, '?');
	if (query != NULL) {
		*query++ = '\0';
		mask(text, query);
	}
	last = strrchr(path, '/');
	mask(text, last != NULL ? last + 1 : NULL);
	mask(text, l->channel.id);
	explicit_bzero(path, strlen(path));
	free(path);
}

/* --- open --------------------------------------------------------------- */

static void
tell_closed(struct link *l, const char *next, int64_t delay_ms)
{
	struct slot *s = l->slot;
	struct buf line;

	if (!s->is_open || s->link != l)
		return;
	s->is_open = false;
	s->closed_ms = l->app->now_ms;
	l->app->drops++;
	line_init(&line);
	line_closed(&line, s->number, clock_wall_ms(), l->close_code,
	    l->close_reason, l->close_by ? l->close_by : "network", next,
	    delay_ms);
	line_tell(l->app, &line);
	l->close_by = NULL;
}

static void
say_close(struct link *l, const char *by, unsigned code, const char *reason)
{
	l->close_by = by;
	l->close_code = code;
	snprintf(l->close_reason, sizeof(l->close_reason), "%s", reason);
}

void
link_count(struct link *l)
{
	l->slot->rejected = l->carried.rejected_count;
	l->slot->permitted = l->carried.topics.count - l->slot->rejected;
}

/* The successor takes the place: what the old one still has goes first. */
static bool
take_over(struct link *l)
{
	struct slot *s = l->slot;
	struct link *old = s->link;
	bool seamless = s->is_open;

	if (old == l)
		return false;
	if (old != NULL) {
		plug_drain(old);
		say_close(old, "client", 1000, "rotate");
		tell_closed(old, "rotate", 0);
	}
	s->link = l;
	s->next = NULL;
	if (old != NULL)
		link_perform(old, CE_REPLACED);
	l->app->fleet->changes++;
	return seamless;
}

static void
opened(struct link *l)
{
	struct app *app = l->app;
	struct slot *s = l->slot;
	bool seamless = take_over(l);
	int64_t down_ms = app->now_ms - s->closed_ms;

	app->opens++;
	s->is_open = true;
	link_count(l);
	l->close_by = NULL;
	l->healthy_ms = app->now_ms + app->opt.policy.healthy_ms;
	l->settled_ms = app->now_ms + app->opt.policy.backoff.base_ms;
	feed_open(l, seamless ? 0 : down_ms > 0 ? down_ms : 1);
	s->opened_ever = true;
	feed_release(l);
	log_note("socket %u is open: %zu topics", s->number, s->permitted);
	if (l->dirty)
		link_perform(l, CE_RENEW);
}

static void
renewed(struct link *l)
{
	l->app->fleet->renewals++;
	if (l->slot->link == l)
		feed_members(l->slot, false);
	if (l->dirty)
		link_perform(l, CE_RENEW);
}

void
link_retire(struct link *l)
{
	plug_drain(l);
	say_close(l, "client", 1000, "not needed");
	tell_closed(l, "stop", 0);
	link_perform(l, CE_REPLACED);
}

/* --- losing ------------------------------------------------------------- */

void
link_lose(struct link *l, const char *by, unsigned code, const char *reason)
{
	if (l->close_by == NULL)
		say_close(l, by, code, reason);
	err_set(&l->lost, GC_EX_UNAVAILABLE, "connection lost: %s", reason);
	link_perform(l, CE_LOST);
}

void
link_move(struct link *l)
{
	rest_cancel(l->app->fleet->rest, l);
	l->deleting = false;
	platform_channel_free(&l->channel);
	if (l->ws != NULL) {
		websocket_close(l->ws, 1000, NULL);
		plug_write(l);
	}
	link_lose(l, "client", 1000, "the configuration has another place");
}

static void
say_evicted(struct app *app)
{
	struct fleet *f = app->fleet;

	f->evictions++;
	if (f->evicted_told_ms != 0 &&
	    app->now_ms - f->evicted_told_ms < EVICTED_MS)
		return;
	f->evicted_told_ms = app->now_ms;
	log_warn("the platform took a channel away; has the OAuth client more "
	    "than 20, in all its processes?");
}

/* Before anything was open, some failures are for people. */
static bool
is_fatal(struct link *l)
{
	struct app *app = l->app;
	int code = l->lost.code;

	if (fleet_opened_ever(app) ||
	    (code != GC_EX_NOPERM && code != GC_EX_CONFIG))
		return false;
	/* a forced renewal of the token is on its way */
	if (l->by_answer && code == GC_EX_NOPERM &&
	    app->fleet->refusals == 1)
		return false;
	log_error(code == GC_EX_CONFIG ? "%s; is this the right place? See "
	    "GC_REGION" : "%s", l->lost.msg);
	fleet_stop(app, code);
	return true;
}

static void
back_off(struct link *l)
{
	struct app *app = l->app;
	struct slot *s = l->slot;
	struct session_wait w;

	rest_cancel(app->fleet->rest, l);
	l->asking = false;
	l->renew_ms = CLOCK_NEVER;
	if (is_fatal(l))
		return;
	if (s->link == l && s->next != NULL) {
		/* the successor is on its way: it is what comes next */
		tell_closed(l, "reconnect", 0);
		s->link = s->next;
		s->next = NULL;
		if (s->link->switch_ms != CLOCK_NEVER)
			s->link->switch_ms = app->now_ms;
		plug_drop(l);
		link_perform(l, CE_REPLACED);
		return;
	}
	w = session_failed(&app->opt.policy, &s->tries, l->retry_after_ms,
	    arc4random());
	if (l->retry_after_ms > app->opt.policy.backoff.cap_ms)
		log_warn("the server asks for %lld ms of patience",
		    (long long)l->retry_after_ms);
	l->retry_after_ms = -1;
	l->by_answer = false;
	tell_closed(l, "reconnect", w.delay_ms);
	log_warn("socket %u: %s; again in %lld ms", s->number, l->lost.msg,
	    (long long)w.delay_ms);
	plug_drop(l);
	l->retry_ms = app->now_ms + w.delay_ms;
	if (!w.failover || s->link != l)
		return;
	line_failover(app, s->number, s->tries.attempts);
	if (app->opt.give_up) {
		log_error("%u attempts are used up", s->tries.attempts);
		fleet_stop(app, GC_EX_UNAVAILABLE);
	}
}

/* --- the farewell ------------------------------------------------------- */

void
link_ended(struct link *l)
{
	/* told at once: the DELETE may hang */
	if (l->ws == NULL && l->state == CH_STOP)
		tell_closed(l, "stop", 0);
	if (l->ws == NULL && !l->deleting)
		link_perform(l, CE_CLOSED);
}

void
link_hurry(struct link *l)
{
	int64_t last_ms = l->app->now_ms + LAST_MS;

	if (l->close_ms > last_ms)
		l->close_ms = last_ms;
}

static void
farewell(struct link *l)
{
	rest_cancel(l->app->fleet->rest, l);
	l->asking = false;
	l->retry_ms = l->renew_ms = l->ping_ms = l->linger_ms = CLOCK_NEVER;
	if (l->state == CH_STOP)
		say_close(l, "client", 1000, "stop");
	if (l->ws != NULL) {
		websocket_close(l->ws, 1000, NULL);
		plug_write(l);
	} else {
		plug_drop(l);
	}
	l->close_ms = l->app->now_ms + CLOSE_MS;
	if (l->channel.id != NULL && l->put_once)
		ask_delete(l);
	/* with nothing to wait for it is over at the next look */
	if (l->ws == NULL && !l->deleting)
		l->close_ms = l->app->now_ms;
}

static void
finish(struct link *l)
{
	tell_closed(l, "stop", 0);
	rest_cancel(l->app->fleet->rest, l);
	plug_drop(l);
	l->close_ms = CLOCK_NEVER;
}

void
link_perform(struct link *l, enum channel_event event)
{
	struct channel_step step = channel_step(l->state, event);

	if (step.next != l->state)
		log_detail("socket %u: %s -> %s", l->slot->number,
		    channel_state_name(l->state),
		    channel_state_name(step.next));
	l->state = step.next;
	switch (step.action) {
	case CA_NONE:
		break;
	case CA_CHECK:
		l->retry_ms = CLOCK_NEVER;
		ask_check(l);
		break;
	case CA_CREATE:
		ask_create(l);
		break;
	case CA_CONNECT:
		plug_connect(l);
		break;
	case CA_UPGRADE:
		plug_upgrade(l);
		break;
	case CA_SUBSCRIBE:
		ask_subscribe(l);
		break;
	case CA_OPEN:
		opened(l);
		break;
	case CA_RENEWED:
		renewed(l);
		break;
	case CA_FORGET:
		say_evicted(l->app);
		platform_channel_free(&l->channel);
		back_off(l);
		break;
	case CA_BACKOFF:
		back_off(l);
		break;
	case CA_CLOSE:
		farewell(l);
		break;
	case CA_FINISH:
		finish(l);
		break;
	}
}
