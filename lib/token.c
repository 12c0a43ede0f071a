#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/token.h"

#define TYPE_MAX 64
#define LAST_SECOND INT64_C(253402300799)	/* 9999-12-31T23:59:59Z */
#define LIFE_MAX_S (366 * 86400)	/* a longer life is an error */

static void
drop(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void
token_free(struct token *t)
{
	drop(&t->access_token);
	drop(&t->refresh_token);
	free(t->token_type);
	free(t->issued_at);
	*t = (struct token){ 0 };
}

static bool
is_visible(const char *s, size_t most)
{
	size_t n = 0;

	for (; s[n] != '\0'; n++)
		if (s[n] <= ' ' || s[n] > '~')
			return false;
	return n > 0 && n <= most;
}

static bool
is_token(const char *s)
{
	return is_visible(s, TOKEN_MAX);
}

/* One that no server can have meant is none. */
static void
mend_refresh(struct token *t)
{
	if (t->refresh_token != NULL && !is_token(t->refresh_token))
		drop(&t->refresh_token);
}

/* Whatever was told is a bearer token to us; its name must be printable. */
static void
mend_type(struct token *t)
{
	if (t->token_type != NULL && is_visible(t->token_type, TYPE_MAX))
		return;
	free(t->token_type);
	t->token_type = xstrdup("bearer");
}

static int
no_token(struct token *t, const char *why, struct err *e)
{
	token_free(t);
	return err_set(e, GC_EX_UNAVAILABLE, "%s", why);
}

int
token_from_answer(struct token *t, const char *text, size_t len,
    int64_t now_ms, struct err *e)
{
	int64_t life_s = 0;
	bool has_life;
	const struct json_field fields[] = {
		{ "access_token", JSON_STRING, &t->access_token, NULL },
		{ "token_type", JSON_STRING, &t->token_type, NULL },
		{ "expires_in", JSON_INTEGER, &life_s, &has_life },
		{ "refresh_token", JSON_STRING, &t->refresh_token, NULL },
	};

	*t = (struct token){ 0 };
	if (json_read(text, len, fields, 4, NULL) == -1)
		return no_token(t, "the login host's answer is no JSON object",
		    e);
	if (t->access_token == NULL || !is_token(t->access_token))
		return no_token(t, "the login host's answer has no "
		    "access_token", e);
	if (!has_life || life_s <= 0 || life_s > LIFE_MAX_S)
		return no_token(t, "the login host's answer has no sensible "
		    "expires_in", e);
	mend_type(t);
	mend_refresh(t);
	t->issued_ms = now_ms;
	t->expires_ms = now_ms + life_s * 1000;
	return 0;
}

int
token_from_bare(struct token *t, const char *text, struct err *e)
{
	*t = (struct token){ 0 };
	if (!is_token(text))
		return no_token(t, "the token command printed no token", e);
	t->access_token = xstrdup(text);
	t->token_type = xstrdup("bearer");
	return 0;
}

/* 0: unknown.  So is what was before 1970: some languages' zero time; and
 * what is after 9999, which no text could tell again. */
static int64_t
moment(const char *text)
{
	struct stamp s;

	if (text == NULL || clock_parse(text, strlen(text), &s) == -1 ||
	    s.sec < 0 || s.sec > LAST_SECOND)
		return 0;
	return stamp_to_ms(s);
}

int
token_from_output(struct token *t, const char *text, size_t len,
    struct err *e)
{
	char *event = NULL, *issued = NULL, *expires = NULL, *bare;
	const struct json_field fields[] = {
		{ "event", JSON_STRING, &event, NULL },
		{ "access_token", JSON_STRING, &t->access_token, NULL },
		{ "token_type", JSON_STRING, &t->token_type, NULL },
		{ "issued_at", JSON_STRING, &issued, NULL },
		{ "expires_at", JSON_STRING, &expires, NULL },
	};
	int status;

	*t = (struct token){ 0 };
	while (len > 0 && strchr("\r\n \t", text[len - 1]) != NULL)
		len--;
	if (len == 0 || *text != '{') {
		bare = xstrndup(text, len);
		/* a NUL byte in it is no token, nor the end of one */
		status = strlen(bare) < len ? no_token(t, "the token command "
		    "printed no token", e) : token_from_bare(t, bare, e);
		explicit_bzero(bare, strlen(bare));
		free(bare);
		return status;
	}
	status = json_read(text, len, fields, 5, NULL);
	if (status == -1 || t->access_token == NULL ||
	    !is_token(t->access_token))
		status = no_token(t, "the token command printed no token", e);
	if (status == 0) {
		mend_type(t);
		t->issued_ms = moment(issued);
		t->expires_ms = moment(expires);
	}
	if (status == 0 && issued != NULL &&
	    strlen(issued) <= TOKEN_TIME_MAX) {
		t->issued_at = issued;
		issued = NULL;
	}
	free(event);
	free(issued);
	free(expires);
	return status;
}

static void
add_moment(struct buf *out, const char *key, int64_t ms)
{
	char text[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(ms, text);
	if (ms == 0)
		buf_addf(out, ",\"%s\":null", key);
	else
		buf_addf(out, ",\"%s\":\"%s\"", key, text);
}

static void
add_fields(struct buf *out, const struct token *t)
{
	buf_adds(out, ",\"access_token\":");
	buf_add_json(out, t->access_token, strlen(t->access_token));
	buf_adds(out, ",\"token_type\":");
	buf_add_json(out, t->token_type, strlen(t->token_type));
	add_moment(out, "issued_at", t->issued_ms);
	add_moment(out, "expires_at", t->expires_ms);
}

void
token_line(struct buf *out, const struct token *t, int64_t now_ms)
{
	int64_t left_ms = t->expires_ms - now_ms;

	buf_adds(out, "{\"event\":\"gc:token\"");
	add_moment(out, "at", now_ms);
	add_fields(out, t);
	if (t->expires_ms == 0)
		buf_adds(out, ",\"expires_in\":null}\n");
	else
		buf_addf(out, ",\"expires_in\":%lld}\n",
		    (long long)(left_ms > 0 ? (left_ms + 999) / 1000 : 0));
}

bool
token_is_fresh(const struct token *t, int64_t min_ttl_ms, int64_t now_ms)
{
	int64_t half;

	if (t->expires_ms == 0)
		return true;
	half = (t->expires_ms - t->issued_ms) / 2;
	if (t->issued_ms > now_ms)
		return false;
	return t->expires_ms - now_ms >=
	    (min_ttl_ms < half ? min_ttl_ms : half);
}

int64_t
token_rotate_ms(const struct token *t, int64_t before_ms)
{
	int64_t half;

	if (t->expires_ms == 0)
		return CLOCK_NEVER;
	half = t->issued_ms == 0 ? 0 :
	    t->issued_ms + (t->expires_ms - t->issued_ms) / 2;
	return t->expires_ms - before_ms > half ? t->expires_ms - before_ms :
	    half;
}

/* Of a file that has its owner: 1, or 0 and why. */
static int
load_text(struct token *t, const char *path, const char *owner,
    const struct buf *text, struct err *e)
{
	char *whose = NULL, *refresh = NULL;
	const struct json_field fields[] = {
		{ "owner", JSON_STRING, &whose, NULL },
		{ "refresh_token", JSON_STRING, &refresh, NULL },
	};
	int found = 0;

	if (json_read(text->data, text->len, fields, 2, NULL) == -1 ||
	    whose == NULL)
		err_set(e, GC_EX_OK, "'%s' holds no token", path);
	else if (strcmp(whose, owner) != 0)
		err_set(e, GC_EX_OK, "'%s' holds another client's", path);
	else if (token_from_output(t, text->data, text->len, NULL) == 0 &&
	    t->expires_ms != 0)
		found = 1;
	else
		err_set(e, GC_EX_OK, "'%s' is damaged", path);
	free(whose);
	if (found == 0) {
		token_free(t);
		drop(&refresh);
	}
	t->refresh_token = refresh;
	mend_refresh(t);
	return found;
}

int
token_load(struct token *t, const char *path, const char *owner,
    struct err *e)
{
	struct buf text;
	int found = 0;

	*t = (struct token){ 0 };
	err_set(e, GC_EX_OK, "%s", "");
	if (access(path, F_OK) == -1)
		return 0;
	if (file_check_private(path, e) == -1)
		return -1;
	buf_init_secret(&text, TOKEN_FILE_MAX);
	if (file_read(path, &text, e) == 0 && text.len > 0)
		found = load_text(t, path, owner, &text, e);
	else
		err_set(e, GC_EX_OK, "'%s' holds no token", path);
	buf_wipe(&text);
	return found;
}

int
token_save(const struct token *t, const char *path, const char *owner,
    struct err *e)
{
	struct buf text;
	int status;

	buf_init_secret(&text, TOKEN_FILE_MAX);
	buf_adds(&text, "{\"owner\":");
	buf_add_json(&text, owner, strlen(owner));
	add_fields(&text, t);
	if (t->refresh_token != NULL) {
		buf_adds(&text, ",\"refresh_token\":");
		buf_add_json(&text, t->refresh_token,
		    strlen(t->refresh_token));
	}
	buf_adds(&text, "}\n");
	status = file_replace(path, text.data, text.len, e);
	buf_wipe(&text);
	return status;
}
