/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CRYPTO_JWS_H
#define CC_CRYPTO_JWS_H

#include <stdbool.h>

#include "cc/base/bytes.h"

/* Any thread: what is touched is the caller's or constant. */

/*
 * Verifying JSON Web Signatures (RFC 7515) with public keys of issuers. An algorithm belongs to the key,
 * never to the token (RFC 8725, 3.1): whoever verifies compares first. No secret keys, no "none".
 */
enum jws_alg { JWS_RS256, JWS_ES256, JWS_EDDSA };
const char *jws_alg_name(enum jws_alg alg);
bool jws_alg_find(const char *name, enum jws_alg *ret); /* exactly as RFC 7518 and 8037 write it */

/* A public key: the parts of a JWK (RFC 7518, 6; RFC 8037, 2), decoded. */
struct jwk {
	enum jws_alg alg;
	struct bytes n, e; /* RS256: modulus and exponent, big-endian */
	struct bytes x, y; /* ES256: a point of P-256; EdDSA: x is the key */
};

/*
 * NULL when the key may be used, else the rest of a sentence for whoever configured it. RSA: 2048 to 4096
 * bits, odd exponent of 65537 to 32 bits. EC: a point of P-256. Ed25519: 32 bytes.
 */
const char *jwk_fault(const struct jwk *k);
/* ES256: the signature is R and S, 32 bytes each (RFC 7518, 3.4). Anything that is wrong is false. */
bool jws_verify(const struct jwk *k, const void *text, size_t n, struct bytes signature);

#endif
