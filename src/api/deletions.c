/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of tenants that are gone. */
#include "groups.h"

#include "cc/model/purge.h"
#include "cc/model/q_control.h"

static enum err certificate(struct ctx *cx, struct req *rq)
{
	struct deletion_certificate *d = ARENA_NEW(cx->arena, struct deletion_certificate);

	q_deletion_certificate_get_later(cx->db, d, rq->param[0]);
	return reply(rq, d);
}

static const struct route routes[] = {
	{ M_GET, "/tenants/{id}/deletion-certificate", "getDeletionCertificate", "platform:read", NULL,
	  .auth = AUTH_OPERATOR, .store = STORE_PLATFORM, .mode = DB_READ, .flags = ROUTE_VOLATILE,
	  .object = "deletion_certificate", .status = 200, .handler = certificate,
	  .reply = &deletion_certificate_schema, .errors = { ERR_NOT_FOUND },
	  .summary = "Get the deletion certificate of a tenant that was purged",
	  .doc = "How much was removed of it, by what it was: schemas, roles, rows of each table, objects "
		 "and their bytes, keys in Redis, API keys, certificates and so on, signed as a whole. 404 "
		 "as long as there is anything left." },
};
ROUTE_GROUP(deletion_routes, "Tenants", "/api/v1", routes);
