/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_TENANT_H
#define CC_CORE_TENANT_H

#include <stdbool.h>
#include <stdint.h>

#include "cc/base/str.h"
#include "cc/core/plan.h"
#include "cc/db/unit.h"

/* In the order of tenant_statuses, which are their names. */
enum tenant_status {
	TENANT_PROVISIONING,    /* being created; invisible to tenant credentials */
	TENANT_ACTIVE,
	TENANT_SUSPENDED,
	TENANT_DELETION_SCHEDULED, /* in its undo window */
	TENANT_DELETING,        /* the purge has begun; forward only */
};
const char *tenant_status_name(enum tenant_status s);   /* "active", "deletion_scheduled", … */
bool tenant_status_parse(const char *s, enum tenant_status *ret);

/* Immutable snapshot of a tenant and its placement, for any thread; refcounted by the registry. */
struct tenant {
	const char *id, *slug, *name, *domain;
	enum tenant_status status;
	const char *suspend_mode;       /* "read_only" or "blocked" while suspended, else NULL */
	const struct plan *plan;        /* NULL: it is not configured on this node */
	struct limits limits;           /* where more is refused: its quota */
	struct limits warn;             /* beyond which more is let through with a warning: its settings */
	bool require_if_match;          /* changes without it are refused */
	bool require_tests;             /* policies that were not tested are not promoted */
	struct strv cors_origins;       /* whose scripts may read what it is answered */
	bool overdue;                   /* not paid for long: nothing is added, see tenant_may_grow() */
	/* placement */
	const char *region;
	const char *schema_id;          /* also the name of its role: t_<base32> */
	const char *search_path;        /* "t_…, pg_temp" */
	int shard;
	int64_t epoch;
	int schema_version;
	struct db_pool *pool;           /* of its shard; NULL: its region is not configured on this node */
};

/*
 * The unit of work in the tenant's schema, as its role. ERR_UNAVAILABLE without a pool, ERR_TENANT_MIGRATING
 * when behind. Any thread: nothing is asked.
 */
enum err tenant_place(struct ctx *cx, const struct tenant *t, struct db_place *ret) MUST_USE;

/*
 * May cx->tenant have one more of anything? ERR_PAYMENT_OVERDUE while it has not been paid for long,
 * ERR_TENANT_SUSPENDED while it is suspended. Operators may, and so does what no actor asked for. Any thread.
 */
enum err tenant_may_grow(struct ctx *cx) MUST_USE;

#endif
