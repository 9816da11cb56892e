/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "cert_keys.h"

#define DAY 86400

struct cert {
	X509 *x509;
	struct cert_key key;
	char *pem, *private;
};

static void add_extension(X509 *x, X509V3_CTX *cx, int nid, const char *value)
{
	X509_EXTENSION *e;

	if (value == NULL || value[0] == '\0')
		return;
	e = X509V3_EXT_conf_nid(NULL, cx, nid, value);
	assert_non_null(e);
	assert_int_equal(1, X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static void add_extensions(X509 *x, const struct cert_spec *s, X509 *issuer)
{
	X509V3_CTX cx;
	const char *usage = s->usage != NULL ? s->usage : s->ca ? "keyCertSign" : "digitalSignature";
	const char *extended = s->extended != NULL ? s->extended : s->ca ? "" : "serverAuth";

	X509V3_set_ctx(&cx, issuer, x, NULL, NULL, 0);
	add_extension(x, &cx, NID_basic_constraints, s->ca ? "critical,CA:TRUE" : "CA:FALSE");
	add_extension(x, &cx, NID_key_usage, usage);
	add_extension(x, &cx, NID_ext_key_usage, extended);
	add_extension(x, &cx, NID_subject_key_identifier, "hash");
	add_extension(x, &cx, NID_subject_alt_name, s->names);
	if (s->features != NULL)
		add_extension(x, &cx, NID_tlsfeature, s->features);
	for (int i = 0; i < 2 && s->doubled; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf(NULL, &cx, "1.3.6.1.4.1.32473.1", "DER:0500");

		assert_non_null(e);
		assert_int_equal(1, X509_add_ext(x, e, -1));
		X509_EXTENSION_free(e);
	}
}

static void add_serial(X509 *x)
{
	BIGNUM *n = BN_new();

	assert_non_null(n);
	assert_int_equal(1, BN_rand(n, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY));
	assert_non_null(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)));
	BN_free(n);
}

static void sign(X509 *x, EVP_PKEY *key, const char *digest)
{
	const EVP_MD *md = EVP_PKEY_is_a(key, "ED25519") ? NULL
							: EVP_get_digestbyname(digest ? digest : "SHA256");

	assert_true(X509_sign(x, key, md) > 0);
}

struct cert *cert_make(const struct cert_spec *s)
{
	struct cert *c = calloc(1, sizeof(*c));
	const char *subject = s->subject != NULL ? s->subject : "test";
	BIO *out = BIO_new(BIO_s_mem());
	X509 *x = X509_new(), *issuer;

	assert_non_null(c);
	c->x509 = x;
	c->key.key = s->key != NULL ? s->key->key : EVP_EC_gen("P-256");
	if (s->key != NULL)
		EVP_PKEY_up_ref(c->key.key);
	issuer = s->issuer != NULL ? s->issuer->x509 : x;
	X509_set_version(x, X509_VERSION_3);
	add_serial(x);
	X509_gmtime_adj(X509_getm_notBefore(x), s->from_s != 0 ? s->from_s : -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), s->until_s != 0 ? s->until_s : 90 * DAY);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
				   (const unsigned char *)subject, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	X509_set_pubkey(x, c->key.key);
	add_extensions(x, s, issuer);
	sign(x, s->issuer != NULL ? s->issuer->key.key : c->key.key, s->digest);
	assert_int_equal(1, PEM_write_bio_X509(out, x));
	c->pem = cert_text_of(out);
	c->private = cert_key_pem(&c->key, CERT_PKCS8);
	return c;
}

void cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->x509);
	EVP_PKEY_free(c->key.key);
	free(c->pem);
	free(c->private);
	free(c);
}

const char *cert_pem(const struct cert *c)
{
	return c->pem;
}

const char *cert_private(const struct cert *c)
{
	return c->private;
}

void cert_secret(const struct cert *c, unsigned char ret[CERT_SECRET_LEN])
{
	BIGNUM *n = NULL;

	assert_int_equal(1, EVP_PKEY_get_bn_param(c->key.key, OSSL_PKEY_PARAM_PRIV_KEY, &n));
	assert_int_equal(CERT_SECRET_LEN, BN_bn2binpad(n, ret, CERT_SECRET_LEN));
	BN_clear_free(n);
}

char *cert_body(const struct cert *c, const char *chain, bool self_managed)
{
	json_t *o = json_pack("{s:s,s:s,s:s*,s:b}", "ssl_certificate", c->pem, "ssl_private_key", c->private,
			      "ssl_chain", chain, "self_managed", self_managed);
	char *text = json_dumps(o, JSON_COMPACT);

	assert_non_null(text);
	json_decref(o);
	return text;
}

char *cert_body_for(const char *domain)
{
	char names[300], *text;
	struct cert *c;

	snprintf(names, sizeof(names), "DNS:%s", domain);
	c = cert_make(&(struct cert_spec){ .names = names });
	text = cert_body(c, NULL, true);
	cert_free(c);
	return text;
}
