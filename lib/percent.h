/*
 * Percent-encoding (RFC 3986) as queries and forms have it.  Pure.
 */
#ifndef GC_PERCENT_H
#define GC_PERCENT_H

#include <stddef.h>

#include "lib/buf.h"

/* Add text; all but letters, digits and -._~ is encoded.  -1: no room. */
int percent_add(struct buf *out, const char *text);

/* A value of a query, `+` for a blank, as text into out.  -1: it is longer
 * than size - 1, has a bad escape or a NUL; out is then "". */
int percent_decode(char *out, size_t size, const char *value, size_t len);

#endif
