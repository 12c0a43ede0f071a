/* A turn of the loop of many sockets. */
#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/log.h"

enum { FD_SIGNALS, FD_STDOUT, FD_CHILD, FDS };

static void
sweep(struct app *app)
{
	struct fleet *f = app->fleet;
	struct link *l, *next;

	for (l = TAILQ_FIRST(&f->links); l != NULL; l = next) {
		next = TAILQ_NEXT(l, entry);
		if (l->state != CH_DONE)
			continue;
		if (l->slot->link == l)
			l->slot->link = NULL;
		if (l->slot->next == l)
			l->slot->next = NULL;
		link_del(l);
	}
	if (f->stopping && TAILQ_EMPTY(&f->links))
		app->state = ST_DONE;
}

static void
earlier(int64_t *due_ms, int64_t at_ms)
{
	if (at_ms < *due_ms)
		*due_ms = at_ms;
}

static int64_t
link_due(const struct fleet *f, const struct link *l, int64_t silence_ms)
{
	int64_t due = f->scope.elsewhere ? CLOCK_NEVER : l->retry_ms;

	/* past, it waits for its turn, which no time brings */
	if (fleet_is_due(f, l) && l->settled_ms > l->app->now_ms)
		due = l->settled_ms < due ? l->settled_ms : due;

	earlier(&due, l->step_ms);
	earlier(&due, l->close_ms);
	earlier(&due, l->ping_ms);
	earlier(&due, l->renew_ms);
	earlier(&due, l->healthy_ms);
	earlier(&due, l->linger_ms);
	earlier(&due, l->switch_ms);
	if (l->ws != NULL)
		earlier(&due, l->heard_ms + silence_ms);
	return due;
}

static int64_t
due_ms(struct app *app)
{
	const struct fleet *f = app->fleet;
	int64_t due = metrics_tick(&app->metrics, app->now_ms);
	const struct link *l;

	earlier(&due, app->stop_ms);
	earlier(&due, app->upgrade_ms);
	earlier(&due, terminal_due(app));
	if (!f->token_running) {
		earlier(&due, app->rotate_ms);
		earlier(&due, f->token_ms);
	}
	if (!f->token_running && f->bearer != NULL)
		earlier(&due, f->scope.due_ms);
	if (app->rejected > 0)
		earlier(&due, app->now_ms + 1000);
	TAILQ_FOREACH(l, &f->links, entry)
		earlier(&due, l->more_to_read ? app->now_ms :
		    link_due(f, l, app->opt.silence_ms));
	return due;
}

static size_t
collect(struct app *app, struct pollfd *fds, int64_t *due)
{
	struct fleet *f = app->fleet;
	size_t count = FDS;
	struct link *l;
	int timeout;

	fds[FD_SIGNALS] = (struct pollfd){ app->sigs_fd, POLLIN, 0 };
	fds[FD_STDOUT] = (struct pollfd){ app->reader_gone ? -1 :
	    app->out.fd, output_wants(app) ? POLLOUT : 0, 0 };
	fds[FD_CHILD] = (struct pollfd){ asktoken_fd(&app->asktoken), POLLIN,
	    0 };
	*due = due_ms(app);
	count += rest_interest(f->rest, fds + count, due);
	TAILQ_FOREACH(l, &f->links, entry) {
		l->fd_first = count;
		l->fd_count = 0;
		if (l->transport == NULL ||
		    count + TRANSPORT_POLL_MAX > FLEET_FDS_MAX)
			continue;
		timeout = clock_poll_ms(app->now_ms, *due);
		l->fd_count = transport_interest(l->transport,
		    plug_wants_write(l), fds + count, &timeout);
		count += l->fd_count;
		if (timeout >= 0)
			earlier(due, app->now_ms + timeout);
	}
	return count;
}

static bool
is_ready(const struct link *l, const struct pollfd *fds)
{
	/* connecting is stepped by time as well */
	if (l->more_to_read || l->state == CH_CONNECT)
		return true;
	for (size_t i = 0; i < l->fd_count; i++)
		if (fds[l->fd_first + i].revents != 0)
			return true;
	return false;
}

static void
serve_link_timers(struct link *l)
{
	int64_t now = l->app->now_ms;

	if (now >= l->retry_ms && !l->app->fleet->scope.elsewhere)
		link_perform(l, CE_RETRY);
	if (now >= l->switch_ms) {
		l->switch_ms = CLOCK_NEVER;
		link_perform(l, CE_SUBSCRIBED);
	}
	if (now >= l->renew_ms && l->state == CH_STREAM && !l->asking)
		link_perform(l, CE_RENEW);
	if (now >= l->healthy_ms) {
		l->healthy_ms = CLOCK_NEVER;
		l->slot->tries = (struct session_tries){ 0, 0 };
	}
	if (now >= l->close_ms) {
		plug_drop(l);
		l->deleting = false;
		link_ended(l);
		return;
	}
	plug_timers(l);
}

static void
serve_timers(struct app *app)
{
	struct fleet *f = app->fleet;

	if (app->now_ms >= app->upgrade_ms) {
		app->upgrade_ms = CLOCK_NEVER;
		asktoken_stop(&app->asktoken);
		token_late(app);
	}
	if (app->now_ms >= app->rotate_ms && !f->token_running) {
		app->rotate_ms = CLOCK_NEVER;
		fleet_ask_token(app);
	}
	if (app->now_ms >= f->token_ms && !f->token_running)
		fleet_ask_token(app);
	if (app->now_ms >= f->scope.due_ms && f->bearer != NULL &&
	    !f->token_running && !f->scope.walking)
		scope_walk(app);
	if (app->now_ms >= app->stop_ms) {
		app->stop_ms = CLOCK_NEVER;
		if (app->taken == 0 && !app->fleet->stopping)
			app->exit_code = GC_EX_UNAVAILABLE;
		fleet_stop(app, 0);
	}
}

static void
serve_links(struct app *app, const struct pollfd *fds)
{
	struct link *l, *next;

	for (l = TAILQ_FIRST(&app->fleet->links); l != NULL; l = next) {
		next = TAILQ_NEXT(l, entry);
		/* those that came in this turn have no place in fds yet */
		if (fds != NULL && is_ready(l, fds))
			plug_serve(l);
		serve_link_timers(l);
		if (l->ws != NULL && websocket_wants_write(l->ws))
			plug_write(l);
	}
}

void
fleet_turn(struct app *app)
{
	static struct pollfd fds[FLEET_FDS_MAX];
	struct fleet *f = app->fleet;
	int64_t due;
	size_t count = collect(app, fds, &due);

	poll(fds, count, clock_poll_ms(app->now_ms, due));
	app->now_ms = clock_mono_ms();
	turn_signals(app);
	/* one that is being asked for is of the old configuration */
	if (app->sigs.reload && !f->token_running && !f->stopping)
		fleet_ask_token(app);
	output_serve(app, fds[FD_STDOUT].revents);
	serve_token(app);
	serve_links(app, fds);
	rest_step(f->rest, app->now_ms);
	serve_timers(app);
	fleet_manage(app);
	output_flush(app);
	f->counts = *rest_counts(f->rest);
	report_rejects_due(app, false);
	terminal_tick(app);
	app->ring_bytes = app->ring.bytes;
	if (app->sigs.stops > 0 || app->no_more || app->reader_gone)
		fleet_stop(app, 0);
	sweep(app);
}
