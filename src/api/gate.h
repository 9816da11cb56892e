/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CC_SRC_API_GATE_H
#define CC_SRC_API_GATE_H

#include "cc/core/registry.h"
#include "cc/http/route.h"

/* A tenant that the request refers to until its answer is decided. */
struct gate_tenant {
	const struct tenant *tenant;
	struct gate_tenant *next;
};

/* What the gate keeps of a request, from gate() to done(); req.gate. */
struct gate {
	const struct actor *actor;
	const struct tenant *own;       /* of a tenant's credential */
	const struct tenant *tenant;    /* the one that is meant; NULL: none */
	struct gate_tenant *held;
	bool paid;                      /* the meters were charged: once for a request */
	bool degraded;                  /* the control database does not answer */
	bool unchanged;                 /* the write turned out to be none: nothing is recorded */
	const char *counts_for;         /* whose credential asked, also behind done(); NULL: no tenant's */
};

/* For handlers. ------------------------------------------------------------------------------------ */

/*
 * A unit of work in the control database, bound to cx->tenant. A write is recorded in the audit and in
 * the change feed by its last statements, and this node forgets what it knew when it is over; a dry run
 * is rolled back and is a success. The answer of a write is set before or by its work (reply(), and
 * reply_complete() for what no commit fills in). At most one write in a request.
 */
enum err gate_control(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg) MUST_USE;
/* A unit of reading in the tenant's schema, for what runs outside of one. */
enum err gate_look(struct ctx *cx, struct req *rq, db_work work, void *arg) MUST_USE;
/* The write found nothing to change. */
void gate_unchanged(struct req *rq);
/* What named the tenant of this request, as a JSON array of {source, value}. */
const char *gate_sources(struct ctx *cx, const struct req *rq);
/* Takes the reference over, to be given back when the answer is decided. NULL is fine. */
void gate_keep(struct ctx *cx, struct req *rq, const struct tenant *tenant);

/* http_hooks.unit: where the route's work runs, and what a write leaves beside its effect. */
enum err gate_unit(struct ctx *cx, struct req *rq, db_work work, void *arg) MUST_USE;
/* … and of one that only wants to know rq->data. */
enum err gate_data_version(struct ctx *cx, struct req *rq) MUST_USE;

/* gate_idem.c: Idempotency-Key. Sets cx->idem, for a write that came with one. */
void gate_idem_open(struct ctx *cx, const struct req *rq);
/* The last word of a write's unit of work: its answer is kept with it. */
enum err gate_idem_keep(struct ctx *cx, struct req *rq) MUST_USE;
/* A write in several units of work, each with its part of this; without a key it just runs. */
enum err gate_idem_steps(struct ctx *cx, struct req *rq, db_work work, void *arg) MUST_USE;
/* The answer that was kept is the answer. */
void gate_idem_replay(struct ctx *cx, struct req *rq);

/* The gate's parts, in the order in which they are passed. Each may answer ERR_NEED_LOAD. ----------- */

/* Who asks: g->actor and, for a tenant's credential, g->own. */
enum err gate_credential(struct ctx *cx, struct req *rq, bool may_load, struct gate *g) MUST_USE;
/* Which tenant is meant: all that name one must name the same. Sets g->tenant and rq->tenant_named. */
enum err gate_context(struct ctx *cx, struct req *rq, bool may_load, struct gate *g) MUST_USE;
/* What the tenant's state still allows. */
enum err gate_state(struct ctx *cx, const struct req *rq, const struct gate *g) MUST_USE;
/* Takes `cost` from the meters and says in headers how they stand. */
enum err gate_rate(struct ctx *cx, struct req *rq, bool may_load, const struct gate *g,
		   int64_t cost) MUST_USE;

/* http_hooks.origin: by the tenant's list where host or path names one, by the platform's elsewhere. */
enum err gate_origin(struct ctx *cx, const struct req *rq, const char *origin, bool may_load,
		     bool *ret_allowed) MUST_USE;

/* The first source that names a tenant, as it is written; NULL: none does. */
const char *gate_hint(struct ctx *cx, const struct req *rq);
/* The path says which tenant: its parameter, or NULL. */
const char *gate_path_tenant(const struct req *rq);

#endif
