/* SPDX-License-Identifier: Apache-2.0 */
/* Which hours are Stripe's when subscriptions end and begin again, and what belongs to which period. */
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

__attribute__((format(printf, 2, 3))) static void control(struct story *s, const char *fmt, ...)
{
	char sql[900];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	fixture_control(s->d, sql);
}

/* Requests at bouncers: nothing else in these tests makes any. */
static void used(struct story *s, int hours_ago, int requests)
{
	control(s,
		"INSERT INTO cc.usage_hour_total AS t (tenant_id, hour, bouncer_requests) VALUES"
		" ('%s', date_trunc('hour', now(), 'UTC') - interval '%d hours', %d)"
		" ON CONFLICT (tenant_id, hour) DO UPDATE"
		" SET bouncer_requests = t.bouncer_requests + excluded.bouncer_requests",
		s->t.id, hours_ago, requests);
}

/* It was subscribed long ago, and Stripe knows the hours until two hours ago. */
static void subscribed_long_ago(struct story *s)
{
	control(s,
		"UPDATE cc.billing SET metered_since = date_trunc('hour', now(), 'UTC') - interval '1 day',"
		" metered_until = date_trunc('hour', now(), 'UTC') - interval '2 hours'"
		" WHERE tenant_id = '%s'",
		s->t.id);
}

static void await_metered(const char *customer, int64_t wanted)
{
	for (int i = 0; i < 400 && stripe_metered(peer, "meter_bouncers", customer) != wanted; i++)
		temp_sleep_ms(50);
	assert_int_equal(wanted, stripe_metered(peer, "meter_bouncers", customer));
}

static int64_t final_total(const char *subscription)
{
	json_t *o = stripe_object(peer, subscription), *invoice;
	int64_t total;

	assert_non_null(json_object_get(o, "latest_invoice"));
	invoice = stripe_object(peer, json_string_value(json_object_get(o, "latest_invoice")));
	total = json_integer_value(json_object_get(invoice, "total"));
	json_decref(invoice);
	json_decref(o);
	return total;
}

static void hours_go_by(struct story *s, int hours)
{
	control(s,
		"UPDATE cc.usage_hour_total SET hour = hour - interval '%d hours' WHERE tenant_id = '%s';"
		"UPDATE cc.billing SET metered_since = metered_since - interval '%d hours', metered_until ="
		" metered_until - interval '%d hours', ended_hour = ended_hour - interval '%d hours'"
		" WHERE tenant_id = '%s'",
		hours, s->t.id, hours, hours, hours, s->t.id);
}

/* Also those that were not closed yet; and who comes back is billed from then on. */
static void what_ends_is_billed_to_its_last_hour(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_leave");
	char *customer = stripe_customer_of(peer, s->t.id);

	used(s, 1, 30);
	used(s, 0, 40);
	subscribed_long_ago(s);
	assert_status(200, stripe_change_plan(s, "", "free", "now"));
	stripe_await_cancelled(subscription);
	assert_int_equal(70, stripe_metered(peer, "meter_bouncers", customer));
	assert_int_equal(70 + stripe_metered(peer, "meter_calls", customer), final_total(subscription));
	stripe_await(s, "SELECT stripe_id IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	/* In between it is nobody's. */
	used(s, 0, 25);
	assert_status(200, stripe_change_plan(s, "", "pro", "now"));
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	used(s, 0, 5);
	hours_go_by(s, 3);
	await_metered(customer, 75);
	free(customer);
	free(subscription);
}

/* It ends with its period, in which 30 and 40 were used. */
static char *subscribe_to_end(struct story *s, const char *method)
{
	char *subscription = stripe_subscribe(s, peer, method);

	assert_status(200, stripe_change_plan(s, "", "free", "period_end"));
	stripe_await_end(subscription, "yes");
	stripe_await(s, "SELECT cancels AND stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	used(s, 2, 30);
	used(s, 0, 40);
	subscribed_long_ago(s);
	return subscription;
}

static void period_ends_in(struct story *s, const char *subscription, int seconds)
{
	const int64_t now = (int64_t)time(NULL);

	stripe_period(peer, subscription, now - 86400, now + seconds);
	control(s, "UPDATE cc.billing SET stale_at = now() WHERE tenant_id = '%s'", s->t.id);
}

/* Stripe ends it by itself, and bills what it knows by then. */
static void what_ends_with_its_period_is_billed_as_well(void **state)
{
	struct story *s = *state;
	char *subscription = subscribe_to_end(s, "pm_period"), *customer = stripe_customer_of(peer, s->t.id);

	temp_sleep_ms(2500);
	/* The hour that is now is not closed, nor perhaps the one before. */
	assert_true(stripe_metered(peer, "meter_bouncers", customer) <= 30);
	period_ends_in(s, subscription, 50);
	await_metered(customer, 70);
	free(customer);
	free(subscription);
}

/* What Stripe was told in front of an end was not the last of that hour. */
static void what_goes_on_after_all_is_billed_whole(void **state)
{
	struct story *s = *state;
	char *subscription = subscribe_to_end(s, "pm_rest"), *customer = stripe_customer_of(peer, s->t.id);

	period_ends_in(s, subscription, 55);
	await_metered(customer, 70);
	/* Its last minute is in two hours. */
	used(s, 0, 5);
	hours_go_by(s, 1);
	await_metered(customer, 75);
	/* The plan stays, and so does it. */
	stripe_await(s,
		"SELECT ended_hour = date_trunc('hour', now(), 'UTC') FROM cc.billing WHERE tenant_id = '%s'",
		"t");
	assert_status(200, stripe_change_plan(s, "", "pro", "period_end"));
	stripe_await_end(subscription, "no");
	period_ends_in(s, subscription, 86400);
	stripe_await(
		s, "SELECT NOT cancels AND stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	used(s, 0, 7);
	hours_go_by(s, 3);
	await_metered(customer, 82);
	free(customer);
	free(subscription);
}

#define DIFFER \
	"SELECT count(*) FROM cc.alert WHERE tenant_id = '%s' AND type = 'usage_differs'" \
	" AND resolved_at IS NULL"

/* Hours in which there was no subscription are no difference, and are not sent. */
static void hours_between_are_nobody_s(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_between");
	char *customer = stripe_customer_of(peer, s->t.id);

	subscribed_long_ago(s);
	assert_status(200, stripe_change_plan(s, "", "free", "now"));
	stripe_await_cancelled(subscription);
	stripe_await(s, "SELECT stripe_id IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	used(s, 5, 50);
	assert_status(200, stripe_change_plan(s, "", "pro", "now"));
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	stripe_await(s, "SELECT count(*) FROM cc.outbox WHERE tenant_id = '%s' AND state = 'waiting'", "0");
	stripe_compare_now(s);
	stripe_await(s, DIFFER, "0");
	assert_int_equal(0, stripe_metered(peer, "meter_bouncers", customer));
	free(customer);
	free(subscription);
}

static int64_t calls_in_period(struct story *s)
{
	return answer_int(
		assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id)), "usage.api_calls");
}

/* An hour belongs to its last second, here as at Stripe. */
static void an_hour_is_in_one_period(void **state)
{
	struct story *s = *state;
	const char *shown = "SELECT to_char(stripe_start, 'MI') FROM cc.billing WHERE tenant_id = '%s'";
	const int64_t hour = (int64_t)time(NULL) / 3600 * 3600;
	char *subscription = stripe_subscribe(s, peer, "pm_border");

	control(s,
		"INSERT INTO cc.usage_hour_total (tenant_id, hour, api_calls) VALUES ('%s',"
		" to_timestamp(%lld), 1000000)",
		s->t.id, (long long)hour - 5 * 3600);
	/* It began in the middle of that hour: all of it is this period's … */
	stripe_period(peer, subscription, hour - 5 * 3600 + 1800, hour + 86400);
	control(s, "UPDATE cc.billing SET stale_at = now() WHERE tenant_id = '%s'", s->t.id);
	stripe_await(s, shown, "30");
	assert_true(calls_in_period(s) >= 1000000);
	/* … and not the one's before, which ended then. */
	stripe_period(peer, subscription, hour - 6 * 3600 + 900, hour - 5 * 3600 + 1800);
	control(s, "UPDATE cc.billing SET stale_at = now() WHERE tenant_id = '%s'", s->t.id);
	stripe_await(s, shown, "15");
	assert_true(calls_in_period(s) < 1000000);
	free(subscription);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_ends_is_billed_to_its_last_hour),
		STORY(what_ends_with_its_period_is_billed_as_well),
		STORY(what_goes_on_after_all_is_billed_whole),
		STORY(hours_between_are_nobody_s),
		STORY(an_hour_is_in_one_period),
		cmocka_unit_test(stripe_nothing_was_malformed),
	};

	return cmocka_run_group_tests(tests, stripe_group_setup, stripe_group_teardown);
}
