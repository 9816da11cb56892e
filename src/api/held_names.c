/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"
#include "groups.h"

#include "cc/core/audit.h"
#include "cc/model/held_name.h"
#include "cc/model/q_control.h"

struct held_name_query {
	PAGE_MEMBERS;
};

#define T struct held_name_query
static const struct field held_name_query_fields[] = {
	PAGE_SKIP_FIELD(T, PAGE_SKIP_MAX, "How many names to pass over."),
	PAGE_LIMIT_FIELD(T),
	PAGE_CURSOR_FIELD(T),
};
#undef T
static SCHEMA(held_name_query_schema, struct held_name_query, "HeldNameQuery", held_name_query_fields);

static enum err held_name_list(struct ctx *cx, struct req *rq)
{
	const struct held_name_query *q = rq->query;
	const struct page *page;

	TRY(req_page(cx, rq, &q->page, "name,tenant_id", &page));
	q_held_name_list_later(cx->db, &rq->list, &page->order, page->skip, page->rows);
	q_held_name_count_later(cx->db, tally_at(&rq->total));
	return ERR_NONE;
}

/* Whose it was reads it in its audit; of one that is gone the row is for operators. */
static enum err tell_holder(struct ctx *cx, const struct held_name *h)
{
	const struct audit_entry entry = { .action = "releaseName", .object_type = "held_name",
					   .object_id = h->name };

	return h->exists ? audit_control(cx, h->tenant_id, &entry) : audit_gone(cx, h->tenant_id, &entry);
}

static enum err held_name_release(struct ctx *cx, struct req *rq)
{
	struct held_name_release *gone = ARENA_NEW(cx->arena, struct held_name_release);
	const char *name = rq->param[0];
	struct db_rows rows;

	TRY(q_held_name_find(cx->db, &rows, name));
	if (rows.n == 0)
		return refuse_missing(cx, "held_name", name);
	for (size_t i = 0; i < rows.n; i++)
		TRY(tell_holder(cx, DB_ROW(&rows, struct held_name, i)));
	TRY(q_held_name_release(cx->db, gone, name));
	return reply(rq, gone);
}

#define BASE "/held-names"

static const struct route routes[] = {
	{ M_GET, BASE, "listHeldNames", "platform:read", NULL, .auth = AUTH_OPERATOR, .store = STORE_PLATFORM,
	  .mode = DB_READ, .flags = ROUTE_VOLATILE, .object = "held_name", .status = 200,
	  .handler = held_name_list, .query = &held_name_query_schema, .reply = &held_name_schema,
	  .list = "held_names",
	  .summary = "List names that are held",
	  .doc = "Slugs of tenants that were renamed or purged, and domains that tenants had proven and gave "
		 "up or lost, by name: until their time only the same tenant can have them." },
	{ M_DELETE, BASE "/{name}", "releaseName", "platform:tenants", NULL, .auth = AUTH_OPERATOR,
	  .store = STORE_PLATFORM, .mode = DB_WRITE, .flags = ROUTE_NO_VERSION, .object = "held_name",
	  .status = 200, .handler = held_name_release, .reply = &held_name_release_schema,
	  .summary = "Release a name that is held",
	  .doc = "Anybody can have it from now on; a domain must be proven as always. The tenant that had it "
		 "finds this in its audit." },
};
ROUTE_GROUP(held_name_routes, "Held names", "/api/v1", routes);
