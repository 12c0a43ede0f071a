/* Where a line is drawn, and where none is. */
#include "lib/statusline.h"
#include "tests/tap.h"

#define FINE .terminal = true, .term = "xterm"

static const struct row {
	const char *what;
	bool fits;
	struct statusline_place place;
} rows[] = {
	{ "a terminal, and a file", true, { FINE } },
	{ "no terminal", false, { .term = "xterm" } },
	{ "stdout is a terminal", false, { FINE, .stdout_terminal = true } },
	{ "however it is asked for", false, { FINE, .stdout_terminal = true,
	    .pipe_wanted = true } },
	{ "stdout is a pipe", false, { FINE, .stdout_pipe = true } },
	{ "a pipe, asked for", true, { FINE, .stdout_pipe = true,
	    .pipe_wanted = true } },
	{ "quiet", false, { FINE, .quiet = true } },
	{ "for a program", false, { FINE, .json = true } },
	{ "no colour", false, { FINE, .no_color = "1" } },
	{ "no colour, but empty", true, { FINE, .no_color = "" } },
	{ "dumb", false, { .terminal = true, .term = "dumb" } },
	{ "unknown", false, { .terminal = true, .term = "" } },
	{ "not even that", false, { .terminal = true } },
};

int
main(void)
{
	struct statusline none = { .on = false };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(statusline_fits(&rows[i].place), rows[i].fits,
		    rows[i].what);
	is_int(statusline_due(&none), INT64_MAX, "none is never due");
	return done();
}
