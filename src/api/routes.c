/* SPDX-License-Identifier: Apache-2.0 */
/* The table of contents of the API, and what the constraints of the databases mean to its clients. */
#include "groups.h"

#include "cc/api/api.h"

const struct route_group *const api_groups[] = {
	&tenant_routes,
	&quota_routes,
	&domain_routes,
	&operation_routes,
	&apikey_routes,
	&issuer_routes,
	&auth_routes,
	&policy_routes,
	&policy_version_routes,
	&policy_life_routes, &policy_engine_routes,
	&resource_routes,
	&bouncer_routes,
	&user_routes,
	&audit_routes,
	&audit_export_routes,
	&checkpoint_routes,
	&signing_routes,
	&operator_key_routes,
	&system_routes,
	NULL,
};

const struct db_constraint api_constraints[] = {
	/* Names that clients choose. */
	{ "name_pkey", ERR_SLUG_TAKEN, "domain", "another tenant has this name in its domain" },
	{ "domain_holder", ERR_DOMAIN_TAKEN, "domain", "another tenant has this domain" },
	{ "domain_default", ERR_CONFLICT, NULL, "the tenant has a default domain" },
	{ "domain_pkey", ERR_DOMAIN_TAKEN, "domain", "the tenant has this domain already" },
	{ "policies_name_live", ERR_NAME_TAKEN, "name", "another policy of this environment has this name" },
	{ "policies_twin_live", ERR_CONFLICT, NULL, "the sandbox policy has another production policy" },
	{ "resources_name_live", ERR_NAME_TAKEN, "name",
	  "another resource of this environment has this name" },
	{ "bouncers_name_live", ERR_NAME_TAKEN, "name", "another bouncer of this environment has this name" },
	{ "users_email_live", ERR_EMAIL_TAKEN, "email", "another user has this e-mail address" },

	/* What refers to what. Writers look first, under the head lock; these are the last resort. */
	{ "policies_resource_id_fkey", ERR_IN_USE, "resource_id", "policies refer to this resource" },
	{ "policies_bouncer_id_fkey", ERR_IN_USE, "bouncer_id", "policies refer to this bouncer" },
	{ "tenant_schema_id_fkey", ERR_IN_USE, NULL, "a tenant lives in this schema" },
	{ "tenant_schema_region_shard_fkey", ERR_IN_USE, NULL, "schemas hang on this shard" },
	{ "domain_tenant_id_fkey", ERR_TENANT_NOT_FOUND, NULL, "the tenant is gone" },
	{ "api_key_tenant_id_fkey", ERR_TENANT_NOT_FOUND, NULL, "the tenant is gone" },

	/* Numbers and names that the daemon hands out itself: a collision is its own fault, or chance. */
	{ "tenant_pkey", ERR_CONFLICT, NULL, "the id of the tenant exists; retry" },
	{ "tenant_tombstone_pkey", ERR_CONFLICT, NULL, "the id of the tenant existed before" },
	{ "tenant_schema_pkey", ERR_CONFLICT, NULL, "the schema exists; retry" },
	{ "shard_pkey", ERR_CONFLICT, NULL, "the shard exists; retry" },
	{ "tenant_audit_pkey", ERR_CONFLICT, NULL, "the place in the audit is taken; retry" },
	{ "audit_checkpoint_pkey", ERR_CONFLICT, NULL, "the checkpoint exists; retry" },
	{ "engine_module_pkey", ERR_CONFLICT, NULL, "the name of the module is taken; retry" },
	{ "change_pkey", ERR_CONFLICT, NULL, "the place in the change feed is taken; retry" },
	{ "change_head_pkey", ERR_CONFLICT, NULL, "the change feed has its head" },
	{ "identity_pkey", ERR_CONFLICT, NULL, "the control plane has its identity" },
	{ "api_key_pkey", ERR_CONFLICT, NULL, "the id of the key exists; retry" },
	{ "api_key_live_pkey", ERR_CONFLICT, NULL, "the key was used" },
	{ "api_key_live_api_key_id_fkey", ERR_NOT_FOUND, NULL, "the key is gone" },
	{ "api_key_key_id", ERR_CONFLICT, NULL, "the id of the key exists; retry" },
	{ "head_pkey", ERR_CONFLICT, NULL, "the tenant has its head row" },
	{ "policies_pkey", ERR_CONFLICT, NULL, "the id of the policy exists" },
	{ "policy_versions_pkey", ERR_CONFLICT, NULL, "the version of the policy exists" },
	{ "policy_versions_number", ERR_CONFLICT, NULL, "the version of the policy exists" },
	{ "policy_versions_policy_id_fkey", ERR_IN_USE, NULL, "the policy has versions" },
	{ "resources_pkey", ERR_CONFLICT, NULL, "the id of the resource exists" },
	{ "bouncers_pkey", ERR_CONFLICT, NULL, "the id of the bouncer exists" },
	{ "bouncer_live_pkey", ERR_CONFLICT, NULL, "the bouncer is known to live" },
	{ "users_pkey", ERR_CONFLICT, NULL, "the id of the user exists" },
	{ "user_live_pkey", ERR_CONFLICT, NULL, "the user was seen" },
	{ "tombstones_pkey", ERR_CONFLICT, NULL, "the tombstone exists" },
	{ "audit_pkey", ERR_CONFLICT, NULL, "the place in the audit is taken" },
	{ "idempotency_pkey", ERR_IDEM_RUNNING, NULL,
	  "a request with this Idempotency-Key is still running; retry in a moment" },
	{ "operation_exclusive", ERR_OPERATION_RUNNING, NULL, "another operation on the tenant was begun" },
	{ "operation_pkey", ERR_CONFLICT, NULL, "the id of the operation exists; retry" },
	{ NULL, ERR_NONE, NULL, NULL },
};
