#include <string.h>

#include "lib/supersede.h"

#define MEMBERS_MAX 32		/* of a body; with more it supersedes nothing */

enum part { ROUTING, PRESENCE, ACTIVE, PARTS, UNKNOWN = PARTS };

/* Which members of a body belong to which part. */
struct member_of {
	const char *name;
	enum part part;
};

static const struct member_of of_activity[] = {
	{ "routingStatus", ROUTING }, { "presence", PRESENCE },
	{ "activeQueueIds", ACTIVE }, { "dateActiveQueuesChanged", ACTIVE },
	{ NULL, UNKNOWN }
};

static const struct member_of of_presence[] = {
	{ "presenceDefinition", PRESENCE }, { "message", PRESENCE },
	{ "modifiedDate", PRESENCE }, { NULL, UNKNOWN }
};

struct members {
	struct slice keys[MEMBERS_MAX], values[MEMBERS_MAX];
	size_t count;
};

static const struct tier_told *
told_part(const struct event *ev, enum part part)
{
	return part == ROUTING ? &ev->tier : part == PRESENCE ?
	    &ev->parts.presence : &ev->parts.active;
}

static bool
same_bytes(struct slice a, struct slice b)
{
	return a.kind == b.kind && a.len == b.len &&
	    memcmp(a.p, b.p, a.len) == 0;
}

static size_t
find(const struct members *m, struct slice key)
{
	size_t i = 0;

	while (i < m->count && !same_bytes(m->keys[i], key))
		i++;
	return i;
}

/* Each member once, the last of its name; null is none.  False if there are
 * too many, or one whose name has to be read more closely. */
static bool
read_members(struct members *m, struct slice body)
{
	struct slice key, value;
	const char *at = body.p + 1;
	size_t i, kept = 0;

	m->count = 0;
	while (slice_next(body, &at, &key, &value)) {
		i = find(m, key);
		if (key.escaped || i == MEMBERS_MAX)
			return false;
		m->keys[i] = key;
		m->values[i] = value;
		m->count += i == m->count;
	}
	for (i = 0; i < m->count; i++) {
		if (m->values[i].kind == SCAN_NULL)
			continue;
		m->keys[kept] = m->keys[i];
		m->values[kept++] = m->values[i];
	}
	m->count = kept;
	return true;
}

static enum part
part_of(const struct event *ev, struct slice key)
{
	const struct member_of *m = ev->topic == PARTS_PRESENCE ?
	    of_presence : of_activity;

	while (m->name != NULL && !slice_is(key, m->name))
		m++;
	/* what tells nothing is known for nothing */
	return m->part != UNKNOWN && told_part(ev, m->part)->status.p != NULL ?
	    m->part : UNKNOWN;
}

/* How late a part is against an earlier frame's: > 0 newer, 0 of the same
 * moment.  Of two without a time the later to arrive is newer; where one has
 * a time nobody can say. */
static int
order_of(const struct tier_told *late, const struct tier_told *early)
{
	if (late->at.text.p == NULL || early->at.text.p == NULL)
		return late->at.text.p == early->at.text.p ? 1 : -1;
	return stamp_cmp(late->at.stamp, early->at.stamp);
}

static bool
has_parts_of(const struct event *late, const struct event *early,
    bool newer[PARTS + 1])
{
	for (enum part p = ROUTING; p < PARTS; p++) {
		const struct tier_told *was = told_part(early, p);
		const struct tier_told *is = told_part(late, p);

		newer[p] = false;
		if (was->status.p == NULL)
			continue;
		if (is->status.p == NULL || order_of(is, was) < 0)
			return false;
		newer[p] = order_of(is, was) > 0;
	}
	newer[UNKNOWN] = false;
	return true;
}

bool
supersedes(const struct event *late, const struct event *early)
{
	struct members is, was;
	bool newer[PARTS + 1];
	size_t at;

	if (!has_parts_of(late, early, newer) ||
	    !read_members(&is, late->body) || !read_members(&was, early->body))
		return false;
	for (size_t i = 0; i < was.count; i++) {
		if (newer[part_of(early, was.keys[i])])
			continue;
		at = find(&is, was.keys[i]);
		if (at == is.count || !same_bytes(is.values[at],
		    was.values[i]))
			return false;
	}
	return true;
}

bool
supersede_is_timeless(const struct event *frame)
{
	for (enum part p = ROUTING; p < PARTS; p++) {
		const struct tier_told *t = told_part(frame, p);

		if (t->status.p != NULL && t->at.text.p == NULL)
			return true;
	}
	return false;
}

bool
supersede_moment(const struct event *frame, struct stamp *moment)
{
	bool any = false;

	for (enum part p = ROUTING; p < PARTS; p++) {
		const struct tier_told *t = told_part(frame, p);

		if (t->status.p == NULL || t->at.text.p == NULL ||
		    (any && stamp_cmp(t->at.stamp, *moment) <= 0))
			continue;
		*moment = t->at.stamp;
		any = true;
	}
	return any;
}
