/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "groups.h"
#include "managed.h"
#include "cc/core/head.h"
#include "cc/core/role.h"
#include "cc/model/q_tenant.h"
#include "cc/model/user.h"

struct user_query {
	PAGE_MEMBERS;
	const char *role, *email, *username;
};

#define T struct user_query
static const struct field user_query_fields[] = {
	PAGE_FIELDS(T),
	ENUM(T, role, F_CREATE | F_NULLABLE, user_roles, NULL, "Only users of this role."),
	TEXT(T, email, F_CREATE | F_NULLABLE, 3, 254, "Only the user of this address, in any case."),
	TEXT(T, username, F_CREATE | F_NULLABLE, 1, 120,
	     "Only users whose username holds this text, in any case."),
};
#undef T
static SCHEMA(user_query_schema, struct user_query, "UserQuery", user_query_fields);

/* What is sent back is derived, not stored. */
static void add_permissions(struct ctx *cx, struct user *u)
{
	u->permissions = role_permissions(cx->arena, &u->roles);
}

static enum err user_list(struct ctx *cx, struct req *rq)
{
	const struct user_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "id", &page));
	q_user_list_later(cx->db, &rq->list, &page->order, page->skip, page->rows, q->role,
			  q->email, q->username);
	if (q->role == NULL && q->email == NULL && q->username == NULL)
		q_user_total_later(cx->db, tally_at(&rq->total));
	else
		q_user_count_later(cx->db, tally_at(&rq->total), q->role, q->email, q->username);
	TRY(db_flush(cx->db));
	for (size_t i = 0; i < rq->list.n; i++)
		add_permissions(cx, DB_ROW(&rq->list, struct user, i));
	return ERR_NONE;
}

static enum err user_get(struct ctx *cx, struct req *rq)
{
	struct user *u = ARENA_NEW(cx->arena, struct user);
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_user_get(cx->db, u, id));
	add_permissions(cx, u);
	return reply(rq, u);
}

static enum err user_create(struct ctx *cx, struct req *rq)
{
	struct user *u = arena_memdup(cx->arena, rq->body, sizeof(*u));

	u->roles = roles_normal(cx->arena, &u->roles);
	TRY(role_check_grant(cx, &u->roles));
	u->id = cx->head->last_id;
	u->version = 1;
	u->created_by = managed_creator(cx);
	u->created_at = u->updated_at = cx->head->now;
	u->last_seen_at = TIME_NULL;
	add_permissions(cx, u);
	q_user_insert_later(cx->db, u->id, u->email, u->username, &u->roles, u->department, u->attributes,
			    u->created_by, u->created_at, cx->head->version);
	return reply_created(cx, rq, u, "/users/%" PRId64, u->id);
}

/* Somebody must be able to let others in again. */
static enum err keep_an_admin(struct ctx *cx, const struct user *u)
{
	struct user_rest rest;

	TRY(q_user_admins_besides(cx->db, &rest, u->id, ROLE_ADMIN));
	if (rest.admins > 0)
		return ERR_NONE;
	return refuse(cx, ERR_LAST_ADMIN, "user %" PRId64 " is the tenant's last %s", u->id, ROLE_ADMIN);
}

/* Under the head lock: the user as it is, if this credential may change it. */
static enum err user_to_change(struct ctx *cx, const struct req *rq, struct user *ret)
{
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_user_find(cx->db, ret, &found, id));
	TRY(managed_changeable(cx, found, ret->version));
	return role_check_grant(cx, &ret->roles);
}

static enum err user_save(struct ctx *cx, struct req *rq, struct user *u, const struct strv *roles_before)
{
	if (rq->changed.n == 0) {
		add_permissions(cx, u);
		return managed_unchanged(cx, rq, u);
	}
	u->roles = roles_normal(cx->arena, &u->roles);
	TRY(role_check_grant(cx, &u->roles));
	if (strv_has(roles_before, ROLE_ADMIN) && !strv_has(&u->roles, ROLE_ADMIN))
		TRY(keep_an_admin(cx, u));
	u->version++;
	u->updated_at = cx->head->now;
	add_permissions(cx, u);
	q_user_update_later(cx->db, u->id, u->email, u->username, &u->roles, u->department, u->attributes,
			    u->updated_at, cx->head->version);
	return reply(rq, u);
}

static enum err user_change(struct ctx *cx, struct req *rq)
{
	struct user *u = ARENA_NEW(cx->arena, struct user);
	struct strv before;

	TRY(user_to_change(cx, rq, u));
	before = u->roles;
	TRY(schema_overlay(cx, &user_schema, u, rq->body, rq->read_mode, &rq->changed));
	return user_save(cx, rq, u, &before);
}

static enum err user_change_roles(struct ctx *cx, struct req *rq)
{
	static const char *const changed[] = { "roles" };
	const struct user_roles_change *sent = rq->body;
	struct user *u = ARENA_NEW(cx->arena, struct user);
	struct strv before;

	TRY(user_to_change(cx, rq, u));
	before = u->roles;
	u->roles = roles_normal(cx->arena, &sent->roles);
	rq->reason = sent->reason;
	if (!strv_equal(&before, &u->roles))
		rq->changed = (struct strv){ .v = changed, .n = 1 };
	return user_save(cx, rq, u, &before);
}

static enum err user_delete(struct ctx *cx, struct req *rq)
{
	const struct deletion_query *q = rq->query;
	struct user *u = ARENA_NEW(cx->arena, struct user);
	bool found;
	int64_t id;

	TRY(req_id(cx, rq, 0, &id));
	TRY(q_user_find_any(cx->db, u, &found, id));
	found = found && (u->deleted_at == TIME_NULL || q->hard_delete);
	TRY(managed_changeable(cx, found, u->version));
	TRY(role_check_grant(cx, &u->roles));
	if (u->deleted_at == TIME_NULL && strv_has(&u->roles, ROLE_ADMIN))
		TRY(keep_an_admin(cx, u));
	if (q->hard_delete)
		q_user_remove_later(cx->db, id, cx->head->version);
	else
		q_user_delete_later(cx->db, id, cx->head->now, cx->head->version);
	if (u->deleted_at == TIME_NULL)
		head_release_later(cx, TAKE_USER);
	return managed_deleted(cx, rq, "User", id);
}

/* VOLATILE: when somebody was last seen is not part of the tenant's version. */
#define VOLATILE .flags = ROUTE_VOLATILE
static const struct route routes[] = {
	{ M_GET, "/users", "listUsers", "users:read", READS("user"), VOLATILE, .status = 200,
	  .handler = user_list, .query = &user_query_schema, .reply = &user_schema, .list = "users",
	  .summary = "List users",
	  .doc = "The tenant's people with their roles and the scopes that these give." },
	{ M_POST, "/users", "createUser", "users:write", WRITES("user"), VOLATILE, .status = 201,
	  .handler = user_create, .body = &user_schema, .reply = &user_schema, .takes = TAKE_USER,
	  .errors = { ERR_QUOTA, ERR_EMAIL_TAKEN, ERR_SCOPE_GRANT },
	  .summary = "Add a user",
	  .doc = "A role can be given only by a credential that holds all scopes of that role. Passwords are "
		 "not kept: people sign in at an identity provider whose tokens the tenant accepts." },
	{ M_GET, "/users/{id}", "getUser", "users:read", READS("user"), VOLATILE, .status = 200,
	  .handler = user_get, .reply = &user_schema,
	  .summary = "Get a user",
	  .doc = "With roles and the scopes that these give." },
	{ M_PUT, "/users/{id}", "replaceUser", "users:write", WRITES("user"), VOLATILE, .status = 200,
	  .handler = user_change, .body = &user_schema, .reply = &user_schema,
	  .errors = { ERR_EMAIL_TAKEN, ERR_SCOPE_GRANT, ERR_LAST_ADMIN },
	  .summary = "Replace a user",
	  .doc = "Optional fields that are not sent are reset; read-only ones may be sent back unchanged." },
	{ M_PATCH, "/users/{id}", "updateUser", "users:write", WRITES("user"), VOLATILE, .status = 200,
	  .handler = user_change, .body = &user_schema, .reply = &user_schema,
	  .errors = { ERR_EMAIL_TAKEN, ERR_SCOPE_GRANT, ERR_LAST_ADMIN },
	  .summary = "Change fields of a user",
	  .doc = "A JSON merge patch, also inside of attributes: null removes a member." },
	{ M_PUT, "/users/{id}/roles", "setUserRoles", "users:write", WRITES("user"), VOLATILE, .status = 200,
	  .handler = user_change_roles, .body = &user_roles_schema, .reply = &user_schema,
	  .errors = { ERR_SCOPE_GRANT, ERR_LAST_ADMIN },
	  .summary = "Set the roles of a user",
	  .doc = "All of them at once, with a reason that is kept in the audit." },
	{ M_DELETE, "/users/{id}", "deleteUser", "users:write", WRITES("user"), VOLATILE, .status = 200,
	  .handler = user_delete, .query = &deletion_query_schema, .reply = &deletion_schema,
	  .errors = { ERR_SCOPE_GRANT, ERR_LAST_ADMIN },
	  .summary = "Delete a user",
	  .doc = "Refused for the tenant's last Admin. Place and address are free at once." },
};
ROUTE_GROUP(user_routes, "Users", "/api/v1", routes);
