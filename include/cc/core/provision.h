/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_PROVISION_H
#define CC_CORE_PROVISION_H

#include "cc/base/ctx.h"
#include "cc/core/plan.h"
#include "cc/core/world.h"
#include "cc/model/tenant.h"

/* On the thread that owns cx, which waits for PostgreSQL: workers, jobs, commands; no I/O thread. */

/* What a new tenant shall be; already validated. */
struct tenant_spec {
	const char *name, *slug, *domain;
	const char *custom_domain; /* NULL: none; recorded as a pending domain */
	const struct plan *plan;
	const char *region;
	struct limits limits;
	const char *owner_email, *owner_username;
	bool require_if_match, require_tests;
	struct strv allowed_regions, cors_origins;
};

/*
 * All or nothing across the control and the region database: (1) one control transaction reserves the
 * names, writes the tenant as `provisioning` with a lease and claims a spare schema (or records a new
 * one to be made); (2) the region: the schema if it is not there yet, then head, owner user and first
 * audit row in one transaction; (3) one guarded control transaction makes it `active`, while the lease
 * still holds. What dies in between is removed by provision_tick(). ERR_SLUG_TAKEN, ERR_DOMAIN_TAKEN.
 * An Idempotency-Key (cx->idem) is reserved by (1), with the tenant's id as its subject.
 */
enum err tenant_create(struct ctx *cx, const struct tenant_spec *spec, const char **ret_id) MUST_USE;
/*
 * What step (1) would be refused for, without leaving anything: it is done and rolled back. ret: the tenant
 * as it would be, with an id it will not have; its limits are not set.
 */
enum err tenant_rehearse(struct ctx *cx, const struct tenant_spec *spec, struct tenant_row *ret) MUST_USE;

/* One round of the background work; each part is idempotent, leased and safe on several nodes at once. */
struct tick_report {
	int undone;       /* creations whose lease ran out, removed */
	int purged;       /* tenants removed after their undo window */
	int dropped;      /* schemas dropped */
	int prepared;     /* spare schemas made */
	int migrated;     /* tenant schemas brought to the newest version */
	int expunged;     /* rows soft-deleted long ago, removed for good */
	int signed_heads; /* checkpoints of the audit */
	unsigned failed;  /* a bit for each part that failed … */
	unsigned worked;  /* … and that did a piece of work without failing */
};
/* Ends soon after cx->deadline_ms. A part that fails does not stop the others; the first failure is told. */
enum err provision_tick(struct ctx *cx, struct tick_report *ret) MUST_USE;

/*
 * Schemas and roles of a region that look like tenants' and that nothing records: from now on they are
 * recorded, and dropped grace_s later. *ret_found: how many were found just now; *ret_names: up to eight.
 */
enum err provision_orphans(
	struct ctx *cx, struct region *r, int64_t grace_s, int *ret_found, const char **ret_names) MUST_USE;
/*
 * Removes a bounded number of a tenant's rows that were deleted longer than soft_delete_days ago, and of its
 * idempotency keys that are a day old.
 */
enum err provision_expunge(struct ctx *cx, const char *tenant_id, int *ret_rows) MUST_USE;

/* Set-up, idempotent: login roles, databases, migrations of control and regions. */
struct setup_report {
	int control_pending, region_pending, tenants_pending;
	int control_applied, region_applied, tenants_applied;
};
enum {
	SETUP_DRY = 1,                  /* counts only */
	SETUP_WITHOUT_SILENT = 2,       /* regions whose server is silent are left out: unprepared */
};
enum err setup_all(struct ctx *cx, const char *admin_conninfo, unsigned how,
		   struct setup_report *ret) MUST_USE;
/*
 * What setup_all() and setup_refusals() do, for one region that was left out; then it is served. With an
 * administrator and migrations or without, as the settings say. ERR_UNAVAILABLE: it is still silent.
 */
enum err setup_region(struct ctx *cx, struct region *r) MUST_USE;
/* The start-up refusal list (reliability.md 2.2): ERR_CONFLICT with a sentence naming what is unsafe. */
enum err setup_refusals(struct ctx *cx) MUST_USE;

/*
 * Tenants whose plan or region this node's settings do not name (any more): how many, and which plans and
 * regions those are, for the log. They can be seen and changed by operators; their own requests are refused.
 */
enum err setup_strays(struct ctx *cx, int64_t *ret_tenants, const char **ret_which) MUST_USE;

#endif
