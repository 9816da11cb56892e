/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/core/alerts.h"

#include "cc/core/actor.h"
#include "cc/core/tenant.h"
#include "cc/model/q_control.h"

#define ID_LEN 12 /* base32: 60 bits */

void alert_raise_later(struct ctx *cx, enum alert_type type, enum alert_severity severity,
		       const char *subject, const char *message)
{
	q_alert_raise_later(cx->db, id_new(cx->arena, "alert-", ID_LEN), cx->tenant->id, alert_types[type],
			    alert_severities[severity], subject, message);
}

void alert_resolve_later(struct ctx *cx, enum alert_type type, const char *subject)
{
	q_alert_resolve_later(cx->db, cx->tenant->id, alert_types[type], subject);
}

void alert_resolve_all_later(struct ctx *cx, const char *subject)
{
	q_alert_resolve_later(cx->db, cx->tenant->id, NULL, subject);
}

enum err alert_acknowledge(struct ctx *cx, const char *id, struct alert *ret, bool *ret_changed)
{
	bool found;

	TRY(q_alert_find(cx->db, ret, &found, cx->tenant->id, id));
	if (!found)
		return refuse_missing(cx, "alert", id);
	*ret_changed = ret->acknowledged_at == TIME_NULL;
	if (*ret_changed)
		TRY(q_alert_acknowledge(cx->db, ret, cx->tenant->id, id,
					cx->actor != NULL ? cx->actor->id : actor_kind_name(ACTOR_SYSTEM)));
	return ERR_NONE;
}
