/* The token that is kept, and who renews it: of any number of callers one,
 * under the lock; nobody waits for it who is served by what is kept. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define LOCK_STEP_MS 20		/* between two looks at a lock held */

/* Does the caller say that just this token was refused? */
static bool
was_refused(const struct token *t)
{
	const char *refused_at = getenv("GC_TOKEN_REFUSED");
	struct stamp s;

	return refused_at != NULL && t->issued_ms != 0 &&
	    clock_parse(refused_at, strlen(refused_at), &s) == 0 &&
	    stamp_to_ms(s) == t->issued_ms;
}

bool
cache_is_fresh(const struct app *app)
{
	return app->token.access_token != NULL &&
	    clock_mono_ms() < app->spent_ms &&
	    token_is_fresh(&app->token, app->min_ttl_ms, clock_wall_ms());
}

/* Take it in hand.  A clock that is set back must not lengthen its life. */
static void
adopt(struct app *app, struct token *t)
{
	int64_t at_ms = token_rotate_ms(t, app->min_ttl_ms);

	token_free(&app->token);
	if (t->refresh_token != NULL) {		/* the file has it */
		explicit_bzero(t->refresh_token, strlen(t->refresh_token));
		free(t->refresh_token);
		t->refresh_token = NULL;
	}
	app->token = *t;
	app->used_up_ms = 0;
	app->spent_ms = at_ms == CLOCK_NEVER ? CLOCK_NEVER :
	    clock_mono_ms() + at_ms - clock_wall_ms() + 1;
}

/* The cached one, if it was issued after that (wall, ms) and will do: 1 and
 * it is in hand; 0; -1 if others can read it. */
static int
take_cached(struct app *app, int64_t after_ms, struct err *e)
{
	struct token t;
	int found;

	if (app->cache == NULL)
		return 0;
	found = token_load(&t, app->cache, app->owner, e);
	if (found != 1)
		return found;
	if (t.issued_ms <= after_ms || t.issued_ms == app->used_up_ms ||
	    was_refused(&t) ||
	    !token_is_fresh(&t, app->min_ttl_ms, clock_wall_ms())) {
		token_free(&t);
		e->msg[0] = '\0';
		return 0;
	}
	adopt(app, &t);
	return 1;
}

int
cache_look(struct app *app, struct err *e)
{
	int64_t after_ms = -1;

	if (cache_is_fresh(app))
		after_ms = app->token.issued_ms;
	else if (app->token.access_token != NULL)
		app->used_up_ms = app->token.issued_ms;
	return app->given ? 0 : take_cached(app, after_ms, e);
}

int
cache_lock(struct app *app, int *lock, struct err *e)
{
	bool said = false;
	char *folder;

	app->doing = "waiting for the lock";
	/* it may have been removed since we were started */
	folder = xstrndup(app->lock, (size_t)(strrchr(app->lock, '/') -
	    app->lock));
	*lock = -1;
	if (file_make_folders(folder, e) == 0)
		while ((*lock = file_lock(app->lock, e)) == -1 &&
		    e->code == GC_EX_TEMPFAIL &&
		    clock_mono_ms() < app->deadline_ms) {
			if (!said)
				log_note("another gc-token has the lock: "
				    "waiting");
			said = true;
			wait_until(app, clock_mono_ms() + LOCK_STEP_MS);
		}
	free(folder);
	if (*lock != -1)
		file_sweep(app->cache);
	return *lock == -1 ? -1 : 0;
}

/* 0 and the lock, or 0 and -1 where none can be had: that is no reason to
 * have no token.  But a refresh token is good for once: nobody spends it
 * whom others do not wait for.  -1: another holds it, for too long. */
static int
take_lock(struct app *app, int *lock, struct err *e)
{
	*lock = -1;
	if (app->lock == NULL || cache_lock(app, lock, e) == 0)
		return 0;
	if (e->code == GC_EX_TEMPFAIL)
		return err_prefix(e, "no token within --timeout");
	if (app->signs_in)
		return -1;
	log_warn("%s; the token is not cached", e->msg);
	return 0;
}

/* Where it cannot be kept, it is a token all the same; but whose refresh
 * token is lost has none soon. */
static int
renew(struct app *app, int lock, struct err *e)
{
	struct token t;

	if (grant_renew(app, &t, e) == -1)
		return -1;
	app->cache_failures += lock == -1;
	if (lock != -1 && token_save(&t, app->cache, app->owner, e) == -1) {
		if (app->signs_in) {
			token_free(&t);
			return err_prefix(e, "renewed, but it can't be kept: "
			    "run gc-token login");
		}
		app->cache_failures++;
		log_warn("%s; the token is not cached", e->msg);
	}
	adopt(app, &t);
	return 0;
}

int
cache_renew(struct app *app, int64_t after_ms, struct err *e)
{
	int lock, status;

	if (take_lock(app, &lock, e) == -1)
		return -1;
	status = take_cached(app, after_ms, e);
	if (status == 0) {
		if (app->cache != NULL && !app->signs_in && *e->msg != '\0')
			log_note("%s: a new one is asked for", e->msg);
		status = renew(app, lock, e);
	}
	if (lock != -1)
		close(lock);
	return status == -1 ? -1 : 0;
}

static int
take_given(struct app *app, struct err *e)
{
	struct token t;

	if (token_from_bare(&t, app->config.access_token, e) == -1)
		return err_set(e, GC_EX_CONFIG, "GENESYSCLOUD_ACCESS_TOKEN is "
		    "no token: a blank or control character is in it, or it "
		    "is too long");
	adopt(app, &t);
	return 0;
}

int
cache_get(struct app *app, bool force, struct err *e)
{
	/* one that another got while we waited is as new as ours would be */
	int64_t after_ms = force ? clock_wall_ms() : -1;
	struct token t;
	int status;

	if (app->given)
		return take_given(app, e);
	app->deadline_ms = clock_mono_ms() + app->timeout_ms;
	if (!force && (status = take_cached(app, after_ms, e)) != 0)
		return status == 1 ? 0 : -1;
	if (!app->signs_in)
		return cache_renew(app, after_ms, e);
	if (apart_renew(app, after_ms, &t, e) == -1)
		return -1;
	adopt(app, &t);
	return 0;
}
