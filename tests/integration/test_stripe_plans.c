/* SPDX-License-Identifier: Apache-2.0 */
/* Plans that are subscribed to at Stripe: how they change, what that costs, how they end and begin again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "story.h"
#include "stripe_plane.h"
#include "temp.h"

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)
#define MONTH_S (30 * 86400)

static void await_price(const char *subscription, const char *wanted)
{
	char is[64] = "";

	for (int i = 0; i < 400 && strcmp(is, wanted) != 0; i++) {
		json_t *o = stripe_object(peer, subscription);

		(void)snprintf(is, sizeof(is), "%s",
			json_string_value(json_object_get(
				json_object_get(
					json_array_get(
						json_object_get(json_object_get(o, "items"), "data"), 0),
					"price"),
				"id")));
		json_decref(o);
		temp_sleep_ms(50);
	}
	assert_string_equal(wanted, is);
}

#define PLAN_CALLS "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND op = 'subscription_plan'"

/* Nobody tells of the turn of the period: it is looked for when it is due. */
static void a_plan_changes_once_when_the_period_ends(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_turn"), from[80];
	const int64_t end = (int64_t)time(NULL) + 6;
	const struct answer *a;

	stripe_period(peer, subscription, end - MONTH_S, end);
	fixture_control(s->d, "UPDATE cc.billing SET stale_at = now() WHERE stripe_id IS NOT NULL");
	for (int i = 0;
		i < 100 && strtoll(stripe_value(s, "SELECT extract(epoch FROM stripe_end)::bigint FROM"
						   " cc.billing WHERE tenant_id = '%s'"),
				   NULL, 10) != end;
		i++)
		temp_sleep_ms(50);
	a = assert_status(200, stripe_change_plan(s, "", "big", "period_end"));
	assert_int_equal(end, strtoll(stripe_value(s, "SELECT extract(epoch FROM next_plan_at)::bigint FROM"
						      " cc.billing WHERE tenant_id = '%s'"),
				      NULL, 10));
	assert_text("pro", a, "from_plan");
	assert_text("big", client_get(s->c, "/tenants/%s/billing", s->t.id), "next_plan");
	while ((int64_t)time(NULL) <= end + 1)
		temp_sleep_ms(100);
	/* It is over, but Stripe is not in the next one yet. */
	assert_string_equal("pro", stripe_value(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	assert_string_equal("0", stripe_value(s, PLAN_CALLS));
	stripe_period(peer, subscription, end, end + MONTH_S);
	fixture_control(s->d, "UPDATE cc.billing SET look_at = now() WHERE stripe_id IS NOT NULL");
	stripe_await(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'", "big");
	await_price(subscription, "price_big");
	a = client_get(s->c, "/tenants/%s/billing", s->t.id);
	assert_text("big", a, "plan");
	assert_null(answer_at(a, "next_plan"));
	assert_true(answer_null(client_get(s->c, "/tenants/%s", s->t.id), "settings.max_policies"));
	/* Looked at again and again it stays at that; the whole period is the new plan's. */
	for (int i = 0; i < 3; i++) {
		fixture_control(s->d, "UPDATE cc.billing SET stale_at = now(), sync_at = now()");
		stripe_await(s,
			"SELECT stale_at IS NULL AND sync_at IS NULL FROM cc.billing WHERE tenant_id = '%s'",
			"t");
	}
	assert_string_equal("1", stripe_value(s, PLAN_CALLS));
	(void)snprintf(from, sizeof(from), "proration_date=%lld", (long long)end);
	assert_non_null(strstr(stripe_value(s, "SELECT body FROM cc.outbox WHERE tenant_id = '%s'"
					       " AND op = 'subscription_plan'"),
		from));
	assert_string_equal("1", stripe_value(s, "SELECT count(*) FROM cc.tenant_audit WHERE tenant_id = '%s'"
						 " AND action = 'changePlan' AND actor_kind = 'system'"));
	free(subscription);
}

static void a_change_that_was_taken_back_does_not_come(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_back");
	const int64_t now = (int64_t)time(NULL);

	assert_status(200, stripe_change_plan(s, "", "big", "period_end"));
	assert_status(200, stripe_change_plan(s, "", "pro", "period_end"));
	assert_null(answer_at(client_get(s->c, "/tenants/%s/billing", s->t.id), "next_plan"));
	stripe_period(peer, subscription, now + MONTH_S, now + 2 * MONTH_S);
	fixture_control(s->d, "UPDATE cc.billing SET stale_at = now() WHERE stripe_id IS NOT NULL");
	stripe_await(s,
		"SELECT stale_at IS NULL AND stripe_start > now() FROM cc.billing WHERE tenant_id = '%s'",
		"t");
	assert_string_equal("pro", stripe_value(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	free(subscription);
}

/* Who has no subscription has the periods that its billing shows. */
static void a_plan_changes_without_a_subscription(void **state)
{
	struct story *s = *state;

	assert_status(200, stripe_give_plan(s, "", "big", "period_end"));
	temp_sleep_ms(2500);
	assert_string_equal("pro", stripe_value(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	fixture_control(s->d, "UPDATE cc.billing SET next_plan_at = now() WHERE next_plan IS NOT NULL");
	stripe_await(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'", "big");
	assert_string_equal(
		"t", stripe_value(s, "SELECT next_plan IS NULL FROM cc.billing WHERE tenant_id = '%s'"));
}

static void a_dry_run_says_what_stripe_says(void **state)
{
	static const struct stripe_mood silent = { .busy = 100 };
	struct story *s = *state;
	const struct answer *a = assert_status(200, stripe_give_plan(s, "?dry_run=true", "big", "now"));
	char *subscription;

	assert_text("ledger", a, "mode");
	subscription = stripe_subscribe(s, peer, "pm_dry");
	a = assert_status(200, stripe_change_plan(s, "?dry_run=true", "big", "now"));
	assert_text("stripe", a, "mode");
	assert_non_null(strstr(a->body, "\"proration\":{\"credit\":66.00,\"charge\":332.66,\"net\":266.66,"
					"\"currency\":\"USD\"},\"mode\":\"stripe\""));
	/* Nothing comes of the present plan, and nobody is asked; of one at the end of the period neither. */
	stripe_feel(peer, &silent);
	assert_text(
		"ledger", assert_status(200, stripe_change_plan(s, "?dry_run=true", "pro", "now")), "mode");
	assert_text("ledger", assert_status(200, stripe_change_plan(s, "?dry_run=true", "big", "period_end")),
		"mode");
	assert_error(502, "billing_provider_error", stripe_change_plan(s, "?dry_run=true", "big", "now"));
	stripe_feel(peer, NULL);
	assert_fault("plan_type", "unknown_plan", stripe_change_plan(s, "?dry_run=true", "none", "now"));
	await_price(subscription, "price_pro");
	assert_string_equal("0", stripe_value(s, PLAN_CALLS));
	free(subscription);
}

static long hundredths(const struct answer *a, const char *member)
{
	return (long)(json_real_value(answer_at(a, member)) * 100 + 0.5);
}

/* What they come to is said; what of it is what is not Stripe's to say then. */
static void a_preview_with_more_lines_is_shown(void **state)
{
	static const struct stripe_mood more = { .more = 1 };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_lines"), sql[400];
	const struct answer *a;

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO cc.usage_hour_total AS t (tenant_id, hour, api_calls) VALUES"
		" ('%s', date_trunc('hour', now(), 'UTC'), 1500) ON CONFLICT (tenant_id, hour)"
		" DO UPDATE SET api_calls = t.api_calls + 1500; UPDATE cc.billing SET preview_at = NULL",
		s->t.id);
	fixture_control(s->d, sql);
	stripe_feel(peer, &more);
	a = assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id));
	assert_non_null(strstr(a->body, "\"total_cost\":99.00,"));
	/* The requests of this test are counted as well, a hundredth each. */
	assert_in_range(hundredths(a, "billing.usage_cost"), 1500, 1599);
	assert_int_equal(9900 - hundredths(a, "billing.usage_cost"), hundredths(a, "billing.base_cost"));
	assert_text(
		"ledger", assert_status(200, stripe_change_plan(s, "?dry_run=true", "big", "now")), "mode");
	stripe_feel(peer, NULL);
	free(subscription);
}

static bool has_price(const char *subscription, const char *price)
{
	json_t *o = stripe_object(peer, subscription), *item;
	bool has = false;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(o, "items"), "data"), i, item) has =
		has ||
		strcmp(price, json_string_value(json_object_get(json_object_get(item, "price"), "id"))) == 0;
	json_decref(o);
	return has;
}

/* Of one plan nobody pays both prices; what is sold beside it stays. */
static void a_price_that_is_replaced_is_not_paid_beside_the_new_one(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_price");
	json_t *o = stripe_object(peer, subscription), *items = json_incref(json_object_get(o, "items"));
	json_t *data = json_object_get(items, "data"), *item = json_deep_copy(json_array_get(data, 0));

	stripe_price(peer, "price_pro_before", 8900, NULL);
	stripe_price(peer, "price_support", 2500, NULL);
	json_object_set_new(
		json_object_get(json_array_get(data, 0), "price"), "id", json_string("price_pro_before"));
	json_object_set_new(item, "id", json_string("si_support"));
	json_object_set_new(json_object_get(item, "price"), "id", json_string("price_support"));
	json_array_append_new(data, item);
	stripe_set(peer, subscription, "items", items, "customer.subscription.updated");
	for (int i = 0; i < 400 && !has_price(subscription, "price_pro"); i++)
		temp_sleep_ms(50);
	assert_true(has_price(subscription, "price_pro"));
	assert_false(has_price(subscription, "price_pro_before"));
	assert_true(has_price(subscription, "price_calls"));
	assert_true(has_price(subscription, "price_support"));
	json_decref(o);
	free(subscription);
}

/* Each refusal brings a look, which shows nothing new: it is repeated with the next that was due. */
static void a_plan_that_is_refused_is_not_asked_for_in_a_circle(void **state)
{
	static const struct stripe_mood no_price = { .no_price = 100 };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_wrong_price");

	stripe_feel(peer, &no_price);
	assert_status(200, stripe_change_plan(s, "", "big", "now"));
	stripe_await(s, PLAN_CALLS " AND state = 'dead'", "1");
	for (int i = 0; i < 3; i++) {
		stripe_await(s, "SELECT stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
		temp_sleep_ms(700);
		fixture_control(s->d, "UPDATE cc.billing SET stale_at = clock_timestamp()");
	}
	assert_string_equal("1", stripe_value(s, PLAN_CALLS));
	stripe_feel(peer, NULL);
	fixture_control(s->d, "UPDATE cc.billing SET look_at = now() WHERE stripe_id IS NOT NULL");
	await_price(subscription, "price_big");
	free(subscription);
}

/* The plans file has another price since: of that Stripe knows nothing, and no event tells. */
static void a_price_that_is_replaced_here_follows_with_the_next_look(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_exchange"), sql[300];
	json_t *o, *data;

	temp_sleep_ms(2500); /* all events have come */
	stripe_await(s, "SELECT stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	stripe_price(peer, "price_pro_first", 7900, NULL);
	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET items = replace(items::text, '\"price_pro\"', "
		"'\"price_pro_first\"')::json"
		" WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	o = stripe_object(peer, subscription);
	data = json_object_get(json_object_get(o, "items"), "data");
	json_object_set_new(
		json_object_get(json_array_get(data, 0), "price"), "id", json_string("price_pro_first"));
	stripe_put(peer, o);
	await_price(subscription, "price_pro_first");
	fixture_control(s->d, "UPDATE cc.billing SET look_at = now() WHERE stripe_id IS NOT NULL");
	await_price(subscription, "price_pro");
	json_decref(o);
	free(subscription);
}

#define UNPAID \
	"SELECT count(*) FROM cc.alert WHERE tenant_id = '%s' AND type = 'payment_missing'" \
	" AND resolved_at IS NULL"

/* Else it would be there, and never billed. */
static void what_costs_something_needs_a_payment_method(void **state)
{
	static const char *const ways[][2] = { { "", "now" }, { "?dry_run=true", "now" },
		{ "", "period_end" }, { "?dry_run=true", "period_end" } };
	struct story other = stripe_one_more(*state, "nopay", "free");
	char *subscription;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_error(402, "payment_method_required",
			stripe_change_plan(&other, ways[i][0], "big", ways[i][1]));
	assert_fault("plan_type", "not_sold", stripe_change_plan(&other, "", "unsold", "now"));
	stripe_await(&other,
		"SELECT t.plan_type || ' ' || t.max_bouncers || ' ' || (b.next_plan IS NULL) FROM cc.tenant t"
		" JOIN cc.billing b ON b.tenant_id = t.id WHERE t.id = '%s'",
		"free 1 true");
	assert_text("active", client_get(other.c, "/tenants/%s/billing", other.t.id), "status");
	stripe_await(&other, UNPAID, "0");
	/* What an operator gives away is told until somebody pays for it. */
	assert_status(200, stripe_give_plan(&other, "", "pro", "now"));
	stripe_await(&other, UNPAID, "1");
	assert_text("incomplete", client_get(other.c, "/tenants/%s/billing", other.t.id), "status");
	assert_error(402, "payment_method_required", stripe_change_plan(&other, "", "big", "now"));
	assert_status(200, stripe_change_plan(&other, "", "free", "now"));
	stripe_await(&other, UNPAID, "0");
	assert_status(200, stripe_give_plan(&other, "", "pro", "now"));
	stripe_await(&other, UNPAID, "1");
	subscription = stripe_subscribe(&other, peer, "pm_pays");
	stripe_await(&other, UNPAID, "0");
	stripe_await(&other, "SELECT metered_since IS NOT NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	assert_status(200, stripe_change_plan(&other, "", "big", "now"));
	client_close(other.c);
	free(subscription);
}

static const struct answer *get(struct story *s)
{
	return assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id));
}

static void assert_base(const char *text, const struct answer *a)
{
	char member[60];

	(void)snprintf(member, sizeof(member), "\"base_cost\":%s,", text);
	if (strstr(a->body, member) == NULL)
		fail_msg("%s is not in %s", member, a->body);
}

/* Months have gone by since the tenant came, and nothing of the ledger's is in what it shows. */
static void what_is_to_come_is_not_there_yet(void **state)
{
	struct story other = stripe_one_more(*state, "months", "pro");
	char sql[200];
	const struct answer *a;

	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET anchor = cc.period_at(anchor, -2) WHERE tenant_id = '%s'", other.t.id);
	fixture_control(other.d, sql);
	assert_status(200, stripe_give_plan(&other, "", "big", "period_end"));
	a = get(&other);
	assert_text("pro", a, "plan");
	assert_text("big", a, "next_plan");
	assert_base("99.00", a);
	/* Periods are passed, so that none of them is ever the ledger's. */
	stripe_await(&other, "SELECT open_end > now() FROM cc.billing WHERE tenant_id = '%s'", "t");
	for (int i = 0; i < 2; i++) {
		assert_status(200, stripe_give_plan(&other, "", "big", "now"));
		assert_base("499.00", get(&other));
		assert_status(200, stripe_give_plan(&other, "", "pro", "now"));
		assert_base("99.00", get(&other));
	}
	/* Nothing is left of what costs nothing. */
	assert_status(200, stripe_give_plan(&other, "", "free", "now"));
	a = get(&other);
	assert_text("active", a, "status");
	assert_base("0.00", a);
	stripe_await(&other, "SELECT count(*) FROM cc.invoice WHERE tenant_id = '%s'", "0");
	client_close(other.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_plan_changes_once_when_the_period_ends),
		STORY(a_change_that_was_taken_back_does_not_come),
		STORY(a_plan_changes_without_a_subscription),
		STORY(a_dry_run_says_what_stripe_says),
		STORY(a_preview_with_more_lines_is_shown),
		STORY(a_price_that_is_replaced_is_not_paid_beside_the_new_one),
		STORY(a_plan_that_is_refused_is_not_asked_for_in_a_circle),
		STORY(a_price_that_is_replaced_here_follows_with_the_next_look),
		STORY(what_costs_something_needs_a_payment_method),
		STORY(what_is_to_come_is_not_there_yet),
		cmocka_unit_test(stripe_nothing_was_malformed),
	};

	return cmocka_run_group_tests(tests, stripe_group_setup, stripe_group_teardown);
}
