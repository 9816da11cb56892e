/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <math.h>

#include "groups.h"
#include "managed.h"
#include "cc/core/apikeys.h"
#include "cc/core/head.h"
#include "cc/model/bouncer.h"
#include "cc/model/policy.h"
#include "cc/model/q_tenant.h"

struct bouncer_query {
	PAGE_MEMBERS;
	const char *environment, *status, *name;
};

#define T struct bouncer_query
static const struct field bouncer_query_fields[] = {
	PAGE_FIELDS(T),
	ENUM(T, environment, F_CREATE | F_NULLABLE, environments, NULL, "Only bouncers of this environment."),
	ENUM(T, status, F_CREATE | F_NULLABLE, bouncer_statuses, NULL, "Only bouncers of this status."),
	TEXT(T, name, F_CREATE | F_NULLABLE, 1, 120,
	     "Only bouncers whose name holds this text, in any case."),
};
#undef T
static SCHEMA(bouncer_query_schema, struct bouncer_query, "BouncerQuery", bouncer_query_fields);

static enum err bouncer_list(struct ctx *cx, struct req *rq)
{
	const struct bouncer_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "id", &page));
	q_bouncer_list_later(cx->db, &rq->list, &page->order, page->skip, page->rows,
			     q->environment, q->status, q->name);
	if (q->environment == NULL && q->status == NULL && q->name == NULL)
		q_bouncer_total_later(cx->db, tally_at(&rq->total));
	else
		q_bouncer_count_later(cx->db, tally_at(&rq->total), q->environment, q->status, q->name);
	return ERR_NONE;
}

static enum err bouncer_get(struct ctx *cx, struct req *rq)
{
	struct bouncer *b = ARENA_NEW(cx->arena, struct bouncer);
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	q_bouncer_get_later(cx->db, b, id);
	return reply(rq, b);
}

/* What only heartbeats can tell. */
static void bouncer_set_silent(struct bouncer *b)
{
	b->status = "disconnected";
	b->is_connected = false;
	b->last_heartbeat = TIME_NULL;
	b->policies_synced = INT_NULL;
	b->bouncer_id = b->platform = b->revision = NULL;
	b->resource_id = INT_NULL;
	b->requests_per_second = b->cache_hit_rate = (double)NAN;
	b->revision = NULL;
	b->intercepting_traffic = false;
}

static enum err bouncer_create(struct ctx *cx, struct req *rq)
{
	struct bouncer *b = arena_memdup(cx->arena, rq->body, sizeof(*b));

	b->id = cx->head->last_id;
	b->row_version = 1;
	b->created_by = managed_creator(cx);
	b->created_at = b->updated_at = cx->head->now;
	bouncer_set_silent(b);
	q_bouncer_insert_later(cx->db, b->id, b->name, b->description, b->hostname, b->port, b->environment,
			       b->bouncer_type, b->target_app, b->configuration, b->version, b->created_by,
			       b->created_at, cx->head->version);
	return reply_created(cx, rq, b, "/bouncers/%" PRId64, b->id);
}

static enum err bouncer_change(struct ctx *cx, struct req *rq)
{
	struct bouncer *b = ARENA_NEW(cx->arena, struct bouncer);
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_bouncer_find(cx->db, b, &found, id));
	TRY(managed_changeable(cx, found, b->row_version));
	TRY(schema_overlay(cx, &bouncer_schema, b, rq->body, rq->read_mode, &rq->changed));
	if (rq->changed.n == 0)
		return managed_unchanged(cx, rq, b);
	b->row_version++;
	b->updated_at = cx->head->now;
	q_bouncer_update_later(cx->db, id, b->name, b->description, b->hostname, b->port, b->bouncer_type,
			       b->target_app, b->configuration, b->version, b->updated_at, cx->head->version);
	return reply(rq, b);
}

static enum err bouncer_delete(struct ctx *cx, struct req *rq)
{
	const struct deletion_query *q = rq->query;
	struct bouncer *b = ARENA_NEW(cx->arena, struct bouncer);
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_bouncer_find_any(cx->db, b, &found, id));
	found = found && (b->deleted_at == TIME_NULL || q->hard_delete);
	TRY(managed_changeable(cx, found, b->row_version));
	if (b->used_by > 0)
		return managed_in_use(cx, "bouncer", id, b->used_by);
	if (b->deleted_at == TIME_NULL && b->key_id != NULL && !rq->dry_run)
		TRY(apikeys_end_of_bouncer(cx, b->key_id, id));
	if (q->hard_delete) {
		q_bouncer_unlink_later(cx->db, id, cx->head->version);
		q_bouncer_remove_later(cx->db, id, cx->head->version);
	} else {
		q_bouncer_delete_later(cx->db, id, cx->head->now, cx->head->version);
	}
	if (b->deleted_at == TIME_NULL)
		head_release_later(cx, TAKE_BOUNCER);
	rq->environment = b->environment;
	return managed_deleted(cx, rq, "Bouncer", id);
}

/* VOLATILE: liveness is a matter of time, answers are never cached. */
#define VOLATILE .flags = ROUTE_VOLATILE
static const struct route routes[] = {
	{ M_GET, "/bouncers", "listBouncers", "bouncers:read", READS("bouncer"), VOLATILE, .status = 200,
	  .handler = bouncer_list, .query = &bouncer_query_schema, .reply = &bouncer_schema,
	  .list = "bouncers",
	  .summary = "List bouncers",
	  .doc = "With what each said in its last heartbeat." },
	{ M_POST, "/bouncers", "createBouncer", "bouncers:write", WRITES("bouncer"), VOLATILE,
	  .status = 201, .handler = bouncer_create, .body = &bouncer_schema, .reply = &bouncer_schema,
	  .takes = TAKE_BOUNCER, .errors = { ERR_QUOTA, ERR_NAME_TAKEN },
	  .summary = "Register a bouncer",
	  .doc = "What enforces policies in front of an application. Takes a place of the tenant's limit." },
	{ M_GET, "/bouncers/{id}", "getBouncer", "bouncers:read", READS("bouncer"), VOLATILE, .status = 200,
	  .handler = bouncer_get, .reply = &bouncer_schema,
	  .summary = "Get a bouncer",
	  .doc = "With what it said in its last heartbeat." },
	{ M_PUT, "/bouncers/{id}", "replaceBouncer", "bouncers:write", WRITES("bouncer"), VOLATILE,
	  .status = 200, .handler = bouncer_change, .body = &bouncer_schema, .reply = &bouncer_schema,
	  .errors = { ERR_NAME_TAKEN },
	  .summary = "Replace a bouncer",
	  .doc = "Optional fields that are not sent are reset; read-only ones may be sent back unchanged." },
	{ M_PATCH, "/bouncers/{id}", "updateBouncer", "bouncers:write", WRITES("bouncer"), VOLATILE,
	  .status = 200, .handler = bouncer_change, .body = &bouncer_schema, .reply = &bouncer_schema,
	  .errors = { ERR_NAME_TAKEN },
	  .summary = "Change fields of a bouncer",
	  .doc = "A JSON merge patch, also inside of configuration: null removes a member." },
	{ M_DELETE, "/bouncers/{id}", "deleteBouncer", "bouncers:write", WRITES("bouncer"), VOLATILE,
	  .status = 200, .handler = bouncer_delete, .query = &deletion_query_schema,
	  .reply = &deletion_schema, .errors = { ERR_IN_USE },
	  .summary = "Delete a bouncer",
	  .doc = "Refused while policies name it. Its place and name are free at once. The API key that it "
		 "registered with is revoked, if it can do nothing but connect bouncers and no other bouncer "
		 "registered with it." },
};
ROUTE_GROUP(bouncer_routes, "Bouncers", "/api/v1", routes);
