#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/asktoken.h"

#define READ_STEP 1024

void
asktoken_init(struct asktoken *a)
{
	*a = (struct asktoken){ .child = CHILD_NONE };
	buf_init_secret(&a->out, TOKEN_LINE_MAX);
}

void
asktoken_stop(struct asktoken *a)
{
	child_kill(&a->child);
	buf_wipe(&a->out);
	a->asking = false;
}

void
asktoken_free(struct asktoken *a)
{
	asktoken_stop(a);
}

int
asktoken_start(struct asktoken *a, const char *command, int64_t min_ttl_ms,
    const char *refused, struct err *e)
{
	char ttl[64], told[sizeof("GC_TOKEN_REFUSED=") + TOKEN_TIME_MAX];
	char *env[3] = { ttl, NULL, NULL };

	asktoken_stop(a);
	child_name(command, a->name);
	snprintf(ttl, sizeof(ttl), "GC_TOKEN_MIN_TTL=%lldms",
	    (long long)min_ttl_ms);
	if (refused != NULL) {
		snprintf(told, sizeof(told), "GC_TOKEN_REFUSED=%s", refused);
		env[1] = told;
	}
	if (child_start(&a->child, command, env, false, e) == -1)
		return -1;
	a->asking = true;
	a->ended = false;
	return 0;
}

int
asktoken_fd(const struct asktoken *a)
{
	return a->child.from;
}

/* False once it prints no more, or more than any token is long. */
static bool
read_some(struct asktoken *a)
{
	char *room;
	ssize_t n;

	while ((room = buf_room(&a->out, READ_STEP)) != NULL) {
		n = read(a->child.from, room, READ_STEP);
		if (n > 0)
			buf_grew(&a->out, (size_t)n);
		else
			return n == -1 && (errno == EAGAIN || errno == EINTR);
	}
	buf_wipe(&a->out);
	return false;
}

static int
result(struct asktoken *a, struct token *t, struct err *e)
{
	bool is_final = a->code == GC_EX_NOPERM || a->code == GC_EX_CONFIG;

	if (a->code != 0)
		return err_set(e, is_final ? a->code : GC_EX_UNAVAILABLE,
		    "%s ended with %d", a->name, a->code);
	return token_from_output(t, a->out.data != NULL ? a->out.data : "",
	    a->out.len, e) == -1 ? err_prefix(e, "%s", a->name) : 1;
}

int
asktoken_feed(struct asktoken *a, struct token *t, struct err *e)
{
	int status;

	if (!a->asking)
		return 0;
	/* first: what it printed is then in the pipe, all of it, and what it
	 * left behind may keep that open for ever */
	if (child_reap(&a->child, &a->code) == 1)
		a->ended = true;
	if (a->child.from != -1 && !read_some(a))
		child_close_stdout(&a->child);
	if (!a->ended)
		return 0;
	status = result(a, t, e);
	asktoken_stop(a);
	return status;
}
