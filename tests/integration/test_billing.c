/* SPDX-License-Identifier: Apache-2.0 */
/* Billing on the ledger: what a period costs, how it is closed, payment, changes of plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"

#define RATES \
	"tenant_rate = { limit = 1000000; window = 60; }; key_rate = { limit = 1000000; window = 60; };" \
	" term_months = 12; "

/* pro is what the spec's example comes to: 15000 calls are 5000 beyond, 50 blocks of 0.31. */
static const char plans[] =
	"free = { limits = { max_policies = 10; max_resources = 10; max_users = 5; max_bouncers = 1; "
	"}; " RATES "price = { minor = 0; currency = \"USD\"; }; };\n"
	"pro = { limits = { max_policies = 1000; max_resources = 100; max_users = 50; max_bouncers = 10; "
	"}; " RATES "price = { minor = 9900; currency = \"USD\"; };"
	"api_calls = { included = 10000; minor = 31; per = 100; };"
	"bouncer_requests = { included = 1000; minor = 7; per = 1000; }; };\n"
	"big = { limits = { max_policies = -1; max_resources = -1; max_users = -1; max_bouncers = -1; "
	"}; " RATES "price = { minor = 49900; currency = \"USD\"; }; };\n"
	"euro = { limits = { max_policies = 9; max_resources = 9; max_users = 9; max_bouncers = 9; }; " RATES
	"price = { minor = 100; currency = \"EUR\"; }; };\n";

static int group_setup(void **state)
{
	static const struct daemon_options options = { .plans = plans };

	daemon_group_options(&options);
	return daemon_group_setup(state);
}

__attribute__((format(printf, 2, 3))) static void control(struct story *s, const char *fmt, ...)
{
	char sql[1000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	fixture_control(s->d, sql);
}

/* Of the hour that began so many hours ago, or at a time. */
static void used(struct story *s, const char *hour, const char *meter, long quantity)
{
	control(s,
		"INSERT INTO cc.usage_hour (tenant_id, hour, meter, detail, quantity) "
		"VALUES ('%s', %s, '%s', 'test', %ld)",
		s->t.id, hour, meter, quantity);
	control(s,
		"INSERT INTO cc.usage_hour_total AS t (tenant_id, hour, %s)"
		" VALUES ('%s', %s, %ld) ON CONFLICT (tenant_id, hour)"
		" DO UPDATE SET %s = t.%s + excluded.%s",
		meter, s->t.id, hour, quantity, meter, meter, meter);
}

#define THIS_HOUR "date_trunc('hour', now(), 'UTC')"

/* As if the tenant had come then. */
static void came(struct story *s, const char *day)
{
	control(s, "UPDATE cc.billing SET anchor = %s, period = 0 WHERE tenant_id = '%s'", day, s->t.id);
}

static const struct answer *get(struct story *s)
{
	return assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id));
}

static const struct answer *put(struct story *s, const char *body)
{
	char path[120];

	(void)snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	return client_put(s->c, path, "%s", body);
}

static const struct answer *change_plan(struct story *s, const char *query, const char *plan, const char *at)
{
	char path[140];

	(void)snprintf(path, sizeof(path), "/tenants/%s/billing/plan%s", s->t.id, query);
	return client_post(s->c, path, "{'plan_type':'%s','at':'%s'}", plan, at);
}

/* The text of the amount: a double would have it as well, but not for certain. */
static void assert_amount(const char *member, const char *amount, const struct answer *a)
{
	char text[80];

	(void)snprintf(text, sizeof(text), "\"%s\":%s", member, amount);
	if (strstr(a->body, text) == NULL)
		fail_msg("%s is not in %s", text, a->body);
}

/* The waiting is for a job that looks every five seconds. */
static const struct answer *await_invoices(struct story *s, size_t n)
{
	for (int i = 0; i < 300; i++) {
		const struct answer *a =
			assert_status(200, client_get(s->c, "/tenants/%s/billing/invoices", s->t.id));

		if (answer_count(a, "invoices") >= n)
			return a;
		(void)story_control_value(s, "SELECT pg_sleep(0.1)");
		client_forget(s->c);
	}
	fail_msg("no %zu invoices", n);
	return NULL;
}

static void the_spec_s_example_costs_what_it_says(void **state)
{
	static const char *const members[] = { "subscription_id", "status", "plan", "current_period_start",
		"current_period_end", "usage", "billing", "mode" };
	struct story *s = *state;
	const struct answer *a;

	came(s, "'2025-01-01T00:00:00Z'");
	/* Requests of this test may be counted as well: any of 14901 to 15000 is fifty blocks. */
	used(s, THIS_HOUR, "api_calls", 14920);
	used(s, THIS_HOUR, "bouncer_requests", 1000);
	for (int i = 0; i < 25; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "policy %d", i);
		story_policy(s, name);
	}
	for (int i = 0; i < 3; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "bouncer %d", i);
		story_bouncer(s, name);
	}
	a = get(s);
	assert_int_equal(8, json_object_size(a->json));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_non_null(answer_at(a, members[i]));
	assert_int_equal(0, strncmp(answer_text(a, "subscription_id"), "sub_", 4));
	assert_text("active", a, "status");
	assert_text("pro", a, "plan");
	assert_text("ledger", a, "mode");
	assert_int(25, a, "usage.policies");
	assert_int(1, a, "usage.users");
	assert_int(3, a, "usage.bouncers");
	assert_in_range(answer_int(a, "usage.api_calls"), 14920, 15000);
	assert_non_null(strstr(a->body, "\"billing\":{\"base_cost\":99.00,\"usage_cost\":15.50,"
					"\"total_cost\":114.50,\"currency\":\"USD\"}"));
	assert_string_equal("-01T00:00:00Z", answer_text(a, "current_period_start") + 7);
	assert_string_equal("-01T00:00:00Z", answer_text(a, "current_period_end") + 7);
}

static void months_end_where_they_end(void **state)
{
	static const struct {
		const char *anchor;
		int n;
		const char *at;
	} cases[] = {
		{ "2025-01-31", 1, "2025-02-28" },
		{ "2025-01-31", 2, "2025-03-31" },
		{ "2025-01-31", 3, "2025-04-30" },
		{ "2024-01-31", 1, "2024-02-29" },
		{ "2024-02-29", 12, "2025-02-28" },
		{ "2024-02-29", 48, "2028-02-29" },
		{ "2025-01-15", 1, "2025-02-15" },
		{ "2025-12-31", 2, "2026-02-28" },
	};
	struct story *s = *state;
	char sql[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(sql, sizeof(sql),
			"SELECT (cc.period_at('%sT00:00:00Z', %d) AT TIME ZONE 'UTC')::date", cases[i].anchor,
			cases[i].n);
		assert_string_equal(cases[i].at, story_control_value(s, sql));
		/* Its first moment is in it, the one before is not. */
		(void)snprintf(sql, sizeof(sql), "SELECT cc.period_of('%sT00:00:00Z', '%sT00:00:00Z')",
			cases[i].anchor, cases[i].at);
		assert_int_equal(cases[i].n, strtol(story_control_value(s, sql), NULL, 10));
		(void)snprintf(sql, sizeof(sql),
			"SELECT cc.period_of('%sT00:00:00Z', '%sT00:00:00Z'::timestamptz - interval '1 us')",
			cases[i].anchor, cases[i].at);
		assert_int_equal(cases[i].n - 1, strtol(story_control_value(s, sql), NULL, 10));
	}
}

static void a_period_is_closed_once_and_costs_what_its_hours_come_to(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	/* Two periods are over, and the second for so long that its last hour is closed. */
	used(s, "date_trunc('day', now(), 'UTC') - interval '1 month' - interval '9 days'", "api_calls",
		10001);
	used(s, "date_trunc('day', now(), 'UTC') - interval '9 days'", "bouncer_requests", 3001);
	used(s, THIS_HOUR, "api_calls", 12);
	control(s,
		"UPDATE cc.billing SET anchor = cc.period_at(date_trunc('day', now() - interval '1 day', "
		"'UTC'), -2), "
		"period = 0 WHERE tenant_id = '%s'",
		s->t.id);
	a = await_invoices(s, 2);
	assert_int_equal(2, answer_count(a, "invoices"));
	assert_int(2, a, "total");
	assert_text("pro", a, "invoices[0].plan");
	assert_text("open", a, "invoices[0].status");
	assert_text("ledger", a, "invoices[0].mode");
	assert_int(3001, a, "invoices[0].lines[1].quantity");
	assert_int(1000, a, "invoices[0].lines[1].included");
	/* 2001 beyond: three blocks were begun. */
	assert_non_null(strstr(a->body, "\"base_cost\":99.00,\"usage_cost\":0.21,\"total_cost\":99.21"));
	assert_non_null(strstr(a->body, "\"base_cost\":99.00,\"usage_cost\":0.31,\"total_cost\":99.31"));
	assert_string_equal(
		answer_text(a, "invoices[0].period_start"), answer_text(a, "invoices[1].period_end"));
	assert_in_range(answer_int(get(s), "usage.api_calls"), 12, 500);
	/* The bill is a fold of the hours. */
	assert_string_equal(
		"0", story_control_value(s, "SELECT count(*) FROM cc.invoice i WHERE usage_minor <> ("
					    "SELECT 31 * greatest(ceil((coalesce(sum(quantity) FILTER (WHERE "
					    "meter = 'api_calls'), 0) - 10000) / 100.0), 0)"
					    " + 7 * greatest(ceil((coalesce(sum(quantity) FILTER (WHERE "
					    "meter = 'bouncer_requests'), 0) - 1000) / 1000.0), 0)"
					    " FROM cc.usage_hour u WHERE u.tenant_id = i.tenant_id AND "
					    "u.hour >= i.period_start AND u.hour < i.period_end)"));
}

static void how_it_is_paid_is_kept(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	char *tag;

	a = assert_status(
		200, put(s, "{'payment_method':'pm_123','billing_address':{'line1':'123 Main St',"
			    "'city':'San Francisco','state':'CA','postal_code':'94105','country':'US'}}"));
	assert_text("pm_123", a, "payment_method");
	assert_text("94105", a, "billing_address.postal_code");
	tag = strdup(answer_header(a, "ETag"));
	a = assert_status(200, put(s, "{'payment_method':'pm_456'}"));
	assert_text("pm_456", a, "payment_method");
	assert_text("US", a, "billing_address.country");
	{
		char headers[120], path[140];

		(void)snprintf(headers, sizeof(headers), "If-Match: %s\r\n", tag);
		(void)snprintf(path, sizeof(path), "/api/v1/tenants/%s/billing", s->t.id);
		assert_error(412, "precondition_failed",
			client_call(s->c, "PUT", path, headers, "{\"payment_method\":\"pm_789\"}"));
	}
	free(tag);
	assert_text("pm_456", get(s), "payment_method");
}

static void faults_of_payment_are_named(void **state)
{
	struct story *s = *state;
	const struct answer *a =
		put(s, "{'payment_method':'card','billing_address':{'line1':'','country':'usa'}}");

	assert_error(422, "validation_error", a);
	assert_fault("payment_method", "format", a);
	assert_fault("billing_address.line1", "length", a);
	assert_true(answer_fault(a, "billing_address.country", NULL));
	a = put(s, "{'billing_address':{'line1':'1 Main St'}}");
	assert_fault("billing_address.city", "required", a);
	assert_fault("billing_address.country", "required", a);
}

static void a_plan_changes_now_and_the_rest_is_prorated(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	char net[40], base[40];

	a = assert_status(200, change_plan(s, "?dry_run=true", "big", "now"));
	assert_text("pro", a, "from_plan");
	assert_text("big", a, "plan");
	assert_text("ledger", a, "mode");
	assert_amount("base_cost", "99.00", get(s));
	a = assert_status(200, change_plan(s, "", "big", "now"));
	/* What it costs is what it cost, and the difference for the rest. */
	(void)snprintf(net, sizeof(net), "%.2f", json_real_value(answer_at(a, "proration.net")) + 99);
	a = get(s);
	assert_text("big", a, "plan");
	(void)snprintf(base, sizeof(base), "%.2f", json_real_value(answer_at(a, "billing.base_cost")));
	assert_string_equal(net, base);
	a = assert_status(200, client_get(s->c, "/tenants/%s", s->t.id));
	assert_true(answer_null(a, "settings.max_policies"));
	/* And back: within the second nothing was gained or lost but for rounding. */
	assert_status(200, change_plan(s, "", "pro", "now"));
	a = get(s);
	assert_in_range((long)(json_real_value(answer_at(a, "billing.base_cost")) * 100 + 0.5), 9890, 9910);
	/* Asked again there is nothing to change. */
	assert_amount("net", "0.00", assert_status(200, change_plan(s, "", "pro", "now")));
}

static void a_plan_changes_at_the_end_of_the_period(void **state)
{
	struct story *s = *state;
	const struct answer *a = assert_status(200, change_plan(s, "", "big", "period_end"));

	assert_amount("net", "0.00", a);
	a = get(s);
	assert_text("pro", a, "plan");
	assert_text("big", a, "next_plan");
	/* It can be taken back. */
	assert_status(200, change_plan(s, "", "pro", "period_end"));
	assert_null(answer_at(get(s), "next_plan"));
	assert_status(200, change_plan(s, "", "big", "period_end"));
	control(s,
		"UPDATE cc.billing SET anchor = cc.period_at(date_trunc('day', now() - interval '1 day', "
		"'UTC'), -1) "
		"WHERE tenant_id = '%s'",
		s->t.id);
	a = await_invoices(s, 1);
	assert_text("pro", a, "invoices[0].plan");
	a = get(s);
	assert_text("big", a, "plan");
	assert_amount("base_cost", "499.00", a);
	a = assert_status(200, client_get(s->c, "/tenants/%s", s->t.id));
	assert_text("big", a, "plan_type");
	assert_true(answer_null(a, "settings.max_policies"));
}

static void what_is_in_use_keeps_a_plan_from_shrinking(void **state)
{
	struct story *s = *state;

	story_bouncer(s, "a");
	story_bouncer(s, "b");
	assert_error(409, "below_current_usage", change_plan(s, "", "free", "now"));
	assert_fault("plan_type", "unknown_plan", change_plan(s, "", "none", "now"));
	assert_fault("plan_type", "currency", change_plan(s, "", "euro", "now"));
	assert_text("pro", get(s), "plan");
}

static void an_operator_s_change_is_prorated_as_well(void **state)
{
	struct story *s = *state;
	char path[120];
	double before = 99.00, after;

	(void)snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	assert_status(200, client_patch(s->operator, path, "{'plan_type':'big'}"));
	after = json_real_value(answer_at(get(s), "billing.base_cost"));
	assert_true(after > before && after <= 499.00);
}

/* What is stored is what the catalogue says, in the unit that storage is sold in. */
static void what_is_stored_is_shown(void **state)
{
	struct story *s = *state;

	assert_amount("storage_gb", "0.00", get(s));
	story_value(s, "INSERT INTO objects (key, kind, size, sha256, created_at, environment, revision,"
		       " version) SELECT k, 'bundle', n, decode(repeat('00', 32), 'hex'), now(), 'sandbox',"
		       " 'r', 1 FROM (VALUES ('a', 2500000000), ('b', 4999999)) v (k, n)");
	assert_amount("storage_gb", "2.50", get(s));
	story_value(s, "DELETE FROM objects");
	assert_amount("storage_gb", "0.00", get(s));
}

static void a_term_is_renewed_while_it_is_paid(void **state)
{
	struct story *s = *state;
	char sql[300];

	control(s, "UPDATE cc.tenant SET expires_at = now() - interval '13 months' WHERE id = '%s'",
		s->t.id);
	(void)snprintf(sql, sizeof(sql),
		"SELECT expires_at > now() AND expires_at < now() + interval '12 months' FROM cc.tenant"
		" WHERE id = '%s'", s->t.id);
	for (int i = 0; i < 300 && strcmp(story_control_value(s, sql), "t") != 0; i++)
		(void)story_control_value(s, "SELECT pg_sleep(0.1)");
	/* By whole terms of twelve months: 13 months ago was renewed twice. */
	assert_string_equal("t", story_control_value(s, sql));
	(void)snprintf(sql, sizeof(sql),
		"SELECT count(*) FROM cc.tenant_audit WHERE tenant_id = '%s' AND action = 'renewTerm'",
		s->t.id);
	assert_string_equal("1", story_control_value(s, sql));
	/* What is not paid is not renewed. */
	control(s, "UPDATE cc.billing SET status = 'past_due' WHERE tenant_id = '%s'", s->t.id);
	control(s, "UPDATE cc.tenant SET expires_at = now() - interval '1 day' WHERE id = '%s'",
		s->t.id);
	(void)story_control_value(s, "SELECT pg_sleep(6)");
	(void)snprintf(
		sql, sizeof(sql), "SELECT expires_at < now() FROM cc.tenant WHERE id = '%s'", s->t.id);
	assert_string_equal("t", story_control_value(s, sql));
}

static void plans_are_listed(void **state)
{
	struct story *s = *state;
	const struct answer *a = assert_status(200, client_get(s->c, "/plans"));

	assert_int_equal(4, answer_count(a, "plans"));
	assert_text("free", a, "plans[0].plan_type");
	assert_text("pro", a, "plans[1].plan_type");
	assert_int(10000, a, "plans[1].api_calls.included");
	assert_int(100, a, "plans[1].api_calls.per");
	assert_non_null(strstr(a->body, "\"plan_type\":\"pro\",\"price\":99.00,\"currency\":\"USD\""));
	assert_non_null(strstr(a->body, "\"price\":0.31,\"per\":100"));
	assert_true(answer_null(a, "plans[2].limits.max_policies"));
}

static void it_takes_the_scopes(void **state)
{
	struct story *s = *state;
	char *reader = fixture_key(s->d, s->t.id, "billing:read", NULL);
	char *other = fixture_key(s->d, s->t.id, "tenant:read,tenant:write", NULL);

	client_key(s->c, other);
	assert_error(403, "insufficient_scope", client_get(s->c, "/tenants/%s/billing", s->t.id));
	client_key(s->c, reader);
	get(s);
	assert_error(403, "insufficient_scope", put(s, "{'payment_method':'pm_1'}"));
	assert_error(403, "insufficient_scope", change_plan(s, "", "big", "now"));
	free(reader);
	free(other);
}

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(the_spec_s_example_costs_what_it_says),
		STORY(months_end_where_they_end),
		STORY(a_period_is_closed_once_and_costs_what_its_hours_come_to),
		STORY(how_it_is_paid_is_kept),
		STORY(faults_of_payment_are_named),
		STORY(a_plan_changes_now_and_the_rest_is_prorated),
		STORY(a_plan_changes_at_the_end_of_the_period),
		STORY(what_is_in_use_keeps_a_plan_from_shrinking),
		STORY(an_operator_s_change_is_prorated_as_well),
		STORY(what_is_stored_is_shown),
		STORY(a_term_is_renewed_while_it_is_paid),
		STORY(plans_are_listed),
		STORY(it_takes_the_scopes),
	};

	return cmocka_run_group_tests(tests, group_setup, daemon_group_teardown);
}
