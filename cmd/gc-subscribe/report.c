/* Status, metrics, rejects, notes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/gc-subscribe/subscribe.h"
#include "lib/clock.h"
#include "lib/log.h"

#define TELL_MS 1000

static const char *reject_reasons[REJECTS];

void
report_status(struct app *app)
{
	struct buf line;

	buf_init(&line, 1 << 16);
	buf_addf(&line, "{\"tool\":\"gc-subscribe\",\"state\":\"%s\","
	    "\"sandbox\":\"%s\",\"frames\":%" PRIu64
	    ",\"printed\":%" PRIu64 ",\"rejected\":%"
	    PRIu64 ",\"opens\":%" PRIu64 ",\"drops\":%" PRIu64
	    ",\"attempts\":%u,\"bufferedLines\":%" PRIu64
	    ",\"bufferedBytes\":%zu,\"lost\":%" PRIu64 ",\"subscriptions\":{",
	    session_state_name(app->state), app->sandbox, app->frames,
	    app->printed,
	    app->rejected, app->opens, app->drops, app->tries.attempts,
	    app->ring.count, app->ring.bytes, app->ring.lost);
	for (size_t i = 0; i < app->sub_count; i++)
		buf_addf(&line, "%s\"%s\":%" PRIu64, i ? "," : "",
		    app->subs[i].name, app->subs[i].frames);
	buf_adds(&line, "}}");
	log_raw(line.data, line.len);
	buf_free(&line);
}

void
report_reject(struct app *app, unsigned kind, const char *reason)
{
	struct reject *r = &app->rejects[kind];

	app->rejected++;
	r->count++;
	reject_reasons[kind] = reason;
	if (app->opt.strict) {
		log_error("frame %" PRIu64 ": rejected: %s", app->frames,
		    reason);
		app->exit_code = GC_EX_DATAERR;
		app->no_more = true;
		return;
	}
	if (r->count > 1)
		return;
	r->told = 1;
	r->told_ms = app->now_ms;
	log_warn("frame %" PRIu64 ": rejected: %s", app->frames, reason);
}

void
report_rejects_due(struct app *app, bool all)
{
	for (int i = 0; i < REJECTS; i++) {
		struct reject *r = &app->rejects[i];

		if (r->count == r->told ||
		    (!all && app->now_ms - r->told_ms < TELL_MS))
			continue;
		log_warn("%" PRIu64 " more frames rejected: %s",
		    r->count - r->told, reject_reasons[i]);
		r->told = r->count;
		r->told_ms = app->now_ms;
	}
}

static void
count_subscription(struct app *app, const char *id, size_t len)
{
	char name[64];
	size_t n = 0;

	for (; n < len && n < sizeof(name) - 1; n++) {
		char c = id[n];

		/* fit for a metric's label and for a terminal */
		name[n] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '.' ? c : '_';
	}
	name[n] = '\0';
	for (size_t i = 0; i < app->sub_count; i++)
		if (strcmp(app->subs[i].name, name) == 0) {
			app->subs[i].frames++;
			return;
		}
	if (app->sub_count == SUBSCRIPTIONS_MAX)
		return;
	app->subs[app->sub_count].frames = 1;
	app->subs[app->sub_count++].name = xstrdup(name);
}

/* Many agents and no filter: said once. */
static void
count_agent(struct app *app, const char *user, size_t len)
{
	uint64_t h = 14695981039346656037u;
	size_t i;

	for (size_t k = 0; k < len; k++)
		h = (h ^ (unsigned char)user[k]) * 1099511628211u;
	h |= 1;
	for (i = h % AGENT_SLOTS; app->agent_slots[i] != 0;
	    i = (i + 1) % AGENT_SLOTS)
		if (app->agent_slots[i] == h)
			return;
	app->agent_slots[i] = h;
	if (++app->agent_count == AGENTS_NOTE + 1)
		log_warn("more than %d agents and no filter: consider -f "
		    "queueId=… or -f teamId=…", AGENTS_NOTE);
}

void
report_frame(struct app *app, const char *id, size_t id_len,
    const char *user, size_t user_len)
{
	if (id_len > 0)
		count_subscription(app, id, id_len);
	if (user_len > 0 && app->opt.filters.count == 0 &&
	    !app->opt.resume && app->opt.subscriptions == NULL &&
	    app->agent_count <= AGENTS_NOTE)
		count_agent(app, user, user_len);
}

/* --- metrics ------------------------------------------------------------ */

void
report_start(struct app *app, const char *path)
{
	const struct metric fixed[] = {
		{ "gc_subscribe_frames_total", "frames received",
		    &app->frames },
		{ "gc_subscribe_printed_total", "event lines taken in",
		    &app->printed },
		{ "gc_subscribe_rejected_total", "frames rejected",
		    &app->rejected },
		{ "gc_subscribe_lost_total", "lines dropped by overrun",
		    &app->ring.lost },
		{ "gc_subscribe_connects_total", "connections tried",
		    &app->connects },
		{ "gc_subscribe_opens_total", "connections opened",
		    &app->opens },
		{ "gc_subscribe_drops_total", "connections ended",
		    &app->drops },
		{ "gc_subscribe_failovers_total", "gc:failover lines",
		    &app->failovers },
		{ "gc_subscribe_pings_total", "pings sent", &app->pings },
		{ "gc_subscribe_pongs_total", "pongs received", &app->pongs },
		{ "gc_subscribe_buffered_lines", "lines in memory",
		    &app->ring.count },
		{ "gc_subscribe_buffered_bytes", "bytes in memory",
		    &app->ring_bytes },
	};

	app->table_count = sizeof(fixed) / sizeof(fixed[0]);
	app->table = xcalloc(app->table_count, sizeof(fixed[0]));
	memcpy(app->table, fixed, sizeof(fixed));
	app->metrics = (struct metrics){ .path = path, .table = app->table,
	    .count = app->table_count };
}

/* --- readiness ---------------------------------------------------------- */

static void
notify_systemd(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (path == NULL || strlen(path) >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, strlen(path));
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(path))) == -1)
		log_note("systemd was not notified");
	close(fd);
}

void
report_ready(struct app *app)
{
	ssize_t n;

	if (app->opens > 1)
		return;
	notify_systemd();
	if (app->opt.ready_fd == 0)
		return;
	n = write((int)app->opt.ready_fd, "\n", 1);
	if (n != 1)
		log_warn("--ready: can't write to descriptor %" PRIu64,
		    app->opt.ready_fd);
	close((int)app->opt.ready_fd);
}
