/* SPDX-License-Identifier: Apache-2.0 */
/* The unit of work of a request, and what every write leaves in it beside its effect. */
#include "gate.h"

#include <inttypes.h>

#include "cc/core/audit.h"
#include "cc/core/head.h"
#include "cc/core/health.h"
#include "cc/core/idem.h"
#include "cc/core/tenant.h"
#include "cc/core/world.h"
#include "cc/model/q_tenant.h"

#define KEY_OBJECT "api_key"
#define OPERATOR_KEY_OBJECT "operator_key"

/* The record of a write ------------------------------------------------------------------------------ */

/* What the handler said, the id in the answer when it is there by now, else the last one in the path. */
static const char *object_id(const struct ctx *cx, const struct req *rq)
{
	const struct field *f = rq->route->reply != NULL ? schema_field(rq->route->reply, "id") : NULL;
	const void *member = f != NULL && rq->out != NULL ? schema_member_const(rq->out, f) : NULL;

	if (rq->object_id != NULL)
		return rq->object_id;
	if (member != NULL && f->kind == K_TEXT && *(const char *const *)member != NULL)
		return *(const char *const *)member;
	if (member != NULL && f->kind == K_INT && *(const int64_t *)member > 0)
		return arena_printf(cx->arena, "%" PRId64, *(const int64_t *)member);
	if (rq->nparams > 1)
		return rq->param[rq->nparams - 1];
	if (gate_path_tenant(rq) != NULL)
		return cx->tenant->id;
	return rq->nparams > 0 ? rq->param[0] : "";
}

/* What the handler said, else what the answer shows. */
static const char *environment_of(const struct req *rq)
{
	const struct field *f =
		rq->route->reply != NULL ? schema_field(rq->route->reply, "environment") : NULL;

	if (rq->environment != NULL || f == NULL || !(f->flags & F_OUT) || rq->out == NULL)
		return rq->environment;
	return *(const char *const *)schema_member_const(rq->out, f);
}

static enum err record(struct ctx *cx, const struct req *rq)
{
	const struct audit_entry entry = {
		.action = rq->route->op,
		.object_type = rq->route->object != NULL ? rq->route->object : "",
		.object_id = object_id(cx, rq),
		.environment = environment_of(rq),
		.changed = rq->changed,
		.reason = rq->reason,
		.detail = rq->detail,
	};

	if (rq->route->store == STORE_TENANT)
		return audit_data_later(cx, cx->tenant->id, &entry);
	/* About no tenant, even if one is named: there is no audit for it, but the feed and the log. */
	if (rq->route->store == STORE_PLATFORM) {
		if (str_eq(rq->route->object, OPERATOR_KEY_OBJECT))
			change_note_later(cx, NULL, "key", entry.object_id);
		return ERR_NONE;
	}
	if (cx->tenant == NULL)
		return ERR_NONE;
	TRY(audit_control(cx, cx->tenant->id, &entry));
	if (str_eq(rq->route->object, KEY_OBJECT))
		change_note_later(cx, cx->tenant->id, "key", entry.object_id);
	else
		change_note_later(cx, cx->tenant->id, "tenant", cx->tenant->id);
	return ERR_NONE;
}

void gate_unchanged(struct req *rq)
{
	struct gate *g = rq->gate;

	g->unchanged = true;
}

/* A write: what the runner of units is given instead of the handler's work. */
struct write {
	struct req *rq;
	db_work work;
	void *arg;
};

/* The gate of the head row, then the handler. */
static enum err work_effect(struct ctx *cx, const struct write *w)
{
	if (w->rq->route->store == STORE_TENANT) {
		TRY(head_gate(cx, (enum take)w->rq->route->takes));
		if (cx->idem != NULL)
			cx->idem->version = cx->head->version;
	}
	TRY(w->work(cx, w->arg));
	head_warn(cx);
	/* A handler that does not look at what the client believes must not change anything. */
	if ((cx->belief.is.sent || cx->belief.is_not.sent) && !cx->belief.checked)
		return refuse(cx, ERR_INTERNAL, "%s honours no If-Match", w->rq->route->op);
	return ERR_NONE;
}

/*
 * A repeated request finds its record only behind the handler, which then worked for nothing: so it costs
 * no round trip of its own, and the gate has no say in it (the place that was taken may be this one's).
 */
static enum err work_write(struct ctx *cx, void *arg)
{
	const struct write *w = arg;
	struct gate *g = w->rq->gate;

	g->unchanged = false;
	w->rq->changed = (struct strv){ 0 };
	w->rq->raw_out = NULL;
	cx->quota_warning = NULL;
	cx->belief.checked = false;
	if (w->rq->dry_run) {
		TRY(work_effect(cx, w));
		/* What is queued is part of the checks, and so are the constraints it meets. */
		TRY(db_flush(cx->db));
		return ERR_DRY_RUN;
	}
	idem_ask_later(cx);
	TRY(idem_decide(cx, work_effect(cx, w)));
	if (!g->unchanged)
		TRY(record(cx, w->rq));
	return gate_idem_keep(cx, w->rq);
}

/* A read in the tenant's schema: with it comes the version of all that it can see. */
struct read {
	db_work work;                   /* NULL: only the version is wanted */
	void *arg;
	struct head head;
	bool found;
};

static enum err work_read(struct ctx *cx, void *arg)
{
	struct read *r = arg;

	q_head_look_later(cx->db, &r->head, &r->found);
	return r->work != NULL ? r->work(cx, r->arg) : ERR_NONE;
}

/* Where it runs -------------------------------------------------------------------------------------- */

static enum err run_tenant(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg)
{
	const struct tenant *fresh = NULL;
	enum err e = head_unit(cx, mode, work, arg, &fresh);

	gate_keep(cx, rq, fresh);
	return e;
}

static enum err run_read(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	struct read r = { .work = work, .arg = arg };

	TRY(run_tenant(cx, rq, DB_READ, work_read, &r));
	rq->data = (struct data_version){ r.head.epoch, r.head.version, r.found };
	return ERR_NONE;
}

/* Also after a failure: whether a commit that was interrupted took place is not known. */
static void announce(struct ctx *cx, const struct req *rq)
{
	struct world *w = cx->world;

	if (str_eq(rq->route->object, KEY_OBJECT) || str_eq(rq->route->object, OPERATOR_KEY_OBJECT)) {
		if (route_checks_version(rq->route))
			registry_forget_key(w->registry, rq->param[rq->nparams - 1]);
		if (rq->key_beside != NULL)
			registry_forget_key(w->registry, rq->key_beside);
	} else if (rq->route->store != STORE_PLATFORM) {
		registry_forget_tenant(w->registry, cx->tenant->id);
	}
	if (w->changed != NULL)
		w->changed(w);
}

static enum err run_control(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg)
{
	const struct gate *g = rq->gate;
	struct db_place place;
	enum err e;

	/* An operator may ask without naming a tenant where a tenant's key is bound to its own. */
	if (rq->route->store == STORE_PLATFORM || cx->tenant == NULL)
		place_platform(cx->world, &place);
	else
		place_control(cx->world, cx->tenant->id, &place);
	e = db_unit(cx, &place, mode, work, arg);
	if (mode == DB_WRITE && !g->unchanged && (e == ERR_NONE || e == ERR_UNAVAILABLE || e == ERR_INTERNAL))
		announce(cx, rq);
	return e;
}

static enum err run_place(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg)
{
	switch (rq->route->store) {
	case STORE_TENANT:
		if (mode == DB_READ && (rq->route->flags & ROUTE_VOLATILE) == 0)
			return run_read(cx, rq, work, arg);
		return run_tenant(cx, rq, mode, work, arg);
	case STORE_PLATFORM:
	case STORE_CONTROL:
	case STORE_NONE:
		break;
	}
	return run_control(cx, rq, mode, work, arg);
}

static enum err run_stored(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg)
{
	struct write w = { .rq = rq, .work = work, .arg = arg };
	enum err e;

	if (mode == DB_WRITE) {
		e = run_place(cx, rq, mode, work_write, &w);
		e = health_wrote(cx, rq->route->store == STORE_TENANT, e);
	} else {
		e = run_place(cx, rq, mode, work, arg);
	}
	if (e != ERR_NONE && e != ERR_DRY_RUN)
		return e;
	if (mode == DB_WRITE && cx->quota_warning != NULL)
		req_header(rq, "X-Quota-Warning", cx->quota_warning);
	if (rq->complete != NULL)
		rq->complete(rq, rq->complete_arg);
	return ERR_NONE;
}

enum err gate_unit(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	enum err e;

	gate_idem_open(cx, rq);
	/* Without a store the handler opens its own units: gate_control(). */
	if (rq->route->resume != NULL)
		e = gate_idem_steps(cx, rq, work, arg);
	else if (rq->route->store == STORE_NONE)
		e = work(cx, arg);
	else
		e = run_stored(cx, rq, rq->route->mode, work, arg);
	if (e == ERR_REPLAY) {
		gate_idem_replay(cx, rq);
		e = ERR_NONE;
	}
	cx->idem = NULL;
	return e;
}

enum err gate_data_version(struct ctx *cx, struct req *rq)
{
	return run_read(cx, rq, NULL, NULL);
}

enum err gate_control(struct ctx *cx, struct req *rq, enum db_mode mode, db_work work, void *arg)
{
	/* The handler may have found out only now which tenant it is about. */
	if (cx->idem != NULL && cx->tenant != NULL)
		cx->idem->tenant_id = cx->tenant->id;
	return run_stored(cx, rq, mode, work, arg);
}

enum err gate_look(struct ctx *cx, struct req *rq, db_work work, void *arg)
{
	return run_tenant(cx, rq, DB_READ, work, arg);
}
