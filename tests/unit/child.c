/* Programs with pipes: words, shells, environment, what is said of those
 * that are not there. */
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/child.h"
#include "tests/tap.h"

/* Run it to its end: its exit code, what it printed in out, and what it
 * said on stderr in said. */
static int
run(const char *command, char *const env[], const char *input,
    struct buf *out, struct buf *said)
{
	struct child c;
	struct err e = { 0, "" };
	FILE *errors = tmpfile();
	int saved = dup(2), code = -1;
	ssize_t n;

	dup2(fileno(errors), 2);
	buf_reset(out);
	buf_reset(said);
	if (child_start(&c, command, env, input != NULL, &e) == -1)
		return -1;
	dup2(saved, 2);
	close(saved);
	if (input != NULL && write(c.to, input, strlen(input)) == -1)
		return -1;
	child_close_stdin(&c);
	do {
		poll(&(struct pollfd){ c.from, POLLIN, 0 }, 1, -1);
		n = read(c.from, buf_room(out, 4096), 4096);
		if (n > 0)
			buf_grew(out, (size_t)n);
	} while (n != 0);
	child_close_stdout(&c);
	while (child_reap(&c, &code) == 0)
		poll(NULL, 0, 1);
	rewind(errors);
	buf_grew(said, fread(buf_room(said, 4096), 1, 4096, errors));
	fclose(errors);
	return code;
}

static void
test_many_words(struct buf *out, struct buf *said)
{
	struct buf command, want;

	buf_init(&command, 4096);
	buf_init(&want, 4096);
	buf_adds(&command, "echo");
	for (int i = 0; i < 200; i++) {
		buf_addf(&command, "  %d", i);
		buf_addf(&want, i > 0 ? " %d" : "%d", i);
	}
	buf_adds(&want, "\n");
	is_int(run(command.data, NULL, NULL, out, said), 0, "200 words");
	is_str(out->data, want.data, "and none is lost");
	buf_free(&command);
	buf_free(&want);
}

static const struct { const char *command, *name; } commands[] = {
	{ "gc-token", "gc-token" }, { "gc-token --raw HUSH", "gc-token" },
	{ " \t/opt/x/vault\tHUSH", "/opt/x/vault" }, { "", "sh" },
	{ "curl -u \"me:HUSH\" https://x", "curl" },
	{ "GC_CLIENT_SECRET=HUSH gc-token", "sh" },
	{ "exit 77; HUSH", "exit" },
	{ "A=\"HU SH\" x", "sh" }, { "$(HUSH) x", "sh" }, { "x|y", "sh" },
};

static void
test_names(void)
{
	char name[CHILD_NAME_MAX];

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		child_name(commands[i].command, name);
		is_str(name, commands[i].name, commands[i].command);
	}
}

int
main(void)
{
	char setting[] = "GC_TEST=given";
	char *env[] = { setting, NULL };
	struct buf out, said;
	struct child c = CHILD_NONE;
	struct err e;

	buf_init(&out, 1 << 16);
	buf_init(&said, 1 << 16);
	is_int(run("echo one \t two", NULL, NULL, &out, &said), 0, "words");
	is_str(out.data, "one two\n", "separated by blanks");
	is_int(run("echo $GC_TEST | tr a-z A-Z", env, NULL, &out, &said), 0,
	    "a shell's");
	is_str(out.data, "GIVEN\n", "with the settings for it");
	ok(getenv("GC_TEST") == NULL, "which are not ours");
	is_int(run("cat", NULL, "in", &out, &said), 0, "with its stdin");
	is_str(out.data, "in", "what goes in comes out");
	is_int(run("cat", NULL, NULL, &out, &said), 0, "without: nothing");
	is_int(run("exit 77;", NULL, NULL, &out, &said), 77, "its code");
	is_int(run("kill -9 $$", NULL, NULL, &out, &said), 128 + 9,
	    "or 128 and its signal");
	test_many_words(&out, &said);
	is_int(run("/nowhere/vault HUSH", NULL, NULL, &out, &said), 127,
	    "not there");
	ok(strstr(said.data, "can't run '/nowhere/vault': ") != NULL &&
	    strstr(said.data, "HUSH") == NULL, "said, without the rest: %s",
	    said.data);
	is_int(run(" ", NULL, NULL, &out, &said), 127, "no word at all");
	test_names();
	child_start(&c, "sleep 600", NULL, true, &e);
	child_kill(&c);
	ok(c.pid == -1 && c.to == -1 && c.from == -1, "killed and reaped");
	child_kill(&c);
	buf_free(&out);
	buf_free(&said);
	return done();
}
