/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/apikeys.h"
#include "cc/model/q_control.h"

struct operator_key_query {
	PAGE_MEMBERS;
};

#define T struct operator_key_query
static const struct field operator_key_query_fields[] = { PAGE_FIELDS(T) };
#undef T
static SCHEMA(operator_key_query_schema, struct operator_key_query, "OperatorKeyQuery",
	      operator_key_query_fields);

static enum err operator_key_list_all(struct ctx *cx, struct req *rq)
{
	const struct operator_key_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "created_at", &page));
	q_operator_key_list_later(cx->db, &rq->list, &page->order, page->skip, page->rows);
	q_operator_key_count_later(cx->db, tally_at(&rq->total));
	return ERR_NONE;
}

static enum err operator_key_read(struct ctx *cx, struct req *rq)
{
	struct api_key_row *row = ARENA_NEW(cx->arena, struct api_key_row);

	q_operator_key_get_later(cx->db, row, rq->param[0]);
	return reply(rq, row);
}

static enum err operator_key_make(struct ctx *cx, struct req *rq)
{
	struct api_key_created *made = ARENA_NEW(cx->arena, struct api_key_created);

	TRY(operator_keys_create(cx, rq->body, made));
	return reply_created(cx, rq, made, "/operator-keys/%s", made->id);
}

static enum err operator_key_end(struct ctx *cx, struct req *rq)
{
	struct api_key_deletion *gone = ARENA_NEW(cx->arena, struct api_key_deletion);
	bool changed;

	TRY(operator_keys_revoke(cx, rq->param[0], gone, &changed));
	if (!changed)
		gate_unchanged(rq);
	return reply(rq, gone);
}

static enum err operator_key_change(struct ctx *cx, struct req *rq)
{
	struct api_key_row *row = ARENA_NEW(cx->arena, struct api_key_row);

	TRY(operator_keys_change(cx, rq->param[0], rq->body, row, &rq->changed));
	if (rq->changed.n == 0)
		gate_unchanged(rq);
	return reply(rq, row);
}

static enum err operator_key_rotate(struct ctx *cx, struct req *rq)
{
	struct api_key_rotated *made = ARENA_NEW(cx->arena, struct api_key_rotated);

	TRY(operator_keys_rotate(cx, rq->param[0], rq->body, made));
	rq->key_beside = made->ended;
	return reply_created(cx, rq, made, "/operator-keys/%s", made->id);
}

#define BASE "/operator-keys"
#define READ .auth = AUTH_OPERATOR, .store = STORE_PLATFORM, .mode = DB_READ, .flags = ROUTE_VOLATILE, \
	.object = "operator_key"
#define WRITE .auth = AUTH_OPERATOR, .store = STORE_PLATFORM, .mode = DB_WRITE, .object = "operator_key"

static const struct route routes[] = {
	{ M_POST, BASE, "createOperatorKey", "platform:ops", NULL, WRITE, .flags = ROUTE_NO_STORE,
	  .status = 201, .handler = operator_key_make, .body = &operator_key_new_schema,
	  .reply = &api_key_created_schema, .errors = { ERR_SCOPE_GRANT },
	  .summary = "Create an operator's key",
	  .doc = "The key is in this answer and nowhere else. It can do at most what its creator can." },
	{ M_GET, BASE, "listOperatorKeys", "platform:ops", NULL, READ, .status = 200,
	  .handler = operator_key_list_all, .query = &operator_key_query_schema, .reply = &api_key_row_schema,
	  .list = "operator_keys",
	  .summary = "List the keys of operators", .doc = "Revoked ones too." },
	{ M_GET, BASE "/{key_id}", "getOperatorKey", "platform:ops", NULL, READ, .status = 200,
	  .handler = operator_key_read, .reply = &api_key_row_schema,
	  .summary = "Get an operator's key",
	  .doc = "All but the key itself, which was shown once." },
	{ M_PATCH, BASE "/{key_id}", "updateOperatorKey", "platform:ops", NULL, WRITE,
	  .status = 200, .handler = operator_key_change, .body = &api_key_row_schema,
	  .reply = &api_key_row_schema, .errors = { ERR_CONFLICT, ERR_LAST_ADMIN_KEY },
	  .summary = "Narrow an operator's key",
	  .doc = "Its name, and less of its scopes, networks and life: what would be more is a fault of "
		 "that field. It binds here at once, on every other node within a second." },
	{ M_POST, BASE "/{key_id}/rotate", "rotateOperatorKey", "platform:ops", NULL, WRITE,
	  .flags = ROUTE_NO_STORE | ROUTE_ON_OBJECT, .status = 201, .handler = operator_key_rotate,
	  .body = &api_key_rotation_schema, .reply = &api_key_rotated_schema,
	  .errors = { ERR_CONFLICT, ERR_ALREADY_ROTATED, ERR_LAST_ADMIN_KEY },
	  .summary = "Give an operator's key a successor",
	  .doc = "A new key with the same rights, shown in this answer and nowhere else. The old one is "
		 "taken for the overlap, then no more." },
	{ M_DELETE, BASE "/{key_id}", "revokeOperatorKey", "platform:ops", NULL, WRITE, .status = 200,
	  .handler = operator_key_end, .reply = &api_key_deletion_schema, .errors = { ERR_LAST_ADMIN_KEY },
	  .summary = "Revoke an operator's key",
	  .doc = "It is refused from now on: here at once, on every other node within a second. The last "
		 "key that could make others stays." },
};
ROUTE_GROUP(operator_key_routes, "Operator keys", "/api/v1", routes);
