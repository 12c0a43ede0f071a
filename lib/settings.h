/*
 * Where each setting is looked for: the environment, the profile's section
 * of the configuration file, the vendor's names in the environment.  A
 * higher place wins, also over the alternatives of what it sets: a region
 * in the environment over the addresses of the file, a secret's file over a
 * secret.  CONTRACT section 4.
 */
#ifndef GC_SETTINGS_H
#define GC_SETTINGS_H

#include <stdbool.h>

#include "lib/die.h"

#define SETTINGS_FILE_MAX (256 << 10)	/* bytes */

enum setting {
	SUBDOMAIN, REGION, GRANT, API_URL, LOGIN_URL, WS_URL, CLIENT_ID,
	CLIENT_SECRET, CLIENT_SECRET_FILE, TOKEN_CMD, PROTOCOL, CACERT,
	ACCESS_TOKEN, SETTING_COUNT
};

struct settings {
	char *v[SETTING_COUNT];	/* NULL: set nowhere, or to nothing */
};

/*
 * Read them all; path: the configuration file, NULL for none.  secrets:
 * whether they are read; they are never kept otherwise.  -1 with 78, the
 * file's line named, for one that is broken or holds a secret in the reach
 * of others.
 */
int settings_read(struct settings *s, const char *path, const char *profile,
    bool secrets, struct err *e);

/* It is yours, or NULL. */
char *settings_take(struct settings *s, enum setting k);
void settings_free(struct settings *s);		/* wiped; safe on zeroes */

#endif
