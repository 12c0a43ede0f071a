/* Printing: once, or each new token for as long as we are let. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-token/token.h"
#include "lib/clock.h"
#include "lib/log.h"

#define LOOK_MS 1000		/* at the cache: others renew, too */
#define RETRY_MS 10000

/* Wait until stdout takes something; a reader that does not read must not
 * keep us from ending. */
static void
wait_for_reader(struct app *app)
{
	struct pollfd fds[2] = { { STDOUT_FILENO, POLLOUT, 0 },
	    { app->sigs_fd, POLLIN, 0 } };

	for (;;) {
		poll(fds, 2, LOOK_MS);
		if (fds[0].revents != 0)
			return;
		if (turn(app))
			continue;
		log_warn("the reader is stuck: a line is cut");
		end(app);
	}
}

void
write_out(struct app *app, const char *p, size_t len)
{
	ssize_t n;

	app->doing = "writing";
	while (len > 0) {
		wait_for_reader(app);
		/* so much never blocks where poll says it can be written */
		n = write(STDOUT_FILENO, p, len < PIPE_BUF ? len : PIPE_BUF);
		if (n == -1 && errno == EPIPE) {
			app->reader_gone = true;
			end(app);
		}
		if (n == -1 && errno != EAGAIN && errno != EINTR) {
			log_error("can't write to stdout: %s",
			    strerror(errno));
			stop(app, GC_EX_IOERR);
		}
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

void
print_token(struct app *app)
{
	struct buf out;

	buf_init_secret(&out, TOKEN_LINE_MAX);
	if (app->bare)
		buf_addf(&out, "%s\n", app->token.access_token);
	else if (app->header)
		buf_addf(&out, "Authorization: Bearer %s\n",
		    app->token.access_token);
	else
		token_line(&out, &app->token, clock_wall_ms());
	write_out(app, out.data, out.len);
	buf_wipe(&out);
}

/* The old configuration, where the new one cannot be. */
static void
go_back(struct app *app, const struct app *old, const char *why)
{
	log_error("%s; the old configuration stays", why);
	config_free(&app->config);
	settings_leave(app);
	app->config = old->config;
	app->owner = old->owner;
	app->cache = old->cache;
	app->lock = old->lock;
	app->given = old->given;
	app->signs_in = old->signs_in;
}

/* The configuration again: what is wrong with it must not end us. */
void
reload(struct app *app)
{
	struct app old = *app;
	struct err e;

	app->sigs.reload = false;
	app->owner = app->cache = app->lock = NULL;
	if (config_load(&app->config, CONFIG_LOGIN | CONFIG_SECRETS, &e) ==
	    -1 || settings_prepare(app, &e) == -1) {
		go_back(app, &old, e.msg);
		return;
	}
	if (app->signs_in != old.signs_in) {
		go_back(app, &old, "GC_GRANT is read at the start alone");
		return;
	}
	if (app->given || old.given || strcmp(app->owner, old.owner) != 0)
		token_free(&app->token);	/* another's */
	app->reloaded = true;
	config_free(&old.config);
	settings_leave(&old);
	log_note("the configuration is read again");
}

/* A while; then 1 if there may be another token in hand, else 0. */
static int
look_out(struct app *app)
{
	int64_t now = clock_mono_ms(), left_ms = app->spent_ms - now;
	struct err e;
	int status;

	app->doing = "watching";
	if (app->token.access_token != NULL)
		wait_for_news(app, now + (left_ms < 1 ? 1 : left_ms < LOOK_MS ?
		    left_ms : LOOK_MS));
	if (app->sigs.reload)
		reload(app);
	if ((status = cache_look(app, &e)) == 1 || cache_is_fresh(app))
		return status;
	if (status == 0 && cache_get(app, false, &e) == 0)
		return 1;
	if (e.code != GC_EX_TEMPFAIL && e.code != GC_EX_UNAVAILABLE &&
	    e.code != GC_EX_IOERR)
		stop_err(app, &e);
	log_warn("%s; tried again", e.msg);
	wait_for_news(app, clock_mono_ms() + RETRY_MS);
	return 0;
}

_Noreturn void
watch(struct app *app)
{
	for (;;) {
		print_token(app);
		while (look_out(app) == 0)
			continue;
	}
}
