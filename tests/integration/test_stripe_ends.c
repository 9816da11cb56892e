/* SPDX-License-Identifier: Apache-2.0 */
/* How subscriptions end and begin again: plans that are not sold, payment, tenants that are deleted. */
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
#include "temp.h"

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

/* And whether the rest of its period is given back. */
static void await_cancelled(struct story *s, const char *subscription, const char *prorate)
{
	char path[160];

	stripe_await_cancelled(subscription);
	(void)snprintf(path, sizeof(path), "/v1/subscriptions/%s?invoice_now=true&prorate=%s", subscription,
		prorate);
	assert_string_equal(path, stripe_value(s, "SELECT path FROM cc.outbox WHERE tenant_id = '%s'"
						  " AND op = 'subscription_cancel'"));
}

/* Else Stripe would bill on what nobody has. */
static void a_plan_that_is_not_sold_has_no_subscription(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_free"), *again;

	assert_status(200, stripe_change_plan(s, "", "free", "now"));
	await_cancelled(s, subscription, "true");
	stripe_await(s,
		"SELECT stripe_id IS NULL AND status = 'active' FROM cc.billing WHERE tenant_id = '%s'", "t");
	temp_sleep_ms(2500);
	assert_string_equal("active", stripe_value(s, "SELECT status FROM cc.tenant WHERE id = '%s'"));
	assert_text("active", client_get(s->c, "/tenants/%s/billing", s->t.id), "status");
	/* With a plan that is, there is another: the payment method is known. */
	assert_status(200, stripe_change_plan(s, "", "pro", "now"));
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	again = strdup(stripe_value(s, "SELECT stripe_id FROM cc.billing WHERE tenant_id = '%s'"));
	assert_string_not_equal(subscription, again);
	assert_string_equal("0", stripe_value(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s'"
						 " AND state = 'dead'"));
	free(again);
	free(subscription);
}

/* An hour that Stripe was told of by then; at is when. */
static void hour_was_told(struct story *s, const char *at)
{
	char sql[500];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path, subject, state, done_at)"
		" VALUES ('told_%s', '%s', 'usage', 'meter_event', 'POST', '/', 'api_calls:0', 'done', %s)"
		" ON CONFLICT (id) DO UPDATE SET done_at = excluded.done_at",
		s->t.id, s->t.id, at);
	fixture_control(s->d, sql);
}

/* It ends when Stripe has had its time for the last hours, and by then it is wanted again: another one is. */
static void who_comes_back_before_it_has_ended_begins_again(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_back"), sql[300];

	hour_was_told(s, "now() + interval '1 hour'");
	assert_status(200, stripe_change_plan(s, "", "free", "now"));
	stripe_await(s,
		"SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND op = 'subscription_cancel'"
		" AND state = 'waiting'",
		"1");
	assert_status(200, stripe_change_plan(s, "", "pro", "now"));
	temp_sleep_ms(1500);
	assert_false(stripe_is_cancelled(subscription));
	hour_was_told(s, "now() - interval '1 hour'");
	stripe_await_cancelled(subscription);
	(void)snprintf(sql, sizeof(sql),
		"SELECT b.status || ' ' || t.status || ' ' || (b.stripe_id <> '%s') FROM cc.billing b"
		" JOIN cc.tenant t ON t.id = b.tenant_id WHERE t.id = '%%s' AND b.stripe_status = 'active'",
		subscription);
	stripe_await(s, sql, "active active true");
	assert_string_equal("0", stripe_value(s, "SELECT count(*) FROM cc.alert WHERE tenant_id = '%s'"
						 " AND type = 'payment_overdue'"));
	free(subscription);
}

/* Of what is not paid by then nothing is given back; and no more hours are told of. */
static void what_ends_later_ends_as_it_is_then(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_later"), *customer, sql[300];

	hour_was_told(s, "now() + interval '1 hour'");
	assert_status(200, stripe_change_plan(s, "", "free", "now"));
	stripe_await(s,
		"SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND op = 'subscription_cancel'"
		" AND state = 'waiting'",
		"1");
	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET metered_until = date_trunc('hour', now(), 'UTC') - interval '3 hours'"
		" WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	customer = stripe_customer_of(peer, s->t.id);
	stripe_invoice(peer, customer, "open", 9900);
	fixture_control(s->d, "UPDATE cc.billing SET stale_at = now() WHERE stripe_id IS NOT NULL");
	stripe_await(s, "SELECT count(*) FROM cc.invoice WHERE tenant_id = '%s' AND status = 'open'", "1");
	temp_sleep_ms(2500);
	stripe_await(s,
		"SELECT metered_until < now() - interval '2 hours' FROM cc.billing WHERE tenant_id = '%s'",
		"t");
	hour_was_told(s, "now() - interval '1 hour'");
	await_cancelled(s, subscription, "false");
	free(customer);
	free(subscription);
}

/* Stripe ends it, before it bills another period; and that it has ended is no want of payment. */
static void to_a_plan_that_is_not_sold_it_goes_with_the_period(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_end");

	assert_status(200, stripe_change_plan(s, "", "free", "period_end"));
	stripe_await_end(subscription, "yes");
	assert_status(200, stripe_change_plan(s, "", "pro", "period_end"));
	stripe_await_end(subscription, "no");
	assert_status(200, stripe_change_plan(s, "", "free", "period_end"));
	stripe_await_end(subscription, "yes");
	stripe_await(s, "SELECT cancels AND stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	assert_false(stripe_is_cancelled(subscription));
	assert_string_equal("pro", stripe_value(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	stripe_set(peer, subscription, "status", json_string("canceled"), "customer.subscription.deleted");
	stripe_await(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'", "free");
	stripe_await(s,
		"SELECT stripe_id IS NULL AND status = 'active' FROM cc.billing WHERE tenant_id = '%s'", "t");
	temp_sleep_ms(2500);
	assert_string_equal("active", stripe_value(s, "SELECT status FROM cc.tenant WHERE id = '%s'"));
	free(subscription);
}

/* What Stripe has ended it does not begin again: whoever pays gets another one. */
static void who_pays_again_is_subscribed_again(void **state)
{
	struct story *s = *state;
	char *first = stripe_subscribe(s, peer, "pm_first");

	stripe_set(peer, first, "status", json_string("canceled"), "customer.subscription.deleted");
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "suspended");
	stripe_await(s, "SELECT status FROM cc.tenant WHERE id = '%s'", "suspended");
	assert_text(
		"suspended", assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id)), "status");
	assert_status(200, stripe_put_method(s, "pm_second"));
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "active");
	stripe_await(s, "SELECT status FROM cc.tenant WHERE id = '%s'", "active");
	assert_string_not_equal(
		first, stripe_value(s, "SELECT stripe_id FROM cc.billing WHERE tenant_id = '%s'"));
	assert_string_equal("0", stripe_value(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s'"
						 " AND state = 'dead'"));
	free(first);
}

/* No other card is needed for that. */
static void the_same_method_again_begins_another(void **state)
{
	static const char *const over[][2] = { { "incomplete_expired", "grace" },
		{ "canceled", "suspended" } };
	struct story *s = *state;
	char sql[200], *first = stripe_subscribe(s, peer, "pm_same");

	for (size_t i = 0; i < 2; i++) {
		stripe_set(peer, first, "status", json_string(over[i][0]), "customer.subscription.updated");
		stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", over[i][1]);
		assert_status(200, stripe_put_method(s, "pm_same"));
		(void)snprintf(sql, sizeof(sql),
			"SELECT stripe_id <> '%s' AND stripe_status = 'active' AND status = 'active'"
			" FROM cc.billing WHERE tenant_id = '%%s'",
			first);
		stripe_await(s, sql, "t");
		stripe_await(s, "SELECT status FROM cc.tenant WHERE id = '%s'", "active");
		free(first);
		first = strdup(stripe_value(s, "SELECT stripe_id FROM cc.billing WHERE tenant_id = '%s'"));
	}
	free(first);
}

#define OWES "SELECT cc.owes(trouble_since, stripe_status, debt) FROM cc.billing WHERE tenant_id = '%s'"
#define STANDS \
	"SELECT b.status || ' ' || t.status || ' ' || coalesce(b.stripe_status, 'none') FROM cc.billing b" \
	" JOIN cc.tenant t ON t.id = b.tenant_id WHERE t.id = '%s'"

/* Neither when its customer is deleted, nor while it may be a while until another one begins. */
static void what_never_began_takes_nothing_more(void **state)
{
	static const struct stripe_mood no_price = { .no_price = 100 };
	struct story *s = *state;
	char sql[200], *first = stripe_subscribe(s, peer, "pm_never");
	char *customer = stripe_customer_of(peer, s->t.id);

	stripe_set(peer, first, "status", json_string("incomplete_expired"), "customer.subscription.updated");
	stripe_await(s, STANDS, "grace active incomplete_expired");
	/* It owes nothing. */
	assert_status(200, stripe_change_plan(s, "?dry_run=true", "free", "now"));
	stripe_delete_customer(peer, customer);
	(void)snprintf(sql, sizeof(sql), "SELECT customer_id <> '%s' FROM cc.billing WHERE tenant_id = '%%s'",
		customer);
	stripe_await(s, sql, "t");
	temp_sleep_ms(6000); /* some looks of which two would be enough */
	assert_string_equal("grace active incomplete_expired", stripe_value(s, STANDS));
	stripe_feel(peer, &no_price);
	assert_status(200, stripe_put_method(s, "pm_never_2"));
	temp_sleep_ms(6000);
	assert_string_equal("grace active incomplete_expired", stripe_value(s, STANDS));
	stripe_feel(peer, NULL);
	assert_status(200, stripe_put_method(s, "pm_never_3"));
	stripe_await(s, STANDS, "active active active");
	free(customer);
	free(first);
}

/* Else it would be gone with the plan; and nobody gets back what was never paid. */
static void what_is_owed_is_paid_before_the_plan_changes(void **state)
{
	static const char *const ways[][3] = { { "", "free", "now" }, { "?dry_run=true", "free", "now" },
		{ "", "free", "period_end" }, { "", "big", "now" } };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_hop");

	stripe_set(peer, subscription, "status", json_string("past_due"), "customer.subscription.updated");
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "past_due");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_error(
			403, "payment_overdue", stripe_change_plan(s, ways[i][0], ways[i][1], ways[i][2]));
	assert_string_equal("pro", stripe_value(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'"));
	/* An operator lets it off. */
	assert_status(200, stripe_give_plan(s, "", "free", "now"));
	await_cancelled(s, subscription, "false");
	stripe_await(s,
		"SELECT stripe_id IS NULL AND status = 'active' FROM cc.billing WHERE tenant_id = '%s'", "t");
	free(subscription);
}

/* A card that is not charged is none: the debt outlives the subscription that it was made for. */
static void a_card_that_declines_ends_no_debt(void **state)
{
	static const struct stripe_mood declines = { .incomplete = 100 };
	struct story *s = *state;
	char *first = stripe_subscribe(s, peer, "pm_good"), *second;

	stripe_set(peer, first, "status", json_string("canceled"), "customer.subscription.deleted");
	stripe_await(s, STANDS, "suspended suspended canceled");
	stripe_feel(peer, &declines);
	assert_status(200, stripe_put_method(s, "pm_declines"));
	stripe_await(s, STANDS, "suspended suspended incomplete");
	temp_sleep_ms(3000); /* some looks */
	assert_string_equal("suspended suspended incomplete", stripe_value(s, STANDS));
	stripe_await(s, OWES, "t");
	assert_status(403, stripe_change_plan(s, "", "free", "now"));
	second = strdup(stripe_value(s, "SELECT stripe_id FROM cc.billing WHERE tenant_id = '%s'"));
	stripe_set(
		peer, second, "status", json_string("incomplete_expired"), "customer.subscription.updated");
	stripe_await(s, STANDS, "suspended suspended incomplete_expired");
	temp_sleep_ms(3000);
	assert_string_equal("suspended suspended incomplete_expired", stripe_value(s, STANDS));
	stripe_await(s, OWES, "t");
	stripe_feel(peer, NULL);
	assert_status(200, stripe_put_method(s, "pm_pays"));
	stripe_await(s, STANDS, "active active active");
	stripe_await(s, OWES, "f");
	for (int i = 0; i < 200 && stripe_change_plan(s, "?dry_run=true", "free", "now")->status != 200; i++)
		temp_sleep_ms(50);
	assert_status(200, stripe_change_plan(s, "", "free", "now"));
	free(second);
	free(first);
}

/* It is dropped when something is owed; what an operator asks for behind that is not. */
static void a_plan_asked_for_before_is_no_way_out(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_before");

	assert_status(200, stripe_change_plan(s, "", "free", "period_end"));
	stripe_await_end(subscription, "yes");
	stripe_await(s, "SELECT cancels AND stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	stripe_set(peer, subscription, "status", json_string("past_due"), "customer.subscription.updated");
	stripe_await(s,
		"SELECT status || ' ' || (next_plan IS NULL) || ' ' || (next_plan_at IS NULL)"
		" FROM cc.billing WHERE tenant_id = '%s'",
		"past_due true true");
	stripe_await_end(subscription, "no");
	assert_null(answer_at(client_get(s->c, "/tenants/%s/billing", s->t.id), "next_plan"));
	/* What an operator asks for behind that stays, and comes. */
	assert_status(200, stripe_give_plan(s, "", "free", "period_end"));
	stripe_await_end(subscription, "yes");
	stripe_await(s, "SELECT cancels AND stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	stripe_set(peer, subscription, "status", json_string("canceled"), "customer.subscription.deleted");
	stripe_await(s, "SELECT plan_type FROM cc.tenant WHERE id = '%s'", "free");
	stripe_await(s, STANDS, "active active none");
	free(subscription);
}

/* That it is over was so when it was last looked at. */
static void who_pays_again_has_one_subscription(void **state)
{
	struct story *s = *state;
	char sql[300], *first = stripe_subscribe(s, peer, "pm_one");

	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET stripe_status = 'canceled', stale_at = NULL,"
		" fetch_until = now() + interval '1 hour' WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	assert_status(200, stripe_put_method(s, "pm_two"));
	(void)snprintf(sql, sizeof(sql),
		"SELECT coalesce(stripe_id, '%s') <> '%s' FROM cc.billing WHERE tenant_id = '%%s'", first,
		first);
	stripe_await(s, sql, "t");
	assert_true(stripe_is_cancelled(first));
	(void)snprintf(
		sql, sizeof(sql), "UPDATE cc.billing SET fetch_until = NULL WHERE tenant_id = '%s'", s->t.id);
	fixture_control(s->d, sql);
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	free(first);
}

/* What was used is on a last invoice. */
static void a_tenant_that_is_purged_is_unsubscribed(void **state)
{
	struct story other = stripe_one_more(*state, "gone", "pro");
	char *subscription = stripe_subscribe(&other, peer, "pm_gone");
	json_t *o;

	stripe_delete(&other);
	/* As long as it can be undone it goes on. */
	temp_sleep_ms(1500);
	assert_false(stripe_is_cancelled(subscription));
	stripe_purge(&other);
	stripe_await_cancelled(subscription);
	o = stripe_object(peer, subscription);
	assert_non_null(json_object_get(o, "latest_invoice"));
	json_decref(o);
	client_close(other.c);
	free(subscription);
}

/* Stripe ends it with its period; who comes back before goes on, and who comes back later begins again. */
static void what_is_deleted_is_not_billed_for_another_period(void **state)
{
	struct story other = stripe_one_more(*state, "undo", "pro");
	char *subscription = stripe_subscribe(&other, peer, "pm_undo"), sql[200];

	stripe_delete(&other);
	stripe_await_end(subscription, "yes");
	stripe_restore(&other);
	stripe_await_end(subscription, "no");
	stripe_delete(&other);
	stripe_await_end(subscription, "yes");
	stripe_await(
		&other, "SELECT cancels AND stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	stripe_set(peer, subscription, "status", json_string("canceled"), "customer.subscription.deleted");
	stripe_await(&other, "SELECT stripe_id IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	temp_sleep_ms(2500);
	stripe_await(&other,
		"SELECT b.status || ' ' || t.status || ' ' || (b.stripe_id IS NULL) FROM cc.billing b"
		" JOIN cc.tenant t ON t.id = b.tenant_id WHERE t.id = '%s'",
		"active deletion_scheduled true");
	stripe_restore(&other);
	(void)snprintf(sql, sizeof(sql),
		"SELECT b.status || ' ' || t.status || ' ' || (b.stripe_id <> '%s') FROM cc.billing b"
		" JOIN cc.tenant t ON t.id = b.tenant_id WHERE t.id = '%%s'",
		subscription);
	stripe_await(&other, sql, "active active true");
	client_close(other.c);
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
	struct story *s = *state, other = stripe_one_more(s, "late", "free");
	char *customer, *subscription;

	stripe_await(&other, "SELECT customer_id IS NOT NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	customer = stripe_customer_of(peer, other.t.id);
	call_waits(&other, "sent", customer, 1);
	call_waits(&other, "unsent", customer, 0);
	stripe_delete(&other);
	stripe_purge(&other);
	stripe_await(&other, "SELECT count(*) FROM cc.tenant WHERE id = '%s'", "0");
	fixture_control(s->d, "UPDATE cc.outbox SET next_at = now() WHERE id IN ('sent', 'unsent')");
	subscription = stripe_await_subscription(peer, customer);
	stripe_await_cancelled(subscription);
	stripe_await(&other,
		"SELECT string_agg(state, ' ' ORDER BY id) FROM cc.outbox WHERE tenant_id = '%s'"
		" AND op = 'subscription_create'",
		"done skipped");
	client_close(other.c);
	free(customer);
	free(subscription);
}

/* Sent two days ago, and nobody knows what came of it: so its effect is looked for. */
static void call_is_old(struct story *s, const char *id, const char *path, int days)
{
	char sql[600];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO cc.outbox (id, tenant_id, lane, op, method, path, body, attempts, first_sent_at,"
		" created_at) VALUES ('%s', '%s', 'account', 'subscription_default_clear', 'POST', '%s',"
		" 'default_payment_method=&metadata[cc_op]=%s', 1, now() - interval '2 days',"
		" now() - interval '%d days')",
		id, s->t.id, path, id, days);
	fixture_control(s->d, sql);
}

#define OLD_CALL(id) \
	"SELECT concat_ws(' ', state, error_code) FROM cc.outbox WHERE id = '" id "' AND tenant_id = '%s'"

static void what_became_of_a_call_is_not_asked_for_ever(void **state)
{
	static const struct stripe_mood astray = { .astray = 100 };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_old"), path[100];

	call_is_old(s, "gone", "/v1/subscriptions/sub_gone", 2);
	stripe_await(s, OLD_CALL("gone"), "dead resource_missing");
	assert_int_equal(1, json_array_size(client_get(
				    s->c, "/tenants/%s/alerts?type=billing_refused&status=open", s->t.id)
						    ->json));
	/* Whoever does not answer as Stripe does is asked for a week. */
	(void)snprintf(path, sizeof(path), "/v1/subscriptions/%s", subscription);
	stripe_feel(peer, &astray);
	call_is_old(s, "asked", path, 6);
	temp_sleep_ms(2000);
	stripe_await(s, OLD_CALL("asked"), "waiting");
	fixture_control(
		s->d, "UPDATE cc.outbox SET created_at = now() - interval '8 days' WHERE id = 'asked'");
	stripe_await(s, OLD_CALL("asked"), "dead unknown_effect");
	stripe_feel(peer, NULL);
	free(subscription);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_plan_that_is_not_sold_has_no_subscription),
		STORY(who_comes_back_before_it_has_ended_begins_again),
		STORY(what_ends_later_ends_as_it_is_then),
		STORY(to_a_plan_that_is_not_sold_it_goes_with_the_period),
		STORY(who_pays_again_is_subscribed_again),
		STORY(the_same_method_again_begins_another),
		STORY(what_never_began_takes_nothing_more),
		STORY(what_is_owed_is_paid_before_the_plan_changes),
		STORY(a_card_that_declines_ends_no_debt),
		STORY(a_plan_asked_for_before_is_no_way_out),
		STORY(who_pays_again_has_one_subscription),
		STORY(a_tenant_that_is_purged_is_unsubscribed),
		STORY(what_is_deleted_is_not_billed_for_another_period),
		STORY(no_subscription_outlives_its_tenant),
		STORY(what_became_of_a_call_is_not_asked_for_ever),
		cmocka_unit_test(stripe_nothing_was_malformed),
	};

	return cmocka_run_group_tests(tests, stripe_group_setup, stripe_group_teardown);
}
