/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "groups.h"
#include "managed.h"
#include "cc/core/head.h"
#include "cc/model/policy.h"
#include "cc/model/q_tenant.h"
#include "cc/model/resource.h"

struct resource_query {
	PAGE_MEMBERS;
	const char *type, *environment, *name;
};

#define T struct resource_query
static const struct field resource_query_fields[] = {
	PAGE_FIELDS(T),
	ENUM(T, type, F_CREATE | F_NULLABLE, resource_types, NULL, "Only resources of this type."),
	ENUM(T, environment, F_CREATE | F_NULLABLE, environments, NULL, "Only those of this environment."),
	TEXT(T, name, F_CREATE | F_NULLABLE, 1, 120,
	     "Only resources whose name holds this text, in any case."),
};
#undef T
static SCHEMA(resource_query_schema, struct resource_query, "ResourceQuery", resource_query_fields);

static enum err resource_list(struct ctx *cx, struct req *rq)
{
	const struct resource_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "id", &page));
	q_resource_list_later(cx->db, &rq->list, &page->order, page->skip, page->rows,
			     q->type, q->environment, q->name);
	if (q->type == NULL && q->environment == NULL && q->name == NULL)
		q_resource_total_later(cx->db, tally_at(&rq->total));
	else
		q_resource_count_later(cx->db, tally_at(&rq->total), q->type, q->environment, q->name);
	return ERR_NONE;
}

static enum err resource_get(struct ctx *cx, struct req *rq)
{
	struct resource *r = ARENA_NEW(cx->arena, struct resource);
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	q_resource_get_later(cx->db, r, id);
	return reply(rq, r);
}

static enum err resource_create(struct ctx *cx, struct req *rq)
{
	struct resource *r = arena_memdup(cx->arena, rq->body, sizeof(*r));

	r->id = cx->head->last_id;
	r->version = 1;
	r->auto_discovered = false;
	r->policies = "[]";
	r->created_by = managed_creator(cx);
	r->created_at = r->updated_at = cx->head->now;
	q_resource_insert_later(cx->db, r->id, r->name, r->type, r->environment, r->path, &r->methods,
				r->description, r->attributes, r->url, r->original_host, r->target_host,
				r->default_security_posture, r->created_by, r->created_at, cx->head->version);
	return reply_created(cx, rq, r, "/resources/%" PRId64, r->id);
}

static enum err resource_change(struct ctx *cx, struct req *rq)
{
	struct resource *r = ARENA_NEW(cx->arena, struct resource);
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_resource_find(cx->db, r, &found, id));
	TRY(managed_changeable(cx, found, r->version));
	TRY(schema_overlay(cx, &resource_schema, r, rq->body, rq->read_mode, &rq->changed));
	if (rq->changed.n == 0)
		return managed_unchanged(cx, rq, r);
	r->version++;
	r->updated_at = cx->head->now;
	q_resource_update_later(cx->db, id, r->name, r->type, r->path, &r->methods, r->description,
				r->attributes, r->url, r->original_host, r->target_host,
				r->default_security_posture, r->updated_at, cx->head->version);
	return reply(rq, r);
}

static enum err resource_delete(struct ctx *cx, struct req *rq)
{
	const struct deletion_query *q = rq->query;
	struct resource *r = ARENA_NEW(cx->arena, struct resource);
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_resource_find_any(cx->db, r, &found, id));
	found = found && (r->deleted_at == TIME_NULL || q->hard_delete);
	TRY(managed_changeable(cx, found, r->version));
	if (r->used_by > 0)
		return managed_in_use(cx, "resource", id, r->used_by);
	if (q->hard_delete) {
		q_resource_unlink_later(cx->db, id, cx->head->version);
		q_resource_remove_later(cx->db, id, cx->head->version);
	} else {
		q_resource_delete_later(cx->db, id, cx->head->now, cx->head->version);
	}
	if (r->deleted_at == TIME_NULL)
		head_release_later(cx, TAKE_RESOURCE);
	rq->environment = r->environment;
	return managed_deleted(cx, rq, "Resource", id);
}

static const struct route routes[] = {
	{ M_GET, "/resources", "listResources", "resources:read", READS("resource"), .status = 200,
	  .handler = resource_list, .query = &resource_query_schema, .reply = &resource_schema,
	  .list = "resources",
	  .summary = "List resources",
	  .doc = "What policies protect: APIs, applications, databases, agents." },
	{ M_POST, "/resources", "createResource", "resources:write", WRITES("resource"), .status = 201,
	  .handler = resource_create, .body = &resource_schema, .reply = &resource_schema,
	  .takes = TAKE_RESOURCE, .errors = { ERR_QUOTA, ERR_NAME_TAKEN },
	  .summary = "Create a resource",
	  .doc = "Takes a place of the tenant's limit." },
	{ M_GET, "/resources/{id}", "getResource", "resources:read", READS("resource"), .status = 200,
	  .handler = resource_get, .reply = &resource_schema,
	  .summary = "Get a resource",
	  .doc = "With the ids of the live policies that name it." },
	{ M_PUT, "/resources/{id}", "replaceResource", "resources:write", WRITES("resource"),
	  .status = 200, .handler = resource_change, .body = &resource_schema, .reply = &resource_schema,
	  .errors = { ERR_NAME_TAKEN },
	  .summary = "Replace a resource",
	  .doc = "Optional fields that are not sent are reset; read-only ones may be sent back unchanged." },
	{ M_PATCH, "/resources/{id}", "updateResource", "resources:write", WRITES("resource"),
	  .status = 200, .handler = resource_change, .body = &resource_schema, .reply = &resource_schema,
	  .errors = { ERR_NAME_TAKEN },
	  .summary = "Change fields of a resource",
	  .doc = "A JSON merge patch, also inside of attributes: null removes a member." },
	{ M_DELETE, "/resources/{id}", "deleteResource", "resources:write", WRITES("resource"),
	  .status = 200, .handler = resource_delete, .query = &deletion_query_schema,
	  .reply = &deletion_schema, .errors = { ERR_IN_USE },
	  .summary = "Delete a resource",
	  .doc = "Refused while policies name it. Its place and name are free at once." },
};
ROUTE_GROUP(resource_routes, "Resources", "/api/v1", routes);
