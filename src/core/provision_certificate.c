/* SPDX-License-Identifier: Apache-2.0 */
/* What a purge finds is counted on the way, and signed when nothing is left of the tenant. */
#include "provision_parts.h"

#include <inttypes.h>
#include <string.h>

#include "cc/base/clock.h"
#include "cc/base/failpoint.h"
#include "cc/core/world.h"
#include "cc/crypto/sign.h"
#include "cc/model/purge.h"
#include "cc/model/q_control.h"
#include "cc/model/q_region.h"
#include "cc/model/q_tenant.h"
#include "cc/model/tally.h"
#include "cc/schema/write.h"

/* Schemas -------------------------------------------------------------------------------------------- */

#define PART_PAGES 1024 /* 8 MiB: counted well within any time that a statement may take */
#define TABLES_MAX 16
#define SHARE_MS 3000 /* of a tick, at most; what is left is there at the next */

/* A table of the schema, and how far it is counted. */
struct counted_table {
	const char *name, *what;
	int64_t pages, part; /* part: the next */
	struct tally rows;   /* in it */
	bool over;
};

struct inventory {
	const char *tenant_id;
	const struct slot *schema;
	struct tally there, storing;
	struct db_rows tables, parts; /* purge_count */
	struct counted_table table[TABLES_MAX];
	size_t n;
};

static enum err look(struct ctx *cx, void *arg)
{
	struct inventory *i = arg;

	q_region_schema_there_later(cx->db, &i->there, i->schema->schema_id);
	return ERR_NONE;
}

/* As the owner: whoever was about to write finds that the tenant takes no writes. */
static enum err close_and_measure(struct ctx *cx, void *arg)
{
	struct inventory *i = arg;

	q_purge_close_later(cx->db);
	return q_purge_tables(cx->db, &i->tables);
}

/* Behind the close: nobody begins any more. */
static enum err look_for_storing(struct ctx *cx, void *arg)
{
	struct inventory *i = arg;

	q_purge_storing_later(cx->db, &i->storing);
	return ERR_NONE;
}

static enum err read_parts(struct ctx *cx, void *arg)
{
	struct inventory *i = arg;

	return q_purge_parts(cx->db, &i->parts, i->tenant_id, i->schema->schema_id);
}

static int64_t parts_of(const struct inventory *i, const char *what)
{
	for (size_t k = 0; k < i->parts.n; k++)
		if (str_eq(DB_ROW(&i->parts, struct purge_count, k)->what, what))
			return DB_ROW(&i->parts, struct purge_count, k)->n;
	return 0;
}

/* Of an empty table there is one part, so that it is named. */
static bool has_part(const struct counted_table *t)
{
	return t->part == 0 || t->part * PART_PAGES < t->pages;
}

static enum err take_stock(struct ctx *cx, struct inventory *i)
{
	if (i->tables.n > TABLES_MAX)
		return refuse(cx, ERR_INTERNAL, "a schema has more tables than are counted");
	for (i->n = 0; i->n < i->tables.n; i->n++) {
		const struct purge_count *c = DB_ROW(&i->tables, struct purge_count, i->n);
		struct counted_table *t = &i->table[i->n];

		*t = (struct counted_table){ .name = arena_strdup(cx->arena, c->what), .pages = c->n };
		t->what = arena_printf(cx->arena, "rows.%s", t->name);
		t->part = parts_of(i, t->what);
		t->over = !has_part(t);
	}
	return ERR_NONE;
}

static const char *page_of(struct arena *a, int64_t part)
{
	return arena_printf(a, "(%" PRId64 ",0)", part * PART_PAGES);
}

/* The next part of each. */
static enum err count_parts(struct ctx *cx, void *arg)
{
	struct inventory *i = arg;

	for (size_t k = 0; k < i->n; k++) {
		struct counted_table *t = &i->table[k];

		if (!t->over)
			q_purge_rows_later(cx->db, &t->rows, t->name, page_of(cx->arena, t->part),
				page_of(cx->arena, t->part + 1));
	}
	return ERR_NONE;
}

static enum err note_parts(struct ctx *cx, void *arg)
{
	const struct inventory *i = arg;

	for (size_t k = 0; k < i->n; k++) {
		const struct counted_table *t = &i->table[k];

		if (!t->over)
			q_purge_count_set_later(cx->db, i->tenant_id,
				arena_printf(cx->arena, "%s:%" PRId64, i->schema->schema_id, t->part),
				t->what, t->rows.total);
	}
	return ERR_NONE;
}

/* *ret_more: there are parts behind these. */
static void step_on(struct inventory *i, bool *ret_more)
{
	*ret_more = false;
	for (size_t k = 0; k < i->n; k++) {
		struct counted_table *t = &i->table[k];

		t->part += t->over ? 0 : 1;
		t->over = !has_part(t);
		*ret_more = *ret_more || !t->over;
	}
}

static enum err note_schema(struct ctx *cx, void *arg)
{
	const struct inventory *i = arg;

	q_purge_count_set_later(cx->db, i->tenant_id, i->schema->schema_id, "schemas", 1);
	q_purge_count_set_later(cx->db, i->tenant_id, i->schema->schema_id, "roles", 1);
	return ERR_NONE;
}

static enum err count_all(struct ctx *cx, struct inventory *i, const struct db_place *owner,
	const struct db_place *control, bool *ret_more)
{
	const int64_t until = clock_mono_ms() + SHARE_MS;

	do {
		const struct arena_mark mark = arena_mark(cx->arena);

		TRY(db_unit(cx, owner, DB_READ, count_parts, i));
		TRY(db_unit(cx, control, DB_WRITE, note_parts, i));
		FAILPOINT("tenant.purge.counted");
		step_on(i, ret_more);
		arena_rewind(cx->arena, mark);
	} while (*ret_more && clock_mono_ms() < until);
	return *ret_more ? ERR_NONE : db_unit(cx, control, DB_WRITE, note_schema, i);
}

enum err purge_count_schema_of(struct ctx *cx, const char *tenant_id, const struct slot *s,
	const struct db_place *control, bool *ret_more)
{
	struct inventory *i = ARENA_NEW(cx->arena, struct inventory);
	struct region *r = NULL;
	struct db_place place;

	*ret_more = false;
	*i = (struct inventory){ .tenant_id = tenant_id, .schema = s };
	TRY(purge_check_store(cx, s));
	TRY(region_need(cx, s->region, &r));
	place_prov(cx->world, r, &place);
	place.statement_ms = PURGE_STATEMENT_MS;
	TRY(db_unit(cx, &place, DB_READ, look, i));
	/* Whoever dropped it has counted it before. */
	if (i->there.total == 0)
		return ERR_NONE;
	place_owner(cx, r, s, &place);
	place.statement_ms = PURGE_STATEMENT_MS;
	TRY(db_unit(cx, &place, DB_WRITE, close_and_measure, i));
	TRY(db_unit(cx, &place, DB_READ, look_for_storing, i));
	if (i->storing.total > 0) {
		*ret_more = true;
		return ERR_NONE;
	}
	TRY(db_unit(cx, control, DB_READ, read_parts, i));
	TRY(take_stock(cx, i));
	return count_all(cx, i, &place, control, ret_more);
}

/* The certificate ------------------------------------------------------------------------------------ */

static void write_time(struct jw *w, const char *name, int64_t us)
{
	jw_key(w, name);
	jw_text(w, time_format(w->out->arena, us));
}

/* Its members in the order of their names. */
static const char *payload_of(struct arena *a, const struct deletion_certificate *d)
{
	struct str out;
	struct jw w;

	str_init(&out, a, 1024);
	jw_init(&w, &out);
	jw_object(&w);
	write_time(&w, "created_at", d->created_at);
	write_time(&w, "purged_at", d->purged_at);
	jw_key(&w, "region");
	jw_text(&w, d->region);
	jw_key(&w, "removed");
	jw_raw(&w, d->removed);
	write_time(&w, "requested_at", d->requested_at);
	jw_key(&w, "tenant_id");
	jw_text(&w, d->tenant_id);
	jw_object_end(&w);
	return out.data;
}

static const char *sign(struct ctx *cx, const struct deletion_certificate *d)
{
	const struct signing_key *key = &cx->world->settings->signing;
	struct arena *a = cx->arena;
	const char *head = arena_printf(a, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"JWT\"}", key->id);
	const char *payload = payload_of(a, d), *text;
	unsigned char made[SIGN_LEN];

	text = arena_printf(a, "%s.%s", base64url_encode(a, head, strlen(head)),
		base64url_encode(a, payload, strlen(payload)));
	sign_make(key->seed, text, strlen(text), made);
	return arena_printf(a, "%s.%s", text, base64url_encode(a, made, sizeof(made)));
}

static const char *removed_text(struct arena *a, const struct db_rows *counts)
{
	struct str out;
	struct jw w;

	str_init(&out, a, 512);
	jw_init(&w, &out);
	jw_object(&w);
	for (size_t i = 0; i < counts->n; i++) {
		const struct purge_count *c = DB_ROW(counts, struct purge_count, i);

		jw_key(&w, c->what);
		jw_int(&w, c->n);
	}
	jw_object_end(&w);
	return out.data;
}

void purge_count_rest_later(struct ctx *cx, const char *tenant_id, const struct db_rows *rest)
{
	for (size_t i = 0; i < rest->n; i++) {
		const struct purge_count *c = DB_ROW(rest, struct purge_count, i);

		q_purge_count_set_later(cx->db, tenant_id, "", c->what, c->n);
	}
}

enum err purge_certify(struct ctx *cx, const char *tenant_id)
{
	struct deletion_certificate d;
	struct db_rows counts;

	TRY(q_purge_counts(cx->db, &counts, tenant_id));
	TRY(q_tombstone_get(cx->db, &d, tenant_id));
	d.removed = removed_text(cx->arena, &counts);
	return q_purge_certify(cx->db, tenant_id, d.removed, sign(cx, &d));
}
