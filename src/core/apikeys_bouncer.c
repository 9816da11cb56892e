/* SPDX-License-Identifier: Apache-2.0 */
/* What a bouncer shows to be let in ends with it. */
#include <inttypes.h>

#include "cc/core/apikeys.h"

#include "cc/core/audit.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/db/unit.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"
#include "cc/model/tally.h"
#include "cc/model/tenant.h"

struct ending {
	const char *key_id, *reason;
	struct db_rows line; /* api_key_row */
	struct strv ids;
	struct db_rows ended; /* api_key_deletion */
};

static enum err read_line(struct ctx *cx, void *arg)
{
	struct ending *e = arg;

	return q_api_key_line(cx->db, &e->line, cx->tenant->id, e->key_id);
}

static void collect(struct arena *a, struct ending *e)
{
	const char **v = ARENA_ARRAY(a, const char *, e->line.n + 1);

	for (size_t i = 0; i < e->line.n; i++)
		v[i] = DB_ROW(&e->line, struct api_key_row, i)->id;
	e->ids = (struct strv){ .v = v, .n = e->line.n };
}

static enum err end_them(struct ctx *cx, void *arg)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct ending *e = arg;
	bool found;

	q_tenant_lock_later(cx->db, tenant, &found, cx->tenant->id);
	TRY(q_api_keys_end_of_bouncer(cx->db, &e->ended, cx->tenant->id, &e->ids));
	for (size_t i = 0; i < e->ended.n; i++) {
		const char *id = DB_ROW(&e->ended, struct api_key_deletion, i)->id;
		const struct audit_entry entry = { .action = "revokeApiKey",
			.object_type = "api_key",
			.object_id = id,
			.reason = e->reason };

		TRY(audit_control(cx, cx->tenant->id, &entry));
		change_note_later(cx, cx->tenant->id, "key", id);
	}
	return ERR_NONE;
}

/* Also after a failure: whether a commit that was interrupted took place is not known. */
static void announce(struct ctx *cx, const struct ending *e)
{
	struct world *w = cx->world;

	for (size_t i = 0; i < e->ids.n; i++)
		registry_forget_key(w->registry, e->ids.v[i]);
	if (w->changed != NULL)
		w->changed(w);
}

enum err apikeys_end_of_bouncer(struct ctx *cx, const char *key_id, int64_t bouncer)
{
	struct ending e = { .key_id = key_id };
	struct tally sharing = { 0 };
	struct db_place control;
	enum err done;

	e.reason = arena_printf(cx->arena, "bouncer %" PRId64 " was deleted", bouncer);
	place_control(cx->world, cx->tenant->id, &control);
	TRY(db_unit_beside(cx, &control, DB_READ, read_line, &e));
	collect(cx->arena, &e);
	TRY(q_pep_sharing(cx->db, &sharing, bouncer, &e.ids));
	if (e.ids.n == 0 || sharing.total > 0)
		return ERR_NONE;
	done = db_unit_beside(cx, &control, DB_WRITE, end_them, &e);
	announce(cx, &e);
	return done;
}
