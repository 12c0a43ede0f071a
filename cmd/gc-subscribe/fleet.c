/* The whole of the channels protocol: the token, who is in scope, which
 * socket carries whom, changing over. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/log.h"

#define REST_JOBS 3
#define REST_RATE 240		/* in 60 s; the server may allow less */
#define REST_TIMEOUT_MS 15000
#define FORCED_MS 60000		/* a token's forced renewals are so far apart */

/* --- the token ---------------------------------------------------------- */

void
fleet_ask_token(struct app *app)
{
	app->fleet->token_ms = CLOCK_NEVER;
	app->fleet->token_running = true;
	start_token(app);
}

static void
forget_token(struct fleet *f)
{
	if (f->bearer != NULL)
		explicit_bzero(f->bearer, strlen(f->bearer));
	free(f->bearer);
	f->bearer = NULL;
}

static void
take_token(struct app *app)
{
	struct fleet *f = app->fleet;
	const char *token = app->token.access_token;

	f->token_failures = 0;
	if (f->bearer == NULL || strcmp(f->bearer, token) != 0) {
		forget_token(f);
		f->bearer = xstrdup(token);
		f->token_number++;
	}
	rest_bearer(f->rest, token);
	free(app->refused_token);
	app->refused_token = NULL;
}

void
fleet_token_event(struct app *app, enum session_event event)
{
	struct fleet *f = app->fleet;
	int64_t wait_ms;

	f->token_running = false;
	app->upgrade_ms = CLOCK_NEVER;
	if (event == EV_TOKEN) {
		take_token(app);
	} else if (event == EV_STOP) {
		fleet_stop(app, app->exit_code);
	} else {
		wait_ms = backoff_delay_ms(&app->opt.policy.backoff,
		    f->token_failures++, arc4random());
		log_warn("%s; again in %" PRId64 " ms", app->lost.msg,
		    wait_ms);
		f->token_ms = app->now_ms + wait_ms;
	}
}

/*
 * The configuration was read again, and a token is about to be asked for; who
 * is in scope is read again in any case.  In another place nothing is left of
 * what there was: its channels are unknown, its token is not for there, and
 * nothing is opened before it is known who is in scope there.
 */
void
fleet_reload(struct app *app, bool moved)
{
	struct fleet *f = app->fleet;
	struct link *l;

	rest_move(f->rest, app->config.api_url, app->config.cacert);
	scope_again(app);
	if (!moved)
		return;
	f->scope.elsewhere = f->scope.source_count > 0;
	forget_token(f);
	rest_bearer(f->rest, NULL);
	TAILQ_FOREACH(l, &f->links, entry)
		link_move(l);
}

/* Ask for another one now, and send nothing until it is there. */
bool
fleet_token_refused(struct app *app)
{
	struct fleet *f = app->fleet;

	if (f->token_running || f->stopping)
		return true;	/* a newer one is on its way */
	f->refusals++;
	if (f->forced_ms != 0 && app->now_ms - f->forced_ms < FORCED_MS)
		return false;
	f->forced_ms = app->now_ms;
	rest_bearer(f->rest, NULL);
	free(app->refused_token);
	app->refused_token = app->token.issued_at != NULL ?
	    xstrdup(app->token.issued_at) : NULL;
	fleet_ask_token(app);
	return true;
}

/* --- who is where ------------------------------------------------------- */

/* The topics of a channel are other ones: put them, now or next. */
static void
touch(struct link *l)
{
	if (l == NULL)
		return;
	if (l->state == CH_STREAM && !l->asking)
		link_perform(l, CE_RENEW);
	else if (l->asking || l->state == CH_SUBSCRIBE)
		l->dirty = true;
}

static void
apply(struct app *app, const struct shard_diff *diff)
{
	struct fleet *f = app->fleet;
	bool touched[SHARD_CHANNELS_MAX] = { false };

	for (size_t i = 0; i < diff->count; i++) {
		if (diff->moves[i].from >= 0)
			touched[diff->moves[i].from] = true;
		if (diff->moves[i].to >= 0)
			touched[diff->moves[i].to] = true;
	}
	for (unsigned i = 0; i < SHARD_CHANNELS_MAX; i++) {
		struct slot *s = &f->slots[i];

		s->unwanted = i >= f->shards.channels;
		if (!s->unwanted && s->link == NULL && f->shards.load[i] > 0) {
			s->link = link_new(s);
			link_perform(s->link, CE_RETRY);
		} else if (touched[i] && !s->unwanted) {
			touch(s->link);
			touch(s->next);
		}
	}
}

static void
say_scope(struct app *app, size_t count)
{
	struct fleet *f = app->fleet;

	log_note("%zu topics on %u channels", count, f->shards.channels);
	if (count == 0 && !f->empty_told)
		log_warn("nobody is in scope: looking again every %" PRId64
		    " s", app->opt.members_ms / 1000);
	f->empty_told = count == 0;
}

void
fleet_scope_read(struct app *app)
{
	struct fleet *f = app->fleet;
	struct names topics = { 0 };
	struct shard_diff diff;
	struct err e;

	scope_topics(&f->scope, &topics);
	if (shards_set(&f->shards, (const char *const *)topics.all,
	    topics.count, &diff, &e) == 0) {
		say_scope(app, topics.count);
		apply(app, &diff);
		shard_diff_free(&diff);
	} else if (f->shards.count > 0) {
		log_warn("%s; those there are are kept", e.msg);
	} else {
		log_error("%s", e.msg);
		fleet_stop(app, e.code);
	}
	names_free(&topics);
}

/* --- changing over ------------------------------------------------------ */

bool
fleet_is_due(const struct fleet *f, const struct link *l)
{
	return l->state == CH_STREAM && l->slot->link == l &&
	    !l->slot->unwanted && (l->closing ||
	    l->token_number != f->token_number);
}

/* Is one under way, until the old socket is closed?  A channel with no
 * socket is what the platform takes away first where there are too many: for
 * its topics to be deleted nobody waits. */
static bool
is_changing(const struct fleet *f)
{
	const struct link *l;

	TAILQ_FOREACH(l, &f->links, entry)
		if ((l->state == CH_LEAVE && l->ws != NULL) ||
		    l->slot->next == l)
			return true;
	return false;
}

/* One at a time, those that the server will close first. */
static void
change_over(struct app *app)
{
	struct fleet *f = app->fleet;
	struct link *l, *first = NULL;

	if (is_changing(f))
		return;
	TAILQ_FOREACH(l, &f->links, entry)
		if (fleet_is_due(f, l) && app->now_ms >= l->settled_ms &&
		    (first == NULL || l->closing > first->closing))
			first = l;
	if (first == NULL)
		return;
	first->slot->next = link_new(first->slot);
	link_perform(first->slot->next, CE_RETRY);
}

/* Those that carried topics of a channel that is given up have them now. */
static bool
is_settled(const struct fleet *f)
{
	for (unsigned i = 0; i < f->shards.channels; i++) {
		const struct link *l = f->slots[i].link;

		if (l != NULL && (l->state != CH_STREAM || l->asking ||
		    l->dirty))
			return false;
	}
	return true;
}

static void
give_up_slots(struct fleet *f)
{
	for (unsigned i = 0; i < SHARD_CHANNELS_MAX; i++) {
		struct slot *s = &f->slots[i];

		if (!s->unwanted || s->link == NULL ||
		    (s->is_open && !is_settled(f)))
			continue;
		link_retire(s->link);
		if (s->next != NULL)
			link_perform(s->next, CE_REPLACED);
		s->link = s->next = NULL;
		feed_members(s, false);
		s->opened_ever = false;
		s->tries = (struct session_tries){ 0, 0 };
	}
}

/* Are all that are to be open so?  And is anything permitted at all? */
static void
look_at_all(struct app *app)
{
	struct fleet *f = app->fleet;
	size_t permitted = 0, rejected = 0, open = 0, wanted = 0;

	for (unsigned i = 0; i < f->shards.channels; i++) {
		wanted += f->shards.load[i] > 0;
		open += f->slots[i].is_open;
		permitted += f->slots[i].permitted;
		rejected += f->slots[i].rejected;
	}
	if (wanted == 0 || open < wanted)
		return;
	if (permitted > 0)
		f->permitted_ever = true;
	if (rejected > 0 && !f->permitted_ever) {
		log_error("no topic is permitted to this client");
		fleet_stop(app, GC_EX_NOPERM);
	} else if (!f->ready) {
		f->ready = true;
		report_ready(app);
	}
}

/* --- the end ------------------------------------------------------------ */

void
fleet_manage(struct app *app)
{
	if (app->fleet->stopping)
		return;
	change_over(app);
	give_up_slots(app->fleet);
	look_at_all(app);
}

bool
fleet_opened_ever(const struct app *app)
{
	return app->opens > 0;
}

void
fleet_stop(struct app *app, int exit_code)
{
	struct fleet *f = app->fleet;
	struct link *l;

	if (f->stopping)
		return;
	f->stopping = true;
	app->end_ms = app->now_ms + STOP_MS;
	if (app->exit_code == 0)
		app->exit_code = exit_code;
	rest_cancel(f->rest, app);
	f->scope.due_ms = f->token_ms = app->rotate_ms = CLOCK_NEVER;
	app->upgrade_ms = CLOCK_NEVER;
	asktoken_stop(&app->asktoken);
	TAILQ_FOREACH(l, &f->links, entry) {
		link_perform(l, CE_STOP);
		link_hurry(l);
	}
}

/* --- from start to end -------------------------------------------------- */

void
fleet_start(struct app *app)
{
	struct rest_opts o = { app->config.api_url, app->config.cacert,
	    REST_JOBS, REST_RATE, REST_TIMEOUT_MS };
	struct fleet *f = xcalloc(1, sizeof(*f));
	struct err e;

	app->fleet = f;
	TAILQ_INIT(&f->links);
	for (unsigned i = 0; i < SHARD_CHANNELS_MAX; i++)
		f->slots[i] = (struct slot){ .app = app, .number = i };
	f->rest = rest_new(&o, app->now_ms, &e);
	if (f->rest == NULL)
		die_err(&e);
	f->token_ms = CLOCK_NEVER;
	scope_init(app, app->opt.subscriptions != NULL || app->opt.resume);
	f->scope.due_ms = app->now_ms;
	fleet_ask_token(app);
}

void
fleet_status(struct app *app, struct buf *line)
{
	const struct fleet *f = app->fleet;
	const char *comma = "";

	buf_addf(line, ",\"requests\":%" PRIu64 ",\"channels\":[",
	    f->counts.requests);
	for (unsigned i = 0; i < SHARD_CHANNELS_MAX; i++) {
		const struct slot *s = &f->slots[i];

		if (s->link == NULL)
			continue;
		buf_addf(line, "%s{\"socket\":%u,\"state\":\"%s\","
		    "\"permitted\":%zu,\"rejected\":%zu,\"attempts\":%u}",
		    comma, s->number, channel_state_name(s->link->state),
		    s->permitted, s->rejected, s->tries.attempts);
		comma = ",";
	}
	buf_adds(line, "]");
}

void
fleet_free(struct app *app)
{
	struct fleet *f = app->fleet;
	struct link *l;

	while ((l = TAILQ_FIRST(&f->links)) != NULL)
		link_del(l);
	rest_del(f->rest);
	scope_free(&f->scope);
	shards_free(&f->shards);
	for (unsigned i = 0; i < SHARD_CHANNELS_MAX; i++)
		names_free(&f->slots[i].told);
	for (size_t i = 0; i < f->why_count; i++)
		free(f->whys[i]);
	forget_token(f);
	free(f);
	app->fleet = NULL;
}
