/* Lists that come in pages by number. */
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "lib/str.h"

/* A number of the query; false if it is none. */
static bool
read_number(const struct ask *q, const char *name, size_t otherwise,
    size_t *n)
{
	const char *text = ask_value(q, name);
	uint64_t v = otherwise;

	if (text != NULL && (str_number(text, 1000000, &v) == -1 || v == 0))
		return false;
	*n = (size_t)v;
	return true;
}

bool
page_read(const struct ask *q, size_t otherwise, size_t max, struct page *p)
{
	char text[80];

	if (!read_number(q, "pageSize", otherwise, &p->size) ||
	    !read_number(q, "pageNumber", 1, &p->number)) {
		http_refuse(q->a, 400, "bad.request",
		    "pageSize and pageNumber are numbers from 1");
		return false;
	}
	if (p->size <= max)
		return true;
	snprintf(text, sizeof(text), "pageSize is at most %zu", max);
	http_refuse(q->a, 400, "bad.request", text);
	return false;
}

void
page_cut(struct page *p, size_t total)
{
	size_t before = p->size * (p->number - 1);

	p->total = total;
	p->from = before < total ? before : total;
	p->to = before + p->size < total ? before + p->size : total;
}

/* The same request, for another page: its query without pageNumber. */
static enum MHD_Result
add_argument(void *arg, enum MHD_ValueKind kind, const char *key,
    const char *value)
{
	struct buf *out = arg;

	(void)kind;
	if (strcmp(key, "pageNumber") == 0)
		return MHD_YES;
	buf_adds(out, "&");
	http_escape(out, key);
	buf_adds(out, "=");
	http_escape(out, value != NULL ? value : "");
	return MHD_YES;
}

void
page_uri(const struct ask *q, const char *key, size_t number)
{
	struct buf uri;

	buf_init(&uri, 1 << 16);
	buf_addf(&uri, "%s?pageNumber=%zu", q->path, number);
	MHD_get_connection_values(q->c, MHD_GET_ARGUMENT_KIND, add_argument,
	    &uri);
	buf_addf(&q->a->body, ",\"%s\":", key);
	buf_add_json(&q->a->body, uri.data, uri.len);
	buf_free(&uri);
}

void
page_end(const struct ask *q, const struct page *p)
{
	size_t pages = (p->total + p->size - 1) / p->size;

	buf_addf(&q->a->body, ",\"pageSize\":%zu,\"pageNumber\":%zu,\"total\":"
	    "%zu,\"pageCount\":%zu", p->size, p->number, p->total, pages);
	page_uri(q, "firstUri", 1);
	page_uri(q, "selfUri", p->number);
	if (p->number < pages)
		page_uri(q, "nextUri", p->number + 1);
	if (p->number > 1)
		page_uri(q, "previousUri", p->number - 1);
	page_uri(q, "lastUri", pages > 0 ? pages : 1);
}
