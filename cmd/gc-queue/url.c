/* Where the queue is: SCHEME:REST?NAME=VALUE&… */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "cmd/gc-queue/queue.h"
#include "lib/log.h"
#include "lib/percent.h"
#include "lib/str.h"

static const struct driver *const drivers[] = {
	&dir_driver, &amqp_driver, &amqps_driver
};

#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

static _Noreturn void
no_scheme(const char *shown)
{
	char known[64] = "";
	size_t at = 0;

	for (size_t i = 0; i < DRIVERS && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at,
		    "%s%s:", i ? ", " : "", drivers[i]->scheme);
	die(GC_EX_USAGE, "'%s' is no queue: it begins with %s", shown, known);
}

static bool
is_known(const struct driver *d, const char *name)
{
	for (size_t i = 0; d->params[i] != NULL; i++)
		if (strcmp(d->params[i], name) == 0)
			return true;
	return false;
}

static void
no_param(const struct app *app, const char *name)
{
	const char *const *known = app->driver->params;
	char list[256] = "none";
	size_t at = 0;

	for (; *known != NULL && at < sizeof(list); known++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
		    at ? ", " : "", *known);
	die(GC_EX_USAGE, "'%s' is no parameter of %s: (those are: %s)", name,
	    app->url.scheme, list);
}

static void
parse_params(struct app *app, char *text)
{
	struct url *u = &app->url;
	char *pair, *value;

	while ((pair = strsep(&text, "&")) != NULL) {
		if (*pair == '\0')
			continue;
		value = pair + strcspn(pair, "=");
		if (*value != '\0')
			*value++ = '\0';
		if (!is_known(app->driver, pair))
			no_param(app, pair);
		if (url_param(app, pair) != NULL)
			die(GC_EX_USAGE, "parameter '%s' is given twice",
			    pair);
		if (u->count == PARAMS_MAX)
			die(GC_EX_USAGE, "too many parameters");
		u->params[u->count++] = (struct param){ pair, value };
	}
}

void
url_parse(struct app *app, const char *text)
{
	struct url *u = &app->url;
	size_t len = strcspn(text, ":");
	char *shown = xstrdup(text), *query;

	str_mask_userinfo(shown);
	u->shown = shown;
	u->scheme = xstrndup(text, len);
	for (size_t i = 0; i < DRIVERS; i++)
		if (strcmp(drivers[i]->scheme, u->scheme) == 0)
			app->driver = drivers[i];
	if (text[len] == '\0' || app->driver == NULL)
		no_scheme(shown);
	u->rest = xstrdup(text + len + 1);
	query = u->rest + strcspn(u->rest, "?");
	if (*query != '\0') {
		*query++ = '\0';
		parse_params(app, query);
	}
	app->driver->check(app);
}

const char *
url_param(const struct app *app, const char *name)
{
	for (size_t i = 0; i < app->url.count; i++)
		if (strcmp(app->url.params[i].name, name) == 0)
			return app->url.params[i].value;
	return NULL;
}

void
url_free(struct app *app)
{
	struct url *u = &app->url;

	if (u->rest != NULL)
		explicit_bzero(u->rest, strlen(u->rest));
	free(u->rest);
	free(u->scheme);
	free((char *)(uintptr_t)u->shown);
	*u = (struct url){ 0 };
}
