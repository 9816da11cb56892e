/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants that the settings have left behind. */
#include <inttypes.h>

#include "cc/core/provision.h"
#include "cc/model/provision.h"
#include "cc/model/q_control.h"

static enum err read_groups(struct ctx *cx, void *arg)
{
	q_tenant_groups_later(cx->db, arg);
	return ERR_NONE;
}

static void tell(struct str *out, const char *what, const char *name, int64_t tenants)
{
	str_addf(out, "%s%s %s: %" PRId64, out->len > 0 ? "; " : "", what, name, tenants);
}

enum err setup_strays(struct ctx *cx, int64_t *ret_tenants, const char **ret_which)
{
	const struct world *w = cx->world;
	struct db_place place;
	struct db_rows rows;
	struct str which;

	str_init(&which, cx->arena, 64);
	place_platform(w, &place);
	TRY(db_unit(cx, &place, DB_READ, read_groups, &rows));
	*ret_tenants = 0;
	for (size_t i = 0; i < rows.n; i++) {
		const struct tenant_group *g = DB_ROW(&rows, struct tenant_group, i);
		const bool planned = plan_find(w->plans, g->plan_type) != NULL;
		const bool placed = region_find(w, g->region) != NULL;

		if (!planned)
			tell(&which, "plan", g->plan_type, g->tenants);
		if (!placed)
			tell(&which, "region", g->region, g->tenants);
		if (!planned || !placed)
			*ret_tenants += g->tenants;
	}
	*ret_which = which.data;
	return ERR_NONE;
}
