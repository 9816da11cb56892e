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
#include <time.h>

#include <cmocka.h>

#include "cc/base/str.h"
#include "client.h"
#include "story.h"
#include "stripe_plane.h"
#include "temp.h"

#define HOURS 12
#define WAIT_MS 120000

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
	assert_int_equal(0, stripe_group_start(&daemon, seed(), 1000));
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
	const int failed = stripe_group_teardown(&daemon);

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

/* What is so at Stripe, and what follows for the tenant. */
static void add_truth(struct str *out, const json_t *subscription, const json_t *customer)
{
	const char *status = json_string_value(json_object_get(subscription, "status"));
	const json_t *items = json_object_get(json_object_get(subscription, "items"), "data"), *item;
	const json_t *address = json_object_get(customer, "address");
	const bool unpaid = strcmp(status, "unpaid") == 0;

	item = json_array_get(items, 0);
	str_addf(out, "%s %s %s|%lld-%lld|", status, unpaid ? "suspended" : status,
		unpaid ? "suspended" : "active",
		(long long)json_integer_value(json_object_get(item, "current_period_start")),
		(long long)json_integer_value(json_object_get(item, "current_period_end")));
	str_addf(out, "%s %s|%s %s|%s %s %s", json_string_value(json_object_get(subscription, "id")),
		json_string_value(json_object_get(customer, "id")),
		json_string_value(json_object_get(json_object_get(item, "price"), "id")),
		json_string_value(json_object_get(
			json_object_get(customer, "invoice_settings"), "default_payment_method")),
		json_string_value(json_object_get(address, "line1")),
		json_string_value(json_object_get(address, "city")),
		json_string_value(json_object_get(address, "country")));
}

/* Ids are in the order in which invoices were made. */
static void add_invoices(struct str *out, json_t *invoices)
{
	const json_t *o;
	size_t i;

	json_array_foreach(invoices, i, o) str_addf(out, "|%s %s %lld",
		json_string_value(json_object_get(o, "id")), json_string_value(json_object_get(o, "status")),
		(long long)json_integer_value(json_object_get(o, "total")));
}

/* The same of what is known here. */
static const char known[] =
	"SELECT concat_ws('|', concat_ws(' ', b.stripe_status, b.status, t.status),"
	" concat_ws('-', extract(epoch FROM b.stripe_start)::bigint, extract(epoch FROM "
	"b.stripe_end)::bigint),"
	" concat_ws(' ', b.stripe_id, b.customer_id),"
	" concat_ws(' ', (SELECT k FROM json_object_keys(b.items) k WHERE k = 'price_' || t.plan_type),"
	" b.payment_method), concat_ws(' ', b.address->>'line1', b.address->>'city', b.address->>'country'),"
	" (SELECT string_agg(concat_ws(' ', v.id, v.status, v.total_minor), '|' ORDER BY v.id COLLATE \"C\")"
	" FROM cc.invoice v WHERE v.tenant_id = t.id))"
	" FROM cc.billing b JOIN cc.tenant t ON t.id = b.tenant_id WHERE t.id = '%s'";

static void assert_same(struct fleet *f, int i)
{
	char *customer = stripe_customer_of(peer, f->t[i].id),
	     *subscription = stripe_subscription_of(peer, customer);
	json_t *o = stripe_object(peer, subscription), *c = stripe_object(peer, customer);
	json_t *invoices = stripe_invoices_of(peer, customer);
	struct story s = { .d = f->d, .t = f->t[i] };
	struct arena *a = arena_create(4096);
	struct str truth;

	str_init(&truth, a, 512);
	add_truth(&truth, o, c);
	add_invoices(&truth, invoices);
	stripe_await(&s, known, truth.data);
	arena_destroy(a);
	json_decref(invoices);
	json_decref(o);
	json_decref(c);
	free(customer);
	free(subscription);
}

static void change_status(const char *subscription, unsigned *random)
{
	static const char *const statuses[] = { "active", "past_due", "active", "trialing", "past_due",
		"unpaid" };

	stripe_set(peer, subscription, "status", json_string(statuses[rand_r(random) % 6]),
		"customer.subscription.updated");
}

static void change_period(const char *subscription, unsigned *random)
{
	const int64_t start = (int64_t)time(NULL) - rand_r(random) % 86400;
	json_t *o;

	stripe_period(peer, subscription, start, start + 30 * 86400);
	o = stripe_object(peer, subscription);
	stripe_happen(peer, "customer.subscription.updated", o);
	json_decref(o);
}

static void change_method(const char *customer, unsigned *random)
{
	char method[32];

	(void)snprintf(method, sizeof(method), "pm_other_%d", rand_r(random) % 5);
	stripe_set(peer, customer, "invoice_settings", json_pack("{s:s}", "default_payment_method", method),
		"customer.updated");
}

static void change_invoice(const char *customer, unsigned *random)
{
	static const char *const statuses[] = { "paid", "open", "uncollectible", "void" };
	json_t *invoices = stripe_invoices_of(peer, customer);
	const json_t *one = json_array_get(invoices, (size_t)rand_r(random) % json_array_size(invoices));

	stripe_set(peer, json_string_value(json_object_get(one, "id")), "status",
		json_string(statuses[rand_r(random) % 4]), "invoice.updated");
	json_decref(invoices);
}

static void change_at_random(struct fleet *f, unsigned *random)
{
	const int i = rand_r(random) % f->n, what = rand_r(random) % 10;
	char *customer = stripe_customer_of(peer, f->t[i].id),
	     *subscription = stripe_subscription_of(peer, customer);

	if (what < 6)
		change_status(subscription, random);
	else if (what < 7)
		change_period(subscription, random);
	else if (what < 8)
		change_method(customer, random);
	else
		change_invoice(customer, random);
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
