#include <string.h>

#include "lib/batch.h"
#include "lib/parts.h"
#include "lib/route.h"

void
route_init(struct route *r)
{
	*r = (struct route){ .everyone = false };
	take_init(&r->take);
}

void
route_free(struct route *r)
{
	take_free(&r->take);
}

enum scan_verdict
route_line(struct route *r, const char *line, size_t len)
{
	enum { EVENT, DATA, USER, TOPIC, COUNT };
	static const struct scan_key keys[COUNT] = {
		[EVENT] = SCAN_KEY("event", -1),
		[DATA] = SCAN_KEY("data", -1),
		[USER] = SCAN_KEY("userId", DATA),
		[TOPIC] = SCAN_KEY("topicName", -1),
	};
	/* an event as the guide has it */
	static const struct scan_step usual[] = {
		SCAN_STEP_INTO("", "{\"subscriptionId\":", SCAN_NO_ROW, -1),
		SCAN_STEP(",\"event\":", EVENT),
		SCAN_STEP_INTO(",\"data\":", "{\"userId\":", USER, DATA),
		SCAN_STEP(",\"status\":", SCAN_NO_ROW),
		SCAN_STEP(",\"previousStatus\":", SCAN_NO_ROW),
		SCAN_STEP(",\"timestamp\":", SCAN_NO_ROW),
		SCAN_STEP(",\"wrapUpCode\":", SCAN_NO_ROW),
		SCAN_STEP(",\"queueId\":", SCAN_NO_ROW),
		SCAN_STEP(",\"wrapUpCodeName\":", SCAN_NO_ROW),
		SCAN_STEP(",\"wrapUpCodeId\":", SCAN_NO_ROW),
		SCAN_STEP(",\"reason\":", SCAN_NO_ROW),
		{ NULL, 0, 0, 0, 0 }
	};
	struct slice v[COUNT];
	enum scan_verdict verdict = scan_usual(line, len, keys, COUNT, usual,
	    v);
	enum parts_topic topic;
	struct text name;

	r->user_id = (struct text){ NULL, 0 };
	r->everyone = false;
	if (verdict != SCAN_OK)
		return verdict;
	take_begin(&r->take, len);
	r->event = v[EVENT];
	if (v[EVENT].kind == SCAN_STRING &&
	    take_text(&r->take, v[EVENT], &name) &&
	    name.len > 3 && memcmp(name.p, "gc:", 3) == 0)
		r->everyone = true;
	else if (v[USER].kind != SCAN_ABSENT)
		take_id(&r->take, v[USER], &r->user_id);
	else if (v[TOPIC].kind == SCAN_STRING)
		parts_topic(&r->take, v[TOPIC], &topic, &r->user_id);
	return SCAN_OK;
}

unsigned
route_partition(const struct route *r, unsigned partitions)
{
	return batch_crc32(0, r->user_id.p != NULL ? r->user_id.p : "",
	    r->user_id.p != NULL ? r->user_id.len : 0) % partitions;
}
