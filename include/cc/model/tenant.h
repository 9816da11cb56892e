/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_MODEL_TENANT_H
#define CC_MODEL_TENANT_H

#include "cc/schema/schema.h"

extern const char *const tenant_statuses[];     /* the wire's words, in the order of core/tenant.h */
extern const char *const suspend_modes[];       /* blocked read_only */

/* Maxima, INT_NULL is unlimited, 0 allows none; and how the tenant wants to be treated. */
struct tenant_settings {
	int64_t max_policies, max_users, max_bouncers, max_resources;
	bool require_if_match, require_tests;
	struct strv allowed_regions;    /* where its data may live; none: everywhere */
	struct strv cors_origins;       /* whose scripts may read what it is answered */
	uint64_t seen;
};
extern const struct schema tenant_settings_schema;

/* What is in use; INT_NULL: not known, because the tenant's region does not answer. */
struct tenant_usage {
	int64_t policies_used, users_used, bouncers_used, resources_used;
	int64_t storage_bytes;          /* not shown: no limit is on it */
};
extern const struct schema tenant_usage_schema;

/* The body that creates a tenant. */
struct tenant_new {
	const char *name, *domain, *custom_domain;
	const char *region, *plan_type;
	struct tenant_settings settings;
	const char *owner_email;        /* NULL: owner@<domain> */
	uint64_t seen;
};
extern const struct schema tenant_new_schema;

struct tenant_row {
	const char *id, *slug, *name, *domain, *custom_domain;
	const char *status, *region, *plan_type;
	int64_t created_at, updated_at, expires_at;
	struct tenant_settings settings;
	struct tenant_usage limits;     /* from the tenant's region, not from its row */
	const char *suspend_mode, *suspended_reason;
	int64_t deleted_at, purge_at;
	int64_t row_version;            /* internal: one more with every change */
	const char *status_before;      /* internal: what a restore returns to */
	bool undo_over;                 /* internal: purge_at has passed */
	bool unpaid;                    /* internal: it is deleted because it is not paid */
	uint64_t seen;
};
extern const struct schema tenant_row_schema;   /* one tenant, and what PUT and PATCH take */
extern const struct schema tenant_item_schema;  /* the same struct as an item of a list: without limits */

struct tenant_suspension {
	const char *reason;             /* may be NULL */
	const char *mode;
	uint64_t seen;
};
extern const struct schema tenant_suspension_schema;

#endif
