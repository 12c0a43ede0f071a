/*
 * Any text as a state file: the registry of subscriptions, and the file
 * that keeps a token.  What was read is saved and read again as the same.
 */
#include "lib/file.h"
#include "lib/registry.h"
#include "lib/scan.h"
#include "lib/token.h"
#include "tests/fuzz/fuzz.h"

#define OWNER "an owner"

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Fit for a header, if there is one. */
static bool
is_fit(const char *token)
{
	if (token == NULL)
		return true;
	for (const char *p = token; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return *token != '\0';
}

static void
check_filter(const struct registry *r)
{
	static const struct scan_key key = SCAN_KEY("f", -1);
	struct slice filter;
	struct buf text;

	buf_init(&text, REGISTRY_BYTES_MAX + 16);
	buf_adds(&text, "{\"f\":");
	registry_filter(&text, r);
	buf_adds(&text, "}");
	require(scan_object(text.data, text.len, &key, 1, &filter) ==
	    SCAN_OK && (filter.kind == SCAN_NULL ||
	    filter.kind == SCAN_OBJECT));
	buf_free(&text);
}

static void
as_registry(const char *path)
{
	struct registry r = { 0 }, again = { 0 };
	struct err e;

	if (registry_read(&r, path, &e) == -1) {
		require(e.code != 0 && e.msg[0] != '\0');
		registry_free(&r);
		return;
	}
	check_filter(&r);
	require(registry_save(&r, path, &e) == 0 &&
	    registry_read(&again, path, &e) == 0 && again.count == r.count &&
	    again.bytes == r.bytes);
	for (size_t i = 0; i < r.count; i++)
		require(strcmp(r.payloads[i], again.payloads[i]) == 0);
	registry_free(&r);
	registry_free(&again);
}

static void
as_token(const char *path)
{
	struct token t, again;
	struct err e;
	int found = token_load(&t, path, OWNER, &e);

	require(found >= 0);
	if (found == 0) {
		require(e.msg[0] != '\0' && t.access_token == NULL &&
		    t.refresh_token == NULL);
		return;
	}
	require(t.access_token != NULL && is_fit(t.access_token) &&
	    is_fit(t.refresh_token) && is_fit(t.token_type));
	require(token_save(&t, path, OWNER, &e) == 0 &&
	    token_load(&again, path, OWNER, &e) == 1);
	require(same(t.access_token, again.access_token) &&
	    same(t.token_type, again.token_type) &&
	    same(t.refresh_token, again.refresh_token) &&
	    t.issued_ms == again.issued_ms &&
	    t.expires_ms == again.expires_ms);
	token_free(&again);
	require(token_load(&again, path, "another", &e) == 0);
	token_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[FUZZ_PATH_MAX];
	struct err e;

	if (path[0] == '\0')
		fuzz_path(path, "state");
	require(file_replace(path, data, size, &e) == 0);
	as_token(path);
	require(file_replace(path, data, size, &e) == 0);
	as_registry(path);
	return 0;
}
