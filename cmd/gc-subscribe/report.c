/* Status, metrics, rejects, notes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/log.h"

#define TELL_MS 1000
#define STATUS_CAP (1 << 17)
#define ID_MAX 128		/* bytes; longer ids are counted together */
#define FRAMES_METRIC "gc_subscribe_subscription_frames_total"
#define ASKED_METRIC "gc_subscribe_requests_total"

static const char *reject_reasons[REJECTS];

void
report_status(struct app *app)
{
	struct buf line;

	buf_init(&line, STATUS_CAP);
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
	for (size_t i = 0; i < app->sub_count; i++) {
		buf_adds(&line, i ? "," : "");
		buf_add_json(&line, app->subs[i].id.data,
		    app->subs[i].id.len);
		buf_addf(&line, ":%" PRIu64, app->subs[i].frames);
	}
	buf_addf(&line, "},\"otherSubscriptions\":%" PRIu64,
	    app->other_frames);
	if (app->fleet != NULL)
		fleet_status(app, &line);
	buf_adds(&line, "}");
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
		r->told = r->count;
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

void
report_came(struct app *app)
{
	app->frames++;
	if (app->metrics.path != NULL)
		app->metrics.heard_ms = (uint64_t)clock_wall_ms();
}

/* The metric of an id, as Prometheus writes a label. */
static char *
label(const struct buf *id)
{
	struct buf name;

	buf_init(&name, 2 * ID_MAX + 128);
	buf_adds(&name, FRAMES_METRIC "{subscription=\"");
	for (size_t i = 0; i < id->len; i++) {
		char c = id->data[i];

		if (c == '\\' || c == '"' || c == '\n')
			buf_adds(&name, "\\");
		buf_add(&name, c == '\n' ? "n" : &c, 1);
	}
	buf_adds(&name, "\"}");
	return buf_take(&name);
}

/* A place for a new id: a free one, or that of the id unheard of for the
 * longest time, whose frames are then others'.  Each reconnect brings new
 * ids. */
static struct subscription *
new_place(struct app *app)
{
	struct subscription *s = &app->subs[0];

	if (app->sub_count < SUBSCRIPTIONS_MAX)
		return &app->subs[app->sub_count++];
	for (size_t i = 1; i < SUBSCRIPTIONS_MAX; i++)
		if (app->subs[i].last < s->last)
			s = &app->subs[i];
	app->other_frames += s->frames;
	buf_free(&s->id);
	free(s->metric);
	return s;
}

static struct subscription *
find_subscription(struct app *app, const char *id, size_t len)
{
	for (size_t i = 0; i < app->sub_count; i++)
		if (app->subs[i].id.len == len &&
		    memcmp(app->subs[i].id.data, id, len) == 0)
			return &app->subs[i];
	return NULL;
}

static void
count_subscription(struct app *app, struct slice told)
{
	struct subscription *s = NULL;
	struct buf id;

	if (!told.escaped)
		s = find_subscription(app, told.p, told.len);
	if (s != NULL) {
		s->frames++;
		s->last = app->frames;
		return;
	}
	buf_init(&id, ID_MAX);
	if (slice_unescape(told, &id) == -1) {
		app->other_frames++;
		buf_free(&id);
		return;
	}
	s = find_subscription(app, id.data, id.len);
	if (s == NULL) {
		s = new_place(app);
		*s = (struct subscription){ .id = id, .metric = label(&id) };
	} else {
		buf_free(&id);
	}
	s->frames++;
	s->last = app->frames;
}

/* Many agents and no filter: said once. */
static void
count_agent(struct app *app, const char *user, size_t len)
{
	uint64_t h = 14695981039346656037u, word;
	size_t i, n;

	for (; len > 0; user += n, len -= n) {
		n = len < sizeof(word) ? len : sizeof(word);
		word = 0;
		memcpy(&word, user, n);
		h = (h ^ word) * 1099511628211u;
		h ^= h >> 32;	/* high bytes to where slots are chosen */
	}
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
report_frame(struct app *app, struct slice id, struct slice user)
{
	if (id.kind == SCAN_STRING && id.len > 0)
		count_subscription(app, id);
	if (user.kind == SCAN_STRING && user.len > 0 &&
	    app->opt.filters.count == 0 && !app->opt.resume &&
	    app->opt.subscriptions == NULL && app->agent_count <= AGENTS_NOTE)
		count_agent(app, user.p, user.len);
}

/* --- metrics ------------------------------------------------------------ */

void
report_asked(struct app *app, const char *kind, long status)
{
	struct asked *a = app->asked, *end = a + app->asked_count;
	char text[24] = "none";

	while (a < end && (a->kind != kind || a->status != status))
		a++;
	if (a == end && app->asked_count == ASKED_MAX) {
		app->other_asked++;
		return;
	}
	if (a == end) {
		app->asked_count++;
		*a = (struct asked){ .kind = kind, .status = status };
		if (status > 0)
			snprintf(text, sizeof(text), "%ld", status);
		snprintf(a->metric, sizeof(a->metric), ASKED_METRIC
		    "{kind=\"%s\",status=\"%s\"}", kind, text);
	}
	a->count++;
}

static struct app *measured;	/* metrics.compute is told nothing */

static struct metric *
compute_asked(struct app *app, struct metric *m)
{
	static const char help[] = "requests to the platform by kind and "
	    "status of the answer";

	for (size_t i = 0; i < app->asked_count; i++)
		*m++ = (struct metric){ app->asked[i].metric, help,
		    &app->asked[i].count };
	if (app->other_asked > 0)
		*m++ = (struct metric){ ASKED_METRIC
		    "{kind=\"\",status=\"\"}", help, &app->other_asked };
	return m;
}

static void
count_sockets(struct app *app)
{
	const struct fleet *f = app->fleet;

	app->sockets = 1;
	app->sockets_open = app->is_open;
	if (f == NULL)
		return;
	app->sockets = app->sockets_open = 0;
	for (unsigned i = 0; i < f->shards.channels; i++) {
		app->sockets += f->shards.load[i] > 0;
		app->sockets_open += f->slots[i].is_open;
	}
}

/* What is there now after the figures that are always there. */
static void
compute(void)
{
	struct app *app = measured;
	struct metric *m = app->table + app->table_fixed;

	count_sockets(app);
	if (app->fleet != NULL)
		m = compute_asked(app, m);
	for (size_t i = 0; i < app->sub_count; i++)
		*m++ = (struct metric){ app->subs[i].metric,
		    "frames by subscription", &app->subs[i].frames };
	*m++ = (struct metric){ FRAMES_METRIC "{subscription=\"\"}",
	    "frames by subscription", &app->other_frames };
	app->metrics.count = (size_t)(m - app->table);
}

void
report_start(struct app *app, const char *path)
{
	const struct metric fixed[] = {
		{ "gc_subscribe_frames_total", "frames received",
		    &app->frames },
		{ "gc_subscribe_printed_total", "event lines printed",
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
		{ "gc_subscribe_sockets", "connections that are wanted",
		    &app->sockets },
		{ "gc_subscribe_open", "of these, open now",
		    &app->sockets_open },
		{ "gc_subscribe_buffered_lines", "lines in memory",
		    &app->ring.count },
		{ "gc_subscribe_buffered_bytes", "bytes in memory",
		    &app->ring_bytes },
	};
	const size_t count = sizeof(fixed) / sizeof(fixed[0]);

	measured = app;
	app->table_fixed = count;
	app->table = xcalloc(count + SUBSCRIPTIONS_MAX + 1 + ASKED_MAX + 1,
	    sizeof(fixed[0]));
	memcpy(app->table, fixed, sizeof(fixed));
	app->metrics = (struct metrics){ .path = path, .table = app->table,
	    .heard_ms = (uint64_t)clock_wall_ms(), .compute = compute };
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

	app->ready_told = true;
	notify_systemd();
	if (app->opt.ready_fd == 0)
		return;
	n = write((int)app->opt.ready_fd, "\n", 1);
	if (n != 1)
		log_warn("--ready: can't write to descriptor %" PRIu64,
		    app->opt.ready_fd);
	close((int)app->opt.ready_fd);
}
