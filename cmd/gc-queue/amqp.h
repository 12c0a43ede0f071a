/* amqp: and amqps:, a queue in RabbitMQ: what its files share.
 *
 * Of a queue NAME the broker has an exchange NAME, which gives each agent's
 * lines to one of the quorum queues NAME.1 to NAME.N by consistent hashing,
 * and an exchange NAME.all, which gives control lines to all of them.  At
 * the queue NAME.workers all workers listen, so that they can be counted.
 */
#ifndef GC_AMQP_H
#define GC_AMQP_H

#include <amqp.h>
#include <amqp_framing.h>

#include "cmd/gc-queue/queue.h"
#include "lib/sandbox.h"

#define AMQP_WAIT_S 4		/* for an answer of the broker */

struct amqp_place {
	char *host, *name, *user, *password, *vhost;
	int port, heartbeat_s;
	bool tls;
	unsigned partitions;	/* 0: not told */
	uint64_t prefetch, confirm;
};

/* The connection, there or not. */
struct amqp_link {
	struct amqp_place place;
	amqp_connection_state_t conn;	/* NULL: it is down */
	uint64_t epoch;		/* counts connections */
	int64_t retry_ms;	/* when it is tried again */
	unsigned tries;
	bool ever;		/* it was up once */
	bool said;		/* that it is down */
};

/* The one link of this process. */
extern struct amqp_link amqp_link;

/*
 * Connect, and log in.  -1: e.code is 77 or 78 where trying again does not
 * help; else it is worth another try.
 */
int amqp_link_open(struct err *e);
/* Is it time to try?  Then when it is not up. */
bool amqp_link_is_due(int64_t now_ms);
/* It is up, and everything on it. */
void amqp_link_is_up(struct app *app);
/* It is gone, or did not come up: said once; ends with 77 or 78. */
void amqp_link_lost(struct app *app, const struct err *e);
void amqp_link_close(void);

/* What the last answer says: 0, or -1 and why. */
int amqp_answer(const char *what, struct err *e);
int amqp_status(int status, const char *what, struct err *e);

/* A frame that no one waits for: 0, or -1 where it ends the connection. */
int amqp_other_frame(const amqp_frame_t *frame, struct err *e);

/* Is something there already that poll(2) cannot see? */
bool amqp_has_more(void);

/* NAME.K, in text. */
amqp_bytes_t amqp_queue_name(unsigned k, char text[300]);

/* How many partitions there are: by asking. */
int amqp_count(unsigned *partitions, struct err *e);

/* amqp_put.c */
void amqp_put_open(struct app *app, struct sandbox *box);
bool amqp_put_is_new(struct app *app, int64_t *quiet_ms);
void amqp_put_line(struct app *app, const char *line, size_t raw);
void amqp_put_flush(struct app *app);
bool amqp_put_is_held(struct app *app);
bool amqp_put_is_done(struct app *app);
int64_t amqp_put_tick(struct app *app);
uint64_t amqp_put_left(struct app *app, int *code);
void amqp_put_close(struct app *app);
void amqp_put_serve(struct app *app);
bool amqp_put_wants_to_write(void);

/* amqp_get.c */
void amqp_get_open(struct app *app, struct sandbox *box);
enum next amqp_get_next(struct app *app, struct chunk *chunk,
    uint64_t lines);
void amqp_get_ack(struct app *app, struct stream *s,
    struct barrier_mark mark);
void amqp_get_rewind(struct app *app, struct stream *s);
int64_t amqp_get_tick(struct app *app);
bool amqp_get_close(struct app *app);
void amqp_get_serve(struct app *app);

#endif
