/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/apikeys.h"

#include "apikeys_in.h"
#include "tenants_in.h"

#include "cc/base/clock.h"
#include "cc/core/actor.h"
#include "cc/core/head.h"
#include "cc/core/scope.h"
#include "cc/core/tenant.h"
#include "cc/crypto/apikey.h"
#include "cc/model/q_control.h"

void apikeys_check_scopes(struct ctx *cx, const struct strv *names)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < names->n; i++) {
		const uint64_t bit = scope_bit(names->v[i]);
		const char *field = arena_printf(cx->arena, "scopes[%zu]", i);

		if (bit == 0)
			(void)refuse_field(cx, field, "unknown_scope", "`%s` is not a scope", field);
		else if (seen & bit)
			(void)refuse_field(cx, field, "duplicate", "`%s` is there twice: %s", field,
					   names->v[i]);
		seen |= bit;
	}
}

const char *apikeys_joined(struct arena *a, uint64_t bits)
{
	const struct strv names = scope_list(a, bits);
	struct str out;

	str_init(&out, a, 64);
	for (size_t i = 0; i < names.n; i++)
		str_addf(&out, "%s%s", i > 0 ? ", " : "", names.v[i]);
	return out.data;
}

/* A tenant's key never speaks for the platform, whoever makes it. */
static enum err check_grant(struct ctx *cx, uint64_t wanted)
{
	uint64_t grantable = scope_all_tenant();

	if (cx->actor != NULL && !(cx->actor->scopes & scope_bit("platform:tenants")))
		grantable &= cx->actor->scopes;
	if (wanted & ~grantable)
		return refuse(cx, ERR_SCOPE_GRANT, "this credential cannot grant %s",
			      apikeys_joined(cx->arena, wanted & ~grantable));
	return ERR_NONE;
}

void apikeys_check_expiry(struct ctx *cx, int64_t expires_at)
{
	const int64_t most = cx->actor != NULL ? cx->actor->expires_at : TIME_NULL;

	if (expires_at != TIME_NULL && expires_at <= clock_wall_us())
		(void)refuse_field(cx, "expires_at", "expires_in_past", "`expires_at` must be in the future");
	else if (most != TIME_NULL && (expires_at == TIME_NULL || expires_at > most))
		(void)refuse_field(cx, "expires_at", "beyond_creator",
				    "`expires_at` must not be later than that of the key that asks: %s",
				    time_format(cx->arena, most));
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
	struct tally *live = ARENA_NEW(cx->arena, struct tally);
	const int64_t most = cx->world->settings->api_keys_max;
	bool *found = ARENA_NEW(cx->arena, bool);
	const char *text, *display;
	struct bytes hash;
	struct apikey key;

	apikeys_check_scopes(cx, &in->scopes);
	apikeys_check_expiry(cx, in->expires_at);
	TRY(ctx_faults(cx));
	TRY(check_grant(cx, scope_bits(&in->scopes)));
	text = apikeys_make(cx, test ? APIKEY_TEST : APIKEY_LIVE, &key, &hash, &display);
	/* Counted under the lock, by a statement that sees what the last holder of it committed. */
	q_tenant_lock_later(cx->db, tenant, found, cx->tenant->id);
	q_api_key_live_later(cx->db, live, cx->tenant->id);
	TRY(q_api_key_insert(cx->db, ret, arena_printf(cx->arena, "key-%s", key.id), key.id, cx->tenant->id,
			     in->name,
			     &in->scopes, hash, display, cx->actor != NULL ? cx->actor->id : "system",
			     in->expires_at));
	TRY(tenants_state(cx, *found, tenant));
	if (live->total >= most)
		return refuse_quota(cx, "api_keys", most, live->total);
	ret->key = text;
	return ERR_NONE;
}

struct api_key_deletion apikeys_revoked(const struct api_key_row *key)
{
	return (struct api_key_deletion){ .message = "API key revoked", .id = key->id,
					  .deleted_at = key->revoked_at };
}

enum err apikeys_revoke(struct ctx *cx, const char *id, struct api_key_deletion *ret, bool *ret_changed)
{
	const char *tenant_id = cx->tenant->id;
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	struct api_key_row *key = ARENA_NEW(cx->arena, struct api_key_row);
	bool *found = ARENA_ARRAY(cx->arena, bool, 2);
	struct tally admins;

	q_tenant_lock_later(cx->db, tenant, &found[0], tenant_id);
	q_api_key_find_later(cx->db, key, &found[1], tenant_id, id);
	TRY(q_api_key_admins(cx->db, &admins, tenant_id, id));
	TRY(tenants_state(cx, found[0], tenant));
	if (!found[1])
		return refuse(cx, ERR_NOT_FOUND, "API key does not exist");
	TRY(ctx_check_version(cx, key->row_version));
	*ret_changed = key->revoked_at == TIME_NULL;
	if (!*ret_changed) {
		*ret = apikeys_revoked(key);
		return ERR_NONE;
	}
	if (cx->actor != NULL && cx->actor->kind == ACTOR_KEY && key->live && admins.total == 0 &&
	    strv_has(&key->scopes, "api_keys:write"))
		return refuse(cx, ERR_LAST_ADMIN_KEY, "no other key of the tenant could make a new one");
	q_api_key_revoke_later(cx->db, ret, &found[1], tenant_id, id);
	return ERR_NONE;
}
