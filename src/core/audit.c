/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/audit.h"

#include "cc/core/actor.h"
#include "cc/core/audit_chain.h"
#include "cc/core/world.h"
#include "cc/model/head.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"
#include "cc/schema/doc.h"
#include "cc/schema/write.h"

/*
 * {"changed":["name","status"],"reason":"…"}; of fields the names only, so that no value of a tenant ends
 * up in its audit.
 */
static const char *detail_made(struct ctx *cx, const struct audit_entry *e)
{
	struct str out;
	struct jw w;

	if (e->changed.n == 0 && e->reason == NULL)
		return NULL;
	str_init(&out, cx->arena, 64);
	jw_init(&w, &out);
	jw_object(&w);
	jw_key(&w, "changed");
	jw_array(&w);
	for (size_t i = 0; i < e->changed.n; i++)
		jw_text(&w, e->changed.v[i]);
	jw_array_end(&w);
	if (e->reason != NULL) {
		jw_key(&w, "reason");
		jw_text(&w, e->reason);
	}
	jw_object_end(&w);
	return out.data;
}

static enum err find_detail(struct ctx *cx, const struct audit_entry *e, const char **ret)
{
	const char *text = e->detail != NULL ? e->detail : detail_made(cx, e), *why = NULL;

	*ret = text != NULL ? json_canonical(cx->arena, text, &why) : NULL;
	if (*ret != NULL || text == NULL)
		return ERR_NONE;
	cx->problem.cause = arena_printf(cx->arena, "detail of %s in the audit: %s", e->action, why);
	return ERR_INTERNAL;
}

/* The row in the place that `at` says, and its mac. */
static enum err make_row(struct ctx *cx, const char *chain, const char *tenant_id, const struct head *at,
	const struct audit_entry *e, struct audit_row *r, unsigned char mac[AUDIT_MAC_LEN])
{
	const struct settings *s = cx->world->settings;
	const enum actor_kind kind = cx->actor != NULL ? cx->actor->kind : ACTOR_SYSTEM;
	unsigned char key[AUDIT_MAC_LEN];

	*r = (struct audit_row){
		.chain = chain,
		.seq = at->audit_seq,
		.timestamp = at->audit_at,
		.actor_kind = actor_kind_name(kind),
		.actor = cx->actor != NULL ? cx->actor->id : actor_kind_name(kind),
		.action = e->action,
		.category = audit_category_of(e->object_type),
		.object_type = e->object_type,
		.object_id = e->object_id,
		.environment = e->environment,
		.outcome = "success",
		.request_id = cx->request_id,
		.ip = cx->remote_ip,
		.tenant_id = tenant_id,
		.key_version = s->audit_key_version,
	};
	TRY(find_detail(cx, e, &r->detail));
	if (at->audit_mac.n != AUDIT_MAC_LEN)
		return refuse(cx, ERR_INTERNAL, "the head of the audit has no mac");
	audit_key(s->audit_key, tenant_id, s->audit_key_version, key);
	audit_row_mac(cx->arena, key, at->audit_mac.p, r, mac);
	bytes_wipe(key, sizeof(key));
	return ERR_NONE;
}

enum err audit_data_later(struct ctx *cx, const char *tenant_id, const struct audit_entry *e)
{
	unsigned char mac[AUDIT_MAC_LEN];
	struct audit_row r;

	if (cx->head == NULL)
		return ERR_NONE;
	TRY(make_row(cx, AUDIT_CHAIN_DATA, tenant_id, cx->head, e, &r, mac));
	q_audit_insert_later(cx->db, r.seq, r.timestamp, r.actor_kind, r.actor, r.action, r.category,
		r.object_type, r.object_id, r.environment, r.outcome, r.request_id, r.ip, r.detail,
		r.key_version, cx->head->audit_mac, (struct bytes){ .p = mac, .n = sizeof(mac) });
	return ERR_NONE;
}

/* The row in the place that `at` says. */
static enum err add_row(struct ctx *cx, const char *tenant_id, const struct head *at,
			const struct audit_entry *e, unsigned char mac[AUDIT_MAC_LEN])
{
	struct audit_row r;

	TRY(make_row(cx, AUDIT_CHAIN_CONTROL, tenant_id, at, e, &r, mac));
	q_tenant_audit_insert_later(cx->db, tenant_id, r.seq, r.timestamp, r.actor_kind, r.actor, r.action,
		r.category, r.object_type, r.object_id, r.environment, r.outcome, r.request_id, r.ip,
		r.detail, r.key_version, at->audit_mac, (struct bytes){ .p = mac, .n = AUDIT_MAC_LEN });
	return ERR_NONE;
}

enum err audit_control(struct ctx *cx, const char *tenant_id, const struct audit_entry *e)
{
	unsigned char mac[AUDIT_MAC_LEN];
	struct head at;

	TRY(q_tenant_audit_next(cx->db, &at, tenant_id));
	return add_row(cx, tenant_id, &at, e, mac);
}

enum err audit_gone(struct ctx *cx, const char *tenant_id, const struct audit_entry *e)
{
	unsigned char mac[AUDIT_MAC_LEN];
	struct head at;

	TRY(q_tombstone_audit_next(cx->db, &at, tenant_id));
	TRY(add_row(cx, tenant_id, &at, e, mac));
	q_tombstone_audit_head_later(cx->db, tenant_id, (struct bytes){ .p = mac, .n = sizeof(mac) });
	return ERR_NONE;
}

void change_note_later(struct ctx *cx, const char *tenant_id, const char *kind, const char *subject)
{
	q_change_insert_later(cx->db, tenant_id, kind, subject);
}
