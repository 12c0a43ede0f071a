/* A WebSocket connection: for conn.c, hear.c and tell.c. */
#ifndef GC_SIM_CONN_H
#define GC_SIM_CONN_H

#include "cmd/gc-sim/sim.h"

#define CONN_OUT_MAX (64 << 20)	/* beyond, who does not read is cut */

struct filter_ids {
	char queue[ID_LEN + 1], team[ID_LEN + 1], user[ID_LEN + 1];
	bool nobodys;		/* not understood: matches nothing */
};

/* A frame that the fault `delay` holds back. */
struct late {
	struct late *next;
	int64_t due_ms;
	struct buf frame;
};

struct conn {
	struct conn *next;
	int fd;
	struct MHD_UpgradeResponseHandle *urh;
	struct rng luck;
	struct buf in, out;
	struct buf message;	/* the client's, in fragments */
	int message_opcode;	/* 0: none is open */
	struct filter_ids *subscriptions;
	size_t count;
	struct channel *channel;	/* whose socket it is, or NULL */
	bool begun;		/* it has been subscribed to something */
	int64_t heartbeat_ms;	/* the next is due */
	int64_t closing_ms;	/* it is closed then */
	uint64_t events;	/* told on it */
	int64_t token_end_ms;
	int64_t stall_end_ms;	/* nothing is read until then */
	int64_t close_ms;	/* a close frame is out: end by then */
	bool client_closed;	/* it has sent its close frame */
	bool dead;		/* to be taken off the list */
	bool half_open;		/* nothing is read or written any more */
	struct buf held;	/* by reorder: goes behind the next frame */
	struct late *late, **late_end;
};

/* conn.c: queue a frame, as late as the fault `delay` says. */
void conn_send(struct sim *s, struct conn *c, const struct buf *frame);
void conn_close(struct sim *s, struct conn *c, int code);	/* 0: none */
/* A close frame has been queued, however it looks. */
void conn_has_closed(struct sim *s, struct conn *c, const char *code);
void conn_cut(struct sim *s, struct conn *c, const char *why);
void conn_settle(struct sim *s, struct conn *c); /* let out what is held */
void conn_half_open(struct sim *s, struct conn *c);
void conn_stall(struct sim *s, struct conn *c, uint64_t ms);
void conn_begin(struct sim *s, struct conn *c);	/* it has subscribed */
/* Is anybody told of events on it? */
bool conn_is_live(const struct conn *c);

/* tell.c: an event as the faults have it; once it has been told, what
 * happens every N of them. */
void tell(struct sim *s, struct conn *c, const struct buf *message);
void tell_done(struct sim *s, struct conn *c);

/* hear.c: bytes have come; bytes are in c->in. */
void hear(struct sim *s, struct conn *c);
void hear_parse(struct sim *s, struct conn *c);

#endif
