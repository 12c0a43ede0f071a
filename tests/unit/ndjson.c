/* Lines out of a descriptor however they come, and into one that takes
 * little, nothing, or no more. */
#include <sys/socket.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/die.h"
#include "lib/ndjson.h"
#include "tests/tap.h"

#define MIB NDJSON_LINE_MAX

static const struct {
	const char *name;
	size_t len;		/* of a line of spaces... */
	const char *end;	/* ...and what stands behind it */
	const char *want;	/* l: a line, L: an over-long one */
} cases[] = {
	{ "nothing", 0, "", "" },
	{ "empty lines", 0, "\n\n\n", "" },
	{ "a last line without a newline", 0, "a\nb", "ll" },
	{ "1 MiB", MIB, "\na\n", "ll" },
	{ "1 MiB without a newline", MIB, "", "l" },
	{ "1 MiB and one", MIB + 1, "\na\n", "Ll" },
	{ "1 MiB and one without a newline", MIB + 1, "", "L" },
	{ "1 MiB and two without a newline", MIB + 2, "", "L" },
	{ "1 MiB and a block less one, likewise",
	    MIB + NDJSON_BLOCK - 1, "", "L" },
	{ "1 MiB and a block", MIB + NDJSON_BLOCK, "", "L" },
	{ "1 MiB and a block and one", MIB + NDJSON_BLOCK + 1, "", "L" },
	{ "3 MiB", 3 * MIB, "\na\n", "Ll" },
	{ "3 MiB without a newline", 3 * MIB, "", "L" },
};

static void
test_in(size_t i)
{
	FILE *f = tmpfile();
	struct ndjson_in in;
	enum ndjson_got got;
	const char *line;
	size_t len, raw, n = 0;
	char said[8] = "";

	for (size_t k = 0; k < cases[i].len; k++)
		putc(' ', f);
	fputs(cases[i].end, f);
	fflush(f);
	lseek(fileno(f), 0, SEEK_SET);
	ndjson_in_init(&in, fileno(f));
	while ((got = ndjson_next(&in, &line, &len, &raw)) != NDJSON_END) {
		if (got == NDJSON_MORE)
			ndjson_fill(&in);
		else if (n + 1 < sizeof(said))
			said[n++] = got == NDJSON_LINE ? 'l' : 'L';
	}
	is_str(said, cases[i].want, cases[i].name);
	is_int((long long)in.line, (long long)(n > 0 ? n :
	    strlen(cases[i].end)), "and it is counted");
	ndjson_in_free(&in);
	fclose(f);
}

/* A reader that takes what is there, some times, and then no more. */
struct reader {
	int fd;
	int takes, asked;
	size_t got;
};

static int
read_some(void *arg, int fd)
{
	static char bytes[1 << 16];
	struct reader *r = arg;
	ssize_t n;

	(void)fd;
	r->asked++;
	if (r->takes-- == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	while ((n = read(r->fd, bytes, sizeof(bytes))) > 0)
		r->got += (size_t)n;
	return 1;
}

static void
test_slow(void)
{
	struct reader r = { .takes = -1 };
	struct ndjson_out out;
	char line[100];
	int fds[2], wrong = 0;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	if (pipe(fds) == -1)
		return;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	r.fd = fds[0];
	ndjson_out_init(&out, fds[1], read_some, &r);
	for (int i = 0; i < 10000; i++)
		wrong += ndjson_put(&out, line, sizeof(line)) == -1;
	wrong += ndjson_flush(&out) == -1;
	ok(wrong == 0 && r.asked > 0, "a slow reader is waited for");
	read_some(&r, 0);
	is_int((long long)r.got, 10000 * (long long)sizeof(line),
	    "and gets all of it");
	is_int(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0,
	    "the description of others stays as it was");

	r.takes = 0;
	for (int i = 0; i < 3000 && out.error == 0; i++)
		ndjson_put(&out, line, sizeof(line));
	ndjson_flush(&out);
	is_int(out.error, ETIMEDOUT, "one that takes nothing is given up");
	ndjson_put(&out, line, sizeof(line));
	r.takes = 1;
	r.got = 0;
	read_some(&r, 0);
	is_int((long long)(out.lost + r.got / sizeof(line)),
	    (long long)(out.lines - 10000), "and what it missed is counted");
	close(fds[0]);
	close(out.fd);
	ndjson_out_free(&out);
}

/* As a filter does, with less patience. */
static int
wait_a_little(void *arg, int fd)
{
	struct reader *r = arg;
	struct pollfd p = { fd, POLLOUT, 0 };

	r->asked++;
	if (poll(&p, 1, 10) == 1)
		return 1;
	errno = ETIMEDOUT;
	return r->takes-- > 0 ? 0 : -1;
}

/* What cannot be opened anew, and may block: so it is not filled. */
static void
test_socket(void)
{
	struct reader r = { .takes = 2 };
	struct ndjson_out out;
	char line[100];
	int fds[2];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	r.fd = fds[0];
	ndjson_out_init(&out, fds[1], wait_a_little, &r);
	for (int i = 0; i < 100000 && out.error == 0; i++)
		ndjson_put(&out, line, sizeof(line));
	is_int(out.error, ETIMEDOUT, "a socket that is not read blocks nobody");
	is_int(r.takes, -1, "it is asked again before it is given up");
	r.takes = 1;
	read_some(&r, 0);
	is_int((long long)(out.lost + r.got / sizeof(line)),
	    (long long)out.lines, "no line is unaccounted for");
	close(fds[0]);
	close(fds[1]);
	ndjson_out_free(&out);
}

static void
test_others(void)
{
	struct ndjson_out out;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	if (pipe(fds) == -1)
		return;
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	ndjson_out_init(&out, fds[1], NULL, NULL);
	close(fds[0]);
	ndjson_put(&out, "a\n", 2);
	is_int(ndjson_flush(&out), -1, "a reader that is gone");
	is_int(out.error, EPIPE, "is one");
	ndjson_out_free(&out);
	close(out.fd);

	ndjson_out_init(&out, 999, NULL, NULL);
	ndjson_put(&out, "a\n", 2);
	is_int(ndjson_out_close(&out), -1, "no descriptor at all");
	is_int(out.error, EBADF, "is said");
	ndjson_out_free(&out);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_in(i);
	test_slow();
	test_socket();
	test_others();
	return done();
}
