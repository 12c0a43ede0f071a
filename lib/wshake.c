#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <openssl/evp.h>

#include "lib/wshake.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define SHA1_LEN 20
#define EXCERPT_SHOWN 200	/* bytes of it in an error's sentence */

enum phase {
	PH_STATUS, PH_FIRST_FIELD, PH_FIELD, PH_CHUNK_SIZE, PH_CHUNK_END,
	PH_CHUNK, PH_BODY
};

static void take_upgrade(struct wshake *w, const char *value);
static void take_connection(struct wshake *w, const char *value);
static void take_accept(struct wshake *w, const char *value);
static void take_extensions(struct wshake *w, const char *value);
static void take_protocol(struct wshake *w, const char *value);
static void take_retry_after(struct wshake *w, const char *value);
static void take_length(struct wshake *w, const char *value);
static void take_encoding(struct wshake *w, const char *value);

static const struct {
	const char *name;
	void (*take)(struct wshake *w, const char *value);
} known[] = {
	{ "Upgrade", take_upgrade },
	{ "Connection", take_connection },
	{ "Sec-WebSocket-Accept", take_accept },
	{ "Sec-WebSocket-Extensions", take_extensions },
	{ "Sec-WebSocket-Protocol", take_protocol },
	{ "Retry-After", take_retry_after },
	{ "Content-Length", take_length },
	{ "Transfer-Encoding", take_encoding },
};

/* The request. */

void
wshake_key(const uint8_t *nonce, char key[WSHAKE_KEY_LEN + 1])
{
	EVP_EncodeBlock((unsigned char *)key, nonce, WSHAKE_NONCE_LEN);
}

void
wshake_accept(const char *key, char accept[WSHAKE_ACCEPT_LEN + 1])
{
	unsigned char sum[EVP_MAX_MD_SIZE] = { 0 };
	struct buf text;

	buf_init(&text, WSHAKE_REQUEST_MAX);
	buf_adds(&text, key);
	buf_adds(&text, GUID);
	EVP_Digest(text.data, text.len, sum, NULL, EVP_sha1(), NULL);
	EVP_EncodeBlock((unsigned char *)accept, sum, SHA1_LEN);
	buf_free(&text);
}

/* Would it end its line, or be no visible text?  Blanks are for values. */
static bool
is_clean(const char *text, bool blanks)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < (blanks ? 0x20 : 0x21) ||
		    *text == 0x7f)
			return false;
	return true;
}

int
wshake_request(struct buf *out, const struct wshake_request *r,
    struct err *err)
{
	int failed;

	if (!is_clean(r->host, false) || *r->host == '\0' ||
	    !is_clean(r->path, false) || *r->path != '/' ||
	    !is_clean(r->key, false))
		return err_set(err, GC_EX_CONFIG, "the WebSocket's address "
		    "holds a blank or a control character");
	if (r->bearer != NULL && (!is_clean(r->bearer, false) ||
	    *r->bearer == '\0'))
		return err_set(err, GC_EX_CONFIG, "the access token is empty "
		    "or holds a blank or a control character");
	if (r->user_agent != NULL && !is_clean(r->user_agent, true))
		return err_set(err, GC_EX_CONFIG,
		    "the user agent holds a control character");
	failed = buf_addf(out, "GET %s HTTP/1.1\r\nHost: %s\r\n"
	    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n",
	    r->path, r->host, r->key) == -1;
	if (r->user_agent != NULL)
		failed |= buf_addf(out, "User-Agent: %s\r\n",
		    r->user_agent) == -1;
	if (r->bearer != NULL)
		failed |= buf_addf(out, "Authorization: Bearer %s\r\n",
		    r->bearer) == -1;
	failed |= buf_adds(out, "\r\n") == -1;
	if (failed)
		return err_set(err, GC_EX_CONFIG, "the address or the access "
		    "token is too long for a request");
	return 0;
}

/* The fields of the reply. */

/* Is word an element of the comma-separated list? */
static bool
list_has(const char *list, const char *word)
{
	size_t len = strlen(word), n;

	while (*list != '\0') {
		list += strspn(list, " \t,");
		n = strcspn(list, " \t,");
		if (n == len && strncasecmp(list, word, len) == 0 &&
		    strchr(",", list[n + strspn(list + n, " \t")]) != NULL)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static void
take_upgrade(struct wshake *w, const char *value)
{
	w->upgrade |= list_has(value, "websocket");
}

static void
take_connection(struct wshake *w, const char *value)
{
	w->connection |= list_has(value, "upgrade");
}

static void
take_accept(struct wshake *w, const char *value)
{
	w->accepts++;
	w->accepted = strcmp(value, w->accept) == 0;
}

static void
take_extensions(struct wshake *w, const char *value)
{
	w->extension |= *value != '\0';
}

static void
take_protocol(struct wshake *w, const char *value)
{
	w->protocol |= *value != '\0';
}

/* Of several the longest; what is neither form does not count. */
static void
take_retry_after(struct wshake *w, const char *value)
{
	int64_t ms = 0;
	time_t date;

	if (*value != '\0' && value[strspn(value, "0123456789")] == '\0') {
		for (; *value != '\0' && ms < WSHAKE_RETRY_MAX_MS; value++)
			ms = ms * 10 + (*value - '0') * 1000;
	} else if (isalpha((unsigned char)*value) &&
	    strchr(value, ':') != NULL) {
		date = curl_getdate(value, NULL);
		if (date == -1)
			return;
		if (date > w->wall_ms / 1000 + WSHAKE_RETRY_MAX_MS / 1000)
			ms = WSHAKE_RETRY_MAX_MS;
		else
			ms = (int64_t)date * 1000 - w->wall_ms;
	} else
		return;
	if (ms < 0)
		ms = 0;
	if (ms > WSHAKE_RETRY_MAX_MS)
		ms = WSHAKE_RETRY_MAX_MS;
	if (ms > w->retry_after_ms)
		w->retry_after_ms = ms;
}

static void
take_length(struct wshake *w, const char *value)
{
	char *end;
	long long len;

	if (!isdigit((unsigned char)*value))
		return;
	len = strtoll(value, &end, 10);
	if (*end == '\0')
		w->body_left = len;
}

static void
take_encoding(struct wshake *w, const char *value)
{
	w->chunked |= list_has(value, "chunked");
}

/* The judge. */

void
wshake_init(struct wshake *w, const char *key, int64_t wall_ms)
{
	*w = (struct wshake){ .retry_after_ms = -1, .body_left = -1,
	    .wall_ms = wall_ms, .result = WSHAKE_MORE };
	buf_init(&w->excerpt, WSHAKE_EXCERPT_MAX);
	buf_init(&w->line, WSHAKE_HEAD_MAX);
	buf_init(&w->field, WSHAKE_HEAD_MAX);
	wshake_accept(key, w->accept);
}

void
wshake_free(struct wshake *w)
{
	buf_free(&w->excerpt);
	buf_free(&w->line);
	buf_free(&w->field);
}

static enum wshake_result
fail(struct wshake *w, struct err *err, const char *why)
{
	err_set(err, GC_EX_UNAVAILABLE, "the WebSocket handshake failed: %s",
	    why);
	return w->result = WSHAKE_FAILED;
}

/* A page for browsers explains nothing in a line of text. */
static void
show_excerpt(const struct wshake *w, char shown[EXCERPT_SHOWN + 3])
{
	size_t n = 0;

	for (size_t i = 0; i < w->excerpt.len && n < EXCERPT_SHOWN; i++) {
		unsigned char c = (unsigned char)w->excerpt.data[i];

		if (c > 0x20 && c != 0x7f)
			shown[2 + n++] = (char)c;
		else if (n > 0 && shown[1 + n] != ' ')
			shown[2 + n++] = ' ';
	}
	while (n > 0 && shown[1 + n] == ' ')
		n--;
	if (n > 0 && shown[2] == '<')
		n = 0;
	memcpy(shown, ": ", 2);
	shown[n > 0 ? 2 + n : 0] = '\0';
}

static enum wshake_result
refuse(struct wshake *w, struct err *err)
{
	char shown[EXCERPT_SHOWN + 3];
	int code = GC_EX_UNAVAILABLE;

	if (w->status == 401 || w->status == 403)
		code = GC_EX_NOPERM;
	else if (w->status == 404 || w->status == 405 || w->status == 410)
		code = GC_EX_CONFIG;
	show_excerpt(w, shown);
	err_set(err, code, "the server refused the WebSocket: %d%s%s%s",
	    w->status, *w->reason != '\0' ? " " : "", w->reason, shown);
	return w->result = WSHAKE_REFUSED;
}

/* RFC 6455 section 4.1, the client's checks 2 to 6. */
static enum wshake_result
judge(struct wshake *w, struct err *err)
{
	if (!w->version_11)
		return fail(w, err, "the reply is not HTTP/1.1");
	if (!w->upgrade)
		return fail(w, err, "the reply has no Upgrade: websocket");
	if (!w->connection)
		return fail(w, err, "the reply has no Connection: Upgrade");
	if (w->accepts == 0)
		return fail(w, err, "the reply has no Sec-WebSocket-Accept");
	if (w->accepts > 1)
		return fail(w, err,
		    "the reply has Sec-WebSocket-Accept more than once");
	if (!w->accepted)
		return fail(w, err, "Sec-WebSocket-Accept does not fit "
		    "the key (a cache or proxy in between?)");
	if (w->extension)
		return fail(w, err, "the reply names an extension that was "
		    "not asked for");
	if (w->protocol)
		return fail(w, err, "the reply names a subprotocol that was "
		    "not asked for");
	return w->result = WSHAKE_DONE;
}

static enum wshake_result
take_status(struct wshake *w, const char *line, struct err *err)
{
	const char *digits;

	if (strncmp(line, "HTTP/1.", 7) != 0 ||
	    !isdigit((unsigned char)line[7]) || line[8] != ' ')
		return fail(w, err, "the answer is not HTTP/1.1");
	digits = line + 9;
	if (strspn(digits, "0123456789") != 3 || *digits == '0' ||
	    (digits[3] != ' ' && digits[3] != '\0'))
		return fail(w, err, "the reply's status line is invalid");
	w->version_11 = line[7] != '0';
	w->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 +
	    digits[2] - '0';
	strlcpy(w->reason, digits[3] == ' ' ? digits + 4 : "",
	    sizeof(w->reason));
	w->phase = PH_FIRST_FIELD;
	return WSHAKE_MORE;
}

static bool
is_token(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    (name[i] == '\0' || !strchr("!#$%&'*+-.^_`|~", name[i])))
			return false;
	return len > 0;
}

/* The field that is complete now that the next line began. */
static enum wshake_result
take_field(struct wshake *w, struct err *err)
{
	char *value;
	size_t name_len;

	if (w->field.len == 0)
		return WSHAKE_MORE;
	if (++w->fields > WSHAKE_FIELDS_MAX)
		return fail(w, err, "the reply has too many header fields");
	name_len = strcspn(w->field.data, ":");
	if (name_len == w->field.len || !is_token(w->field.data, name_len))
		return fail(w, err, "the reply has an invalid header field");
	w->field.data[name_len] = '\0';
	value = w->field.data + name_len + 1;
	value += strspn(value, " \t");
	for (size_t n = strlen(value); n > 0 &&
	    strchr(" \t", value[n - 1]) != NULL; n--)
		value[n - 1] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(known[i].name, w->field.data) == 0)
			known[i].take(w, value);
	buf_reset(&w->field);
	return WSHAKE_MORE;
}

/* The empty line: the head is complete. */
static enum wshake_result
end_head(struct wshake *w, struct err *err)
{
	if (w->status == 101)
		return judge(w, err);
	if (w->status < 200) {	/* interim: another reply follows */
		w->status = 0;
		w->upgrade = w->connection = w->accepted = false;
		w->extension = w->protocol = w->chunked = false;
		w->accepts = 0;
		w->retry_after_ms = w->body_left = -1;
		w->phase = PH_STATUS;
		return WSHAKE_MORE;
	}
	if (w->chunked) {
		w->phase = PH_CHUNK_SIZE;
		return WSHAKE_MORE;
	}
	w->phase = PH_BODY;
	if (w->body_left == 0 || w->status == 204 || w->status == 304)
		return refuse(w, err);
	return WSHAKE_MORE;
}

static enum wshake_result
take_head_line(struct wshake *w, const char *line, struct err *err)
{
	bool folded = *line == ' ' || *line == '\t';

	if (w->phase == PH_STATUS)
		return take_status(w, line, err);
	if (folded && w->phase == PH_FIRST_FIELD)
		return fail(w, err, "the reply's first header field "
		    "begins with a blank");
	w->phase = PH_FIELD;
	/* the head's own cap is checked before; these cannot be full */
	if (folded) {
		buf_adds(&w->field, " ");
		buf_adds(&w->field, line + strspn(line, " \t"));
		return WSHAKE_MORE;
	}
	if (take_field(w, err) == WSHAKE_FAILED)
		return WSHAKE_FAILED;
	if (*line == '\0')
		return end_head(w, err);
	buf_adds(&w->field, line);
	return WSHAKE_MORE;
}

static enum wshake_result
take_chunk_line(struct wshake *w, const char *line, struct err *err)
{
	if (w->phase == PH_CHUNK_END) {
		w->phase = PH_CHUNK_SIZE;
		return WSHAKE_MORE;
	}
	w->body_left = strtoll(line, NULL, 16);
	w->phase = PH_CHUNK;
	return w->body_left > 0 ? WSHAKE_MORE : refuse(w, err);
}

static bool
in_head(const struct wshake *w)
{
	return w->phase <= PH_FIELD;
}

/* Strip the line's end and see that it is text. */
static bool
trim_line(struct buf *line)
{
	line->len--;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;
	line->data[line->len] = '\0';
	for (size_t i = 0; i < line->len; i++) {
		unsigned char c = (unsigned char)line->data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Take up to one line's end; *used grows by what was taken. */
static enum wshake_result
feed_line(struct wshake *w, const char *bytes, size_t len, size_t *used,
    struct err *err)
{
	const char *end = memchr(bytes, '\n', len);
	size_t n = end != NULL ? (size_t)(end - bytes) + 1 : len;
	enum wshake_result result;

	*used += n;
	w->head_len += n;
	if (w->head_len > WSHAKE_HEAD_MAX && in_head(w))
		return fail(w, err, "the reply's head is over 16 KiB");
	if (w->head_len > WSHAKE_HEAD_MAX ||
	    buf_add(&w->line, bytes, n) == -1)
		return refuse(w, err);
	if (w->phase == PH_STATUS && strncmp(w->line.data, "HTTP/",
	    w->line.len < 5 ? w->line.len : 5) != 0)
		return fail(w, err, "the answer is not HTTP");
	if (end == NULL)
		return WSHAKE_MORE;
	if (!trim_line(&w->line) && in_head(w))
		return fail(w, err, "the reply's head holds a control "
		    "character");
	result = in_head(w) ? take_head_line(w, w->line.data, err) :
	    take_chunk_line(w, w->line.data, err);
	buf_reset(&w->line);
	return result;
}

static enum wshake_result
feed_body(struct wshake *w, const char *bytes, size_t len, size_t *used,
    struct err *err)
{
	size_t n = len, room = WSHAKE_EXCERPT_MAX - w->excerpt.len;

	if (n > room)
		n = room;
	if (w->body_left >= 0 && (int64_t)n > w->body_left)
		n = (size_t)w->body_left;
	buf_add(&w->excerpt, bytes, n);
	*used += n;
	if (w->body_left >= 0)
		w->body_left -= (int64_t)n;
	if (w->excerpt.len == WSHAKE_EXCERPT_MAX)
		return refuse(w, err);
	if (w->body_left != 0)
		return WSHAKE_MORE;
	if (w->phase == PH_BODY)
		return refuse(w, err);
	w->phase = PH_CHUNK_END;
	return WSHAKE_MORE;
}

enum wshake_result
wshake_feed(struct wshake *w, const void *bytes, size_t len, size_t *used,
    struct err *err)
{
	const char *p = bytes;

	*used = 0;
	while (w->result == WSHAKE_MORE && *used < len)
		if (w->phase == PH_BODY || w->phase == PH_CHUNK)
			feed_body(w, p + *used, len - *used, used, err);
		else
			feed_line(w, p + *used, len - *used, used, err);
	return w->result;
}

enum wshake_result
wshake_end(struct wshake *w, struct err *err)
{
	if (w->result != WSHAKE_MORE)
		return w->result;
	if (w->status >= 200 && !in_head(w))
		return refuse(w, err);
	return fail(w, err, "it ended before a complete reply");
}
