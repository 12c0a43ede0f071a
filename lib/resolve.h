/*
 * Is there such a name at all?  libcurl says only that it found no address;
 * whether the name does not exist or nobody could be asked is another
 * matter: the one is a mistake, the other passes.  Asked in a thread of its
 * own, for getaddrinfo(3) blocks; one that nobody waits for any more is left
 * to itself.
 */
#ifndef GC_RESOLVE_H
#define GC_RESOLVE_H

enum resolve_answer {
	RESOLVE_WAIT,		/* ask again later */
	RESOLVE_FOUND,
	RESOLVE_NONE,		/* there is no such name */
	RESOLVE_UNKNOWN		/* nobody could say */
};

struct resolve;

struct resolve *resolve_start(const char *name);
enum resolve_answer resolve_answer(const struct resolve *r);
void resolve_free(struct resolve *r);	/* at any time; NULL is fine */

#endif
