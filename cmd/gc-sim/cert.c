/* A certificate of our own for localhost, made at start and never kept. */
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/gc-sim/sim.h"

#define LIFE_S (30 * 86400)

static char *
text_of(const gnutls_datum_t *d)
{
	return xstrndup((const char *)d->data, d->size);
}

static int
fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	static const unsigned char loopback[] = { 127, 0, 0, 1 };
	static const unsigned char serial[] = { 1 };
	time_t now = time(NULL);
	int r = 0;

	r |= gnutls_x509_privkey_generate2(key, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0, NULL, 0);
	r |= gnutls_x509_crt_set_version(crt, 3);
	r |= gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	r |= gnutls_x509_crt_set_activation_time(crt, now - 86400);
	r |= gnutls_x509_crt_set_expiration_time(crt, now + LIFE_S);
	r |= gnutls_x509_crt_set_dn(crt, "CN=gc-sim", NULL);
	r |= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME,
	    "localhost", 9, GNUTLS_FSAN_SET);
	r |= gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
	    loopback, sizeof(loopback), GNUTLS_FSAN_APPEND);
	r |= gnutls_x509_crt_set_ca_status(crt, 1);
	r |= gnutls_x509_crt_set_key_usage(crt,
	    GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
	r |= gnutls_x509_crt_set_key(crt, key);
	r |= gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	return r;
}

int
cert_make(char **cert, char **key, struct err *e)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_x509_privkey_t priv = NULL;
	gnutls_datum_t crt_pem = { NULL, 0 }, key_pem = { NULL, 0 };
	int status = 0;

	if (gnutls_x509_crt_init(&crt) != 0 ||
	    gnutls_x509_privkey_init(&priv) != 0 || fill(crt, priv) != 0 ||
	    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &crt_pem) != 0 ||
	    gnutls_x509_privkey_export2(priv, GNUTLS_X509_FMT_PEM, &key_pem)
	    != 0)
		status = err_set(e, GC_EX_SOFTWARE,
		    "can't make a certificate");
	if (status == 0) {
		*cert = text_of(&crt_pem);
		*key = text_of(&key_pem);
	}
	gnutls_free(crt_pem.data);
	gnutls_free(key_pem.data);
	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	if (priv != NULL)
		gnutls_x509_privkey_deinit(priv);
	return status;
}
