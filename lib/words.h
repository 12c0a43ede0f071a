/*
 * Texts that are held many times and stored once: statuses, codes, the ids
 * of queues.  A million agents know a dozen statuses.
 *
 * One pool a process, as there is one heap: it holds no more than what is in
 * use, and what it gives back for a text nobody can see but by its address.
 * Equal texts are one word while anyone holds it.
 */
#ifndef GC_WORDS_H
#define GC_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
	uint64_t refs;		/* who holds it */
	uint64_t hash;
	uint32_t len;
	bool plain;		/* in JSON it is itself between quotes */
	char text[];		/* with a NUL behind */
};

/* The key of the pool's hash, a random one; only while the pool is empty. */
void words_key(uint64_t key);

/* The word of a text, one more time: end each by words_drop. */
struct word *words_get(const char *text, uint32_t len);
void words_drop(struct word *w);	/* NULL is no word */

/* A word that is held, one time more. */
static inline struct word *
words_again(struct word *w)
{
	w->refs++;
	return w;
}

size_t words_held(void);	/* how many there are */

#endif
