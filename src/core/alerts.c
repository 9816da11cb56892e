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

void alert_set_init(struct arena *a, struct alert_set *s, enum alert_type type, size_t max)
{
	*s = (struct alert_set){ .type = type, .max = max };
	s->ids = ARENA_ARRAY(a, const char *, max + 1);
	s->severities = ARENA_ARRAY(a, const char *, max + 1);
	s->subjects = ARENA_ARRAY(a, const char *, max + 1);
	s->messages = ARENA_ARRAY(a, const char *, max + 1);
	s->keep = ARENA_ARRAY(a, const char *, max + 1);
}

void alert_set_keep(struct alert_set *s, const char *subject)
{
	if (s->nkeep < s->max)
		s->keep[s->nkeep++] = subject;
}

void alert_set_add(struct arena *a, struct alert_set *s, enum alert_severity severity, const char *subject,
		   const char *message)
{
	if (s->n == s->max)
		return;
	s->ids[s->n] = id_new(a, "alert-", ID_LEN);
	s->severities[s->n] = alert_severities[severity];
	s->subjects[s->n] = subject;
	s->messages[s->n++] = message;
	alert_set_keep(s, subject);
}

void alert_sync_later(struct ctx *cx, const struct alert_set *s, int64_t period)
{
	struct strv *v = ARENA_ARRAY(cx->arena, struct strv, 5);

	v[0] = (struct strv){ .v = s->keep, .n = s->nkeep };
	v[1] = (struct strv){ .v = s->ids, .n = s->n };
	v[2] = (struct strv){ .v = s->severities, .n = s->n };
	v[3] = (struct strv){ .v = s->subjects, .n = s->n };
	v[4] = (struct strv){ .v = s->messages, .n = s->n };
	q_alert_sync_later(cx->db, cx->tenant->id, alert_types[s->type], &v[0], &v[1], &v[2], &v[3], &v[4],
			   period);
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
