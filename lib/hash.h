/*
 * A keyed hash of bytes, for tables in memory: what comes from outside is
 * hashed with a key that nobody outside knows, so that nobody can choose
 * texts that collide.  Never stored, never sent.  Pure.
 */
#ifndef GC_HASH_H
#define GC_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t
hash_mix(uint64_t x)
{
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93u;
	return x ^ (x >> 32);
}

/* Eight bytes at a time. */
static inline uint64_t
hash_bytes(uint64_t key, const char *p, size_t len)
{
	uint64_t h = key ^ len, word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = hash_mix(h ^ word) + key;
	}
	word = 0;
	if (len > 0)
		memcpy(&word, p, len);
	return hash_mix(h ^ word);
}

#endif
