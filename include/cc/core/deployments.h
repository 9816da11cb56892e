/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_DEPLOYMENTS_H
#define CC_CORE_DEPLOYMENTS_H

#include "cc/base/ctx.h"
#include "cc/core/world.h"
#include "cc/model/move.h"

/* What clients ask of moves. On the thread that owns cx, which waits for PostgreSQL: workers. */

/* What was found out before the control database is asked. */
struct deployment_plan {
	const struct deployment_new *in;
	struct move_size size;
	bool dry;                       /* refusals are gathered in blockers instead */
	const char *blockers[8];
	size_t nblockers;
};

/*
 * Outside of any unit of work; cx->tenant is the one that moves. ERR_VALIDATION, ERR_IN_REGION,
 * ERR_HAS_DATA, ERR_REGION_DOWN. *ret_fresh as of head_read().
 */
enum err deployments_plan(struct ctx *cx, const struct deployment_new *in, bool dry,
			  struct deployment_plan *ret, const struct tenant **ret_fresh) MUST_USE;
/* In a unit of work in the control database bound to cx->tenant: begins it, or says what it would be. */
enum err deployments_begin(struct ctx *cx, struct deployment_plan *plan, struct deployment *ret) MUST_USE;
/* In such a unit, too. ERR_NOT_CANCELLABLE. */
enum err deployments_cancel(struct ctx *cx, const char *id) MUST_USE;
/* Fills in what is not stored. */
void deployments_show(struct ctx *cx, struct deployment *d);
/* What the audit says of one that begins. */
const char *deployments_detail(struct ctx *cx, const struct deployment_new *in);

#endif
