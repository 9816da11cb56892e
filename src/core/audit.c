/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/audit.h"

#include "cc/core/actor.h"
#include "cc/model/q_control.h"
#include "cc/model/q_tenant.h"
#include "cc/schema/write.h"

struct who {
	const char *kind, *id;
};

static struct who who_acts(const struct ctx *cx)
{
	if (cx->actor == NULL)
		return (struct who){ actor_kind_name(ACTOR_SYSTEM), actor_kind_name(ACTOR_SYSTEM) };
	return (struct who){ actor_kind_name(cx->actor->kind), cx->actor->id };
}

/* {"changed":["name","status"]}; names only, so that no value of a tenant ends up in its audit. */
static const char *detail_of(struct ctx *cx, const struct audit_entry *e)
{
	struct str out;
	struct jw w;

	if (e->detail != NULL || e->changed.n == 0)
		return e->detail;
	str_init(&out, cx->arena, 64);
	jw_init(&w, &out);
	jw_object(&w);
	jw_key(&w, "changed");
	jw_array(&w);
	for (size_t i = 0; i < e->changed.n; i++)
		jw_text(&w, e->changed.v[i]);
	jw_array_end(&w);
	jw_object_end(&w);
	return out.data;
}

void audit_data_later(struct ctx *cx, const struct audit_entry *e)
{
	const struct who who = who_acts(cx);

	if (cx->head == NULL)
		return;
	q_audit_insert_later(cx->db, cx->head->audit_seq, who.kind, who.id, e->action, e->object_type,
			     e->object_id, cx->request_id, cx->remote_ip, detail_of(cx, e));
}

void audit_control_later(struct ctx *cx, const char *tenant_id, const struct audit_entry *e)
{
	const struct who who = who_acts(cx);

	q_tenant_audit_insert_later(cx->db, tenant_id, who.kind, who.id, e->action, e->object_type,
				    e->object_id, cx->request_id, cx->remote_ip, detail_of(cx, e));
}

void change_note_later(struct ctx *cx, const char *tenant_id, const char *kind, const char *subject)
{
	q_change_insert_later(cx->db, tenant_id, kind, subject);
}
