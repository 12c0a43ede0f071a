#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/str.h"

#define METRICS_CAP (1 << 20)

/* A label's value, as Prometheus writes one. */
static void
add_label(struct buf *out, const char *value)
{
	for (; *value != '\0'; value++)
		buf_addf(out, "%s%c", strchr("\\\"", *value) != NULL ?
		    "\\" : "", *value);
}

/* The name, with the profile as its first label. */
static void
add_name(struct buf *out, const char *name)
{
	const char *profile = getenv("GC_PROFILE");
	int family = (int)strcspn(name, "{");

	if (profile == NULL || *profile == '\0') {
		buf_adds(out, name);
		return;
	}
	buf_addf(out, "%.*s{profile=\"", family, name);
	add_label(out, profile);
	buf_addf(out, "\"%s%s", name[family] == '\0' ? "}" : ",",
	    name[family] == '\0' ? "" : name + family + 1);
}

static void
add_metric(struct buf *out, const struct metric *m, const struct metric *last)
{
	int family = (int)strcspn(m->name, "{");
	char bare[128];

	snprintf(bare, sizeof(bare), "%.*s", family, m->name);
	if (last == NULL || strncmp(last->name, bare, (size_t)family) != 0 ||
	    (last->name[family] != '{' && last->name[family] != '\0'))
		buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", bare, m->help,
		    bare, str_ends(bare, "_total") ? "counter" : "gauge");
	add_name(out, m->name);
	if (str_ends(bare, "_seconds"))
		buf_addf(out, " %" PRIu64 ".%03u\n", *m->value / 1000,
		    (unsigned)(*m->value % 1000));
	else
		buf_addf(out, " %" PRIu64 "\n", *m->value);
}

/* What every tool has. */
static void
add_common(struct buf *out, const struct metrics *m)
{
	uint64_t written_ms = (uint64_t)clock_wall_ms();
	const struct metric rows[] = {
		{ "gc_metrics_failures_total", "writings of this file that "
		    "failed", &m->failures },
		{ "gc_metrics_written_timestamp_seconds", "when this file was "
		    "written", &written_ms },
		{ "gc_last_input_timestamp_seconds", "when input last came, "
		    "or the tool began", &m->heard_ms },
	};
	const size_t count = sizeof(rows) / sizeof(rows[0]);
	char name[128];

	for (size_t i = 0; i < count - (m->heard_ms == 0); i++) {
		struct metric row = rows[i];

		snprintf(name, sizeof(name), "%s{tool=\"%s\"}", row.name,
		    log_get_name());
		row.name = name;
		add_metric(out, &row, NULL);
	}
}

void
metrics_write(struct metrics *m)
{
	struct buf out;
	struct err e;

	if (m->path == NULL)
		return;
	if (m->compute != NULL)
		m->compute();
	buf_init(&out, METRICS_CAP);
	for (size_t i = 0; i < m->count; i++)
		add_metric(&out, &m->table[i], i ? &m->table[i - 1] : NULL);
	add_common(&out, m);
	if (file_publish(m->path, out.data, out.len, &e) == -1) {
		m->failures++;
		if (!m->failing)
			log_warn("metrics: %s; tried again", e.msg);
		m->failing = true;
	} else {
		if (m->failing)
			log_warn("metrics: '%s' is written again", m->path);
		m->failing = false;
	}
	buf_free(&out);
}

int64_t
metrics_tick(struct metrics *m, int64_t now_ms)
{
	if (m->path == NULL)
		return CLOCK_NEVER;
	if (m->due_ms == 0)
		file_sweep(m->path);
	if (now_ms >= m->due_ms) {
		metrics_write(m);
		m->due_ms = now_ms + METRICS_PERIOD_MS;
	}
	return m->due_ms;
}
