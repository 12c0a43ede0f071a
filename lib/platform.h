/*
 * What the platform's REST answers say, read by lib/scan: a channel, topics
 * and their permission, pages of users or members, errors.  Pure.
 *
 * Liberal, since some facts about the platform are only likely: a member
 * that is missing or of another type counts as absent, one that nobody asks
 * for is passed over, and a list may be `entities` or `results`.  Slices
 * borrow the text that was read.  CONTRACT section 9.
 */
#ifndef GC_PLATFORM_H
#define GC_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/die.h"
#include "lib/scan.h"

#define PLATFORM_ID_MAX 128	/* bytes of an id that goes into a topic */

/* id and uri are secrets: who knows them can listen. */
struct platform_channel {
	char *id, *uri;
	int64_t expires_ms;	/* wall clock; 0: not told */
};

/* The answer to POST …/channels.  -1 with 69 if no channel is in it. */
int platform_channel(struct platform_channel *c, const char *text,
    size_t len, struct err *e);
void platform_channel_free(struct platform_channel *c);	/* wiped */

/*
 * The body of a refusal: each is empty where it is not told.  Remote text,
 * made fit for one line of a log.  False if the body is no such thing.
 */
struct platform_error {
	char code[64];		/* too.many.requests */
	char message[256];
	char context_id[64];	/* what the vendor's support asks for */
};

bool platform_error(struct platform_error *pe, const char *text, size_t len);

/* A page of a list. */
struct platform_page {
	struct slice entities;	/* an array, perhaps empty */
	uint64_t total, page_count;	/* 0: not told */
	bool next;		/* a nextUri is there */
	struct slice cursor;	/* for the next page, ready for a query: from
				 * a field, or the `after` of the nextUri */
};

/* -1 with 69 if the text is no list. */
int platform_page(struct platform_page *p, const char *text, size_t len,
    struct err *e);

/* The next element; start with *at NULL. */
bool platform_each(const struct platform_page *p, const char **at,
    struct slice *element);

/* Is there a page behind page `number` (from 1)? */
bool platform_more(const struct platform_page *p, uint64_t number);

/*
 * The user that an element of a list of users, queue members or team
 * members is: `id`, `userId` or `user.id`, unescaped into id.  -1 if there
 * is none, or none that could stand in a topic.
 */
int platform_user(struct slice element, struct buf *id);

/* Can it stand in a topic and in an address as it is? */
bool platform_is_id(const char *id, size_t len);

/* One entity of the answer to PUT …/subscriptions. */
struct platform_topic {
	bool rejected;
	struct buf id;
	struct buf why;		/* reason and missing permissions, for people */
};

void platform_topic_init(struct platform_topic *t);
void platform_topic_free(struct platform_topic *t);

/* -1 if it has no id. */
int platform_topic(struct platform_topic *t, struct slice element);

#endif
