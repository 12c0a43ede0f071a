/* Texts and their numbers. */
#include "lib/index.h"
#include "tests/tap.h"

static struct text
t(const char *s)
{
	return (struct text){ s, (uint32_t)strlen(s) };
}

int
main(void)
{
	struct index ix;
	char text[16];
	int bad = 0;

	index_init(&ix, 42);
	is_int(index_get(&ix, t("ann")) == INDEX_NONE, 1, "none yet");
	is_int((long long)index_add(&ix, t("ann")), 0, "the first");
	is_int((long long)index_add(&ix, t("")), 1, "an empty one is one");
	is_int((long long)index_add(&ix, t("ann")), 0, "each once");
	is_int((long long)index_add(&ix, (struct text){ "ann\0b", 5 }), 2,
	    "to the last byte");
	is_str(index_text(&ix, 0).p, "ann", "its text");
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "u%d", i);
		bad += index_add(&ix, t(text)) != (size_t)i + 3;
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text), "u%d", i);
		bad += index_get(&ix, t(text)) != (size_t)i + 3;
	}
	is_int(bad, 0, "many keep their numbers");
	index_free(&ix);
	return done();
}
