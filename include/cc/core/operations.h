/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_OPERATIONS_H
#define CC_CORE_OPERATIONS_H

#include "cc/base/ctx.h"
#include "cc/model/operation.h"

/* On the thread that owns cx, which waits for PostgreSQL: workers, jobs, commands; no I/O thread. */

/*
 * Operations: work on a tenant that takes longer than a request, kept in the control database so that it
 * survives restarts and can be watched. A further kind is a row of the table in operations.c, a word in
 * operation_kinds[], and whoever does the work calls the functions below.
 */
enum operation_kind {
	OPERATION_TENANT_DELETION,
	OPERATION_TENANT_MOVE,          /* has the id of its deployment */
	OPERATION_BILLING_UPDATE,       /* calls of Stripe's: core/outbox.h */
};

/*
 * All of these run inside a unit of work in the control database; the first two in one bound to cx->tenant,
 * whose row is locked.
 */

/* ERR_OPERATION_RUNNING names the one that excludes it. One round trip. */
enum err operation_begin(struct ctx *cx, enum operation_kind kind, const char *step,
			 const char **ret_id) MUST_USE;
/* The same with an id that something else has as well. */
enum err operation_begin_as(struct ctx *cx, enum operation_kind kind, const char *step,
			    const char *id) MUST_USE;
/*
 * The kind takes it back. ERR_NOT_FOUND, ERR_NOT_CANCELLABLE, ERR_SCOPE: the kind wants a scope of its own.
 * ret is filled by the commit.
 */
enum err operation_cancel(struct ctx *cx, const char *id, struct operation *ret) MUST_USE;

/* Queued, for whoever does the work; nothing happens when none of the kind runs. */
void operation_step_later(struct ctx *cx, const char *tenant_id, enum operation_kind kind, const char *step,
			  int64_t percent);
void operation_end_later(struct ctx *cx, const char *tenant_id, enum operation_kind kind, const char *status);

/* {"code":"service_unavailable","message":"Redis did not remove the keys"}: what is shown of it, and kept. */
const char *operation_error_text(struct ctx *cx, enum err e);
/* A step failed and will be tried again: said in a unit of its own, cx->problem stays as it is. */
void operation_note_failure(struct ctx *cx, const char *tenant_id, enum operation_kind kind, enum err e);

#endif
