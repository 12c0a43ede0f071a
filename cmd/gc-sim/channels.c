/* Channels: their begin, limits, sockets and end. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/conn.h"
#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"

#define DAY_MS 86400000

int64_t
channel_life_ms(const struct sim *s)
{
	return s->faults.channel_life_ms > 0 ?
	    (int64_t)s->faults.channel_life_ms : DAY_MS;
}

struct channel *
channel_find(struct sim *s, const char *id, int owner)
{
	struct channel *ch = s->channels;

	while (ch != NULL && (strcmp(ch->id, id) != 0 ||
	    (owner != -1 && ch->owner != owner)))
		ch = ch->next;
	return ch;
}

static void
touch(struct sim *s, struct channel *ch)
{
	ch->used = ++s->channel_uses;
}

/* --- the end ------------------------------------------------------------ */

/* why: NULL at the very end. */
static void
channel_del(struct sim *s, struct channel *ch, const char *why)
{
	struct topics topics = { ch->topics, ch->count, 0, NULL };
	struct channel **p = &s->channels;

	while (*p != ch)
		p = &(*p)->next;
	*p = ch->next;
	if (ch->conn != NULL) {
		ch->conn->channel = NULL;
		if (s->now_ms < ch->token_end_ms)
			conn_close(s, ch->conn, 1001);
		else
			conn_cut(s, ch->conn, "its token ended");
	}
	if (why != NULL)
		sim_say(s, "channel-end", "\"channel\":%u,\"why\":\"%s\"",
		    ch->number, why);
	topics_free(&topics);
	free(ch);
}

/* Those without a socket first, then the least recently used. */
static bool
goes_before(const struct channel *a, const struct channel *b)
{
	if (b == NULL || (a->conn == NULL) != (b->conn == NULL))
		return b == NULL || a->conn == NULL;
	return a->used < b->used;
}

static void
evict(struct sim *s, int owner)
{
	struct channel *first = NULL;

	for (struct channel *ch = s->channels; ch != NULL; ch = ch->next)
		if (ch->owner == owner && goes_before(ch, first))
			first = ch;
	if (first == NULL)
		return;
	s->totals.evicted++;
	notify_system(s, first, "no_longer_subscribed",
	    "another_channel_subscribed");
	channel_del(s, first, "evicted");
}

void
channels_evict(struct sim *s, uint64_t n)
{
	while (n-- > 0)
		evict(s, OWNER_CLIENT);
}

void
channels_revoke(struct sim *s, uint64_t token)
{
	struct channel *next;

	for (struct channel *ch = s->channels; ch != NULL; ch = next) {
		next = ch->next;
		if (token != 0 && ch->token != token)
			continue;
		notify_system(s, ch, "token_revoked", "user_tokens_revoked");
		channel_del(s, ch, "its token was revoked");
	}
}

int64_t
channels_tick(struct sim *s)
{
	int64_t due = CLOCK_NEVER, end;
	struct channel *next;

	for (struct channel *ch = s->channels; ch != NULL; ch = next) {
		next = ch->next;
		end = ch->end_ms < ch->token_end_ms ? ch->end_ms :
		    ch->token_end_ms;
		if (end > s->now_ms)
			due = end < due ? end : due;
		else if (end == ch->end_ms)
			channel_del(s, ch, "its time is up");
		else
			channel_del(s, ch, "its token ended");
	}
	return due;
}

void
channels_free(struct sim *s)
{
	while (s->channels != NULL)
		channel_del(s, s->channels, NULL);
}

/* --- the beginning ------------------------------------------------------ */

struct channel *
channel_new(struct sim *s, const struct sim_token *token)
{
	struct channel *ch;
	size_t count = 0;

	for (ch = s->channels; ch != NULL; ch = ch->next)
		count += ch->owner == token->owner;
	if (count >= CHANNELS_MAX)
		evict(s, token->owner);
	ch = xcalloc(1, sizeof(*ch));
	strlcpy(ch->id, "streaming-0-", sizeof(ch->id));
	sim_random_text(s, ch->id + strlen(ch->id), 32);
	ch->number = (unsigned)++s->totals.channels;
	ch->owner = token->owner;
	ch->token = token->serial;
	ch->token_end_ms = token->end_ms;
	ch->end_ms = s->now_ms + channel_life_ms(s);
	touch(s, ch);
	ch->next = s->channels;
	s->channels = ch;
	sim_say(s, "channel", "\"channel\":%u,\"lifeMs\":%lld", ch->number,
	    (long long)channel_life_ms(s));
	return ch;
}

/* Once it has a socket and something to tell. */
static void
begin(struct sim *s, struct channel *ch)
{
	if (ch->conn != NULL && ch->count > 0 && !ch->conn->begun) {
		ch->conn->begun = true;
		conn_begin(s, ch->conn);
	}
}

bool
channel_subscribe(struct sim *s, struct channel *ch, struct topics *t)
{
	struct topics old = { ch->topics, ch->count, 0, NULL };

	if (t->count > CHANNEL_TOPICS_MAX)
		return false;
	topics_free(&old);
	ch->topics = t->items;
	ch->count = t->count;
	ch->end_ms = s->now_ms + channel_life_ms(s);
	touch(s, ch);
	sim_say(s, "topics", "\"channel\":%u,\"topics\":%zu,\"rejected\":%zu",
	    ch->number, t->count, t->rejected);
	begin(s, ch);
	return true;
}

void
channel_connect(struct sim *s, struct channel *ch, struct conn *c)
{
	struct conn *old = ch->conn;

	if (old != NULL) {
		old->channel = NULL;
		conn_close(s, old, 1001);
	}
	ch->conn = c;
	c->channel = ch;
	notify_heartbeat(s, c);
	touch(s, ch);
	sim_say(s, "open", "\"socket\":%d,\"channel\":%u", c->fd, ch->number);
	begin(s, ch);
}

void
channel_disconnect(struct sim *s, struct conn *c)
{
	if (c->channel == NULL)
		return;
	c->channel->conn = NULL;
	touch(s, c->channel);
	c->channel = NULL;
}
