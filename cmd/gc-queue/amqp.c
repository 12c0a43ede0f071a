/* amqp: and amqps:, the driver: URL, ls. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-queue/amqp.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/percent.h"
#include "lib/str.h"

#define PASSWORD_MAX 1024
#define NAME_MAX_LEN 200	/* with its ending it is a short string */

/* --- the URL ------------------------------------------------------------- */

static uint64_t
number(const struct app *app, const char *name, uint64_t otherwise,
    uint64_t max)
{
	const char *text = url_param(app, name);
	uint64_t n = otherwise;

	if (text != NULL && (str_number(text, max, &n) == -1 || n == 0))
		die(GC_EX_USAGE, "parameter '%s': '%s' is no number from 1 to "
		    "%" PRIu64, name, text, max);
	return n;
}

static char *
decoded(const char *text, const char *what)
{
	char out[512];

	if (percent_decode(out, sizeof(out), text, strlen(text)) == -1 ||
	    *out == '\0')
		die(GC_EX_USAGE, "the %s of the queue's URL is none", what);
	return xstrdup(out);
}

/* From the environment, or a private file that it names. */
static char *
read_password(void)
{
	const char *text = getenv("GC_QUEUE_PASSWORD");
	const char *path = getenv("GC_QUEUE_PASSWORD_FILE");
	struct buf b;
	struct err e;

	if (text != NULL && *text != '\0')
		return xstrdup(text);
	if (path == NULL || *path == '\0')
		return xstrdup("guest");
	buf_init_secret(&b, PASSWORD_MAX);
	if (file_check_private(path, &e) == -1 ||
	    file_read(path, &b, &e) == -1) {
		e.code = GC_EX_CONFIG;
		die_err(&e);
	}
	while (b.len > 0 && (b.data[b.len - 1] == '\n' ||
	    b.data[b.len - 1] == '\r'))
		b.data[--b.len] = '\0';
	return b.len > 0 ? buf_take(&b) : xstrdup("");
}

static void
parse_port(struct amqp_place *p, char *host)
{
	char *colon = *host == '[' ? strchr(host, ']') : host;
	uint64_t port = p->tls ? 5671 : 5672;

	if (colon != NULL)
		colon = strchr(colon, ':');
	if (colon != NULL) {
		*colon++ = '\0';
		if (str_number(colon, 65535, &port) == -1 || port == 0)
			die(GC_EX_USAGE, "'%s' is no port", colon);
	}
	if (*host == '[' && str_ends(host, "]")) {
		host[strlen(host) - 1] = '\0';
		host++;
	}
	p->port = (int)port;
	p->host = decoded(host, "host");
}

/* //[USER@]HOST[:PORT]/NAME */
static void
check(struct app *app)
{
	struct amqp_place *p = &amqp_link.place;
	char *rest = app->url.rest, *at, *slash;
	const char *vhost = url_param(app, "vhost");

	if (!str_starts(rest, "//") ||
	    (slash = strchr(rest + 2, '/')) == NULL)
		die(GC_EX_USAGE, "'%s' is no %s://HOST/NAME",
		    app->url.shown, app->url.scheme);
	*slash = '\0';
	rest += 2;
	if ((at = strrchr(rest, '@')) != NULL) {
		*at = '\0';
		if (strchr(rest, ':') != NULL) {
			explicit_bzero(rest, strlen(rest));
			die(GC_EX_USAGE, "a password in the command line is "
			    "seen by everyone: set GC_QUEUE_PASSWORD, or "
			    "GC_QUEUE_PASSWORD_FILE");
		}
		p->user = decoded(rest, "user");
		rest = at + 1;
	} else {
		p->user = xstrdup("guest");
	}
	p->tls = strcmp(app->url.scheme, "amqps") == 0;
	parse_port(p, rest);
	p->name = decoded(slash + 1, "name");
	if (strlen(p->name) > NAME_MAX_LEN)
		die(GC_EX_USAGE, "the name of the queue is too long");
	p->vhost = vhost != NULL ? decoded(vhost, "vhost") : xstrdup("/");
	p->partitions = (unsigned)number(app, "partitions", 0, STREAMS_MAX);
	p->prefetch = number(app, "prefetch", 2000, 65535);
	p->confirm = number(app, "confirm", 1000, 100000);
	p->heartbeat_s = (int)number(app, "heartbeat", 10, 3600);
	p->password = read_password();
	if (app->opt.keep != NULL || app->opt.part != NULL ||
	    app->opt.group != NULL || app->opt.segment != 0)
		die(GC_EX_USAGE, "--keep, --part, --group and --segment are "
		    "for dir: alone: the broker has partitions, and forgets "
		    "what is acknowledged");
}

bool
amqp_has_more(void)
{
	return amqp_link.conn != NULL &&
	    (amqp_frames_enqueued(amqp_link.conn) ||
	    amqp_data_in_buffer(amqp_link.conn));
}

amqp_bytes_t
amqp_queue_name(unsigned k, char text[300])
{
	snprintf(text, 300, "%s.%u", amqp_link.place.name, k);
	return amqp_cstring_bytes(text);
}

/* --- looking ------------------------------------------------------------- */

/* Is partition k there?  A no closes the channel. */
static int
ask(unsigned k, amqp_queue_declare_ok_t **answer, struct err *e)
{
	char text[300];

	*answer = amqp_queue_declare(amqp_link.conn, 1, amqp_queue_name(k,
	    text), 1, 1, 0, 0, amqp_empty_table);
	if (*answer != NULL)
		return 0;
	amqp_answer("can't look at the queue", e);
	return -1;
}

/* The last answer was a no, and nothing worse: a queue whose node is not up
 * yet is 404 in other words. */
static bool
is_missing(void)
{
	static const char no_queue[] = "NOT_FOUND - no queue";
	amqp_rpc_reply_t r = amqp_get_rpc_reply(amqp_link.conn);
	amqp_channel_close_t *c = r.reply.decoded;

	return r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
	    r.reply.id == AMQP_CHANNEL_CLOSE_METHOD &&
	    c->reply_code == 404 && c->reply_text.len >= strlen(no_queue) &&
	    memcmp(c->reply_text.bytes, no_queue, strlen(no_queue)) == 0;
}

int
amqp_count(unsigned *partitions, struct err *e)
{
	amqp_queue_declare_ok_t *answer;
	unsigned k = 0;

	amqp_channel_open(amqp_link.conn, 1);
	if (amqp_answer("can't open a channel", e) == -1)
		return -1;
	while (k < STREAMS_MAX && ask(k + 1, &answer, e) == 0)
		k++;
	if (k < STREAMS_MAX && !is_missing())
		return -1;
	*partitions = k;
	if (k < STREAMS_MAX) {
		const amqp_channel_close_ok_t ok = { 0 };

		amqp_send_method(amqp_link.conn, 1,
		    AMQP_CHANNEL_CLOSE_OK_METHOD,
		    (void *)(uintptr_t)&ok);
	} else {
		amqp_channel_close(amqp_link.conn, 1, AMQP_REPLY_SUCCESS);
	}
	amqp_maybe_release_buffers(amqp_link.conn);
	return k > 0 ? 0 : err_set(e, GC_EX_UNAVAILABLE, "there is no queue "
	    "'%s' yet: put makes it", amqp_link.place.name);
}

static void
print(struct app *app, unsigned k, unsigned partitions,
    const amqp_queue_declare_ok_t *q)
{
	char at[CLOCK_RFC3339_LEN + 1];
	struct buf line;

	clock_format_ms(app->wall_ms, at);
	buf_init(&line, NDJSON_LINE_MAX);
	buf_addf(&line, "{\"event\":\"gc:queue\",\"at\":\"%s\",\"url\":", at);
	buf_add_json(&line, app->url.shown, strlen(app->url.shown));
	buf_addf(&line, ",\"partition\":%u,\"partitions\":%u,\"lines\":%u,"
	    "\"taken\":%s,\"oldestMs\":null}\n", k, partitions,
	    q->message_count, q->consumer_count > 0 ? "true" : "false");
	filter_put(&app->filter, line.data, line.len);
	buf_free(&line);
}

static void
list(struct app *app)
{
	amqp_queue_declare_ok_t *answer;
	unsigned n = 0;
	struct err e;
	int status;

	status = amqp_link_open(&e);
	if (status == 0)
		status = amqp_count(&n, &e);
	if (status == 0) {
		amqp_channel_open(amqp_link.conn, 2);
		status = amqp_answer("can't open a channel", &e);
	}
	for (unsigned k = 1; k <= n && status == 0; k++) {
		char text[300];

		answer = amqp_queue_declare(amqp_link.conn, 2,
		    amqp_queue_name(k, text), 1, 1, 0, 0, amqp_empty_table);
		if (answer != NULL)
			print(app, k, n, answer);
		else
			status = amqp_answer("can't look", &e);
	}
	amqp_link_close();
	if (status == -1)
		queue_die(app, &e);
}

static void
trim(struct app *app)
{
	die(GC_EX_USAGE, "'%s': the broker itself removes what is "
	    "acknowledged", app->url.shown);
}

static size_t
interest(struct app *app, struct pollfd *fds)
{
	bool out = app->putting && amqp_put_wants_to_write();

	if (amqp_link.conn == NULL)
		return 0;
	fds[0] = (struct pollfd){ amqp_get_sockfd(amqp_link.conn),
	    (short)(POLLIN | (out ? POLLOUT : 0)), 0 };
	return 1;
}

static void
serve(struct app *app, const struct pollfd *fds, size_t n)
{
	(void)fds, (void)n;
	if (app->putting)
		amqp_put_serve(app);
	else
		amqp_get_serve(app);
}

static const char *const params[] = {
	"partitions", "prefetch", "confirm", "vhost", "heartbeat", NULL
};

#define DRIVER(name) { \
	.scheme = name, .params = params, .network = true, .check = check, \
	.put_open = amqp_put_open, .put_is_new = amqp_put_is_new, \
	.put_line = amqp_put_line, .put_flush = amqp_put_flush, \
	.put_is_held = amqp_put_is_held, .put_is_done = amqp_put_is_done, \
	.put_tick = amqp_put_tick, .put_left = amqp_put_left, \
	.put_close = amqp_put_close, \
	.get_open = amqp_get_open, .get_next = amqp_get_next, \
	.get_ack = amqp_get_ack, .get_rewind = amqp_get_rewind, \
	.get_tick = amqp_get_tick, .get_close = amqp_get_close, \
	.interest = interest, .serve = serve, .list = list, .trim = trim }

const struct driver amqp_driver = DRIVER("amqp");
const struct driver amqps_driver = DRIVER("amqps");
