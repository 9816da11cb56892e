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

static struct stripe_peer *peer;

static int group_setup(void **state)
{
	peer = stripe_start(1);
	return stripe_plane_setup(state, peer, 300);
}

static int group_teardown(void **state)
{
	const int failed = stripe_plane_teardown(state);

	stripe_stop(peer);
	return failed;
}

static const struct answer *change_plan(struct story *s, const char *query, const char *plan, const char *at)
{
	char path[140];

	(void)snprintf(path, sizeof(path), "/tenants/%s/billing/plan%s", s->t.id, query);
	return client_post(s->c, path, "{'plan_type':'%s','at':'%s'}", plan, at);
}

static const char *of_tenant(struct story *s, const char *sql)
{
	char text[400];
	const char *mark = strstr(sql, "%s");

	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - sql), sql, s->t.id, mark + 2);
	return story_control_value(s, text);
}

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
	for (int i = 0; i < 100 && strtoll(of_tenant(s, "SELECT extract(epoch FROM stripe_end)::bigint FROM"
							" cc.billing WHERE tenant_id = '%s'"),
					   NULL, 10) != end;
		i++)
		temp_sleep_ms(50);
	a = assert_status(200, change_plan(s, "", "big", "period_end"));
	assert_int_equal(end, strtoll(of_tenant(s, "SELECT extract(epoch FROM next_plan_at)::bigint FROM"
						   " cc.billing WHERE tenant_id = '%s'"),
				      NULL, 10));
	assert_text("pro", a, "from_plan");
	assert_text("big", client_get(s->c, "/tenants/%s/billing", s->t.id), "next_plan");
	while ((int64_t)time(NULL) <= end + 1)
		temp_sleep_ms(100);
	/* It is over, but Stripe is not in the next one yet. */
	assert_string_equal("pro", of_tenant(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	assert_string_equal("0", of_tenant(s, PLAN_CALLS));
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
	assert_string_equal("1", of_tenant(s, PLAN_CALLS));
	(void)snprintf(from, sizeof(from), "proration_date=%lld", (long long)end);
	assert_non_null(strstr(of_tenant(s, "SELECT body FROM cc.outbox WHERE tenant_id = '%s'"
					    " AND op = 'subscription_plan'"),
		from));
	assert_string_equal("1", of_tenant(s, "SELECT count(*) FROM cc.tenant_audit WHERE tenant_id = '%s'"
					      " AND action = 'changePlan' AND actor_kind = 'system'"));
	free(subscription);
}

static void a_change_that_was_taken_back_does_not_come(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_back");
	const int64_t now = (int64_t)time(NULL);

	assert_status(200, change_plan(s, "", "big", "period_end"));
	assert_status(200, change_plan(s, "", "pro", "period_end"));
	assert_null(answer_at(client_get(s->c, "/tenants/%s/billing", s->t.id), "next_plan"));
	stripe_period(peer, subscription, now + MONTH_S, now + 2 * MONTH_S);
	fixture_control(s->d, "UPDATE cc.billing SET stale_at = now() WHERE stripe_id IS NOT NULL");
	stripe_await(s,
		"SELECT stale_at IS NULL AND stripe_start > now() FROM cc.billing WHERE tenant_id = '%s'",
		"t");
	assert_string_equal("pro", of_tenant(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	free(subscription);
}

/* Who has no subscription has the periods that its billing shows. */
static void a_plan_changes_without_a_subscription(void **state)
{
	struct story *s = *state;

	assert_status(200, change_plan(s, "", "big", "period_end"));
	temp_sleep_ms(2500);
	assert_string_equal("pro", of_tenant(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	fixture_control(s->d, "UPDATE cc.billing SET next_plan_at = now() WHERE next_plan IS NOT NULL");
	stripe_await(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'", "big");
	assert_string_equal(
		"t", of_tenant(s, "SELECT next_plan IS NULL FROM cc.billing WHERE tenant_id = '%s'"));
}

static void a_dry_run_says_what_stripe_says(void **state)
{
	static const struct stripe_mood silent = { .busy = 100 };
	struct story *s = *state;
	const struct answer *a = assert_status(200, change_plan(s, "?dry_run=true", "big", "now"));
	char *subscription;

	assert_text("ledger", a, "mode");
	subscription = stripe_subscribe(s, peer, "pm_dry");
	a = assert_status(200, change_plan(s, "?dry_run=true", "big", "now"));
	assert_text("stripe", a, "mode");
	assert_non_null(strstr(a->body, "\"proration\":{\"credit\":66.00,\"charge\":332.66,\"net\":266.66,"
					"\"currency\":\"USD\"},\"mode\":\"stripe\""));
	/* Nothing comes of the present plan, and nobody is asked; of one at the end of the period neither. */
	stripe_feel(peer, &silent);
	assert_text("ledger", assert_status(200, change_plan(s, "?dry_run=true", "pro", "now")), "mode");
	assert_text(
		"ledger", assert_status(200, change_plan(s, "?dry_run=true", "big", "period_end")), "mode");
	assert_error(502, "billing_provider_error", change_plan(s, "?dry_run=true", "big", "now"));
	stripe_feel(peer, NULL);
	assert_fault("plan_type", "unknown_plan", change_plan(s, "?dry_run=true", "none", "now"));
	await_price(subscription, "price_pro");
	assert_string_equal("0", of_tenant(s, PLAN_CALLS));
	free(subscription);
}

static bool is_cancelled(const char *subscription)
{
	json_t *o = stripe_object(peer, subscription);
	const bool is = strcmp(json_string_value(json_object_get(o, "status")), "canceled") == 0;

	json_decref(o);
	return is;
}

static void await_cancelled(const char *subscription)
{
	for (int i = 0; i < 600 && !is_cancelled(subscription); i++)
		temp_sleep_ms(50);
	assert_true(is_cancelled(subscription));
}

/* Else Stripe would bill on what nobody has. */
static void a_plan_that_is_not_sold_has_no_subscription(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_free"), *again;

	assert_status(200, change_plan(s, "", "free", "now"));
	await_cancelled(subscription);
	stripe_await(s,
		"SELECT stripe_id IS NULL AND status = 'active' FROM cc.billing WHERE tenant_id = '%s'", "t");
	temp_sleep_ms(2500);
	assert_string_equal("active", of_tenant(s, "SELECT status FROM cc.tenant WHERE id = '%s'"));
	assert_text("active", client_get(s->c, "/tenants/%s/billing", s->t.id), "status");
	/* With a plan that is, there is another: the payment method is known. */
	assert_status(200, change_plan(s, "", "pro", "now"));
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	again = strdup(of_tenant(s, "SELECT stripe_id FROM cc.billing WHERE tenant_id = '%s'"));
	assert_string_not_equal(subscription, again);
	assert_string_equal("0", of_tenant(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s'"
					      " AND state = 'dead'"));
	free(again);
	free(subscription);
}

static const char *ends_with_period(const char *subscription)
{
	json_t *o = stripe_object(peer, subscription), *is = json_object_get(o, "cancel_at_period_end");
	const char *text = json_is_true(is) ? "yes" : "no";

	json_decref(o);
	return text;
}

static void await_end(const char *subscription, const char *wanted)
{
	for (int i = 0; i < 400 && strcmp(ends_with_period(subscription), wanted) != 0; i++)
		temp_sleep_ms(50);
	assert_string_equal(wanted, ends_with_period(subscription));
}

/* Stripe ends it, before it bills another period; and that it has ended is no want of payment. */
static void to_a_plan_that_is_not_sold_it_goes_with_the_period(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_end");

	assert_status(200, change_plan(s, "", "free", "period_end"));
	await_end(subscription, "yes");
	assert_status(200, change_plan(s, "", "pro", "period_end"));
	await_end(subscription, "no");
	assert_status(200, change_plan(s, "", "free", "period_end"));
	await_end(subscription, "yes");
	stripe_await(s, "SELECT cancels AND stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	assert_false(is_cancelled(subscription));
	assert_string_equal("pro", of_tenant(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	stripe_set(peer, subscription, "status", json_string("canceled"), "customer.subscription.deleted");
	stripe_await(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'", "free");
	stripe_await(s,
		"SELECT stripe_id IS NULL AND status = 'active' FROM cc.billing WHERE tenant_id = '%s'", "t");
	temp_sleep_ms(2500);
	assert_string_equal("active", of_tenant(s, "SELECT status FROM cc.tenant WHERE id = '%s'"));
	free(subscription);
}

/* What Stripe has ended it does not begin again: whoever pays gets another one. */
static void who_pays_again_is_subscribed_again(void **state)
{
	struct story *s = *state;
	char path[120], *first = stripe_subscribe(s, peer, "pm_first");

	stripe_set(peer, first, "status", json_string("canceled"), "customer.subscription.deleted");
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "suspended");
	stripe_await(s, "SELECT status FROM cc.tenant WHERE id = '%s'", "suspended");
	(void)snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	assert_status(200, client_put(s->c, path, "{'payment_method':'pm_second'}"));
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "active");
	stripe_await(s, "SELECT status FROM cc.tenant WHERE id = '%s'", "active");
	assert_string_not_equal(
		first, of_tenant(s, "SELECT stripe_id FROM cc.billing WHERE tenant_id = '%s'"));
	assert_string_equal("0", of_tenant(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s'"
					      " AND state = 'dead'"));
	free(first);
}

/* That it is over was so when it was last looked at. */
static void who_pays_again_has_one_subscription(void **state)
{
	struct story *s = *state;
	char path[120], sql[300], *first = stripe_subscribe(s, peer, "pm_one");

	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET stripe_status = 'canceled', stale_at = NULL,"
		" fetch_until = now() + interval '1 hour' WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	(void)snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	assert_status(200, client_put(s->c, path, "{'payment_method':'pm_two'}"));
	(void)snprintf(sql, sizeof(sql),
		"SELECT coalesce(stripe_id, '%s') <> '%s' FROM cc.billing WHERE tenant_id = '%%s'", first,
		first);
	stripe_await(s, sql, "t");
	assert_true(is_cancelled(first));
	(void)snprintf(sql, sizeof(sql), "UPDATE cc.billing SET fetch_until = NULL WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	free(first);
}

static void a_tenant_that_is_purged_is_unsubscribed(void **state)
{
	struct story *s = *state;
	char slug[60], path[120], sql[160], *customer, *subscription;
	struct story other = { .d = s->d, .operator= s->operator};

	(void)snprintf(slug, sizeof(slug), "gone-%.40s", s->t.slug);
	fixture_tenant(s->d, slug, "pro", NULL, NULL, &other.t);
	other.c = client_of(s->d, &other.t);
	subscription = stripe_subscribe(&other, peer, "pm_gone");
	customer = stripe_customer_of(peer, other.t.id);
	(void)snprintf(path, sizeof(path), "/tenants/%s", other.t.id);
	assert_status(202, client_delete(s->operator, "%s", path));
	/* As long as it can be undone it goes on. */
	temp_sleep_ms(1500);
	(void)snprintf(sql, sizeof(sql), "UPDATE cc.tenant SET purge_at = now() WHERE id = '%s'", other.t.id);
	assert_false(is_cancelled(subscription));
	fixture_control(s->d, sql);
	await_cancelled(subscription);
	client_close(other.c);
	free(customer);
	free(subscription);
}

/* A call for a subscription that was perhaps sent, or never: it waits for longer than there is the tenant. */
static void call_waits(struct story *s, const char *id, const char *customer, int attempts)
{
	char sql[500];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path, body, attempts, first_sent_at,"
		" next_at) VALUES ('%s', '%s', 'account', 'subscription_create', 'POST', '/v1/subscriptions',"
		" 'customer=%s&items[0][price]=price_pro&metadata[cc_op]=%s', %d, now(),"
		" now() + interval '1 hour')",
		id, s->t.id, customer, id, attempts);
	fixture_control(s->d, sql);
}

static void no_subscription_outlives_its_tenant(void **state)
{
	struct story *s = *state;
	char slug[60], path[120], sql[160], *customer, *subscription;
	struct story other = { .d = s->d, .operator= s->operator};

	(void)snprintf(slug, sizeof(slug), "late-%.40s", s->t.slug);
	fixture_tenant(s->d, slug, "free", NULL, NULL, &other.t);
	stripe_await(&other, "SELECT customer_id IS NOT NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	customer = stripe_customer_of(peer, other.t.id);
	call_waits(&other, "sent", customer, 1);
	call_waits(&other, "unsent", customer, 0);
	(void)snprintf(path, sizeof(path), "/tenants/%s", other.t.id);
	assert_status(202, client_delete(s->operator, "%s", path));
	(void)snprintf(sql, sizeof(sql), "UPDATE cc.tenant SET purge_at = now() WHERE id = '%s'", other.t.id);
	fixture_control(s->d, sql);
	stripe_await(&other, "SELECT count(*) FROM cc.tenant WHERE id = '%s'", "0");
	fixture_control(s->d, "UPDATE cc.outbox SET next_at = now() WHERE id IN ('sent', 'unsent')");
	subscription = stripe_await_subscription(peer, customer);
	await_cancelled(subscription);
	stripe_await(&other,
		"SELECT string_agg(state, ' ' ORDER BY id) FROM cc.outbox WHERE tenant_id = '%s'"
		" AND op = 'subscription_create'",
		"done skipped");
	free(customer);
	free(subscription);
}

static void nothing_was_refused_as_malformed(void **state)
{
	(void)state;
	assert_int_equal(0, stripe_refusals(peer));
	assert_int_equal(0, stripe_doubles(peer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_plan_changes_once_when_the_period_ends),
		STORY(a_change_that_was_taken_back_does_not_come),
		STORY(a_plan_changes_without_a_subscription),
		STORY(a_dry_run_says_what_stripe_says),
		STORY(a_plan_that_is_not_sold_has_no_subscription),
		STORY(to_a_plan_that_is_not_sold_it_goes_with_the_period),
		STORY(who_pays_again_is_subscribed_again),
		STORY(who_pays_again_has_one_subscription),
		STORY(a_tenant_that_is_purged_is_unsubscribed),
		STORY(no_subscription_outlives_its_tenant),
		cmocka_unit_test(nothing_was_refused_as_malformed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
