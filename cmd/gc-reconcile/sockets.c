/*
 * What the stream tells of its connection: which protocol it speaks, and, in
 * channels, which of its sockets are open.  Each socket that opens raises
 * doubts; to know that more are to come saves a second walk of the list.
 */
#include "cmd/gc-reconcile/reconcile.h"
#include "lib/log.h"

/* The setting is what the tools are started with, this is what is. */
static void
heed_protocol(struct app *app, enum event_protocol told)
{
	bool channels = told == EVENT_CHANNELS;

	if (told == EVENT_UNTOLD)
		return;
	app->sockets.told = true;
	if (app->channels == channels)
		return;
	log_note("the stream is of the protocol %s: so are the questions",
	    channels ? "channels" : "events");
	app->channels = channels;
	fetch_again(app);
	answer_set_map(app);
}

void
sockets_heed(struct app *app, const struct event *ev)
{
	struct sockets *s = &app->sockets;
	uint64_t n = ev->socket;

	if (ev->kind == EVENT_OPEN) {
		heed_protocol(app, ev->protocol);
		s->count = ev->sockets < SOCKETS_MAX ? ev->sockets :
		    SOCKETS_MAX;
		s->opened_ms = app->now_ms;
	}
	if (n >= SOCKETS_MAX)
		return;
	/* one that fails again and again is not waited for */
	if (ev->kind == EVENT_OPEN || ev->kind == EVENT_FAILOVER)
		s->settled[n] = true;
	else if (ev->kind == EVENT_CLOSED && ev->reconnects)
		s->settled[n] = false;
}

bool
sockets_missing(const struct app *app)
{
	for (uint64_t i = 0; i < app->sockets.count; i++)
		if (!app->sockets.settled[i])
			return true;
	return false;
}
