/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_ISSUER_H
#define CC_MODEL_ISSUER_H

#include "cc/schema/schema.h"

extern const char *const issuer_algorithms[];   /* RS256 ES256 EdDSA */

/* Who may sign tokens for a tenant's people, and how those are read. */
struct issuer_spec {
	const char *issuer;                     /* `iss`, exactly */
	const char *audience;                   /* must be in `aud` */
	const char *jwks_url;                   /* one of the two: where its keys are … */
	const char *jwks;                       /* … or the keys, a JWK set */
	struct strv algorithms;
	const char *tenant_claim, *roles_claim, *scope_claim;
};
extern const struct schema issuer_spec_schema;

/* What a tenant has of them: the body and answer of /tenants/{tenant_id}/auth/issuers. */
struct issuer_list {
	const char *issuers;                    /* JSON: an array of issuer_spec */
	int64_t row_version;
	uint64_t seen;
};
extern const struct schema issuer_list_schema;

#endif
