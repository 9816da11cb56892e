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
	"\"price_bouncers\"; }; };\n"
	"big = { limits = { max_policies = -1; max_resources = -1; max_users = -1; max_bouncers = -1; "
	"}; " RATES "price = { minor = 49900; currency = \"USD\"; };"
	"stripe = { base = \"price_big\"; api_calls = \"price_big_calls\"; bouncer_requests = "
	"\"price_big_bouncers\"; }; };\n";

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

int stripe_plane_setup(void **state, struct stripe_peer *p, int evidence_ms)
{
	static struct daemon_options options;

	sell(p);
	options = (struct daemon_options){ .plans = stripe_plane_plans,
		.env = stripe_plane_env(p, evidence_ms) };
	daemon_group_options(&options);
	return daemon_group_setup(state);
}

int stripe_plane_teardown(void **state)
{
	return daemon_group_teardown(state);
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
	char path[120], *customer, *subscription;

	snprintf(path, sizeof(path), "/tenants/%s/billing", s->t.id);
	assert_status(200, client_put(s->c, path, "{'payment_method':'%s'}", method));
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

	snprintf(sql, sizeof(sql), "UPDATE cc.billing SET compare_at = '2000-01-01' WHERE tenant_id = '%s'",
		s->t.id);
	fixture_control(s->d, sql);
	stripe_await(s, "SELECT compare_at > now() FROM cc.billing WHERE tenant_id = '%s'", "t");
	/* It is taken in front of the questions: another, behind it, begins when the alert is there. */
	fixture_control(s->d, sql);
	stripe_await(s, "SELECT compare_at > now() FROM cc.billing WHERE tenant_id = '%s'", "t");
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
