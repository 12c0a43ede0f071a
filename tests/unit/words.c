/* The pool of words: equal texts are one, and nothing is held too long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/words.h"
#include "tests/tap.h"

#define TEXTS 3000

static struct word *
get(const char *text)
{
	return words_get(text, (uint32_t)strlen(text));
}

static void
test_one(void)
{
	struct word *a, *b, *c;
	char text[] = "Available";

	a = get("Available");
	b = get(text);
	ok(a == b && words_held() == 1, "equal texts are one word");
	memset(text, 'x', sizeof(text) - 1);
	is_str(a->text, "Available", "with a copy of the text");
	c = get("");
	ok(c != a && c->len == 0 && words_held() == 2, "an empty one is one");
	words_drop(a);
	ok(words_held() == 2 && get("Available") == b,
	    "it stays while it is held");
	words_drop(b);
	words_drop(b);
	words_drop(c);
	words_drop(NULL);
	is_int((long long)words_held(), 0, "and no longer");
}

/* Taken and dropped by chance, beside a table of what must be there. */
static void
test_many(void)
{
	static struct word *held[TEXTS];
	uint32_t seed = 3, k;
	size_t count = 0;
	char text[16];
	int wrong = 0;

	words_key(0x1234567);
	for (int i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		k = (seed >> 8) % TEXTS;
		snprintf(text, sizeof(text), "word %u", k);
		if (held[k] == NULL) {
			held[k] = get(text);
			count++;
		} else if (i % 3 == 0) {
			wrong += get(text) != held[k];
			words_drop(held[k]);
		} else {
			wrong += strcmp(held[k]->text, text) != 0;
			words_drop(held[k]);
			held[k] = NULL;
			count--;
		}
		wrong += words_held() != count;
	}
	is_int(wrong, 0, "200000 by chance");
	for (k = 0; k < TEXTS; k++)
		words_drop(held[k]);
	is_int((long long)words_held(), 0, "and all are gone at the end");
}

int
main(void)
{
	test_one();
	test_many();
	return done();
}
