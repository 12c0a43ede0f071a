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

/* Both into one: all bits of the product count. */
static inline uint64_t
hash_fold(uint64_t a, uint64_t b)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
	return hash_mix(a + hash_mix(b));
#endif
}

static inline uint64_t
hash_word(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Up to eight bytes: those of one length differ where the texts do. */
static inline uint64_t
hash_short(const char *p, size_t len)
{
	const unsigned char *u = (const unsigned char *)p;
	uint32_t first, last;

	if (len < 4)
		return len == 0 ? 0 : (uint64_t)u[0] << 16 |
		    (uint64_t)u[len / 2] << 8 | u[len - 1];
	memcpy(&first, p, sizeof(first));
	memcpy(&last, p + len - sizeof(last), sizeof(last));
	return (uint64_t)first << 32 | last;
}

/* Sixteen bytes at a time, each half hidden behind what nobody outside knows;
 * the last ones together with some before them. */
static inline uint64_t
hash_bytes(uint64_t key, const char *p, size_t len)
{
	uint64_t h = key ^ len, other = key >> 32 | key << 32, a, b;

	for (; len > 16; p += 16, len -= 16)
		h = hash_fold(hash_word(p) ^ h, hash_word(p + 8) ^ other);
	if (len >= 8) {
		a = hash_word(p);
		b = hash_word(p + len - 8);
	} else {
		a = hash_short(p, len);
		b = 0;
	}
	return hash_mix(hash_fold(a ^ h, b ^ other));
}

#endif
