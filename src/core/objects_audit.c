/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/objects_audit.h"

#include "objects_in.h"

#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/map.h"
#include "cc/core/head.h"
#include "cc/core/registry.h"
#include "cc/core/world.h"
#include "cc/model/object.h"
#include "cc/model/provision.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"

#define PAGE 500
#define TENANT_MS 600000 /* for one tenant, however much it has */

/* One tenant's turn. */
struct turn {
	struct ctx *cx;
	struct objects_audit *a;
	const char *path[PAGE]; /* listed, not looked up yet */
	size_t n;
	struct db_rows known, storing;
	const char *after;      /* of the catalogue's pages */
	const char *forget;
	int64_t epoch;
	enum err e;
};

static struct objstore *store_of(const struct ctx *cx)
{
	return region_store(cx->world, cx->tenant->region);
}

static enum err in_tenant(struct turn *t, enum db_mode mode, db_work work)
{
	struct ctx *cx = t->cx;
	const struct tenant *own = cx->tenant, *fresh = NULL;
	const enum err e =
		mode == DB_READ ? head_read(cx, work, t, &fresh) : head_note(cx, work, t, &fresh);

	cx->tenant = own;
	tenant_put(fresh);
	return e;
}

static void found(struct turn *t, const char *path, const char *what)
{
	t->a->findings++;
	t->a->found(t->a->arg, t->cx->tenant->id, path, what);
}

/* In the store ------------------------------------------------------------------------------------- */

static enum err ask_known(struct ctx *cx, void *arg)
{
	struct turn *t = arg;
	const struct strv paths = { .v = t->path, .n = t->n };

	q_object_known_later(cx->db, &t->known, &paths);
	q_storing_known_later(cx->db, &t->storing, &paths);
	return ERR_NONE;
}

static bool is_among(const struct db_rows *rows, const char *path)
{
	for (size_t i = 0; i < rows->n; i++)
		if (str_eq(DB_ROW(rows, struct object_row, i)->key, path))
			return true;
	return false;
}

static enum err remove_object(struct turn *t, const char *path)
{
	struct obj_key key;
	struct obj_got got;
	enum obj_result r = OBJ_BAD_KEY;

	if (obj_key_make(&key, t->cx->tenant->id, path))
		r = obj_delete(store_of(t->cx), &key, t->cx->deadline_ms, &got);
	return r == OBJ_OK ? ERR_NONE : refuse_store(t->cx, r, &got);
}

static enum err look_up(struct turn *t)
{
	if (t->n == 0)
		return ERR_NONE;
	TRY(in_tenant(t, DB_READ, ask_known));
	for (size_t i = 0; i < t->n; i++) {
		if (is_among(&t->known, t->path[i]) || is_among(&t->storing, t->path[i]))
			continue;
		found(t, t->path[i], "unknown");
		if (t->a->remove)
			TRY(remove_object(t, t->path[i]));
	}
	t->n = 0;
	return ERR_NONE;
}

static bool take_listed(void *arg, const struct obj_key *key, int64_t size)
{
	struct turn *t = arg;
	const char *path = obj_key_path(key, t->cx->tenant->id);

	(void)size;
	if (path == NULL)
		return true;
	t->a->objects++;
	t->path[t->n++] = arena_strdup(t->cx->arena, path);
	if (t->n == PAGE)
		t->e = look_up(t);
	return t->e == ERR_NONE;
}

/* Uploads that somebody may still be at are none. */
static enum err look_for_unfinished(struct turn *t, const struct obj_key *prefix)
{
	struct obj_got got;
	int64_t n;
	const enum obj_result r = obj_sweep(store_of(t->cx), prefix, OBJECT_UNFINISHED_S, t->a->remove,
		t->cx->deadline_ms, &n, &got);

	for (; n > 0; n--)
		found(t, "", "unfinished");
	return r == OBJ_OK ? ERR_NONE : refuse_store(t->cx, r, &got);
}

static enum err look_through_store(struct turn *t)
{
	struct obj_key prefix;
	struct obj_got got;
	enum obj_result r = OBJ_BAD_KEY;

	if (obj_prefix_make(&prefix, t->cx->tenant->id))
		r = obj_list(store_of(t->cx), &prefix, take_listed, t, t->cx->deadline_ms, &got);
	TRY(t->e);
	if (r != OBJ_OK)
		return refuse_store(t->cx, r, &got);
	TRY(look_up(t));
	return look_for_unfinished(t, &prefix);
}

/* In the catalogue --------------------------------------------------------------------------------- */

static enum err ask_page(struct ctx *cx, void *arg)
{
	struct turn *t = arg;

	q_object_page_later(cx->db, &t->known, t->after, PAGE);
	return ERR_NONE;
}

static enum err forget(struct ctx *cx, void *arg)
{
	const struct turn *t = arg;

	q_object_forget_later(cx->db, t->forget, t->epoch);
	return ERR_NONE;
}

static enum err check_row(struct turn *t, const struct object_row *row)
{
	struct obj_key key;
	struct obj_got got;
	enum obj_result r = OBJ_MISSING;

	if (obj_key_make(&key, t->cx->tenant->id, row->key))
		r = obj_stat(store_of(t->cx), &key, t->cx->deadline_ms, &got);
	if (r == OBJ_OK && got.size == row->size)
		return ERR_NONE;
	if (r != OBJ_OK && r != OBJ_MISSING)
		return refuse_store(t->cx, r, &got);
	found(t, row->key, r == OBJ_OK ? "different" : "missing");
	if (!t->a->remove)
		return ERR_NONE;
	t->forget = row->key;
	return in_tenant(t, DB_WRITE, forget);
}

static enum err look_through_catalogue(struct turn *t)
{
	t->after = "";
	do {
		TRY(in_tenant(t, DB_READ, ask_page));
		for (size_t i = 0; i < t->known.n; i++) {
			const struct object_row row = *DB_ROW(&t->known, struct object_row, i);

			TRY(check_row(t, &row));
			t->after = row.key;
		}
	} while (t->known.n == PAGE);
	return ERR_NONE;
}

/* Tenants ------------------------------------------------------------------------------------------ */

static enum err audit_tenant(struct ctx *cx, struct objects_audit *a, const char *id)
{
	struct turn *t = ARENA_NEW(cx->arena, struct turn);
	const struct tenant *own;
	enum err e;

	cx->deadline_ms = clock_mono_ms() + TENANT_MS;
	TRY(tenant_get(cx, id, true, &own));
	t->cx = cx;
	t->a = a;
	t->epoch = own->epoch;
	cx->tenant = own;
	e = store_of(cx) != NULL ? look_through_store(t) : ERR_NONE;
	if (e == ERR_NONE && store_of(cx) != NULL)
		e = look_through_catalogue(t);
	cx->tenant = NULL;
	tenant_put(own);
	a->tenants += e == ERR_NONE;
	return e;
}

struct tenants {
	const char *after;
	struct db_rows rows;
};

static enum err ask_tenants(struct ctx *cx, void *arg)
{
	struct tenants *t = arg;

	q_tenant_ids_later(cx->db, &t->rows, t->after, PAGE);
	return ERR_NONE;
}

enum err objects_audit(struct ctx *cx, struct objects_audit *a)
{
	struct tenants t = { .after = "" };
	struct db_place control;

	if (!world_has_store(cx->world))
		return refuse(cx, ERR_STORE_MISSING, "no store of objects is configured (section store)");
	place_platform(cx->world, &control);
	do {
		TRY(db_unit(cx, &control, DB_READ, ask_tenants, &t));
		for (size_t i = 0; i < t.rows.n; i++) {
			const char *id = DB_ROW(&t.rows, struct slot, i)->tenant_id;
			const struct arena_mark mark = arena_mark(cx->arena);

			TRY(audit_tenant(cx, a, id));
			arena_rewind(cx->arena, mark);
			t.after = id;
		}
	} while (t.rows.n == PAGE);
	return objects_strangers(cx, a);
}
