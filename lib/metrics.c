#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/metrics.h"
#include "lib/str.h"

#define METRICS_CAP (1 << 20)

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
	buf_addf(out, "%s %" PRIu64 "\n", m->name, *m->value);
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
	buf_addf(&out, "# HELP gc_metrics_failures_total writings of this "
	    "file that failed\n# TYPE gc_metrics_failures_total counter\n"
	    "gc_metrics_failures_total %" PRIu64 "\n", m->failures);
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
