/* The proof key: RFC 7636's own example, and what a state is compared to. */
#include "lib/pkce.h"
#include "tests/tap.h"

/* RFC 7636, appendix B */
static const unsigned char octets[PKCE_RANDOM] = {
	116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173,
	187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88, 83,
	132, 141, 121
};
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

/* What is told, beside CHALLENGE. */
static const struct { const char *told; bool same; } states[] = {
	{ CHALLENGE, true },
	{ "", false },
	{ "E", false },
	{ "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", false },
	{ "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=", false },
	{ "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cm", false },
	{ "e9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", false },
	{ VERIFIER, false },
};

int
main(void)
{
	static const unsigned char lowest[PKCE_RANDOM];
	unsigned char highest[PKCE_RANDOM];
	char text[PKCE_LEN + 1];

	pkce_text(text, octets);
	is_str(text, VERIFIER, "the RFC's verifier");
	pkce_challenge(text, VERIFIER);
	is_str(text, CHALLENGE, "and its challenge");
	pkce_text(text, lowest);
	is_int((long long)strspn(text, "A"), PKCE_LEN, "nothing but zeroes");
	memset(highest, 0xff, sizeof(highest));
	pkce_text(text, highest);
	is_int((long long)strspn(text, "_8"), PKCE_LEN, "nothing but ones");
	/* a verifier may have up to 128 */
	pkce_challenge(text, VERIFIER VERIFIER "0123456789012345678901234567"
	    "89012345678901");
	is_int((long long)strlen(text), PKCE_LEN, "of the longest verifier");
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		ok(pkce_same(CHALLENGE, states[i].told) == states[i].same,
		    "'%s' is %s", states[i].told, states[i].same ?
		    "the same" : "another");
	return done();
}
