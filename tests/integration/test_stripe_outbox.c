/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of Stripe's where half of the answers are lost, some are errors that Stripe keeps, and the daemon
 * is killed at any time: each call has its effect exactly once. And events in any order: what is known
 * here is what is so there.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "story.h"
#include "stripe_plane.h"
#include "temp.h"

#define HOURS 12
#define WAIT_MS 120000

static struct stripe_peer *peer;

struct fleet {
	struct daemon *d;
	struct tenant_fixture *t;
	int n;
};

static bool is_long(void)
{
	return getenv("CC_LONG") != NULL;
}

static unsigned seed(void)
{
	return getenv("CC_SEED") != NULL ? (unsigned)strtoul(getenv("CC_SEED"), NULL, 10) : 20261126;
}

static int group_setup(void **state)
{
	struct fleet *f = calloc(1, sizeof(*f));
	void *daemon = NULL;

	print_message("# seed %u\n", seed());
	peer = stripe_start(seed());
	assert_int_equal(0, stripe_plane_setup(&daemon, peer, 1000));
	f->d = daemon;
	f->n = is_long() ? 40 : 5;
	f->t = calloc((size_t)f->n, sizeof(*f->t));
	*state = f;
	return 0;
}

static int group_teardown(void **state)
{
	struct fleet *f = *state;
	void *daemon = f->d;
	const int failed = stripe_plane_teardown(&daemon);

	stripe_stop(peer);
	free(f->t);
	free(f);
	return failed;
}

/*
 * What is asked of Stripe for one tenant: customer, method, address, subscription, and hours of two
 * meters.
 */
static void ask_all(struct fleet *f, int i)
{
	struct client *c = client_of(f->d, &f->t[i]);
	const struct answer *a;
	char path[120], sql[900];

	snprintf(path, sizeof(path), "/tenants/%s/billing", f->t[i].id);
	a = client_put(c, path,
		"{'payment_method':'pm_%d','billing_address':{'line1':'%d Main St','city':'Kiel',"
		"'country':'DE'}}",
		i, i);
	assert_true(a->status == 200 || a->status == 202);
	client_close(c);
	snprintf(sql, sizeof(sql),
		"INSERT INTO cc.usage_hour_total (tenant_id, hour, api_calls, bouncer_requests)"
		" SELECT '%s', date_trunc('hour', now(), 'UTC') - make_interval(hours => h), h, h"
		" FROM generate_series(3, %d) h",
		f->t[i].id, HOURS + 2);
	fixture_control(f->d, sql);
}

static long number(struct fleet *f, const char *sql)
{
	struct story s = { .d = f->d };

	return strtol(story_control_value(&s, sql), NULL, 10);
}

static void kill_at_random(struct fleet *f, unsigned *random)
{
	temp_sleep_ms(100 + rand_r(random) % 900);
	daemon_kill(f->d);
	daemon_restart(f->d);
}

static void settle(struct fleet *f)
{
	for (int ms = 0; ms < WAIT_MS; ms += 100) {
		if (number(f, "SELECT count(*) FROM cc.outbox WHERE state = 'waiting'") == 0 &&
			number(f, "SELECT count(*) FROM cc.billing WHERE stripe_id IS NULL AND "
				  "payment_method IS NOT NULL") == 0)
			return;
		temp_sleep_ms(100);
	}
	fail_msg("%ld calls wait", number(f, "SELECT count(*) FROM cc.outbox WHERE state = 'waiting'"));
}

static void each_call_has_one_effect(void **state)
{
	const struct stripe_mood mood = {
		.lose = 50, .fail_before = 5, .fail_after = 5, .busy = 5, .in_use = 5
	};
	struct fleet *f = *state;
	unsigned random = seed();
	char *sql = NULL;

	for (int i = 0; i < f->n; i++) {
		char slug[32];

		snprintf(slug, sizeof(slug), "fleet%d", i);
		fixture_tenant(f->d, slug, "pro", NULL, NULL, &f->t[i]);
	}
	stripe_feel(peer, &mood);
	for (int i = 0; i < f->n; i++)
		ask_all(f, i);
	for (int i = 0; i < (is_long() ? 100 : 2); i++)
		kill_at_random(f, &random);
	settle(f);
	/* The hours, as if the subscriptions were two days old. */
	assert_true(asprintf(&sql, "UPDATE cc.billing SET metered_since = now() - interval '2 days',"
				   " metered_until = now() - interval '2 days'") > 0);
	fixture_control(f->d, sql);
	free(sql);
	for (int i = 0; i < (is_long() ? 100 : 2); i++)
		kill_at_random(f, &random);
	for (int ms = 0;
		ms < WAIT_MS &&
		number(f, "SELECT count(*) FROM cc.outbox WHERE op = 'meter_event'") < (long)f->n * HOURS * 2;
		ms += 100)
		temp_sleep_ms(100);
	settle(f);
	stripe_feel(peer, NULL);
	print_message("# %ld calls, %d requests, %d effects\n", number(f, "SELECT count(*) FROM cc.outbox"),
		stripe_calls(peer), stripe_effects(peer));
	assert_int_equal(0, number(f, "SELECT count(*) FROM cc.outbox WHERE state <> 'done'"));
	assert_int_equal(0, stripe_refusals(peer));
	assert_int_equal(0, stripe_doubles(peer));
	assert_int_equal(number(f, "SELECT count(*) FROM cc.outbox WHERE op <> 'payment_method_attach'"),
		stripe_effects(peer));
	for (int i = 0; i < f->n; i++) {
		char *customer = stripe_customer_of(peer, f->t[i].id), *subscription;

		assert_non_null(customer);
		subscription = stripe_subscription_of(peer, customer);
		assert_non_null(subscription);
		assert_int_equal((3 + HOURS + 2) * HOURS / 2, stripe_metered(peer, "meter_calls", customer));
		assert_int_equal(
			(3 + HOURS + 2) * HOURS / 2, stripe_metered(peer, "meter_bouncers", customer));
		free(subscription);
		free(customer);
	}
}

/* Of a tenant's subscription and customer, what is known here. */
static void assert_same(struct fleet *f, int i)
{
	char *customer = stripe_customer_of(peer, f->t[i].id),
	     *subscription = stripe_subscription_of(peer, customer);
	json_t *o = stripe_object(peer, subscription), *c = stripe_object(peer, customer);
	const char *method = json_string_value(
		json_object_get(json_object_get(c, "invoice_settings"), "default_payment_method"));
	char *sql = NULL;
	long same = 0;

	assert_true(
		asprintf(&sql,
			"SELECT count(*) FROM cc.billing WHERE tenant_id = '%s' AND stripe_status = '%s' AND"
			" payment_method = '%s' AND stripe_id = '%s' AND customer_id = '%s' AND (SELECT "
			"count(*) FROM"
			" cc.invoice v WHERE v.tenant_id = '%s') = 3",
			f->t[i].id, json_string_value(json_object_get(o, "status")), method, subscription,
			customer, f->t[i].id) > 0);
	for (int ms = 0; ms < WAIT_MS && (same = number(f, sql)) != 1; ms += 100)
		temp_sleep_ms(100);
	if (same != 1)
		fail_msg("not so: %s", sql);
	free(sql);
	json_decref(o);
	json_decref(c);
	free(customer);
	free(subscription);
}

static void change_at_random(struct fleet *f, unsigned *random)
{
	static const char *const statuses[] = { "active", "past_due", "active", "trialing", "past_due",
		"unpaid" };
	const int i = rand_r(random) % f->n;
	char *customer = stripe_customer_of(peer, f->t[i].id),
	     *subscription = stripe_subscription_of(peer, customer);

	stripe_set(peer, subscription, "status", json_string(statuses[rand_r(random) % 6]),
		"customer.subscription.updated");
	free(customer);
	free(subscription);
}

static void events_in_any_order_end_in_the_truth(void **state)
{
	struct fleet *f = *state;
	unsigned random = seed() + 1;
	const size_t wanted = is_long() ? 10000 : 500;
	const size_t before = stripe_events(peer);

	for (int i = 0; i < f->n; i++)
		for (int k = 0; k < 3; k++) {
			char *customer = stripe_customer_of(peer, f->t[i].id);

			stripe_invoice(peer, customer, k == 0 ? "paid" : "open", 9900 + k);
			free(customer);
		}
	/* The changes go on while events of earlier ones arrive late, twice and in the wrong order. */
	for (int part = 0; part < 5; part++) {
		while (stripe_events(peer) < before + wanted * (size_t)(part + 1) / 5)
			change_at_random(f, &random);
		stripe_deliver_all(f->d, peer, 3, random + 1);
	}
	print_message("# %zu events, each three times\n", stripe_events(peer) - before);
	for (int i = 0; i < f->n; i++)
		assert_same(f, i);
	assert_int_equal((long)stripe_events(peer), number(f, "SELECT count(*) FROM cc.stripe_event"));
	assert_int_equal(0, stripe_refusals(peer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_has_one_effect),
		cmocka_unit_test(events_in_any_order_end_in_the_truth),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
