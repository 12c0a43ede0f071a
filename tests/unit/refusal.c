/* The sentence that a refused request is told by. */
#include <stdio.h>
#include <string.h>

#include "lib/refusal.h"
#include "tests/tap.h"

static const struct row {
	long status;
	const char *id, *body;	/* its inin-correlation-id, or "" */
	int code;
	const char *says;
} rows[] = {
	{ 401, "", "", GC_EX_NOPERM, "asking: the server answers 401" },
	{ 403, "c-1", "{\"code\":\"missing.permissions\",\"message\":"
	    "\"no right\"}", GC_EX_NOPERM, "asking: the server answers 403 "
	    "missing.permissions: no right (contextId c-1)" },
	{ 404, "c-1", "{\"code\":\"not.found\",\"contextId\":\"c-2\"}",
	    GC_EX_CONFIG, "asking: the server answers 404 not.found "
	    "(contextId c-2)" },
	{ 405, "", "<html>", GC_EX_CONFIG, "asking: the server answers 405" },
	{ 410, "", "{}", GC_EX_CONFIG, "asking: the server answers 410" },
	{ 429, "", "{", GC_EX_TEMPFAIL, "asking: the server answers 429" },
	{ 500, "", "null", GC_EX_UNAVAILABLE,
	    "asking: the server answers 500" },
	{ 302, "", "", GC_EX_UNAVAILABLE, "asking: the server answers 302" },
};

int
main(void)
{
	struct http_reply reply;
	struct platform_error pe;
	struct err e;

	http_reply_init(&reply);
	refusal_read(&e, &pe, "asking", &reply);
	is_str(e.msg, "asking: the server answers 0", "with no body at all");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		reply.status = r->status;
		snprintf(reply.correlation_id, sizeof(reply.correlation_id),
		    "%s", r->id);
		buf_reset(&reply.body);
		buf_adds(&reply.body, r->body);
		refusal_read(&e, &pe, "asking", &reply);
		is_int(e.code, r->code, r->says);
		is_str(e.msg, r->says, "what is said");
	}
	http_reply_free(&reply);
	return done();
}
