/*
 * gc-names: what its parts share.  main owns the loop and the options, add
 * rewrites a line, read has the names from REST.
 */
#ifndef GC_NAMES_TOOL_H
#define GC_NAMES_TOOL_H

#include "lib/asktoken.h"
#include "lib/config.h"
#include "lib/dict.h"
#include "lib/event.h"
#include "lib/filter.h"
#include "lib/rest.h"
#include "lib/token.h"

#define NAMES_FILE_MAX (64u << 20)	/* bytes of --names FILE or a cache */

/* Reading all names by REST: page after page of each list. */
#define LISTS 2			/* of users, of queues */

struct read {
	struct config config;
	struct rest *rest;
	struct asktoken asktoken;
	struct token token;
	char *refused;		/* issued_at of the token that was refused */
	bool reading;		/* between the first page and the last */
	size_t list;		/* which list is read */
	uint64_t page;
	unsigned page_size;
	bool came[LISTS];	/* whole, since all of them last were */
	bool refused_once;	/* 401, and a new token was asked for */
	struct dict found;
	int64_t due_ms;		/* the next turn; monotonic */
	int64_t last_ms;	/* all lists had come */
	unsigned failures;	/* in a row */
	char *cache;		/* path */
	uint64_t turns, failed;
	int fatal;		/* exit code, once there is no going on */
};

struct app {
	struct filter filter;
	struct event ev;
	struct dict dict;
	struct read read;
	struct buf line;
	struct {
		const char *names, *metrics;
		int64_t refresh_ms, wait_ms;
		bool strict;
	} opt;
	bool from_rest;
	bool hold;		/* no line before the first names are there */
	int64_t hold_until_ms, now_ms;
	const char *sandbox;
	uint64_t agents, named, unknown, plain, known;
};

/* add.c: a gc:agent line that app->ev was parsed from, with names, in
 * app->line; -1 if that would be over NDJSON_LINE_MAX. */
int add_names(struct app *app, const char *line, size_t len);

/* read.c */
void read_start(struct app *app);
/* The settings are others: read now, by them. */
void read_again(struct app *app);
/* An id without a name was met: read again soon, for it may be new. */
void read_missed(struct app *app);
/* What is due at now_ms; when it is to be called next. */
int64_t read_step(struct app *app);
void read_free(struct app *app);

#endif
