#include <stdio.h>
#include <time.h>

#include "lib/recency.h"

#define YEAR_0 INT64_C(-62167219200)
#define YEAR_9999 INT64_C(253402300799)

static void
later(const struct told *t, struct stamp *latest, bool *any)
{
	if (t->text.p == NULL)
		return;
	if (!*any || stamp_cmp(t->stamp, *latest) > 0)
		*latest = t->stamp;
	*any = true;
}

static void
format(struct stamp s, char out[RECENCY_LEN + 1])
{
	char day[32];
	struct tm tm;
	time_t t;

	if (s.sec < YEAR_0)
		s = (struct stamp){ YEAR_0, 0 };
	if (s.sec > YEAR_9999)
		s = (struct stamp){ YEAR_9999, 999999999 };
	t = (time_t)s.sec;
	gmtime_r(&t, &tm);
	snprintf(day, sizeof(day), "%04u-%02u-%02uT%02u:%02u:%02u",
	    ((unsigned)tm.tm_year + 1900) % 10000,
	    ((unsigned)tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
	    (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
	    (unsigned)tm.tm_sec % 100);
	snprintf(out, RECENCY_LEN + 1, "%.19s.%09uZ", day,
	    (unsigned)s.nsec % 1000000000);
}

void
recency(const struct event *ev, char out[RECENCY_LEN + 1])
{
	struct stamp latest = { 0, 0 };
	bool any = false;

	later(&ev->tier.at, &latest, &any);
	later(&ev->parts.presence.at, &latest, &any);
	later(&ev->parts.active.at, &latest, &any);
	for (size_t i = 0; i < ev->queues.count; i++)
		later(&ev->queues.tiers[i].at, &latest, &any);
	out[0] = '\0';
	if (any)
		format(latest, out);
}
