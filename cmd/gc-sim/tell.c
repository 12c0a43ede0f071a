/* What clients are told: the events they asked for, as the faults have it. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/conn.h"
#include "cmd/gc-sim/platform.h"

#define OVERSIZE ((1 << 20) + 1)	/* a byte more than a line may have */

static bool
is_member(const struct org *o, const struct sim_agent *a, const char *queue)
{
	for (int i = 1; i < a->tier_count; i++)
		if (strcmp(o->queues[a->tiers[i].queue], queue) == 0)
			return true;
	return false;
}

/* Events of that queue or team, and the global ones of its members. */
static bool
wants(const struct org *o, const struct filter_ids *f,
    const struct sim_agent *a, int tier)
{
	if (f->nobodys)
		return false;
	if (f->user[0] && strcmp(f->user, a->id) != 0)
		return false;
	if (f->team[0] && strcmp(f->team, o->teams[a->team]) != 0)
		return false;
	if (!f->queue[0])
		return true;
	return tier == 0 ? is_member(o, a, f->queue) :
	    strcmp(o->queues[a->tiers[tier].queue], f->queue) == 0;
}

static void
add_oversize(struct buf *out, const struct buf *message)
{
	char *big = xmalloc(OVERSIZE);

	memset(big, ' ', OVERSIZE);
	memcpy(big, message->data, message->len);
	frame_add(out, true, FRAME_TEXT, big, OVERSIZE);
	free(big);
}

/* The message as frames.  What is malformed, binary or too long is an event
 * that the client never gets; the truth has it. */
static void
make_frames(struct sim *s, struct conn *c, struct buf *out,
    const struct buf *message)
{
	const struct faults *f = &s->faults;
	size_t half = message->len / 2;

	if (rng_chance(&c->luck, f->malformed)) {
		frame_add(out, true, FRAME_TEXT, message->data, half);
	} else if (rng_chance(&c->luck, f->binary)) {
		frame_add(out, true, FRAME_BINARY, message->data,
		    message->len);
	} else if (rng_chance(&c->luck, f->oversize)) {
		add_oversize(out, message);
	} else if (rng_chance(&c->luck, f->fragment)) {
		frame_add(out, false, FRAME_TEXT, message->data, half);
		frame_add(out, true, FRAME_PING, "mid", 3);
		frame_add(out, true, FRAME_MORE, message->data + half,
		    message->len - half);
	} else {
		frame_add(out, true, FRAME_TEXT, message->data, message->len);
	}
}

static void
deliver(struct sim *s, struct conn *c, const struct buf *message)
{
	struct buf frame;
	bool twice = rng_chance(&c->luck, s->faults.duplicate);

	if (rng_chance(&c->luck, s->faults.drop)) {
		s->totals.dropped++;
		return;
	}
	buf_init(&frame, CONN_OUT_MAX);
	make_frames(s, c, &frame, message);
	s->totals.sent++;
	if (c->held.len == 0 && rng_chance(&c->luck, s->faults.reorder)) {
		s->totals.reordered++;
		buf_add(&c->held, frame.data, frame.len);
		buf_free(&frame);
		return;
	}
	conn_send(s, c, &frame);
	if (twice) {
		s->totals.duplicated++;
		conn_send(s, c, &frame);
	}
	if (c->held.len > 0)
		conn_send(s, c, &c->held);
	buf_reset(&c->held);
	buf_free(&frame);
}

static void
send_odd(struct sim *s, struct conn *c, int kind, const struct buf *message)
{
	struct buf frame;
	bool last;

	buf_init(&frame, CONN_OUT_MAX);
	last = odd_add(&frame, kind, message);
	s->totals.odd++;
	sim_say(s, "odd", "\"socket\":%d,\"kind\":\"%s\"", c->fd,
	    odd_name(kind));
	conn_send(s, c, &frame);
	buf_free(&frame);
	if (last)
		conn_has_closed(s, c, "null");
}

/* The kind of odd frame that this event is to be, or -1. */
static int
odd_kind_of(const struct faults *f, uint64_t event)
{
	for (int kind = 0; kind < ODD_KINDS_MAX; kind++)
		if (f->odd_every[kind] > 0 && event % f->odd_every[kind] == 0)
			return kind;
	return -1;
}

/* What happens every N events. */
static void
happen(struct sim *s, struct conn *c)
{
	const struct faults *f = &s->faults;

	if (f->closing_every > 0 && c->events % f->closing_every == 0)
		notify_closing(s, c, 0);
	if (f->close_every > 0 && c->events % f->close_every == 0 &&
	    conn_is_live(c))
		conn_close(s, c, (int)f->close_code);
	if (f->half_open > 0 && c->events == f->half_open && conn_is_live(c))
		conn_half_open(s, c);
	if (f->cut > 0 && c->events % f->cut == 0)
		conn_cut(s, c, "fault cut");
}

void
tell(struct sim *s, struct conn *c, const struct buf *message)
{
	int kind = odd_kind_of(&s->faults, c->events + 1);

	if (kind != -1)
		send_odd(s, c, kind, message);
	else
		deliver(s, c, message);
}

void
tell_done(struct sim *s, struct conn *c)
{
	c->events++;
	happen(s, c);
}

static void
publish(struct sim *s, struct conn *c, const struct sim_agent *a, int tier)
{
	struct buf message;
	char id[32];
	bool told = false;

	buf_init(&message, 1 << 16);
	for (size_t i = 0; i < c->count && conn_is_live(c); i++) {
		if (!wants(&s->org, &c->subscriptions[i], a, tier))
			continue;
		snprintf(id, sizeof(id), "sub_%04zu", i);
		org_event(&s->org, a, tier, id, &message);
		tell(s, c, &message);
		buf_reset(&message);
		told = true;
	}
	buf_free(&message);
	if (told)
		tell_done(s, c);
}

void
conns_publish(struct sim *s, const struct sim_agent *a, int tier)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (conn_is_live(c))
			publish(s, c, a, tier);
}

/* --- to all at once ----------------------------------------------------- */

void
conns_cut(struct sim *s, const char *why)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		conn_cut(s, c, why);
}

void
conns_close(struct sim *s, int code)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (conn_is_live(c))
			conn_close(s, c, code);
}

void
conns_half_open(struct sim *s)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (conn_is_live(c))
			conn_half_open(s, c);
}

void
conns_stall(struct sim *s, uint64_t ms)
{
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (conn_is_live(c))
			conn_stall(s, c, ms);
}

void
conns_odd(struct sim *s, int kind)
{
	struct buf message;

	buf_init(&message, 256);
	buf_addf(&message, "{\"event\":\"sim:odd\",\"kind\":\"%s\"}",
	    odd_name(kind));
	for (struct conn *c = s->conns; c != NULL; c = c->next)
		if (conn_is_live(c))
			send_odd(s, c, kind, &message);
	buf_free(&message);
}
