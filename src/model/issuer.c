/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/issuer.h"

#include "cc/model/check.h"

#define ISSUERS_MAX 5
#define JWKS_MAX 32768

const char *const issuer_algorithms[] = { "RS256", "ES256", "EdDSA", NULL };

#define T struct issuer_spec
static const struct field issuer_spec_fields[] = {
	TEXT_LIKE(T, issuer, F_RW | F_REQUIRED, 1, 500, check_not_blank,
		"The `iss` of its tokens, character by character.", .example = "https://id.example.com/"),
	TEXT_LIKE(T, audience, F_RW | F_REQUIRED, 1, 500, check_not_blank,
		"What `aud` of its tokens must hold: this API, as the issuer calls it.",
		.example = "controlcore"),
	TEXT_LIKE(T, jwks_url, F_RW | F_NULLABLE, 1, 2000, check_http_url,
		"Where it publishes its keys, over https. Either this or jwks.",
		.example = "https://id.example.com/jwks.json"),
	JSON(T, jwks, F_RW | F_NULLABLE, JWKS_MAX,
		"Its public keys as a JWK set, for one that publishes none."),
	STRS(T, algorithms, F_RW | F_REQUIRED, 1, 3, issuer_algorithms, 0, "What it signs with.",
		.example = "ES256"),
	TEXT_LIKE(T, tenant_claim, F_RW | F_NULLABLE, 1, 100, check_not_blank,
		"The claim that names the tenant by id or slug; null is tenant_id."),
	TEXT_LIKE(T, roles_claim, F_RW | F_NULLABLE, 1, 100, check_not_blank,
		"The claim that holds the roles; null is roles."),
	TEXT_LIKE(T, scope_claim, F_RW | F_NULLABLE, 1, 100, check_not_blank,
		"The claim that holds the scopes; null is scope."),
};
#undef T
SCHEMA(issuer_spec_schema, struct issuer_spec, "Issuer", issuer_spec_fields);

#define T struct issuer_list
static const struct field issuer_list_fields[] = {
	JSON_LIST(T, issuers, F_RW | F_REQUIRED, ISSUERS_MAX, &issuer_spec_schema,
		"Who may sign tokens for the tenant; none is fine."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "Internal."),
};
#undef T
SCHEMA_IN(issuer_list_schema, struct issuer_list, "Issuers", issuer_list_fields);
