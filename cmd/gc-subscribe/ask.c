/* What is asked of the platform about a channel, and what it answers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/gc-subscribe/fleet.h"
#include "lib/clock.h"
#include "lib/log.h"

#define CHANNELS_PATH "/api/v2/notifications/channels"
#define PATH_CAP 1024
#define OVERLAP_MS 300		/* what the old socket still has may be late */
#define BODY_CAP (SHARD_TOPICS_MAX * 1024)

static bool
is_farewell(const struct link *l)
{
	return l->state == CH_LEAVE || l->state == CH_STOP ||
	    l->state == CH_DONE;
}

static void
ask(struct link *l, const char *method, const char *what, const char *body,
    rest_done *done)
{
	struct rest_request q = { .method = method, .body = body,
	    .what = what, .done = done, .arg = l };
	struct buf path;

	buf_init(&path, PATH_CAP);
	buf_adds(&path, CHANNELS_PATH);
	if (strcmp(method, "POST") != 0)
		buf_addf(&path, "/%s", l->channel.id);
	if (strcmp(method, "PUT") == 0)
		buf_adds(&path, "/subscriptions?ignoreErrors=true");
	else if (strcmp(method, "DELETE") == 0)
		buf_adds(&path, "/subscriptions");
	q.path = path.data;
	/* at the end there is little time */
	q.urgent = l->state == CH_STOP;
	rest_send(l->app->fleet->rest, &q);
	buf_wipe(&path);
}

/* What an answer that is no success leaves for the backoff to say. */
static void
refused(struct link *l, const struct rest_answer *a)
{
	l->lost = a->err;
	link_mask(l, l->lost.msg);
	l->retry_after_ms = a->retry_after_ms;
	l->by_answer = true;
	/* a channel that was made and is not found is one taken away: only the
	 * first POST tells a wrong place */
	if (l->lost.code == GC_EX_CONFIG && l->channel.id != NULL)
		l->lost.code = GC_EX_UNAVAILABLE;
	if (a->status == 401)
		fleet_token_refused(l->app);
}

static void
on_head(void *arg, const struct rest_answer *a)
{
	struct link *l = arg;
	enum channel_event event = channel_answer(CHANNEL_HEAD, a->status);

	report_asked(l->app, "check", a->status);
	l->asking = false;
	if (event == CE_LOST)
		refused(l, a);
	else if (event == CE_GONE)
		platform_channel_free(&l->channel);
	link_perform(l, event);
}

void
ask_check(struct link *l)
{
	/* planned changing over is no attempt */
	if (l->tried || l->slot->link == l)
		l->slot->tries.attempts++;
	l->tried = true;
	if (l->token_number != l->app->fleet->token_number)
		platform_channel_free(&l->channel);
	if (l->channel.id == NULL) {
		link_perform(l, CE_GONE);
		return;
	}
	l->asking = true;
	ask(l, "HEAD", "looking for the channel", NULL, on_head);
}

static void
on_post(void *arg, const struct rest_answer *a)
{
	struct link *l = arg;
	enum channel_event event = channel_answer(CHANNEL_POST, a->status);

	report_asked(l->app, "create", a->status);
	l->asking = false;
	if (event == CE_LOST) {
		refused(l, a);
	} else if (platform_channel(&l->channel, a->body, a->len, &l->lost) ==
	    -1) {
		event = CE_LOST;
	} else {
		l->app->fleet->refusals = 0;
		l->life_ms = l->channel.expires_ms > 0 ?
		    l->channel.expires_ms - clock_wall_ms() : 0;
		l->put_once = false;
	}
	link_perform(l, event);
}

void
ask_create(struct link *l)
{
	platform_channel_free(&l->channel);
	l->token_number = l->app->fleet->token_number;
	l->closing = false;
	l->asking = true;
	ask(l, "POST", "creating a channel", NULL, on_post);
}

/* --- topics ------------------------------------------------------------- */

static void
say_why(struct app *app, const char *topic, const char *why)
{
	struct fleet *f = app->fleet;

	for (size_t i = 0; i < f->why_count; i++)
		if (strcmp(f->whys[i], why) == 0)
			return;
	if (f->why_count == FLEET_WHYS_MAX)
		return;
	f->whys[f->why_count++] = xstrdup(why);
	log_warn("topic %s is refused: %s", topic,
	    *why != '\0' ? why : "no reason told");
}

/* Which of the topics that were sent the answer rejects. */
static void
read_topics(struct link *l, const struct rest_answer *a)
{
	struct carried *c = &l->sent;
	struct platform_topic t;
	struct platform_page p;
	struct slice element;
	const char *at = NULL;
	struct err e;
	size_t i;

	c->rejected = xcalloc(c->topics.count + 1, sizeof(*c->rejected));
	if (platform_page(&p, a->body, a->len, &e) == -1)
		return;		/* an answer with no list rejects nothing */
	platform_topic_init(&t);
	while (platform_each(&p, &at, &element)) {
		if (platform_topic(&t, element) == -1 || !t.rejected)
			continue;
		say_why(l->app, t.id.data, t.why.len > 0 ? t.why.data : "");
		i = names_from(&c->topics, t.id.data);
		if (i == c->topics.count || c->rejected[i] ||
		    strcmp(c->topics.all[i], t.id.data) != 0)
			continue;
		c->rejected[i] = true;
		c->rejected_count++;
	}
	platform_topic_free(&t);
}

static void
put_answered(struct link *l, const struct rest_answer *a)
{
	struct slot *s = l->slot;

	read_topics(l, a);
	carried_free(&l->carried);
	l->carried = l->sent;
	l->sent = (struct carried){ 0 };
	if (s->link == l || !s->is_open)
		link_count(l);
	l->put_failures = 0;
	l->renew_ms = l->app->now_ms + channel_renew_ms(l->life_ms);
	if (s->is_open && s->link != l)
		l->switch_ms = l->app->now_ms + OVERLAP_MS;
	else
		link_perform(l, CE_SUBSCRIBED);
}

static void
on_put(void *arg, const struct rest_answer *a)
{
	struct link *l = arg;
	enum channel_event event = channel_answer(CHANNEL_PUT, a->status);
	int64_t wait_ms;

	report_asked(l->app, "subscribe", a->status);
	l->asking = false;
	if (is_farewell(l))
		return;
	if (event == CE_SUBSCRIBED) {
		put_answered(l, a);
		return;
	}
	refused(l, a);
	if (event == CE_LOST && l->state == CH_STREAM) {
		/* its topics are as they were: no reason to drop it */
		wait_ms = backoff_delay_ms(&l->app->opt.policy.backoff,
		    l->put_failures++, arc4random());
		if (a->retry_after_ms > wait_ms)
			wait_ms = a->retry_after_ms;
		log_warn("socket %u: %s; again in %" PRId64 " ms",
		    l->slot->number, l->lost.msg, wait_ms);
		l->renew_ms = l->app->now_ms + wait_ms;
		return;
	}
	link_perform(l, event);
}

void
ask_subscribe(struct link *l)
{
	const struct shards *shards = &l->app->fleet->shards;
	struct buf body;

	carried_free(&l->sent);
	buf_init(&body, BODY_CAP);
	buf_adds(&body, "[");
	for (size_t i = 0; i < shards->count; i++) {
		const char *topic = shards->all[i].topic;

		if (shards->all[i].channel != (int)l->slot->number)
			continue;
		buf_adds(&body, body.len > 1 ? ",{\"id\":" : "{\"id\":");
		buf_add_json(&body, topic, strlen(topic));
		buf_adds(&body, "}");
		names_add(&l->sent.topics, topic, strlen(topic));
	}
	buf_adds(&body, "]");
	names_seal(&l->sent.topics);
	l->dirty = false;
	l->asking = l->put_once = true;
	l->renew_ms = CLOCK_NEVER;
	ask(l, "PUT", "subscribing", body.data, on_put);
	buf_free(&body);
}

/* --- the farewell ------------------------------------------------------- */

static void
on_deleted(void *arg, const struct rest_answer *a)
{
	struct link *l = arg;

	report_asked(l->app, "delete", a->status);
	l->deleting = false;
	if (a->status != 404 && (a->status < 200 || a->status > 299))
		log_note("socket %u: its topics were not deleted: %ld",
		    l->slot->number, a->status);
	link_ended(l);
}

void
ask_delete(struct link *l)
{
	l->deleting = true;
	ask(l, "DELETE", "deleting the topics", NULL, on_deleted);
}
