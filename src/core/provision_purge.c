/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a tenant whose undo window is over. Each step may be repeated; whoever dies in between
 * leaves a tenant that is `deleting`, and when its lease has run out anybody goes on from the start.
 */
#include "provision_parts.h"

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/cache/redis.h"
#include "cc/core/audit.h"
#include "cc/core/bundles.h"
#include "cc/core/operations.h"
#include "cc/model/q_control.h"

#define PURGE_ROWS 500 /* of keys or audit, in one transaction */
#define PURGE_USAGE_ROWS 20000

struct purge {
	struct slot slot;
	struct strv regions;
	struct db_rows left;
	const char *step; /* that goes on when there is more */
	int64_t percent;
	bool found;
	int64_t n;
};

static enum err claim(struct ctx *cx, void *arg)
{
	struct purge *p = arg;

	TRY(q_purge_claim(cx->db, &p->slot, &p->found, &p->regions, cx->world->settings->provision_lease_s));
	if (!p->found)
		return ERR_NONE;
	FAILPOINT("tenant.purge.claim");
	operation_step_later(cx, p->slot.tenant_id, OPERATION_TENANT_DELETION, "redis", 10);
	change_note_later(cx, p->slot.tenant_id, "tenant", p->slot.tenant_id);
	return ERR_NONE;
}

enum err tenant_forget_redis(struct ctx *cx, const char *id, int64_t *ret_removed)
{
	uint64_t cursor = 0;
	struct redis *redis;
	enum err e = ERR_NONE;

	*ret_removed = 0;
	if (cx->world->redis == NULL)
		return ERR_NONE;
	redis = redis_create(cx->world->redis);
	do {
		e = redis_purge_step(redis, id, &cursor, ret_removed);
		if (e == ERR_NONE && clock_mono_ms() >= cx->deadline_ms)
			e = ERR_UNAVAILABLE;
	} while (e == ERR_NONE && cursor != 0);
	redis_destroy(redis);
	return e == ERR_NONE ? e : refuse(cx, e, "Redis did not remove the keys of tenant %s.", id);
}

static enum err release_schema(struct ctx *cx, void *arg)
{
	const struct purge *p = arg;

	operation_step_later(cx, p->slot.tenant_id, OPERATION_TENANT_DELETION, "schema", 30);
	q_purge_schema_drop_later(cx->db, p->slot.tenant_id, cx->world->settings->provision_lease_s);
	return ERR_NONE;
}

static enum err count_keys(struct ctx *cx, void *arg)
{
	const struct purge *p = arg;

	q_purge_count_add_later(cx->db, p->slot.tenant_id, "redis_keys", p->n);
	return ERR_NONE;
}

/* Those that go by themselves meanwhile are not counted, nor what was removed by somebody who died then. */
static enum err purge_redis(struct ctx *cx, struct purge *p, const struct db_place *control)
{
	TRY(tenant_forget_redis(cx, p->slot.tenant_id, &p->n));
	FAILPOINT("tenant.purge.redis");
	return db_unit(cx, control, DB_WRITE, count_keys, p);
}

static enum err read_left(struct ctx *cx, void *arg)
{
	struct purge *p = arg;

	q_purge_left_later(cx->db, &p->left, p->slot.tenant_id);
	return ERR_NONE;
}

/* What moves have left in other regions is not kept any longer. */
static enum err purge_left(struct ctx *cx, struct purge *p, const struct db_place *control, bool *ret_more)
{
	*ret_more = false;
	TRY(db_unit(cx, control, DB_READ, read_left, p));
	for (size_t i = 0; i < p->left.n; i++) {
		const struct slot *s = DB_ROW(&p->left, struct slot, i);

		TRY(purge_count_schema_of(cx, p->slot.tenant_id, s, control, ret_more));
		if (*ret_more)
			return ERR_NONE;
		TRY(schema_drop(cx, s));
		FAILPOINT("tenant.purge.left");
	}
	return ERR_NONE;
}

static enum err purge_schema(struct ctx *cx, struct purge *p, const struct db_place *control, bool *ret_more)
{
	*ret_more = false;
	if (p->slot.schema_id == NULL)
		return ERR_NONE;
	TRY(purge_count_schema_of(cx, p->slot.tenant_id, &p->slot, control, ret_more));
	if (*ret_more)
		return ERR_NONE;
	TRY(db_unit(cx, control, DB_WRITE, release_schema, p));
	FAILPOINT("tenant.purge.released");
	return schema_drop(cx, &p->slot);
}

/* In the same transaction: each is counted once. */
static enum err count(struct ctx *cx, const struct purge *p, const char *what)
{
	q_purge_count_add_later(cx->db, p->slot.tenant_id, what, p->n);
	return ERR_NONE;
}

static enum err delete_keys(struct ctx *cx, void *arg)
{
	struct purge *p = arg;

	operation_step_later(cx, p->slot.tenant_id, OPERATION_TENANT_DELETION, "keys", 60);
	TRY(q_purge_keys(cx->db, &p->n, p->slot.tenant_id, PURGE_ROWS));
	return count(cx, p, "api_keys");
}

static enum err delete_idempotency(struct ctx *cx, void *arg)
{
	struct purge *p = arg;

	TRY(q_purge_idempotency(cx->db, &p->n, p->slot.tenant_id, PURGE_ROWS));
	return count(cx, p, "idempotency_keys");
}

static enum err delete_usage(struct ctx *cx, void *arg)
{
	struct purge *p = arg;

	operation_step_later(cx, p->slot.tenant_id, OPERATION_TENANT_DELETION, "usage", 70);
	TRY(q_purge_usage(cx->db, &p->n, p->slot.tenant_id, PURGE_USAGE_ROWS));
	return count(cx, p, "usage_hours");
}

static enum err delete_audit(struct ctx *cx, void *arg)
{
	struct purge *p = arg;

	operation_step_later(cx, p->slot.tenant_id, OPERATION_TENANT_DELETION, "audit", 80);
	TRY(q_purge_audit(cx->db, tally_at(&p->n), p->slot.tenant_id, PURGE_ROWS));
	return count(cx, p, "control_audit");
}

static enum err until_none(struct ctx *cx, struct purge *p, const struct db_place *control, db_work work)
{
	do {
		TRY(db_unit(cx, control, DB_WRITE, work, p));
	} while (p->n > 0);
	return ERR_NONE;
}

/* The tenant's own row goes last; its names are held for a while. */
static enum err delete_tenant(struct ctx *cx, void *arg)
{
	const struct settings *s = cx->world->settings;
	struct purge *p = arg;
	struct db_rows rest;

	TRY(q_purge_rest(cx->db, &rest, p->slot.tenant_id));
	TRY(q_purge_tenant(cx->db, &p->n, p->slot.tenant_id, s->domain.quarantine_s, s->name_hold_days));
	if (p->n > 0) {
		purge_count_rest_later(cx, p->slot.tenant_id, &rest);
		TRY(purge_certify(cx, p->slot.tenant_id));
	}
	if (p->n > 0)
		operation_end_later(cx, p->slot.tenant_id, OPERATION_TENANT_DELETION, "completed");
	change_note_later(cx, p->slot.tenant_id, "tenant", p->slot.tenant_id);
	return ERR_NONE;
}

/* There is more than goes in one step: whoever looks next goes on. */
static enum err pause_purge(struct ctx *cx, void *arg)
{
	const struct purge *p = arg;

	operation_step_later(cx, p->slot.tenant_id, OPERATION_TENANT_DELETION, p->step, p->percent);
	q_purge_pause_later(cx->db, p->slot.tenant_id);
	return ERR_NONE;
}

/* Its objects a second time: what somebody was about to put there while the schema could still be read. */
static enum err purge_data(struct ctx *cx, struct purge *p, const struct db_place *control, bool *ret_more)
{
	p->step = "objects";
	p->percent = 20;
	TRY(purge_objects(cx, p->slot.tenant_id, ret_more));
	if (*ret_more)
		return ERR_NONE;
	p->step = "schema";
	p->percent = 30;
	TRY(purge_schema(cx, p, control, ret_more));
	FAILPOINT("tenant.purge.schema");
	return *ret_more ? ERR_NONE : purge_objects(cx, p->slot.tenant_id, ret_more);
}

static enum err purge_steps(struct ctx *cx, struct purge *p, const struct db_place *control)
{
	bool more;

	TRY(purge_redis(cx, p, control));
	TRY(purge_data(cx, p, control, &more));
	if (more)
		return db_unit(cx, control, DB_WRITE, pause_purge, p);
	TRY(until_none(cx, p, control, delete_keys));
	FAILPOINT("tenant.purge.keys");
	TRY(until_none(cx, p, control, delete_idempotency));
	FAILPOINT("tenant.purge.idempotency");
	TRY(until_none(cx, p, control, delete_usage));
	FAILPOINT("tenant.purge.usage");
	TRY(until_none(cx, p, control, delete_audit));
	FAILPOINT("tenant.purge.audit");
	p->step = "left";
	p->percent = 90;
	TRY(purge_left(cx, p, control, &more));
	if (more)
		return db_unit(cx, control, DB_WRITE, pause_purge, p);
	TRY(db_unit(cx, control, DB_WRITE, delete_tenant, p));
	FAILPOINT("tenant.purge.gone");
	return ERR_NONE;
}

enum err purge_one(struct ctx *cx, bool *ret_did, int *count)
{
	struct purge p = { .regions = region_names(cx) };
	struct db_place control;
	enum err e;

	place_platform(cx->world, &control);
	if (control.statement_ms > PURGE_STATEMENT_MS)
		control.statement_ms = PURGE_STATEMENT_MS;
	TRY(db_unit(cx, &control, DB_WRITE, claim, &p));
	*ret_did = p.found;
	if (!p.found)
		return ERR_NONE;
	FAILPOINT("tenant.purge.claimed");
	tenant_changed(cx, p.slot.tenant_id);
	e = purge_steps(cx, &p, &control);
	if (e != ERR_NONE) {
		operation_note_failure(cx, p.slot.tenant_id, OPERATION_TENANT_DELETION, e);
		return e;
	}
	tenant_changed(cx, p.slot.tenant_id);
	if (cx->world->bundles != NULL)
		bundles_forget(cx->world->bundles, p.slot.tenant_id);
	*count += p.n == 1;
	return ERR_NONE;
}
