/* SPDX-License-Identifier: Apache-2.0 */
#include "mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "temp.h"

#define DAY 86400L

struct signed_by {
	X509 *cert;
	EVP_PKEY *key;
};

struct mint {
	struct signed_by root, between;
	char *root_pem;
	int64_t serial;
};

static EVP_PKEY *make_key(enum mint_key kind)
{
	EVP_PKEY *k = kind == MINT_RSA_2048	? EVP_RSA_gen(2048)
		      : kind == MINT_RSA_4096 ? EVP_RSA_gen(4096)
					      : EVP_EC_gen(kind == MINT_P384 ? "P-384" : "P-256");

	assert_non_null(k);
	return k;
}

static char *text_of(BIO *b)
{
	char *p, *text;
	const long n = BIO_get_mem_data(b, &p);

	text = calloc(1, (size_t)n + 1);
	assert_non_null(text);
	memcpy(text, p, (size_t)n);
	BIO_free(b);
	return text;
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(1, X509_add_ext(cert, e, -1));
	X509_EXTENSION_free(e);
}

static X509 *begin(struct mint *m, EVP_PKEY *key, const char *cn, int64_t from_s, int64_t until_s)
{
	X509 *x = X509_new();
	X509_NAME *name;

	assert_non_null(x);
	X509_set_version(x, 2);
	ASN1_INTEGER_set_int64(X509_get_serialNumber(x), ++m->serial);
	X509_gmtime_adj(X509_getm_notBefore(x), (long)from_s);
	X509_gmtime_adj(X509_getm_notAfter(x), (long)until_s);
	X509_set_pubkey(x, key);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	return x;
}

static void finish(X509 *x, const struct signed_by *by)
{
	X509_set_issuer_name(x, X509_get_subject_name(by->cert));
	assert_true(X509_sign(x, by->key, EVP_sha256()) > 0);
}

static struct signed_by make_authority(struct mint *m, const char *cn, const struct signed_by *by)
{
	struct signed_by made = { .key = make_key(MINT_P256) };

	made.cert = begin(m, made.key, cn, -DAY, 3650 * DAY);
	by = by != NULL ? by : &made;
	extend(made.cert, by->cert, NID_basic_constraints, "critical,CA:TRUE");
	extend(made.cert, by->cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	extend(made.cert, by->cert, NID_subject_key_identifier, "hash");
	finish(made.cert, by);
	return made;
}

struct mint *mint_open(void)
{
	struct mint *m = calloc(1, sizeof *m);
	BIO *b = BIO_new(BIO_s_mem());

	assert_non_null(m);
	m->serial = 1000 + time(NULL);
	m->root = make_authority(m, "Tests Root", NULL);
	m->between = make_authority(m, "Tests Intermediate", &m->root);
	PEM_write_bio_X509(b, m->root.cert);
	m->root_pem = text_of(b);
	return m;
}

static void forget(struct signed_by *s)
{
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
}

void mint_close(struct mint *m)
{
	if (m == NULL)
		return;
	forget(&m->root);
	forget(&m->between);
	free(m->root_pem);
	free(m);
}

const char *mint_root(const struct mint *m)
{
	return m->root_pem;
}

int64_t mint_make(struct mint *m, const struct mint_leaf *leaf, char **ret_chain, char **ret_key)
{
	EVP_PKEY *key = make_key(leaf->key);
	X509 *x = begin(m, key, leaf->names[0], leaf->from_s < 0 ? leaf->from_s : leaf->from_s - 60,
			leaf->until_s != 0 ? leaf->until_s : 90 * DAY);
	BIO *chain = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
	char san[1100] = "";
	size_t n = 0;

	for (size_t i = 0; i < 4 && leaf->names[i] != NULL; i++)
		n += (size_t)snprintf(san + n, sizeof san - n, "%sDNS:%s", i > 0 ? "," : "", leaf->names[i]);
	extend(x, m->between.cert, NID_subject_alt_name, san);
	extend(x, m->between.cert, NID_ext_key_usage, "serverAuth");
	extend(x, m->between.cert, NID_key_usage, "critical,digitalSignature");
	extend(x, m->between.cert, NID_basic_constraints, "critical,CA:FALSE");
	finish(x, &m->between);
	PEM_write_bio_X509(chain, x);
	PEM_write_bio_X509(chain, m->between.cert);
	PEM_write_bio_PKCS8PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
	*ret_chain = text_of(chain);
	*ret_key = text_of(secret);
	X509_free(x);
	EVP_PKEY_free(key);
	return m->serial;
}

static void replace(const char *dir, const char *name, const char *ending, const char *text)
{
	char path[600], fresh[640];

	snprintf(path, sizeof path, "%s/%s.%s", dir, name, ending);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	temp_write(fresh, text);
	assert_int_equal(0, rename(fresh, path));
}

int64_t mint_files(struct mint *m, const struct mint_leaf *leaf, const char *dir, const char *name)
{
	char *chain, *key;
	const int64_t serial = mint_make(m, leaf, &chain, &key);

	replace(dir, name, "pem", chain);
	replace(dir, name, "key", key);
	free(chain);
	free(key);
	return serial;
}
