/*
 * The truth of one user in channels.  An expand is best effort: one that is
 * missing is asked for by itself and put into the answer, as if it had come
 * with it.  It is never taken as a value.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-reconcile/reconcile.h"
#include "lib/scan.h"

#define USER_MAX (2 * HTTP_BODY_MAX)

enum { STATE, ROUTING, STATUS, PRESENCE, PRIMARY, DEFINITION, DEFINITION_ID,
    SYSTEM, KEYS };

static const struct scan_key keys[KEYS] = {
	[STATE] = SCAN_KEY("state", -1),
	[ROUTING] = SCAN_KEY("routingStatus", -1),
	[STATUS] = SCAN_KEY("status", ROUTING),
	[PRESENCE] = SCAN_KEY("presence", -1),
	[PRIMARY] = SCAN_KEY("primary", PRESENCE),
	[DEFINITION] = SCAN_KEY("presenceDefinition", PRESENCE),
	[DEFINITION_ID] = SCAN_KEY("id", DEFINITION),
	[SYSTEM] = SCAN_KEY("systemPresence", DEFINITION),
};

/* Which part has to be asked for; JOB_FREE: none. */
static enum job_kind
missing(const struct slice v[KEYS])
{
	if (v[STATUS].kind != SCAN_STRING || v[STATUS].len == 0)
		return JOB_ROUTING;
	if (v[SYSTEM].kind != SCAN_STRING || v[SYSTEM].len == 0)
		return JOB_PRESENCE;
	return JOB_FREE;
}

static bool
is_gone(const struct slice v[KEYS])
{
	return v[STATE].kind == SCAN_STRING && !slice_is(v[STATE], "active");
}

/* One more member at the object's end, which counts whatever came before.
 * text is an object with a member at least. */
static void
add_member(struct buf *text, const char *name, const char *value, size_t len)
{
	while (text->len > 0 && text->data[text->len - 1] != '}')
		text->len--;
	text->len -= text->len > 0;
	buf_addf(text, ",\"%s\":", name);
	buf_add(text, value, len);
	buf_adds(text, "}");
}

/* What is ours to say for the map: see answer.c. */
static void
add_gc(struct app *app, struct buf *text, const struct slice v[KEYS],
    const char *queues)
{
	char room[PARTS_NAME_MAX];
	struct buf id, told, gc;
	const char *label = NULL;
	struct text status;

	buf_init(&id, 256);
	buf_init(&told, 4096);
	buf_init(&gc, USER_MAX);
	if (slice_unescape(v[DEFINITION_ID], &id) == 0 && id.len > 0)
		label = label_of(app, id.data);
	buf_adds(&gc, "{\"presence\":");
	if (slice_unescape(v[SYSTEM], &told) == 0) {
		status = parts_presence((struct text){ told.data,
		    (uint32_t)told.len }, room);
		buf_add_json(&gc, status.p, status.len);
	} else {
		buf_adds(&gc, "null");
	}
	buf_adds(&gc, ",\"label\":");
	if (label != NULL)
		buf_add_json(&gc, label, strlen(label));
	else
		buf_adds(&gc, "null");
	buf_adds(&gc, ",\"activeQueues\":");
	buf_adds(&gc, queues != NULL ? queues : "null");
	buf_adds(&gc, "}");
	add_member(text, "gc", gc.data, gc.len);
	buf_free(&id);
	buf_free(&told);
	buf_free(&gc);
}

/* It is whole: a line, or why it is none. */
static int
tell(struct app *app, const struct answer *an, const struct slice v[KEYS],
    const char *queues, struct err *e)
{
	struct answer whole = *an;
	struct buf text;
	int status;

	buf_init(&text, USER_MAX);
	buf_add(&text, an->text, an->len);
	add_gc(app, &text, v, queues);
	whole.text = text.data;
	whole.len = text.len;
	status = answer_state(app, &whole, e);
	buf_free(&text);
	if (status == 0)
		app->known_good = true;
	return status;
}

static void
keep_half(struct app *app, const struct answer *an, enum job_kind part)
{
	struct half *half = xcalloc(1, sizeof(*half) + an->len);

	app->known_good = true;	/* somebody was there */
	half->missing = part;
	half->fetched_ms = an->fetched_ms;
	half->len = an->len;
	memcpy(half->text, an->text, an->len);
	ask_keep_half(app, an->ask, half);
}

static int
read_user(const struct answer *an, struct slice v[KEYS], bool own,
    struct err *e)
{
	enum scan_verdict verdict = scan_object(an->text, an->len, keys, KEYS,
	    v);

	if (verdict != SCAN_OK)
		return err_set(e, GC_EX_DATAERR, "the answer: %s",
		    an->len == 0 ? "it is empty" : scan_reason(verdict));
	/* another source's presence is not the user's; one that was asked
	 * for by its source is */
	if (v[PRIMARY].kind == SCAN_FALSE && !own)
		v[SYSTEM] = (struct slice){ 0 };
	return 0;
}

bool
user_listed(struct app *app, const struct answer *an)
{
	struct slice v[KEYS];
	struct err e;

	if (read_user(an, v, false, &e) == -1 || is_gone(v))
		return false;
	if (missing(v) != JOB_FREE) {
		keep_half(app, an, missing(v));
		return true;
	}
	if (activity_wanted(app)) {
		keep_half(app, an, JOB_ACTIVITY);
		return true;
	}
	if (tell(app, an, v, NULL, &e) == -1)
		return false;
	ask_done(app, an->ask, true);
	return true;
}

/* The answer as it is with this part: -1 if the part is none. */
static int
join(const struct job *j, struct buf *text, struct err *e)
{
	const struct half *half = j->ask->half;
	const struct buf *body = &j->reply.body;
	enum scan_verdict verdict;

	if (half == NULL) {
		buf_add(text, body->data, body->len);
		return 0;
	}
	verdict = scan_object(body->data, body->len, NULL, 0, NULL);
	if (body->len == 0 || verdict != SCAN_OK)
		return err_set(e, GC_EX_DATAERR, "the answer: %s",
		    body->len == 0 ? "it is empty" : scan_reason(verdict));
	buf_add(text, half->text, half->len);
	add_member(text, j->kind == JOB_ROUTING ? "routingStatus" :
	    "presence", body->data, body->len);
	return 0;
}

/* A part would be of a later question than the rest. */
static void
start_over(struct app *app, struct ask *a)
{
	ask_drop_half(a);
	ask_again(app, a, 0);
}

static void
take(struct app *app, struct job *j, const struct answer *an)
{
	struct slice v[KEYS];
	enum job_kind part;
	struct err e;

	if (read_user(an, v, j->kind == JOB_PRESENCE, &e) == -1) {
		judge_give_up(app, j, e.msg);
		return;
	}
	if (is_gone(v)) {
		app->known_good = true;
		answer_gone(app, an);
		ask_done(app, an->ask, true);
		return;
	}
	part = missing(v);
	if (part == JOB_FREE && !an->ask->again && activity_wanted(app))
		keep_half(app, an, JOB_ACTIVITY);
	else if (part == JOB_FREE && tell(app, an, v, NULL, &e) == 0)
		ask_done(app, an->ask, true);
	else if (part == JOB_FREE)
		judge_give_up(app, j, e.msg);
	else if (part == j->kind)
		judge_give_up(app, j, part == JOB_ROUTING ? "the answer: no "
		    "routing status in it" : "the answer: no presence in it");
	else if (an->ask->again)
		start_over(app, an->ask);
	else
		keep_half(app, an, part);
}

void
user_answer(struct app *app, struct job *j)
{
	struct ask *a = j->ask;
	struct answer an = { a, a->sent_seq, j->reason, a->half != NULL ?
	    a->half->fetched_ms : j->fetched_ms, NULL, 0 };
	struct buf text;
	struct err e;

	buf_init(&text, USER_MAX);
	if (join(j, &text, &e) == -1) {
		judge_give_up(app, j, e.msg);
	} else {
		an.text = text.data;
		an.len = text.len;
		take(app, j, &an);
	}
	buf_free(&text);
}

void
user_whole(struct app *app, struct ask *a, const char *queues)
{
	struct half *half = a->half;
	struct answer an = { a, a->sent_seq, a->reason, half->fetched_ms,
	    half->text, half->len };
	struct slice v[KEYS];
	bool told;
	struct err e;

	/* its presence was judged before it was kept */
	told = read_user(&an, v, true, &e) == 0 &&
	    tell(app, &an, v, queues, &e) == 0;
	if (!told)
		answer_unverified(app, a, a->sent_seq, a->reason, 0, e.msg);
	ask_done(app, a, told);
}
