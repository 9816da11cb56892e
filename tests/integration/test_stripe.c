/* SPDX-License-Identifier: Apache-2.0 */
/* Billing through Stripe: what a tenant has there, how it pays, what its events do, and its hours. */
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

static void a_tenant_becomes_a_customer_and_pays(void **state)
{
	struct story *s = *state;
	const struct answer *a = get(s);
	char *customer, *subscription;
	json_t *o;

	assert_text("stripe", a, "mode");
	assert_text("incomplete", a, "status");
	assert_true(answer_null(a, "subscription_id"));
	a = assert_status(
		200, put(s, "{'payment_method':'pm_123','billing_address':{'line1':'123 Main St',"
			    "'city':'San Francisco','state':'CA','postal_code':'94105','country':'US'}}"));
	assert_text("pm_123", a, "payment_method");
	customer = stripe_customer_of(peer, s->t.id);
	o = stripe_object(peer, customer);
	assert_string_equal("pm_123",
		json_string_value(
			json_object_get(json_object_get(o, "invoice_settings"), "default_payment_method")));
	assert_string_equal(
		"94105", json_string_value(json_object_get(json_object_get(o, "address"), "postal_code")));
	json_decref(o);
	subscription = stripe_await_subscription(peer, customer);
	for (int i = 0; i < 200 && answer_null(a = get(s), "subscription_id"); i++)
		temp_sleep_ms(50);
	assert_text(subscription, a, "subscription_id");
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "active");
	a = get(s);
	assert_text("active", a, "status");
	assert_non_null(strstr(a->body, "\"base_cost\":99.00,\"usage_cost\":0.00,\"total_cost\":99.00"));
	free(customer);
	free(subscription);
}

static void what_stripe_refuses_is_refused(void **state)
{
	struct story *s = *state;
	const struct answer *a = put(s, "{'payment_method':'pm_declined1'}");

	assert_error(402, "payment_declined", a);
	assert_error(422, "payment_method_invalid", put(s, "{'payment_method':'pm_missing1'}"));
	assert_error(502, "billing_provider_error", put(s, "{'payment_method':'pm_external1'}"));
	assert_null(answer_at(get(s), "payment_method"));
	/* With a key as well: it is tried again. */
	{
		char path[140];

		(void)snprintf(path, sizeof(path), "/api/v1/tenants/%s/billing", s->t.id);
		for (int i = 0; i < 2; i++)
			assert_error(402, "payment_declined",
				client_call(s->c, "PUT", path, "Idempotency-Key: once\r\n",
					"{\"payment_method\":\"pm_declined2\"}"));
	}
	a = assert_status(200, client_get(s->c, "/tenants/%s/alerts?type=billing_refused", s->t.id));
	assert_int_equal(1, json_array_size(a->json));
	/* Until it is taken. */
	assert_status(200, put(s, "{'payment_method':'pm_taken'}"));
	assert_int_equal(0, json_array_size(client_get(
				    s->c, "/tenants/%s/alerts?type=billing_refused&status=open", s->t.id)
						    ->json));
}

static void what_takes_its_time_goes_on_as_an_operation(void **state)
{
	const struct stripe_mood slow = { .busy = 100 };
	struct story *s = *state;
	const struct answer *a;
	char operation[64];

	stripe_feel(peer, &slow);
	a = assert_status(202, put(s, "{'payment_method':'pm_slow'}"));
	(void)snprintf(operation, sizeof(operation), "%s", answer_header(a, "Location") + strlen("/api/v1"));
	assert_text("running", assert_status(200, client_get(s->c, "%s", operation)), "status");
	stripe_feel(peer, NULL);
	for (int i = 0; i < 400; i++) {
		a = assert_status(200, client_get(s->c, "%s", operation));
		if (strcmp(answer_text(a, "status"), "running") != 0)
			break;
		temp_sleep_ms(50);
	}
	assert_text("completed", a, "status");
	assert_text("pm_slow", get(s), "payment_method");
}

static void a_plan_changes_by_its_items(void **state)
{
	struct story *s = *state;
	char path[140], *customer, *subscription;
	const char *price = "";
	json_t *o = NULL;

	assert_status(200, put(s, "{'payment_method':'pm_plan'}"));
	customer = stripe_customer_of(peer, s->t.id);
	subscription = stripe_await_subscription(peer, customer);
	(void)snprintf(path, sizeof(path), "/tenants/%s/billing/plan", s->t.id);
	assert_status(200, client_post(s->c, path, "{'plan_type':'big'}"));
	for (int i = 0; i < 400 && strcmp(price, "price_big") != 0; i++) {
		json_decref(o);
		o = stripe_object(peer, subscription);
		price = json_string_value(json_object_get(
			json_object_get(
				json_array_get(json_object_get(json_object_get(o, "items"), "data"), 0),
				"price"),
			"id"));
		temp_sleep_ms(50);
	}
	assert_string_equal("price_big", price);
	/* Each price took the place of the one before: there are no more items than there were. */
	assert_int_equal(3, json_array_size(json_object_get(json_object_get(o, "items"), "data")));
	json_decref(o);
	stripe_await(s,
		"SELECT stale_at IS NULL AND strpos(items::text, 'price_big\"') > 0 FROM cc.billing"
		" WHERE tenant_id = '%s'",
		"t");
	free(customer);
	free(subscription);
}

/* Compares until nothing differs: each time what the last time wrote down has been done. */
static void await_equal(struct story *s)
{
	for (int i = 0; i < 6; i++) {
		stripe_await(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND state = 'waiting'",
			"0");
		stripe_compare_now(s);
		if (json_array_size(
			    client_get(s->c, "/tenants/%s/alerts?type=usage_differs&status=open", s->t.id)
				    ->json) == 0)
			return;
	}
	fail_msg("the hours still differ");
}

/* How often an hour was taken back, and how many events were sent for that hour. */
static const char *corrections(struct story *s)
{
	char sql[400];

	(void)snprintf(sql, sizeof(sql),
		"SELECT count(*) || ' ' || (SELECT count(*) FROM cc.outbox e WHERE e.tenant_id = '%s' AND"
		" e.op = 'meter_event' AND e.subject = min(o.subject)) FROM cc.outbox o"
		" WHERE tenant_id = '%s' AND op = 'meter_event_cancel'",
		s->t.id, s->t.id);
	return story_control_value(s, sql);
}

static void hours_are_told_once_and_compared(void **state)
{
	struct story *s = *state;
	char *customer, *subscription;
	char sql[700];

	assert_status(200, put(s, "{'payment_method':'pm_hours'}"));
	customer = stripe_customer_of(peer, s->t.id);
	subscription = stripe_await_subscription(peer, customer);
	stripe_await(s, "SELECT metered_until IS NOT NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO cc.usage_hour_total (tenant_id, hour, api_calls, bouncer_requests)"
		" SELECT '%s', date_trunc('hour', now(), 'UTC') - make_interval(hours => h), h * 10, h * 10"
		" FROM generate_series(3, 12) h;",
		s->t.id);
	fixture_control(s->d, sql);
	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET metered_until = now() - interval '1 day', metered_since = now() - "
		"interval '1 day'"
		" WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	for (int i = 0; i < 400 && stripe_metered(peer, "meter_calls", customer) +
						   stripe_metered(peer, "meter_bouncers", customer) <
					   1500;
		i++)
		temp_sleep_ms(50);
	assert_int_equal(750, stripe_metered(peer, "meter_calls", customer));
	assert_int_equal(750, stripe_metered(peer, "meter_bouncers", customer));
	stripe_compare_now(s);
	assert_int_equal(
		0, json_array_size(client_get(s->c, "/tenants/%s/alerts?type=usage_differs", s->t.id)->json));
	stripe_spoil_meter(peer, "meter_calls", customer, 1);
	stripe_compare_now(s);
	assert_int_equal(1,
		json_array_size(client_get(s->c, "/tenants/%s/alerts?type=usage_differs&status=open", s->t.id)
					->json));
	/* What was too much is taken back, then what is lacking is sent. */
	await_equal(s);
	assert_int_equal(750, stripe_metered(peer, "meter_calls", customer));
	assert_string_equal("1 2", corrections(s));
	/* An hour that Stripe lost is sent again, under the name that it had. */
	stripe_lose_meter(peer, "meter_bouncers", customer);
	stripe_compare_now(s);
	await_equal(s);
	assert_int_equal(750, stripe_metered(peer, "meter_bouncers", customer));
	/* What is lacking of one is sent, no more. */
	stripe_spoil_meter(peer, "meter_bouncers", customer, -7);
	stripe_compare_now(s);
	await_equal(s);
	assert_int_equal(750, stripe_metered(peer, "meter_bouncers", customer));
	free(customer);
	free(subscription);
}

/* So many hours ago, in the ledger alone. */
static void used(struct story *s, int hours_ago, int calls)
{
	char sql[300];

	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO cc.usage_hour_total (tenant_id, hour, api_calls) VALUES"
		" ('%s', date_trunc('hour', now(), 'UTC') - interval '%d hours', %d)",
		s->t.id, hours_ago, calls);
	fixture_control(s->d, sql);
}

/* The hours since then are Stripe's, and all that were to be sent were. */
static void metered(struct story *s, const char *ago)
{
	char sql[300];

	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET metered_since = now() - interval '%s', metered_until ="
		" date_trunc('hour', now(), 'UTC') WHERE tenant_id = '%s'",
		ago, s->t.id);
	fixture_control(s->d, sql);
}

/* Subjects of the alerts that are open. */
#define DIFFER \
	"SELECT coalesce(string_agg(subject, ' ' ORDER BY subject), '') FROM cc.alert" \
	" WHERE tenant_id = '%s' AND type = 'usage_differs' AND resolved_at IS NULL"

static void a_difference_is_told_until_it_is_none(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_differ");
	char *customer = stripe_customer_of(peer, s->t.id);

	used(s, 5 * 24, 10);
	metered(s, "6 days");
	stripe_compare_now(s);
	stripe_await(s, DIFFER, "usage");
	stripe_await(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND state = 'waiting'", "0");
	assert_int_equal(10, stripe_metered(peer, "meter_calls", customer));
	/* Too much, and too late to be taken back: however often it is looked, it is not over. */
	stripe_spoil_meter(peer, "meter_calls", customer, 3);
	fixture_control(s->d, "UPDATE cc.outbox SET done_at = now() - interval '2 days'"
			      " WHERE op = 'meter_event'");
	for (int i = 0; i < 3; i++) {
		stripe_compare_now(s);
		stripe_await(s, DIFFER, "usage");
	}
	stripe_spoil_meter(peer, "meter_calls", customer, -3);
	stripe_compare_now(s);
	stripe_await(s, DIFFER, "");
	/* Of what is older than Stripe takes corrections for, somebody has to know. */
	fixture_control(s->d, "UPDATE cc.billing SET compared_until = NULL");
	used(s, 36 * 24, 10);
	metered(s, "40 days");
	stripe_compare_now(s);
	stripe_await(s, DIFFER, "usage:missed");
	stripe_compare_now(s);
	stripe_await(s, DIFFER, "usage:missed");
	free(customer);
	free(subscription);
}

static void a_comparison_that_stripe_does_not_answer_is_made_soon(void **state)
{
	const struct stripe_mood astray = { .astray = 100 };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_silent");

	used(s, 5, 10);
	metered(s, "1 day");
	stripe_feel(peer, &astray);
	stripe_compare_now(s);
	stripe_await(s,
		"SELECT compare_at < now() + interval '11 minutes' FROM cc.billing"
		" WHERE tenant_id = '%s'",
		"t");
	/* For a day it may be Stripe's. */
	stripe_await(s, DIFFER, "");
	stripe_await(s, "SELECT compare_silent IS NOT NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	fixture_control(s->d, "UPDATE cc.billing SET compare_silent = now() - interval '25 hours'"
			      " WHERE compare_silent IS NOT NULL");
	stripe_compare_now(s);
	stripe_await(s, DIFFER, "usage:unknown");
	stripe_feel(peer, NULL);
	stripe_compare_now(s);
	/* What was found then may be mended by now. */
	stripe_await(s, "SELECT count(*) FROM cc.alert WHERE tenant_id = '%s' AND subject = 'usage'", "1");
	stripe_await(s,
		"SELECT resolved_at IS NOT NULL FROM cc.alert WHERE tenant_id = '%s'"
		" AND subject = 'usage:unknown'",
		"t");
	free(subscription);
}

/* Stripe adds up in its own time. */
static void a_sum_that_lags_is_no_difference(void **state)
{
	const struct stripe_mood lags = { .lag_s = 3600 };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_lags");
	char *customer = stripe_customer_of(peer, s->t.id);

	used(s, 5, 10);
	metered(s, "1 day");
	fixture_control(s->d, "UPDATE cc.billing SET metered_until = now() - interval '6 hours'"
			      " WHERE metered_until IS NOT NULL");
	for (int i = 0; i < 400 && stripe_metered(peer, "meter_calls", customer) != 10; i++)
		temp_sleep_ms(50);
	stripe_await(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND state = 'waiting'", "0");
	stripe_feel(peer, &lags);
	stripe_compare_early(s);
	stripe_await(s,
		"SELECT compared_until < now() - interval '4 hours' FROM cc.billing"
		" WHERE tenant_id = '%s'",
		"t");
	stripe_await(s, DIFFER, "");
	stripe_feel(peer, NULL);
	stripe_compare_now(s);
	stripe_await(s,
		"SELECT compared_until > now() - interval '4 hours' FROM cc.billing"
		" WHERE tenant_id = '%s'",
		"t");
	stripe_await(s, DIFFER, "");
	stripe_await(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND lane = 'usage'", "1");
	free(customer);
	free(subscription);
}

/* Hours are whole: of the one in which it begins nobody can tell what was used before. */
static void what_was_used_before_a_subscription_is_not_billed(void **state)
{
	struct story *s = *state;
	char *subscription;

	assert_status(200, client_get(s->c, "/policies"));
	subscription = stripe_subscribe(s, peer, "pm_begin");
	stripe_await(s,
		"SELECT metered_since > now() AND metered_until = metered_since AND metered_since <="
		" now() + interval '1 hour' FROM cc.billing WHERE tenant_id = '%s'",
		"t");
	free(subscription);
}

static const struct answer *deliver(struct story *s, const char *body, const char *signature)
{
	char headers[300];

	(void)snprintf(headers, sizeof(headers),
		"Content-Type: application/json; charset=utf-8\r\nStripe-Signature: %s\r\n", signature);
	client_key(s->operator, NULL);
	{
		const struct answer *a = client_call(
			s->operator, "POST", "/api/v1/integrations/stripe/webhook", headers, body);

		client_key(s->operator, daemon_operator_key(s->d));
		return a;
	}
}

static void only_what_stripe_signed_is_taken(void **state)
{
	static const char body[] =
		"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"customer.updated\",\"created\":1,"
		"\"livemode\":false,\"data\":{\"object\":{\"object\":\"customer\",\"id\":\"cus_x\"}}}";
	struct story *s = *state;
	const int64_t now = (int64_t)time(NULL);
	char signature[200], *large;

	assert_error(400, "bad_signature", deliver(s, body, "t=1,v1=00"));
	assert_error(
		400, "bad_signature", deliver(s, body, stripe_signature("whsec_other_secret", body, now)));
	assert_error(400, "bad_signature",
		deliver(s, body, stripe_signature(STRIPE_PLANE_SECRET, body, now - 310)));
	assert_error(400, "bad_signature",
		deliver(s, body, stripe_signature(STRIPE_PLANE_SECRET, body, now + 310)));
	assert_error(
		400, "bad_signature", deliver(s, "{}", stripe_signature(STRIPE_PLANE_SECRET, body, now)));
	/* Of two signatures one will do, and so will either secret. */
	(void)snprintf(signature, sizeof(signature), "%s", stripe_signature(STRIPE_PLANE_SECRET, body, now));
	assert_status(200, deliver(s, body, signature));
	assert_status(200, deliver(s, body, stripe_signature(STRIPE_PLANE_OLD_SECRET, body, now - 200)));
	assert_string_equal(
		"1", story_control_value(s, "SELECT count(*) FROM cc.stripe_event WHERE event_id = 'evt_1'"));
	assert_error(
		400, "invalid_request", deliver(s, "no", stripe_signature(STRIPE_PLANE_SECRET, "no", now)));
	{
		static const char live[] =
			"{\"id\":\"evt_2\",\"type\":\"x\",\"created\":1,\"livemode\":true}";

		assert_error(400, "invalid_request",
			deliver(s, live, stripe_signature(STRIPE_PLANE_SECRET, live, now)));
	}
	large = malloc(512 * 1024 + 2);
	memset(large, 'x', 512 * 1024 + 1);
	large[512 * 1024 + 1] = '\0';
	assert_error(413, "payload_too_large", deliver(s, large, "t=1,v1=00"));
	free(large);
}

static void an_unpaid_subscription_takes_nothing_at_once(void **state)
{
	struct story *s = *state;
	char *customer, *subscription, sql[300];

	assert_status(200, put(s, "{'payment_method':'pm_dun'}"));
	customer = stripe_customer_of(peer, s->t.id);
	subscription = stripe_await_subscription(peer, customer);
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	stripe_set(peer, subscription, "status", json_string("past_due"), "customer.subscription.updated");
	stripe_deliver_all(s->d, peer, 1, 0);
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "past_due");
	/* One look is not enough; the second, when its time has come, is. */
	assert_text("active", get(s), "status");
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "past_due");
	assert_int_equal(1, json_array_size(client_get(
				    s->c, "/tenants/%s/alerts?type=payment_overdue&status=open", s->t.id)
						    ->json));
	story_policy(s, "full service");
	/* Two weeks later. */
	(void)snprintf(sql, sizeof(sql),
		"UPDATE cc.billing SET trouble_since = now() - interval '15 days', stale_at = now()"
		" WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "suspended");
	for (int i = 0;
		i < 100 &&
		client_post(s->c, "/policies", "{'name':'x%d','rego_code':'package p'}", i)->status != 403;
		i++)
		temp_sleep_ms(50);
	assert_error(403, "tenant_suspended",
		client_post(s->c, "/policies", "{'name':'y','rego_code':'package p'}"));
	assert_status(200, client_get(s->c, "/policies"));
	/* Paid: at once. */
	stripe_set(peer, subscription, "status", json_string("active"), "customer.subscription.updated");
	stripe_deliver_all(s->d, peer, 1, 0);
	stripe_await(s, "SELECT status FROM cc.billing WHERE tenant_id = '%s'", "active");
	stripe_await(s, "SELECT status FROM cc.tenant WHERE id = '%s'", "active");
	assert_int_equal(0, json_array_size(client_get(
				    s->c, "/tenants/%s/alerts?type=payment_overdue&status=open", s->t.id)
						    ->json));
	free(customer);
	free(subscription);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_tenant_becomes_a_customer_and_pays),
		STORY(what_stripe_refuses_is_refused),
		STORY(what_takes_its_time_goes_on_as_an_operation),
		STORY(a_plan_changes_by_its_items),
		STORY(hours_are_told_once_and_compared),
		STORY(a_difference_is_told_until_it_is_none),
		STORY(a_comparison_that_stripe_does_not_answer_is_made_soon),
		STORY(a_sum_that_lags_is_no_difference),
		STORY(what_was_used_before_a_subscription_is_not_billed),
		STORY(only_what_stripe_signed_is_taken),
		STORY(an_unpaid_subscription_takes_nothing_at_once),
		cmocka_unit_test(stripe_nothing_was_malformed),
	};

	return cmocka_run_group_tests(tests, stripe_group_setup, stripe_group_teardown);
}
