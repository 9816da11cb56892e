/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_TESTS_SIGNER_H
#define CC_TESTS_SIGNER_H

#include <stddef.h>

/*
 * An issuer of tokens: a key pair, its public half as a JWK, and signatures with it. Made by OpenSSL alone,
 * so that the program's own code is not its own witness. Texts are malloc'ed.
 */
enum signer_kind { SIGNER_RSA, SIGNER_EC, SIGNER_ED25519, SIGNER_RSA_1024, SIGNER_EC_384 };
struct signer;

struct signer *signer_make(enum signer_kind kind, const char *kid);
void signer_free(struct signer *s); /* NULL is fine */
/* {"kty":…,"kid":…,…} */
char *signer_jwk(const struct signer *s);
/* header.claims.signature; the signature is the key's own kind whatever the header says. */
char *signer_token(const struct signer *s, const char *header, const char *claims);
/* The same with HMAC-SHA-256 under `key`. */
char *signer_hmac_token(const char *key, const char *header, const char *claims);
/* The public key as PEM: what is mistaken for the key of an HMAC. */
char *signer_pem(const struct signer *s);
/* base64url of a text. */
char *signer_base64url(const void *p, size_t n);

#endif
