/* REST: queues, teams, presence definitions, and the token itself. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"
#include "lib/str.h"

#define PAGE 25
#define PAGE_MAX 100		/* of members and queues */

/* --- queues and teams --------------------------------------------------- */

static void
add_group(struct buf *out, const char *id, const char *kind, int number,
    const char *path)
{
	buf_addf(out, "{\"id\":\"%s\",\"name\":\"%s %d\",\"selfUri\":"
	    "\"/api/v2/%s/%s\"}", id, kind, number + 1, path, id);
}

/* Which of them; -1: it has been refused. */
static int
find(struct ask *q, const char *ids, int count, const char *what)
{
	char text[80];

	for (int i = 0; i < count; i++)
		if (strcmp(ids + i * (ID_LEN + 1), q->id) == 0)
			return i;
	snprintf(text, sizeof(text), "Unable to find a %s with that id", what);
	http_refuse(q->a, 404, "not.found", text);
	return -1;
}

static int
find_queue(struct ask *q)
{
	return find(q, q->s->org.queues[0], q->s->org.queue_count, "queue");
}

static int
find_team(struct ask *q)
{
	return find(q, q->s->org.teams[0], TEAMS, "team");
}

void
rest_queue(struct ask *q)
{
	int i = find_queue(q);

	if (i != -1)
		add_group(&q->a->body, q->id, "Queue", i, "routing/queues");
}

void
rest_team(struct ask *q)
{
	int i = find_team(q);

	if (i != -1)
		add_group(&q->a->body, q->id, "Team", i, "teams");
}

static void
list_groups(struct ask *q, const char *ids, size_t count, const char *kind,
    const char *path)
{
	struct page p;

	if (!page_read(q, PAGE, PAGE_MAX, &p))
		return;
	page_cut(&p, count);
	buf_adds(&q->a->body, "{\"entities\":[");
	for (size_t i = p.from; i < p.to; i++) {
		if (i > p.from)
			buf_adds(&q->a->body, ",");
		add_group(&q->a->body, ids + i * (ID_LEN + 1), kind, (int)i,
		    path);
	}
	buf_adds(&q->a->body, "]");
	page_end(q, &p);
	buf_adds(&q->a->body, "}");
}

void
rest_queues(struct ask *q)
{
	list_groups(q, q->s->org.queues[0], (size_t)q->s->org.queue_count,
	    "Queue", "routing/queues");
}

void
rest_teams(struct ask *q)
{
	list_groups(q, q->s->org.teams[0], TEAMS, "Team", "teams");
}

/* --- members ------------------------------------------------------------ */

static bool
is_listed(const struct ask *q, const struct sim_agent *a, int queue)
{
	const struct person *p = people_of(q->s, a);
	unsigned bit = people_bit(a, queue);
	bool joined = p->active & bit;

	return bit != 0 && !p->inactive &&
	    !(joined ? ask_is(q, "joined", "false") :
	    ask_is(q, "joined", "true"));
}

static void
add_member(struct ask *q, const struct sim_agent *a, int queue)
{
	const struct person *p = people_of(q->s, a);
	struct buf *out = &q->a->body;

	buf_addf(out, "{\"id\":\"%s\",\"user\":{\"id\":\"%s\",\"name\":\"%s\""
	    "},\"ringNumber\":1,\"joined\":%s,\"memberBy\":\"user\","
	    "\"routingStatus\":", a->id, a->id, p->name,
	    p->active & people_bit(a, queue) ? "true" : "false");
	body_user_routing(q->s, a, out);
	buf_addf(out, ",\"name\":\"%s\"}", p->name);
}

/* No total: whoever wants all walks nextUri. */
void
rest_queue_members(struct ask *q)
{
	const struct org *o = &q->s->org;
	int queue = find_queue(q);
	size_t n = 0;
	struct page p;

	if (queue == -1 || !page_read(q, PAGE, PAGE_MAX, &p))
		return;
	page_cut(&p, SIZE_MAX);
	buf_adds(&q->a->body, "{\"entities\":[");
	for (size_t i = 0; i < o->agent_count && n <= p.to; i++) {
		if (!is_listed(q, &o->agents[i], queue) || n++ < p.from ||
		    n > p.to)
			continue;
		if (n > p.from + 1)
			buf_adds(&q->a->body, ",");
		add_member(q, &o->agents[i], queue);
	}
	buf_addf(&q->a->body, "],\"pageSize\":%zu,\"pageNumber\":%zu", p.size,
	    p.number);
	page_uri(q, "firstUri", 1);
	page_uri(q, "selfUri", p.number);
	if (p.number > 1)
		page_uri(q, "previousUri", p.number - 1);
	if (n > p.to)
		page_uri(q, "nextUri", p.number + 1);
	buf_adds(&q->a->body, "}");
}

/* By cursor: whose turn it is, in a form that is nobody's business. */
void
rest_team_members(struct ask *q)
{
	const struct org *o = &q->s->org;
	const char *after = ask_value(q, "after"), *comma = "";
	struct buf *out = &q->a->body;
	int team = find_team(q);
	uint64_t at = 0;
	size_t n = 0, i;
	struct page p;

	if (team == -1 || !page_read(q, PAGE, PAGE_MAX, &p))
		return;
	if (after != NULL && (!str_starts(after, "c-") ||
	    str_number(after + 2, o->agent_count, &at) == -1)) {
		http_refuse(q->a, 400, "bad.request", "Invalid cursor");
		return;
	}
	buf_adds(out, "{\"entities\":[");
	for (i = (size_t)at; i < o->agent_count; i++) {
		const struct sim_agent *a = &o->agents[i];

		if (a->team != team || people_of(q->s, a)->inactive)
			continue;
		if (n++ == p.size)
			break;
		buf_addf(out, "%s{\"id\":\"%s\",\"name\":\"%s\",\"selfUri\":"
		    "\"/api/v2/users/%s\"}", comma, a->id,
		    people_of(q->s, a)->name, a->id);
		comma = ",";
	}
	buf_addf(out, "],\"selfUri\":\"%s\"", q->path);
	if (i < o->agent_count)
		buf_addf(out, ",\"nextUri\":\"%s?pageSize=%zu&after=c-%zu\"",
		    q->path, p.size, i);
	buf_adds(out, "}");
}

/* --- presence definitions ----------------------------------------------- */

void
rest_definitions(struct ask *q)
{
	struct buf *out = &q->a->body;

	buf_adds(out, "{\"entities\":[");
	for (int i = 0; i < DEFINITIONS; i++) {
		const struct definition *d = &q->s->people->definitions[i];

		buf_addf(out, "%s{\"id\":\"%s\",\"type\":\"%s\","
		    "\"languageLabels\":{\"en_US\":\"%s\"},\"systemPresence\":"
		    "\"%s\",\"divisionId\":\"*\",\"deactivated\":false,"
		    "\"selfUri\":\"/api/v2/presence/definitions/%s\"}",
		    i > 0 ? "," : "", d->id, d->primary ? "System" : "User",
		    d->label, people_system_name(d->system, SPELT_DEFINITION),
		    d->id);
	}
	buf_addf(out, "],\"total\":%d,\"selfUri\":\"%s\"}", DEFINITIONS,
	    q->path);
}

void
rest_old_definitions(struct ask *q)
{
	struct buf *out = &q->a->body;
	struct page p;

	if (!page_read(q, PAGE, PAGE_MAX, &p))
		return;
	page_cut(&p, DEFINITIONS);
	buf_adds(out, "{\"entities\":[");
	for (size_t i = p.from; i < p.to; i++) {
		const struct definition *d = &q->s->people->definitions[i];

		buf_addf(out, "%s{\"id\":\"%s\",\"name\":\"%s\","
		    "\"languageLabels\":{\"en\":\"%s\"},\"systemPresence\":"
		    "\"%s\",\"deactivated\":false,\"primary\":%s,\"selfUri\":"
		    "\"/api/v2/presencedefinitions/%s\"}", i > p.from ? "," :
		    "", d->id, d->label, d->label,
		    people_system_name(d->system, SPELT_DEFINITION),
		    d->primary ? "true" : "false", d->id);
	}
	buf_adds(out, "]");
	page_end(q, &p);
	buf_adds(out, "}");
}

/* --- the token ---------------------------------------------------------- */

void
rest_token_get(struct ask *q)
{
	buf_addf(&q->a->body, "{\"organization\":{\"id\":\"%s\",\"name\":"
	    "\"gc-sim\"},\"authorizedScope\":[],\"OAuthClient\":{\"id\":"
	    "\"%s\",\"name\":\"gc-sim\"}}",
	    q->s->people != NULL ? q->s->people->org_id : "gc-sim",
	    q->s->client_id);
}

/* It is invalid from now on, and with it what was made with it. */
void
rest_token_delete(struct ask *q)
{
	uint64_t serial = q->token->serial;

	sim_say(q->s, "revoked", "\"by\":\"client\"");
	token_revoke(q->s, serial);
	channels_revoke(q->s, serial);
	q->a->status = 204;
}
