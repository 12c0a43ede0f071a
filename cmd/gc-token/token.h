/*
 * gc-token: get, cache and renew the OAuth access token.  The only tool that
 * reads the client secret.  What its files share.
 *
 * main.c    options, settings, status, the end
 * login.c   requests to the login host, and what their answers mean
 * cache.c   the cached token, the lock, and who has to renew
 * watch.c   printing, once or at each renewal
 */
#ifndef GC_TOKEN_TOOL_H
#define GC_TOKEN_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/config.h"
#include "lib/metrics.h"
#include "lib/sigs.h"
#include "lib/token.h"

struct app {
	bool bare, header, force, watch;
	int64_t min_ttl_ms, timeout_ms;
	struct config config;
	bool given;		/* the configuration holds the token itself */
	char *owner;		/* whose token: for the cache */
	char *cache, *lock;	/* NULL: there is no place for a cache */

	struct token token;	/* the one in hand; none at first */
	int64_t spent_ms;	/* when it is to be renewed; monotonic */
	int64_t used_up_ms;	/* issued_ms of one that was, whatever the
				 * wall clock says by now; 0: none */
	int64_t deadline_ms;	/* of this token's getting; monotonic */
	const char *doing;	/* for the status line */
	int sigs_fd;
	struct sigs sigs;
	bool reader_gone;
	struct metrics metrics;
	uint64_t requests, failures, renewals, cache_failures;
};

/* main.c */
int settings_prepare(struct app *app, struct err *e);
/* Signals, metrics, the reader: false if it is time to end(). */
bool turn(struct app *app);
_Noreturn void end(struct app *app);		/* by signal, or no reader */
_Noreturn void stop(struct app *app, int code);
_Noreturn void stop_err(struct app *app, const struct err *e);
/* Wait; does not return if it is time to end.  The second one returns early
 * if the configuration is to be read again. */
void wait_until(struct app *app, int64_t when_ms);
void wait_for_news(struct app *app, int64_t when_ms);

/* login.c */
int login_renew(struct app *app, struct token *t, struct err *e);

/* cache.c */
/* Is the one in hand good for --min-ttl, by both clocks? */
bool cache_is_fresh(const struct app *app);
/* Take a newer one in hand that another process has cached: 1, or 0. */
int cache_look(struct app *app, struct err *e);
/* One in hand that will do: cached, renewed, or given as such. */
int cache_get(struct app *app, bool force, struct err *e);

/* watch.c */
void print_token(struct app *app);
_Noreturn void watch(struct app *app);

#endif
