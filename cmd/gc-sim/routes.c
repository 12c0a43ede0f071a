/* The platform's REST: its paths, and what all answers have in common. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"
#include "lib/str.h"

#define API API_PATH
#define RATE_LIMIT 300
#define WINDOW_MS 60000

static const struct route {
	const char *method, *path;	/* {}: one part of it */
	rest_answer *answer;
	bool both;			/* of both protocols */
} routes[] = {
	{ "POST", API "notifications/channels", rest_channel_new, false },
	{ "GET", API "notifications/channels", rest_channel_list, false },
	{ "GET", API "notifications/availabletopics", rest_topics_available,
	    false },
	{ "HEAD", API "notifications/channels/{}", rest_channel_head, false },
	{ "GET", API "notifications/channels/{}/subscriptions",
	    rest_topics_get, false },
	{ "POST", API "notifications/channels/{}/subscriptions",
	    rest_topics_post, false },
	{ "PUT", API "notifications/channels/{}/subscriptions",
	    rest_topics_put, false },
	{ "DELETE", API "notifications/channels/{}/subscriptions",
	    rest_topics_delete, false },
	{ "GET", API "users", rest_users, false },
	{ "GET", API "users/presences/purecloud/bulk", rest_presences, false },
	{ "GET", API "users/{}", rest_user, false },
	{ "GET", API "users/{}/routingstatus", rest_user_routing, false },
	{ "GET", API "users/{}/presences/purecloud", rest_user_presence,
	    false },
	{ "GET", API "users/{}/queues", rest_user_queues, false },
	{ "POST", API "workforcemanagement/users/activity", rest_activity,
	    false },
	{ "GET", API "routing/queues", rest_queues, false },
	{ "GET", API "routing/queues/{}", rest_queue, false },
	{ "GET", API "routing/queues/{}/members", rest_queue_members, false },
	{ "GET", API "teams", rest_teams, false },
	{ "GET", API "teams/{}", rest_team, false },
	{ "GET", API "teams/{}/members", rest_team_members, false },
	{ "GET", API "presence/definitions", rest_definitions, false },
	{ "GET", API "presencedefinitions", rest_old_definitions, false },
	{ "GET", API "tokens/me", rest_token_get, true },
	{ "DELETE", API "tokens/me", rest_token_delete, true },
};

/* --- what is asked ------------------------------------------------------ */

const char *
ask_value(const struct ask *q, const char *name)
{
	return MHD_lookup_connection_value(q->c, MHD_GET_ARGUMENT_KIND, name);
}

bool
ask_is(const struct ask *q, const char *name, const char *value)
{
	const char *given = ask_value(q, name);

	return given != NULL && strcmp(given, value) == 0;
}

bool
ask_has(const struct ask *q, const char *name, const char *word)
{
	const char *list = ask_value(q, name);
	size_t len;

	for (; list != NULL && *list != '\0'; list += len) {
		list += strspn(list, ", ");
		len = strcspn(list, ", ");
		if (len == strlen(word) && memcmp(list, word, len) == 0)
			return true;
	}
	return false;
}

/* Does the path fit?  Then id has what stands for {}. */
static bool
fits(const char *pattern, const char *path, char *id, size_t size)
{
	size_t before = strcspn(pattern, "{"), len;

	if (pattern[before] == '\0')
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0)
		return false;
	path += before;
	len = strcspn(path, "/");
	if (len == 0 || len >= size ||
	    strcmp(pattern + before + 2, path + len) != 0)
		return false;
	memcpy(id, path, len);
	id[len] = '\0';
	return true;
}

/* *known: some method is answered there. */
static const struct route *
find(const struct sim *s, const char *method, const char *path, char *id,
    size_t size, bool *known)
{
	*known = false;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct route *r = &routes[i];

		if ((s->protocol != CHANNELS && !r->both) ||
		    !fits(r->path, path, id, size))
			continue;
		*known = true;
		if (strcmp(method, r->method) == 0)
			return r;
	}
	return NULL;
}

/* --- what all answers have ---------------------------------------------- */

/* Counts the request; false if it is one too many. */
static bool
is_allowed(struct sim *s, struct window *w, struct answer *a)
{
	char text[128];

	if (s->now_ms >= w->end_ms) {
		w->end_ms = s->now_ms + WINDOW_MS;
		w->count = 0;
	}
	w->count++;
	a->rate_allowed = s->faults.rate_limit > 0 ? s->faults.rate_limit :
	    RATE_LIMIT;
	a->rate_count = w->count;
	a->rate_reset_s = (int)((w->end_ms - s->now_ms + 999) / 1000);
	if (w->count <= a->rate_allowed)
		return true;
	s->totals.rest_429++;
	s->totals.limited++;
	a->retry_after_s = a->rate_reset_s;
	snprintf(text, sizeof(text), "Rate limit exceeded the maximum. Retry "
	    "the request in [%d] seconds", a->rate_reset_s);
	http_refuse(a, 429, "too.many.requests.retry.after", text);
	return false;
}

static void
count(struct sim *s, const struct answer *a)
{
	s->totals.rest_404 += a->status == 404;
	s->totals.rest_401 += a->status == 401;
}

/* The API's errors that come before any answer; true if there is one. */
static bool
is_refused(struct ask *q, const struct route *r, bool known)
{
	struct sim *s = q->s;

	if (r == NULL && !known)
		http_refuse(q->a, 404, "not.found", "no such path");
	else if (r == NULL)
		http_refuse(q->a, 405, "method.not.allowed",
		    "HTTP method not allowed");
	else if (q->token == NULL)
		http_refuse(q->a, 401, "bad.credentials",
		    "Invalid login credentials.");
	else
		return !is_allowed(s, &s->windows[q->token->owner], q->a) ||
		    rest_fails(s, q->a);
	return true;
}

bool
routes_answer(struct sim *s, struct MHD_Connection *c, const char *method,
    const char *url, const struct buf *body, struct answer *a)
{
	struct ask q = { .s = s, .c = c, .path = url, .body = body, .a = a };
	const struct route *r;
	bool known;

	r = find(s, method, url, q.id, sizeof(q.id), &known);
	if (s->protocol == EVENTS && !known)
		return false;
	if (!str_starts(url, API))
		return false;
	rng_id(&s->secrets, a->correlation);
	s->totals.rest++;
	q.token = http_bearer(s, c);
	if (!is_refused(&q, r, known)) {
		a->status = 200;
		r->answer(&q);
		if (a->status == 200 && a->body.len > 0 &&
		    rng_chance(&s->rest_luck, s->faults.rest_garbage))
			rest_spoil(s, a);
	}
	count(s, a);
	return true;
}
