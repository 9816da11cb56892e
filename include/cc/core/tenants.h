/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_TENANTS_H
#define CC_CORE_TENANTS_H

#include "cc/base/ctx.h"
#include "cc/core/provision.h"
#include "cc/model/tenant.h"
#include "cc/schema/read.h"

/* On the thread that owns cx, which waits for PostgreSQL: workers, jobs, commands; no I/O thread. */

/*
 * Tenants as operators and owners manage them. What changes one runs inside a unit of work in the
 * control database bound to cx->tenant (place_control), locks its row first, and leaves audit and
 * change feed to its caller. ret outlives the unit; its limits are not set here. All of them:
 * ERR_TENANT_NOT_FOUND, ERR_TENANT_PROVISIONING, and but for the restore ERR_TENANT_GONE.
 */

/* The body of a creation, checked against settings, regions and plans: every fault at once. */
enum err tenants_spec(struct ctx *cx, const struct tenant_new *in, struct tenant_spec *ret) MUST_USE;

/* What cx->tenant uses, by its region, within two seconds; INT_NULL when that does not answer. */
void tenants_usage(struct ctx *cx, struct tenant_usage *ret, const struct tenant **ret_fresh);

struct tenants_edit {
	const struct tenant_row *sent;
	enum read_mode mode;
	const struct tenant_usage *used;        /* no limit may be set below it */
};
/*
 * PUT and PATCH. But for the name everything is for actors with platform:tenants (ERR_SCOPE). Settings
 * that are the old plan's follow to a new one. ERR_BELOW_USAGE, ERR_SLUG_TAKEN, ERR_DOMAIN_TAKEN.
 */
enum err tenants_update(struct ctx *cx, const struct tenants_edit *edit, struct tenant_row *ret,
			struct strv *ret_changed) MUST_USE;
enum err tenants_suspend(struct ctx *cx, const struct tenant_suspension *in, struct tenant_row *ret) MUST_USE;
enum err tenants_resume(struct ctx *cx, struct tenant_row *ret) MUST_USE;
/* The undo window begins, as an operation. ERR_OPERATION_RUNNING. */
enum err tenants_delete(struct ctx *cx, struct tenant_row *ret, const char **ret_operation) MUST_USE;
/* ERR_NOT_DELETED, ERR_UNDO_OVER. */
enum err tenants_restore(struct ctx *cx, struct tenant_row *ret) MUST_USE;

#endif
