#include <stdlib.h>
#include <string.h>

#include "lib/die.h"
#include "lib/tier.h"

void
own_set(struct own *o, struct text t)
{
	struct word *was = o->word;

	if (own_is(o, t))
		return;
	/* before the old one goes, as it may be in that */
	o->word = t.p == NULL ? NULL : words_get(t.p, t.len);
	words_drop(was);
}

/* The same text, without a look into the pool. */
static void
own_share(struct own *o, const struct own *from)
{
	struct word *was = o->word;

	o->word = from->word != NULL ? words_again(from->word) : NULL;
	words_drop(was);
}

void
tier_free(struct tier *t)
{
	words_drop(t->queue_id.word);
	words_drop(t->status.word);
	words_drop(t->previous.word);
	words_drop(t->wrap_up_code.word);
	free(t->odd_time);
}

/* Would we write it so?  It is a valid time: what has these marks has digits
 * everywhere else, and a leap second is no whole millisecond. */
static bool
is_as_written(const struct told *at)
{
	const char *p = at->text.p;

	return at->text.len == CLOCK_RFC3339_LEN && p[10] == 'T' &&
	    p[19] == '.' && p[23] == 'Z' && at->stamp.nsec % 1000000 == 0;
}

static void
set_time(struct tier *t, const struct told *at)
{
	char *odd = is_as_written(at) ? NULL : xstrndup(at->text.p,
	    at->text.len);

	free(t->odd_time);
	t->odd_time = odd;
	t->stamp = at->stamp;
	t->timed = true;
}

struct text
tier_time(const struct tier *t, char room[CLOCK_RFC3339_LEN + 1])
{
	if (!t->timed)
		return (struct text){ NULL, 0 };
	if (t->odd_time != NULL)
		return (struct text){ t->odd_time,
		    (uint32_t)strlen(t->odd_time) };
	clock_format_ms(stamp_to_ms(t->stamp), room);
	return (struct text){ room, CLOCK_RFC3339_LEN };
}

void
tier_set(struct tier *t, const struct tier_told *told, int64_t now_ms)
{
	/* first, as it is most often the status that was held */
	if (own_is(&t->status, told->previous))
		own_share(&t->previous, &t->status);
	else
		own_set(&t->previous, told->previous);
	own_set(&t->status, told->status);
	own_set(&t->wrap_up_code, told->wrap_up_code);
	t->untimed = told->at.text.p == NULL;
	if (!t->untimed)
		set_time(t, &told->at);
	t->touched_ms = now_ms;
}

bool
tier_says(const struct tier *t, const struct tier_told *told)
{
	return own_is(&t->status, told->status) &&
	    own_is(&t->previous, told->previous) &&
	    own_is(&t->wrap_up_code, told->wrap_up_code) &&
	    (told->at.text.p == NULL || (t->timed &&
	    stamp_cmp(told->at.stamp, t->stamp) == 0));
}

void
tier_doubt(struct tier *t, uint64_t seq)
{
	t->verified = false;
	t->doubt_seq = seq;
}
