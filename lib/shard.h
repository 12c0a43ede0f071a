/*
 * Which topic is on which channel.  A channel takes SHARD_TOPICS_MAX topics
 * and one process SHARD_CHANNELS_MAX channels: CONTRACT section 9, "size".
 *
 * The rule: a topic stays where it is; a new one goes to the lowest channel
 * with room; the highest channel is given up once the others would be full
 * to SHARD_SHRINK percent without it.  So a change moves nothing else, save
 * where a channel is given up.  Pure; the same calls give the same result,
 * whatever the order of the ids.
 */
#ifndef GC_SHARD_H
#define GC_SHARD_H

#include <stddef.h>

#include "lib/die.h"

#define SHARD_TOPICS_MAX 1000
#define SHARD_CHANNELS_MAX 19	/* the platform's 20th is for changing over */
#define SHARD_MAX (SHARD_TOPICS_MAX * SHARD_CHANNELS_MAX)
#define SHARD_SHRINK 90

struct shard {
	char *topic;
	int channel;
};

struct shards {
	struct shard *all;		/* sorted by topic (bytes) */
	size_t count;
	unsigned channels;		/* in use: 0 to channels - 1 */
	size_t load[SHARD_CHANNELS_MAX];
};

/* What became of one topic: from -1 it is new, to -1 it is gone. */
struct shard_move {
	const char *topic;
	int from, to;
};

struct shard_diff {
	struct shard_move *moves;	/* sorted by topic; none that stays */
	size_t count;
	char **gone;			/* owns the topics that left */
	size_t gone_count;
};

/*
 * The topics are these now (any order, twice counts once; copied).  diff is
 * filled, also with nothing.  -1 with 78 and the numbers if they are more
 * than SHARD_MAX: then nothing has changed.  At least one channel stays in
 * use, even with nothing on it.  The moves borrow from s, until the next
 * call on it.
 */
int shards_set(struct shards *s, const char *const *topics, size_t count,
    struct shard_diff *diff, struct err *e);

void shard_diff_free(struct shard_diff *diff);
void shards_free(struct shards *s);	/* safe on zeroes */

#endif
