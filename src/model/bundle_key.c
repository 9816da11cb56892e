/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/bundle_key.h"

#define T struct bundle_jwk
static const struct field bundle_jwk_fields[] = {
	TEXT(T, kty, F_OUT, 0, 0, "EC."),
	TEXT(T, crv, F_OUT, 0, 0, "P-256."),
	TEXT(T, x, F_OUT, 0, 0, "Of the point, in base64url."),
	TEXT(T, y, F_OUT, 0, 0, "Of the point, in base64url."),
	TEXT(T, kid, F_OUT, 0, 0, "The thumbprint of the key (RFC 7638); signatures name it."),
	TEXT(T, use, F_OUT, 0, 0, "sig."),
	TEXT(T, alg, F_OUT, 0, 0, "ES256."),
	TEXT(T, pem, F_OUT, 0, 0, "The same key in PEM, as the configuration of OPA takes it."),
};
#undef T
SCHEMA(bundle_jwk_schema, struct bundle_jwk, "BundleKey", bundle_jwk_fields);

#define T struct bundle_keys
static const struct field bundle_keys_fields[] = {
	JSON_LIST(T, keys, F_OUT, 2, &bundle_jwk_schema, "Those that sign now, and until lately."),
};
#undef T
SCHEMA(bundle_keys_schema, struct bundle_keys, "BundleKeys", bundle_keys_fields);
