/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that were deleted long ago go for good: managed writes like any other, so that copies can follow. */
#include "provision_parts.h"
#include "objects_in.h"

#include <inttypes.h>

#include "cc/base/failpoint.h"
#include "cc/base/log.h"
#include "cc/core/audit.h"
#include "cc/core/head.h"
#include "cc/core/registry.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

#define EXPUNGE_ROWS 200 /* of each kind, in one transaction that holds the tenant's head */
#define EXPUNGE_VERSIONS 2000
#define EXPUNGE_KEYS 1000 /* idempotency keys, in one transaction that only keeps the head from changing */
#define DAY_S INT64_C(86400)
#define PAUSE_MAX_S (DAY_S / 4)

struct expunge {
	struct slot slot;
	struct strv regions;
	bool found;
	int64_t before_s, policies, versions, bouncers, resources, users;
	int64_t keys_due, keys;
};

static enum err claim(struct ctx *cx, void *arg)
{
	struct expunge *x = arg;
	int64_t pause_s = x->before_s / 30 > 0 ? x->before_s / 30 : 1;

	if (pause_s > PAUSE_MAX_S)
		pause_s = PAUSE_MAX_S;
	q_expunge_claim_later(cx->db, &x->slot, &x->found, &x->regions, pause_s);
	return ERR_NONE;
}

static enum err again(struct ctx *cx, void *arg)
{
	const struct expunge *x = arg;

	q_expunge_again_later(cx->db, x->slot.tenant_id);
	return ERR_NONE;
}

/* Asked without the head's lock: most tenants have nothing to lose. */
static enum err is_due(struct ctx *cx, void *arg)
{
	struct expunge *x = arg;
	struct tally rows = { 0 };

	q_idem_due_later(cx->db, tally_at(&x->keys_due));
	TRY(q_expunge_due(cx->db, &rows, x->before_s));
	return rows.total > 0 ? ERR_NONE : ERR_NOT_FOUND;
}

/* Policies first: they refer to the others. */
static enum err remove_rows(struct ctx *cx, void *arg)
{
	struct expunge *x = arg;
	const int64_t version = cx->head->version;
	struct audit_entry entry = {
		.action = "expunge", .object_type = "tenant", .object_id = cx->tenant->id
	};

	q_expunge_policy_versions_later(cx->db, &x->versions, x->before_s, EXPUNGE_VERSIONS, version);
	q_expunge_policies_later(cx->db, &x->policies, x->before_s, EXPUNGE_ROWS, version);
	q_expunge_bouncers_later(cx->db, &x->bouncers, x->before_s, EXPUNGE_ROWS, version);
	q_expunge_resources_later(cx->db, &x->resources, x->before_s, EXPUNGE_ROWS, version);
	q_expunge_users_later(cx->db, &x->users, x->before_s, EXPUNGE_ROWS, version);
	TRY(db_flush(cx->db));
	entry.detail = arena_printf(cx->arena,
		"{\"policies\":%" PRId64 ",\"policy_versions\":%" PRId64 ",\"bouncers\":%" PRId64
		",\"resources\":%" PRId64 ",\"users\":%" PRId64 "}",
		x->policies, x->versions, x->bouncers, x->resources, x->users);
	return audit_data_later(cx, cx->tenant->id, &entry);
}

static enum err remove_keys(struct ctx *cx, void *arg)
{
	struct expunge *x = arg;

	q_idem_purge_later(cx->db, &x->keys, cx->tenant->epoch, EXPUNGE_KEYS);
	return ERR_NONE;
}

static enum err keys_in_tenant(struct ctx *cx, struct expunge *x)
{
	const struct tenant *fresh = NULL;
	enum err e;

	if (x->keys_due == 0)
		return ERR_NONE;
	e = head_unit(cx, DB_WRITE, remove_keys, x, &fresh);
	tenant_put(fresh);
	return e;
}

static enum err in_tenant(struct ctx *cx, struct expunge *x)
{
	const struct tenant *fresh = NULL;
	enum err e = head_read(cx, is_due, x, &fresh);

	if (fresh != NULL) {
		tenant_put(fresh);
		return e == ERR_NOT_FOUND ? ERR_NONE : e;
	}
	if (e == ERR_NOT_FOUND) {
		ctx_clear_problem(cx);
		return ERR_NONE;
	}
	TRY(e);
	e = head_write(cx, TAKE_NOTHING, remove_rows, x, &fresh);
	tenant_put(fresh);
	return e;
}

enum err provision_expunge(struct ctx *cx, const char *tenant_id, int *ret_rows)
{
	struct expunge x = { .before_s = cx->world->settings->soft_delete_days * DAY_S };
	const struct tenant *t = NULL;
	struct db_place place;
	enum err e;

	x.slot.tenant_id = tenant_id;
	TRY(tenant_get(cx, tenant_id, true, &t));
	cx->tenant = t;
	e = in_tenant(cx, &x);
	cx->tenant = t;
	if (e == ERR_NONE)
		e = keys_in_tenant(cx, &x);
	cx->tenant = NULL;
	tenant_put(t);
	TRY(e);
	FAILPOINT("tenant.expunge.done");
	*ret_rows = (int)(x.policies + x.bouncers + x.resources + x.users + x.keys);
	if (x.keys < EXPUNGE_KEYS && x.versions < EXPUNGE_VERSIONS && x.policies < EXPUNGE_ROWS &&
		x.bouncers < EXPUNGE_ROWS && x.resources < EXPUNGE_ROWS && x.users < EXPUNGE_ROWS)
		return ERR_NONE;
	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, again, &x);
}

/* With its turn comes a look for uploads that nobody finished: they take room, and no list shows them. */
static enum err sweep_uploads(struct ctx *cx, const char *tenant_id)
{
	const struct tenant *t = NULL;
	struct objstore *store;
	struct obj_key prefix;
	struct obj_got got;
	enum obj_result r = OBJ_BAD_KEY;
	int64_t n = 0;

	TRY(tenant_get(cx, tenant_id, true, &t));
	store = region_store(cx->world, t->region);
	tenant_put(t);
	if (store == NULL)
		return ERR_NONE;
	if (obj_prefix_make(&prefix, tenant_id))
		r = obj_sweep(store, &prefix, OBJECT_UNFINISHED_S, true, cx->deadline_ms, &n, &got);
	if (n > 0)
		LOG(LOG_INFO, "uploads that were not finished are removed", LOG_TEXT("tenant", tenant_id),
			LOG_INT("uploads", n));
	return r == OBJ_OK ? ERR_NONE : refuse_store(cx, r, &got);
}

enum err expunge_one(struct ctx *cx, bool *ret_did, int *count)
{
	struct expunge x = { .regions = region_names(cx),
		.before_s = cx->world->settings->soft_delete_days * DAY_S };
	struct db_place place;
	int rows = 0;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, claim, &x));
	*ret_did = x.found;
	if (x.found)
		TRY(provision_expunge(cx, x.slot.tenant_id, &rows));
	*count += rows;
	return x.found ? sweep_uploads(cx, x.slot.tenant_id) : ERR_NONE;
}
