/*
 * What follows from the settings (lib/settings): the org's addresses, the
 * OAuth client, folders.  Options come before all: a tool that has one for a
 * setting puts it into the environment's place itself.  CONTRACT section 4.
 *
 * Only gc-token asks for secrets; without CONFIG_SECRETS they are never
 * read, nor kept.
 */
#ifndef GC_CONFIG_H
#define GC_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/die.h"

enum config_want {
	CONFIG_API = 1,		/* api_url must come out */
	CONFIG_LOGIN = 2,	/* login_url */
	CONFIG_WS = 4,		/* ws_url; in channels api_url */
	CONFIG_SECRETS = 8	/* client_id and client_secret are read */
};

/* GC_GRANT: what a token is had for. */
enum config_grant {
	CONFIG_NO_GRANT,	/* not told, and no secret is set: who signed
				 * in, if anybody */
	CONFIG_CLIENT_GRANT,	/* the client's secret */
	CONFIG_LOGIN_GRANT	/* signing in */
};

struct config {
	char *profile;		/* "default" where none is named */
	char *domain;		/* or NULL where bare URLs do */
	char *api_url, *login_url, *ws_url;	/* no slash at the end */
	char *token_cmd;	/* what prints a token; never NULL */
	char *cacert;		/* or NULL */
	bool channels;		/* the protocol: else it is events */
	bool vendor_region;	/* domain is one of the vendor's regions */
	/* CONFIG_SECRETS */
	enum config_grant grant;
	char *client_id, *client_secret;	/* or NULL */
	char *access_token;	/* a token given as such, or NULL */
	char *state_folder, *cache_folder;	/* …/gc/PROFILE; not made.
						 * NULL: HOME is not set */
};

/*
 * Read everything; -1 with 78 and a sentence that says what to set.  want:
 * enum config_want bits.  The members are yours until config_free.
 */
int config_load(struct config *c, unsigned want, struct err *e);
/*
 * c becomes fresh, which is empty then.  The token command alone stays: the
 * one helper of a process runs what it was started with (lib/child.h).  True
 * if fresh had another one, for people to be told.
 */
bool config_replace(struct config *c, struct config *fresh);
void config_free(struct config *c);	/* secrets are wiped */

/* folder/name; the folder is made where it is missing.  Yours; NULL and
 * err if there is none (NULL: 78) or it cannot be made (73). */
char *config_path(const char *folder, const char *name, struct err *e);

#endif
