/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/apikeys.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"

struct api_key_query {
	PAGE_MEMBERS;
};

#define T struct api_key_query
static const struct field api_key_query_fields[] = { PAGE_FIELDS(T) };
#undef T
static SCHEMA(api_key_query_schema, struct api_key_query, "ApiKeyQuery", api_key_query_fields);

static enum err api_key_list(struct ctx *cx, struct req *rq)
{
	const struct api_key_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "created_at", &page));
	q_api_key_list_later(cx->db, &rq->list, &page->order, cx->tenant->id, page->skip, page->rows);
	q_api_key_count_later(cx->db, tally_at(&rq->total), cx->tenant->id);
	return ERR_NONE;
}

static enum err api_key_get(struct ctx *cx, struct req *rq)
{
	struct api_key_row *row = ARENA_NEW(cx->arena, struct api_key_row);

	q_api_key_get_later(cx->db, row, cx->tenant->id, rq->param[1]);
	return reply(rq, row);
}

static enum err api_key_create(struct ctx *cx, struct req *rq)
{
	struct api_key_created *made = ARENA_NEW(cx->arena, struct api_key_created);

	TRY(apikeys_create(cx, rq->body, made));
	return reply_created(cx, rq, made, "/tenants/%s/api-keys/%s", cx->tenant->id, made->id);
}

static enum err api_key_revoke(struct ctx *cx, struct req *rq)
{
	struct api_key_deletion *gone = ARENA_NEW(cx->arena, struct api_key_deletion);
	bool changed;

	TRY(apikeys_revoke(cx, rq->param[1], gone, &changed));
	if (!changed)
		gate_unchanged(rq);
	return reply(rq, gone);
}

static enum err api_key_change(struct ctx *cx, struct req *rq)
{
	struct api_key_row *row = ARENA_NEW(cx->arena, struct api_key_row);

	TRY(apikeys_change(cx, rq->param[1], rq->body, row, &rq->changed));
	if (rq->changed.n == 0)
		gate_unchanged(rq);
	return reply(rq, row);
}

static enum err api_key_rotate(struct ctx *cx, struct req *rq)
{
	struct api_key_rotated *made = ARENA_NEW(cx->arena, struct api_key_rotated);

	TRY(apikeys_rotate(cx, rq->param[1], rq->body, made));
	rq->key_beside = made->ended;
	return reply_created(cx, rq, made, "/tenants/%s/api-keys/%s", cx->tenant->id, made->id);
}

#define BASE "/tenants/{tenant_id}/api-keys"
#define READ .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_READ, .flags = ROUTE_VOLATILE, \
	.object = "api_key"
#define WRITE .auth = AUTH_TENANT, .store = STORE_CONTROL, .mode = DB_WRITE, .object = "api_key"

static const struct route routes[] = {
	{ M_POST, BASE, "createApiKey", "api_keys:write", "platform:tenants", WRITE, .flags = ROUTE_NO_STORE,
	  .status = 201, .handler = api_key_create, .body = &api_key_new_schema,
	  .reply = &api_key_created_schema, .errors = { ERR_SCOPE_GRANT, ERR_QUOTA },
	  .summary = "Create an API key",
	  .doc = "The key is in this answer and nowhere else. It can do at most what its creator can." },
	{ M_GET, BASE, "listApiKeys", "api_keys:read", "platform:read", READ, .status = 200,
	  .handler = api_key_list, .query = &api_key_query_schema, .reply = &api_key_row_schema,
	  .list = "api_keys",
	  .summary = "List API keys", .doc = "Revoked ones too." },
	{ M_GET, BASE "/{key_id}", "getApiKey", "api_keys:read", "platform:read", READ, .status = 200,
	  .handler = api_key_get, .reply = &api_key_row_schema,
	  .summary = "Get an API key",
	  .doc = "All but the key itself, which was shown once." },
	{ M_PATCH, BASE "/{key_id}", "updateApiKey", "api_keys:write", "platform:tenants", WRITE,
	  .status = 200, .handler = api_key_change, .body = &api_key_row_schema,
	  .reply = &api_key_row_schema, .errors = { ERR_CONFLICT, ERR_LAST_ADMIN_KEY },
	  .summary = "Narrow an API key",
	  .doc = "Its name, and less of its scopes, networks and life: what would be more is a fault of "
		 "that field. It binds here at once, on every other node within a second." },
	{ M_POST, BASE "/{key_id}/rotate", "rotateApiKey", "api_keys:write", "platform:tenants", WRITE,
	  .flags = ROUTE_NO_STORE | ROUTE_ON_OBJECT, .status = 201, .handler = api_key_rotate,
	  .body = &api_key_rotation_schema, .reply = &api_key_rotated_schema,
	  .errors = { ERR_CONFLICT, ERR_ALREADY_ROTATED, ERR_LAST_ADMIN_KEY },
	  .summary = "Give an API key a successor",
	  .doc = "A new key with the same rights, shown in this answer and nowhere else. The old one is "
		 "taken for the overlap, then no more." },
	{ M_DELETE, BASE "/{key_id}", "revokeApiKey", "api_keys:write", "platform:tenants", WRITE,
	  .status = 200, .handler = api_key_revoke, .reply = &api_key_deletion_schema,
	  .errors = { ERR_LAST_ADMIN_KEY },
	  .summary = "Revoke an API key",
	  .doc = "It is refused from now on: here at once, on every other node within a second." },
};
ROUTE_GROUP(apikey_routes, "API keys", "/api/v1", routes);
