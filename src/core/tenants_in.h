/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_CORE_TENANTS_IN_H
#define CC_SRC_CORE_TENANTS_IN_H

#include "cc/core/tenants.h"

/* The slug in a domain <slug>.<base>. NULL: a fault on `domain`. */
const char *tenants_slug(struct ctx *cx, const char *domain);
const struct plan *tenants_plan(struct ctx *cx, const char *name);      /* NULL: a fault on `plan_type` */

/*
 * Another plan; settings that are the old one's follow. row: as it was locked, and as it is by the commit.
 * used NULL: whatever is in use. A fault on `plan_type`, ERR_BELOW_USAGE.
 */
enum err tenants_set_plan(struct ctx *cx, const char *plan, const struct tenant_usage *used,
			  struct tenant_row *row) MUST_USE;

/* What keeps a tenant's row from being changed in this state. */
enum err tenants_state(struct ctx *cx, bool found, const struct tenant_row *row) MUST_USE;

#endif
