#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/told.h"

#define LIST_FIRST 16

enum {				/* rows of tier_keys[] */
	T_STATUS, T_PREVIOUS, T_WRAP, T_TIME, T_VERIFIED, T_SOURCE, T_LEN
};

static const struct scan_key tier_keys[T_LEN] = {
	[T_STATUS] = SCAN_KEY("currentStatus", -1),
	[T_PREVIOUS] = SCAN_KEY("previousStatus", -1),
	[T_WRAP] = SCAN_KEY("wrapUpCode", -1),
	[T_TIME] = SCAN_KEY("lastUpdatedTimestamp", -1),
	[T_VERIFIED] = SCAN_KEY("verified", -1),
	[T_SOURCE] = SCAN_KEY("source", -1),
};

/* Room for one more in a list. */
static void *
one_more(void *list, size_t count, size_t *alloc, size_t size)
{
	if (count < *alloc)
		return list;
	*alloc = *alloc > 0 ? 2 * *alloc : LIST_FIRST;
	return xreallocarray(list, *alloc, size);
}

bool
told_ids(struct take *take, struct slice s, struct event_ids *list)
{
	struct slice key, value;
	const char *at;

	list->told = s.kind == SCAN_ARRAY;
	list->count = 0;
	if (!list->told)
		return s.kind <= SCAN_NULL;
	at = s.p + 1;
	while (slice_next(s, &at, &key, &value)) {
		list->ids = one_more(list->ids, list->count, &list->alloc,
		    sizeof(*list->ids));
		if (!take_id(take, value, &list->ids[list->count++]))
			return false;
	}
	return true;
}

const char *
told_tier(struct take *take, struct tier_told *t, struct slice status,
    struct slice previous, struct slice wrap, struct slice time)
{
	if (!take_text_or_null(take, status, &t->status))
		return "currentStatus is neither string nor null";
	if (!take_text_or_null(take, previous, &t->previous))
		return "previousStatus is neither string nor null";
	if (!take_text_or_null(take, wrap, &t->wrap_up_code))
		return "wrapUpCode is neither string nor null";
	if (!take_time_or_null(take, time, &t->at))
		return "lastUpdatedTimestamp is neither RFC 3339 nor null";
	return NULL;
}

bool
told_source(struct tier_told *t, struct slice verified, struct slice source)
{
	t->from_rest = slice_is(source, "rest");
	return take_flag(verified, true, &t->verified) &&
	    (source.kind <= SCAN_NULL || source.kind == SCAN_STRING);
}

static int
by_id(const void *x, const void *y)
{
	const struct tier_told *a = x, *b = y;
	int c = text_cmp(a->queue_id, b->queue_id);

	/* of equal ones the order of the line: it tells which is the last */
	return c != 0 ? c : (a->value.p > b->value.p) -
	    (a->value.p < b->value.p);
}

/* The ids of the queues, sorted, and where each is told last. */
static bool
find_queues(struct take *take, struct slice s, struct event_queues *q)
{
	const char *at = s.p + 1;
	struct slice key, value;
	struct tier_told *t;
	bool sorted = true;
	size_t n = 0;

	while (slice_next(s, &at, &key, &value)) {
		q->tiers = one_more(q->tiers, q->count, &q->alloc,
		    sizeof(*q->tiers));
		t = &q->tiers[q->count++];
		t->value = value;
		if (!take_id_or_null(take, key, &t->queue_id))
			return false;
		sorted = sorted && (t == q->tiers ||
		    text_cmp(t[-1].queue_id, t->queue_id) < 0);
	}
	if (sorted)
		return true;
	qsort(q->tiers, q->count, sizeof(*q->tiers), by_id);
	for (size_t i = 0; i < q->count; i++)
		if (i + 1 == q->count || text_cmp(q->tiers[i].queue_id,
		    q->tiers[i + 1].queue_id) != 0)
			q->tiers[n++] = q->tiers[i];
	q->count = n;
	return true;
}

static bool
take_queue(struct take *take, struct tier_told *t)
{
	struct slice v[T_LEN];

	return t->value.kind == SCAN_OBJECT && scan_object(t->value.p,
	    t->value.len, tier_keys, T_LEN, v) == SCAN_OK &&
	    told_tier(take, t, v[T_STATUS], v[T_PREVIOUS], v[T_WRAP],
	    v[T_TIME]) == NULL && t->status.p != NULL &&
	    told_source(t, v[T_VERIFIED], v[T_SOURCE]);
}

const char *
told_queues(struct take *take, struct slice s, struct event_queues *q)
{
	q->told = s.kind == SCAN_OBJECT;
	q->count = 0;
	if (!q->told)
		return s.kind <= SCAN_NULL ? NULL :
		    "queues is neither object nor null";
	if (!find_queues(take, s, q))
		return "queues is malformed";
	for (size_t i = 0; i < q->count; i++)
		if (!take_queue(take, &q->tiers[i]))
			return "queues is malformed";
	return NULL;
}
