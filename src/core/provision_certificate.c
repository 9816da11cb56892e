/* SPDX-License-Identifier: Apache-2.0 */
/* What a purge finds is counted on the way, and signed when nothing is left of the tenant. */
#include "provision_parts.h"

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

struct inventory {
	const char *tenant_id;
	const struct slot *schema;
	struct tally there;
	struct db_rows rows;
};

static enum err look(struct ctx *cx, void *arg)
{
	struct inventory *i = arg;

	q_region_schema_there_later(cx->db, &i->there, i->schema->schema_id);
	return ERR_NONE;
}

/* As the owner: whoever was about to write finds that the tenant takes no writes. */
static enum err close_and_count(struct ctx *cx, void *arg)
{
	struct inventory *i = arg;

	q_purge_close_later(cx->db);
	return q_purge_rows(cx->db, &i->rows);
}

static enum err note(struct ctx *cx, void *arg)
{
	const struct inventory *i = arg;
	const char *part = i->schema->schema_id;

	for (size_t k = 0; k < i->rows.n; k++) {
		const struct purge_count *c = DB_ROW(&i->rows, struct purge_count, k);

		q_purge_count_set_later(cx->db, i->tenant_id, part, c->what, c->n);
	}
	q_purge_count_set_later(cx->db, i->tenant_id, part, "schemas", 1);
	q_purge_count_set_later(cx->db, i->tenant_id, part, "roles", 1);
	return ERR_NONE;
}

enum err purge_count_schema_of(
	struct ctx *cx, const char *tenant_id, const struct slot *s, const struct db_place *control)
{
	struct inventory i = { .tenant_id = tenant_id, .schema = s };
	struct region *r = NULL;
	struct db_place place;

	TRY(purge_check_store(cx, s));
	TRY(region_need(cx, s->region, &r));
	place_prov(cx->world, r, &place);
	place.statement_ms = PURGE_STATEMENT_MS;
	TRY(db_unit(cx, &place, DB_READ, look, &i));
	/* Whoever dropped it has counted it before. */
	if (i.there.total == 0)
		return ERR_NONE;
	place_owner(cx, r, s, &place);
	place.statement_ms = PURGE_STATEMENT_MS;
	TRY(db_unit(cx, &place, DB_WRITE, close_and_count, &i));
	TRY(db_unit(cx, control, DB_WRITE, note, &i));
	FAILPOINT("tenant.purge.counted");
	return ERR_NONE;
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
