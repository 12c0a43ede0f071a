/* amqp: and amqps:, the connection: there, gone, and tried again. */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "cmd/gc-queue/amqp.h"
#include "lib/backoff.h"
#include "lib/log.h"

#define FRAME_MAX 131072

struct amqp_link amqp_link;

static const struct backoff retry_backoff = {
	.base_ms = 500, .cap_ms = 10000, .jitter_ms = 500
};

/* --- answers ------------------------------------------------------------- */

/* The broker's own words: they may be anyone's, and are not trusted. */
static int
refused(const char *what, uint16_t code, amqp_bytes_t text, struct err *e)
{
	int ours = code == 403 || code == 530 ? GC_EX_NOPERM :
	    code == 406 || code == 503 ? GC_EX_CONFIG : GC_EX_UNAVAILABLE;

	return err_set(e, ours, "%s: the broker says %u %.*s%s", what, code,
	    (int)(text.len < 300 ? text.len : 300), (char *)text.bytes,
	    code == 503 ? " (is its plugin rabbitmq_consistent_hash_exchange "
	    "enabled?)" : "");
}

int
amqp_status(int status, const char *what, struct err *e)
{
	return status == AMQP_STATUS_OK ? 0 : err_set(e, GC_EX_UNAVAILABLE,
	    "%s: %s", what, amqp_error_string2(status));
}

static int
judge(amqp_rpc_reply_t r, const char *what, struct err *e)
{
	switch (r.reply_type) {
	case AMQP_RESPONSE_NORMAL:
		return 0;
	case AMQP_RESPONSE_LIBRARY_EXCEPTION:
		return amqp_status(r.library_error, what, e);
	case AMQP_RESPONSE_SERVER_EXCEPTION:
		if (r.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
			amqp_channel_close_t *c = r.reply.decoded;

			return refused(what, c->reply_code, c->reply_text, e);
		}
		if (r.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
			amqp_connection_close_t *c = r.reply.decoded;

			return refused(what, c->reply_code, c->reply_text, e);
		}
		break;
	case AMQP_RESPONSE_NONE:
		break;
	}
	return err_set(e, GC_EX_UNAVAILABLE, "%s: no answer", what);
}

int
amqp_answer(const char *what, struct err *e)
{
	return judge(amqp_get_rpc_reply(amqp_link.conn), what, e);
}

int
amqp_other_frame(const amqp_frame_t *f, struct err *e)
{
	if (f->frame_type != AMQP_FRAME_METHOD)
		return 0;
	if (f->payload.method.id == AMQP_CHANNEL_CLOSE_METHOD) {
		amqp_channel_close_t *c = f->payload.method.decoded;

		return refused("channel closed", c->reply_code,
		    c->reply_text, e);
	}
	if (f->payload.method.id == AMQP_CONNECTION_CLOSE_METHOD) {
		amqp_connection_close_t *c = f->payload.method.decoded;

		err_set(e, GC_EX_UNAVAILABLE, "the broker closes: %u %.*s",
		    c->reply_code, (int)c->reply_text.len,
		    (char *)c->reply_text.bytes);
		return -1;
	}
	return f->payload.method.id == AMQP_BASIC_CANCEL_METHOD ?
	    err_set(e, GC_EX_UNAVAILABLE, "the broker took a partition "
	    "away") : 0;
}

/* --- the connection ------------------------------------------------------ */

static amqp_socket_t *
new_socket(struct err *e)
{
	const char *cacert = getenv("GC_CACERT");
	amqp_socket_t *s;

	if (!amqp_link.place.tls)
		return amqp_tcp_socket_new(amqp_link.conn);
	s = amqp_ssl_socket_new(amqp_link.conn);
	if (s == NULL)
		return NULL;
	amqp_ssl_socket_set_verify_peer(s, 1);
	amqp_ssl_socket_set_verify_hostname(s, 1);
	SSL_CTX_set_default_verify_paths(amqp_ssl_socket_get_context(s));
	if (cacert != NULL && *cacert != '\0' &&
	    amqp_ssl_socket_set_cacert(s, cacert) != AMQP_STATUS_OK) {
		err_set(e, GC_EX_CONFIG, "GC_CACERT '%s' can't be read",
		    cacert);
		return NULL;
	}
	return s;
}

/* A certificate that does not verify is no network that is down. */
static int
connect_failed(int status, struct err *e)
{
	amqp_status(status, "can't connect", e);
	if (status == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED ||
	    status == AMQP_STATUS_SSL_PEER_VERIFY_FAILED)
		e->code = GC_EX_NOPERM;
	return -1;
}

int
amqp_link_open(struct err *e)
{
	const struct timeval wait = { AMQP_WAIT_S, 0 }, brief = { 2, 0 };
	struct amqp_place *p = &amqp_link.place;
	amqp_socket_t *socket;
	int status;

	e->msg[0] = '\0';
	e->code = GC_EX_UNAVAILABLE;
	amqp_link.conn = amqp_new_connection();
	if (amqp_link.conn == NULL)
		return err_set(e, GC_EX_OSERR, "out of memory");
	socket = new_socket(e);
	if (socket == NULL)
		return e->msg[0] != '\0' ? -1 :
		    err_set(e, GC_EX_OSERR, "can't make a socket");
	amqp_set_handshake_timeout(amqp_link.conn, &brief);
	amqp_set_rpc_timeout(amqp_link.conn, &wait);
	status = amqp_socket_open_noblock(socket, p->host, p->port, &brief);
	if (status != AMQP_STATUS_OK)
		return connect_failed(status, e);
	return judge(amqp_login(amqp_link.conn, p->vhost, 0, FRAME_MAX,
	    p->heartbeat_s, AMQP_SASL_METHOD_PLAIN, p->user, p->password),
	    "can't log in", e);
}

void
amqp_link_close(void)
{
	if (amqp_link.conn != NULL)
		amqp_destroy_connection(amqp_link.conn);
	amqp_link.conn = NULL;
}

bool
amqp_link_is_due(int64_t now_ms)
{
	return amqp_link.conn == NULL && now_ms >= amqp_link.retry_ms;
}

void
amqp_link_is_up(struct app *app)
{
	if (amqp_link.said)
		log_warn("'%s': connected", app->url.shown);
	amqp_link.said = false;
	amqp_link.ever = true;
	amqp_link.tries = 0;
	amqp_link.epoch++;
}

void
amqp_link_lost(struct app *app, const struct err *e)
{
	app->counts.failures++;
	amqp_link_close();
	if (!amqp_link.ever && (e->code == GC_EX_NOPERM ||
	    e->code == GC_EX_CONFIG))
		queue_die(app, e);
	if (!amqp_link.said)
		log_warn("'%s': %s; tried again until it is back",
		    app->url.shown, e->msg);
	amqp_link.said = true;
	amqp_link.retry_ms = clock_mono_ms() +
	    backoff_delay_ms(&retry_backoff, amqp_link.tries++,
	    arc4random());
}
