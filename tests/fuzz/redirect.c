/* Any request to the redirect's address, whole and cut; the page repeats
 * what it said. */
#include "lib/redirect.h"
#include "tests/fuzz/fuzz.h"

/* Text of the page that would be more than text. */
static int
has_markup(const char *html)
{
	const char *from = strstr(html, "<p>") + 3;

	return strcspn(from, "<\"'") != strcspn(from, "<") ||
	    strncmp(from + strcspn(from, "<"), "</p>\n</html>\n", 13) != 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct redirect_uri u = { 8085, "/" };
	const char *bytes = (const char *)data;
	enum redirect_result result;
	struct redirect r;
	struct buf page;

	redirect_read(&r, &u, bytes, size / 2);
	result = redirect_read(&r, &u, bytes, size);
	if ((result == REDIRECT_ANSWER) != (*r.code || *r.error) ||
	    (*r.code && *r.error))
		abort();
	if (result == REDIRECT_MORE && size >= REDIRECT_HEAD_MAX)
		abort();
	buf_init(&page, 2 * REDIRECT_PAGE_MAX);
	redirect_page(&page, 200, "x", r.description);
	if (strlen(r.description) < 1000 && has_markup(page.data))
		abort();
	buf_free(&page);
	return 0;
}
