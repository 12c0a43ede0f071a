/* What is opened at the start, before the first connect. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/gc-subscribe/subscribe.h"
#include "lib/event.h"
#include "lib/file.h"
#include "lib/http.h"
#include "lib/log.h"
#include "lib/sandbox.h"

/* NAME.FILE in the state folder. */
static char *
state_path(const struct app *app, const char *file)
{
	char name[128];
	char *path;
	struct err e;

	if (snprintf(name, sizeof(name), "%s%s%s", app->opt.name ?
	    app->opt.name : "", app->opt.name ? "." : "", file) >=
	    (int)sizeof(name) || strchr(name, '/') != NULL || name[0] == '.')
		die(GC_EX_USAGE, "--name: '%.60s' is no name", app->opt.name);
	if ((path = config_path(app->config.state_folder, name, &e)) == NULL)
		die_err(&e);
	return path;
}

static void
make_registry(struct app *app, char **events, size_t count)
{
	static char everything[] = EVENT_STATUS_NAME;
	static char *defaults[] = { everything };
	struct registry *r = &app->registry;
	struct err e;
	int status = 0;

	if (app->opt.resume) {
		if (count > 0 || app->opt.subscriptions != NULL ||
		    app->opt.filters.count > 0)
			die(GC_EX_USAGE, "--resume goes without events, "
			    "filters and -S");
		if (registry_read(r, app->registry_path, &e) == -1 ||
		    r->count == 0)
			die(GC_EX_CONFIG, "--resume: nothing was subscribed "
			    "to yet ('%s')", app->registry_path);
		return;
	}
	if (app->opt.subscriptions != NULL) {
		if (count == 0 && app->opt.filters.count > 0)
			die(GC_EX_USAGE, "the lines of -S are sent as they "
			    "are: -f goes with an EVENT");
		if (registry_read(r, app->opt.subscriptions, &e) == -1)
			die_err(&e);
	} else if (count == 0) {
		events = defaults;
		count = 1;
	}
	for (size_t i = 0; i < count && status == 0; i++)
		status = registry_subscribe(r, events[i],
		    app->opt.filters.items, app->opt.filters.count, &e);
	if (status == -1)
		die_err(&e);
	if (r->count == 0)
		die(GC_EX_DATAERR, "'%s' holds no subscription",
		    app->opt.subscriptions);
	if (registry_save(r, app->registry_path, &e) == -1)
		die_err(&e);
}

/* Before anything is opened, which might get that number. */
static void
check_ready(const struct app *app)
{
	int fd = (int)app->opt.ready_fd;

	if (fcntl(fd, F_GETFD) == -1)
		die(GC_EX_USAGE, "--ready: descriptor %d is not open", fd);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void
start_all(struct app *app, const char *metrics_path, char **events,
    size_t count)
{
	struct sandbox box = { .client = true };
	struct buf scope;
	struct err e;

	if (app->opt.ready_fd != 0)
		check_ready(app);
	if ((app->sigs_fd = sigs_open(true, &e)) == -1 ||
	    config_load(&app->config, CONFIG_WS, &e) == -1 ||
	    child_helper(app->config.token_cmd, &e) == -1 ||
	    (!app->config.channels && transport_split(app->config.ws_url,
	    &app->target, &e) == -1))
		die_err(&e);
	if ((app->target.tls || app->config.channels) &&
	    app->config.cacert != NULL &&
	    access(app->config.cacert, R_OK) == -1)
		die(GC_EX_CONFIG, "GC_CACERT: can't read '%s': %s",
		    app->config.cacert, strerror(errno));
	if (!app->config.channels)
		app->shown_url = xstrndup(app->config.ws_url,
		    strcspn(app->config.ws_url, "?"));
	app->lock_path = state_path(app, "subscribe.lock");
	app->registry_path = state_path(app, "subscriptions.ndjson");
	if (file_lock(app->lock_path, &e) == -1)
		die(e.code, "%s", e.code == GC_EX_TEMPFAIL ? "another "
		    "gc-subscribe runs with this profile and --name" : e.msg);
	file_sweep(app->registry_path);
	make_registry(app, events, count);
	buf_init(&scope, 1 << 20);
	registry_filter(&scope, &app->registry);
	app->scope = buf_take(&scope);
	if (output_open(app) == -1)
		die(GC_EX_IOERR, "stdout is not open");
	asktoken_init(&app->asktoken);
	buf_init(&app->request, WSHAKE_REQUEST_MAX);
	ring_init(&app->ring, app->opt.buffer);
	report_start(app, metrics_path);
	statusline_open(&app->terminal.line, app->opt.line);
	if (http_start(&e) == -1)
		die_err(&e);
	sandbox_folder(&box, app->config.state_folder);
	sandbox_file(&box, metrics_path);
	app->sandbox = sandbox_enter(&box);
}
