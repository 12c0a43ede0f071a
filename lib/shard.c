#include <stdlib.h>
#include <string.h>

#include "lib/shard.h"

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The topics sorted, each once; *count is how many. */
static const char **
sorted(const char *const *topics, size_t *count)
{
	const char **all = xcalloc(*count + 1, sizeof(*all));
	size_t n = 0;

	if (*count > 0)
		memcpy(all, topics, *count * sizeof(*all));
	qsort(all, *count, sizeof(*all), by_text);
	for (size_t i = 0; i < *count; i++)
		if (n == 0 || strcmp(all[i], all[n - 1]) != 0)
			all[n++] = all[i];
	*count = n;
	return all;
}

static void
note(struct shard_diff *d, const char *topic, int from, int to)
{
	d->moves[d->count++] = (struct shard_move){ topic, from, to };
}

/* Merge the old list, whose leavers go to the diff, with the new. */
static struct shard *
merge(struct shards *s, const char **topics, size_t count,
    struct shard_diff *d)
{
	struct shard *all = xcalloc(count + 1, sizeof(*all));
	size_t old = 0, n = 0;

	while (old < s->count || n < count) {
		int order = old == s->count ? 1 : n == count ? -1 :
		    strcmp(s->all[old].topic, topics[n]);

		if (order < 0) {
			d->gone[d->gone_count++] = s->all[old].topic;
			s->load[s->all[old].channel]--;
			note(d, s->all[old].topic, s->all[old].channel, -1);
			old++;
		} else if (order > 0) {
			all[n] = (struct shard){ xstrdup(topics[n]), -1 };
			n++;
		} else {
			all[n++] = s->all[old++];
		}
	}
	return all;
}

/* The lowest channel below limit with room; there is always one. */
static int
roomy(const struct shards *s, unsigned limit)
{
	unsigned c = 0;

	while (c < limit - 1 && s->load[c] >= SHARD_TOPICS_MAX)
		c++;
	return (int)c;
}

/* How many channels are to be used for so many topics. */
static unsigned
wanted(const struct shards *s)
{
	unsigned n = s->channels > 0 ? s->channels : 1;

	while (s->count > (size_t)n * SHARD_TOPICS_MAX)
		n++;
	while (n > 1 && s->count <= (size_t)(n - 1) * SHARD_TOPICS_MAX *
	    SHARD_SHRINK / 100)
		n--;
	return n;
}

static int
by_topic(const void *a, const void *b)
{
	const struct shard_move *x = a, *y = b;

	return strcmp(x->topic, y->topic);
}

int
shards_set(struct shards *s, const char *const *topics, size_t count,
    struct shard_diff *d, struct err *e)
{
	const char **list = sorted(topics, &count);
	struct shard *all;

	*d = (struct shard_diff){ 0 };
	if (count > SHARD_MAX) {
		free(list);
		return err_set(e, GC_EX_CONFIG, "%zu topics are more than "
		    "one process can have: %d, which is %d channels of %d; "
		    "narrow the scope with -f, or divide it over several "
		    "OAuth clients", count, SHARD_MAX, SHARD_CHANNELS_MAX,
		    SHARD_TOPICS_MAX);
	}
	d->moves = xcalloc(s->count + count + 1, sizeof(*d->moves));
	d->gone = xcalloc(s->count + 1, sizeof(*d->gone));
	all = merge(s, list, count, d);
	free(list);
	free(s->all);
	s->all = all;
	s->count = count;
	s->channels = wanted(s);
	for (size_t i = 0; i < count; i++) {
		int from = all[i].channel;

		if (from >= 0 && from < (int)s->channels)
			continue;
		if (from >= 0)
			s->load[from]--;
		all[i].channel = roomy(s, s->channels);
		s->load[all[i].channel]++;
		note(d, all[i].topic, from, all[i].channel);
	}
	qsort(d->moves, d->count, sizeof(*d->moves), by_topic);
	return 0;
}

void
shard_diff_free(struct shard_diff *d)
{
	for (size_t i = 0; i < d->gone_count; i++)
		free(d->gone[i]);
	free(d->gone);
	free(d->moves);
	*d = (struct shard_diff){ 0 };
}

void
shards_free(struct shards *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->all[i].topic);
	free(s->all);
	*s = (struct shards){ 0 };
}
