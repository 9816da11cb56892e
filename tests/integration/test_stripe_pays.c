/* SPDX-License-Identifier: Apache-2.0 */
/* How a tenant pays at Stripe, when that is not what is known of it here. */
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

static const struct answer *get(struct story *s)
{
	return assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id));
}

static const struct answer *put_wrong(struct story *s, const char *method)
{
	char path[120];

	(void)snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	return client_put(s->c, path,
		"{'payment_method':'%s','billing_address':{'line1':'1 Wrong St','city':'Bonn',"
		"'country':'DE'}}",
		method);
}

/* What counts is what was asked for last, not what was done last. */
static void what_is_under_way_is_not_what_will_be(void **state)
{
	const struct stripe_mood busy = { .busy = 100 };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_old");

	stripe_feel(peer, &busy);
	assert_status(202, put_wrong(s, "pm_typo"));
	assert_status(202, stripe_put_method(s, "pm_old"));
	stripe_feel(peer, NULL);
	stripe_await(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND state = 'waiting'", "0");
	stripe_await(s, "SELECT payment_method FROM cc.billing WHERE tenant_id = '%s' AND stale_at IS NULL",
		"pm_old");
	assert_text("pm_old", get(s), "payment_method");
	assert_text("1 Wrong St", get(s), "billing_address.line1");
	free(subscription);
}

/* As in the ledger: as it would be, whatever it is now. */
static void a_dry_run_shows_what_would_be_paid_by(void **state)
{
	struct story *s = *state;
	char path[140];
	const struct answer *a;

	(void)snprintf(path, sizeof(path), "/tenants/%s/billing?dry_run=true", s->t.id);
	a = assert_status(200, client_put(s->c, path,
				       "{'payment_method':'pm_trial','billing_address':{'line1':'3 New St',"
				       "'city':'Bonn','country':'DE'}}"));
	assert_text("pm_trial", a, "payment_method");
	assert_text("3 New St", a, "billing_address.line1");
	a = get(s);
	assert_null(answer_at(a, "payment_method"));
	assert_null(answer_at(a, "billing_address"));
	free(stripe_subscribe(s, peer, "pm_real"));
	a = assert_status(200, client_put(s->c, path, "{'payment_method':'pm_trial'}"));
	assert_text("pm_trial", a, "payment_method");
	assert_text("pm_real", get(s), "payment_method");
	assert_string_equal("0", stripe_value(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s'"
						 " AND strpos(path, 'pm_trial') > 0"));
}

/* What was typed while there was no key is nobody's at Stripe. */
static void what_the_ledger_knew_is_sent_or_forgotten(void **state)
{
	struct story *s = *state;
	char *customer, sql[600];
	json_t *o = NULL;

	stripe_await(s, "SELECT customer_id IS NOT NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	customer = stripe_customer_of(peer, s->t.id);
	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET customer_id = NULL, payment_method = 'pm_typed', sync_at = now(), "
		"address ="
		" '{\"line1\":\"7 Old St\",\"city\":\"Bonn\",\"country\":\"DE\"}' WHERE tenant_id = '%s'",
		s->t.id);
	stripe_forget(peer, customer);
	fixture_control(s->d, sql);
	free(customer);
	assert_null(answer_at(get(s), "payment_method"));
	stripe_await(s,
		"SELECT address_unsent::text || (payment_method IS NULL) FROM cc.billing"
		" WHERE tenant_id = '%s' AND customer_id IS NOT NULL",
		"falsetrue");
	customer = stripe_customer_of(peer, s->t.id);
	o = stripe_object(peer, customer);
	assert_string_equal(
		"7 Old St", json_string_value(json_object_get(json_object_get(o, "address"), "line1")));
	assert_string_equal("0", stripe_value(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s'"
						 " AND op = 'subscription_create'"));
	assert_error(402, "payment_method_required", stripe_change_plan(s, "", "big", "now"));
	json_decref(o);
	free(customer);
}

/* It is told of, once; and what is typed then is sent as ever. */
static void an_address_that_is_refused_is_not_sent_again(void **state)
{
	struct story *s = *state;
	char sql[300], path[120];

	stripe_await(s, "SELECT customer_id IS NOT NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET address_unsent = true, sync_at = now(), address ="
		" '{\"line1\":\"7 Old St\",\"city\":\"Nowhere\",\"country\":\"XX\"}' WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	for (int i = 0; i < 3; i++) {
		stripe_await(s,
			"SELECT count(*) FILTER (WHERE state = 'dead') || ' ' || count(*)"
			" FILTER (WHERE state = 'waiting') FROM cc.outbox WHERE tenant_id = '%s'"
			" AND op = 'customer_update'",
			"1 0");
		stripe_await(s, "SELECT sync_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
		fixture_control(s->d, "UPDATE cc.billing SET sync_at = now()");
	}
	stripe_await(s, "SELECT address_unsent FROM cc.billing WHERE tenant_id = '%s'", "f");
	assert_int_equal(1, json_array_size(client_get(
				    s->c, "/tenants/%s/alerts?type=billing_refused&status=open", s->t.id)
						    ->json));
	/* Named again it is, and nobody is told that nothing changed. */
	(void)snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	for (int i = 0; i < 2; i++)
		assert_status(422,
			client_put(s->c, path,
				"{'billing_address':{'line1':'7 Old St','city':'Nowhere','country':'XX'}}"));
	assert_status(200, put_wrong(s, "pm_somewhere"));
	stripe_await(s, "SELECT address_refused FROM cc.billing WHERE tenant_id = '%s'", "f");
	assert_text("1 Wrong St", get(s), "billing_address.line1");
}

static void await_another(struct story *s, const char *column, const char *before)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql), "SELECT %s <> '%s' FROM cc.billing WHERE tenant_id = '%%s'", column,
		before);
	stripe_await(s, sql, "t");
}

/* With it went its subscription and its payment methods; another takes its place. */
static void a_customer_that_was_deleted_is_replaced(void **state)
{
	struct story *s = *state;
	char *first = stripe_subscribe(s, peer, "pm_lost"), *customer = stripe_customer_of(peer, s->t.id);
	char *second;

	stripe_delete_customer(peer, customer);
	stripe_deliver_all(s->d, peer, 1, 0);
	await_another(s, "customer_id", customer);
	stripe_await(s,
		"SELECT status || ' ' || (stripe_id IS NULL) || ' ' || (payment_method IS NULL)"
		" FROM cc.billing WHERE tenant_id = '%s'",
		"active true true");
	assert_string_equal("active", stripe_value(s, "SELECT status FROM cc.tenant WHERE id = '%s'"));
	stripe_await(s,
		"SELECT count(*) FROM cc.alert WHERE tenant_id = '%s' AND type = 'payment_missing'"
		" AND resolved_at IS NULL",
		"1");
	second = stripe_subscribe(s, peer, "pm_found");
	assert_string_not_equal(first, second);
	assert_text("active", client_get(s->c, "/tenants/%s/billing", s->t.id), "status");
	free(customer);
	free(second);
	free(first);
}

/* It is no way out of what is owed; where nothing is sold any more there is no more to owe. */
static void what_is_owed_outlives_the_customer(void **state)
{
	struct story other = stripe_one_more(*state, "owes", "pro");
	char *subscription = stripe_subscribe(&other, peer, "pm_owes"), sql[200];
	char *customer = stripe_customer_of(peer, other.t.id);

	stripe_set(peer, subscription, "status", json_string("past_due"), "customer.subscription.updated");
	stripe_await(&other, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "past_due");
	stripe_delete_customer(peer, customer);
	await_another(&other, "customer_id", customer);
	stripe_await(&other, "SELECT status FROM cc.tenant WHERE id = '%s'", "suspended");
	(void)snprintf(
		sql, sizeof(sql), "UPDATE cc.tenant SET plan_type = 'free' WHERE id = '%s'", other.t.id);
	fixture_control(other.d, sql);
	stripe_await(&other,
		"SELECT b.status || ' ' || t.status || ' ' || (b.trouble_since IS NULL) FROM cc.billing b"
		" JOIN cc.tenant t ON t.id = b.tenant_id WHERE t.id = '%s'",
		"active active true");
	client_close(other.c);
	free(customer);
	free(subscription);
}

/* Though that shows nothing new, each refusal would bring a look, and each look another call. */
static void what_was_refused_is_not_asked_for_after_each_look(void **state)
{
	static const struct stripe_mood no_price = { .no_price = 100 };
	struct story *s = *state;

	stripe_feel(peer, &no_price);
	assert_status(200, stripe_put_method(s, "pm_again"));
	stripe_await(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND state = 'dead'", "1");
	for (int i = 0; i < 3; i++) {
		stripe_await(s, "SELECT stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
		temp_sleep_ms(500);
		fixture_control(s->d, "UPDATE cc.billing SET stale_at = clock_timestamp()");
	}
	stripe_await(s, "SELECT stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	temp_sleep_ms(1000);
	assert_string_equal("1", stripe_value(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s'"
						 " AND op = 'subscription_create'"));
	/* Another payment method is something new. */
	stripe_feel(peer, NULL);
	free(stripe_subscribe(s, peer, "pm_other"));
}

/* Where no event tells of it, the first that is refused for it does. */
static void a_customer_that_was_deleted_unseen_is_replaced(void **state)
{
	struct story other = stripe_one_more(*state, "unseen", "pro");
	char *customer, *subscription;

	stripe_await(&other,
		"SELECT customer_id IS NOT NULL AND stale_at IS NULL FROM cc.billing"
		" WHERE tenant_id = '%s'",
		"t");
	customer = stripe_customer_of(peer, other.t.id);
	fixture_control(other.d, "UPDATE cc.stripe_replay SET look_at = now() + interval '1 hour'");
	stripe_delete_customer(peer, customer);
	assert_error(422, "payment_method_invalid", stripe_put_method(&other, "pm_unseen"));
	await_another(&other, "customer_id", customer);
	subscription = stripe_subscribe(&other, peer, "pm_unseen");
	fixture_control(other.d, "UPDATE cc.stripe_replay SET look_at = now()");
	client_close(other.c);
	free(customer);
	free(subscription);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_under_way_is_not_what_will_be),
		STORY(a_dry_run_shows_what_would_be_paid_by),
		STORY(what_the_ledger_knew_is_sent_or_forgotten),
		STORY(an_address_that_is_refused_is_not_sent_again),
		STORY(a_customer_that_was_deleted_is_replaced),
		STORY(what_is_owed_outlives_the_customer),
		STORY(what_was_refused_is_not_asked_for_after_each_look),
		STORY(a_customer_that_was_deleted_unseen_is_replaced),
		cmocka_unit_test(stripe_nothing_was_malformed),
	};

	return cmocka_run_group_tests(tests, stripe_group_setup, stripe_group_teardown);
}
