/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that a node cannot show, though they were taken: their tenants are told. */
#include "cc/core/alerts.h"
#include "cc/core/certificates.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

#define OPEN_ROWS 1000

struct trouble {
	const char *domain;
	bool faulty;
};

static enum err settle(struct ctx *cx, void *arg)
{
	const struct trouble *t = arg;

	if (t->faulty)
		alert_raise_later(cx, ALERT_CERTIFICATE_NOT_SERVABLE, ALERT_CRITICAL, t->domain,
				  arena_printf(cx->arena, "The certificate of %s cannot be shown: the one "
					       "before it is, where there is one, while it is valid. Bring "
					       "another.",
					       t->domain));
	else
		alert_resolve_later(cx, ALERT_CERTIFICATE_NOT_SERVABLE, t->domain);
	return ERR_NONE;
}

enum err certificates_trouble(struct ctx *cx, const char *tenant_id, const char *domain, bool faulty)
{
	struct trouble t = { .domain = domain, .faulty = faulty };
	const struct tenant *tenant = NULL;
	struct db_place place;
	enum err e;

	TRY(tenant_get(cx, tenant_id, true, &tenant));
	cx->tenant = tenant;
	place_control(cx->world, tenant_id, &place);
	e = db_unit(cx, &place, DB_WRITE, settle, &t);
	cx->tenant = NULL;
	tenant_put(tenant);
	return e;
}

static enum err read_open(struct ctx *cx, void *arg)
{
	return q_certificate_troubled(cx->db, arg, OPEN_ROWS);
}

enum err certificates_troubled(struct ctx *cx, struct db_rows *ret)
{
	struct db_place place;

	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_READ, read_open, ret);
}
