/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_AUDIT_H
#define CC_CORE_AUDIT_H

#include "cc/base/ctx.h"
#include "cc/base/str.h"

/* Inside a unit of work, on the thread that runs it. */

/* What changed; texts outlive the transaction's commit. */
struct audit_entry {
	const char *action;             /* operationId: "createPolicy" */
	const char *object_type;        /* "policy" */
	const char *object_id;
	const char *environment;        /* of the object; NULL: it has none */
	struct strv changed;            /* names of fields; may be empty */
	const char *reason;             /* in the words of who acts; NULL: none given */
	const char *detail;             /* a JSON object without fractions; NULL: made of the two above */
};

/*
 * The next row of a tenant's data chain, queued in the transaction of its effect: its place and the mac
 * before it are what the gate answered. Nothing when cx->head is NULL. ERR_INTERNAL: detail is no such JSON.
 */
enum err audit_data_later(struct ctx *cx, const char *tenant_id, const struct audit_entry *e) MUST_USE;
/*
 * The same in the control chain of a tenant (a unit of work in the control database is open). Its place
 * has to be asked for: one round trip, which locks the tenant's row.
 */
enum err audit_control(struct ctx *cx, const char *tenant_id, const struct audit_entry *e) MUST_USE;
/*
 * Of a tenant that is gone, on a place across tenants: its tombstone has a chain of its own, with the same
 * macs, in the same table. Nobody but operators of the database reads it.
 */
enum err audit_gone(struct ctx *cx, const char *tenant_id, const struct audit_entry *e) MUST_USE;
/* Bumps the change feed; last statement of every control write that nodes cache. kind: "tenant" or "key". */
void change_note_later(struct ctx *cx, const char *tenant_id, const char *kind, const char *subject);

#endif
