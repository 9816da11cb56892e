/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_CORE_HEAD_H
#define CC_CORE_HEAD_H

#include "cc/base/ctx.h"
#include "cc/core/tenant.h"
#include "cc/model/head.h"

/* On the thread that owns cx, which waits for PostgreSQL: workers, jobs, commands; no I/O thread. */

/* What a write takes from the tenant's limits; struct route.takes. */
enum take {
	TAKE_NOTHING,
	TAKE_POLICY,
	TAKE_RESOURCE,
	TAKE_BOUNCER,
	TAKE_USER,
};

/*
 * The gate of every managed write (design: the head row): fence, exact quota, id allocator, version,
 * audit order, in one guarded UPDATE that travels with BEGIN. Sets cx->head. Zero rows: the tenant's
 * placement is re-read outside (ERR_TENANT_MOVING), or the quota is full (ERR_QUOTA with resource,
 * limit, used), or the tenant is fenced.
 */
enum err head_gate(struct ctx *cx, enum take take) MUST_USE;
/*
 * One policy more, where only the work under the head lock finds out that it needs the place: exact like
 * the gate. ret_id: the next id; NULL: none is taken. ERR_QUOTA.
 */
enum err head_add_policy(struct ctx *cx, int64_t *ret_id) MUST_USE;
/* The same of any kind: of what is only found out to be needed. *ret_id: its id. */
enum err head_add(struct ctx *cx, enum take take, int64_t *ret_id) MUST_USE;
/* After the work of a managed write: says in the answer what it uses beyond a limit that only warns. */
void head_warn(struct ctx *cx);
/* Gives a place back (soft delete); queued. */
void head_release_later(struct ctx *cx, enum take kind);
/*
 * The write turned out to change nothing: version and audit place go back (queued), cx->head is NULL
 * afterwards and audit_data_later() records nothing. Only for writes that took TAKE_NOTHING.
 */
void head_undo_later(struct ctx *cx);
/* ERR_QUOTA with the members of its answer. resource: the wire's word, a constant. */
enum err refuse_quota(struct ctx *cx, const char *resource, int64_t limit, int64_t used);
/* The same of a limit that lets through up to hard. */
enum err refuse_quota_hard(struct ctx *cx, const char *resource, int64_t limit, int64_t hard, int64_t used);
/*
 * A unit of work where the tenant lives: a read, or a write that passes the gate by itself. On a stale
 * placement it is re-read (single flight) and the work runs once more there. cx->tenant may be replaced;
 * *ret_fresh is then the new snapshot that the caller must tenant_put(), else NULL.
 */
enum err head_unit(struct ctx *cx, enum db_mode mode, db_work work, void *arg,
		   const struct tenant **ret_fresh) MUST_USE;
/*
 * The same for what is unmanaged (signs of life): a write that passes no gate, has no version, and leaves
 * alone what is known of the tenant's data. The work itself sees to it that the tenant is there, else
 * refuse_moving().
 */
enum err head_note(struct ctx *cx, db_work work, void *arg, const struct tenant **ret_fresh) MUST_USE;
enum err refuse_moving(struct ctx *cx);
/* A whole managed write: gate, then work. */
enum err head_write(struct ctx *cx, enum take take, db_work work, void *arg,
		    const struct tenant **ret_fresh) MUST_USE;
enum err head_read(struct ctx *cx, db_work work, void *arg, const struct tenant **ret_fresh) MUST_USE;

#endif
