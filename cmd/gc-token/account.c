/* gc-token logout, gc-token status: what is kept here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define STATUS_MAX (8 * TOKEN_OWNER_MAX)

/* --- logout ------------------------------------------------------------- */

/* The file goes, whatever is in it; a token of ours in it is yours. */
static int
forget(struct app *app, struct token *t, struct err *e)
{
	struct err ignored;
	int lock, status = 0;

	*t = (struct token){ 0 };
	if (app->lock == NULL)
		return 0;
	if (cache_lock(app, &lock, e) == -1)
		return -1;
	token_load(t, app->cache, app->owner, &ignored);
	if (unlink(app->cache) == -1) {
		if (errno != ENOENT)
			status = err_set(e, GC_EX_IOERR, "can't remove '%s': "
			    "%s", app->cache, strerror(errno));
	} else {
		status = file_sync_folder(app->cache, e);
	}
	close(lock);
	return status;
}

static int
end_token(struct app *app, const struct token *t, struct err *e)
{
	if (t->access_token == NULL || t->expires_ms <= clock_wall_ms())
		return 0;
	if (app->config.api_url == NULL)
		err_set(e, GC_EX_CONFIG, "where is the org? Set GC_REGION "
		    "(or GC_SUBDOMAIN), or GC_API_URL");
	else if (request_revoke(app, t->access_token, e) == 0)
		return 0;
	return err_prefix(e, "forgotten here, but the token is good until it "
	    "ends");
}

/* Of who signed in and of the client: nothing of either is to be left, and
 * first of all here. */
_Noreturn void
logout(struct app *app)
{
	struct token tokens[2] = { { 0 }, { 0 } };
	struct err first = { 0, "" }, e;

	if (app->given)
		log_warn("GENESYSCLOUD_ACCESS_TOKEN is set: it is not ours to "
		    "end");
	app->deadline_ms = clock_mono_ms() + app->timeout_ms;
	for (int i = 0; i < 2; i++) {
		settings_leave(app);
		if ((settings_place(app, i == 0, &e) == -1 ||
		    forget(app, &tokens[i], &e) == -1) && first.code == 0)
			first = e;
	}
	give_up_power(app);
	for (int i = 0; i < 2; i++) {
		if (end_token(app, &tokens[i], &e) == -1 && first.code == 0)
			first = e;
		token_free(&tokens[i]);
		if (is_to_end(app))
			end(app);
	}
	if (first.code != 0)
		stop_err(app, &first);
	stop(app, GC_EX_OK);
}

/* --- status ------------------------------------------------------------- */

static void
add_moment(struct buf *out, const char *key, int64_t ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(ms, at);
	if (ms == 0)
		buf_addf(out, ",\"%s\":null", key);
	else
		buf_addf(out, ",\"%s\":\"%s\"", key, at);
}

static void
add_text(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, ",\"%s\":", key);
	if (text == NULL)
		buf_adds(out, "null");
	else
		buf_add_json(out, text, strlen(text));
}

/* Of what the configuration gives as a token nothing is known. */
static void
print_status(struct app *app, const struct token *t)
{
	const char *grant = app->given ? "given" : !app->signs_in ? "client" :
	    app->config.grant == CONFIG_LOGIN_GRANT ||
	    t->access_token != NULL ? "login" : NULL;
	int64_t left_ms = t->expires_ms - clock_wall_ms();
	struct buf out;

	buf_init(&out, STATUS_MAX);
	buf_adds(&out, "{\"tool\":\"gc-token\"");
	add_text(&out, "profile", app->config.profile);
	add_text(&out, "grant", grant);
	add_text(&out, "client_id", app->config.client_id);
	add_moment(&out, "issued_at", t->issued_ms);
	add_moment(&out, "expires_at", t->expires_ms);
	if (t->expires_ms == 0)
		buf_adds(&out, ",\"expires_in\":null");
	else
		buf_addf(&out, ",\"expires_in\":%lld",
		    (long long)(left_ms > 0 ? (left_ms + 999) / 1000 : 0));
	buf_addf(&out, ",\"refresh\":%s}\n", t->refresh_token != NULL ?
	    "true" : "false");
	write_out(app, out.data, out.len);
	buf_free(&out);
}

_Noreturn void
show_status(struct app *app)
{
	struct token t = { 0 };
	bool good, renews;
	struct err e;

	if (app->cache != NULL && !app->given &&
	    token_load(&t, app->cache, app->owner, &e) == -1)
		stop_err(app, &e);
	good = app->given || (t.expires_ms != 0 &&
	    token_is_fresh(&t, 1, clock_wall_ms()));
	renews = app->signs_in ? t.refresh_token != NULL : !app->given &&
	    app->config.client_id != NULL && app->config.client_secret != NULL;
	print_status(app, &t);
	token_free(&t);
	stop(app, good ? GC_EX_OK : renews ? GC_EX_TEMPFAIL : GC_EX_NOPERM);
}
