/* The lines that answer: gc:state, made by a jq program, gc:unverified. */
#include <inttypes.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/file.h"
#include "lib/log.h"

#define MAP_MAX (1 << 20)
#define LINE_CAP (4 << 20)

/*
 * From the platform's answer to the fields of gc:agent.  An answer with a
 * queueId of its own speaks of that queue only.
 */
const char answer_program[] =
    "def tier($q): {\n"
    "  currentStatus: (.status // .currentStatus),\n"
    "  previousStatus: (.previousStatus // null),\n"
    "  wrapUpCode: (.wrapUpCode // null),\n"
    "  queueId: $q,\n"
    "  lastUpdatedTimestamp: (.timestamp // .lastUpdatedTimestamp)};\n"
    "def nothing: {currentStatus: null, previousStatus: null,\n"
    "  wrapUpCode: null, queueId: null, lastUpdatedTimestamp: null};\n"
    "if type != \"object\" then error(\"not an object\")\n"
    "elif (.status // .currentStatus | type) != \"string\"\n"
    "  then error(\"no status in it\")\n"
    "else (if (.userId | type) == \"string\" then {userId} else {} end)\n"
    "  + {name: (if (.name | type) == \"string\" then .name\n"
    "      else null end)}\n"
    "  + (if (.queueId | type) == \"string\"\n"
    "    then nothing + {queues: {(.queueId): tier(.queueId)},\n"
    "      partial: true}\n"
    "    else tier(null) + {queues:\n"
    "      (if (.queues | type) == \"array\"\n"
    "        then [.queues[] | {key: .queueId, value: tier(.queueId)}]\n"
    "          | from_entries\n"
    "      elif (.queues | type) == \"object\"\n"
    "        then .queues | with_entries(.key as $k\n"
    "          | .value |= tier($k))\n"
    "      else null end)}\n"
    "    end)\n"
    "end\n";

void
answer_start(struct app *app)
{
	const char *source = answer_program;
	struct buf text;
	struct err e;

	buf_init(&app->line, LINE_CAP);
	buf_init(&text, MAP_MAX);
	if (app->opt.map != NULL) {
		if (file_read(app->opt.map, &text, &e) == -1)
			die(GC_EX_CONFIG, "--map: %s", e.msg);
		source = text.len > 0 ? text.data : "";
	}
	app->map = json_program_new(source, NULL, &e);
	if (app->map == NULL)
		die(GC_EX_CONFIG, "--map: %s", e.msg);
	buf_free(&text);
}

static void
begin(struct app *app, const char *event, const struct ask *a, uint64_t seq,
    const char *reason)
{
	char at[CLOCK_RFC3339_LEN + 1];

	clock_format_ms(clock_wall_ms(), at);
	buf_reset(&app->line);
	buf_addf(&app->line, "{\"event\":\"gc:%s\",\"at\":\"%s\",\"seq\":%"
	    PRIu64 ",\"reason\":", event, at, seq);
	buf_add_json(&app->line, reason, strlen(reason));
	buf_adds(&app->line, ",\"userId\":");
	buf_add_json(&app->line, a->user_id, a->user_id_len);
}

static void
begin_state(struct app *app, const struct job *j)
{
	char at[CLOCK_RFC3339_LEN + 1];

	begin(app, "state", j->ask, j->seq, j->reason);
	clock_format_ms(j->fetched_ms, at);
	buf_addf(&app->line, ",\"fetchedAt\":\"%s\"", at);
}

static void
print(struct app *app)
{
	filter_put(&app->filter, app->line.data, app->line.len);
}

/* The mapped object's members behind ours, if they make a valid line. */
static int
add_mapped(struct app *app, const struct job *j, const struct buf *mapped,
    struct err *e)
{
	const char *why;

	if (mapped->len < 4 || mapped->data[0] != '{' ||
	    memchr(mapped->data, '\n', mapped->len - 1) != NULL)
		return err_set(e, GC_EX_DATAERR, "the answer does not map to "
		    "one object");
	buf_adds(&app->line, ",");
	if (buf_add(&app->line, mapped->data + 1, mapped->len - 1) == -1)
		return err_set(e, GC_EX_DATAERR, "the answer is too long");
	why = event_parse(&app->check, app->line.data, app->line.len - 1,
	    EVENT_BIT(EVENT_STATE));
	if (why != NULL || app->check.kind != EVENT_STATE)
		return err_set(e, GC_EX_DATAERR, "the answer is malformed: %s",
		    why != NULL ? why : "it changes its event");
	if (app->check.user_id.len != j->ask->user_id_len ||
	    memcmp(app->check.user_id.p, j->ask->user_id,
	    j->ask->user_id_len) != 0)
		return err_set(e, GC_EX_DATAERR, "the answer is about "
		    "another user");
	return 0;
}

int
answer_state(struct app *app, struct job *j, struct err *e)
{
	struct buf mapped;
	int status;

	buf_init(&mapped, LINE_CAP);
	status = json_program_run(app->map, j->reply.body.data ?
	    j->reply.body.data : "", j->reply.body.len, &mapped, e);
	if (status == -1)
		err_prefix(e, "the answer");
	if (status == 0) {
		begin_state(app, j);
		status = add_mapped(app, j, &mapped, e);
	}
	if (status == 0) {
		app->answers++;
		print(app);
	}
	buf_free(&mapped);
	return status;
}

void
answer_gone(struct app *app, struct job *j)
{
	begin_state(app, j);
	buf_adds(&app->line, ",\"name\":null,\"currentStatus\":null,"
	    "\"previousStatus\":null,\"wrapUpCode\":null,\"queueId\":null,"
	    "\"lastUpdatedTimestamp\":null,\"queues\":{}}\n");
	app->answers++;
	print(app);
}

void
answer_unverified(struct app *app, const struct ask *a, uint64_t seq,
    const char *reason, long http_status, const char *error)
{
	begin(app, "unverified", a, seq, reason);
	if (http_status > 0)
		buf_addf(&app->line, ",\"httpStatus\":%ld", http_status);
	else
		buf_adds(&app->line, ",\"httpStatus\":null");
	buf_adds(&app->line, ",\"error\":");
	buf_add_json(&app->line, error, strlen(error));
	buf_adds(&app->line, "}\n");
	app->unverified++;
	print(app);
}
