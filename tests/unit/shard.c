/* Topics on channels: capacity, stability, what a change moves. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/shard.h"
#include "tests/tap.h"

static char names[SHARD_MAX + 1][16];
static const char *list[SHARD_MAX + 1];

/* Topics from to to - 1 (numbered so that byte order is number order). */
static size_t
range(size_t from, size_t to, size_t at)
{
	for (size_t i = from; i < to; i++)
		list[at++] = names[i];
	return at;
}

/* Loads agree with the list, none is over, none beyond those in use. */
static bool
is_sound(const struct shards *s)
{
	size_t load[SHARD_CHANNELS_MAX] = { 0 };

	for (size_t i = 0; i < s->count; i++) {
		if (s->all[i].channel < 0 ||
		    s->all[i].channel >= (int)s->channels ||
		    (i > 0 && strcmp(s->all[i - 1].topic,
		    s->all[i].topic) >= 0))
			return false;
		load[s->all[i].channel]++;
	}
	for (unsigned c = 0; c < SHARD_CHANNELS_MAX; c++)
		if (load[c] != s->load[c] || load[c] > SHARD_TOPICS_MAX)
			return false;
	return true;
}

/* Set the list and say in how many moves: joined, left, moved. */
static void
set(struct shards *s, size_t count, size_t want[3], const char *what)
{
	struct shard_diff d;
	struct err e;
	size_t got[3] = { 0 };
	bool order = true;

	if (!ok(shards_set(s, list, count, &d, &e) == 0, "%s", what))
		return;
	for (size_t i = 0; i < d.count; i++) {
		got[d.moves[i].from == -1 ? 0 : d.moves[i].to == -1 ? 1 :
		    2]++;
		order = order && (i == 0 || strcmp(d.moves[i - 1].topic,
		    d.moves[i].topic) < 0);
	}
	ok(is_sound(s) && order, "  it is sound");
	ok(got[0] == want[0] && got[1] == want[1] && got[2] == want[2],
	    "  joined %zu, left %zu, moved %zu", got[0], got[1], got[2]);
	shard_diff_free(&d);
}

#define WANT(j, l, m) (size_t[3]){ j, l, m }

static void
test_one_channel(void)
{
	struct shards s = { 0 };
	struct shard_diff d;
	struct err e;

	set(&s, 0, WANT(0, 0, 0), "nobody");
	is_int(s.channels, 1, "one channel waits");
	list[0] = "b", list[1] = "a", list[2] = "b";
	set(&s, 3, WANT(2, 0, 0), "two, one of them twice");
	list[0] = "c", list[1] = "a";
	ok(shards_set(&s, list, 2, &d, &e) == 0 && d.count == 2, "a change");
	is_str(d.moves[0].topic, "b", "who left");
	ok(d.moves[0].from == 0 && d.moves[0].to == -1, "from there");
	is_str(d.moves[1].topic, "c", "who came");
	ok(d.moves[1].from == -1 && d.moves[1].to == 0, "to there");
	shard_diff_free(&d);
	set(&s, 2, WANT(0, 0, 0), "no change, no move");
	set(&s, 0, WANT(0, 2, 0), "all gone");
	shards_free(&s);
}

static void
test_many(void)
{
	struct shards s = { 0 };
	size_t n;

	set(&s, range(0, 2500, 0), WANT(2500, 0, 0), "2,500");
	is_int(s.channels, 3, "three channels");
	/* ten of the first leave, ten new come: they take the gaps */
	n = range(10, 2500, 0);
	n = range(5000, 5010, n);
	set(&s, n, WANT(10, 10, 0), "ten for ten");
	is_int((long long)s.load[0], 1000, "the gaps were taken");
	/* the third is given up at nine tenths, not before */
	set(&s, range(0, 1801, 0), WANT(10, 709, 0), "1,801");
	is_int(s.channels, 3, "three still");
	n = s.load[2];
	set(&s, range(0, 1800, 0), WANT(0, 1, n), "1,800");
	is_int(s.channels, 2, "two, what was on the third moved");
	set(&s, range(0, 2000, 0), WANT(200, 0, 0), "2,000");
	is_int(s.channels, 2, "two are full");
	set(&s, range(0, 2001, 0), WANT(1, 0, 0), "one more");
	is_int(s.channels, 3, "a third");
	set(&s, 0, WANT(0, 2001, 0), "nobody");
	is_int(s.channels, 1, "one waits");
	shards_free(&s);
}

static void
test_limit(void)
{
	struct shards s = { 0 };
	struct shard_diff d;
	struct err e;

	set(&s, range(0, SHARD_MAX, 0), WANT(SHARD_MAX, 0, 0), "19,000");
	is_int(s.channels, 19, "19 channels");
	ok(shards_set(&s, list, range(0, SHARD_MAX + 1, 0), &d, &e) == -1,
	    "one more is too many");
	is_int(e.code, GC_EX_CONFIG, "78");
	ok(strstr(e.msg, "19001") != NULL && strstr(e.msg, "19000") != NULL,
	    "%s", e.msg);
	ok(is_sound(&s) && s.count == SHARD_MAX, "nothing has changed");
	shards_free(&s);
	shards_free(&s);
}

/* Any change: only who joins, leaves, or loses a channel is in the diff. */
static void
test_random(void)
{
	struct shards s = { 0 };
	struct shard_diff d;
	struct err e;
	uint32_t r = 1;
	bool sound = true, few = true;

	for (int turn = 0; turn < 60; turn++) {
		unsigned before = s.channels;
		size_t n = 0, width, moved = 0;

		r = r * 1664525 + 1013904223;
		width = 1 + (r >> 16) % (SHARD_MAX - 1);
		for (size_t i = 0; i < width; i++) {
			r = r * 1664525 + 1013904223;
			if (r >> 30 != 0)
				list[n++] = names[i];
		}
		if (shards_set(&s, list, n, &d, &e) == -1)
			sound = false;
		for (size_t i = 0; i < d.count; i++)
			moved += d.moves[i].from != -1 && d.moves[i].to != -1;
		few = few && (moved == 0 || s.channels < before);
		sound = sound && is_sound(&s) && s.count == n;
		shard_diff_free(&d);
	}
	ok(sound, "sound after any change");
	ok(few, "who stays is moved only where a channel is given up");
	shards_free(&s);
}

int
main(void)
{
	for (size_t i = 0; i <= SHARD_MAX; i++)
		snprintf(names[i], sizeof(names[i]), "u%05zu", i);
	test_one_channel();
	test_many();
	test_limit();
	test_random();
	return done();
}
