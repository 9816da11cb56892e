/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/model/alert.h"

const char *const alert_types[] = {
	"domain_stale", "domain_detached", "domain_claim_expired", "domain_claim_lost",
	"domain_pending", "domain_unchecked",
	"certificate_expiring", "certificate_expired", "certificate_not_servable",
	"move_unfinished", "move_names_late", "usage_limit", "bouncer_stale", "deployment_failed",
	"payment_overdue", "billing_refused", "usage_differs", "payment_disputed", "usage_refused",
	"payment_missing", "bundle_failed", "counters_differ", NULL
};
const char *const alert_severities[] = { "info", "warning", "critical", NULL };
const char *const alert_statuses[] = { "open", "acknowledged", "resolved", NULL };

#define T struct alert
static const struct field alert_fields[] = {
	TEXT(T, id, F_OUT | F_SORT, 0, 0, "Assigned by the server."),
	ENUM(T, type, F_OUT | F_SORT, alert_types, NULL, "What kind of trouble it is."),
	ENUM(T, severity, F_OUT, alert_severities, NULL, "How much it matters."),
	TEXT(T, subject, F_OUT, 0, 0, "What it is about, such as a domain."),
	TEXT(T, message, F_OUT, 0, 0, "The same for people, as it was found last."),
	TIME(T, created_at, F_OUT | F_SORT, "When it was raised."),
	TIME(T, acknowledged_at, F_OUT | F_NULLABLE, "When somebody said that they know; null: nobody did."),
	TEXT(T, acknowledged_by, F_OUT | F_NULLABLE, 0, 0, "The credential that did."),
	TIME(T, resolved_at, F_OUT | F_NULLABLE, "When it was over, by itself; null: it is not."),
};
#undef T
SCHEMA(alert_schema, struct alert, "Alert", alert_fields);
