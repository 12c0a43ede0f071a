/*
 * The vendor's public regions, by the platform's domain or by AWS name.
 */
#ifndef GC_REGION_H
#define GC_REGION_H

#include "lib/buf.h"

/* The domain of a region's name: case, `_` for `-` and a last dot do not
 * matter.  NULL if there is no such region. */
const char *region_domain(const char *name);

/* Add all domains, each with a blank before it. */
void region_list(struct buf *out);

#endif
