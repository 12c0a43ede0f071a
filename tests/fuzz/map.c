/*
 * Any answer of the truth, through the jq programs of gc-reconcile: it is
 * refused with a sentence, or makes one gc:state line about who was asked.
 */
#include "cmd/gc-reconcile/answer.c"
#include "tests/fuzz/fuzz.h"

static struct buf printed;

/* In the place of lib/filter's. */
void
filter_put(struct filter *f, const char *bytes, size_t len)
{
	(void)f;
	require(buf_add(&printed, bytes, len) == 0);
}

static void
check_line(struct event *ev)
{
	const char *line = printed.data;
	size_t len = printed.len;

	require(len > 0 && len - 1 <= NDJSON_LINE_MAX &&
	    memchr(line, '\n', len) == line + len - 1 &&
	    event_parse(ev, line, len - 1, ~0u) == NULL &&
	    ev->kind == EVENT_STATE && ev->seq == 7 &&
	    text_is(ev->user_id, "ann") && text_is(ev->reason, "start"));
}

/* Is it about somebody else? */
static bool
is_of_another(const struct app *app, const char *text, size_t len)
{
	char *id = NULL;
	const struct json_field f = { app->config.channels ? "id" : "userId",
	    JSON_STRING, &id, NULL };
	bool other;

	json_read(text, len, &f, 1, NULL);
	other = id != NULL && strcmp(id, "ann") != 0;
	free(id);
	return other;
}

static void
answer(struct app *app, struct ask *ask, const char *text, size_t len)
{
	const struct answer an = { ask, 7, "start", 0, text, len };
	struct err e;

	buf_reset(&printed);
	if (answer_state(app, &an, &e) == 0) {
		/* of a user who is gone only a 404 tells */
		check_line(&app->ev);
		require(!is_of_another(app, text, len));
		require(app->ev.tier.status.p != NULL ||
		    app->ev.queues.count > 0 || parts_say(&app->ev.parts));
	} else {
		require(printed.len == 0 && e.msg[0] != '\0');
		answer_unverified(app, ask, 7, "start", 200, e.msg);
		require(event_parse(&app->ev, printed.data, printed.len - 1,
		    ~0u) == NULL && app->ev.kind == EVENT_UNVERIFIED);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app apps[2];
	static struct ask *ask;

	if (ask == NULL) {
		ask = xcalloc(1, sizeof(*ask) + 4);
		ask->user_id_len = 3;
		memcpy(ask->user_id, "ann", 3);
		buf_init(&printed, LINE_CAP);
		for (int channels = 0; channels < 2; channels++) {
			apps[channels].config.channels = channels;
			event_init(&apps[channels].ev);
			event_init(&apps[channels].check);
			answer_start(&apps[channels]);
		}
	}
	answer(&apps[0], ask, (const char *)data, size);
	answer(&apps[1], ask, (const char *)data, size);
	return 0;
}
