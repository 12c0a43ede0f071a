#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/filter.h"
#include "lib/log.h"

#define TELL_MS 1000		/* rejects of one kind: a count so often */

/* The first signal starts the clock. */
static void
take_signals(struct filter *f)
{
	sigs_take(&f->sigs);
	if (f->sigs.stops > 0 && f->stop_ms == 0)
		f->stop_ms = clock_mono_ms();
}

/* The reader of stdout takes nothing: wait, but after a signal not long. */
static int
wait_for_reader(void *arg, int fd)
{
	struct filter *f = arg;
	struct pollfd fds[2] = { { fd, POLLOUT, 0 },
	    { f->sigs_fd, POLLIN, 0 } };
	int64_t now = clock_mono_ms(), due = CLOCK_NEVER;

	if (f->stop_ms != 0)
		due = f->stop_ms + FILTER_STOP_MS;
	if (poll(fds, 2, clock_poll_ms(now, due)) == -1)
		return 0;
	if (fds[0].revents != 0)
		return 1;
	if (fds[1].revents != 0) {
		f->woken = true;
		take_signals(f);
		return 0;
	}
	errno = ETIMEDOUT;
	return now >= due ? -1 : 0;
}

void
filter_end(struct filter *f)
{
	if (f->ending)
		return;
	f->ending = true;
	if (f->before_exit != NULL)
		f->before_exit();
	metrics_write(&f->metrics);
	ndjson_flush(&f->out);
}

/* stdout cannot be written: there is nothing left to do for anyone. */
static _Noreturn void
out_failed(struct filter *f, int error)
{
	if (f->out.error == 0)
		f->out.error = error;
	filter_end(f);
	if (error == EPIPE)
		sigs_die_pipe();
	if (error == ETIMEDOUT)
		die(GC_EX_IOERR, "stdout is not read: %" PRIu64 " lines were "
		    "not let out", f->out.lost);
	die(GC_EX_IOERR, "can't write to stdout: %s", strerror(error));
}

void
filter_put(struct filter *f, const char *bytes, size_t len)
{
	if (ndjson_put(&f->out, bytes, len) == -1 && !f->ending)
		out_failed(f, f->out.error);
}

void
filter_flush(struct filter *f)
{
	if (ndjson_flush(&f->out) == -1 && !f->ending)
		out_failed(f, f->out.error);
}

int
filter_open(struct filter *f, bool strict, const struct metrics *m,
    struct err *e)
{
	memset(f, 0, sizeof(*f));
	ndjson_in_init(&f->in, STDIN_FILENO);
	f->name = "stdin";
	ndjson_out_init(&f->out, STDOUT_FILENO, wait_for_reader, f);
	f->strict = strict;
	if (m != NULL)
		f->metrics = *m;
	f->metrics.heard_ms = (uint64_t)clock_wall_ms();
	f->now_ms = f->heard_ms = clock_mono_ms();
	f->sigs_fd = sigs_open(false, e);
	return f->sigs_fd == -1 ? -1 : 0;
}

static void
tell(const struct filter *f, struct filter_reason *r, int64_t now_ms)
{
	if (r->count > r->told)
		log_warn("%s: %" PRIu64 "%s rejected: %s", f->name,
		    r->count - r->told, r->told > 0 ? " more" : "",
		    r->text);
	r->told = r->count;
	r->told_ms = now_ms;
}

/* Say the counts that are due; the time at which the next one is. */
static int64_t
tell_due(struct filter *f)
{
	int64_t next = CLOCK_NEVER;

	if (f->quiet)
		return next;
	for (size_t i = 0; i < FILTER_REASONS && f->reasons[i].text; i++) {
		struct filter_reason *r = &f->reasons[i];

		if (r->count == r->told)
			continue;
		if (f->now_ms - r->told_ms >= TELL_MS)
			tell(f, r, f->now_ms);
		else if (r->told_ms + TELL_MS < next)
			next = r->told_ms + TELL_MS;
	}
	return next;
}

void
filter_reject(struct filter *f, const char *reason)
{
	struct filter_reason *r = f->reasons;
	size_t i = 0;

	f->rejected++;
	while (i < FILTER_REASONS - 1 && r[i].text != NULL &&
	    strcmp(r[i].text, reason) != 0)
		i++;
	r += i;
	if (f->strict) {
		filter_end(f);
		die(GC_EX_DATAERR, "%s:%" PRIu64 ": %s", f->name, f->in.line,
		    reason);
	}
	r->count++;
	if (r->text != NULL)
		return;
	r->text = reason;
	r->told_ms = f->now_ms;
	if (f->quiet)
		return;
	r->told = r->count;
	log_warn("%s:%" PRIu64 ": rejected: %s", f->name, f->in.line, reason);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is done before every wait; its deadline. */
static int64_t
before_wait(struct filter *f, int64_t deadline_ms)
{
	if (f->out.buf.len > 0)
		filter_flush(f);
	f->now_ms = clock_mono_ms();
	return earlier(earlier(deadline_ms, tell_due(f)),
	    metrics_tick(&f->metrics, f->now_ms));
}

/* And after: signals, and whether stdout is still read. */
static void
after_wait(struct filter *f, const struct pollfd *out)
{
	f->now_ms = clock_mono_ms();
	f->woken = false;
	take_signals(f);
	if (out->revents & (POLLERR | POLLHUP | POLLNVAL))
		out_failed(f, EPIPE);
}

int
filter_prepare(struct filter *f, int64_t deadline_ms, struct pollfd *fds)
{
	int64_t due = before_wait(f, deadline_ms);

	if (f->stop_ms != 0 && !f->input_done)
		due = earlier(due, earlier(f->heard_ms + FILTER_QUIET_MS,
		    f->stop_ms + FILTER_STOP_MS));
	fds[0] = (struct pollfd){ f->input_done ? -1 : f->in.fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ f->sigs_fd, POLLIN, 0 };
	/* no event asked: POLLERR tells that the reader is gone */
	fds[2] = (struct pollfd){ f->out.fd, 0, 0 };
	/* an end or a signal that is not told yet does not wait */
	if ((f->in.ended && !f->end_told) || f->woken)
		return 0;
	return clock_poll_ms(f->now_ms, due);
}

/* Did the first signal end the input by now? */
static bool
stopped(const struct filter *f)
{
	int64_t since = f->heard_ms > f->stop_ms ? f->heard_ms : f->stop_ms;

	return f->stop_ms != 0 && (f->now_ms - f->stop_ms >= FILTER_STOP_MS ||
	    (!f->readable && f->now_ms - since >= FILTER_QUIET_MS));
}

static _Noreturn void
in_failed(struct filter *f, int error)
{
	filter_end(f);
	die(GC_EX_IOERR, "can't read %s: %s", f->name, strerror(error));
}

bool
filter_collect(struct filter *f, const struct pollfd *fds)
{
	int got;

	after_wait(f, &fds[2]);
	f->readable = false;
	if (fds[0].revents != 0 && !f->in.ended) {
		got = ndjson_fill(&f->in);
		if (got == -2)
			in_failed(f, errno);
		if (got >= 0)
			f->heard_ms = f->now_ms;
		f->readable = got > 0;
		if (f->readable && f->metrics.path != NULL)
			f->metrics.heard_ms = (uint64_t)clock_wall_ms();
	}
	if (f->in.ended) {
		f->end_told = f->input_done;
		return !f->input_done;
	}
	if (stopped(f))
		ndjson_leave(&f->in);
	return true;
}

bool
filter_wait(struct filter *f, int64_t deadline_ms, struct pollfd *extra,
    size_t n)
{
	struct pollfd fds[FILTER_FDS + 8];
	int timeout;

	if (n > 8)
		die(GC_EX_SOFTWARE, "too many descriptors");
	timeout = filter_prepare(f, deadline_ms, fds);
	if (n > 0)
		memcpy(fds + FILTER_FDS, extra, n * sizeof(*extra));
	if (poll(fds, FILTER_FDS + n, timeout) == -1)
		for (size_t i = 0; i < FILTER_FDS + n; i++)
			fds[i].revents = 0;
	if (n > 0)
		memcpy(extra, fds + FILTER_FDS, n * sizeof(*extra));
	return filter_collect(f, fds);
}

bool
filter_pause(struct filter *f, int64_t deadline_ms)
{
	int64_t due = before_wait(f, deadline_ms);
	struct pollfd fds[2] = { { f->sigs_fd, POLLIN, 0 },
	    { f->out.fd, 0, 0 } };

	if (f->woken)
		due = f->now_ms;
	if (poll(fds, 2, clock_poll_ms(f->now_ms, due)) == -1)
		fds[1].revents = 0;
	after_wait(f, &fds[1]);
	return f->stop_ms == 0;
}

bool
filter_line(struct filter *f, const char **line, size_t *len, size_t *raw)
{
	for (;;) {
		switch (ndjson_next(&f->in, line, len, raw)) {
		case NDJSON_LINE:
			f->lines++;
			return true;
		case NDJSON_LONG:
			f->lines++;
			filter_reject(f, "longer than 1 MiB");
			continue;
		case NDJSON_MORE:
			return false;
		case NDJSON_END:
			f->input_done = true;
			return false;
		}
	}
}

void
filter_close(struct filter *f)
{
	for (size_t i = 0; i < FILTER_REASONS && f->reasons[i].text; i++)
		tell(f, &f->reasons[i], f->now_ms);
	metrics_write(&f->metrics);
	if (ndjson_out_close(&f->out) == -1)
		out_failed(f, f->out.error);
	ndjson_in_free(&f->in);
	ndjson_out_free(&f->out);
}
