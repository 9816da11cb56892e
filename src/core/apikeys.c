/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/apikeys.h"

#include "apikeys_in.h"
#include "tenants_in.h"

#include "cc/core/actor.h"
#include "cc/core/quota.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/crypto/apikey.h"
#include "cc/model/q_control.h"

/* A tenant's key never speaks for the platform, whoever makes it. */
static uint64_t grantable(const struct ctx *cx)
{
	if (cx->actor == NULL || cx->actor->scopes & scope_bit("platform:tenants"))
		return scope_all_tenant();
	return scope_all_tenant() & cx->actor->scopes;
}

const char *apikeys_make(struct ctx *cx, enum apikey_kind kind, struct apikey *ret, struct bytes *ret_hash,
			 const char **ret_display)
{
	const struct bytes *pepper = &cx->world->settings->pepper;
	unsigned char *hash = arena_alloc(cx->arena, APIKEY_HASH_LEN);
	const char *text = apikey_new(cx->arena, kind, ret, ret_display);

	apikey_hash(pepper->p, pepper->n, text, hash);
	*ret_hash = (struct bytes){ .p = hash, .n = APIKEY_HASH_LEN };
	return text;
}

enum err apikeys_create(struct ctx *cx, const struct api_key_new *in, struct api_key_created *ret)
{
	const bool test = str_eq(in->environment, "test");
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct quota_row *quota = ARENA_NEW(cx->arena, struct quota_row);
	bool *found = ARENA_ARRAY(cx->arena, bool, 2);
	const struct strv cidrs = apikeys_cidrs(cx, &in->allowed_cidrs);
	const char *text, *display;
	struct bytes hash;
	struct apikey key;

	apikeys_check_scopes(cx, &in->scopes);
	apikeys_check_expiry(cx, in->expires_at);
	apikeys_check_cidrs(cx, &cidrs);
	TRY(ctx_faults(cx));
	TRY(apikeys_check_grant(cx, scope_bits(&in->scopes), grantable(cx)));
	text = apikeys_make(cx, test ? APIKEY_TEST : APIKEY_LIVE, &key, &hash, &display);
	/* Counted under the lock, by a statement that sees what the last holder of it committed. */
	q_tenant_lock_later(cx->db, tenant, &found[0], cx->tenant->id);
	q_quota_get_later(cx->db, quota, &found[1], cx->tenant->id);
	TRY(q_api_key_insert(cx->db, ret, arena_printf(cx->arena, "key-%s", key.id), key.id, cx->tenant->id,
			     in->name, &in->scopes, &cidrs, hash, display,
			     cx->actor != NULL ? cx->actor->id : "system", in->expires_at, NULL));
	TRY(tenants_state(cx, found[0], tenant));
	TRY(tenant_may_grow(cx));
	TRY(quota_take_api_key(cx, quota));
	ret->key = text;
	return ERR_NONE;
}

static enum err hold(struct ctx *cx, const char *id, struct key_held *ret)
{
	const char *tenant_id = cx->tenant->id;
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	bool *found = ARENA_ARRAY(cx->arena, bool, 2);
	struct tally admins;

	*ret = (struct key_held){ .tenant_id = tenant_id, .admin = scope_bit("api_keys:write"),
				  .grantable = grantable(cx) };
	q_tenant_lock_later(cx->db, tenant, &found[0], tenant_id);
	q_api_key_find_later(cx->db, &ret->row, &found[1], tenant_id, id);
	TRY(q_api_key_admins(cx->db, &admins, tenant_id, id));
	TRY(tenants_state(cx, found[0], tenant));
	if (!found[1])
		return refuse_missing(cx, "api_key", id);
	/* People and operators can make another. */
	if (cx->actor != NULL && cx->actor->kind == ACTOR_KEY && admins.total == 0)
		ret->last = "no other key of the tenant could make a new one";
	return ctx_check_version(cx, ret->row.row_version);
}

enum err apikeys_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret, bool *ret_changed)
{
	struct key_held *k = ARENA_NEW(cx->arena, struct key_held);

	TRY(hold(cx, id, k));
	return key_revoke(cx, k, ret, ret_changed);
}

enum err apikeys_change(struct ctx *cx, const char *id, const struct api_key_row *sent,
			struct api_key_row *ret, struct strv *ret_changed)
{
	struct key_held *k = ARENA_NEW(cx->arena, struct key_held);

	TRY(hold(cx, id, k));
	return key_change(cx, k, sent, ret, ret_changed);
}

enum err apikeys_rotate(struct ctx *cx, const char *id, const struct api_key_rotation *in,
			struct api_key_rotated *ret)
{
	struct key_held *k = ARENA_NEW(cx->arena, struct key_held);

	TRY(hold(cx, id, k));
	return key_rotate(cx, k, in, ret);
}
