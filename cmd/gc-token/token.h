/*
 * gc-token: get, cache and renew the OAuth access token.  The only tool that
 * reads the client secret.  What its files share.
 *
 * main.c     options, settings, the end
 * grant.c    what a token is asked for with
 * apart.c    renewing for who signed in, which nothing breaks off
 * request.c  requests to the hosts, and what their answers mean
 * cache.c    the token that is kept, the lock, and who has to renew
 * watch.c    printing, once or at each renewal
 * signin.c   login: a browser is sent to the login host and comes back
 * listen.c   where it comes back to
 * account.c  logout, status
 */
#ifndef GC_TOKEN_TOOL_H
#define GC_TOKEN_TOOL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "lib/config.h"
#include "lib/metrics.h"
#include "lib/redirect.h"
#include "lib/sigs.h"
#include "lib/token.h"

struct app {
	bool bare, header, force, watch;
	int64_t min_ttl_ms, timeout_ms;
	const char *redirect;	/* as it is registered with the client */
	struct config config;
	bool given;		/* the configuration holds the token itself */
	bool signs_in;		/* it is of who signed in */
	char *owner;		/* whose token: for its file */
	char *cache, *lock;	/* the file; NULL: there is no place for a
				 * cache.  Never NULL where signs_in */

	struct token token;	/* the one in hand; none at first */
	int64_t spent_ms;	/* when it is to be renewed; monotonic */
	int64_t used_up_ms;	/* issued_ms of one that was, whatever the
				 * wall clock says by now; 0: none */
	int64_t deadline_ms;	/* of this token's getting; monotonic */
	const char *doing;	/* for the status line */
	int sigs_fd;
	struct sigs sigs;
	bool reader_gone;
	int apart_ask, apart_tell;	/* to the process apart, and from */
	bool reloaded;		/* it does not know yet that the configuration
				 * is another */
	pid_t apart_from;	/* we are it, for this process; 0: we are not */
	int64_t orphan_ms;	/* since when it waits no more; 0: it does */
	struct metrics metrics;
	uint64_t requests, failures, renewals, cache_failures;
};

/* main.c */
int settings_prepare(struct app *app, struct err *e);
/* owner, cache and lock: of who signed in, or of the client. */
int settings_place(struct app *app, bool signs_in, struct err *e);
void settings_leave(struct app *app);
/* The sandbox: after what makes processes or listens. */
void give_up_power(const struct app *app);
/* Signals, metrics, the reader: false if it is time to end(). */
bool turn(struct app *app);
bool is_to_end(const struct app *app);		/* as the last turn saw it */
_Noreturn void end(struct app *app);		/* by signal, or no reader */
_Noreturn void stop(struct app *app, int code);
_Noreturn void stop_err(struct app *app, const struct err *e);
/* Wait; does not return if it is time to end.  The second one returns early
 * if the configuration is to be read again. */
void wait_until(struct app *app, int64_t when_ms);
void wait_for_news(struct app *app, int64_t when_ms);

/* grant.c: -1 with 77 where somebody has to sign in (again) */
int grant_renew(struct app *app, struct token *t, struct err *e);
int grant_exchange(struct app *app, const char *code, const char *verifier,
    struct token *t, struct err *e);

/* apart.c */
int apart_start(struct app *app, struct err *e);
/* One that was issued after that: kept already. */
int apart_renew(struct app *app, int64_t after_ms, struct token *t,
    struct err *e);
bool apart_turn(struct app *app);	/* what turn() is there */

/* request.c */
struct ask {
	const char *form;	/* the body */
	const char *what, *remedy;	/* of a refusal */
};
int request_token(struct app *app, const struct ask *ask, struct token *t,
    struct err *e);
/* The API host is told that the token is no longer wanted. */
int request_revoke(struct app *app, const char *access_token, struct err *e);

/* cache.c */
/* Is the one in hand good for --min-ttl, by both clocks? */
bool cache_is_fresh(const struct app *app);
/* Take a newer one in hand that another process has cached: 1, or 0. */
int cache_look(struct app *app, struct err *e);
/* One in hand that will do: cached, renewed, or given as such. */
int cache_get(struct app *app, bool force, struct err *e);
/* Under the lock: what another has got meanwhile, or a new one. */
int cache_renew(struct app *app, int64_t after_ms, struct err *e);
/* Wait for the lock until the deadline; -1 with 75 if another holds it. */
int cache_lock(struct app *app, int *lock, struct err *e);

/* watch.c */
void write_out(struct app *app, const char *p, size_t len);
void print_token(struct app *app);
void reload(struct app *app);
_Noreturn void watch(struct app *app);

/* signin.c, account.c: the commands */
_Noreturn void signin(struct app *app);
_Noreturn void logout(struct app *app);
_Noreturn void show_status(struct app *app);

/* listen.c */
#define VISITORS 16
struct listener {
	int fd;
	struct visitor {
		int fd;			/* -1: none */
		int64_t end_ms;		/* it is not waited for any longer */
		struct buf in;
	} visitors[VISITORS];
};
/* On 127.0.0.1 alone. */
int listener_open(struct listener *l, uint16_t port, struct err *e);
void listener_close(struct listener *l);
/* What the browser brings: the descriptor to answer it at; -1: nothing, by
 * the deadline.  All else that comes is answered and forgotten. */
int listener_wait(struct app *app, struct listener *l,
    const struct redirect_uri *uri, struct redirect *r);
/* A page, and good bye. */
void listener_answer(int fd, int status, const char *heading,
    const char *text);

#endif
