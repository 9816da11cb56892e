/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a period on the ledger: what is changed before it is an invoice is the next one's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "story.h"
#include "stripe_plane.h"

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

static int group_setup(void **state)
{
	static const struct daemon_options options = { .plans = stripe_plane_plans };

	daemon_group_options(&options);
	return daemon_group_setup(state);
}

/* Of the tenant's billing, or its usage. */
static void control(struct story *s, const char *before, const char *after)
{
	char sql[400];

	(void)snprintf(sql, sizeof(sql), "%s'%s'%s", before, s->t.id, after);
	fixture_control(s->d, sql);
}

/* It was over ten minutes ago, and is not closed for another while. */
static void end_period(struct story *s)
{
	fixture_control(s->d, "ALTER TABLE cc.billing DROP CONSTRAINT IF EXISTS billing_anchor_check");
	control(s,
		"UPDATE cc.billing SET anchor = cc.period_at(now() - interval '10 minutes', -1)"
		" WHERE tenant_id = ",
		"");
}

/* As if that had been a day ago. */
static const struct answer *close_period(struct story *s)
{
	control(s, "UPDATE cc.billing SET anchor = anchor - interval '1 day' WHERE tenant_id = ", "");
	stripe_await(s, "SELECT count(*) FROM cc.invoice WHERE tenant_id = '%s'", "1");
	return assert_status(200, client_get(s->c, "/tenants/%s/billing/invoices", s->t.id));
}

static void assert_plan(struct story *s, const char *plan, long least, long most)
{
	const struct answer *a = assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id));

	assert_text(plan, a, "plan");
	assert_in_range((long)(json_real_value(answer_at(a, "billing.base_cost")) * 100 + 0.5), least, most);
}

static void a_period_that_is_over_keeps_its_plan(void **state)
{
	struct story *s = *state;
	const struct answer *a;

	control(s, "INSERT INTO cc.usage_hour_total (tenant_id, hour, api_calls) VALUES (",
		", date_trunc('hour', now(), 'UTC') - interval '3 days', 31)");
	end_period(s);
	a = assert_status(200, stripe_change_plan(s, "", "big", "now"));
	/* Of the period that has just begun nearly all is left. */
	assert_in_range((long)(json_real_value(answer_at(a, "proration.net")) * 100), 39900, 40000);
	assert_plan(s, "big", 49800, 49900);
	a = close_period(s);
	assert_text("pro", a, "invoices[0].plan");
	assert_non_null(strstr(a->body, "\"base_cost\":99.00,\"usage_cost\":0.31,\"total_cost\":99.31"));
	assert_plan(s, "big", 49800, 49900);
}

/* An operator's change as well; and what was asked for the end came before it. */
static void what_comes_behind_the_end_is_the_next_period_s(void **state)
{
	struct story *s = *state;
	const struct answer *a;
	char path[120];

	assert_status(200, stripe_change_plan(s, "", "big", "period_end"));
	end_period(s);
	a = assert_status(200, stripe_change_plan(s, "?dry_run=true", "pro", "now"));
	assert_text("big", a, "from_plan");
	assert_plan(s, "big", 49900, 49900);
	(void)snprintf(path, sizeof(path), "/tenants/%s", s->t.id);
	assert_status(200, client_patch(s->operator, path, "{'plan_type':'free'}"));
	/* Ten minutes of the dearest. */
	assert_plan(s, "free", 1, 100);
	a = close_period(s);
	assert_text("pro", a, "invoices[0].plan");
	assert_non_null(strstr(a->body, "\"base_cost\":99.00"));
	assert_plan(s, "free", 1, 100);
}

/* As it was before there was no key any more: of three periods, in the second Stripe was still at work. */
static void what_stripe_has_billed_is_none_of_the_ledger_s(void **state)
{
	struct story *s = *state;

	control(s,
		"UPDATE cc.billing SET period = 0,"
		" anchor = cc.period_at(date_trunc('day', now() - interval '1 day', 'UTC'), -3),"
		" stripe_end = interval '1 hour' +"
		" cc.period_at(date_trunc('day', now() - interval '1 day', 'UTC'), -2) WHERE tenant_id = ",
		"");
	stripe_await(s, "SELECT open_end > now() FROM cc.billing WHERE tenant_id = '%s'", "t");
	stripe_await(s, "SELECT string_agg(period::text, ' ') FROM cc.invoice WHERE tenant_id = '%s'", "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_period_that_is_over_keeps_its_plan),
		STORY(what_comes_behind_the_end_is_the_next_period_s),
		STORY(what_stripe_has_billed_is_none_of_the_ledger_s),
	};

	return cmocka_run_group_tests(tests, group_setup, daemon_group_teardown);
}
