/* amqp:, put: what the broker has not confirmed is held, and published again
 * on the next connection. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-queue/amqp.h"
#include "lib/log.h"

#define HELD_MAX (4 << 20)	/* bytes: no more is taken then */
#define ROOM 4			/* lines above place.confirm */
#define KEY_MAX 255		/* of a routing key */
#define PARTITIONS 16		/* of a new queue */
#define SILENCE_MS 10000	/* with no confirm for what was sent: said */

struct held {
	size_t len;		/* of the line, without its newline */
	uint16_t key_len;	/* of the key before it */
	bool everyone, confirmed;
};

static struct {
	struct held *ring;
	size_t cap, first, count;
	size_t sent;		/* of them, on this connection */
	uint64_t first_tag;	/* of the first, on this connection */
	struct buf bytes;	/* keys and lines; the first begins at from */
	size_t from;
	size_t send_at;		/* where the next one to be sent begins */
	int64_t heard_ms;	/* the last confirm, or nothing was due */
	bool silence_said;
} put;

static struct held *
held(size_t i)
{
	return &put.ring[(put.first + i) % put.cap];
}

/* --- the queue ----------------------------------------------------------- */

static int
declare_partition(unsigned k, struct err *e)
{
	amqp_table_entry_t entries[2] = {
		{ .key = amqp_cstring_bytes("x-queue-type"),
		    .value = { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes =
		    amqp_cstring_bytes("quorum") } },
		{ .key = amqp_cstring_bytes("x-single-active-consumer"),
		    .value = { .kind = AMQP_FIELD_KIND_BOOLEAN,
		    .value.boolean = 1 } },
	};
	const char *name = amqp_link.place.name;
	amqp_connection_state_t c = amqp_link.conn;
	char text[300], all[300];
	amqp_bytes_t queue = amqp_queue_name(k, text);

	snprintf(all, sizeof(all), "%s.all", name);
	amqp_queue_declare(c, 1, queue, 0, 1, 0, 0,
	    (amqp_table_t){ 2, entries });
	if (amqp_answer("can't make a partition", e) == -1)
		return -1;
	amqp_queue_bind(c, 1, queue, amqp_cstring_bytes(name),
	    amqp_cstring_bytes("1"), amqp_empty_table);
	if (amqp_answer("can't bind a partition", e) == -1)
		return -1;
	amqp_queue_bind(c, 1, queue, amqp_cstring_bytes(all),
	    amqp_empty_bytes, amqp_empty_table);
	return amqp_answer("can't bind a partition", e);
}

static int
declare_exchange(const char *name, const char *type, struct err *e)
{
	amqp_exchange_declare(amqp_link.conn, 1, amqp_cstring_bytes(name),
	    amqp_cstring_bytes(type), 0, 1, 0, 0, amqp_empty_table);
	return amqp_answer("can't make the exchange", e);
}

/* Exchanges and partitions as they should be: harmless where they are. */
static int
declare(struct app *app, struct err *e)
{
	unsigned there = 0, n = amqp_link.place.partitions;
	char all[300];

	if (amqp_count(&there, e) == -1 && (there > 0 ||
	    e->code != GC_EX_UNAVAILABLE))
		return -1;
	if (n == 0)
		n = there > 0 ? there : PARTITIONS;
	if (there > n)
		return err_set(e, GC_EX_CONFIG, "'%s' has %u partitions, not "
		    "%u", app->url.shown, there, n);
	if (there > 0 && there < n && !amqp_link.ever)
		log_warn("'%s': %u partitions become %u: agents move between "
		    "them", app->url.shown, there, n);
	snprintf(all, sizeof(all), "%s.all", amqp_link.place.name);
	amqp_channel_open(amqp_link.conn, 1);
	if (amqp_answer("can't open a channel", e) == -1 ||
	    declare_exchange(amqp_link.place.name, "x-consistent-hash",
	    e) == -1 || declare_exchange(all, "fanout", e) == -1)
		return -1;
	for (unsigned k = 1; k <= n; k++)
		if (declare_partition(k, e) == -1)
			return -1;
	amqp_confirm_select(amqp_link.conn, 1);
	return amqp_answer("can't ask for confirms", e);
}

/* --- lines --------------------------------------------------------------- */

static int
publish(const struct held *h, const char *bytes)
{
	static const amqp_basic_properties_t props = {
		._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
		.delivery_mode = AMQP_DELIVERY_PERSISTENT,
	};
	char all[300];

	snprintf(all, sizeof(all), "%s%s", amqp_link.place.name,
	    h->everyone ? ".all" : "");
	return amqp_basic_publish(amqp_link.conn, 1, amqp_cstring_bytes(all),
	    (amqp_bytes_t){ h->key_len, (void *)(uintptr_t)bytes }, 0, 0,
	    &props, (amqp_bytes_t){ h->len,
	    (void *)(uintptr_t)(bytes + h->key_len) });
}

/* On the next connection every line that is held is published again. */
static void
lost(struct app *app, const struct err *e)
{
	put.sent = 0;
	put.silence_said = false;
	put.send_at = put.from;
	for (size_t i = 0; i < put.count; i++)
		held(i)->confirmed = false;
	amqp_link_lost(app, e);
}

/* A broker that holds publishers back reads nothing, and to write would be
 * to wait for it. */
static bool
is_writable(void)
{
	struct pollfd p = { amqp_get_sockfd(amqp_link.conn), POLLOUT, 0 };

	return poll(&p, 1, 0) == 1;
}

bool
amqp_put_wants_to_write(void)
{
	return amqp_link.conn != NULL && put.sent < put.count;
}

static void
send_held(struct app *app)
{
	struct err e;
	int status;

	while (amqp_put_wants_to_write() && is_writable()) {
		const struct held *h = held(put.sent);

		if (put.sent == 0)
			put.heard_ms = clock_mono_ms();
		status = publish(h, put.bytes.data + put.send_at);
		if (amqp_status(status, "can't publish", &e) == -1) {
			lost(app, &e);
			return;
		}
		put.send_at += h->key_len + h->len;
		put.sent++;
	}
}

static void
try_connect(struct app *app)
{
	struct err e;

	if (!amqp_link_is_due(clock_mono_ms()))
		return;
	if (amqp_link_open(&e) == -1 || declare(app, &e) == -1) {
		lost(app, &e);
		return;
	}
	amqp_link_is_up(app);
	put.first_tag = 1;
	send_held(app);
}

void
amqp_put_line(struct app *app, const char *line, size_t raw)
{
	const struct text *id = &app->route.user_id;
	struct held *h = held(put.count);
	char key[KEY_MAX + 1];
	size_t len = raw;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	*h = (struct held){ .len = len, .everyone = app->route.everyone };
	if (id->p != NULL && id->len <= KEY_MAX) {
		h->key_len = (uint16_t)id->len;
		buf_add(&put.bytes, id->p, id->len);
	} else if (id->p != NULL) {
		/* too long to be a key: its partition is that of its sum */
		h->key_len = (uint16_t)snprintf(key, sizeof(key), "%u",
		    route_partition(&app->route, UINT32_MAX));
		buf_add(&put.bytes, key, h->key_len);
	}
	buf_add(&put.bytes, line, len);
	put.count++;
	if (put.sent == put.count - 1)
		send_held(app);
}

/* The oldest that are confirmed are done with. */
static void
let_go(void)
{
	while (put.sent > 0 && held(0)->confirmed) {
		put.from += held(0)->key_len + held(0)->len;
		put.first = (put.first + 1) % put.cap;
		put.first_tag++;
		put.count--;
		put.sent--;
	}
	if (put.count == 0 || put.from > HELD_MAX) {
		buf_drop(&put.bytes, put.from);
		put.send_at -= put.from;
		put.from = 0;
	}
}

static void
confirm(struct app *app, uint64_t tag, bool multiple)
{
	uint64_t i = tag - put.first_tag;

	if (tag < put.first_tag || i >= put.sent)
		return;
	held(i)->confirmed = true;
	while (multiple && i-- > 0)
		held(i)->confirmed = true;
	app->counts.batches++;
	put.heard_ms = clock_mono_ms();
	if (put.silence_said)
		log_warn("'%s': lines are confirmed again", app->url.shown);
	put.silence_said = false;
	let_go();
}

/* Held back and lost look alike from here, but for the heartbeats. */
static void
look_for_silence(struct app *app)
{
	if (amqp_link.conn == NULL || put.sent == 0 || put.silence_said ||
	    app->now_ms < put.heard_ms + SILENCE_MS)
		return;
	put.silence_said = true;
	log_warn("'%s': the broker has confirmed nothing for %d s: is its "
	    "memory or disk full? It is waited for", app->url.shown,
	    SILENCE_MS / 1000);
}

static int
take_frame(struct app *app, const amqp_frame_t *f, struct err *e)
{
	const amqp_basic_ack_t *ack = f->payload.method.decoded;

	if (f->frame_type != AMQP_FRAME_METHOD)
		return 0;
	if (f->payload.method.id == AMQP_BASIC_ACK_METHOD) {
		confirm(app, ack->delivery_tag, ack->multiple);
		return 0;
	}
	if (f->payload.method.id == AMQP_BASIC_NACK_METHOD)
		return err_set(e, GC_EX_UNAVAILABLE, "the broker could not "
		    "keep a line");
	return amqp_other_frame(f, e);
}

void
amqp_put_serve(struct app *app)
{
	struct timeval now = { 0, 0 };
	amqp_frame_t frame;
	struct err e;
	int status;

	while (amqp_link.conn != NULL) {
		status = amqp_simple_wait_frame_noblock(amqp_link.conn,
		    &frame, &now);
		if (status == AMQP_STATUS_TIMEOUT)
			break;
		if (amqp_status(status, "connection lost", &e) == -1 ||
		    take_frame(app, &frame, &e) == -1) {
			lost(app, &e);
			return;
		}
	}
	if (amqp_link.conn != NULL)
		amqp_maybe_release_buffers(amqp_link.conn);
	send_held(app);
}

/* --- the driver's ------------------------------------------------------- */

void
amqp_put_open(struct app *app, struct sandbox *box)
{
	box->client = true;
	put.cap = amqp_link.place.confirm + ROOM;
	put.ring = xcalloc(put.cap, sizeof(*put.ring));
	buf_init(&put.bytes, 2 * HELD_MAX + 4 * NDJSON_LINE_MAX);
	try_connect(app);
}

bool
amqp_put_is_new(struct app *app, int64_t *quiet_ms)
{
	(void)app;
	*quiet_ms = 1;		/* nobody knows: rather too much doubt */
	return false;
}

void
amqp_put_flush(struct app *app)
{
	send_held(app);
}

bool
amqp_put_is_held(struct app *app)
{
	(void)app;
	return put.count >= amqp_link.place.confirm ||
	    put.bytes.len - put.from >= HELD_MAX;
}

bool
amqp_put_is_done(struct app *app)
{
	(void)app;
	return put.count == 0;
}

int64_t
amqp_put_tick(struct app *app)
{
	try_connect(app);
	look_for_silence(app);
	if (amqp_has_more())
		return app->now_ms;
	return amqp_link.conn == NULL ? amqp_link.retry_ms :
	    app->now_ms + amqp_link.place.heartbeat_s * 500;
}

uint64_t
amqp_put_left(struct app *app, int *code)
{
	(void)app;
	*code = GC_EX_TEMPFAIL;
	return put.count;
}

void
amqp_put_close(struct app *app)
{
	(void)app;
	if (amqp_link.conn != NULL && put.count == 0)
		amqp_connection_close(amqp_link.conn, AMQP_REPLY_SUCCESS);
	amqp_link_close();
	buf_free(&put.bytes);
	free(put.ring);
}
