/*
 * What a REST answer that is not 2xx deserves and says, as one sentence with
 * the platform's own code and contextId.  Pure.
 */
#ifndef GC_REFUSAL_H
#define GC_REFUSAL_H

#include "lib/die.h"
#include "lib/http.h"
#include "lib/platform.h"

/*
 * Fills err: what ("creating a channel"), the status and the platform's
 * words; 77 for 401 and 403, 78 for 404, 405 and 410, 75 for 429, else 69.
 * The body's error is left in pe, for who wants to look closer.
 */
void refusal_read(struct err *err, struct platform_error *pe,
    const char *what, const struct http_reply *reply);

#endif
