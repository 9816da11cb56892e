/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_CHECKPOINT_H
#define CC_MODEL_CHECKPOINT_H

#include "cc/schema/schema.h"

/* The signed head of one chain of a tenant's audit. Each chain's are numbered from 1. */
struct checkpoint {
	const char *tenant_id, *chain;
	int64_t number;
	int64_t seq;                    /* the chain's last row … */
	const char *mac;                /* … and its mac, 64 hexadecimal digits */
	int64_t at;                     /* whole milliseconds */
	const char *previous;           /* SHA-256 of the one before, 64 hexadecimal digits */
	const char *key_id;
	const char *signature;          /* base64url */
};
extern const struct schema checkpoint_schema;

/* Where a chain ends, and what its row at an earlier place has for a mac (p NULL: there is none). */
struct audit_tip {
	int64_t seq;
	struct bytes mac, marked;
};
extern const struct schema audit_tip_schema;

/* A set of public keys (RFC 7517), of Ed25519 (RFC 8037). */
struct jwk_set {
	const char *keys;               /* JSON: an array of what public_jwk_schema says */
};
struct public_jwk {
	const char *kty, *crv, *x, *kid, *use, *alg;
};
extern const struct schema jwk_set_schema, public_jwk_schema;

#endif
