/*
 * Proof key for code exchange (RFC 7636), by S256.  Pure: randomness is an
 * argument.  The verifier is a secret until the code is exchanged; its
 * challenge and the state are not, they stand in the address that a browser
 * is sent to.
 */
#ifndef GC_PKCE_H
#define GC_PKCE_H

#include <stdbool.h>

#define PKCE_RANDOM 32		/* bytes: as much as SHA-256 is worth */
#define PKCE_LEN 43		/* their characters in base64url */

/* A verifier, or a state. */
void pkce_text(char out[PKCE_LEN + 1],
    const unsigned char random[PKCE_RANDOM]);

void pkce_challenge(char out[PKCE_LEN + 1], const char *verifier);

/* Is what was told just this?  It takes no longer the more of it is. */
bool pkce_same(const char ours[PKCE_LEN + 1], const char *told);

#endif
