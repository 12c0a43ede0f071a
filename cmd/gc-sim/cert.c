/* A certificate of our own for localhost, made at start and never kept. */
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "cmd/gc-sim/sim.h"

#define BACKDATE_S 86400	/* a client's clock may be behind */
#define LIFE_S (30 * 86400)

static const struct { int nid; const char *value; } extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE" },
	{ NID_key_usage, "critical,digitalSignature,keyCertSign" },
	{ NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1" },
};

static bool
extend(X509 *crt)
{
	X509V3_CTX context;
	X509_EXTENSION *ext;
	int ok = 1;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, crt, crt, NULL, NULL, 0);
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++) {
		ext = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid,
		    extensions[i].value);
		ok = ok && ext != NULL && X509_add_ext(crt, ext, -1);
		X509_EXTENSION_free(ext);
	}
	return ok;
}

static bool
fill(X509 *crt, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(crt);

	return X509_set_version(crt, X509_VERSION_3) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(crt), 1) &&
	    X509_gmtime_adj(X509_getm_notBefore(crt), -BACKDATE_S) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(crt), LIFE_S) != NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"gc-sim", -1, -1, 0) &&
	    X509_set_issuer_name(crt, name) && X509_set_pubkey(crt, key) &&
	    extend(crt) && X509_sign(crt, key, EVP_sha256()) > 0;
}

/* What was written to the BIO, as a string of the caller's. */
static char *
text_of(BIO *bio)
{
	char *p;
	long len = BIO_get_mem_data(bio, &p);

	return xstrndup(p, (size_t)len);
}

int
cert_make(char **cert, char **key, struct err *e)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *crt = X509_new();
	BIO *crt_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
	int status = 0;

	if (pair == NULL || crt == NULL || crt_text == NULL ||
	    key_text == NULL || !fill(crt, pair) ||
	    !PEM_write_bio_X509(crt_text, crt) ||
	    !PEM_write_bio_PrivateKey(key_text, pair, NULL, NULL, 0, NULL,
	    NULL)) {
		status = err_set(e, GC_EX_SOFTWARE,
		    "can't make a certificate");
	} else {
		*cert = text_of(crt_text);
		*key = text_of(key_text);
	}
	BIO_free(crt_text);
	BIO_free(key_text);
	X509_free(crt);
	EVP_PKEY_free(pair);
	return status;
}
