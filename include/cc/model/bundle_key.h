/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_BUNDLE_KEY_H
#define CC_MODEL_BUNDLE_KEY_H

#include "cc/schema/schema.h"

/* A public key of P-256 as a JWK (RFC 7518, 6.2). */
struct bundle_jwk {
	const char *kty, *crv, *x, *y, *kid, *use, *alg;
	const char *pem;
};
extern const struct schema bundle_jwk_schema;

struct bundle_keys {
	const char *keys; /* JSON array of bundle_jwk */
};
extern const struct schema bundle_keys_schema;

#endif
