/* Which agents are looked at, in which order. */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-top/top.h"
#include "lib/die.h"

/* qsort has no argument of its own. */
static const struct view *sorting;

void
view_free(struct view *v)
{
	free(v->rows);
	free(v->name_ranks);
	free(v->status_ranks);
}

uint32_t
view_status(const struct view *v, uint32_t agent)
{
	const struct crew_agent *a = &v->crew->agents[agent];
	const struct crew_post *post;

	if (v->queue == INDEX_NONE)
		return a->status;
	post = crew_post(a, v->queue);
	return post != NULL ? post->status : 0;
}

static bool
is_wanted(const struct view *v, uint32_t agent)
{
	const struct crew *c = v->crew;
	const struct crew_agent *a = &c->agents[agent];

	if (!a->here || (v->doubted_only && !a->doubted) ||
	    (v->queue != INDEX_NONE && crew_post(a, v->queue) == NULL))
		return false;
	return v->filter[0] == '\0' ||
	    strcasestr(crew_agent_name(c, agent), v->filter) != NULL ||
	    strcasestr(index_text(&c->ids, agent).p, v->filter) != NULL ||
	    strcasestr(crew_status_name(c, view_status(v, agent)),
	    v->filter) != NULL;
}

static int
by_name(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	const struct crew *c = sorting->crew;
	int order = strcasecmp(crew_agent_name(c, a), crew_agent_name(c, b));

	return order != 0 ? order : (a > b) - (a < b);
}

static int
by_status(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	const char *x = crew_status_name(sorting->crew, a);
	const char *y = crew_status_name(sorting->crew, b);
	int order = (int)crew_kind(x) - (int)crew_kind(y);

	return order != 0 ? order : strcasecmp(x, y);
}

/* ranks[i] is the place of i among n in that order. */
static void
rank(uint32_t **ranks, size_t n, int (*order)(const void *, const void *))
{
	uint32_t *sorted = xcalloc(n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = (uint32_t)i;
	qsort(sorted, n, sizeof(*sorted), order);
	*ranks = xreallocarray(*ranks, n + 1, sizeof(**ranks));
	for (size_t i = 0; i < n; i++)
		(*ranks)[sorted[i]] = (uint32_t)i;
	free(sorted);
}

static void
rank_all(struct view *v)
{
	const struct crew *c = v->crew;
	bool same = v->ranked == c;

	if (!same || v->ranked_namings != c->namings)
		rank(&v->name_ranks, c->ids.count, by_name);
	if (!same || v->ranked_statuses != c->statuses.count)
		rank(&v->status_ranks, c->statuses.count, by_status);
	v->ranked = c;
	v->ranked_namings = c->namings;
	v->ranked_statuses = c->statuses.count;
}

/* The longest first; who has no time last. */
static int
by_time(uint32_t a, uint32_t b)
{
	struct stamp x = sorting->crew->agents[a].since;
	struct stamp y = sorting->crew->agents[b].since;

	if ((x.sec == 0) != (y.sec == 0))
		return x.sec == 0 ? 1 : -1;
	return stamp_cmp(x, y);
}

static int
compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
by_sort(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	const struct view *v = sorting;
	int order = 0;

	if (v->sort == SORT_STATUS)
		order = compare(v->status_ranks[view_status(v, a)],
		    v->status_ranks[view_status(v, b)]);
	if (v->sort == SORT_TIME)
		order = by_time(a, b);
	if (order == 0)
		order = compare(v->name_ranks[a], v->name_ranks[b]);
	return v->reverse ? -order : order;
}

void
view_make(struct view *v)
{
	size_t most = v->crew->ids.count;

	if (most > v->alloc) {
		v->alloc = 2 * most;
		v->rows = xreallocarray(v->rows, v->alloc, sizeof(*v->rows));
	}
	v->count = 0;
	for (size_t i = 0; v->awaited == NULL && i < most; i++)
		if (is_wanted(v, (uint32_t)i))
			v->rows[v->count++] = (uint32_t)i;
	sorting = v;
	rank_all(v);
	if (v->count > 1)
		qsort(v->rows, v->count, sizeof(*v->rows), by_sort);
}

/* --- queues and statuses ------------------------------------------------ */

static const struct crew *naming;

static int
by_queue_name(const void *pa, const void *pb)
{
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;
	int order = strcasecmp(crew_queue_name(naming, a),
	    crew_queue_name(naming, b));

	return order != 0 ? order : (a > b) - (a < b);
}

uint32_t *
view_queues(const struct crew *c, size_t *count)
{
	uint32_t *queues = xcalloc(c->queues.count + 1, sizeof(*queues));
	size_t *sizes = xcalloc(c->queues.count + 1, sizeof(*sizes));

	*count = 0;
	crew_queue_sizes(c, sizes);
	for (size_t i = 0; i < c->queues.count; i++)
		if (sizes[i] > 0)
			queues[(*count)++] = (uint32_t)i;
	free(sizes);
	naming = c;
	qsort(queues, *count, sizeof(*queues), by_queue_name);
	return queues;
}

size_t
view_find_queue(const struct crew *c, const char *name)
{
	struct text t = { name, (uint32_t)strlen(name) };
	size_t n = index_get(&c->queues, t);

	for (size_t i = 0; n == INDEX_NONE && i < c->queues.count; i++)
		if (strcasecmp(crew_queue_name(c, i), name) == 0)
			n = i;
	return n;
}

size_t
view_next_queue(const struct crew *c, size_t queue, int step)
{
	size_t count, at, found = INDEX_NONE;
	uint32_t *queues = view_queues(c, &count);

	for (at = 0; at < count && queues[at] != queue; at++)
		continue;
	/* of all queues: before the first, and behind the last */
	at = (at + count + 1 + (size_t)(step > 0 ? 1 : count)) % (count + 1);
	if (at < count)
		found = queues[at];
	free(queues);
	return found;
}

static int
by_kind(const void *pa, const void *pb)
{
	const struct view_status_row *a = pa, *b = pb;
	int x = crew_kind(crew_status_name(naming, a->status));
	int y = crew_kind(crew_status_name(naming, b->status));

	if (x != y)
		return x - y;
	if (a->count.agents != b->count.agents)
		return a->count.agents > b->count.agents ? -1 : 1;
	return strcmp(crew_status_name(naming, a->status),
	    crew_status_name(naming, b->status));
}

struct view_status_row *
view_statuses(const struct crew *c, size_t queue, size_t *count)
{
	size_t all = c->statuses.count;
	struct crew_count *counts = xcalloc(all, sizeof(*counts));
	struct view_status_row *rows = xcalloc(all, sizeof(*rows));

	*count = 0;
	crew_count(c, queue, counts);
	for (size_t i = 0; i < all; i++)
		if (counts[i].agents > 0)
			rows[(*count)++] = (struct view_status_row){
			    (uint32_t)i, counts[i] };
	free(counts);
	naming = c;
	qsort(rows, *count, sizeof(*rows), by_kind);
	return rows;
}
