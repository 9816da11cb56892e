/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/checkpoint.h"

#include "cc/model/audit.h"

#define T struct checkpoint
static const struct field checkpoint_fields[] = {
	TEXT(T, tenant_id, F_OUT, 0, 0, "Whose audit it is."),
	ENUM(T, chain, F_OUT | F_SORT, audit_chains, NULL, "Which of its chains."),
	INT(T, number, F_OUT | F_SORT, 0, 0, "Place among the checkpoints of the chain; no gaps."),
	INT(T, seq, F_OUT, 0, 0, "The last record of the chain at that time."),
	TEXT(T, mac, F_OUT, 0, 0, "That record's mac."),
	TIME(T, at, F_OUT | F_SORT | F_MILLIS, "When the checkpoint was made."),
	TEXT(T, previous, F_OUT, 0, 0, "SHA-256 of the checkpoint before; zeros before the first."),
	TEXT(T, key_id, F_OUT, 0, 0, "The key of the signature; see /.well-known/controlcore-keys."),
	TEXT(T, signature, F_OUT, 0, 0, "Ed25519, base64url, over this checkpoint without its signature."),
};
#undef T
SCHEMA(checkpoint_schema, struct checkpoint, "Checkpoint", checkpoint_fields);

#define T struct audit_tip
static const struct field audit_tip_fields[] = {
	INT(T, seq, 0, 0, 0, "The last place of the chain."),
	BYTES(T, mac),
	BYTES(T, marked),
};
#undef T
SCHEMA(audit_tip_schema, struct audit_tip, "AuditTip", audit_tip_fields);

#define T struct public_jwk
static const struct field public_jwk_fields[] = {
	TEXT(T, kty, F_OUT, 0, 0, "OKP."),
	TEXT(T, crv, F_OUT, 0, 0, "Ed25519."),
	TEXT(T, x, F_OUT, 0, 0, "The public key, base64url."),
	TEXT(T, kid, F_OUT, 0, 0, "Its name: the thumbprint of RFC 7638."),
	TEXT(T, use, F_OUT, 0, 0, "sig."),
	TEXT(T, alg, F_OUT, 0, 0, "EdDSA."),
};
#undef T
SCHEMA(public_jwk_schema, struct public_jwk, "Jwk", public_jwk_fields);

#define T struct jwk_set
static const struct field jwk_set_fields[] = {
	JSON_LIST(T, keys, F_OUT, 2, &public_jwk_schema,
		  "The key that signs now, then the one that did before."),
};
#undef T
SCHEMA(jwk_set_schema, struct jwk_set, "JwkSet", jwk_set_fields);
