/*
 * What a person at a terminal wants to know of a stream: how fast it is, and
 * when the doubts will be gone.
 *
 * A gauge keeps what a counter said, once a second, for about a minute; a
 * rate is its growth since then.  Pure: the time is an argument.
 */
#ifndef GC_GAUGE_H
#define GC_GAUGE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define GAUGE_SAMPLES 64
#define GAUGE_STEP_MS 1000	/* samples are so far apart at least */

struct gauge {
	struct gauge_sample {
		int64_t at_ms;
		uint64_t total;
	} samples[GAUGE_SAMPLES];
	size_t count;		/* ever taken; the last ones are kept */
};

/* The counter is at total now. */
void gauge_take(struct gauge *g, int64_t now_ms, uint64_t total);
void gauge_forget(struct gauge *g);	/* rates begin anew */

/* Its growth a second, over the last span_ms at most; 0 where nothing is
 * known of so recent a time. */
double gauge_rate(const struct gauge *g, int64_t now_ms, uint64_t total,
    int64_t span_ms);

/* How long until left are done at that rate; CLOCK_NEVER: nobody knows. */
int64_t gauge_to_go_ms(uint64_t left, double per_second);

/* A word that changes, and since when it is what it is. */
struct gauge_word {
	char word[48];
	int64_t since_ms;
};

void gauge_say(struct gauge_word *w, const char *word, int64_t now_ms);

/* What a line tells; the caller fills it. */
struct gauge_facts {
	const struct gauge_word *connection;	/* NULL: nothing is known */
	int64_t again_ms;	/* until it is tried again, or below 0 */
	double events, answers;	/* a second */
	uint64_t waiting;	/* lines for a slow reader */
	bool roster;		/* there are agents */
	uint64_t agents, doubted;
	const char *unit;	/* of events; NULL: that */
};

/* "open 3m20  12 events/s  50 agents  7 in doubt, 12s to go"; in ASCII, with
 * nothing of the network in it. */
void gauge_words(struct buf *out, const struct gauge_facts *f,
    int64_t now_ms);

#endif
