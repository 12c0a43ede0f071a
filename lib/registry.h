/*
 * The exact payloads that were sent to subscribe, to be sent again, in
 * order, after each reconnect.  On disk before they are first sent.
 * CONTRACT section 5.
 */
#ifndef GC_REGISTRY_H
#define GC_REGISTRY_H

#include <stddef.h>

#include "lib/buf.h"
#include "lib/die.h"

#define REGISTRY_MAX 4096		/* payloads */
#define REGISTRY_BYTES_MAX (4 << 20)

struct registry {
	char **payloads;	/* one JSON object each, no newline */
	size_t count;
	size_t bytes;		/* of all, with a newline each */
};

void registry_free(struct registry *r);

/* One payload as it is; -1 with 65 if it is no JSON object on one line, or
 * one too many. */
int registry_add(struct registry *r, const char *payload, size_t len,
    struct err *e);

/*
 * {"action":"subscribe","event":EVENT,"filter":{KEY:VALUE,…}}; the filter
 * is left out where there is none.  filters: KEY=VALUE texts; 64 if one is
 * none.
 */
int registry_subscribe(struct registry *r, const char *event,
    const char *const *filters, size_t count, struct err *e);

/* Add each line of a file. */
int registry_read(struct registry *r, const char *path, struct err *e);
int registry_save(const struct registry *r, const char *path, struct err *e);

/* The filters as a JSON object, {} for none; 64 if a key is given twice. */
int registry_scope(struct buf *out, const char *const *filters,
    size_t count, struct err *e);

/* The filter of the payloads: an object, {} where none has one, null where
 * they differ. */
void registry_filter(struct buf *out, const struct registry *r);

#endif
