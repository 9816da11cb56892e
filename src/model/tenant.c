/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/tenant.h"

#include "cc/model/check.h"
#include "cc/model/names.h"

#define MOST 1000000000         /* of anything that is counted */

const char *const tenant_statuses[] = {
	"provisioning", "active", "suspended", "deletion_scheduled", "deleting", NULL,
};
const char *const suspend_modes[] = { "blocked", "read_only", NULL };

#define T struct tenant_settings
static const struct field tenant_settings_fields[] = {
	INT(T, max_policies, F_RW | F_NULLABLE, 0, MOST, "Most policies; null is unlimited."),
	INT(T, max_users, F_RW | F_NULLABLE, 1, MOST, "Most users, the owner is one; null is unlimited."),
	INT(T, max_bouncers, F_RW | F_NULLABLE, 0, MOST, "Most bouncers; null is unlimited."),
	INT(T, max_resources, F_RW | F_NULLABLE, 0, MOST, "Most resources; null is unlimited."),
	BOOL(T, require_if_match, F_RW, "PUT, PATCH and DELETE without If-Match are refused (428)."),
	BOOL(T, require_tests, F_RW,
	     "Policies whose test cases did not run, or that have none, are not promoted (409)."),
	STRS(T, allowed_regions, F_RW, 0, 32, NULL, 40,
	     "The regions that its data may be in, changed by operators only; none: all of them.",
	     .example = "us-east-1"),
	STRS(T, cors_origins, F_RW, 0, 16, NULL, ORIGIN_MAX,
	     "Origins whose scripts may call this API in browsers (CORS) at the tenant's hosts and paths.",
	     .check = check_origin, .example = "https://console.example.com"),
};
#undef T
SCHEMA_IN(tenant_settings_schema, struct tenant_settings, "TenantSettings", tenant_settings_fields);

#define T struct tenant_usage
static const struct field tenant_usage_fields[] = {
	INT(T, policies_used, F_OUT | F_NULLABLE, 0, 0,
	    "Policies in use; null while the region does not answer."),
	INT(T, users_used, F_OUT | F_NULLABLE, 0, 0, "Users in use."),
	INT(T, bouncers_used, F_OUT | F_NULLABLE, 0, 0, "Bouncers in use."),
	INT(T, resources_used, F_OUT | F_NULLABLE, 0, 0, "Resources in use."),
};
#undef T
SCHEMA(tenant_usage_schema, struct tenant_usage, "TenantUsage", tenant_usage_fields);

#define T struct tenant_new
static const struct field tenant_new_fields[] = {
	TEXT_LIKE(T, name, F_CREATE | F_REQUIRED, 1, 120, check_not_blank, "As shown to people.",
		  .example = "Acme Corporation"),
	TEXT_LIKE(T, domain, F_CREATE | F_REQUIRED, 1, 253, check_tenant_domain,
		  "<slug>.<base domain>; the slug is the tenant's second name beside its id.",
		  .example = "acme.controlcore.io"),
	TEXT_LIKE(T, custom_domain, F_CREATE | F_NULLABLE, 1, 253, check_foreign_domain,
		  "A domain of the tenant's own; it counts once it is verified. See its domains.",
		  .fault = FAULT_DOMAIN),
	TEXT(T, region, F_CREATE | F_REQUIRED, 1, 40, "Where the tenant's data will live.",
	     .example = "us-east-1"),
	{ .name = "plan_type", .kind = K_TEXT, .flags = F_CREATE, .offset = FIELD_AT(T, plan_type,
										     const char *),
	  .min = 1, .max = 40, .def = "free", .doc = "Name of the plan.", .example = "pro" },
	OBJ(T, settings, F_CREATE, struct tenant_settings, &tenant_settings_schema,
	    "Maxima; those left out are the plan's."),
	TEXT_LIKE(T, owner_email, F_CREATE | F_NULLABLE, 3, 254, check_email,
		  "The first user; owner@<domain> when left out."),
};
#undef T
SCHEMA_IN(tenant_new_schema, struct tenant_new, "TenantCreate", tenant_new_fields);

/* limits stands last: the item of a list is all the rest. */
#define T struct tenant_row
static const struct field tenant_row_fields[] = {
	TEXT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server; never changes."),
	TEXT_LIKE(T, name, F_UPDATE | F_OUT | F_SORT, 1, 120, check_not_blank, "As shown to people.",
		  .example = "Acme Corporation Inc."),
	TEXT(T, slug, F_OUT | F_SORT, 0, 0, "First label of the domain; names the tenant as well as its id."),
	TEXT_LIKE(T, domain, F_UPDATE | F_OUT | F_SORT, 1, 253, check_tenant_domain,
		  "<slug>.<base domain>. Changed by operators only."),
	TEXT(T, custom_domain, F_OUT | F_NULLABLE, 0, 0,
	     "A domain of the tenant's own: the default one, or the first that was claimed or proven."),
	ENUM(T, status, F_OUT | F_SORT, tenant_statuses, NULL, "Where it is in its life."),
	TEXT(T, region, F_OUT | F_SORT, 0, 0, "Where the tenant's data lives."),
	TEXT(T, plan_type, F_UPDATE | F_OUT | F_SORT, 1, 40, "Name of the plan. Changed by operators only."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was created."),
	TIME(T, updated_at, F_OUT | F_VOLATILE | F_SORT, "When it was last changed."),
	TIME(T, expires_at, F_OUT | F_NULLABLE | F_SORT, "When the term of its plan ends."),
	OBJ(T, settings, F_UPDATE | F_OUT, struct tenant_settings, &tenant_settings_schema,
	    "Maxima, changed by operators only; and require_if_match, require_tests, cors_origins."),
	TEXT(T, suspend_mode, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, 0, 0,
	     "While suspended: blocked or read_only."),
	TEXT(T, suspended_reason, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, 0, 0, "While suspended: why."),
	TIME(T, deleted_at, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, "When its deletion was asked for."),
	TIME(T, purge_at, F_OUT | F_NULLABLE | F_OPTIONAL_OUT, "Until when the deletion can be undone."),
	INT(T, row_version, F_ROW_VERSION, 0, 0, "One more with every change."),
	TEXT(T, status_before, F_NULLABLE, 0, 0, "What a restore returns to."),
	BOOL(T, undo_over, 0, "The undo window has passed."),
	BOOL(T, unpaid, 0, "It is deleted because it is not paid."),
	OBJ(T, limits, F_OUT | F_VOLATILE, struct tenant_usage, &tenant_usage_schema, "What is in use."),
};
#undef T
SCHEMA_IN(tenant_row_schema, struct tenant_row, "Tenant", tenant_row_fields);

const struct schema tenant_item_schema = {
	.name = "TenantItem",
	.fields = tenant_row_fields,
	.nfields = sizeof(tenant_row_fields) / sizeof(tenant_row_fields[0]) - 1,
	.size = sizeof(struct tenant_row),
	.seen_at = SEEN_NONE,
};

#define T struct tenant_suspension
static const struct field tenant_suspension_fields[] = {
	TEXT(T, reason, F_CREATE | F_NULLABLE, 1, 500, "Shown to the tenant.", .example = "Unpaid"),
	ENUM(T, mode, F_CREATE, suspend_modes, "blocked",
	     "blocked: nothing but looking at the tenant itself; read_only: no changes."),
};
#undef T
SCHEMA_IN(tenant_suspension_schema, struct tenant_suspension, "Suspension", tenant_suspension_fields);
