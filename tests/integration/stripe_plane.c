/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "stripe_plane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define RATES \
	"tenant_rate = { limit = 1000000; window = 60; }; key_rate = { limit = 1000000; window = 60; };" \
	" term_months = 12; "
#define WAIT_MS 60000
#define POLL_MS 50

const char stripe_plane_plans[] =
	"free = { limits = { max_policies = 10; max_resources = 10; max_users = 5; max_bouncers = 1; "
	"}; " RATES "price = { minor = 0; currency = \"USD\"; }; };\n"
	"pro = { limits = { max_policies = 1000; max_resources = 100; max_users = 50; max_bouncers = 10; "
	"}; " RATES
	"price = { minor = 9900; currency = \"USD\"; }; api_calls = { included = 0; minor = 1; per = 1; };"
	"stripe = { base = \"price_pro\"; api_calls = \"price_calls\"; bouncer_requests = "
	"\"price_bouncers\"; }; stripe_before = { base = [ \"price_pro_first\", \"price_pro_before\" ]; "
	"}; };\n"
	"big = { limits = { max_policies = -1; max_resources = -1; max_users = -1; max_bouncers = -1; "
	"}; " RATES "price = { minor = 49900; currency = \"USD\"; };"
	"stripe = { base = \"price_big\"; api_calls = \"price_big_calls\"; bouncer_requests = "
	"\"price_big_bouncers\"; }; };\n"
	"unsold = { limits = { max_policies = -1; max_resources = -1; max_users = -1; max_bouncers = -1; "
	"}; " RATES "price = { minor = 100; currency = \"USD\"; }; };\n";

const char *const *stripe_plane_env(struct stripe_peer *p, int evidence_ms)
{
	static char url[200], evidence[80];
	static const char *env[] = {
		url,
		evidence,
		"CONTROLCORE_STRIPE_KEY=" STRIPE_PEER_KEY,
		"CONTROLCORE_STRIPE_WEBHOOK_SECRET=" STRIPE_PLANE_SECRET,
		"CONTROLCORE_STRIPE_WEBHOOK_SECRET_PREVIOUS=" STRIPE_PLANE_OLD_SECRET,
		"CONTROLCORE_STRIPE_METER_API_CALLS=meter_calls",
		"CONTROLCORE_STRIPE_METER_BOUNCER_REQUESTS=meter_bouncers",
		"CONTROLCORE_STRIPE_RETRY_MS=20",
		"CONTROLCORE_STRIPE_RETRY_MOST_MS=500",
		"CONTROLCORE_STRIPE_TIMEOUT_MS=1000",
		"CONTROLCORE_STRIPE_CONCURRENT=4",
		"CONTROLCORE_STRIPE_REPLAY_S=1",
		NULL,
	};

	snprintf(url, sizeof(url), "CONTROLCORE_STRIPE_URL=%s", stripe_url(p));
	snprintf(evidence, sizeof(evidence), "CONTROLCORE_STRIPE_EVIDENCE_S=%d", (evidence_ms + 999) / 1000);
	return env;
}

static void sell(struct stripe_peer *p)
{
	stripe_price(p, "price_pro", 9900, NULL);
	stripe_price(p, "price_big", 49900, NULL);
	stripe_price(p, "price_calls", 1, "meter_calls");
	stripe_price(p, "price_bouncers", 1, "meter_bouncers");
	stripe_price(p, "price_big_calls", 1, "meter_calls");
	stripe_price(p, "price_big_bouncers", 1, "meter_bouncers");
}

struct stripe_peer *peer;

int stripe_group_start(void **state, unsigned seed, int evidence_ms)
{
	static struct daemon_options options;

	peer = stripe_start(seed);
	sell(peer);
	options = (struct daemon_options){ .plans = stripe_plane_plans,
		.env = stripe_plane_env(peer, evidence_ms) };
	daemon_group_options(&options);
	return daemon_group_setup(state);
}

int stripe_group_setup(void **state)
{
	return stripe_group_start(state, 1, 300);
}

int stripe_group_teardown(void **state)
{
	const int failed = daemon_group_teardown(state);

	stripe_stop(peer);
	peer = NULL;
	return failed;
}

void stripe_await(struct story *s, const char *sql, const char *value)
{
	const char *mark = strstr(sql, "%s"), *is = "";
	char *text = NULL;

	assert_non_null(mark);
	assert_true(asprintf(&text, "%.*s%s%s", (int)(mark - sql), sql, s->t.id, mark + 2) > 0);
	for (int ms = 0; ms < WAIT_MS; ms += POLL_MS) {
		is = story_control_value(s, text);
		if (strcmp(is, value) == 0)
			break;
		temp_sleep_ms(POLL_MS);
	}
	if (strcmp(is, value) != 0)
		fail_msg("%s is '%s', not '%s'", text, is, value);
	free(text);
}

char *stripe_await_subscription(struct stripe_peer *p, const char *customer)
{
	for (int ms = 0; ms < WAIT_MS; ms += POLL_MS) {
		char *id = stripe_subscription_of(p, customer);

		if (id != NULL)
			return id;
		temp_sleep_ms(POLL_MS);
	}
	fail_msg("%s has no subscription", customer);
	return NULL;
}

char *stripe_subscribe(struct story *s, struct stripe_peer *p, const char *method)
{
	char *customer, *subscription;

	assert_status(200, stripe_put_method(s, method));
	customer = stripe_customer_of(p, s->t.id);
	assert_non_null(customer);
	subscription = stripe_await_subscription(p, customer);
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "active");
	free(customer);
	return subscription;
}

void stripe_compare_now(struct story *s)
{
	char sql[200];

	snprintf(sql, sizeof(sql),
		"UPDATE cc.outbox SET done_at = done_at - interval '3 hours' WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	stripe_compare_early(s);
}

void stripe_compare_early(struct story *s)
{
	char sql[200];

	snprintf(sql, sizeof(sql), "UPDATE cc.billing SET compare_at = '2000-01-01' WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	stripe_await(s, "SELECT compare_at > now() FROM cc.billing WHERE tenant_id = '%s'", "t");
	/* It is taken in front of the questions: another, behind it, begins when the alert is there. */
	fixture_control(s->d, sql);
	stripe_await(s, "SELECT compare_at > now() FROM cc.billing WHERE tenant_id = '%s'", "t");
}

/* Stories ----------------------------------------------------------------------------------------------- */

const char *stripe_value(struct story *s, const char *sql)
{
	char text[400];
	const char *mark = strstr(sql, "%s");

	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(mark - sql), sql, s->t.id, mark + 2);
	return story_control_value(s, text);
}

const struct answer *stripe_put_method(struct story *s, const char *method)
{
	char path[120];

	(void)snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	return client_put(s->c, path, "{'payment_method':'%s'}", method);
}

const struct answer *stripe_change_plan(struct story *s, const char *query, const char *plan, const char *at)
{
	char path[140];

	(void)snprintf(path, sizeof(path), "/tenants/%s/billing/plan%s", s->t.id, query);
	return client_post(s->c, path, "{'plan_type':'%s','at':'%s'}", plan, at);
}

const struct answer *stripe_give_plan(struct story *s, const char *query, const char *plan, const char *at)
{
	struct story given = *s;

	given.c = s->operator;
	return stripe_change_plan(&given, query, plan, at);
}

bool stripe_is_cancelled(const char *subscription)
{
	json_t *o = stripe_object(peer, subscription);
	const bool is = strcmp(json_string_value(json_object_get(o, "status")), "canceled") == 0;

	json_decref(o);
	return is;
}

void stripe_await_cancelled(const char *subscription)
{
	for (int i = 0; i < 600 && !stripe_is_cancelled(subscription); i++)
		temp_sleep_ms(50);
	assert_true(stripe_is_cancelled(subscription));
}

static const char *ends_with_period(const char *subscription)
{
	json_t *o = stripe_object(peer, subscription), *is = json_object_get(o, "cancel_at_period_end");
	const char *text = json_is_true(is) ? "yes" : "no";

	json_decref(o);
	return text;
}

void stripe_await_end(const char *subscription, const char *wanted)
{
	for (int i = 0; i < 400 && strcmp(ends_with_period(subscription), wanted) != 0; i++)
		temp_sleep_ms(50);
	assert_string_equal(wanted, ends_with_period(subscription));
}

/* A tenant beside the story's, which can be deleted. */
struct story stripe_one_more(struct story *s, const char *word, const char *plan)
{
	struct story other = { .d = s->d, .operator= s->operator};
	char slug[60];

	(void)snprintf(slug, sizeof(slug), "%s-%.40s", word, s->t.slug);
	fixture_tenant(s->d, slug, plan, NULL, NULL, &other.t);
	other.c = client_of(s->d, &other.t);
	return other;
}

void stripe_delete(struct story *s)
{
	assert_status(202, client_delete(s->operator, "/tenants/%s", s->t.id));
}

void stripe_restore(struct story *s)
{
	char path[120];

	(void)snprintf(path, sizeof(path), "/tenants/%s/restore", s->t.id);
	assert_status(200, client_post(s->operator, path, "{}"));
}

void stripe_purge(struct story *s)
{
	char sql[160];

	(void)snprintf(sql, sizeof(sql), "UPDATE cc.tenant SET purge_at = now() WHERE id = '%s'", s->t.id);
	fixture_control(s->d, sql);
}

void stripe_nothing_was_malformed(void **state)
{
	(void)state;
	assert_int_equal(0, stripe_refusals(peer));
	assert_int_equal(0, stripe_doubles(peer));
}

/* Events ------------------------------------------------------------------------------------------------ */

static size_t *order_of(size_t from, size_t to, int copies, unsigned seed, size_t *ret_n)
{
	const size_t n = (to - from) * (size_t)copies;
	size_t *order = malloc((n + 1) * sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = from + i % (to - from);
	for (size_t i = n; seed != 0 && i > 1; i--) {
		const size_t k = (size_t)rand_r(&seed) % i, swap = order[i - 1];

		order[i - 1] = order[k];
		order[k] = swap;
	}
	*ret_n = n;
	return order;
}

void stripe_deliver_all(struct daemon *d, struct stripe_peer *p, int copies, unsigned seed)
{
	static size_t sent;
	struct client *c = client_open(daemon_port(d));
	const size_t to = stripe_events(p);
	size_t n, *order = order_of(sent, to, copies, seed, &n);

	for (size_t i = 0; i < n; i++) {
		char headers[300], *body = stripe_event(p, order[i]);

		snprintf(headers, sizeof(headers), "Stripe-Signature: %s\r\n",
			stripe_signature(STRIPE_PLANE_SECRET, body, (int64_t)time(NULL)));
		assert_status(
			200, client_call(c, "POST", "/api/v1/integrations/stripe/webhook", headers, body));
		free(body);
		client_forget(c);
	}
	sent = to;
	free(order);
	client_close(c);
}
