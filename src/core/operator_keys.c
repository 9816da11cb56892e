/* SPDX-License-Identifier: Apache-2.0 */
#include "apikeys_in.h"

#include "cc/core/actor.h"
#include "cc/core/apikeys.h"
#include "cc/core/audit.h"
#include "cc/core/scope.h"
#include "cc/core/world.h"
#include "cc/model/q_control.h"

#define MAKES_OTHERS "platform:ops"
#define LIST_MAX 1000
#define NO_OTHER "no other operator's key "

static uint64_t grantable(const struct ctx *cx)
{
	return cx->actor != NULL ? cx->actor->scopes : UINT64_MAX;
}

enum err operator_keys_create(struct ctx *cx, const struct operator_key_new *in, struct api_key_created *ret)
{
	const struct strv cidrs = apikeys_cidrs(cx, &in->allowed_cidrs);
	const char *text, *display;
	struct bytes hash;
	struct apikey key;

	apikeys_check_scopes(cx, &in->scopes);
	apikeys_check_expiry(cx, in->expires_at);
	apikeys_check_cidrs(cx, &cidrs);
	TRY(ctx_faults(cx));
	TRY(apikeys_check_grant(cx, scope_bits(&in->scopes), grantable(cx)));
	text = apikeys_make(cx, APIKEY_OPERATOR, &key, &hash, &display);
	TRY(q_api_key_insert(cx->db, ret, arena_printf(cx->arena, "key-%s", key.id), key.id, NULL, in->name,
			     &in->scopes, &cidrs, hash, display,
			     cx->actor != NULL ? cx->actor->id : "system", in->expires_at, NULL));
	ret->key = text;
	return ERR_NONE;
}

/* It does all that operators can do, always and from everywhere. */
static bool is_full(const struct api_key_row *row)
{
	const uint64_t all = scope_all_platform();

	return (scope_bits(&row->scopes) & all) == all && row->expires_at == TIME_NULL &&
	       row->allowed_cidrs.n == 0;
}

/* A full key is the last unless there is another full one; any other, unless there is one that makes keys. */
static void judge_others(struct key_held *k, size_t others, size_t full)
{
	k->admin = is_full(&k->row) ? scope_all_platform() : scope_bit(MAKES_OTHERS);
	if (others == 0)
		k->last = NO_OTHER "could make a new one";
	else if (is_full(&k->row) && full == 0)
		k->last = NO_OTHER "has all scopes of the platform, without end and from everywhere";
}

/* Those that could make others are locked with it, so that not two go at once. */
static enum err hold(struct ctx *cx, const char *id, struct key_held *ret)
{
	struct db_rows rows;
	size_t others = 0, full = 0;
	bool found = false;

	*ret = (struct key_held){ .grantable = grantable(cx) };
	TRY(q_operator_key_lock(cx->db, &rows, id));
	for (size_t i = 0; i < rows.n; i++) {
		const struct api_key_row *row = DB_ROW(&rows, struct api_key_row, i);

		if (str_eq(row->id, id)) {
			ret->row = *row;
			found = true;
		} else if (row->rotated_to == NULL) {
			others++;
			full += is_full(row);
		}
	}
	if (!found)
		return refuse_missing(cx, "operator_key", id);
	judge_others(ret, others, full);
	return ctx_check_version(cx, ret->row.row_version);
}

enum err operator_keys_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret, bool *ret_changed)
{
	struct key_held *k = ARENA_NEW(cx->arena, struct key_held);

	TRY(hold(cx, id, k));
	return key_revoke(cx, k, ret, ret_changed);
}

enum err operator_keys_change(struct ctx *cx, const char *id, const struct api_key_row *sent,
			      struct api_key_row *ret, struct strv *ret_changed)
{
	struct key_held *k = ARENA_NEW(cx->arena, struct key_held);

	TRY(hold(cx, id, k));
	return key_change(cx, k, sent, ret, ret_changed);
}

enum err operator_keys_rotate(struct ctx *cx, const char *id, const struct api_key_rotation *in,
			      struct api_key_rotated *ret)
{
	struct key_held *k = ARENA_NEW(cx->arena, struct key_held);

	TRY(hold(cx, id, k));
	return key_rotate(cx, k, in, ret);
}

/* --- The command line ----------------------------------------------------------------------------- */

struct creation {
	struct operator_key_new in;
	struct api_key_created made;
};

static enum err create_work(struct ctx *cx, void *arg)
{
	struct creation *c = arg;

	TRY(operator_keys_create(cx, &c->in, &c->made));
	change_note_later(cx, NULL, "key", c->made.id);
	return ERR_NONE;
}

enum err operator_key_create(struct ctx *cx, const char *name, const struct strv *scopes,
			     const char **ret_text)
{
	struct creation c = { .in = { .name = name, .expires_at = TIME_NULL } };
	struct db_place place;

	c.in.scopes = scopes != NULL ? *scopes : scope_list(cx->arena, scope_all_platform());
	place_platform(cx->world, &place);
	TRY(db_unit(cx, &place, DB_WRITE, create_work, &c));
	*ret_text = c.made.key;
	return ERR_NONE;
}

static enum err list_work(struct ctx *cx, void *arg)
{
	struct db_order *order = ARENA_NEW(cx->arena, struct db_order);

	*order = (struct db_order){ .by[0].field = schema_field(&api_key_row_schema, "created_at"), .n = 1 };
	q_operator_key_list_later(cx->db, arg, order, 0, LIST_MAX);
	return ERR_NONE;
}

enum err operator_key_list(struct ctx *cx, struct db_rows *ret)
{
	struct db_place place;

	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_READ, list_work, ret);
}

struct revocation {
	const char *id;
	struct api_key_deletion *ret;
};

static enum err revoke_work(struct ctx *cx, void *arg)
{
	struct revocation *r = arg;
	bool changed = false;

	TRY(operator_keys_revoke(cx, r->id, r->ret, &changed));
	if (changed)
		change_note_later(cx, NULL, "key", r->id);
	return ERR_NONE;
}

enum err operator_key_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret)
{
	struct revocation r = { .id = id, .ret = ret };
	struct db_place place;

	place_platform(cx->world, &place);
	return db_unit(cx, &place, DB_WRITE, revoke_work, &r);
}
