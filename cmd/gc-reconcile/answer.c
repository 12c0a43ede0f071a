/* The lines that answer: gc:state, made by a jq program, gc:unverified. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/scan.h"
#include "lib/str.h"

#define MAP_MAX (1 << 20)
#define LINE_CAP (4 << 20)

/*
 * From the platform's answer to the fields of gc:agent.  An answer with a
 * queueId of its own speaks of that queue only.  What is there must be what
 * it should be: an answer that is half nonsense is not half believed.
 */
static const char default_map[] =
    "def id($what): if (type != \"string\") or . == \"\"\n"
    "  then error(\"\\($what) is no id\") else . end;\n"
    "def tier($q): if type != \"object\" then error(\"a queue is no object\")\n"
    "  else {\n"
    "  currentStatus: (if .status != null then .status\n"
    "    else .currentStatus end | if type == \"string\" then .\n"
    "    else error(\"no status in it\") end),\n"
    "  previousStatus,\n"
    "  wrapUpCode,\n"
    "  queueId: $q,\n"
    "  lastUpdatedTimestamp: (if .timestamp != null then .timestamp\n"
    "    else .lastUpdatedTimestamp end)} end;\n"
    "def nothing: {currentStatus: null, previousStatus: null,\n"
    "  wrapUpCode: null, queueId: null, lastUpdatedTimestamp: null};\n"
    "if type != \"object\" then error(\"not an object\")\n"
    "else {userId, name: (if (.name | type) == \"string\" then .name\n"
    "      else null end)}\n"
    "  + (if .queueId != null\n"
    "    then (.queueId | id(\"queueId\")) as $q\n"
    "      | nothing + {queues: {($q): tier($q)}, partial: true}\n"
    "    else tier(null) + {queues:\n"
    "      (if (.queues | type) == \"array\"\n"
    "        then [.queues[] | if type != \"object\"\n"
    "            then error(\"a queue is no object\") else . end\n"
    "          | (.queueId | id(\"a queue's queueId\")) as $q\n"
    "          | {key: $q, value: tier($q)}] | from_entries\n"
    "      elif (.queues | type) == \"object\"\n"
    "        then .queues | with_entries((.key | id(\"a queue's key\")) as $q\n"
    "          | .value |= tier($q))\n"
    "      elif .queues == null then null\n"
    "      else error(\"queues is neither list nor object\") end)}\n"
    "    end)\n"
    "end\n";

/*
 * In channels: the user, with both expands, and our member gc: the presence
 * as events spell it, the org's own name of it, and the active queues.
 */
static const char channels_map[] =
    "def status($what): if type == \"string\" and . != \"\" then .\n"
    "  else error(\"no \($what) in it\") end;\n"
    "if type != \"object\" then error(\"not an object\")\n"
    "else {userId: .id, name: (if (.name | type) == \"string\" then .name\n"
    "      else null end),\n"
    "  currentStatus: (.routingStatus.status | status(\"routing status\")),\n"
    "  previousStatus: null, wrapUpCode: null, queueId: null,\n"
    "  lastUpdatedTimestamp: .routingStatus.startTime,\n"
    "  queues: {},\n"
    "  presence: {currentStatus: (.gc.presence | status(\"presence\")),\n"
    "    label: .gc.label, lastUpdatedTimestamp: .presence.modifiedDate},\n"
    "  activeQueues: .gc.activeQueues}\n"
    "end\n";

/*
 * What any map's output must be, for the question's id: [ID, OUTPUT] in,
 * OUTPUT without the members that are ours alone to say out.  Of a user who
 * is gone only a 404 tells.
 */
static const char check_map[] =
    ". as [$id, $m] | $m\n"
    "| if type != \"object\" then error(\"it maps to no object\")\n"
    "elif .userId != null and (.userId | type) != \"string\"\n"
    "  then error(\"userId is no string\")\n"
    "elif .userId != null and .userId != $id\n"
    "  then error(\"it is about another user\")\n"
    "elif .currentStatus == null and\n"
    "  (.queues == null or .queues == {} or .queues == [])\n"
    "  then error(\"no status in it\")\n"
    "else del(.event, .at, .seq, .reason, .userId, .fetchedAt) end\n";

int
answer_load_map(struct app *app, struct err *e)
{
	struct json_program *p = NULL;
	struct buf text;

	if (app->opt.map == NULL)
		return 0;
	buf_init(&text, MAP_MAX);
	if (file_read(app->opt.map, &text, e) == 0)
		p = json_program_new(text.len > 0 ? text.data : "", NULL, e);
	buf_free(&text);
	if (p == NULL) {
		e->code = GC_EX_CONFIG;
		return err_prefix(e, "--map");
	}
	json_program_free(app->map);
	app->map = p;
	return 0;
}

void
answer_set_map(struct app *app)
{
	struct err e;

	if (app->opt.map != NULL)
		return;
	json_program_free(app->map);
	app->map = json_program_new(app->channels ? channels_map :
	    default_map, NULL, &e);
	if (app->map == NULL)
		die_err(&e);
}

void
answer_start(struct app *app)
{
	struct err e;

	buf_init(&app->line, LINE_CAP);
	answer_set_map(app);
	if (answer_load_map(app, &e) == -1 || (app->check_map =
	    json_program_new(check_map, NULL, &e)) == NULL)
		die_err(&e);
}

void
answer_free(struct app *app)
{
	json_program_free(app->map);
	json_program_free(app->check_map);
	buf_free(&app->line);
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
begin_state(struct app *app, const struct answer *an)
{
	char at[CLOCK_RFC3339_LEN + 1];

	begin(app, "state", an->ask, an->seq, an->reason);
	clock_format_ms(an->fetched_ms, at);
	buf_addf(&app->line, ",\"fetchedAt\":\"%s\"", at);
}

static void
print(struct app *app)
{
	filter_put(&app->filter, app->line.data, app->line.len);
}

/* libjq mends and forgives; what is taken as truth is JSON to the letter. */
static int
check_json(const struct answer *an, struct err *e)
{
	enum scan_verdict verdict;
	struct buf inside;

	if (an->len == 0)
		return err_set(e, GC_EX_DATAERR, "it is empty");
	verdict = scan_object(an->text, an->len, NULL, 0, NULL);
	if (verdict == SCAN_NOT_OBJECT) {
		/* a map may be for a list: what is none inside is none */
		buf_init(&inside, HTTP_BODY_MAX + 16);
		buf_adds(&inside, "{\"\":");
		buf_add(&inside, an->text, an->len);
		buf_adds(&inside, "}");
		verdict = scan_object(inside.data, inside.len, NULL, 0, NULL);
		buf_free(&inside);
	}
	return verdict == SCAN_OK ? 0 : err_set(e, GC_EX_DATAERR, "%s",
	    scan_reason(verdict));
}

/* The answer's members as they go behind ours, in out: {…}. */
static int
map_answer(struct app *app, const struct answer *an, struct buf *out,
    struct err *e)
{
	struct buf pair;
	size_t start;
	int status;

	if (check_json(an, e) == -1)
		return -1;
	buf_init(&pair, LINE_CAP);
	buf_adds(&pair, "[");
	buf_add_json(&pair, an->ask->user_id, an->ask->user_id_len);
	buf_adds(&pair, ",");
	start = pair.len;
	status = json_program_run(app->map, an->text, an->len, &pair, e);
	if (status == 0 && (pair.len == start || memchr(pair.data + start,
	    '\n', pair.len - start - 1) != NULL))
		status = err_set(e, GC_EX_DATAERR, "it does not map to one "
		    "object");
	if (status == 0 && buf_adds(&pair, "]") == -1)
		status = err_set(e, GC_EX_DATAERR, "it is too long");
	if (status == 0)
		status = json_program_run(app->check_map, pair.data, pair.len,
		    out, e);
	buf_free(&pair);
	return status;
}

/* The mapped members behind ours, if they make a valid line. */
static int
add_mapped(struct app *app, const struct buf *mapped, struct err *e)
{
	const char *why;

	if (mapped->len > 3)	/* "{}\n": none */
		buf_adds(&app->line, ",");
	if (buf_add(&app->line, mapped->data + 1, mapped->len - 1) == -1 ||
	    app->line.len - 1 > NDJSON_LINE_MAX)
		return err_set(e, GC_EX_DATAERR, "it makes a line of more "
		    "than 1 MiB");
	why = event_parse(&app->check, app->line.data, app->line.len - 1,
	    EVENT_BIT(EVENT_STATE));
	return why == NULL ? 0 : err_set(e, GC_EX_DATAERR, "%s", why);
}

int
answer_state(struct app *app, const struct answer *an, struct err *e)
{
	struct buf mapped;
	int status;

	buf_init(&mapped, LINE_CAP);
	status = map_answer(app, an, &mapped, e);
	if (status == 0) {
		begin_state(app, an);
		status = add_mapped(app, &mapped, e);
	}
	if (status == 0) {
		app->answers++;
		print(app);
	} else {
		err_prefix(e, "the answer");
	}
	buf_free(&mapped);
	return status;
}

void
answer_gone(struct app *app, const struct answer *an)
{
	begin_state(app, an);
	buf_adds(&app->line, ",\"name\":null,\"currentStatus\":null,"
	    "\"previousStatus\":null,\"wrapUpCode\":null,\"queueId\":null,"
	    "\"lastUpdatedTimestamp\":null,\"queues\":{}");
	buf_adds(&app->line, app->channels ? ",\"presence\":null,"
	    "\"activeQueues\":null}\n" : "}\n");
	app->answers++;
	print(app);
}

/* As JSON whatever its bytes are: part of it may be the server's. */
static void
add_error(struct buf *line, const char *error)
{
	char *text = xstrdup(error);

	if (!str_is_utf8(text, strlen(text)))
		for (char *p = text; *p != '\0'; p++)
			if ((unsigned char)*p >= 0x80)
				*p = '?';
	buf_add_json(line, text, strlen(text));
	free(text);
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
	add_error(&app->line, error);
	buf_adds(&app->line, "}\n");
	app->unverified++;
	print(app);
}
