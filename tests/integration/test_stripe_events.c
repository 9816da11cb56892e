/* SPDX-License-Identifier: Apache-2.0 */
/* Events that never came, and those that somebody has to be told of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "story.h"
#include "stripe_plane.h"
#include "temp.h"

#define STORY(f) cmocka_unit_test_setup_teardown(f, story_open, story_close)

#define ALERTS(type) \
	"SELECT count(*) || ' ' || count(*) FILTER (WHERE resolved_at IS NULL) FROM cc.alert" \
	" WHERE type = '" type "' AND tenant_id = '%s'"

/* No webhook is delivered in this suite but where it says so. */
static void an_event_that_never_came_is_read_from_the_list(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_lost");
	size_t n;

	stripe_set(peer, subscription, "status", json_string("trialing"), "customer.subscription.updated");
	/* The next look without a hint would be in a day. */
	stripe_await(s, "SELECT stripe_status FROM cc.billing WHERE tenant_id = '%s'", "trialing");
	n = stripe_events(peer);
	for (int i = 0;
		i < 100 &&
		(size_t)strtol(story_control_value(s, "SELECT count(*) FROM cc.stripe_event"), NULL, 10) < n;
		i++)
		temp_sleep_ms(100);
	assert_int_equal(n, strtol(story_control_value(s, "SELECT count(*) FROM cc.stripe_event"), NULL, 10));
	/* What comes late after all is the same event. */
	stripe_deliver_all(s->d, peer, 2, 7);
	assert_int_equal(n, strtol(story_control_value(s, "SELECT count(*) FROM cc.stripe_event"), NULL, 10));
	assert_string_equal("t", story_control_value(s, "SELECT read_to > now() - interval '1 minute' FROM"
							" cc.stripe_replay"));
	free(subscription);
}

/* More than one page, and more than are fetched in one round. */
static void many_events_are_read_page_by_page(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_many");
	const size_t n = stripe_events(peer) + 260;

	fixture_control(s->d, "UPDATE cc.stripe_replay SET look_at = now() + interval '1 hour'");
	while (stripe_events(peer) < n)
		stripe_set(
			peer, subscription, "status", json_string("active"), "customer.subscription.updated");
	fixture_control(s->d, "UPDATE cc.stripe_replay SET look_at = now()");
	for (int i = 0;
		i < 300 &&
		(size_t)strtol(story_control_value(s, "SELECT count(*) FROM cc.stripe_event"), NULL, 10) < n;
		i++)
		temp_sleep_ms(100);
	assert_int_equal(n, strtol(story_control_value(s, "SELECT count(*) FROM cc.stripe_event"), NULL, 10));
	free(subscription);
}

static void a_dispute_is_told_to_whom_it_concerns(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_dispute"),
	     *customer = stripe_customer_of(peer, s->t.id);
	json_t *charge = json_pack("{s:s,s:s,s:s}", "id", "ch_1", "object", "charge", "customer", customer);
	json_t *dispute = json_pack("{s:s,s:s,s:s,s:s}", "id", "dp_1", "object", "dispute", "charge", "ch_1",
		"reason", "fraudulent");
	const struct answer *a;

	stripe_put(peer, charge);
	stripe_happen(peer, "charge.dispute.created", dispute);
	stripe_await(s, ALERTS("payment_disputed"), "1 1");
	a = client_get(s->c, "/tenants/%s/alerts?type=payment_disputed", s->t.id);
	assert_text("critical", a, "[0].severity");
	assert_text("A payment is contested at its bank (fraudulent).", a, "[0].message");
	stripe_happen(peer, "charge.dispute.closed", dispute);
	stripe_await(s, ALERTS("payment_disputed"), "1 0");
	json_decref(charge);
	json_decref(dispute);
	free(customer);
	free(subscription);
}

/* Thin, as events of the second API are: what it is about is asked for. */
static void what_a_meter_could_not_use_is_told(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_meter"), body[600], headers[300], identifier[200];
	json_t *event;

	(void)snprintf(identifier, sizeof(identifier), "cc:%s:api_calls:2026-01-01T10:v1", s->t.id);
	event = json_pack("{s:s,s:s,s:s,s:{s:s,s:{s:[{s:s,s:[{s:s,s:{s:s}}]}]}}}", "id", "evt_thin", "object",
		"v2.core.event", "type", "v1.billing.meter.error_report_triggered", "data",
		"developer_message_summary", "There is 1 invalid event", "reason", "error_types", "code",
		"meter_event_customer_not_found", "sample_errors", "error_message", "No such customer",
		"request", "identifier", identifier);
	stripe_put(peer, event);
	(void)snprintf(body, sizeof(body),
		"{\"id\":\"evt_thin\",\"object\":\"v2.core.event\",\"livemode\":false,"
		"\"created\":\"2026-11-26T10:00:00.000Z\",\"type\":\"v1.billing.meter.error_report_"
		"triggered\","
		"\"related_object\":{\"id\":\"mtr_1\",\"type\":\"billing.meter\",\"url\":\"/v1/billing/"
		"meters/mtr_1\"}}");
	(void)snprintf(headers, sizeof(headers), "Content-Type: application/json\r\nStripe-Signature: %s\r\n",
		stripe_signature(STRIPE_PLANE_SECRET, body, (int64_t)time(NULL)));
	client_key(s->operator, NULL);
	assert_status(
		200, client_call(s->operator, "POST", "/api/v1/integrations/stripe/webhook", headers, body));
	client_key(s->operator, daemon_operator_key(s->d));
	stripe_await(s, ALERTS("usage_refused"), "1 1");
	assert_text("Stripe could not bill api_calls:2026-01-01T10:v1: No such customer",
		client_get(s->c, "/tenants/%s/alerts?type=usage_refused", s->t.id), "[0].message");
	/* It is over when the hours agree. */
	fixture_control(s->d, "UPDATE cc.billing SET metered_since = now() - interval '1 day',"
			      " metered_until = now() - interval '3 hours' WHERE metered_until IS NOT NULL");
	stripe_compare_now(s);
	stripe_await(s, ALERTS("usage_refused"), "1 0");
	json_decref(event);
	free(subscription);
}

/* A payment method that is detached belongs to nobody any more: it is known who had it. */
static void a_method_that_is_detached_is_no_longer_charged(void **state)
{
	struct story *s = *state;
	char *subscription = stripe_subscribe(s, peer, "pm_leaves");

	for (int said = 1; said >= 0; said--) {
		/* What was said before says nothing any more. */
		stripe_deliver_all(s->d, peer, 1, 0);
		stripe_await(s,
			"SELECT stale_at IS NULL AND NOT EXISTS (SELECT FROM cc.stripe_event WHERE"
			" handled_at IS NULL) FROM cc.billing WHERE tenant_id = '%s'",
			"t");
		stripe_detach(peer, said == 1 ? "pm_leaves" : "pm_leaves_silently", said == 1);
		stripe_deliver_all(s->d, peer, 1, 0);
		stripe_await(s,
			"SELECT coalesce(payment_method, 'none') FROM cc.billing WHERE tenant_id = '%s'",
			"none");
		if (said == 1)
			assert_status(200, stripe_put_method(s, "pm_leaves_silently"));
	}
	free(subscription);
}

static void run_sql(PGconn *pg, const char *sql)
{
	PGresult *r = PQexec(pg, sql);

	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	PQclear(r);
}

static void lock_billing(PGconn *pg, struct story *s, const char *how)
{
	char sql[200];

	(void)snprintf(sql, sizeof(sql), "SELECT FROM cc.billing WHERE tenant_id = '%s' FOR UPDATE %s",
		s->t.id, how);
	run_sql(pg, sql);
}

#define MARKED 5

/* An event of each; all are there at once. */
static void new_events_of(const struct story others[MARKED])
{
	char sql[800], ids[500] = "";

	for (int i = 0; i < MARKED; i++)
		(void)snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s'%s'", i > 0 ? "," : "",
			others[i].t.id);
	(void)snprintf(sql, sizeof(sql),
		"INSERT INTO cc.stripe_event (event_id, type, created, livemode, customer, payload)"
		" SELECT 'evt_' || tenant_id, 'customer.updated', now(), false, customer_id, '{}' FROM"
		" cc.billing WHERE tenant_id IN (%s)",
		ids);
	fixture_control(others[0].d, sql);
}

/* Somebody waits for what this session holds. */
static void await_waiter(struct story *s, PGconn *pg)
{
	char sql[120];

	(void)snprintf(sql, sizeof(sql),
		"SELECT count(*) > 0 FROM pg_stat_activity WHERE %d = ANY (pg_blocking_pids(pid))",
		PQbackendPID(pg));
	for (int i = 0; i < 100 && strcmp(story_control_value(s, sql), "t") != 0; i++)
		temp_sleep_ms(100);
	assert_string_equal("t", story_control_value(s, sql));
}

/* Else two nodes that mark the same customers could wait for each other. */
static void customers_are_marked_in_one_order(void **state)
{
	static const char *const words[MARKED] = { "zz", "yy", "xx", "ww", "aa" };
	struct story *s = *state, others[MARKED], *first = &others[MARKED - 1];
	char *info = daemon_conninfo(s->d, DAEMON_CONTROL_DB);
	PGconn *pg = PQconnectdb(info);

	for (int i = 0; i < MARKED; i++) {
		others[i] = stripe_one_more(s, words[i], "pro");
		stripe_await(&others[i],
			"SELECT customer_id IS NOT NULL AND sync_at IS NULL FROM cc.billing WHERE tenant_id "
			"= '%s'",
			"t");
	}
	run_sql(pg, "BEGIN");
	lock_billing(pg, first, "");
	new_events_of(others);
	await_waiter(s, pg);
	for (int i = 0; i < MARKED - 1; i++)
		lock_billing(pg, &others[i], "NOWAIT");
	run_sql(pg, "ROLLBACK");
	stripe_await(s, "SELECT count(*) FROM cc.stripe_event WHERE handled_at IS NULL AND '%s' <> ''", "0");
	PQfinish(pg);
	free(info);
	for (int i = 0; i < MARKED; i++)
		client_close(others[i].c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_event_that_never_came_is_read_from_the_list),
		STORY(many_events_are_read_page_by_page),
		STORY(a_dispute_is_told_to_whom_it_concerns),
		STORY(what_a_meter_could_not_use_is_told),
		STORY(a_method_that_is_detached_is_no_longer_charged),
		STORY(customers_are_marked_in_one_order),
		cmocka_unit_test(stripe_nothing_was_malformed),
	};

	return cmocka_run_group_tests(tests, stripe_group_setup, stripe_group_teardown);
}
