/* With no terminal: one table, at the end. */
#include <string.h>

#include "cmd/gc-top/top.h"

/* As wide as the widest, at least as the head. */
static int
width(const struct view *v, int least, const char *(*text)(const struct view *,
    uint32_t))
{
	size_t most = (size_t)least;

	for (size_t i = 0; i < v->count; i++) {
		size_t n = strlen(text(v, v->rows[i]));

		if (n > most)
			most = n;
	}
	return most > 40 ? 40 : (int)most;
}

static const char *
name_of(const struct view *v, uint32_t agent)
{
	return crew_agent_name(v->crew, agent);
}

static const char *
status_of(const struct view *v, uint32_t agent)
{
	return crew_status_name(v->crew, view_status(v, agent));
}

static void
add_queues(struct buf *out, const struct crew *c, const struct crew_agent *a)
{
	for (size_t i = 0; i < a->post_count; i++) {
		const char *name = crew_queue_name(c, a->posts[i].queue);

		if (i > 0)
			buf_adds(out, ", ");
		cells_fit(out, name, strlen(name) > 40 ? 40 :
		    (int)strlen(name));
		while (out->len > 0 && out->data[out->len - 1] == ' ')
			out->len--;
	}
	if (a->post_count == 0)
		buf_adds(out, "-");
}

static void
add_age(struct buf *out, struct stamp since, int64_t wall_ms)
{
	size_t from = out->len;

	cells_age(out, since, wall_ms);
	while (out->len - from < 8)
		buf_adds(out, " ");
}

void
plain_print(struct filter *f, struct view *v, int64_t wall_ms)
{
	int names, statuses;
	struct buf out;

	view_make(v);
	names = width(v, 5, name_of);
	statuses = width(v, 6, status_of);
	buf_init(&out, 1 << 16);
	cells_fit(&out, "AGENT", names + 2);
	cells_fit(&out, "STATUS", statuses + 2);
	buf_adds(&out, "FOR     DOUBT  QUEUES\n");
	for (size_t i = 0; i < v->count; i++) {
		const struct crew_agent *a = &v->crew->agents[v->rows[i]];

		filter_put(f, out.data, out.len);
		buf_reset(&out);
		cells_fit(&out, name_of(v, v->rows[i]), names);
		buf_adds(&out, "  ");
		cells_fit(&out, status_of(v, v->rows[i]), statuses);
		buf_adds(&out, "  ");
		add_age(&out, a->since, wall_ms);
		buf_adds(&out, a->doubted ? "yes    " : "no     ");
		add_queues(&out, v->crew, a);
		buf_adds(&out, "\n");
	}
	filter_put(f, out.data, out.len);
	buf_free(&out);
}
