/* What a script's steps do. */
#include <string.h>

#include "cmd/gc-sim/platform.h"
#include "cmd/gc-sim/script.h"

#define STORM_MS 1000

/* What set and clear are about. */
static const char *
fault_of(const struct step *step)
{
	return step->text + step->words_at;
}

static void
do_set(struct sim *s, const struct step *step)
{
	fault_set(&s->faults, s->protocol, fault_of(step), NULL);
}

static void
do_clear(struct sim *s, const struct step *step)
{
	fault_clear(&s->faults, s->protocol, fault_of(step), NULL);
}

static void
do_cut(struct sim *s, const struct step *step)
{
	(void)step;
	conns_cut(s, "script");
}

static void
do_close(struct sim *s, const struct step *step)
{
	conns_close(s, (int)step->n[0]);
}

static void
do_storm(struct sim *s, const struct step *step)
{
	life_storm(s, step->n[0]);
}

static void
do_stall(struct sim *s, const struct step *step)
{
	conns_stall(s, step->n[0]);
}

static void
do_half_open(struct sim *s, const struct step *step)
{
	(void)step;
	conns_half_open(s);
}

static void
do_odd(struct sim *s, const struct step *step)
{
	conns_odd(s, (int)step->n[0]);
}

static void
do_refuse(struct sim *s, const struct step *step)
{
	s->faults.refuse_status = step->n[0];
	s->faults.refuse_left = step->n[1];
	s->faults.refuse_after_s = step->n[2];
}

static void
do_revoke(struct sim *s, const struct step *step)
{
	(void)step;
	token_revoke(s, 0);
	if (s->protocol == CHANNELS)
		channels_revoke(s, 0);
	else
		conns_cut(s, "its token was revoked");
}

static void
do_rest_down(struct sim *s, const struct step *step)
{
	s->rest_down_ms = s->now_ms + (int64_t)step->n[0];
}

static void
do_quiet(struct sim *s, const struct step *step)
{
	(void)step;
	life_end(s);
}

/* --- of channels -------------------------------------------------------- */

static void
do_evict(struct sim *s, const struct step *step)
{
	channels_evict(s, step->n[0]);
}

static void
do_socket_closing(struct sim *s, const struct step *step)
{
	notify_closing_all(s, step->n[0]);
}

/* Which queue is meant by its number from 1; -1: any. */
static int
queue_of(const struct sim *s, uint64_t number)
{
	return number > (uint64_t)s->org.queue_count ? s->org.queue_count :
	    (int)number - 1;
}

static void
do_join(struct sim *s, const struct step *step)
{
	for (uint64_t i = 0; i < step->n[0]; i++)
		life_member(s, queue_of(s, step->n[1]), true);
}

static void
do_leave(struct sim *s, const struct step *step)
{
	for (uint64_t i = 0; i < step->n[0]; i++)
		life_member(s, queue_of(s, step->n[1]), false);
}

static void
do_activate(struct sim *s, const struct step *step)
{
	for (uint64_t i = 0; i < step->n[0]; i++)
		life_activate(s, true);
}

static void
do_deactivate(struct sim *s, const struct step *step)
{
	for (uint64_t i = 0; i < step->n[0]; i++)
		life_activate(s, false);
}

/* --- by name ------------------------------------------------------------ */

#define NOTHING { { .kind = PART_NONE } }
#define HOW_MANY { PART_COUNT, NULL, true, 1 }

static const struct action actions[] = {
	{ "set", "NAME[=VALUE]", do_set, true, NOTHING },
	{ "clear", "NAME", do_clear, true, NOTHING },
	{ "cut", "", do_cut, false, NOTHING },
	{ "close", "CODE", do_close, false, { { .kind = PART_CODE } } },
	{ "storm", "[MS]", do_storm, false,
	    { { PART_MILLIS, NULL, true, STORM_MS } } },
	{ "stall", "S", do_stall, false, { { .kind = PART_SECONDS_MS } } },
	{ "half-open", "", do_half_open, false, NOTHING },
	{ "odd", "KIND", do_odd, false, { { .kind = PART_ODD } } },
	{ "refuse", "STATUS [n=N] [retry-after=S]", do_refuse, false,
	    { { .kind = PART_STATUS }, { PART_COUNT, "n=", true, 1 },
	    { PART_SECONDS, "retry-after=", true, 0 } } },
	{ "revoke", "", do_revoke, false, NOTHING },
	{ "rest-down", "S", do_rest_down, false,
	    { { .kind = PART_SECONDS_MS } } },
	{ "quiet", "", do_quiet, false, NOTHING },
};

static const struct action of_channels[] = {
	{ "evict", "[N]", do_evict, false, { HOW_MANY } },
	{ "socket-closing", "[S]", do_socket_closing, false,
	    { { PART_SECONDS_MS, NULL, true, 0 } } },
	{ "join", "[N] [queue=K]", do_join, false,
	    { HOW_MANY, { PART_COUNT, "queue=", true, 0 } } },
	{ "leave", "[N] [queue=K]", do_leave, false,
	    { HOW_MANY, { PART_COUNT, "queue=", true, 0 } } },
	{ "activate", "[N]", do_activate, false, { HOW_MANY } },
	{ "deactivate", "[N]", do_deactivate, false, { HOW_MANY } },
};

static const struct action *
find(const struct action *table, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const struct action *
action_find(const char *name, enum protocol p)
{
	const struct action *a = find(actions,
	    sizeof(actions) / sizeof(actions[0]), name);

	if (a == NULL && p == CHANNELS)
		a = find(of_channels,
		    sizeof(of_channels) / sizeof(of_channels[0]), name);
	return a;
}
