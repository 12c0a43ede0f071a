#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "lib/percent.h"
#include "lib/redirect.h"
#include "lib/str.h"

#define SCHEME "http://"

/* --- the address -------------------------------------------------------- */

static int
wrong(const char *uri, const char *why, struct err *e)
{
	return err_set(e, GC_EX_USAGE, "--redirect: '%.100s' %s", uri, why);
}

static int
parse_port(uint16_t *port, const char *text, size_t len)
{
	char digits[6];
	uint64_t n;

	*port = 80;
	if (len == 0)
		return 0;
	if (len > sizeof(digits) || *text != ':')
		return -1;
	memcpy(digits, text + 1, len - 1);
	digits[len - 1] = '\0';
	if (str_number(digits, UINT16_MAX, &n) == -1 || n == 0)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

int
redirect_parse(struct redirect_uri *u, const char *uri, struct err *e)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1" };
	const char *host = uri + strlen(SCHEME), *path;
	size_t n = 0, i = 0;

	if (strncasecmp(uri, SCHEME, strlen(SCHEME)) != 0)
		return wrong(uri, "must begin with " SCHEME, e);
	for (const char *p = uri; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("?#@\\\"<>", *p) != NULL)
			return wrong(uri, "must be an address of nothing but "
			    "host, port and path", e);
	for (; i < 2; i++) {
		n = strlen(hosts[i]);
		if (strncasecmp(host, hosts[i], n) == 0 &&
		    (host[n] == '\0' || strchr(":/", host[n]) != NULL))
			break;
	}
	if (i == 2)
		return wrong(uri, "must name localhost or 127.0.0.1: nobody "
		    "else is to see the answer", e);
	host += n;
	n = strcspn(host, "/");
	if (parse_port(&u->port, host, n) == -1)
		return wrong(uri, "has no port from 1 to 65535", e);
	path = host[n] != '\0' ? host + n : "/";
	if (strlen(path) >= sizeof(u->path))
		return wrong(uri, "is too long", e);
	memcpy(u->path, path, strlen(path) + 1);
	return 0;
}

/* --- the request -------------------------------------------------------- */

/* The length of the head with its empty line; 0: it has not ended. */
static size_t
head_length(const char *bytes, size_t len)
{
	const char *p = bytes, *end = bytes + len, *next;

	while ((next = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		if (p != bytes && (next == p || (next == p + 1 && *p == '\r')))
			return (size_t)(next + 1 - bytes);
		p = next + 1;
	}
	return 0;
}

/* One name=value of the query; a name that is none of ours says nothing. */
static int
take_value(struct redirect *r, unsigned *seen, const char *p, size_t len)
{
	const struct { const char *name; char *to; size_t size; } all[] = {
		{ "code", r->code, sizeof(r->code) },
		{ "state", r->state, sizeof(r->state) },
		{ "error", r->error, sizeof(r->error) },
		{ "error_description", r->description,
		    sizeof(r->description) },
	};
	const char *equals = memchr(p, '=', len);
	size_t n = equals != NULL ? (size_t)(equals - p) : len;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strlen(all[i].name) != n ||
		    memcmp(all[i].name, p, n) != 0)
			continue;
		/* RFC 6749, 3.1: none more than once */
		if (*seen & 1u << i || equals == NULL)
			return -1;
		*seen |= 1u << i;
		return percent_decode(all[i].to, all[i].size, equals + 1,
		    len - n - 1);
	}
	return 0;
}

static enum redirect_result
read_query(struct redirect *r, const char *p, size_t len)
{
	const char *end = p + len, *next;
	unsigned seen = 0;

	for (; p < end; p = next + 1) {
		next = memchr(p, '&', (size_t)(end - p));
		if (next == NULL)
			next = end;
		if (take_value(r, &seen, p, (size_t)(next - p)) == -1)
			return REDIRECT_BAD;
	}
	return (*r->code != '\0') != (*r->error != '\0') ? REDIRECT_ANSWER :
	    REDIRECT_BAD;
}

/* line: without its end. */
static enum redirect_result
read_line(struct redirect *r, const struct redirect_uri *u, const char *line,
    size_t len)
{
	static const char get[] = "GET /", version[] = " HTTP/1.";
	const char *target = line + strlen(get) - 1, *query;
	size_t n = strlen(version) + 1, path;

	if (len < strlen(get) + n || memcmp(line, get, strlen(get)) != 0 ||
	    memcmp(line + len - n, version, n - 1) != 0 ||
	    strchr("01", line[len - 1]) == NULL)
		return REDIRECT_BAD;
	n = (size_t)(line + len - n - target);
	for (size_t i = 0; i < n; i++)
		if (target[i] <= ' ' || target[i] > '~' || target[i] == '#')
			return REDIRECT_BAD;
	query = memchr(target, '?', n);
	path = query != NULL ? (size_t)(query - target) : n;
	if (path != strlen(u->path) || memcmp(target, u->path, path) != 0)
		return REDIRECT_ELSEWHERE;
	if (query == NULL)
		return REDIRECT_BAD;
	return read_query(r, query + 1, n - path - 1);
}

enum redirect_result
redirect_read(struct redirect *r, const struct redirect_uri *u,
    const char *bytes, size_t len)
{
	size_t most = len < REDIRECT_HEAD_MAX ? len : REDIRECT_HEAD_MAX;
	size_t head = head_length(bytes, most), line;
	enum redirect_result result;

	*r = (struct redirect){ .code = "" };
	if (memchr(bytes, '\0', most) != NULL)
		return REDIRECT_BAD;
	if (head == 0)
		return len < REDIRECT_HEAD_MAX ? REDIRECT_MORE :
		    REDIRECT_LONG;
	line = (size_t)((const char *)memchr(bytes, '\n', head) - bytes);
	if (line > 0 && bytes[line - 1] == '\r')
		line--;
	result = read_line(r, u, bytes, line);
	if (result != REDIRECT_ANSWER)
		explicit_bzero(r, sizeof(*r));
	return result;
}

/* --- the page ----------------------------------------------------------- */

static const char *
reason(int status)
{
	static const struct { int status; const char *words; } reasons[] = {
		{ 200, "OK" }, { 400, "Bad Request" }, { 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 431, "Request Header Fields Too Large" },
		{ 502, "Bad Gateway" },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].words;
	return "Error";
}

/* As text in HTML; what is no character of a text becomes `?`. */
static void
add_text(struct buf *out, const char *text)
{
	size_t len = strlen(text), n;

	for (size_t i = 0; i < len; i += n) {
		unsigned char c = (unsigned char)text[i];

		n = str_utf8_step(text + i, len - i);
		if (n == 0 || c < ' ' || c == 0x7f ||
		    (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)) {
			n += n == 0;
			buf_adds(out, "?");
		} else if (strchr("<>&\"'", c) != NULL) {
			buf_addf(out, "&#%d;", c);
		} else {
			buf_add(out, text + i, n);
		}
	}
}

void
redirect_page(struct buf *out, int status, const char *heading,
    const char *text)
{
	struct buf html;

	buf_init(&html, REDIRECT_PAGE_MAX);
	buf_adds(&html, "<!DOCTYPE html>\n<html lang=\"en\">\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n"
	    "<title>gc-token</title>\n<h1>");
	add_text(&html, heading);
	buf_adds(&html, "</h1>\n<p>");
	add_text(&html, text);
	buf_adds(&html, "</p>\n</html>\n");
	buf_addf(out, "HTTP/1.1 %d %s\r\n"
	    "Content-Type: text/html; charset=utf-8\r\n"
	    "Content-Length: %zu\r\n"
	    "Connection: close\r\n"
	    "Cache-Control: no-store\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "Content-Security-Policy: default-src 'none'\r\n"
	    "X-Content-Type-Options: nosniff\r\n\r\n", status,
	    reason(status), html.len);
	buf_add(out, html.data, html.len);
	buf_free(&html);
}
