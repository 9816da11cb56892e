/* SPDX-License-Identifier: Apache-2.0 */
/* A subscription that is not paid: what ends when, what goes on, and that to pay brings all of it back. */
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
#define STATUS "SELECT status FROM cc.billing WHERE tenant_id = '%s'"
#define TENANT "SELECT status FROM cc.tenant WHERE id = '%s'"
#define DAY_S 86400

__attribute__((format(printf, 2, 3))) static void control(struct story *s, const char *fmt, ...)
{
	char sql[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	fixture_control(s->d, sql);
}

static void stand(const char *subscription, const char *status)
{
	stripe_set(peer, subscription, "status", json_string(status), "customer.subscription.updated");
}

/* So many days go by since it was last paid, or since it stands as it does. */
static void age(struct story *s, const char *column, int days)
{
	control(s,
		"UPDATE cc.billing SET %s = now() - interval '%d days', stale_at = now() WHERE tenant_id = "
		"'%s'",
		column, days, s->t.id);
}

static char *owe(struct story *s, const char *method)
{
	char *subscription = stripe_subscribe(s, peer, method);

	stand(subscription, "past_due");
	stripe_await(s, STATUS, "past_due");
	return subscription;
}

#define OVERDUE \
	"SELECT count(*) FROM cc.alert WHERE tenant_id = '%s' AND type = 'payment_overdue'" \
	" AND resolved_at IS NULL"

/* Its first invoice is not paid, or the one behind it. */
static void a_subscription_may_begin_unpaid(void **state)
{
	static const struct stripe_mood incomplete = { .incomplete = 100 }, past_due = { .past_due = 100 };
	struct story *s = *state, other = stripe_one_more(s, "late", "pro");
	char *subscription;

	stripe_feel(peer, &incomplete);
	assert_status(200, stripe_put_method(s, "pm_unpaid"));
	stripe_await(s, STATUS, "incomplete");
	story_policy(s, "full service");
	/* Nothing is owed, and nothing is paid: of that somebody is told, until it is. */
	stripe_await(s, OVERDUE, "1");
	subscription = strdup(stripe_value(s, "SELECT stripe_id FROM cc.billing WHERE tenant_id = '%s'"));
	stand(subscription, "active");
	stripe_await(s, OVERDUE, "0");
	stand(subscription, "paused");
	stripe_await(s, OVERDUE, "1");
	stripe_await(s, STATUS, "paused");
	free(subscription);
	stripe_feel(peer, &past_due);
	assert_status(200, stripe_put_method(&other, "pm_late"));
	stripe_await(&other, STATUS, "past_due");
	stripe_feel(peer, NULL);
	client_close(other.c);
}

/* A node hears of it within half a second. */
static void await_refusal(struct story *s, const char *error)
{
	const struct answer *a = NULL;

	for (int i = 0; i < 200; i++) {
		a = client_post(s->c, "/resources?dry_run=true", "{'name':'r','type':'api','path':'/r'}");
		if (a->status == 403)
			break;
		temp_sleep_ms(50);
		client_forget(s->c);
	}
	assert_error(403, error, a);
}

/* "200 ", or the status and its error. Lives until the next call. */
static const char *pep(struct story *s, const char *key, const char *name)
{
	const struct answer *a;
	struct client *c = client_open(daemon_port(s->d));
	static char error[60];

	client_key(c, key);
	a = client_post(c, "/peps/register",
		"{'bouncer_id':'%s','bouncer_type':'sidecar','resource':{'name':'api','type':'api',"
		"'target_host':'a:1','deployment_url':'https://"
		"a.example'},'deployment_info':{'platform':'docker'}}",
		name);
	(void)snprintf(
		error, sizeof(error), "%d %s", a->status, a->status >= 400 ? answer_text(a, "error") : "");
	client_close(c);
	return error;
}

#define assert_pep(wanted, s, key, name) assert_string_equal(wanted, pep(s, key, name))

static const struct answer *restore(struct client *c, const char *tenant)
{
	char path[120];

	(void)snprintf(path, sizeof(path), "/api/v1/tenants/%s/restore", tenant);
	return client_call(c, "POST", path, NULL, NULL);
}

static char *bouncer_key(struct story *s)
{
	return fixture_key(s->d, s->t.id, "bouncers:connect", NULL);
}

static void nobody_adds_in_grace(void **state)
{
	struct story *s = *state;
	char *subscription = owe(s, "pm_grace"), *key = bouncer_key(s), path[160];
	const int64_t policy = story_policy(s, "before"), bouncer = story_bouncer(s, "before");

	assert_pep("200 ", s, key, "edge-1");
	age(s, "trouble_since", 8);
	stripe_await(s, STATUS, "grace");
	await_refusal(s, "payment_overdue");
	assert_error(403, "payment_overdue",
		client_post(s->c, "/policies", "{'name':'p','rego_code':'package p'}"));
	assert_error(403, "payment_overdue",
		client_post(
			s->c, "/bouncers", "{'name':'b','hostname':'b.example','environment':'sandbox'}"));
	assert_error(403, "payment_overdue",
		client_post(s->c, "/users", "{'username':'u','email':'u@example.com','roles':['Viewer']}"));
	(void)snprintf(path, sizeof(path), "/policies/%lld/promote", (long long)policy);
	assert_error(403, "payment_overdue", client_post(s->c, path, "{}"));
	(void)snprintf(path, sizeof(path), "/tenants/%s/api-keys", s->t.id);
	assert_error(
		403, "payment_overdue", client_post(s->c, path, "{'name':'k','scopes':['policies:read']}"));
	(void)snprintf(path, sizeof(path), "/tenants/%s/domains", s->t.id);
	assert_error(403, "payment_overdue", client_post(s->c, path, "{'domain':'grace.example.com'}"));
	assert_pep("403 payment_overdue", s, key, "edge-2");
	/* What there is can be changed, removed and used. */
	(void)snprintf(path, sizeof(path), "/policies/%lld", (long long)policy);
	assert_status(200, client_patch(s->c, path, "{'name':'after'}"));
	assert_pep("200 ", s, key, "edge-1");
	(void)snprintf(path, sizeof(path), "/peps/%lld/heartbeat", (long long)bouncer);
	assert_status(200, client_post(s->c, path, "{}"));
	(void)snprintf(path, sizeof(path), "/bouncers/%lld", (long long)bouncer);
	assert_status(200, client_delete(s->c, "%s", path));
	/* Paid: at once. */
	stand(subscription, "active");
	stripe_await(s, STATUS, "active");
	for (int i = 0;
		i < 200 &&
		client_post(s->c, "/policies", "{'name':'n%d','rego_code':'package n'}", i)->status != 201;
		i++)
		temp_sleep_ms(50);
	story_policy(s, "as ever");
	free(subscription);
	free(key);
}

static void suspended_is_read_only_and_bouncers_go_on(void **state)
{
	struct story *s = *state;
	char *subscription = owe(s, "pm_suspend"), *key = bouncer_key(s), path[160];
	const int64_t policy = story_policy(s, "p"), bouncer = story_bouncer(s, "b");

	assert_pep("200 ", s, key, "edge-1");
	age(s, "trouble_since", 15);
	stripe_await(s, STATUS, "suspended");
	stripe_await(s, TENANT, "suspended");
	await_refusal(s, "tenant_suspended");
	(void)snprintf(path, sizeof(path), "/policies/%lld", (long long)policy);
	assert_error(403, "tenant_suspended", client_patch(s->c, path, "{'name':'q'}"));
	assert_error(403, "tenant_suspended", client_delete(s->c, "%s", path));
	assert_status(200, client_get(s->c, "%s", path));
	assert_status(200, client_get(s->c, "/tenants/%s/metrics", s->t.id));
	(void)snprintf(path, sizeof(path), "/peps/%lld/heartbeat", (long long)bouncer);
	assert_status(200, client_post(s->c, path, "{}"));
	assert_pep("200 ", s, key, "edge-1");
	assert_pep("403 tenant_suspended", s, key, "edge-2");
	stand(subscription, "active");
	stripe_await(s, TENANT, "active");
	free(subscription);
	free(key);
}

/* Thirty days later; a week of clocks that are wrong comes before and changes nothing. */
static void after_thirty_days_it_is_to_be_deleted_unless_it_is_paid(void **state)
{
	struct story *s = *state;
	char *subscription = owe(s, "pm_remove"), path[160];
	char *owner =
		fixture_key(s->d, s->t.id, "tenant:delete,billing:read,billing:write,alerts:read", NULL);

	stand(subscription, "unpaid");
	stripe_await(s, TENANT, "suspended");
	age(s, "standing_at", 29);
	stripe_await(s, "SELECT stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
	temp_sleep_ms(3000);
	stripe_await(s, TENANT, "suspended");
	age(s, "standing_at", 31);
	stripe_await(s, STATUS, "deletion_scheduled");
	stripe_await(s, TENANT, "deletion_scheduled");
	stripe_await(s,
		"SELECT purge_hold || ' ' || (purge_at > now() + interval '29 days') FROM cc.tenant"
		" WHERE id = '%s'",
		"held true");
	client_key(s->c, owner);
	for (int i = 0; i < 200 && client_get(s->c, "/policies")->status != 410; i++)
		temp_sleep_ms(50);
	assert_error(410, "tenant_deleted", client_get(s->c, "/tenants/%s/alerts", s->t.id));
	assert_text("deletion_scheduled",
		assert_status(200, client_get(s->c, "/tenants/%s/billing", s->t.id)), "status");
	assert_error(403, "payment_overdue", restore(s->c, s->t.id));
	/* To pay is possible, and enough. */
	(void)snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	assert_status(200, client_put(s->c, path, "{'payment_method':'pm_better'}"));
	stand(subscription, "active");
	stripe_await(s, TENANT, "active");
	stripe_await(s, STATUS, "active");
	stripe_await(s,
		"SELECT count(*) FROM cc.operation WHERE tenant_id = '%s' AND kind = 'tenant_deletion'"
		" AND status = 'cancelled'",
		"1");
	stripe_await(s, "SELECT purge_hold IS NULL AND purge_at IS NULL FROM cc.tenant WHERE id = '%s'", "t");
	for (int i = 0; i < 200 && client_get(s->c, "/tenants/%s/alerts", s->t.id)->status != 200; i++)
		temp_sleep_ms(50);
	assert_int_equal(0, json_array_size(client_get(
				    s->c, "/tenants/%s/alerts?type=payment_overdue&status=open", s->t.id)
						    ->json));
	free(owner);
	free(subscription);
}

/* The time of a purge is not enough: what is not confirmed by looks at Stripe stays. */
static void nothing_is_purged_by_a_clock_alone(void **state)
{
	struct story *s = *state, other = { .d = s->d, .operator= s->operator};
	char slug[60], *subscription;

	(void)snprintf(slug, sizeof(slug), "unpaid-%.40s", s->t.slug);
	fixture_tenant(s->d, slug, "pro", NULL, NULL, &other.t);
	other.c = client_of(s->d, &other.t);
	subscription = stripe_subscribe(&other, peer, "pm_purge");
	stand(subscription, "unpaid");
	stripe_await(&other, TENANT, "suspended");
	age(&other, "standing_at", 31);
	stripe_await(&other, TENANT, "deletion_scheduled");
	/* An operator's word counts more, and the thirty days begin again. */
	assert_status(200, restore(s->operator, other.t.id));
	control(s, "UPDATE cc.billing SET stale_at = now() WHERE tenant_id = '%s'", other.t.id);
	stripe_await(&other,
		"SELECT status || ' ' || (standing_at > now() - interval '1 minute') || ' ' || removing"
		" FROM cc.billing WHERE tenant_id = '%s'",
		"suspended true false");
	age(&other, "standing_at", 31);
	stripe_await(&other, TENANT, "deletion_scheduled");
	control(s, "UPDATE cc.tenant SET purge_at = now() - interval '1 day' WHERE id = '%s'", other.t.id);
	temp_sleep_ms(4000);
	stripe_await(&other, TENANT, "deletion_scheduled");
	/* Thirty days after it was scheduled, by two looks. */
	age(&other, "standing_at", 31);
	stripe_await(&other, "SELECT count(*) FROM cc.tenant WHERE id = '%s'", "0");
	client_close(other.c);
	free(subscription);
}

static void a_clock_that_is_wrong_suspends_nobody(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_clock");

	for (int sign = -1; sign <= 1; sign += 2) {
		stripe_clock(peer, (int64_t)sign * 40 * DAY_S);
		stand(subscription, "unpaid");
		stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "unpaid");
		for (int i = 0; i < 4; i++) {
			temp_sleep_ms(1200);
			control(s, "UPDATE cc.billing SET stale_at = now() WHERE tenant_id = '%s'", s->t.id);
		}
		stripe_await(s, "SELECT stale_at IS NULL FROM cc.billing WHERE tenant_id = '%s'", "t");
		stripe_await(s, STATUS, "active");
		stripe_await(s, TENANT, "active");
		stand(subscription, "active");
		stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	}
	stripe_clock(peer, 0);
	stand(subscription, "unpaid");
	stripe_await(s, TENANT, "suspended");
	stand(subscription, "active");
	stripe_await(s, TENANT, "active");
	free(subscription);
}

/* So often it is looked again, each time a second and more behind the last. */
static void look_again(struct story *s, int times)
{
	for (int i = 0; i < times; i++) {
		control(s,
			"UPDATE cc.billing SET stale_at = now(), fetch_until = NULL WHERE tenant_id = '%s'",
			s->t.id);
		temp_sleep_ms(1200);
	}
}

/* At this moment: to be paid would bring all of it back. */
static void assert_as_before(struct story *s, const char *method)
{
	char sql[300], all[100];

	(void)snprintf(sql, sizeof(sql),
		"SELECT t.status || ' ' || b.status || ' ' || b.stripe_status || ' ' || b.payment_method"
		" FROM cc.billing b JOIN cc.tenant t ON t.id = b.tenant_id WHERE t.id = '%s'",
		s->t.id);
	(void)snprintf(all, sizeof(all), "active active active %s", method);
	assert_string_equal(all, story_control_value(s, sql));
}

static void who_is_not_stripe_suspends_nobody(void **state)
{
	const struct stripe_mood astray = { .astray = 100 };
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_astray");

	stripe_feel(peer, &astray);
	look_again(s, 4);
	assert_as_before(s, "pm_astray");
	stripe_feel(peer, NULL);
	free(subscription);
}

/* A key of another account does not know the customer either. */
static void what_another_account_does_not_have_is_not_gone(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_elsewhere");
	char *customer = stripe_customer_of(peer, s->t.id);
	json_t *kept[] = { stripe_object(peer, customer), stripe_object(peer, subscription) };

	stripe_forget(peer, customer);
	stripe_forget(peer, subscription);
	look_again(s, 4);
	assert_as_before(s, "pm_elsewhere");
	/* This account has lost it: two looks later it has ended. */
	stripe_put(peer, kept[0]);
	look_again(s, 2);
	stripe_await(s, TENANT, "suspended");
	stripe_put(peer, kept[1]);
	look_again(s, 1);
	stripe_await(s, TENANT, "active");
	json_decref(kept[0]);
	json_decref(kept[1]);
	free(customer);
	free(subscription);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_subscription_may_begin_unpaid),
		STORY(nobody_adds_in_grace),
		STORY(suspended_is_read_only_and_bouncers_go_on),
		STORY(after_thirty_days_it_is_to_be_deleted_unless_it_is_paid),
		STORY(nothing_is_purged_by_a_clock_alone),
		STORY(a_clock_that_is_wrong_suspends_nobody),
		STORY(who_is_not_stripe_suspends_nobody),
		STORY(what_another_account_does_not_have_is_not_gone),
	};

	return cmocka_run_group_tests(tests, stripe_group_setup, stripe_group_teardown);
}
