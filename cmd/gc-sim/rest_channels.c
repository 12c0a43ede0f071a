/* REST: channels, and what they are subscribed to. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"

static void
add_channel(const struct sim *s, const struct channel *ch, bool whole,
    struct buf *out)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(s->wall_ms + ch->end_ms - s->now_ms, at);
	buf_adds(out, "{");
	if (whole)
		buf_addf(out, "\"connectUri\":\"%s" CHANNELS_PATH "%s\","
		    "\"id\":\"%s\",", s->stream_url, ch->id, ch->id);
	buf_addf(out, "\"expires\":\"%s\"}", at);
}

void
rest_channel_new(struct ask *q)
{
	add_channel(q->s, channel_new(q->s, q->token), true, &q->a->body);
}

/* Those of this token, or of its client; ids are for their own token. */
void
rest_channel_list(struct ask *q)
{
	bool all = ask_is(q, "includechannels", "oauthclient");
	const char *comma = "";

	buf_adds(&q->a->body, "{\"entities\":[");
	for (const struct channel *ch = q->s->channels; ch != NULL;
	    ch = ch->next) {
		bool own = ch->token == q->token->serial;

		if (ch->owner != q->token->owner || (!own && !all))
			continue;
		buf_adds(&q->a->body, comma);
		add_channel(q->s, ch, own, &q->a->body);
		comma = ",";
	}
	buf_adds(&q->a->body, "]}");
}

/* The channel that the path names; NULL: it has been refused. */
static struct channel *
find(struct ask *q)
{
	struct channel *ch = channel_find(q->s, q->id, q->token->owner);

	if (ch == NULL)
		http_refuse(q->a, 404, "not.found", "no such channel");
	return ch;
}

void
rest_channel_head(struct ask *q)
{
	find(q);
	buf_reset(&q->a->body);
}

/* --- topics ------------------------------------------------------------- */

static void
list(struct ask *q, const struct channel *ch)
{
	buf_adds(&q->a->body, "{\"entities\":[");
	for (size_t i = 0; i < ch->count; i++) {
		if (i > 0)
			buf_adds(&q->a->body, ",");
		topic_add(&ch->topics[i], &q->a->body);
	}
	buf_adds(&q->a->body, "]}");
}

void
rest_topics_get(struct ask *q)
{
	const struct channel *ch = find(q);

	if (ch != NULL)
		list(q, ch);
}

void
rest_topics_delete(struct ask *q)
{
	struct topics none = { .items = NULL };
	struct channel *ch = find(q);
	int64_t end_ms;

	if (ch == NULL)
		return;
	end_ms = ch->end_ms;
	channel_subscribe(q->s, ch, &none);
	ch->end_ms = end_ms;	/* no renewal */
	q->a->status = 204;
}

/* What is wrong with the first that is. */
static void
refuse_rejected(struct ask *q, const struct topics *t)
{
	const struct topic *bad = t->items;
	char text[TOPIC_LEN_MAX + 100];

	while (bad->rejected == NULL)
		bad++;
	if (bad->missing == NULL) {
		http_refuse(q->a, 400, "bad.request",
		    "Invalid topic in the request");
		return;
	}
	snprintf(text, sizeof(text), "Unable to perform the requested action. "
	    "You are missing the following permission(s): %s", bad->missing);
	http_refuse(q->a, 403, "missing.any.permissions", text);
}

static void
subscribe(struct ask *q, bool more)
{
	struct channel *ch = find(q);
	struct topics now, given;

	if (ch == NULL)
		return;
	given = topics_read(q->s, q->body->data, q->body->len, false);
	if (given.wrong != NULL) {
		http_refuse(q->a, 400, "bad.request", given.wrong);
	} else if (given.rejected > 0 && !ask_is(q, "ignoreErrors", "true")) {
		refuse_rejected(q, &given);
	} else if (given.count + (more ? ch->count : 0) >
	    CHANNEL_TOPICS_MAX) {
		http_refuse(q->a, 400, "bad.request",
		    "Exceeded the maximum of 1000 topics in a channel");
	} else {
		now = given;
		if (more) {
			now = (struct topics){ ch->topics, ch->count, 0,
			    NULL };
			ch->topics = NULL;
			ch->count = 0;
			topics_merge(&now, &given);
		}
		given = (struct topics){ .items = NULL };
		channel_subscribe(q->s, ch, &now);
		list(q, ch);
	}
	topics_free(&given);
}

void
rest_topics_post(struct ask *q)
{
	subscribe(q, true);
}

void
rest_topics_put(struct ask *q)
{
	subscribe(q, false);
}

void
rest_topics_available(struct ask *q)
{
	static const struct { const char *id, *permission; } rows[] = {
		{ "v2.users.{id}.activity", NULL },
		{ "v2.users.{id}.presence", NULL },
		{ "v2.users.{id}.routingStatus", NULL },
		{ "v2.routing.queues.{id}.users", "routing:queue:view" },
	};

	buf_adds(&q->a->body, "{\"entities\":[");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_addf(&q->a->body, "%s{\"id\":\"%s\",\"visibility\":"
		    "\"Public\",\"transports\":[\"All\"],"
		    "\"requiresPermissions\":[", i > 0 ? "," : "",
		    rows[i].id);
		if (rows[i].permission != NULL)
			buf_addf(&q->a->body, "\"%s\"", rows[i].permission);
		buf_adds(&q->a->body, "]}");
	}
	buf_adds(&q->a->body, "]}");
}
