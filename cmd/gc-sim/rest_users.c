/* REST: users, their routing status and presence. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "lib/scan.h"
#include "lib/str.h"

#define PAGE 25
#define PAGE_MAX 500
#define BULK_MAX 50		/* presences in one request */
#define ACTIVITY_MAX 1000	/* users in one request */
#define USERS "/api/v2/users/"

/* --- entities ----------------------------------------------------------- */

/* Is this expand wanted, and is there one today? */
static bool
expands(struct ask *q, const char *what)
{
	return ask_has(q, "expand", what) &&
	    !rng_chance(&q->s->rest_luck, q->s->faults.expand_miss);
}

static void
add_user(struct ask *q, const struct sim_agent *a)
{
	const struct person *p = people_of(q->s, a);
	struct buf *out = &q->a->body;

	buf_addf(out, "{\"id\":\"%s\",\"name\":\"%s\",\"email\":"
	    "\"%.8s@example.com\",\"username\":\"%.8s@example.com\","
	    "\"state\":\"%s\",\"version\":1,\"acdAutoAnswer\":false", a->id,
	    p->name, a->id, a->id, p->inactive ? "inactive" : "active");
	if (expands(q, "routingStatus")) {
		buf_adds(out, ",\"routingStatus\":");
		body_user_routing(q->s, a, out);
	}
	if (expands(q, "presence")) {
		buf_adds(out, ",\"presence\":");
		body_user_presence(q->s, a, false, out);
	}
	if (expands(q, "outOfOffice"))
		buf_adds(out, ",\"outOfOffice\":{\"active\":false}");
	buf_addf(out, ",\"selfUri\":\"" USERS "%s\"}", a->id);
}

/* --- many --------------------------------------------------------------- */

/* By state, and by ids where they are given. */
static bool
is_listed(const struct ask *q, const struct sim_agent *a)
{
	bool inactive = people_of(q->s, a)->inactive;
	const char *state = ask_value(q, "state");

	if (ask_value(q, "id") != NULL && !ask_has(q, "id", a->id))
		return false;
	if (state == NULL || strcmp(state, "active") == 0)
		return !inactive;
	return strcmp(state, "any") == 0 ||
	    (inactive && strcmp(state, "inactive") == 0);
}

void
rest_users(struct ask *q)
{
	const struct sim *s = q->s;
	size_t max = s->faults.page_max > 0 ? s->faults.page_max : PAGE_MAX;
	size_t total = 0, n = 0;
	struct page p;

	if (!page_read(q, PAGE, SIZE_MAX, &p))
		return;
	if (p.size > max) {
		http_refuse(q->a, 413, "response.entity.too.large",
		    "The response is over the size limit. Reduce the pageSize "
		    "and retry the request.");
		return;
	}
	for (size_t i = 0; i < s->org.agent_count; i++)
		total += is_listed(q, &s->org.agents[i]);
	page_cut(&p, total);
	buf_adds(&q->a->body, "{\"entities\":[");
	for (size_t i = 0; i < s->org.agent_count && n < p.to; i++) {
		if (!is_listed(q, &s->org.agents[i]) || n++ < p.from)
			continue;
		if (n > p.from + 1)
			buf_adds(&q->a->body, ",");
		add_user(q, &s->org.agents[i]);
	}
	buf_adds(&q->a->body, "]");
	page_end(q, &p);
	buf_adds(&q->a->body, "}");
}

/* --- one ---------------------------------------------------------------- */

static const struct sim_agent *
find(struct ask *q)
{
	const struct sim_agent *a = org_find(&q->s->org, q->id);

	if (a == NULL)
		http_refuse(q->a, 404, "not.found",
		    "Unable to find a user with that id");
	return a;
}

void
rest_user(struct ask *q)
{
	const struct sim_agent *a = find(q);

	if (a != NULL)
		add_user(q, a);
}

/* Nobody is off queue too: it is no test of existence. */
void
rest_user_routing(struct ask *q)
{
	const struct sim_agent *a = org_find(&q->s->org, q->id);

	if (a != NULL) {
		body_user_routing(q->s, a, &q->a->body);
		return;
	}
	buf_adds(&q->a->body, "{\"userId\":");
	buf_add_json(&q->a->body, q->id, strlen(q->id));
	buf_adds(&q->a->body, ",\"status\":\"OFF_QUEUE\"}");
}

void
rest_user_presence(struct ask *q)
{
	const struct sim_agent *a = find(q);

	if (a != NULL)
		body_user_presence(q->s, a, false, &q->a->body);
}

void
rest_user_queues(struct ask *q)
{
	const struct sim_agent *a = find(q);
	struct buf *out = &q->a->body;
	const char *comma = "";
	struct page p;

	if (a == NULL || !page_read(q, PAGE, 100, &p))
		return;
	page_cut(&p, (size_t)a->tier_count - 1);
	buf_adds(out, "{\"entities\":[");
	for (size_t t = p.from + 1; t <= p.to; t++) {
		bool joined = people_of(q->s, a)->active & 1u << t;

		if ((!joined && ask_is(q, "joined", "true")) ||
		    (joined && ask_is(q, "joined", "false")))
			continue;
		buf_addf(out, "%s{\"id\":\"%s\",\"name\":\"Queue %d\","
		    "\"joined\":%s}", comma,
		    q->s->org.queues[a->tiers[t].queue],
		    a->tiers[t].queue + 1, joined ? "true" : "false");
		comma = ",";
	}
	buf_adds(out, "]");
	page_end(q, &p);
	buf_adds(out, "}");
}

/* --- in bulk ------------------------------------------------------------ */

void
rest_presences(struct ask *q)
{
	const char *list = ask_value(q, "id");
	struct buf *out = &q->a->body;
	const struct sim_agent *a;
	size_t n = 0, len;
	bool first = true;

	buf_adds(out, "[");
	for (; list != NULL && *list != '\0' && n <= BULK_MAX; list += len) {
		list += *list == ',';
		len = strcspn(list, ",");
		strlcpy(q->id, list, len < sizeof(q->id) ? len + 1 : 1);
		n++;
		if ((a = org_find(&q->s->org, q->id)) == NULL)
			continue;
		if (!first)
			buf_adds(out, ",");
		body_user_presence(q->s, a, true, out);
		first = false;
	}
	buf_adds(out, "]");
	if (n > BULK_MAX) {
		buf_reset(out);
		http_refuse(q->a, 400, "bad.request", "at most 50 ids");
	}
}

/* The agent that the element names, if it is one. */
static const struct sim_agent *
agent_of(const struct org *o, struct slice item)
{
	const struct sim_agent *a = NULL;
	struct buf id;

	buf_init(&id, ID_LEN);
	if (item.kind == SCAN_STRING && slice_unescape(item, &id) == 0 &&
	    id.len == ID_LEN)
		a = org_find(o, id.data);
	buf_free(&id);
	return a;
}

static void
add_activities(struct ask *q, struct slice ids)
{
	struct buf *out = &q->a->body;
	const char *at = ids.p + 1, *comma = "";
	const struct sim_agent *a;
	struct slice key, item;
	size_t n = 0;

	buf_adds(out, "{\"entities\":[");
	while (slice_next(ids, &at, &key, &item) && n++ < ACTIVITY_MAX) {
		a = agent_of(&q->s->org, item);
		if (a == NULL || people_of(q->s, a)->inactive)
			continue;
		buf_adds(out, comma);
		body_activity(q->s, a, CHANGED_ALL, true, out);
		comma = ",";
	}
	buf_adds(out, "]}");
	if (n >= ACTIVITY_MAX && slice_next(ids, &at, &key, &item)) {
		buf_reset(out);
		http_refuse(q->a, 400, "bad.request", "too many userIds");
	}
}

void
rest_activity(struct ask *q)
{
	static const struct scan_key keys[] = { SCAN_KEY("userIds", -1) };
	struct slice ids;

	if (!q->s->faults.wfm)
		http_refuse(q->a, 403, "missing.any.permissions",
		    "Unable to perform the requested action. You are missing "
		    "the following permission(s): wfm:agent:view");
	else if (scan_object(q->body->data, q->body->len, keys, 1, &ids) !=
	    SCAN_OK || ids.kind != SCAN_ARRAY)
		http_refuse(q->a, 400, "bad.request", "userIds is a list");
	else
		add_activities(q, ids);
}
