/* SPDX-License-Identifier: Apache-2.0 */
/* Creations that did not end: names, domains and tenant go in one statement, the schema is dropped later. */
#include "provision_parts.h"

#include "cc/base/failpoint.h"
#include "cc/core/audit.h"
#include "cc/model/q_control.h"

struct undo {
	const char *id;
	struct slot slot;
	bool found;
};

static enum err undo(struct ctx *cx, void *arg)
{
	struct undo *u = arg;

	TRY(q_tenant_undo(cx->db, &u->slot, &u->found, u->id));
	if (!u->found)
		return ERR_NONE;
	FAILPOINT("tenant.undo.claim");
	change_note_later(cx, u->slot.tenant_id, "tenant", u->slot.tenant_id);
	return ERR_NONE;
}

enum err tenant_undo(struct ctx *cx, const char *id, const char **ret_id)
{
	struct undo u = { .id = id };
	struct db_place place;

	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, undo, &u));
	FAILPOINT("tenant.undo.done");
	*ret_id = u.found ? u.slot.tenant_id : NULL;
	if (u.found)
		tenant_changed(cx, u.slot.tenant_id);
	return ERR_NONE;
}

enum err undo_one(struct ctx *cx, bool *ret_did, int *count)
{
	const char *id = NULL;

	TRY(tenant_undo(cx, NULL, &id));
	*ret_did = id != NULL;
	*count += id != NULL;
	return ERR_NONE;
}
