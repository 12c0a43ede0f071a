/* Any frame of the platform's socket, and any answer of its REST; who is on
 * a page gets onto channels. */
#include "lib/frame.h"
#include "lib/names.h"
#include "lib/platform.h"
#include "lib/shard.h"
#include "tests/fuzz/fuzz.h"

static void
check_shards(const struct shards *s, const struct names *n)
{
	size_t load[SHARD_CHANNELS_MAX] = { 0 };

	require(s->count == n->count && s->channels >= 1);
	for (size_t i = 0; i < s->count; i++) {
		require(strcmp(s->all[i].topic, n->all[i]) == 0 &&
		    s->all[i].channel >= 0 &&
		    s->all[i].channel < (int)s->channels);
		load[s->all[i].channel]++;
	}
	for (size_t i = 0; i < s->channels; i++)
		require(load[i] == s->load[i]);
}

/* The ids of a page onto channels: first one, then all, then none. */
static void
place(struct names *n)
{
	struct shards s = { 0 };
	struct shard_diff diff;
	struct names none = { 0 }, one = { 0 };
	const struct names *const steps[] = { &one, n, &none };
	struct err e;

	names_seal(n);
	if (n->count > 0)
		names_add(&one, n->all[n->count / 2],
		    strlen(n->all[n->count / 2]));
	for (size_t i = 0; i < 3; i++) {
		require(shards_set(&s, (const char *const *)steps[i]->all,
		    steps[i]->count, &diff, &e) == 0);
		check_shards(&s, steps[i]);
		shard_diff_free(&diff);
	}
	shards_free(&s);
	names_free(&one);
}

static void
read_page(const char *text, size_t size)
{
	struct platform_page p;
	struct platform_topic t;
	struct slice element;
	const char *at = NULL;
	struct names ids = { 0 };
	struct buf id;
	struct err e;

	if (platform_page(&p, text, size, &e) == -1)
		return;
	buf_init(&id, PLATFORM_ID_MAX);
	platform_topic_init(&t);
	while (platform_each(&p, &at, &element)) {
		if (platform_user(element, &id) == 0) {
			require(platform_is_id(id.data, id.len));
			names_add(&ids, id.data, id.len);
		}
		platform_topic(&t, element);
	}
	platform_more(&p, 1);
	place(&ids);
	names_free(&ids);
	platform_topic_free(&t);
	buf_free(&id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct frame f = frame_read(text, size);
	struct platform_channel c;
	struct platform_error pe;
	struct err e;
	size_t n;

	require(f.kind < FRAME_KINDS &&
	    (f.kind == FRAME_BAD) == (f.verdict != SCAN_OK));
	require(frame_user(text, size, &n) == NULL || (n > 0 && n < size));
	if (platform_channel(&c, text, size, &e) == 0) {
		require(platform_is_id(c.id, strlen(c.id)));
		platform_channel_free(&c);
	}
	platform_error(&pe, text, size);
	read_page(text, size);
	return 0;
}
