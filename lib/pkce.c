#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "lib/pkce.h"

void
pkce_text(char out[PKCE_LEN + 1], const unsigned char random[PKCE_RANDOM])
{
	unsigned char text[PKCE_LEN + 2];	/* with its `=` */

	EVP_EncodeBlock(text, random, PKCE_RANDOM);
	for (int i = 0; i < PKCE_LEN; i++)
		out[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' :
		    (char)text[i];
	out[PKCE_LEN] = '\0';
	explicit_bzero(text, sizeof(text));
}

void
pkce_challenge(char out[PKCE_LEN + 1], const char *verifier)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)verifier, strlen(verifier), sum);
	pkce_text(out, sum);
}

bool
pkce_same(const char ours[PKCE_LEN + 1], const char *told)
{
	return strlen(told) == PKCE_LEN &&
	    CRYPTO_memcmp(ours, told, PKCE_LEN) == 0;
}
