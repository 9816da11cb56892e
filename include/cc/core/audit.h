/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_AUDIT_H
#define CC_CORE_AUDIT_H

#include "cc/base/ctx.h"
#include "cc/base/str.h"

/* What changed; texts outlive the transaction's commit. */
struct audit_entry {
	const char *action;             /* operationId: "createPolicy" */
	const char *object_type;        /* "policy" */
	const char *object_id;
	struct strv changed;            /* names of fields; may be empty */
	const char *detail;             /* a JSON object, or NULL: made from `changed` */
};

/* Queued in the transaction of the effect: the data chain (nothing when cx->head is NULL) … */
void audit_data_later(struct ctx *cx, const struct audit_entry *e);
/* … and the control chain of one tenant (a unit of work in the control database is open). */
void audit_control_later(struct ctx *cx, const char *tenant_id, const struct audit_entry *e);
/* Bumps the change feed; last statement of every control write that nodes cache. kind: "tenant" or "key". */
void change_note_later(struct ctx *cx, const char *tenant_id, const char *kind, const char *subject);

#endif
