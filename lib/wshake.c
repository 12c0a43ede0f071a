#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>

#include "lib/http.h"
#include "lib/str.h"
#include "lib/wshake.h"

static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

enum { STATUS_LINE, FIELDS, BODY };

void
wshake_key(const uint8_t *nonce, char key[WSHAKE_KEY_LEN + 1])
{
	EVP_EncodeBlock((unsigned char *)key, nonce, WSHAKE_NONCE_LEN);
}

void
wshake_accept(const char *key, char accept[WSHAKE_ACCEPT_LEN + 1])
{
	unsigned char sum[SHA_DIGEST_LENGTH];
	char text[WSHAKE_KEY_LEN + sizeof(guid)];

	snprintf(text, sizeof(text), "%.*s%s", WSHAKE_KEY_LEN, key, guid);
	SHA1((const unsigned char *)text, strlen(text), sum);
	EVP_EncodeBlock((unsigned char *)accept, sum, sizeof(sum));
}

/* --- the request -------------------------------------------------------- */

/* Nothing that could end a line, or a header before its time. */
static bool
is_visible(const char *s)
{
	if (s == NULL)
		return true;
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int
wshake_request(struct buf *out, const struct wshake_request *r,
    struct err *err)
{
	int bad = 0;

	if (!is_visible(r->host) || !is_visible(r->path) ||
	    !is_visible(r->key) || !is_visible(r->bearer) ||
	    !is_visible(r->user_agent) || strchr(r->path, ' ') != NULL ||
	    strchr(r->host, ' ') != NULL)
		return err_set(err, GC_EX_CONFIG, "the upgrade request would "
		    "hold a control character or blank");
	bad |= buf_addf(out, "GET %s HTTP/1.1\r\nHost: %s\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
	    r->path, r->host, r->key);
	if (r->user_agent != NULL)
		bad |= buf_addf(out, "User-Agent: %s\r\n", r->user_agent);
	if (r->bearer != NULL)
		bad |= buf_addf(out, "Authorization: Bearer %s\r\n",
		    r->bearer);
	bad |= buf_adds(out, "\r\n");
	return bad == 0 ? 0 : err_set(err, GC_EX_CONFIG,
	    "the upgrade request is too long");
}

/* --- the reply ---------------------------------------------------------- */

/* What the fields of a reply have said so far. */
static void
forget_fields(struct wshake *w)
{
	w->fields = 0;
	w->upgrade = w->connection = false;
	w->accepted = w->bad_accept = false;
	w->extension = w->protocol = w->chunked = false;
	w->retry_after_ms = w->body_left = -1;
}

void
wshake_init(struct wshake *w, const char *key, int64_t wall_ms)
{
	memset(w, 0, sizeof(*w));
	w->wall_ms = wall_ms;
	forget_fields(w);
	buf_init(&w->line, WSHAKE_HEAD_MAX);
	buf_init(&w->field, WSHAKE_HEAD_MAX);
	buf_init(&w->excerpt, WSHAKE_EXCERPT_MAX);
	wshake_accept(key, w->accept);
}

void
wshake_free(struct wshake *w)
{
	buf_free(&w->line);
	buf_free(&w->field);
	buf_free(&w->excerpt);
}

static int
broken(struct err *err, const char *why)
{
	return err_set(err, GC_EX_UNAVAILABLE,
	    "the server's answer is no valid HTTP: %s", why);
}

/* HTTP/1.1 101 Switching Protocols */
static int
status_line(struct wshake *w, struct err *err)
{
	const char *s = w->line.data;
	uint64_t status;
	char digits[4];

	if (w->line.len < 12 || !str_starts(s, "HTTP/1.") || s[7] < '0' ||
	    s[7] > '9' || s[8] != ' ' || (s[12] != ' ' && s[12] != '\0'))
		return broken(err, "the status line");
	memcpy(digits, s + 9, 3);
	digits[3] = '\0';
	if (str_number(digits, 599, &status) == -1 || status < 100)
		return broken(err, "the status");
	w->version_11 = s[7] != '0';
	w->status = (int)status;
	snprintf(w->reason, sizeof(w->reason), "%.63s",
	    s[12] == ' ' ? s + 13 : "");
	w->phase = FIELDS;
	return 0;
}

/* Is word one of the comma-separated tokens? */
static bool
has_token(const char *list, const char *word)
{
	size_t n, len = strlen(word);

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		list += strspn(list, " \t,");
		n = strcspn(list, " \t,");
		if (n == len && strncasecmp(list, word, len) == 0)
			return true;
		n = strcspn(list, ",");
	}
	return false;
}

static void
take_field(struct wshake *w, const char *name, const char *value)
{
	uint64_t n;

	if (strcasecmp(name, "Upgrade") == 0)
		w->upgrade = w->upgrade || has_token(value, "websocket");
	else if (strcasecmp(name, "Connection") == 0)
		w->connection = w->connection || has_token(value, "upgrade");
	else if (strcasecmp(name, "Sec-WebSocket-Accept") == 0) {
		w->bad_accept = w->bad_accept || w->accepted ||
		    strcmp(value, w->accept) != 0;
		w->accepted = true;
	} else if (strcasecmp(name, "Sec-WebSocket-Extensions") == 0)
		w->extension = true;
	else if (strcasecmp(name, "Sec-WebSocket-Protocol") == 0)
		w->protocol = true;
	else if (strcasecmp(name, "Retry-After") == 0)
		w->retry_after_ms = http_retry_after_ms(value, w->wall_ms);
	else if (strcasecmp(name, "Content-Length") == 0 &&
	    str_number(value, INT64_MAX, &n) == 0)
		w->body_left = (int64_t)n;
	else if (strcasecmp(name, "Transfer-Encoding") == 0)
		w->chunked = has_token(value, "chunked");
}

/* The field that was gathered (its folds undone) is whole. */
static int
end_field(struct wshake *w, struct err *err)
{
	char *name = w->field.data, *value, *end;

	if (w->field.len == 0)
		return 0;
	if (++w->fields > WSHAKE_FIELDS_MAX)
		return broken(err, "too many fields");
	if ((value = strchr(name, ':')) == NULL || value == name ||
	    name[strcspn(name, " \t:")] != ':')
		return broken(err, "a field without a name");
	*value++ = '\0';
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	take_field(w, name, value);
	buf_reset(&w->field);
	return 0;
}

/* The head is complete: judge it.  -1 failed, 0 go on, 1 a WebSocket. */
static int
judge(struct wshake *w, struct err *err)
{
	const char *why = NULL;

	if (w->status < 200 && w->status != 101) {
		/* an interim answer: the real one follows, and says for
		 * itself all that there is to say */
		forget_fields(w);
		w->phase = STATUS_LINE;
		w->status = 0;
		return 0;
	}
	w->phase = BODY;
	if (w->status != 101)
		return 0;
	if (!w->version_11)
		why = "HTTP/1.0";
	else if (!w->upgrade)
		why = "no Upgrade: websocket";
	else if (!w->connection)
		why = "no Connection: Upgrade";
	else if (!w->accepted || w->bad_accept)
		why = "a wrong Sec-WebSocket-Accept";
	else if (w->extension)
		why = "an extension that was not asked for";
	else if (w->protocol)
		why = "a subprotocol that was not asked for";
	return why == NULL ? 1 : err_set(err, GC_EX_UNAVAILABLE,
	    "the server's upgrade is not valid: %s", why);
}

static int
head_line(struct wshake *w, struct err *err)
{
	struct buf *line = &w->line;

	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->data[--line->len] = '\0';
	for (size_t i = 0; i < line->len; i++)
		if ((unsigned char)line->data[i] < ' ' &&
		    line->data[i] != '\t')
			return broken(err, "a control character");
	if (w->phase == STATUS_LINE)
		return status_line(w, err);
	if (line->len == 0)
		return end_field(w, err) == -1 ? -1 : judge(w, err);
	if (line->data[0] == ' ' || line->data[0] == '\t') {
		if (w->field.len == 0)
			return broken(err, "a blank before the first field");
		return buf_add(&w->field, line->data, line->len);
	}
	if (end_field(w, err) == -1)
		return -1;
	return buf_add(&w->field, line->data, line->len);
}

static enum wshake_result
refused(struct wshake *w, struct err *err)
{
	int code = GC_EX_UNAVAILABLE;

	if (w->status == 401 || w->status == 403)
		code = GC_EX_NOPERM;
	else if (w->status == 404 || w->status == 405 || w->status == 410)
		code = GC_EX_CONFIG;
	err_set(err, code, "the server refused the upgrade: %d %s%s%.200s",
	    w->status, w->reason, w->excerpt.len > 0 ? ": " : "",
	    w->excerpt.len > 0 ? w->excerpt.data : "");
	return WSHAKE_REFUSED;
}

static void
excerpt(struct wshake *w, const char *bytes, size_t len)
{
	size_t room = WSHAKE_EXCERPT_MAX - w->excerpt.len;

	buf_add(&w->excerpt, bytes, len < room ? len : room);
}

enum wshake_result
wshake_feed(struct wshake *w, const void *bytes, size_t len, size_t *used,
    struct err *err)
{
	const char *p = bytes;
	int got;

	for (*used = 0; *used < len && w->phase != BODY; (*used)++) {
		char c = p[*used];

		if (++w->head_len > WSHAKE_HEAD_MAX) {
			broken(err, "the head is over 16 KiB");
			return WSHAKE_FAILED;
		}
		if (c != '\n') {
			buf_add(&w->line, &c, 1);
			continue;
		}
		if (w->line.data == NULL)
			buf_adds(&w->line, "");
		got = head_line(w, err);
		buf_reset(&w->line);
		if (got == -1)
			return WSHAKE_FAILED;
		if (got == 1) {
			(*used)++;
			return WSHAKE_DONE;
		}
	}
	if (w->phase != BODY)
		return WSHAKE_MORE;
	excerpt(w, p + *used, len - *used);
	if (w->body_left >= 0)
		w->body_left -= (int64_t)(len - *used);
	*used = len;
	/* an excerpt is all that anyone wants */
	if (w->excerpt.len == WSHAKE_EXCERPT_MAX ||
	    (w->body_left <= 0 && w->body_left != -1) || w->chunked ||
	    w->excerpt.len > 0)
		return refused(w, err);
	return WSHAKE_MORE;
}

bool
wshake_is_refusal(const struct wshake *w)
{
	return w->phase == BODY && w->status != 101;
}

enum wshake_result
wshake_end(struct wshake *w, struct err *err)
{
	if (w->phase == BODY)
		return refused(w, err);
	broken(err, "it ends in the middle of its head");
	return WSHAKE_FAILED;
}
