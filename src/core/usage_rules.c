/* SPDX-License-Identifier: Apache-2.0 */
/* Of what a tenant wants to be told, and which shares of a limit are worth it. */
#include <inttypes.h>
#include <string.h>

#include "tenants_in.h"

#include "cc/core/alerts.h"
#include "cc/core/quota.h"
#include "cc/core/stripe.h"
#include "cc/core/tenant.h"
#include "cc/core/usage_watch.h"
#include "cc/model/q_control.h"
#include "cc/schema/write.h"

#define SLACK 5 /* percents that use must fall below a threshold, so that one at its edge is told of once */

static const struct {
	const char *metric, *one;
} words[] = {
	{ "policies", "policy" }, { "resources", "resource" }, { "users", "user" }, { "bouncers", "bouncer" },
	{ "api_calls", "API call" }, { "bouncer_requests", "bouncer request" },
};

static const char *word_of(const char *metric)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_eq(words[i].metric, metric))
			return words[i].one;
	return metric;
}

/* Beyond what is included nothing is refused: it costs. */
static enum alert_severity severity_of(int64_t percent, bool included)
{
	if (percent >= 100 && !included)
		return ALERT_CRITICAL;
	return percent >= 80 ? ALERT_WARNING : ALERT_INFO;
}

static const char *message_of(struct arena *a, const char *metric, int64_t percent, int64_t limit,
			      bool included)
{
	const char *verb = percent < 100 ? "Approaching" : percent == 100 ? "Reached" : "Exceeded";

	return arena_printf(a, "%s %s%s%s (%" PRId64 "%% of %" PRId64 ")", verb, included ? "included " : "",
			    word_of(metric), included ? "s" : " limit", percent, limit);
}

/* a * 100 >= b * percent, where both are large. */
static bool is_share(int64_t used, int64_t limit, int64_t percent)
{
	return used / limit > percent / 100 + 1 ||
	       (double)used * 100 >= (double)limit * (double)percent;
}

static void tell_shares(struct arena *a, struct alert_set *s, const char *metric,
			const struct alert_rule *rule, int64_t used, int64_t limit, bool included)
{
	struct percents t;

	if (!rule->enabled || limit == INT_NULL || limit <= 0 || used == INT_NULL ||
	    !quota_thresholds(rule->thresholds, &t))
		return;
	for (size_t i = 0; i < t.n; i++) {
		const char *subject = arena_printf(a, "%s:%" PRId64, metric, t.v[i]);

		if (is_share(used, limit, t.v[i]))
			alert_set_add(a, s, severity_of(t.v[i], included), subject,
				      message_of(a, metric, t.v[i], limit, included));
		else if (is_share(used, limit, t.v[i] - SLACK > 0 ? t.v[i] - SLACK : 1))
			alert_set_keep(s, subject);
	}
}

void usage_shares(struct arena *a, struct alert_set *s, const char *metric, const struct alert_rule *rule,
		  int64_t used, int64_t limit)
{
	tell_shares(a, s, metric, rule, used, limit, false);
}

void usage_budget(struct arena *a, struct alert_set *s, const char *metric, const struct alert_budget *b,
		  int64_t used, int64_t included)
{
	const struct alert_rule rule = { .enabled = b->enabled, .thresholds = b->thresholds };
	const bool own = b->limit != INT_NULL;

	tell_shares(a, s, metric, &rule, used, own ? b->limit : included, !own);
}

/* Rules -------------------------------------------------------------------------------------------- */

enum err alert_rules_of(struct ctx *cx, const struct usage_watch *w, struct alert_rules *ret)
{
	const struct alert_rules *fresh = schema_new(cx->arena, &alert_rules_schema);
	struct alert_rules kept;
	struct strv changed;

	*ret = *fresh;
	TRY(schema_read_json(cx, &alert_rules_schema, w->alert_rules, strlen(w->alert_rules), READ_MERGE,
			     &kept));
	TRY(schema_overlay(cx, &alert_rules_schema, ret, &kept, READ_MERGE, &changed));
	ret->row_version = w->row_version;
	return ERR_NONE;
}

enum err alert_rules_read(struct ctx *cx, struct alert_rules *ret)
{
	struct usage_watch w;
	bool found;

	TRY(q_usage_watch_rules(cx->db, &w, &found, cx->tenant->id, stripe_is_set(cx)));
	if (!found)
		return refuse(cx, ERR_TENANT_NOT_FOUND, "Tenant %s not found", cx->tenant->id);
	return alert_rules_of(cx, &w, ret);
}

static void check_thresholds(struct ctx *cx, const char *metric, const char *thresholds)
{
	const char *field = arena_printf(cx->arena, "%s.thresholds", metric);
	struct percents t;

	if (thresholds == NULL || !quota_thresholds(thresholds, &t))
		(void)refuse_field(cx, field, "format",
				   "`%s` must be at most %d integers from 1 to 1000, ascending", field,
				   PERCENTS_MAX);
}

static enum err check_rules(struct ctx *cx, const struct alert_rules *r)
{
	check_thresholds(cx, "policies", r->policies.thresholds);
	check_thresholds(cx, "resources", r->resources.thresholds);
	check_thresholds(cx, "users", r->users.thresholds);
	check_thresholds(cx, "bouncers", r->bouncers.thresholds);
	check_thresholds(cx, "api_calls", r->api_calls.thresholds);
	check_thresholds(cx, "bouncer_requests", r->bouncer_requests.thresholds);
	return ctx_faults(cx);
}

static const char *rules_json(struct ctx *cx, const struct alert_rules *r)
{
	struct str out;
	struct jw w;

	str_init(&out, cx->arena, 512);
	jw_init(&w, &out);
	schema_write(&w, &alert_rules_schema, r, WRITE_FULL);
	return out.data;
}

enum err alert_rules_change(struct ctx *cx, const struct alert_rules *sent, struct alert_rules *ret,
			    struct strv *ret_changed)
{
	struct tenant_row *tenant = ARENA_NEW(cx->arena, struct tenant_row);
	bool found;

	TRY(q_tenant_lock(cx->db, tenant, &found, cx->tenant->id));
	TRY(tenants_state(cx, found, tenant));
	TRY(ctx_check_version(cx, tenant->row_version));
	TRY(alert_rules_read(cx, ret));
	TRY(schema_overlay(cx, &alert_rules_schema, ret, sent, READ_MERGE, ret_changed));
	if (ret_changed->n == 0)
		return ERR_NONE;
	TRY(check_rules(cx, ret));
	ret->row_version++;
	q_alert_rules_set_later(cx->db, cx->tenant->id, rules_json(cx, ret));
	return ERR_NONE;
}
