/*
 * amqp:, get: each partition on a channel of its own, so that it is
 * acknowledged by itself.  Of the workers that wait for a partition the
 * broker gives it to one, and to the next when that one goes.  Lines that
 * are not acknowledged stay in memory, at most place.prefetch a partition: a
 * COMMAND that died gets them again without asking the broker.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-queue/amqp.h"
#include "lib/log.h"

#define QUIET_MS 500		/* without -f: the end is looked for then */
#define BALANCE_MS 2000		/* so often it is looked who has how many */
#define TURN_MESSAGES 4096
#define WORKERS_CHANNEL (2 * STREAMS_MAX + 1)
#define INBOX_MAX ((size_t)1 << 33)	/* place.prefetch bounds it */

enum life {
	LIFE_WAITING,		/* another worker has it, or it is quiet */
	LIFE_OURS,		/* lines came to us */
	LIFE_LEAVING		/* to be given to another worker */
};

struct part {
	unsigned number;
	/* number, or STREAMS_MAX above it: each time it is read anew it is
	 * the other one, so that a line that is still on its way on the one
	 * that was closed is none of the new one's */
	amqp_channel_t channel;
	enum life life;
	struct buf inbox;	/* lines not acknowledged, from `from` on */
	size_t from, given;	/* given: up to here to COMMAND */
	uint64_t lines, given_lines;
	uint64_t first_tag;	/* of the first line */
};

static struct {
	struct part *parts;
	unsigned count;
	unsigned next;		/* whose turn it is */
	int64_t heard_ms, balance_ms;
	bool over;		/* without -f: nothing is left */
} get;

/* --- lines --------------------------------------------------------------- */

static void
empty(struct part *p)
{
	buf_reset(&p->inbox);
	p->from = p->given = 0;
	p->lines = p->given_lines = 0;
}

/* The connection is gone: the broker gives it all out again, to whom it
 * pleases, so what our COMMANDs have not acknowledged is not theirs. */
static void
lost(struct app *app, const struct err *e)
{
	for (unsigned i = 0; i < get.count; i++) {
		empty(&get.parts[i]);
		get.parts[i].life = LIFE_WAITING;
	}
	for (size_t i = 0; i < app->stream_count; i++)
		command_leave(app, app->streams[i], false);
	amqp_link_lost(app, e);
}

static void
deliver(struct app *app, const amqp_envelope_t *env)
{
	unsigned i = (env->channel - 1u) % STREAMS_MAX;
	const amqp_bytes_t *body = &env->message.body;
	struct part *p;
	size_t begin;

	if (i >= get.count || env->channel != get.parts[i].channel)
		return;
	p = &get.parts[i];
	if (p->lines == 0) {
		empty(p);
		p->first_tag = env->delivery_tag;
	}
	if (p->life == LIFE_WAITING)
		p->life = LIFE_OURS;
	begin = p->inbox.len;
	buf_add(&p->inbox, body->bytes, body->len);
	/* whoever else publishes may break lines: one message is one */
	for (char *at = p->inbox.data + begin; (at = memchr(at, '\n',
	    p->inbox.len - (size_t)(at - p->inbox.data))) != NULL; at++)
		*at = ' ';
	buf_add(&p->inbox, "\n", 1);
	p->lines++;
	get.heard_ms = app->now_ms;
	get.over = false;
}

/* Behind n lines, which are there. */
static const char *
skip_lines(const char *at, uint64_t n)
{
	while (n-- > 0)
		at = (const char *)rawmemchr(at, '\n') + 1;
	return at;
}

/* Lines of this partition, if its stream takes some. */
static bool
give(struct app *app, struct part *p, struct chunk *c, uint64_t lines)
{
	uint64_t left = p->lines - p->given_lines;
	const char *begin, *end;

	if (left == 0 || p->life == LIFE_LEAVING)
		return false;
	c->stream = get_stream(app, p->number);
	if (!command_ready(app, c->stream))
		return false;
	begin = p->inbox.data + p->given;
	end = lines >= left ? p->inbox.data + p->inbox.len :
	    skip_lines(begin, lines);
	c->lines = begin;
	c->len = (size_t)(end - begin);
	c->count = lines < left ? lines : left;
	p->given += c->len;
	p->given_lines += c->count;
	c->end = (struct barrier_mark){ p->first_tag + p->given_lines - 1,
	    amqp_link.epoch, 0 };
	return true;
}

enum next
amqp_get_next(struct app *app, struct chunk *c, uint64_t lines)
{
	*c = (struct chunk){ .count = 0 };
	for (unsigned i = 0; i < get.count; i++)
		if (give(app, &get.parts[get.next++ % get.count], c, lines))
			return NEXT_CHUNK;
	for (unsigned i = 0; i < get.count; i++)
		if (get.parts[i].given_lines < get.parts[i].lines)
			return NEXT_NOTHING;
	return get.over ? NEXT_END : NEXT_NOTHING;
}

void
amqp_get_ack(struct app *app, struct stream *s, struct barrier_mark mark)
{
	struct part *p = &get.parts[s->number - 1];
	uint64_t n = mark.position + 1 - p->first_tag;
	struct err e;

	/* a barrier that comes back after the connection is gone is void */
	if (amqp_link.conn == NULL || mark.batch != amqp_link.epoch ||
	    mark.position < p->first_tag || n > p->given_lines)
		return;
	if (amqp_status(amqp_basic_ack(amqp_link.conn,
	    p->channel, mark.position, 1),
	    "can't acknowledge", &e) == -1) {
		lost(app, &e);
		return;
	}
	p->from = (size_t)(skip_lines(p->inbox.data + p->from, n) -
	    p->inbox.data);
	p->lines -= n;
	p->given_lines -= n;
	p->first_tag += n;
	if (p->lines == 0) {
		empty(p);
	} else if (p->from > p->inbox.len / 2) {
		buf_drop(&p->inbox, p->from);
		p->given -= p->from;
		p->from = 0;
	}
}

void
amqp_get_rewind(struct app *app, struct stream *s)
{
	struct part *p = &get.parts[s->number - 1];

	(void)app;
	p->given = p->from;
	p->given_lines = 0;
}

/* --- partitions ---------------------------------------------------------- */

static int
consume(struct part *p, struct err *e)
{
	amqp_channel_t channel = (amqp_channel_t)(p->channel == p->number ?
	    p->number + STREAMS_MAX : p->number);
	amqp_connection_state_t c = amqp_link.conn;
	char text[300];

	p->channel = channel;
	amqp_channel_open(c, channel);
	if (amqp_answer("can't open a channel", e) == -1)
		return -1;
	amqp_basic_qos(c, channel, 0, (uint16_t)amqp_link.place.prefetch, 0);
	if (amqp_answer("can't set the prefetch", e) == -1)
		return -1;
	amqp_basic_consume(c, channel, amqp_queue_name(p->number, text),
	    amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
	return amqp_answer("can't read a partition", e);
}

/*
 * Every worker listens at a queue that nothing is put into: as many do as
 * there are workers.  A partition's own queue counts only the one that has
 * it.
 */
static amqp_queue_declare_ok_t *
declare_workers(bool passive, struct err *e)
{
	char text[300];
	amqp_queue_declare_ok_t *q;

	snprintf(text, sizeof(text), "%s.workers", amqp_link.place.name);
	q = amqp_queue_declare(amqp_link.conn, WORKERS_CHANNEL,
	    amqp_cstring_bytes(text), passive, 1, 0, 1, amqp_empty_table);
	if (q == NULL)
		amqp_answer("can't count the workers", e);
	return q;
}

static int
be_a_worker(struct err *e)
{
	char text[300];

	amqp_channel_open(amqp_link.conn, WORKERS_CHANNEL);
	if (amqp_answer("can't open a channel", e) == -1 ||
	    declare_workers(false, e) == NULL)
		return -1;
	snprintf(text, sizeof(text), "%s.workers", amqp_link.place.name);
	amqp_basic_consume(amqp_link.conn, WORKERS_CHANNEL,
	    amqp_cstring_bytes(text), amqp_empty_bytes, 0, 1, 0,
	    amqp_empty_table);
	return amqp_answer("can't be a worker", e);
}

static int
consume_all(struct err *e)
{
	unsigned n = 0;

	if (amqp_count(&n, e) == -1)
		return -1;
	if (n < get.count)
		return err_set(e, GC_EX_UNAVAILABLE, "some partitions are "
		    "missing");
	if (n > get.count) {
		get.parts = xreallocarray(get.parts, n, sizeof(*get.parts));
		for (; get.count < n; get.count++) {
			struct part *p = &get.parts[get.count];

			*p = (struct part){ .number = get.count + 1 };
			buf_init(&p->inbox, INBOX_MAX);
		}
	}
	for (unsigned i = 0; i < n; i++)
		if (consume(&get.parts[i], e) == -1)
			return -1;
	return be_a_worker(e);
}

static void
try_connect(struct app *app)
{
	struct err e;

	if (!amqp_link_is_due(clock_mono_ms()))
		return;
	if (amqp_link_open(&e) == -1 || consume_all(&e) == -1) {
		lost(app, &e);
		return;
	}
	amqp_link_is_up(app);
	get.heard_ms = get.balance_ms = clock_mono_ms();
}

/* How many workers there are, us included. */
static int
workers(unsigned *n, struct err *e)
{
	amqp_queue_declare_ok_t *q = declare_workers(1, e);

	if (q == NULL)
		return -1;
	*n = q->consumer_count;
	return 0;
}

/* Nothing came for a while: is there nothing?  What other workers hold is
 * theirs. */
static int
look_for_end(struct app *app, struct err *e)
{
	uint64_t left = 0;
	char text[300];

	for (unsigned i = 0; i < get.count; i++) {
		amqp_queue_declare_ok_t *q = amqp_queue_declare(
		    amqp_link.conn, WORKERS_CHANNEL, amqp_queue_name(i + 1,
		    text), 1, 1, 0, 0, amqp_empty_table);

		if (q == NULL)
			return amqp_answer("can't look at a partition", e);
		left += q->message_count;
	}
	get.over = left == 0 && !amqp_has_more();
	get.heard_ms = app->now_ms;
	return 0;
}

/* Whoever has more than its share gives one to the next worker. */
static int
balance(struct app *app, struct err *e)
{
	unsigned ours = 0, leaving = 0, all = 0, share;
	struct part *last = NULL;

	for (unsigned i = 0; i < get.count; i++) {
		struct part *p = &get.parts[i];

		ours += p->life == LIFE_OURS;
		leaving += p->life == LIFE_LEAVING;
		if (p->life == LIFE_OURS)
			last = p;
	}
	if (leaving > 0 || ours < 2)
		return 0;
	if (workers(&all, e) == -1)
		return -1;
	share = all == 0 ? get.count : (get.count + all - 1) / all;
	if (ours <= share)
		return 0;
	last->life = LIFE_LEAVING;
	command_leave(app, get_stream(app, last->number), true);
	return 0;
}

/* Its COMMAND has ended, or everything it had is acknowledged: to the end of
 * the line of those who wait for it. */
static int
leave(struct app *app, struct part *p, struct err *e)
{
	struct stream *s = get_stream(app, p->number);

	if (s->child.pid != -1 || (app->command == NULL && s->pending > 0))
		return 0;
	amqp_channel_close(amqp_link.conn, p->channel, AMQP_REPLY_SUCCESS);
	if (amqp_answer("can't close a channel", e) == -1)
		return -1;
	empty(p);
	p->life = LIFE_WAITING;
	log_note("partition %u is given to another worker", p->number);
	return consume(p, e);
}

/* --- the driver's ------------------------------------------------------- */

static int
receive(struct app *app, struct err *e)
{
	struct timeval now = { 0, 0 };
	amqp_envelope_t env;
	amqp_rpc_reply_t r;
	amqp_frame_t frame;
	int status;

	for (int i = 0; i < TURN_MESSAGES; i++) {
		amqp_maybe_release_buffers(amqp_link.conn);
		r = amqp_consume_message(amqp_link.conn, &env, &now, 0);
		if (r.reply_type == AMQP_RESPONSE_NORMAL) {
			deliver(app, &env);
			amqp_destroy_envelope(&env);
			continue;
		}
		if (r.reply_type != AMQP_RESPONSE_LIBRARY_EXCEPTION)
			return err_set(e, GC_EX_UNAVAILABLE, "the broker "
			    "closed a partition");
		if (r.library_error == AMQP_STATUS_TIMEOUT)
			return 0;
		if (r.library_error != AMQP_STATUS_UNEXPECTED_STATE)
			return amqp_status(r.library_error,
			    "connection lost", e);
		status = amqp_simple_wait_frame_noblock(amqp_link.conn,
		    &frame, &now);
		if (amqp_status(status, "connection lost", e) == -1 ||
		    amqp_other_frame(&frame, e) == -1)
			return -1;
	}
	return 0;
}

void
amqp_get_serve(struct app *app)
{
	struct err e;
	int status;

	if (amqp_link.conn == NULL)
		return;
	status = receive(app, &e);
	for (unsigned i = 0; status == 0 && i < get.count; i++)
		if (get.parts[i].life == LIFE_LEAVING)
			status = leave(app, &get.parts[i], &e);
	if (status == 0 && app->opt.follow &&
	    app->now_ms - get.balance_ms >= BALANCE_MS) {
		get.balance_ms = app->now_ms;
		status = balance(app, &e);
	}
	if (status == 0 && !app->opt.follow &&
	    app->now_ms - get.heard_ms >= QUIET_MS)
		status = look_for_end(app, &e);
	if (status == -1)
		lost(app, &e);
}

int64_t
amqp_get_tick(struct app *app)
{
	try_connect(app);
	if (amqp_link.conn == NULL)
		return amqp_link.retry_ms;
	if (amqp_has_more())
		return app->now_ms;
	/* balance, heartbeats, and the quiet that may be the end */
	return app->now_ms + (app->opt.follow ? BALANCE_MS : QUIET_MS);
}

void
amqp_get_open(struct app *app, struct sandbox *box)
{
	box->client = true;
	try_connect(app);
}

bool
amqp_get_close(struct app *app)
{
	(void)app;
	if (amqp_link.conn != NULL)
		amqp_connection_close(amqp_link.conn, AMQP_REPLY_SUCCESS);
	amqp_link_close();
	for (unsigned i = 0; i < get.count; i++)
		buf_free(&get.parts[i].inbox);
	free(get.parts);
	get.parts = NULL;
	get.count = 0;
	return true;
}
