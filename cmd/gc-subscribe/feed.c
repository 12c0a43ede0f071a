/* Frames of a channel to lines, and what the stream is told about whom. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/frame.h"
#include "lib/log.h"
#include "lib/str.h"

#define NAME_MAX_LEN 64		/* of a kind of topic, for the counts */

void
carried_free(struct carried *c)
{
	names_free(&c->topics);
	free(c->rejected);
	*c = (struct carried){ 0 };
}

/* --- gc:open, gc:members, gc:alive -------------------------------------- */

/* The agents of the topics that are permitted. */
static void
agents_of(const struct carried *c, struct names *agents)
{
	const char *user;
	size_t len = 0;

	for (size_t i = 0; i < c->topics.count; i++) {
		user = frame_user(c->topics.all[i],
		    strlen(c->topics.all[i]), &len);
		if (user != NULL && !c->rejected[i])
			names_add(agents, user, len);
	}
	names_seal(agents);
}

/* Is some topic of the agent on any channel? */
static bool
in_scope(const struct shards *s, const char *agent)
{
	static const char ends[] = { '.', '?' };
	char prefix[PLATFORM_ID_MAX * 2];
	size_t low, high, middle, n;

	for (size_t i = 0; i < sizeof(ends); i++) {
		n = (size_t)snprintf(prefix, sizeof(prefix), "v2.users.%s%c",
		    agent, ends[i]);
		for (low = 0, high = s->count; low < high;) {
			middle = low + (high - low) / 2;
			if (strcmp(s->all[middle].topic, prefix) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		if (low < s->count &&
		    strncmp(s->all[low].topic, prefix, n) == 0)
			return true;
	}
	return false;
}

static void
add_names(struct buf *line, const char *key, const struct names *n)
{
	buf_addf(line, ",\"%s\":[", key);
	for (size_t i = 0; i < n->count; i++) {
		buf_adds(line, i > 0 ? "," : "");
		buf_add_json(line, n->all[i], strlen(n->all[i]));
	}
	buf_adds(line, "]");
}

/* The address without what would let others listen. */
static void
add_url(struct buf *line, const struct link *l)
{
	char url[512];

	snprintf(url, sizeof(url), "%s://%s", l->target.tls ? "wss" : "ws",
	    l->target.host);
	buf_adds(line, ",\"url\":");
	buf_add_json(line, url, strlen(url));
}

static void
add_open(struct buf *line, const struct slot *s, struct ring_mark mark,
    bool resumed, int64_t downtime_ms)
{
	const struct app *app = s->app;

	line_begin(line, "open", s->number, mark.at_ms);
	buf_addf(line, ",\"protocol\":\"channels\",\"sockets\":%u",
	    app->fleet->shards.channels);
	add_url(line, s->link);
	buf_addf(line, ",\"attempt\":%u,\"subscriptions\":%zu,\"rejected\":"
	    "%zu,\"scope\":%s", mark.attempt, s->permitted, s->rejected,
	    app->scope);
	add_names(line, "agents", &s->told);
	buf_addf(line, ",\"resumed\":%s,\"downtimeMs\":",
	    resumed ? "true" : "false");
	if (resumed)
		buf_addf(line, "%" PRId64, downtime_ms);
	else
		buf_adds(line, "null");
}

void
feed_members(struct slot *s, bool opened)
{
	struct names now = { 0 }, joined = { 0 }, left = { 0 };
	const char *id;
	struct buf line;

	if (s->link != NULL)
		agents_of(&s->link->carried, &now);
	for (size_t i = 0; i < now.count && !opened; i++)
		if (!names_has(&s->told, (id = now.all[i])))
			names_add(&joined, id, strlen(id));
	for (size_t i = 0; i < s->told.count; i++)
		if (!names_has(&now, (id = s->told.all[i])) &&
		    !in_scope(&s->app->fleet->shards, id))
			names_add(&left, id, strlen(id));
	names_move(&s->told, &now);
	if (joined.count > 0 || left.count > 0) {
		line_init(&line);
		line_begin(&line, "members", s->number, clock_wall_ms());
		add_names(&line, "joined", &joined);
		add_names(&line, "left", &left);
		line_tell(s->app, &line);
	}
	names_free(&joined);
	names_free(&left);
}

void
feed_open(struct link *l, int64_t downtime_ms)
{
	struct slot *s = l->slot;
	struct names now = { 0 }, before = { 0 };
	struct buf line;

	agents_of(&l->carried, &now);
	names_move(&before, &s->told);
	names_move(&s->told, &now);
	line_init(&line);
	add_open(&line, s, (struct ring_mark){ clock_wall_ms(),
	    s->tries.attempts }, s->opened_ever, downtime_ms);
	line_tell(s->app, &line);
	/* who left meanwhile is no part of a gc:open */
	names_move(&s->told, &before);
	feed_members(s, true);
}

/* Lines were dropped here: said as an outage of every socket, from the first
 * of them to the last, so that everyone is doubted. */
void
feed_hole(struct app *app, const struct ring_hole *hole, struct buf *out)
{
	int64_t down_ms = hole->last.at_ms - hole->from_ms;
	uint64_t lost = hole->lost;

	for (unsigned i = 0; i < SHARD_CHANNELS_MAX; i++) {
		struct slot *s = &app->fleet->slots[i];
		struct ring_mark mark = { hole->last.at_ms,
		    s->tries.attempts };

		if (!s->is_open || s->link == NULL)
			continue;
		line_closed(out, s->number, hole->from_ms, 0, "overrun",
		    "client", "reconnect", 0);
		/* counted once */
		buf_addf(out, ",\"lost\":%" PRIu64 "}\n", lost);
		lost = 0;
		add_open(out, s, mark, true, down_ms > 0 ? down_ms : 1);
		buf_adds(out, "}\n");
	}
	if (lost == 0)
		return;
	/* none is open: the next gc:open of each says the rest */
	line_closed(out, 0, hole->from_ms, 0, "overrun", "client",
	    "reconnect", 0);
	buf_addf(out, ",\"lost\":%" PRIu64 "}\n", lost);
}

void
feed_alive(struct link *l)
{
	struct buf line;

	l->app->pongs++;
	if (l->ping_sent_ms == 0 || l->state != CH_STREAM ||
	    l->slot->link != l)
		return;
	line_init(&line);
	line_begin(&line, "alive", l->slot->number, clock_wall_ms());
	buf_addf(&line, ",\"rttMs\":%" PRId64,
	    clock_mono_ms() - l->ping_sent_ms);
	line_tell(l->app, &line);
	l->ping_sent_ms = 0;
}

/* --- frames ------------------------------------------------------------- */

/* v2.users.ID.activity is counted as v2.users.activity. */
static void
count(struct app *app, struct slice topic)
{
	struct slice user = { .kind = SCAN_STRING }, kind = user;
	char name[NAME_MAX_LEN];
	size_t len = 0, rest;

	user.p = frame_user(topic.p, topic.len, &len);
	if (user.p == NULL) {
		report_frame(app, topic, (struct slice){ 0 });
		return;
	}
	user.len = (uint32_t)len;
	rest = topic.len - (size_t)(user.p + len - topic.p);
	snprintf(name, sizeof(name), "v2.users%.*s", (int)rest, user.p + len);
	kind.p = name;
	kind.len = (uint32_t)strlen(name);
	report_frame(app, kind, user);
}

static void
take_event(struct link *l, const char *text, size_t len)
{
	struct buf line;
	bool open = l->slot->link == l && l->slot->is_open;

	if (!open && l->state != CH_SUBSCRIBE)
		return;		/* its successor tells it */
	if (open) {
		line_frame(l->app, text, len);
		return;
	}
	line_init(&line);
	line_of_frame(&line, text, len);
	if (buf_add(&l->held, line.data, line.len) == -1)
		l->broken = "too much came before the topics were answered";
	buf_free(&line);
}

void
feed_release(struct link *l)
{
	const char *line, *stop;

	for (size_t at = 0; at < l->held.len; at += (size_t)(stop + 1 - line)) {
		line = l->held.data + at;
		stop = memchr(line, '\n', l->held.len - at);
		line_push(l->app, line, (size_t)(stop + 1 - line), false);
	}
	buf_free(&l->held);
}

bool
feed_text(struct link *l, const char *text, size_t len)
{
	struct frame f = frame_read(text, len);

	/* of what is an object the scan has seen every byte */
	if (f.kind == FRAME_BAD && !str_is_utf8(text, len))
		return false;
	report_came(l->app);
	if (l->app->no_more)
		return true;
	switch (f.kind) {
	case FRAME_BAD:
		report_reject(l->app, f.verdict, scan_reason(f.verdict));
		break;
	case FRAME_EVENT:
		if (line_is_ours(f.event)) {
			report_reject(l->app, OURS_REJECT, "a control line, "
			    "which only the suite itself may tell");
			break;
		}
		count(l->app, f.topic);
		take_event(l, text, len);
		break;
	case FRAME_PONG:
		feed_alive(l);
		break;
	case FRAME_CLOSING:
		log_note("socket %u: the server is going to close it",
		    l->slot->number);
		l->closing = true;
		break;
	case FRAME_EVICTED:
		l->gone = true;
		break;
	case FRAME_REVOKED:
		log_note("socket %u: its token was withdrawn",
		    l->slot->number);
		l->closing = true;
		fleet_token_refused(l->app);
		break;
	case FRAME_REPLY:
		log_detail("socket %u: a reply", l->slot->number);
		break;
	default:
		break;
	}
	return true;
}

void
feed_binary(struct link *l)
{
	report_came(l->app);
	if (!l->app->no_more)
		report_reject(l->app, BINARY_REJECT, "a binary frame");
}
