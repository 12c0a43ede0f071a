/* The dedup window: random streams against a plain model, and its edges. */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/ndjson.h"
#include "lib/window.h"
#include "tests/tap.h"

#define USERS 5
#define TIERS 3			/* no queue, an empty one, q1 */
#define KEYS (USERS * TIERS)
#define STATUSES 4
#define EVENTS 20000
#define BATCH_MAX 512
#define WINDOW_MS 50
#define BASE_MS INT64_C(1718461930000)
#define LONG_TEXT (150 << 10)

struct one {
	int64_t ms;
	int status, previous;	/* previous -1: null */
	char line[320];
	size_t len;
};

/* What the model thinks that a key holds; in order of timestamps. */
struct batch {
	struct one held[BATCH_MAX];
	int count;
	int64_t first_mono_ms, first_ms;
	uint64_t order;
};

static struct model {
	struct batch keys[KEYS];
	struct event ev;
	int64_t now_ms;
	uint64_t order, last_order, out, conflicts;
	bool in_flush;
	long wrong_status, wrong_line, wrong_merged, too_long, wrong_order;
} model;

static uint32_t seed;

static uint32_t
below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static int
key_of(const struct event *ev)
{
	int tier = ev->tier.queue_id.p == NULL ? 0 :
	    ev->tier.queue_id.len == 0 ? 1 : 2;

	return (ev->user_id.p[1] - '0') * TIERS + tier;
}

static bool
is_status(struct text t, int status)
{
	return status < 0 ? t.p == NULL :
	    t.len == 1 && t.p != NULL && t.p[0] == 'A' + status;
}

static bool
chain_holds(const struct batch *b)
{
	for (int i = 1; i < b->count; i++)
		if (b->held[i].previous >= 0 &&
		    b->held[i].previous != b->held[i - 1].status)
			return false;
	return true;
}

static void
check(const char *line, size_t len, struct batch *b)
{
	const struct one *first = &b->held[0], *last = first + b->count - 1;
	const struct event *ev = &model.ev;

	model.wrong_status += !is_status(ev->tier.status, last->status) ||
	    stamp_to_ms(ev->tier.at.stamp) != last->ms;
	model.wrong_line += ev->merged != (b->count > 1) || len < last->len ||
	    memcmp(line, last->line, last->len - 2) != 0 ||
	    (!ev->merged && len != last->len);
	model.wrong_merged += ev->merged &&
	    (ev->merged_count != (uint64_t)b->count ||
	    !is_status(ev->merged_previous, first->previous) ||
	    stamp_to_ms(ev->since.stamp) != first->ms ||
	    ev->intact != chain_holds(b));
	model.too_long += model.now_ms - b->first_mono_ms > WINDOW_MS;
	if (model.in_flush) {
		model.wrong_order += b->order < model.last_order;
		model.last_order = b->order;
	}
	model.out += (uint64_t)b->count;
	b->count = 0;
}

static void
take(void *arg, const char *line, size_t len)
{
	(void)arg;
	if (event_parse(&model.ev, line, len - 1, 0) != NULL ||
	    model.ev.kind != EVENT_STATUS || line[len - 1] != '\n' ||
	    model.keys[key_of(&model.ev)].count == 0)
		model.wrong_line++;
	else
		check(line, len, &model.keys[key_of(&model.ev)]);
}

/* Tell the model first: what must come out does so within window_push. */
static bool
model_add(struct batch *b, const struct one *one)
{
	int at = b->count;

	while (at > 0 && b->held[at - 1].ms >= one->ms)
		at--;
	if (at < b->count && b->held[at].ms == one->ms)
		return false;
	memmove(&b->held[at + 1], &b->held[at],
	    (size_t)(b->count - at) * sizeof(*one));
	b->held[at] = *one;
	if (b->count++ == 0) {
		b->first_mono_ms = model.now_ms;
		b->first_ms = one->ms;
		b->order = ++model.order;
	}
	return true;
}

static void
make(struct one *one, int key)
{
	static const char *const tiers[TIERS] = { "null", "\"\"", "\"q1\"" };
	char at[CLOCK_RFC3339_LEN + 1], previous[] = "\"A\"";

	clock_format_ms(one->ms, at);
	previous[1] = (char)('A' + one->previous);
	one->len = (size_t)snprintf(one->line, sizeof(one->line),
	    "{\"event\":\"" EVENT_STATUS_NAME "\",\"data\":{\"userId\":\"u%d\","
	    "\"queueId\":%s,\"status\":\"%c\",\"previousStatus\":%s,"
	    "\"timestamp\":\"%s\"}}\n", key / TIERS, tiers[key % TIERS],
	    'A' + one->status, one->previous < 0 ? "null" : previous, at);
}

/* The model's part of a push: what ends, what is a copy.  The window sees
 * the same event right after, and must come to the same. */
static void
push(struct window *w, struct event *ev, const struct one *one, int key,
    uint64_t *copies)
{
	struct batch *b = &model.keys[key], kept = { .count = 0 };
	bool ended = b->count > 0 && one->ms - b->first_ms >= WINDOW_MS;
	bool conflict = false;

	for (int i = 0; i < b->count && !ended; i++) {
		if (b->held[i].ms != one->ms)
			continue;
		*copies += b->held[i].status == one->status;
		conflict = b->held[i].status != one->status;
		if (!conflict)
			b = &kept;	/* a copy changes nothing */
		break;
	}
	model.conflicts += conflict;
	event_parse(ev, one->line, one->len - 1, 0);
	if (ended || conflict) {
		/* what was held must leave without the new one */
		window_push(w, ev, one->line, one->len, model.now_ms);
		model.wrong_status += b->count != 0;
		b->count = 0;
		model_add(b, one);
		return;
	}
	model_add(b, one);
	window_push(w, ev, one->line, one->len, model.now_ms);
}

/* Keys that an event so late must have ended, and are still held. */
static long
overdue(int64_t ms)
{
	long n = 0;

	for (int i = 0; i < KEYS; i++)
		n += model.keys[i].count > 0 &&
		    ms - model.keys[i].first_ms >= WINDOW_MS;
	return n;
}

static long
held(void)
{
	long n = 0;

	for (int i = 0; i < KEYS; i++)
		n += model.keys[i].count > 0;
	return n;
}

static void
flush(struct window *w)
{
	model.in_flush = true;
	model.last_order = 0;
	window_flush(w);
	model.in_flush = false;
}

static void
random_stream(uint32_t number, bool wall)
{
	struct window w;
	struct event ev;
	struct one one;
	uint64_t copies = 0;
	int64_t due = CLOCK_NEVER, stamp = BASE_MS, next;
	long late = 0, wrong_held = 0;

	seed = number;
	memset(&model, 0, sizeof(model));
	event_init(&model.ev);
	event_init(&ev);
	window_init(&w, WINDOW_MS, take, NULL, number);
	for (int i = 0; i < EVENTS; i++) {
		int key = (int)below(KEYS);

		/* without a wall clock no time passes at all */
		next = model.now_ms + (wall ? below(8) : 0);
		while (wall && due <= next) {
			model.now_ms = due;
			due = window_expire(&w, due);
		}
		model.now_ms = next;
		stamp += below(4);
		one.ms = stamp - (below(4) == 0 ? below(30) : 0);
		one.status = (int)below(STATUSES);
		one.previous = (int)below(STATUSES + 1) - 1;
		make(&one, key);
		push(&w, &ev, &one, key, &copies);
		late += overdue(one.ms);
		wrong_held += held() != (long)w.keys.count;
		if (wall)
			due = window_expire(&w, model.now_ms);
		if (below(1000) == 0)
			flush(&w);
	}
	flush(&w);
	is_int(model.wrong_status, 0, "the latest timestamp's status survives");
	is_int(model.wrong_line, 0, "in the line as it came");
	is_int(model.wrong_merged, 0, "with the truth about the others");
	is_int(model.too_long, 0, "no key is held longer than the window");
	is_int(late, 0, "nor past an event stamped that much later");
	is_int(wrong_held, 0, "what should be held is");
	is_int(model.wrong_order, 0, "out in the order first held");
	is_int((long long)(model.out + copies), EVENTS, "nothing is lost");
	is_int((long long)w.copies, (long long)copies, "copies are counted");
	ok(copies > 20 && w.merged > 1000 && model.conflicts > 20,
	    "and the stream had copies, merges and conflicts");
	is_int((long long)w.keys.bytes, 0, "no byte is held in the end");
	window_free(&w);
	event_free(&ev);
	event_free(&model.ev);
}

/* --- edges -------------------------------------------------------------- */

struct sink {
	size_t lines, longest, bytes;
	char last[1024];
};

static void
sink(void *arg, const char *line, size_t len)
{
	struct sink *s = arg;

	s->lines++;
	s->bytes += len;
	s->longest = len > s->longest ? len : s->longest;
	snprintf(s->last, sizeof(s->last), "%.*s", (int)(len < 1000 ? len :
	    1000), line);
}

static void
push_line(struct window *w, const char *line, int64_t now_ms)
{
	struct event ev;

	event_init(&ev);
	if (event_parse(&ev, line, strlen(line) - 1, 0) != NULL)
		ok(0, "a line of the test is an event");
	window_push(w, &ev, line, strlen(line), now_ms);
	event_free(&ev);
}

/* One user's event of length about len, at that millisecond. */
static void
push_long(struct window *w, int user, int64_t ms, size_t len,
    const char *previous)
{
	struct buf b;
	char at[CLOCK_RFC3339_LEN + 1];
	size_t end;

	buf_init(&b, NDJSON_LINE_MAX + 1);
	clock_format_ms(BASE_MS + ms, at);
	buf_addf(&b, "{\"event\":\"%s\",\"data\":{\"userId\":\"u%d\","
	    "\"status\":\"A\",\"timestamp\":\"%s\",\"previousStatus\":\"",
	    EVENT_STATUS_NAME, user, at);
	buf_adds(&b, previous);
	buf_adds(&b, "\",\"x\":\"");
	for (end = b.len + 4; end < len; end++)
		buf_adds(&b, "x");
	buf_adds(&b, "\"}}\n");
	push_line(w, b.data, 0);
	buf_free(&b);
}

static void
memory_is_capped(void)
{
	struct window w;
	struct sink s = { 0 };
	size_t most = 0;

	window_init(&w, 1000, sink, &s, 1);
	for (int i = 0; i < 100; i++) {
		push_long(&w, i, 0, 1000000, "B");
		most = w.keys.bytes > most ? w.keys.bytes : most;
	}
	ok(most <= WINDOW_BYTES_MAX, "what is held stays below its cap");
	ok(w.early > 0 && w.early == s.lines && w.early + w.keys.count == 100,
	    "the oldest go early, and are counted");
	window_free(&w);
}

static void
lines_stay_lines(void)
{
	struct window w;
	struct sink s = { 0 };
	char *quotes = malloc(2 * LONG_TEXT + 1);

	window_init(&w, 1000, sink, &s, 1);
	push_long(&w, 1, 0, 0, "B");
	push_long(&w, 1, 1, NDJSON_LINE_MAX, "C");
	is_int((long long)s.lines, 1, "a line too long for a field more is "
	    "not merged");
	push_long(&w, 1, 2, 0, "D");
	is_int((long long)s.lines, 2, "nor with what comes after");
	for (size_t i = 0; i < LONG_TEXT; i++)
		memcpy(quotes + 2 * i, "\\\"", 3);
	push_long(&w, 2, 0, 0, quotes);
	push_long(&w, 2, 1, 800000, "B");
	window_flush(&w);
	ok(s.longest <= NDJSON_LINE_MAX + 1, "no line over 1 MiB comes out");
	is_int((long long)(s.lines + w.merged), 5, "and none is lost");
	window_free(&w);
	free(quotes);
}

/* One key with very many events: each finds its place at once. */
static void
one_key_may_hold_many(void)
{
	struct window w;
	struct sink s = { 0 };

	window_init(&w, 3600000, sink, &s, 1);
	for (int i = 0; i < 50000; i++)
		push_long(&w, 1, i, 0, "A");
	window_flush(&w);
	is_int((long long)s.lines, 1, "one key may hold very many");
	ok(strstr(s.last, "\"merged\":{\"count\":50000,\"previousStatus\":"
	    "\"A\",\"since\":\"2024-06-15T14:32:10.000Z\",\"intact\":true}}")
	    != NULL, "and says so");
	window_free(&w);
}

#define HEAD "{\"event\":\"" EVENT_STATUS_NAME "\",\"data\":{\"userId\":" \
    "\"u1\",\"status\":\"A\",\"previousStatus\":"

static void
merged_lines_that_overlap(void)
{
	struct window w;
	struct sink s = { 0 };

	window_init(&w, 60000, sink, &s, 1);
	push_line(&w, HEAD "\"B\",\"timestamp\":\"2024-06-15T14:32:14Z\"},"
	    "\"merged\":{\"count\":2,\"previousStatus\":null,\"since\":"
	    "\"2024-06-15T14:32:10Z\",\"intact\":true}}\n", 0);
	push_line(&w, HEAD "\"C\",\"timestamp\":\"2024-06-15T14:32:12Z\"}}"
	    "\r\n", 0);
	window_flush(&w);
	is_str(strstr(s.last, ",\"merged\":{\"count\":3") ? strstr(s.last,
	    ",\"merged\":{\"count\":3") : s.last, ",\"merged\":{\"count\":3,"
	    "\"previousStatus\":null,\"since\":\"2024-06-15T14:32:10Z\","
	    "\"intact\":false}}\n", "of lines merged before that reach into "
	    "one another the earliest counts, and none is intact");
	window_free(&w);
}

static void
what_was_broken_stays_so(void)
{
	struct window w;
	struct sink s = { 0 };

	window_init(&w, 60000, sink, &s, 1);
	push_line(&w, HEAD "\"B\",\"timestamp\":\"2024-06-15T14:32:11Z\"},"
	    "\"merged\":{\"count\":2,\"previousStatus\":null,\"since\":"
	    "\"2024-06-15T14:32:10Z\",\"intact\":false}}\n", 0);
	push_line(&w, HEAD "\"A\",\"timestamp\":\"2024-06-15T14:32:12Z\"}}\n",
	    0);
	window_flush(&w);
	ok(strstr(s.last, "\"count\":3") && strstr(s.last,
	    "\"intact\":false"), "a merged line that was not intact makes none "
	    "that is");
	window_free(&w);
}

static void
users_in_turn(void *arg, const char *line, size_t len)
{
	char *seen = arg;
	const char *user = strstr(line, "\"userId\":\"u");

	(void)len;
	seen[strlen(seen)] = user[strlen("\"userId\":\"u")];
}

/* The keys' stamps run against the order in which they came. */
static void
an_event_ends_them_in_their_order(void)
{
	struct window w;
	char seen[8] = "";

	window_init(&w, 100, users_in_turn, seen, 1);
	for (int i = 0; i < 4; i++)
		push_long(&w, 1 + i, 40 - 10 * i, 0, "B");
	push_long(&w, 9, 200, 0, "B");
	is_str(seen, "1234", "an event ends windows in the order first held");
	window_free(&w);
}

int
main(void)
{
	for (uint32_t number = 1; number <= 4; number++)
		random_stream(number, number % 2 == 0);
	memory_is_capped();
	lines_stay_lines();
	one_key_may_hold_many();
	merged_lines_that_overlap();
	what_was_broken_stays_so();
	an_event_ends_them_in_their_order();
	return done();
}
