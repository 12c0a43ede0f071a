#include "lib/refusal.h"

static int
code_of(long status)
{
	switch (status) {
	case 401:
	case 403:
		return GC_EX_NOPERM;
	case 404:
	case 405:
	case 410:
		return GC_EX_CONFIG;
	case 429:
		return GC_EX_TEMPFAIL;
	}
	return GC_EX_UNAVAILABLE;
}

void
refusal_read(struct err *err, struct platform_error *pe, const char *what,
    const struct http_reply *reply)
{
	const char *context;

	platform_error(pe, reply->body.data != NULL ? reply->body.data : "",
	    reply->body.len);
	context = pe->context_id[0] != '\0' ? pe->context_id :
	    reply->correlation_id;
	err_set(err, code_of(reply->status), "%s: the server answers %ld%s%s"
	    "%s%.200s%s%s%s", what, reply->status, pe->code[0] ? " " : "",
	    pe->code, pe->message[0] ? ": " : "", pe->message,
	    context[0] ? " (contextId " : "", context, context[0] ? ")" : "");
}
