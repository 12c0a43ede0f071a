/* Lines on their way to the server, many in one command. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-cache/cache.h"

#define HEAD 7			/* arguments before the first line's */
#define KEY_MAX (CACHEURL_NAME_MAX + 16)

struct batch *
batch_new(enum batch_kind kind)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->kind = kind;
	buf_init(&b->text, BATCH_BYTES + 2 * NDJSON_LINE_MAX);
	return b;
}

void
batch_del(struct batch *b)
{
	if (b != NULL)
		buf_free(&b->text);
	free(b);
}

bool
batch_is_full(const struct batch *b)
{
	return b->count == BATCH_LINES || b->bytes >= BATCH_BYTES;
}

void
batch_add(struct batch *b, const struct latest *l, size_t number)
{
	const struct latest_item *item = &l->all[number];
	size_t n = b->count++;

	b->items[n].number = number;
	b->items[n].version = item->version;
	b->items[n].stamp = b->text.len;
	buf_adds(&b->text, item->stamp);
	b->items[n].line = b->text.len;
	b->items[n].len = item->len;
	buf_add(&b->text, item->line, item->len);
	b->bytes += item->len;
}

static void
key_of(char key[KEY_MAX], const char *prefix, const char *name)
{
	struct buf b;

	buf_init(&b, KEY_MAX - 1);
	buf_addf(&b, "%s:%s", prefix, name);
	memcpy(key, b.data, b.len + 1);
	buf_free(&b);
}

void
batch_send(struct batch *b, const struct latest *l, const char *prefix,
    struct conn *c)
{
	static const char *const kinds[] = { "set", "fill", "gone" };
	const char *argv[HEAD + 3 * BATCH_LINES];
	size_t lens[HEAD + 3 * BATCH_LINES], n = HEAD;
	char agents[KEY_MAX], stamps[KEY_MAX], changes[KEY_MAX];

	key_of(agents, prefix, "agents");
	key_of(stamps, prefix, "stamps");
	key_of(changes, prefix, "changes");
	argv[0] = "EVAL";
	argv[1] = script_write;
	argv[2] = "2";
	argv[3] = agents;
	argv[4] = stamps;
	argv[5] = changes;
	argv[6] = kinds[b->kind];
	for (size_t i = 0; i < HEAD; i++)
		lens[i] = strlen(argv[i]);
	for (size_t i = 0; i < b->count; i++) {
		struct text id = index_text(&l->ids, b->items[i].number);

		argv[n] = id.p;
		lens[n++] = id.len;
		argv[n] = b->text.data + b->items[i].stamp;
		lens[n++] = b->items[i].line - b->items[i].stamp;
		argv[n] = b->text.data + b->items[i].line;
		lens[n++] = b->items[i].len;
	}
	conn_ask(c, b, (int)n, argv, lens);
	buf_free(&b->text);
}

void
batch_touch(void *what, int64_t ttl_ms, const char *prefix, struct conn *c)
{
	static const char *const names[] = { "agents", "stamps" };
	char key[KEY_MAX], ms[24];
	const char *argv[] = { "PEXPIRE", key, ms };
	size_t lens[3] = { 7 };

	lens[2] = (size_t)snprintf(ms, sizeof(ms), "%" PRId64, ttl_ms);
	for (int i = 0; i < 2; i++) {
		key_of(key, prefix, names[i]);
		lens[1] = strlen(key);
		conn_ask(c, what, 3, argv, lens);
	}
}
