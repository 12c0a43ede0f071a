/* An agent's parts as JSON, in frames and in REST. */
#include "cmd/gc-sim/platform.h"
#include "lib/clock.h"

static void
add_time(struct buf *out, const char *key, int64_t at_ms)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(at_ms, at);
	buf_addf(out, ",\"%s\":\"%s\"", key, at);
}

static void
add_routing(const struct person *p, struct buf *out)
{
	buf_addf(out, "\"routingStatus\":{\"status\":\"%s\"",
	    people_routing_name(p->routing));
	add_time(out, "startTime", p->routing_ms);
	buf_adds(out, "}");
}

static void
add_definition(const struct sim *s, int definition, struct buf *out)
{
	const struct definition *d = &s->people->definitions[definition];

	buf_addf(out, "\"presenceDefinition\":{\"id\":\"%s\","
	    "\"systemPresence\":\"%s\"}", d->id,
	    people_system_name(d->system, SPELT_EVENT));
}

void
body_routing(const struct sim *s, const struct sim_agent *a, struct buf *out)
{
	buf_addf(out, "{\"id\":\"%s\",", a->id);
	add_routing(people_of(s, a), out);
	buf_adds(out, "}");
}

void
body_presence(const struct sim *s, const struct sim_agent *a, bool of_time,
    struct buf *out)
{
	const struct person *p = people_of(s, a);

	buf_adds(out, "{\"source\":\"PURECLOUD\",");
	add_definition(s, p->presence, out);
	buf_adds(out, ",\"primary\":true,\"message\":\"\"");
	if (of_time)
		add_time(out, "modifiedDate", p->presence_ms);
	buf_adds(out, "}");
}

void
body_secondary(const struct sim *s, int definition, struct buf *out)
{
	buf_adds(out, "{\"source\":\"MICROSOFTTEAMS\",");
	add_definition(s, definition, out);
	buf_adds(out, ",\"primary\":false,\"message\":\"\"");
	add_time(out, "modifiedDate", s->wall_ms);
	buf_adds(out, "}");
}

static void
add_queues(const struct sim *s, const struct sim_agent *a, struct buf *out)
{
	const struct person *p = people_of(s, a);
	const char *comma = "";

	buf_adds(out, ",\"activeQueueIds\":[");
	for (int t = 1; t < a->tier_count; t++) {
		if (!(p->active & 1u << t))
			continue;
		buf_addf(out, "%s\"%s\"", comma,
		    s->org.queues[a->tiers[t].queue]);
		comma = ",";
	}
	buf_adds(out, "]");
	add_time(out, "dateActiveQueuesChanged", p->queues_ms);
}

void
body_activity(const struct sim *s, const struct sim_agent *a, unsigned parts,
    bool of_time, struct buf *out)
{
	const struct person *p = people_of(s, a);

	buf_addf(out, "{\"id\":\"%s\"", a->id);
	if (parts & CHANGED_ROUTING) {
		buf_adds(out, ",");
		add_routing(p, out);
	}
	if (parts & CHANGED_PRESENCE) {
		buf_adds(out, ",\"presence\":{");
		add_definition(s, p->presence, out);
		buf_adds(out, ",\"presenceMessage\":\"\"");
		if (of_time)
			add_time(out, "modifiedDate", p->presence_ms);
		buf_adds(out, "}");
	}
	buf_adds(out, ",\"outOfOffice\":{\"active\":false}");
	if (parts & CHANGED_QUEUES)
		add_queues(s, a, out);
	buf_adds(out, "}");
}

/* --- REST --------------------------------------------------------------- */

void
body_user_routing(const struct sim *s, const struct sim_agent *a,
    struct buf *out)
{
	const struct person *p = people_of(s, a);
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(p->routing_ms, at);
	buf_addf(out, "{\"userId\":\"%s\",\"status\":\"%s\",\"startTime\":"
	    "\"%s\"}", a->id, people_routing_name(p->routing), at);
}

void
body_user_presence(const struct sim *s, const struct sim_agent *a,
    bool in_bulk, struct buf *out)
{
	const struct person *p = people_of(s, a);
	const struct definition *d = &s->people->definitions[p->presence];
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(p->presence_ms, at);
	buf_addf(out, "{\"id\":\"%s\",", a->id);
	if (in_bulk)
		buf_addf(out, "\"userId\":\"%s\",", a->id);
	else
		buf_addf(out, "\"primary\":true,\"selfUri\":"
		    "\"/api/v2/users/%s/presences/purecloud\",", a->id);
	buf_addf(out, "\"source\":\"PURECLOUD\",\"presenceDefinition\":"
	    "{\"id\":\"%s\",\"systemPresence\":\"%s\",\"selfUri\":"
	    "\"/api/v2/presencedefinitions/%s\"},\"message\":\"\","
	    "\"modifiedDate\":\"%s\"}", d->id,
	    people_system_name(d->system, SPELT_USER), d->id, at);
}
