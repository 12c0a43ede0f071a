/* One connection to a Redis: greeting, commands and replies, and the way
 * back after a loss. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-cache/cache.h"
#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define READ_BYTES (64u << 10)
#define READS_A_TURN 64
#define SECRET_FILE_MAX (64u << 10)

struct asked {
	struct asked *next;
	void *what;
};

static const struct backoff again = {
	.base_ms = 100, .cap_ms = 5000, .jitter_ms = 500
};

/* What an error reply means.  All else passes: 69, tried again. */
static const struct {
	const char *word;	/* is in the text */
	int code;
	const char *hint;
} errors[] = {
	{ "NOAUTH", GC_EX_NOPERM, "; see GC_REDIS_PASSWORD" },
	{ "WRONGPASS", GC_EX_NOPERM, "; see GC_REDIS_PASSWORD" },
	{ "invalid password", GC_EX_NOPERM, "; see GC_REDIS_PASSWORD" },
	{ "NOPERM", GC_EX_NOPERM, "" },
	{ "DENIED", GC_EX_NOPERM, "" },
	{ "AUTH <password> called without", GC_EX_CONFIG, "" },
	{ "no password is set", GC_EX_CONFIG, "" },
	{ "WRONGTYPE", GC_EX_CONFIG, "; is the prefix another's?" },
	{ "DB index", GC_EX_CONFIG, "" },
	{ "SELECT is not allowed", GC_EX_CONFIG, "" },
	{ "MOVED", GC_EX_CONFIG, "; a cluster wants the address of the node "
	    "that has the keys, and a prefix in braces" },
	{ "CROSSSLOT", GC_EX_CONFIG, "; a cluster wants a prefix in braces" },
	{ "unknown command", GC_EX_CONFIG, "" },
};

/* The replies of the greeting; the last one is that of PING. */
static char greeting, greeted;

static const char *
nothing_yet(const struct conn *c)
{
	return c->state == CONN_GREETS ? "the server says nothing" :
	    "the server has fallen silent";
}

void
conn_init(struct conn *c, int64_t now_ms)
{
	c->state = CONN_AWAY;
	c->now_ms = c->due_ms = now_ms;
	c->wire = (struct wire){ NULL, -1 };
	buf_init_secret(&c->out, CONN_OUT_MAX);
}

/* Everything of this connection; what was asked is lost. */
static void
hang_up(struct conn *c)
{
	struct asked *a;

	wire_close(&c->wire);
	if (c->reader != NULL)
		redisReaderFree(c->reader);
	c->reader = NULL;
	buf_wipe(&c->out);
	c->sent = c->fed = 0;
	c->more = false;
	c->state = CONN_AWAY;
	while ((a = c->first) != NULL) {
		c->first = a->next;
		if (a->what != &greeting && a->what != &greeted)
			c->reply(a->what, NULL);
		free(a);
	}
	c->last = NULL;
}

void
conn_free(struct conn *c)
{
	hang_up(c);
}

/* c->why says why.  lasting: no later attempt would be another. */
static void
lost(struct conn *c, bool lasting)
{
	bool config = c->why.code == GC_EX_NOPERM ||
	    c->why.code == GC_EX_CONFIG;

	if (config && (lasting || !c->once_up))
		c->fatal = c->why.code;
	hang_up(c);
	c->due_ms = c->now_ms + backoff_delay_ms(&again, c->failures++,
	    arc4random());
	log_detail("%s: %s", c->url->shown, c->why.msg);
	c->down();
}

void
conn_good(struct conn *c)
{
	c->failures = 0;
}

/* --- commands ----------------------------------------------------------- */

void
conn_ask(struct conn *c, void *what, int argc, const char **argv,
    const size_t *lens)
{
	struct asked *a = xmalloc(sizeof(*a));
	char *text;
	int len = redisFormatCommandArgv(&text, argc, argv, lens);

	if (len == -1 || buf_add(&c->out, text, (size_t)len) == -1)
		die(GC_EX_SOFTWARE, "too much waits to be sent");
	explicit_bzero(text, (size_t)len);
	redisFreeCommand(text);
	*a = (struct asked){ NULL, what };
	if (c->first == NULL) {
		c->first = a;
		c->heard_ms = c->now_ms;
	} else {
		c->last->next = a;
	}
	c->last = a;
	c->spoke_ms = c->now_ms;
}

/* --- greeting ----------------------------------------------------------- */

/* It is read for each connection: so one that was changed is taken. */
static int
read_password(struct buf *out, struct err *e)
{
	const char *word = getenv("GC_REDIS_PASSWORD");
	const char *path = getenv("GC_REDIS_PASSWORD_FILE");

	if (word != NULL && *word != '\0') {
		buf_adds(out, word);
	} else if (path != NULL && *path != '\0') {
		if (file_check_private(path, e) == -1 ||
		    file_read(path, out, e) == -1) {
			e->code = GC_EX_CONFIG;
			return -1;
		}
		out->len = strcspn(out->data != NULL ? out->data : "",
		    "\r\n");
		if (out->len == 0)
			return err_set(e, GC_EX_CONFIG,
			    "GC_REDIS_PASSWORD_FILE: '%s' is empty", path);
	}
	return 0;
}

static void
greet(struct conn *c)
{
	const char *argv[3] = { "AUTH" }, *user = c->url->user;
	size_t lens[3] = { 4 };
	struct buf secret;
	char db[16];
	int n = 1;

	c->state = CONN_GREETS;
	c->reader = redisReaderCreate();
	buf_init_secret(&secret, SECRET_FILE_MAX);
	if (c->reader == NULL || read_password(&secret, &c->why) == -1) {
		buf_wipe(&secret);
		lost(c, false);
		return;
	}
	if (secret.len > 0) {
		if (*user != '\0') {
			argv[n] = user;
			lens[n++] = strlen(user);
		}
		argv[n] = secret.data;
		lens[n++] = secret.len;
		conn_ask(c, &greeting, n, argv, lens);
	}
	buf_wipe(&secret);
	if (c->url->db != 0) {
		lens[1] = (size_t)snprintf(db, sizeof(db), "%u", c->url->db);
		conn_ask(c, &greeting, 2, (const char *[]){ "SELECT", db },
		    (size_t[]){ 6, lens[1] });
	}
	conn_ask(c, &greeted, 1, (const char *[]){ "PING" },
	    (size_t[]){ 4 });
}

static void
dial(struct conn *c)
{
	if (wire_open(&c->wire, c->url, c->cacert, c->timeout_ms, &c->why) ==
	    -1)
		lost(c, false);
	else if (c->wire.transport == NULL)
		greet(c);	/* a local socket is there, or is not */
	else
		c->state = CONN_DIALS;
}

/* --- replies ------------------------------------------------------------ */

/* Some servers repeat what they were sent, and that may be the password. */
static void
was_refused(struct conn *c, const redisReply *r)
{
	static const char tail[] = ", with args";
	const char *cut = strstr(r->str, tail), *hint = "";
	size_t n = cut != NULL ? (size_t)(cut - r->str) : r->len;
	int code = GC_EX_UNAVAILABLE;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strstr(r->str, errors[i].word) != NULL) {
			code = errors[i].code;
			hint = errors[i].hint;
			break;
		}
	err_set(&c->why, code, "it says: %.*s%s", n < 300 ? (int)n : 300,
	    r->str, hint);
	lost(c, true);
}

static void
take_reply(struct conn *c, const redisReply *r)
{
	struct asked *a = c->first;
	void *what;

	if (r->type == REDIS_REPLY_ERROR) {
		was_refused(c, r);
		return;
	}
	if (a == NULL) {
		err_set(&c->why, GC_EX_UNAVAILABLE, "it answers what was not "
		    "asked");
		lost(c, false);
		return;
	}
	what = a->what;
	c->first = a->next;
	free(a);
	if (what == &greeted) {
		c->state = CONN_UP;
		c->once_up = true;
		c->ups++;
		c->up();
	} else if (what != &greeting) {
		c->reply(what, r);
	}
}

/* Every reply that is whole. */
static void
take_replies(struct conn *c)
{
	void *r;

	while (c->state >= CONN_GREETS) {
		if (redisReaderGetReply(c->reader, &r) != REDIS_OK) {
			err_set(&c->why, GC_EX_UNAVAILABLE, "what answers is "
			    "no Redis: %s", c->reader->errstr);
			lost(c, false);
			return;
		}
		if (r == NULL)
			return;
		c->fed = 0;
		take_reply(c, r);
		freeReplyObject(r);
	}
}

static void
receive(struct conn *c)
{
	static char bytes[READ_BYTES];
	ssize_t n = 1;

	for (int i = 0; c->state >= CONN_GREETS && n > 0; i++) {
		if ((c->more = i == READS_A_TURN))
			return;
		n = wire_recv(&c->wire, bytes, sizeof(bytes), &c->why);
		if (n > 0) {
			c->heard_ms = c->now_ms;
			c->fed += (size_t)n;
			redisReaderFeed(c->reader, bytes, (size_t)n);
			if (c->fed > CONN_REPLY_MAX)
				n = err_set(&c->why, GC_EX_UNAVAILABLE,
				    "a reply is longer than %u bytes",
				    CONN_REPLY_MAX);
			else
				take_replies(c);
		}
		if (n == -1)
			lost(c, false);
	}
}

static void
transmit(struct conn *c)
{
	ssize_t n = 1;

	while (n > 0 && c->sent < c->out.len) {
		n = wire_send(&c->wire, c->out.data + c->sent,
		    c->out.len - c->sent, &c->why);
		if (n > 0)
			c->sent += (size_t)n;
	}
	if (n == -1) {
		lost(c, false);
	} else if (c->sent == c->out.len) {
		buf_reset(&c->out);
		c->sent = 0;
	} else if (c->sent > c->out.len / 2) {
		buf_drop(&c->out, c->sent);
		c->sent = 0;
	}
}

/* --- a turn ------------------------------------------------------------- */

int64_t
conn_step(struct conn *c, int64_t now_ms)
{
	/* while we did something else, nobody listened */
	c->heard_ms += now_ms - c->now_ms;
	c->now_ms = now_ms;
	if (c->state == CONN_AWAY && c->fatal == 0 && now_ms >= c->due_ms)
		dial(c);
	if (c->first != NULL && now_ms >= c->heard_ms + c->timeout_ms) {
		err_set(&c->why, GC_EX_UNAVAILABLE, "%s", nothing_yet(c));
		lost(c, false);
	}
	if (c->state == CONN_AWAY)
		return c->due_ms;
	if (c->more)
		return now_ms;
	return c->first != NULL ? c->heard_ms + c->timeout_ms : CLOCK_NEVER;
}

size_t
conn_interest(struct conn *c, struct pollfd *fds, int64_t *due_ms)
{
	int timeout_ms = -1;
	size_t n;

	if (c->state == CONN_AWAY)
		return 0;
	n = wire_interest(&c->wire, c->sent < c->out.len, fds, &timeout_ms);
	if (timeout_ms >= 0 && c->now_ms + timeout_ms < *due_ms)
		*due_ms = c->now_ms + timeout_ms;
	return n;
}

void
conn_serve(struct conn *c, int64_t now_ms)
{
	c->now_ms = now_ms;
	if (c->state == CONN_DIALS) {
		switch (transport_step(c->wire.transport, &c->why)) {
		case TRANSPORT_WANT:
			return;
		case TRANSPORT_FAILED:
			lost(c, false);
			return;
		case TRANSPORT_DONE:
			greet(c);
		}
	}
	if (c->state >= CONN_GREETS)
		receive(c);
	conn_push(c);
}

void
conn_push(struct conn *c)
{
	if (c->state >= CONN_GREETS && c->sent < c->out.len)
		transmit(c);
}
