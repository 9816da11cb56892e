/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schemas are recorded before they are made, so one that nothing records is what a process left
 * that outlived its lease. It is recorded first, and its drop waits for the grace like any other.
 */
#include "provision_parts.h"

#include "cc/model/q_control.h"
#include "cc/model/q_region.h"

#define NAMES_TOLD 8
#define BATCH 500

struct present {
	struct region *region;
	struct db_rows rows;  /* what the region has */
	struct strv names;    /* those of one batch */
	struct db_rows known; /* of these, the recorded ones */
	const char *orphan;
	int64_t grace_s;
};

static enum err read_region(struct ctx *cx, void *arg)
{
	struct present *p = arg;

	q_region_present_later(cx->db, &p->rows, arena_printf(cx->arena, "cc_pool_%s_", p->region->ident));
	return ERR_NONE;
}

static enum err read_records(struct ctx *cx, void *arg)
{
	struct present *p = arg;

	q_schema_known_later(cx->db, &p->known, &p->names);
	return ERR_NONE;
}

static enum err adopt(struct ctx *cx, void *arg)
{
	const struct present *p = arg;
	int64_t shard = 0, n = 0;

	TRY(shard_reserve(cx, p->region->id, &shard));
	TRY(q_schema_adopt(cx->db, &n, p->orphan, p->region->id, shard, p->grace_s));
	return n == 1 ? ERR_NONE : ERR_CONFLICT;
}

static bool is_known(const struct present *p, const char *name)
{
	for (size_t i = 0; i < p->known.n; i++)
		if (str_eq(DB_ROW(&p->known, struct slot, i)->schema_id, name))
			return true;
	return false;
}

static void name_batch(struct ctx *cx, struct present *p, size_t from)
{
	const size_t n = p->rows.n - from < BATCH ? p->rows.n - from : BATCH;
	const char **v = ARENA_ARRAY(cx->arena, const char *, n);

	for (size_t i = 0; i < n; i++)
		v[i] = DB_ROW(&p->rows, struct slot, from + i)->schema_id;
	p->names = (struct strv){ .v = v, .n = n };
}

/* The region is read before the records: what is recorded in between is no orphan. */
enum err provision_orphans(
	struct ctx *cx, struct region *r, int64_t grace_s, int *ret_found, const char **ret_names)
{
	struct present p = { .region = r, .grace_s = grace_s };
	struct db_place region, control;
	struct str told;
	int found = 0;

	str_init(&told, cx->arena, 64);
	place_prov(cx->world, r, &region);
	place_platform(cx->world, &control);
	TRY(db_unit(cx, &region, DB_READ, read_region, &p));
	for (size_t from = 0; from < p.rows.n; from += BATCH) {
		name_batch(cx, &p, from);
		TRY(db_unit(cx, &control, DB_READ, read_records, &p));
		for (size_t i = 0; i < p.names.n; i++) {
			enum err e;

			p.orphan = p.names.v[i];
			if (is_known(&p, p.orphan))
				continue;
			e = db_unit(cx, &control, DB_WRITE, adopt, &p);
			if (e != ERR_NONE && e != ERR_CONFLICT)
				return e;
			if (found++ < NAMES_TOLD)
				str_addf(&told, "%s%s", told.len > 0 ? " " : "", p.orphan);
		}
	}
	*ret_found = found;
	*ret_names = told.data;
	return ERR_NONE;
}
