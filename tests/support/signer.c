/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* asprintf */
#include "signer.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct signer {
	enum signer_kind kind;
	char *kid;
	EVP_PKEY *key;
};

static void must(int good)
{
	if (!good)
		abort();
}

static char *print(const char *fmt, const char *a, const char *b, const char *c)
{
	char *text = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	must(asprintf(&text, fmt, a, b, c) >= 0);
#pragma GCC diagnostic pop
	return text;
}

char *signer_base64url(const void *p, size_t n)
{
	char *text = malloc(n / 3 * 4 + 8);
	int len;

	must(text != NULL);
	len = EVP_EncodeBlock((unsigned char *)text, p, (int)n);
	while (len > 0 && text[len - 1] == '=')
		len--;
	text[len] = '\0';
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return text;
}

static EVP_PKEY *generate(enum signer_kind kind)
{
	switch (kind) {
	case SIGNER_RSA:
		return EVP_RSA_gen(2048);
	case SIGNER_RSA_1024:
		return EVP_RSA_gen(1024);
	case SIGNER_EC:
		return EVP_EC_gen("P-256");
	case SIGNER_EC_384:
		return EVP_EC_gen("P-384");
	case SIGNER_ED25519:
		break;
	}
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

struct signer *signer_make(enum signer_kind kind, const char *kid)
{
	struct signer *s = calloc(1, sizeof(*s));

	must(s != NULL);
	s->kind = kind;
	s->kid = strdup(kid);
	s->key = generate(kind);
	must(s->kid != NULL && s->key != NULL);
	return s;
}

void signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	EVP_PKEY_free(s->key);
	free(s->kid);
	free(s);
}

static char *number(const struct signer *s, const char *param, int width)
{
	unsigned char bytes[1024];
	BIGNUM *n = NULL;
	char *text;
	int len;

	must(EVP_PKEY_get_bn_param(s->key, param, &n) == 1);
	len = width > 0 ? BN_bn2binpad(n, bytes, width) : BN_bn2bin(n, bytes);
	must(len > 0);
	BN_free(n);
	text = signer_base64url(bytes, (size_t)len);
	return text;
}

static char *rsa_jwk(const struct signer *s)
{
	char *n = number(s, OSSL_PKEY_PARAM_RSA_N, 0), *e = number(s, OSSL_PKEY_PARAM_RSA_E, 0);
	char *text = print("{\"kty\":\"RSA\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"%s\"}", s->kid, n, e);

	free(n);
	free(e);
	return text;
}

static char *ec_jwk(const struct signer *s)
{
	const bool p256 = s->kind == SIGNER_EC;
	char *x = number(s, OSSL_PKEY_PARAM_EC_PUB_X, p256 ? 32 : 48);
	char *y = number(s, OSSL_PKEY_PARAM_EC_PUB_Y, p256 ? 32 : 48);
	char *text =
		print(p256 ? "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}"
			   : "{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
			s->kid, x, y);

	free(x);
	free(y);
	return text;
}

static char *ed_jwk(const struct signer *s)
{
	unsigned char raw[32];
	size_t n = sizeof(raw);
	char *x, *text;

	must(EVP_PKEY_get_raw_public_key(s->key, raw, &n) == 1);
	x = signer_base64url(raw, n);
	text = print("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"%s\",\"x\":\"%s\"%s}", s->kid, x, "");
	free(x);
	return text;
}

char *signer_jwk(const struct signer *s)
{
	switch (s->kind) {
	case SIGNER_RSA:
	case SIGNER_RSA_1024:
		return rsa_jwk(s);
	case SIGNER_EC:
	case SIGNER_EC_384:
		return ec_jwk(s);
	case SIGNER_ED25519:
		break;
	}
	return ed_jwk(s);
}

static char *signed_part(const char *header, const char *claims)
{
	char *h = signer_base64url(header, strlen(header)), *c = signer_base64url(claims, strlen(claims));
	char *text = print("%s.%s%s", h, c, "");

	free(h);
	free(c);
	return text;
}

/* R and S, side by side. */
static size_t raw_of_der(const unsigned char *der, size_t n, unsigned char raw[64])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	must(sig != NULL);
	must(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32);
	must(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32);
	ECDSA_SIG_free(sig);
	return 64;
}

char *signer_token(const struct signer *s, const char *header, const char *claims)
{
	const EVP_MD *md = s->kind == SIGNER_ED25519 ? NULL : EVP_sha256();
	char *text = signed_part(header, claims), *sig, *token;
	EVP_MD_CTX *cx = EVP_MD_CTX_new();
	unsigned char bytes[1024], raw[64];
	size_t n = sizeof(bytes);

	must(EVP_DigestSignInit(cx, NULL, md, NULL, s->key) == 1);
	must(EVP_DigestSign(cx, bytes, &n, (const unsigned char *)text, strlen(text)) == 1);
	EVP_MD_CTX_free(cx);
	if (s->kind == SIGNER_EC) {
		n = raw_of_der(bytes, n, raw);
		memcpy(bytes, raw, n);
	}
	sig = signer_base64url(bytes, n);
	token = print("%s.%s%s", text, sig, "");
	free(sig);
	free(text);
	return token;
}

char *signer_hmac_token(const char *key, const char *header, const char *claims)
{
	char *text = signed_part(header, claims), *sig, *token;
	unsigned char mac[32];
	unsigned n = sizeof(mac);

	must(HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, strlen(text), mac, &n) !=
		NULL);
	sig = signer_base64url(mac, n);
	token = print("%s.%s%s", text, sig, "");
	free(sig);
	free(text);
	return token;
}

char *signer_pem(const struct signer *s)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *data = NULL, *text;
	long n;

	must(out != NULL && PEM_write_bio_PUBKEY(out, s->key) == 1);
	n = BIO_get_mem_data(out, &data);
	text = strndup(data, (size_t)n);
	BIO_free(out);
	must(text != NULL);
	return text;
}
