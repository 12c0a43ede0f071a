/* What HTTP servers and token commands say: Retry-After, tokens. */
#include "lib/http.h"
#include "lib/token.h"
#include "tests/fuzz/fuzz.h"

#define NOW_MS INT64_C(1718461930000)

/* A token that was accepted can be told, and read again as the same. */
static void
tell_again(const struct token *t)
{
	struct token again;
	struct buf line;
	struct err e;

	buf_init(&line, 4 * TOKEN_MAX);
	token_line(&line, t, NOW_MS);
	if (token_from_output(&again, line.data, line.len, &e) == -1 ||
	    strcmp(again.access_token, t->access_token) != 0 ||
	    again.expires_ms != t->expires_ms ||
	    again.issued_ms != t->issued_ms)
		abort();
	token_rotate_ms(t, 90000);
	token_is_fresh(t, 90000, NOW_MS);
	token_free(&again);
	buf_wipe(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	int64_t wait_ms = http_retry_after_ms(text, NOW_MS);
	struct token t;
	struct err e;

	if (wait_ms < -1 || wait_ms > HTTP_WAIT_MAX_MS)
		abort();
	if (token_from_answer(&t, (const char *)data, size, NOW_MS, &e) == 0) {
		tell_again(&t);
		token_free(&t);
	}
	if (token_from_output(&t, (const char *)data, size, &e) == 0) {
		tell_again(&t);
		token_free(&t);
	}
	free(text);
	return 0;
}
