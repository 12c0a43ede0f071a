#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/registry.h"
#include "lib/scan.h"
#include "lib/str.h"

#define FILTER_MAX 65536	/* a longer one is not told */

void
registry_free(struct registry *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->payloads[i]);
	free(r->payloads);
	*r = (struct registry){ 0 };
}

int
registry_add(struct registry *r, const char *payload, size_t len,
    struct err *e)
{
	enum scan_verdict v = scan_object(payload, len, NULL, 0, NULL);

	if (v != SCAN_OK)
		return err_set(e, GC_EX_DATAERR, "%s", scan_reason(v));
	if (r->count == REGISTRY_MAX)
		return err_set(e, GC_EX_DATAERR, "more than %d subscriptions",
		    REGISTRY_MAX);
	if (len >= REGISTRY_BYTES_MAX - r->bytes)
		return err_set(e, GC_EX_DATAERR, "more than %d bytes of "
		    "subscriptions", REGISTRY_BYTES_MAX);
	r->bytes += len + 1;
	r->payloads = xreallocarray(r->payloads, r->count + 1,
	    sizeof(*r->payloads));
	r->payloads[r->count++] = xstrndup(payload, len);
	return 0;
}

/* Is the key of filters[i], len bytes, that of an earlier one? */
static bool
is_repeated(const char *const *filters, size_t i, size_t len)
{
	for (size_t j = 0; j < i; j++)
		if (strncmp(filters[j], filters[i], len + 1) == 0)
			return true;
	return false;
}

int
registry_scope(struct buf *out, const char *const *filters, size_t count,
    struct err *e)
{
	buf_adds(out, "{");
	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(filters[i], '=');

		if (equals == NULL || equals == filters[i] ||
		    !str_is_utf8(filters[i], strlen(filters[i])))
			return err_set(e, GC_EX_USAGE, "filter '%.60s' is no "
			    "KEY=VALUE", filters[i]);
		if (is_repeated(filters, i, (size_t)(equals - filters[i])))
			return err_set(e, GC_EX_USAGE, "filter '%.60s': "
			    "its key is given twice, and all must hold",
			    filters[i]);
		buf_adds(out, i ? "," : "");
		buf_add_json(out, filters[i], (size_t)(equals - filters[i]));
		buf_adds(out, ":");
		buf_add_json(out, equals + 1, strlen(equals + 1));
	}
	return buf_adds(out, "}");
}

int
registry_subscribe(struct registry *r, const char *event,
    const char *const *filters, size_t count, struct err *e)
{
	struct buf payload;
	int status = 0;

	if (*event == '\0' || !str_is_utf8(event, strlen(event)))
		return err_set(e, GC_EX_USAGE, "'%.60s' is no event's name",
		    event);
	buf_init(&payload, REGISTRY_BYTES_MAX);
	buf_adds(&payload, "{\"action\":\"subscribe\",\"event\":");
	buf_add_json(&payload, event, strlen(event));
	if (count > 0) {
		buf_adds(&payload, ",\"filter\":");
		status = registry_scope(&payload, filters, count, e);
	}
	buf_adds(&payload, "}");
	if (status == 0)
		status = registry_add(r, payload.data, payload.len, e);
	buf_free(&payload);
	return status;
}

void
registry_filter(struct buf *out, const struct registry *r)
{
	static const struct scan_key key = SCAN_KEY("filter", -1);
	struct slice first = { "{}", 2, SCAN_OBJECT, false }, s;

	for (size_t i = 0; i < r->count; i++) {
		scan_object(r->payloads[i], strlen(r->payloads[i]), &key, 1,
		    &s);
		if (s.kind == SCAN_ABSENT || s.kind == SCAN_NULL)
			s = (struct slice){ "{}", 2, SCAN_OBJECT, false };
		if (i == 0)
			first = s;
		if (s.kind != SCAN_OBJECT || s.len > FILTER_MAX ||
		    s.len != first.len || memcmp(s.p, first.p, s.len) != 0) {
			buf_adds(out, "null");
			return;
		}
	}
	buf_add(out, first.p, first.len);
}

int
registry_read(struct registry *r, const char *path, struct err *e)
{
	const char *line, *newline;
	struct buf text;
	size_t len, whole, number = 0;
	int status;

	buf_init(&text, REGISTRY_BYTES_MAX);
	status = file_read(path, &text, e);
	for (size_t at = 0; status == 0 && at < text.len; at += whole + 1) {
		line = text.data + at;
		newline = memchr(line, '\n', text.len - at);
		len = whole = newline != NULL ? (size_t)(newline - line) :
		    text.len - at;
		number++;
		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (len > 0 && registry_add(r, line, len, e) == -1)
			status = err_prefix(e, "%s:%zu", path, number);
	}
	buf_free(&text);
	return status;
}

int
registry_save(const struct registry *r, const char *path, struct err *e)
{
	struct buf text;
	int status;

	buf_init(&text, REGISTRY_BYTES_MAX);
	for (size_t i = 0; i < r->count; i++) {
		buf_adds(&text, r->payloads[i]);
		buf_adds(&text, "\n");
	}
	status = file_replace(path, text.data, text.len, e);
	buf_free(&text);
	return status;
}
