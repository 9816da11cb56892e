/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_ES256_H
#define CC_CRYPTO_ES256_H

#include <stddef.h>

#include "cc/base/bytes.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * ECDSA over P-256 with SHA-256 (RFC 7518, ES256), deterministic as in RFC 6979: the same key and text have
 * the same signature everywhere. Checked by jws_verify().
 */
#define ES256_KEY_LEN 32
#define ES256_POINT_LEN 64 /* x and y */
#define ES256_LEN 64       /* r and s */

/* A private key made of a secret: the same secret has the same key. */
void es256_key(const void *secret, size_t n, unsigned char ret[ES256_KEY_LEN]);
void es256_public(const unsigned char key[ES256_KEY_LEN], unsigned char ret[ES256_POINT_LEN]);
void es256_sign(
	const unsigned char key[ES256_KEY_LEN], const void *p, size_t n, unsigned char ret[ES256_LEN]);
/* "-----BEGIN PUBLIC KEY-----…", in the arena. */
char *es256_pem(struct arena *a, const unsigned char point[ES256_POINT_LEN]);

#endif
