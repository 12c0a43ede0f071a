/* The ring: order, the cap, holes that count what they stand for. */
#include "lib/ring.h"
#include "tests/tap.h"

static uint64_t
drain(struct ring *r, char *text, size_t cap)
{
	struct ring_hole hole;
	uint64_t lost = 0;
	const char *line;
	size_t len;
	enum ring_kind kind;

	text[0] = '\0';
	while ((kind = ring_peek(r, &line, &len, &hole)) != RING_NONE) {
		if (kind == RING_HOLE) {
			lost += hole.lost;
			snprintf(text + strlen(text), cap - strlen(text),
			    "<%d>", (int)hole.lost);
		} else {
			snprintf(text + strlen(text), cap - strlen(text),
			    "%.*s", (int)len, line);
		}
		ring_pop(r);
	}
	return lost;
}

int
main(void)
{
	static const char names[] = "abcdefghij";
	struct ring r;
	char text[4096];
	struct ring_hole hole;
	struct ring_mark mark = { 0, 1 };
	uint64_t lost = 0, got = 0;
	const char *line;
	size_t len, one;

	ring_init(&r, 1 << 20);
	ring_push(&r, "x", 1, false, mark);
	one = r.bytes;
	ring_pop(&r);
	ok(r.bytes == 0 && r.count == 0, "empty costs nothing");
	for (int i = 0; i < 10; i++)
		ring_push(&r, names + i, 1, i % 4 == 1,
		    mark);
	drain(&r, text, sizeof(text));
	is_str(text, names, "in order");

	ring_init(&r, one * 6);
	for (int i = 0; i < 10; i++)
		ring_push(&r, names + i, 1, i == 3,
		    (struct ring_mark){ 100 + i, (unsigned)i });
	is_int((long long)r.untold, (long long)r.lost, "none is told yet");
	is_int(ring_peek(&r, &line, &len, &hole), RING_HOLE, "a hole");
	ok(hole.from_ms == 100 && hole.last.at_ms == 99 + (int)hole.lost &&
	    hole.last.attempt == hole.lost - 1, "from when to when");
	is_int((long long)drain(&r, text, sizeof(text)), (long long)r.lost,
	    "every line lost is told");
	ok(strchr(text, 'd') != NULL, "a control line never is: %s", text);
	ok(strstr(text, "j") != NULL && text[0] == '<',
	    "the oldest go, and their place says so");

	ring_init(&r, one * 20);
	for (int i = 0; i < 5000; i++) {
		ring_push(&r, "e", 1, i % 7 == 0, mark);
		if (i % 3 == 0 && ring_peek(&r, &line, &len, &hole) !=
		    RING_NONE) {
			if (ring_peek(&r, &line, &len, &hole) == RING_HOLE)
				lost += hole.lost;
			else
				got++;
			ring_pop(&r);
		}
	}
	lost += drain(&r, text, sizeof(text));
	for (char *p = text; *p != '\0'; p++)
		got += *p == 'e';
	(void)got;
	is_int((long long)lost, (long long)r.lost, "in any mixture");
	is_int((long long)r.untold, 0, "all is told");
	ring_free(&r);
	return done();
}
