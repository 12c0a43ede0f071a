/* The table of agents against a plain array, through growth and removal. */
#include <stdlib.h>

#include "lib/roster.h"
#include "tests/tap.h"

#define IDS 3000
#define STEPS 60000

static uint32_t seed = 1;

static uint32_t
below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static struct text
name(unsigned i, char text[32])
{
	snprintf(text, 32, "agent-%u", i);
	return (struct text){ text, (uint32_t)strlen(text) };
}

int
main(void)
{
	struct roster r;
	struct agent **sorted, *a;
	bool there[IDS] = { false }, fresh;
	char text[32];
	size_t count = 0, wrong = 0;

	roster_init(&r, 42);
	for (int step = 0; step < STEPS; step++) {
		unsigned i = below(IDS);
		struct text id = name(i, text);

		/* hints, right ones and wrong ones, in any order */
		if (below(2))
			roster_expect(&r, id);
		if (below(2))
			roster_approach(&r);
		if (below(2))
			roster_meet(&r);
		if (below(3) > 0) {
			a = roster_add(&r, id, &fresh);
			wrong += fresh == there[i] ||
			    strcmp(a->user_id, text) != 0;
			count += fresh;
			there[i] = true;
		} else if ((a = roster_get(&r, id)) != NULL) {
			wrong += !there[i];
			roster_remove(&r, a);
			there[i] = false;
			count--;
		} else {
			wrong += there[i];
		}
	}
	is_int((long long)wrong, 0, "it always knows who is there");
	is_int((long long)r.count, (long long)count, "and how many");
	for (unsigned i = 0; i < IDS; i++)
		wrong += (roster_get(&r, name(i, text)) != NULL) != there[i];
	for (size_t i = 0; i < r.count; i++)
		wrong += r.list[i]->place != i;
	is_int((long long)wrong, 0, "to the last one, each in its place");
	sorted = roster_sorted(&r);
	for (size_t i = 1; i < r.count; i++)
		wrong += strcmp(sorted[i - 1]->user_id,
		    sorted[i]->user_id) >= 0;
	is_int((long long)wrong, 0, "sorted by the bytes of the id");
	free(sorted);
	roster_free(&r);
	return done();
}
