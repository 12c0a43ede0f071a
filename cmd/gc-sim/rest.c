/* The state of an agent, and what goes wrong on the way to it. */
#include <string.h>

#include "cmd/gc-sim/http.h"
#include "lib/clock.h"
#include "lib/str.h"

#define PATH "/api/v2/routing/users/"
#define PATH_END "/state"
#define HUGE_BODY (9 << 20)	/* more than any client should take */

bool
rest_is_state(const char *url)
{
	return str_starts(url, PATH) && str_ends(url, PATH_END) &&
	    strlen(url) > strlen(PATH PATH_END);
}

/* --- garbage: 200, and nothing that could be believed ------------------- */

static void
add_half(struct answer *a)
{
	a->body.len /= 2;
}

static void
promise_more(struct answer *a)
{
	a->body.len /= 2;
	a->delivery = HALF;
}

static void
add_huge(struct answer *a)
{
	char *room = buf_room(&a->body, HUGE_BODY);

	memset(room, ' ', HUGE_BODY);
	memcpy(room + HUGE_BODY - 2, "[]", 2);
	buf_grew(&a->body, HUGE_BODY);
}

/* Instead of the answer: a text, or what is done to the answer. */
static const struct {
	const char *text;
	void (*spoil)(struct answer *a);
} garbage[] = {
	{ "<html><body>It works!</body></html>", NULL },
	{ "", NULL },
	{ "null", NULL },
	{ "[]", NULL },
	{ "{}", NULL },
	{ "{\"userId\":7,\"status\":[],\"queues\":\"none\"}", NULL },
	{ "{\"status\":\"\xff\xfe\"}", NULL },
	{ NULL, add_half },
	{ NULL, promise_more },
	{ NULL, add_huge },
};

void
rest_spoil(struct sim *s, struct answer *a)
{
	size_t i = rng_below(&s->rest_luck,
	    sizeof(garbage) / sizeof(garbage[0]));

	s->totals.rest_garbage++;
	if (garbage[i].spoil != NULL) {
		garbage[i].spoil(a);
		return;
	}
	buf_reset(&a->body);
	buf_adds(&a->body, garbage[i].text);
}

/* --- the answer --------------------------------------------------------- */

bool
rest_fails(struct sim *s, struct answer *a)
{
	const struct faults *f = &s->faults;
	struct rng *r = &s->rest_luck;

	if (rng_chance(r, f->rest_hang)) {
		s->totals.rest_hung++;
		a->delivery = NEVER;
	} else if (s->rest_down_ms > clock_mono_ms()) {
		s->totals.rest_5xx++;
		http_refuse(a, 503, "service.unavailable", "rest-down");
	} else if (rng_chance(r, f->rest_429)) {
		s->totals.rest_429++;
		a->retry_after_s = f->rest_429_after_s > 0 ?
		    (int)f->rest_429_after_s : 1;
		http_refuse(a, 429, "too.many.requests",
		    "Rate limit exceeded");
	} else if (rng_chance(r, f->rest_fail)) {
		s->totals.rest_5xx++;
		http_refuse(a, rng_below(r, 2) ? 500 : 503,
		    "service.unavailable", "by fault rest-fail");
	} else {
		return false;
	}
	return true;
}

void
rest_state(struct sim *s, struct MHD_Connection *c, const char *url,
    struct answer *a)
{
	const struct sim_agent *agent;
	char id[ID_LEN + 1] = "";
	const char *from = url + strlen(PATH);
	size_t len = strlen(from) - strlen(PATH_END);

	s->totals.rest++;
	if (http_bearer(s, c) == NULL) {
		s->totals.rest_401++;
		http_refuse(a, 401, "bad.credentials",
		    "Invalid login credentials.");
		return;
	}
	if (rest_fails(s, a))
		return;
	if (len <= ID_LEN)
		memcpy(id, from, len);
	if ((agent = org_find(&s->org, id)) == NULL) {
		s->totals.rest_404++;
		http_refuse(a, 404, "not.found", "no such user");
		return;
	}
	a->status = 200;
	org_state(&s->org, agent, &a->body);
	if (rng_chance(&s->rest_luck, s->faults.rest_garbage))
		rest_spoil(s, a);
}
