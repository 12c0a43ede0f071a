/* The page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-board/board.h"
#include "lib/clock.h"
#include "lib/die.h"

#define RATE_SECONDS 10
#define RED "<p class=\"red\" role=\"alert\">"
#define QUEUES_MAX 60		/* rows: nobody reads more from afar */

/* --- what is wrong ------------------------------------------------------ */

static void
add_red(struct buf *out, const char *text)
{
	buf_addf(out, RED "%s</p>\n", text);
}

static void
add_connection(struct buf *out, const struct page *p, int64_t wall_ms)
{
	const struct sight_socket *worst = sight_worst(&p->crew->sight);

	if (p->ended || worst == NULL || worst->state == SIGHT_OPEN ||
	    worst->state == SIGHT_NEVER)
		return;
	buf_adds(out, RED "The stream is blind: the connection is ");
	buf_adds(out, worst->state == SIGHT_CLOSED ? "closed" :
	    "down, and everyone is polled");
	buf_adds(out, ", for ");
	text_age(out, wall_ms - worst->since_ms);
	if (worst->state == SIGHT_CLOSED && worst->reason[0] != '\0') {
		buf_adds(out, " (");
		text_remote(out, worst->reason);
		buf_adds(out, ")");
	}
	buf_adds(out, ".</p>\n");
}

static void
add_alarms(struct buf *out, const struct page *p, int64_t wall_ms)
{
	const struct crew *c = p->crew;

	buf_adds(out, "<p id=\"old\" class=\"red\" role=\"alert\" hidden>"
	    "</p>\n");
	if (p->ended) {
		add_red(out, "The stream has ended: this is what was known "
		    "last.");
	} else if (c->heard_ms == 0) {
		add_red(out, "Nothing has come yet.");
	} else if (wall_ms - c->heard_ms >= p->old_ms) {
		buf_adds(out, RED "The data is old: nothing has come for ");
		text_age(out, wall_ms - c->heard_ms);
		buf_adds(out, ".</p>\n");
	}
	add_connection(out, p, wall_ms);
	if (c->doubted > 0)
		buf_addf(out, RED "%zu of %zu agents are in doubt.</p>\n",
		    c->doubted, c->here);
}

/* --- statuses ----------------------------------------------------------- */

struct row {
	size_t number;		/* of a status, a queue or an agent */
	int64_t order;		/* the highest first */
	const char *name;	/* and of equal ones by name */
};

static int
by_order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->order != y->order)
		return x->order > y->order ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The statuses that someone is in, by kind, then by how many. */
static struct row *
sorted_statuses(const struct crew *c, const struct crew_count *counts,
    size_t *n)
{
	struct row *rows = xcalloc(c->statuses.count, sizeof(*rows));

	*n = 0;
	for (size_t i = 0; i < c->statuses.count; i++) {
		const char *name = crew_status_name(c, i);

		if (counts[i].agents > 0)
			rows[(*n)++] = (struct row){ i, ((int64_t)(CREW_KINDS -
			    crew_kind(name)) << 32) +
			    (int64_t)counts[i].agents, name };
	}
	qsort(rows, *n, sizeof(*rows), by_order);
	return rows;
}

static void
add_tiles(struct buf *out, const struct crew *c,
    const struct crew_count *counts)
{
	size_t n;
	struct row *rows = sorted_statuses(c, counts, &n);

	buf_adds(out, "<ul class=\"tiles\">\n");
	for (size_t i = 0; i < n; i++) {
		const struct crew_count *count = &counts[rows[i].number];
		enum crew_kind kind = crew_kind(rows[i].name);

		buf_addf(out, "<li class=\"%s\"><b>%zu</b><span>",
		    crew_kind_name(kind), count->agents);
		text_status(out, rows[i].name);
		buf_adds(out, "</span>");
		if (count->doubted > 0)
			buf_addf(out, "<i>%zu in doubt</i>", count->doubted);
		buf_adds(out, "</li>\n");
	}
	if (n == 0)
		buf_adds(out, "<li class=\"off\"><b>0</b><span>no agents"
		    "</span></li>\n");
	buf_adds(out, "</ul>\n");
	free(rows);
}

/* --- queues ------------------------------------------------------------- */

static void
add_queue(struct buf *out, const struct crew *c, size_t queue,
    struct crew_count *counts)
{
	size_t all = crew_count(c, queue, counts), kinds[CREW_KINDS] = { 0 };

	for (size_t i = 0; i < c->statuses.count; i++)
		if (counts[i].agents > 0)
			kinds[crew_kind(crew_status_name(c, i))] +=
			    counts[i].agents;
	buf_adds(out, "<tr><th scope=\"row\">");
	text_remote(out, crew_queue_name(c, queue));
	buf_adds(out, "</th>");
	for (int k = 0; k < CREW_KINDS; k++)
		if (kinds[k] > 0)
			buf_addf(out, "<td class=\"n %s\">%zu</td>",
			    crew_kind_name((enum crew_kind)k), kinds[k]);
		else
			buf_adds(out, "<td></td>");
	buf_addf(out, "<td class=\"n\">%zu</td></tr>\n", all);
}

/* The largest first. */
static struct row *
sorted_queues(const struct crew *c, size_t *n)
{
	struct row *rows = xcalloc(c->queues.count + 1, sizeof(*rows));
	size_t *sizes = xcalloc(c->queues.count + 1, sizeof(*sizes));

	*n = 0;
	crew_queue_sizes(c, sizes);
	for (size_t i = 0; i < c->queues.count; i++)
		if (sizes[i] > 0)
			rows[(*n)++] = (struct row){ i, (int64_t)sizes[i],
			    crew_queue_name(c, i) };
	qsort(rows, *n, sizeof(*rows), by_order);
	free(sizes);
	return rows;
}

/* How many of each kind a queue's callers meet. */
static void
add_queues(struct buf *out, const struct crew *c, struct crew_count *counts)
{
	size_t n;
	struct row *rows = sorted_queues(c, &n);

	if (n > 0) {
		buf_adds(out, "<section><h2>Queues</h2><table class=\"queues\">"
		    "<thead><tr><th scope=\"col\">queue</th>");
		for (int k = 0; k < CREW_KINDS; k++)
			buf_addf(out, "<th scope=\"col\" class=\"n %s\" "
			    "title=\"%s\" aria-label=\"%s\">%s</th>",
			    crew_kind_name((enum crew_kind)k),
			    crew_kind_name((enum crew_kind)k),
			    crew_kind_name((enum crew_kind)k),
			    text_sign((enum crew_kind)k));
		buf_adds(out, "<th scope=\"col\" class=\"n\">all</th></tr>"
		    "</thead><tbody>\n");
	}
	for (size_t i = 0; i < n && i < QUEUES_MAX; i++)
		add_queue(out, c, rows[i].number, counts);
	if (n > 0)
		buf_adds(out, "</tbody></table>\n");
	if (n > QUEUES_MAX)
		buf_addf(out, "<p>and %zu smaller ones</p>\n", n - QUEUES_MAX);
	if (n > 0)
		buf_adds(out, "</section>\n");
	free(rows);
}

/* --- agents ------------------------------------------------------------- */

/* Who is at work, and longest in one status. */
static void
add_longest(struct buf *out, const struct page *p, int64_t wall_ms)
{
	const struct crew *c = p->crew;
	struct row *rows = xcalloc(c->ids.count + 1, sizeof(*rows));
	size_t n = 0;

	for (size_t i = 0; i < c->ids.count; i++) {
		const struct crew_agent *a = &c->agents[i];

		if (a->here && a->since.sec != 0 && a->status != 0 &&
		    crew_kind(crew_status_name(c, a->status)) != CREW_OFF)
			rows[n++] = (struct row){ i, wall_ms -
			    stamp_to_ms(a->since), crew_agent_name(c, i) };
	}
	qsort(rows, n, sizeof(*rows), by_order);
	if (n > p->longest)
		n = (size_t)p->longest;
	if (n > 0)
		buf_adds(out, "<section><h2>Longest in one status</h2><table>"
		    "<thead><tr><th scope=\"col\">agent</th><th scope=\"col\">"
		    "status</th><th scope=\"col\" class=\"n\">for</th></tr>"
		    "</thead><tbody>\n");
	for (size_t i = 0; i < n; i++) {
		const struct crew_agent *a = &c->agents[rows[i].number];
		enum crew_kind kind = crew_kind(crew_status_name(c,
		    a->status));

		buf_adds(out, "<tr><th scope=\"row\">");
		text_remote(out, rows[i].name);
		buf_addf(out, "</th><td class=\"%s\">", crew_kind_name(kind));
		text_status(out, crew_status_name(c, a->status));
		buf_adds(out, a->doubted ? " <span class=\"alarm\">?</span>"
		    "</td><td class=\"n\">" : "</td><td class=\"n\">");
		text_age(out, rows[i].order);
		buf_adds(out, "</td></tr>\n");
	}
	if (n > 0)
		buf_adds(out, "</tbody></table></section>\n");
	free(rows);
}

/* --- the whole ---------------------------------------------------------- */

static void
add_head(struct buf *out, const struct page *p, int64_t wall_ms)
{
	int64_t seconds = (p->interval_ms + 999) / 1000;

	buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width,initial-scale=1\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; style-src 'unsafe-inline'; script-src "
	    "'sha256-");
	buf_addf(out, "%s'\">\n<meta http-equiv=\"refresh\" content=\"%" PRId64
	    "\">\n<title>", style_script_hash, seconds);
	text_remote(out, p->title);
	buf_addf(out, "</title>\n<style>%s</style>\n</head>\n<body data-at=\"%"
	    PRId64 "\" data-old=\"%" PRId64 "\">\n<header><h1>", style_sheet,
	    wall_ms, 3 * p->interval_ms + 5000);
	text_remote(out, p->title);
	buf_adds(out, "</h1>\n<p>as of ");
	text_clock(out, wall_ms);
	buf_adds(out, "</p></header>\n");
}

static void
add_legend(struct buf *out)
{
	buf_adds(out, "<ul class=\"legend\">");
	for (int k = 0; k < CREW_KINDS; k++)
		buf_addf(out, "<li class=\"%s\">%s %s</li>",
		    crew_kind_name((enum crew_kind)k),
		    text_sign((enum crew_kind)k),
		    crew_kind_name((enum crew_kind)k));
	buf_adds(out, "</ul>\n");
}

static void
add_foot(struct buf *out, const struct page *p, int64_t wall_ms)
{
	const struct sight *s = &p->crew->sight;
	const struct sight_socket *worst = sight_worst(s);
	int64_t lag_ms = sight_lag_ms(s, wall_ms, RATE_SECONDS);

	buf_addf(out, "<footer>%zu agents \xc2\xb7 %.1f changes/s \xc2\xb7 ",
	    p->crew->here, sight_rate(s, wall_ms, RATE_SECONDS));
	if (lag_ms >= 0)
		buf_addf(out, "lag %" PRId64 " ms \xc2\xb7 ", lag_ms);
	buf_addf(out, "connection %s \xc2\xb7 gc-board " GC_VERSION
	    "</footer>\n", worst == NULL ? "not told" :
	    sight_name(worst->state));
}

void
page_write(struct buf *out, const struct page *p, int64_t wall_ms)
{
	struct crew_count *counts = xcalloc(p->crew->statuses.count,
	    sizeof(*counts));

	add_head(out, p, wall_ms);
	add_alarms(out, p, wall_ms);
	crew_count(p->crew, INDEX_NONE, counts);
	buf_adds(out, "<main>\n<div>\n");
	add_tiles(out, p->crew, counts);
	buf_adds(out, "<section><h2>The last ");
	text_age(out, p->chart->span_ms);
	buf_adds(out, "</h2>\n");
	chart_write(out, p->chart, wall_ms);
	add_legend(out);
	buf_adds(out, "</section>\n</div>\n<div class=\"side\">\n");
	add_queues(out, p->crew, counts);
	add_longest(out, p, wall_ms);
	buf_adds(out, "</div>\n</main>\n");
	add_foot(out, p, wall_ms);
	buf_addf(out, "<script>%s</script>\n</body>\n</html>\n",
	    style_script);
	free(counts);
}
