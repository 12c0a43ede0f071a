/* Sets of texts. */
#include "lib/names.h"
#include "tests/tap.h"

static void
add(struct names *n, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		names_add(n, texts[i], strlen(texts[i]));
	names_seal(n);
}

static const char *
shown(const struct names *n)
{
	static char out[256];
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n->count; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s ",
		    n->all[i]);
	return out;
}

int
main(void)
{
	static const char *const first[] = { "c", "a", "b", "a", "", "a-b",
	    "a.b" };
	static const char *const second[] = { "b", "x", "a" };
	struct names a = { 0 }, b = { 0 };
	char many[16];

	names_seal(&a);
	ok(!names_has(&a, "a") && names_from(&a, "a") == 0, "an empty one");
	add(&a, first, 7);
	is_str(shown(&a), " a a-b a.b b c ", "sorted, each once");
	ok(names_has(&a, "a") && names_has(&a, "c") && names_has(&a, "") &&
	    !names_has(&a, "d") && !names_has(&a, "a-"), "who is in it");
	is_int((long long)names_from(&a, "a."), 3, "the first from there on");
	is_int((long long)names_from(&a, "d"), 6, "none from there on");
	add(&b, second, 3);
	names_keep(&a, &b);
	is_str(shown(&a), "a b ", "what both have");
	names_move(&b, &a);
	is_str(shown(&b), "a b ", "moved");
	is_int((long long)a.count, 0, "nothing is left");
	names_add(&b, "abc", 1);
	names_seal(&b);
	is_str(shown(&b), "a b ", "so many bytes of it");
	for (int i = 999; i >= 0; i--) {
		snprintf(many, sizeof(many), "n%03d", i);
		names_add(&a, many, strlen(many));
	}
	names_seal(&a);
	ok(a.count == 1000 && strcmp(a.all[0], "n000") == 0 &&
	    names_has(&a, "n567"), "a thousand");
	names_free(&a);
	names_free(&a);
	names_free(&b);
	return done();
}
