/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a key: it is narrowed, given a successor, revoked. The same for tenants and operators. */
#include "apikeys_in.h"

#include "cc/core/actor.h"
#include "cc/core/audit.h"
#include "cc/core/scope.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"
#include "cc/schema/read.h"

static bool makes_others(const struct key_held *k, const struct strv *scopes)
{
	return (scope_bits(scopes) & k->admin) == k->admin;
}

static bool ends_sooner(int64_t was, int64_t is)
{
	return is != TIME_NULL && (was == TIME_NULL || is < was);
}

/* left: what there is in its place afterwards; NULL: nothing. */
static enum err check_last(struct ctx *cx, const struct key_held *k, const struct api_key_row *left)
{
	const struct api_key_row *row = &k->row;

	if (k->last == NULL || !row->live || !makes_others(k, &row->scopes))
		return ERR_NONE;
	if (left != NULL && makes_others(k, &left->scopes) &&
	    !ends_sooner(row->expires_at, left->expires_at) &&
	    strv_equal(&row->allowed_cidrs, &left->allowed_cidrs))
		return ERR_NONE;
	return refuse(cx, ERR_LAST_ADMIN_KEY, "%s", k->last);
}

static enum err check_live(struct ctx *cx, const struct key_held *k)
{
	if (!k->row.live)
		return refuse(cx, ERR_CONFLICT, "the API key %s",
			      k->row.revoked_at != TIME_NULL ? "was revoked" : "has expired");
	return ERR_NONE;
}

enum err key_revoke(struct ctx *cx, const struct key_held *k, struct api_key_deletion *ret, bool *ret_changed)
{
	const struct api_key_row *row = &k->row;

	TRY(apikeys_check_held(cx, &row->scopes, k->grantable));
	*ret_changed = row->revoked_at == TIME_NULL;
	if (!*ret_changed) {
		*ret = (struct api_key_deletion){ .message = "API key revoked", .id = row->id,
						  .deleted_at = row->revoked_at };
		return ERR_NONE;
	}
	TRY(check_last(cx, k, NULL));
	q_api_key_revoke_later(cx->db, ret, ARENA_NEW(cx->arena, bool), k->tenant_id, row->id);
	return ERR_NONE;
}

enum err key_change(struct ctx *cx, const struct key_held *k, const struct api_key_row *sent,
		    struct api_key_row *ret, struct strv *ret_changed)
{
	struct api_key_row *row = arena_memdup(cx->arena, &k->row, sizeof(*row));
	struct api_key_row wanted = *sent;

	TRY(apikeys_check_held(cx, &k->row.scopes, k->grantable));
	TRY(check_live(cx, k));
	if (schema_seen(&api_key_row_schema, sent, "allowed_cidrs"))
		wanted.allowed_cidrs = apikeys_cidrs(cx, &sent->allowed_cidrs);
	TRY(schema_overlay(cx, &api_key_row_schema, row, &wanted, READ_MERGE, ret_changed));
	*ret = *row;
	if (ret_changed->n == 0)
		return ERR_NONE;
	apikeys_check_narrower(cx, &k->row, row);
	TRY(ctx_faults(cx));
	TRY(check_last(cx, k, row));
	q_api_key_update_later(cx->db, ret, ARENA_NEW(cx->arena, bool), k->tenant_id, row->id, row->name,
			       &row->scopes, &row->allowed_cidrs, row->expires_at);
	return ERR_NONE;
}

/* Rotation --------------------------------------------------------------------------------------------- */

static enum apikey_kind kind_of(const struct key_held *k)
{
	if (k->tenant_id == NULL)
		return APIKEY_OPERATOR;
	return str_starts(k->row.display, "cc_test_") ? APIKEY_TEST : APIKEY_LIVE;
}

/* Whoever is shown the successor could have made it. */
static enum err check_successor(struct ctx *cx, const struct key_held *k, int64_t expires_at)
{
	struct api_key_row next = k->row;

	apikeys_check_expiry(cx, expires_at);
	apikeys_check_cidrs(cx, &k->row.allowed_cidrs);
	TRY(ctx_faults(cx));
	next.expires_at = expires_at;
	return check_last(cx, k, &next);
}

/* The successor is what the request is recorded for; those before it change as well. */
static enum err note_other(struct ctx *cx, const struct key_held *k, const char *id, size_t nchanged)
{
	static const char *changed[] = { "expires_at", "rotated_to" };
	const struct audit_entry entry = { .action = "rotateApiKey", .object_type = "api_key",
					   .object_id = id, .changed = { changed, nchanged } };

	change_note_later(cx, k->tenant_id, "key", id);
	return k->tenant_id != NULL ? audit_control(cx, k->tenant_id, &entry) : ERR_NONE;
}

/* Else a chain of overlaps were as many keys as anyone likes, in one place of the limit. */
static enum err end_before(struct ctx *cx, const struct key_held *k, const char **ret_id)
{
	struct api_key_row gone;
	bool found;

	if (k->row.rotated_from == NULL)
		return ERR_NONE;
	TRY(q_api_key_end(cx->db, &gone, &found, k->tenant_id, k->row.rotated_from));
	if (!found)
		return ERR_NONE;
	TRY(apikeys_check_held(cx, &gone.scopes, k->grantable));
	*ret_id = gone.id;
	return note_other(cx, k, gone.id, 1);
}

static enum err replace(struct ctx *cx, const struct key_held *k, int64_t expires_at, int64_t overlap_s,
			struct api_key_rotated *ret)
{
	const struct api_key_row *row = &k->row;
	struct api_key_created made;
	struct api_key_row old;
	const char *text, *display;
	struct bytes hash;
	struct apikey key;
	bool found;

	text = apikeys_make(cx, kind_of(k), &key, &hash, &display);
	TRY(q_api_key_insert(cx->db, &made, arena_printf(cx->arena, "key-%s", key.id), key.id, k->tenant_id,
			     row->name, &row->scopes, &row->allowed_cidrs, hash, display,
			     cx->actor != NULL ? cx->actor->id : "system", expires_at, row->id));
	TRY(q_api_key_supersede(cx->db, &old, &found, k->tenant_id, row->id, made.id, overlap_s));
	*ret = (struct api_key_rotated){
		.id = made.id, .name = made.name, .key = text, .scopes = made.scopes,
		.allowed_cidrs = row->allowed_cidrs, .created_at = made.created_at,
		.expires_at = made.expires_at, .rotated_from = row->id, .previous_expires_at = old.expires_at,
	};
	return ERR_NONE;
}

enum err key_rotate(struct ctx *cx, const struct key_held *k, const struct api_key_rotation *in,
		    struct api_key_rotated *ret)
{
	const bool own = schema_seen(&api_key_rotation_schema, in, "expires_at");
	const int64_t expires_at = own ? in->expires_at : k->row.expires_at;

	TRY(apikeys_check_held(cx, &k->row.scopes, k->grantable));
	if (k->row.rotated_to != NULL)
		return refuse(cx, ERR_ALREADY_ROTATED, "the API key was rotated to %s", k->row.rotated_to);
	TRY(check_live(cx, k));
	TRY(check_successor(cx, k, expires_at));
	TRY(replace(cx, k, expires_at, in->overlap_seconds, ret));
	TRY(end_before(cx, k, &ret->ended));
	return note_other(cx, k, k->row.id, 2);
}
