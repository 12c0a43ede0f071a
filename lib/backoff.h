/*
 * How long to wait before trying again.  Pure: the random number is given.
 * CONTRACT section 5, "backoff".
 */
#ifndef GC_BACKOFF_H
#define GC_BACKOFF_H

#include <stdint.h>

struct backoff {
	int64_t base_ms;	/* the first delay */
	int64_t cap_ms;		/* the highest delay ever, jitter included */
	int64_t jitter_ms;	/* at most this much is added */
};

/*
 * min(base * 2^n, cap - jitter) + random part of the jitter.  n counts from
 * 0; random is any 32-bit number.  Never below the base nor above the cap:
 * a jitter that does not fit between them is cut, a cap below the base
 * counts as the base.
 */
int64_t backoff_delay_ms(const struct backoff *b, unsigned n, uint32_t random);

#endif
