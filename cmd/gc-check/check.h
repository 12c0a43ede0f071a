/*
 * gc-check: what its parts share.  main owns the options and the table of
 * steps, hosts looks at names, proxy, certificates and the clock, rights at
 * the token and what it may read, stream runs gc-subscribe and listens.
 */
#ifndef GC_CHECK_H
#define GC_CHECK_H

#include <curl/curl.h>

#include "lib/config.h"
#include "lib/token.h"

#define CHECK_HOSTS 3		/* login, API, notifications */
#define CHECK_TEXT_MAX 512

/* What a step has found. */
enum verdict { CHECK_OK, CHECK_FAILED, CHECK_SKIPPED };
struct finding {
	enum verdict verdict;
	int code;		/* the exit code where it failed */
	char what[CHECK_TEXT_MAX];
	char advice[CHECK_TEXT_MAX];	/* what to do about it; "" if nothing */
};

/* One host, and how a first request to it went. */
struct probe {
	const char *use;	/* "login", "API", "notifications" */
	char *url;		/* https://host:port, nothing behind it */
	char *host;
	bool tls;
	bool asked;
	struct err err;		/* code 0: it answered */
	int64_t date_ms;	/* its clock, wall; -1: not told */
	int64_t local_ms;	/* ours when it answered */
	long verify;		/* OpenSSL's verdict on the chain; 0: good */
	bool by_proxy;
};

struct check {
	struct config config;
	struct probe probes[CHECK_HOSTS];
	size_t probe_count;
	struct token token;
	bool have_token;
	char *user_id;		/* channels: someone to subscribe to */
	int64_t timeout_ms;	/* of each step */
	/* what gc-subscribe has told */
	bool ran, opened, alive;
	uint64_t subscriptions, rejected, rtt_ms;
	int stream_code;
	char stream_words[CHECK_TEXT_MAX];	/* its reason, on stderr */
};

__attribute__((format(printf, 2, 3)))
void check_ok(struct finding *f, const char *fmt, ...);
__attribute__((format(printf, 3, 4)))
void check_failed(struct finding *f, int code, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void check_advise(struct finding *f, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
void check_skip(struct finding *f, const char *fmt, ...);

/* Was it told to end?  Where a step waits it asks that, and looks at the
 * descriptor, too; a transfer of curl's asks by check_stoppable. */
bool check_stopped(void);
int check_signals(void);
void check_stoppable(CURL *easy);

/* The steps, in their order; each leaves in c what the next ones need. */
typedef void check_step(struct check *c, struct finding *f);
check_step check_settings, check_names, check_proxy, check_tls, check_clock,
    check_token, check_rest, check_upgrade, check_subscription, check_pong;

void probes_free(struct check *c);

#endif
