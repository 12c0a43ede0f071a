/* What a token is asked for with: the client's secret, the refresh token of
 * who signed in, the code of who does. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-token/token.h"
#include "lib/log.h"
#include "lib/percent.h"

#define FORM_MAX (8 * TOKEN_MAX)
#define SIGN_IN "run gc-token login"

/* --- the client --------------------------------------------------------- */

static int
by_secret(struct app *app, struct token *t, struct err *e)
{
	static const struct ask ask = {
		.form = "grant_type=client_credentials", .what = "client",
		.remedy = "check GC_CLIENT_ID and its secret"
	};

	if (app->config.client_id == NULL || app->config.client_secret == NULL)
		return err_set(e, GC_EX_CONFIG, "no OAuth client: set "
		    "GC_CLIENT_ID and GC_CLIENT_SECRET_FILE (or "
		    "GC_CLIENT_SECRET)");
	return request_token(app, &ask, t, e);
}

/* --- who signed in ------------------------------------------------------ */

/* Name and value of a form; NULL after the last. */
static int
post(struct app *app, const char *const *fields, struct ask *ask,
    struct token *t, struct err *e)
{
	struct buf form;
	int status = 0;

	buf_init_secret(&form, FORM_MAX);
	for (size_t i = 0; fields[i] != NULL; i += 2)
		if (buf_addf(&form, "%s%s=", i > 0 ? "&" : "", fields[i]) ==
		    -1 || percent_add(&form, fields[i + 1]) == -1)
			status = err_set(e, GC_EX_CONFIG, "what is to be sent "
			    "to the login host is too long");
	ask->form = form.data;
	if (status == 0)
		status = request_token(app, ask, t, e);
	buf_wipe(&form);
	return status;
}

static int
nobody(const struct app *app, const char *why, struct err *e)
{
	if (app->config.client_id == NULL)
		return err_set(e, GC_EX_CONFIG, "no OAuth client: set "
		    "GC_CLIENT_ID, and GC_CLIENT_SECRET_FILE or " SIGN_IN);
	if (app->config.grant == CONFIG_NO_GRANT)
		return err_set(e, GC_EX_CONFIG, "no secret is set, and nobody "
		    "is signed in: set GC_CLIENT_SECRET_FILE, or " SIGN_IN);
	if (*why != '\0')
		return err_set(e, GC_EX_NOPERM, "%s: " SIGN_IN, why);
	return err_set(e, GC_EX_NOPERM, "nobody is signed in: " SIGN_IN);
}

/* Under the lock.  The refresh token is good for once: where the next one
 * could not be kept, this one must not be spent. */
static int
refresh(struct app *app, struct token *old, struct token *t, struct err *e)
{
	const char *const fields[] = { "grant_type", "refresh_token",
	    "refresh_token", old->refresh_token, "client_id",
	    app->config.client_id, NULL };
	struct ask ask = { .what = "refresh token", .remedy = SIGN_IN };

	if (token_save(old, app->cache, app->owner, e) == -1)
		return err_prefix(e, "the token is not renewed, for what "
		    "renews the next one could not be kept");
	if (post(app, fields, &ask, t, e) == -1)
		return -1;
	if (t->refresh_token == NULL) {		/* RFC 6749, 6: it stays */
		t->refresh_token = old->refresh_token;
		old->refresh_token = NULL;
	}
	return 0;
}

static int
by_refresh(struct app *app, struct token *t, struct err *e)
{
	struct token old;
	int found = token_load(&old, app->cache, app->owner, e), status = -1;
	char why[sizeof(e->msg)];

	memcpy(why, e->msg, sizeof(why));
	if (found == 0)
		nobody(app, why, e);
	else if (found == 1 && old.refresh_token == NULL)
		err_set(e, GC_EX_NOPERM, "another token is wanted, and "
		    "nothing that renews the old one came with it: " SIGN_IN);
	else if (found == 1)
		status = refresh(app, &old, t, e);
	token_free(&old);
	return status;
}

int
grant_renew(struct app *app, struct token *t, struct err *e)
{
	*t = (struct token){ 0 };
	return app->signs_in ? by_refresh(app, t, e) : by_secret(app, t, e);
}

int
grant_exchange(struct app *app, const char *code, const char *verifier,
    struct token *t, struct err *e)
{
	const char *const fields[] = { "grant_type", "authorization_code",
	    "code", code, "redirect_uri", app->redirect, "client_id",
	    app->config.client_id, "code_verifier", verifier, NULL };
	struct ask ask = { .what = "sign-in", .remedy = "try again; check "
	    "GC_CLIENT_ID and --redirect" };

	*t = (struct token){ 0 };
	return post(app, fields, &ask, t, e);
}
