/* The token command: what it is told, what its output and end mean. */
#include <poll.h>
#include <stdlib.h>

#include "lib/asktoken.h"
#include "tests/tap.h"

#define ISSUED "2024-06-15T14:32:10.123456Z"	/* told on as it is */

static const struct {
	const char *command;
	const char *token;	/* NULL: none */
	int code;
	const char *said;
} rows[] = {
	{ "echo abc", "abc", 0, "" },
	{ "echo $GC_TOKEN_MIN_TTL", "5000ms", 0, "" },
	{ "echo $GC_TOKEN_REFUSED", ISSUED, 0, "" },
	{ "echo '{\"access_token\":\"x\"}'", "x", 0, "" },
	{ "printf %020000d 7", NULL, GC_EX_UNAVAILABLE, "printf: " },
	{ "head -c 100000 /dev/zero", NULL, GC_EX_UNAVAILABLE, "head" },
	{ "true", NULL, GC_EX_UNAVAILABLE,
	    "true: the token command printed no token" },
	{ "echo abc; exit 1", NULL, GC_EX_UNAVAILABLE, "echo ended with 1" },
	{ "exit 77;", NULL, GC_EX_NOPERM, "ended with 77" },
	{ "exit 78;", NULL, GC_EX_CONFIG, "ended with 78" },
	{ "kill -9 $$", NULL, GC_EX_UNAVAILABLE, "kill ended with 137" },
	{ "/nowhere/vault HUSH", NULL, GC_EX_UNAVAILABLE,
	    "/nowhere/vault ended with 127" },
	{ "SECRET=HUSH false", NULL, GC_EX_UNAVAILABLE, "sh ended with 1" },
	/* it prints, and goes on for a moment */
	{ "echo abc; exec >&-; i=0; while [ $i -lt 999 ]; do i=$((i+1)); done",
	    "abc", 0, "" },
	/* it ends, and what it left behind holds the pipe */
	{ "sleep 3 & echo abc", "abc", 0, "" },
};

int
main(void)
{
	struct asktoken a;
	struct token t;
	struct err e;
	int status;

	asktoken_init(&a);
	is_int(asktoken_feed(&a, &t, &e), 0, "not asked: no result");
	is_int(asktoken_fd(&a), -1, "nor anything to wait for");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = (struct err){ 0, "" };
		t = (struct token){ 0 };
		asktoken_start(&a, rows[i].command, 5000, ISSUED, &e);
		while ((status = asktoken_feed(&a, &t, &e)) == 0)
			poll(&(struct pollfd){ asktoken_fd(&a), POLLIN, 0 },
			    1, 1);
		if (rows[i].token != NULL)
			is_str(status == 1 ? t.access_token : e.msg,
			    rows[i].token, rows[i].command);
		else
			ok(status == -1 && e.code == rows[i].code &&
			    strstr(e.msg, rows[i].said) != NULL &&
			    strstr(e.msg, "HUSH") == NULL, "%s: %s",
			    rows[i].command, e.msg);
		ok(!a.asking && a.child.pid == -1 && a.out.data == NULL,
		    "and all is over");
		token_free(&t);
	}
	asktoken_start(&a, "echo $GC_TOKEN_REFUSED-", 5000, NULL, &e);
	while (asktoken_feed(&a, &t, &e) == 0)
		poll(&(struct pollfd){ asktoken_fd(&a), POLLIN, 0 }, 1, 10);
	is_str(t.access_token, "-", "none was refused");
	token_free(&t);
	asktoken_start(&a, "sleep 600", 5000, NULL, &e);
	is_int(asktoken_feed(&a, &t, &e), 0, "it thinks");
	asktoken_stop(&a);
	ok(a.child.pid == -1 && asktoken_feed(&a, &t, &e) == 0, "stopped");
	asktoken_free(&a);
	asktoken_free(&a);
	return done();
}
