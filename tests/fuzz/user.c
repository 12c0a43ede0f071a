/*
 * Any answers about one user of the platform, a line each: the user, then the
 * part that was missing, then the other.  Each is kept as a half, given up
 * with a sentence, or makes one gc:state line about who was asked, with all
 * its parts.
 */
#include "cmd/gc-reconcile/answer.c"
#include "cmd/gc-reconcile/user.c"
#include "tests/fuzz/fuzz.h"

static struct buf printed;
static unsigned kept, given_up, done;

/* --- what the rest of the tool does with it ----------------------------- */

void
filter_put(struct filter *f, const char *bytes, size_t len)
{
	(void)f;
	require(buf_add(&printed, bytes, len) == 0);
}

const char *
label_of(struct app *app, const char *id)
{
	(void)app;
	return *id == 'd' ? "\"Ready\"" : NULL;
}

bool
activity_wanted(const struct app *app)
{
	(void)app;
	return false;		/* the active queues are asked elsewhere */
}

void
ask_drop_half(struct ask *a)
{
	free(a->half);
	a->half = NULL;
}

void
ask_keep_half(struct app *app, struct ask *a, struct half *half)
{
	(void)app;
	ask_drop_half(a);
	a->half = half;
	kept++;
}

void
ask_done(struct app *app, struct ask *a, bool answered)
{
	(void)app, (void)a;
	require(answered);
	done++;
}

void
ask_again(struct app *app, struct ask *a, int64_t due_ms)
{
	(void)app, (void)a, (void)due_ms;
	require(false);		/* nothing was asked meanwhile */
}

void
judge_give_up(struct app *app, struct job *j, const char *error)
{
	(void)app, (void)j;
	require(error[0] != '\0');
	given_up++;
}

/* ------------------------------------------------------------------------ */

static void
check_line(struct event *ev)
{
	const char *line = printed.data;
	size_t len = printed.len;

	require(len > 0 && len - 1 <= NDJSON_LINE_MAX &&
	    memchr(line, '\n', len) == line + len - 1 &&
	    event_parse(ev, line, len - 1, ~0u) == NULL &&
	    ev->kind == EVENT_STATE && ev->seq == 7 && !ev->partial &&
	    text_is(ev->user_id, "ann") && text_is(ev->reason, "start") &&
	    ev->queues.told && ev->queues.count == 0);
	/* gone, or all of it */
	require((ev->tier.status.p == NULL) ==
	    (ev->parts.presence.status.p == NULL) &&
	    ev->parts.active.status.p == NULL);
}

/* True if there is no more to ask. */
static bool
answer(struct app *app, struct job *j, const char *text, size_t len)
{
	kept = given_up = done = 0;
	buf_reset(&printed);
	buf_reset(&j->reply.body);
	buf_add(&j->reply.body, text, len);
	j->kind = j->ask->half != NULL ? j->ask->half->missing : JOB_USER;
	user_answer(app, j);
	require(kept + given_up + done == 1 && (printed.len > 0) == done);
	if (done)
		check_line(&app->ev);
	return !kept;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app app;
	static struct job job;
	const char *p = (const char *)data, *newline;
	bool over = false;
	size_t len;

	if (job.ask == NULL) {
		job.ask = xcalloc(1, sizeof(*job.ask) + 4);
		job.ask->user_id_len = 3;
		job.ask->sent_seq = 7;
		memcpy(job.ask->user_id, "ann", 3);
		job.reason = xstrdup("start");
		http_reply_init(&job.reply);
		buf_init(&printed, LINE_CAP);
		app.config.channels = true;
		event_init(&app.ev);
		event_init(&app.check);
		answer_start(&app);
	}
	for (; !over; p += len, size -= len) {
		newline = size > 0 ? memchr(p, '\n', size) : NULL;
		len = newline ? (size_t)(newline + 1 - p) : size;
		over = answer(&app, &job, p, len) || len == size;
	}
	ask_drop_half(job.ask);
	return 0;
}
