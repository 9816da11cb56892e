/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a tenant had are kept from others for a while, unless an operator releases them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "claim.h"
#include "client.h"
#include "daemon.h"
#include "temp.h"

#define STEP_US 100000
#define STEPS 300
#define CREATE "{'name':'N','domain':'%s.controlcore.io','plan_type':'pro','region':'us-east-1'}"

static const char *const env[] = { "CONTROLCORE_DOMAINS_DNS_MS=3000", NULL };

static int setup(void **state)
{
	*state = claim_daemon(env);
	return 0;
}

/* Where a name stands in the list; -1: nowhere. */
static int place_of(struct client *operator, const char *name)
{
	const struct answer *a = assert_status(200, client_get(operator, "/held-names"));

	for (int i = 0; i < (int)answer_count(a, "held_names"); i++) {
		char path[40];

		snprintf(path, sizeof(path), "held_names[%d].name", i);
		if (strcmp(name, answer_text(a, path)) == 0)
			return i;
	}
	return -1;
}

static void several_resolvers_are_no_weakness(void **state)
{
	assert_int_equal(0, daemon_log_lines(*state, "a single resolver"));
}

static void a_slug_that_was_given_up_is_held(void **state)
{
	struct client *operator = client_operator(*state);
	struct tenant_fixture t;
	const struct answer *a;
	char path[200], at[60];
	int i;

	fixture_tenant(*state, "leaver", NULL, NULL, NULL, &t);
	snprintf(path, sizeof(path), "/tenants/%s", t.id);
	assert_status(200, client_patch(operator, path, "{'domain':'moved-on.controlcore.io'}"));
	assert_error(409, "slug_taken", client_post(operator, "/tenants", CREATE, "leaver"));
	/* Nobody is called so meanwhile. */
	assert_error(404, "tenant_not_found", client_get(operator, "/tenants/leaver"));
	i = place_of(operator, "leaver");
	assert_int_not_equal(-1, i);
	a = assert_status(200, client_get(operator, "/held-names"));
	snprintf(at, sizeof(at), "held_names[%d].kind", i);
	assert_text("slug", a, at);
	snprintf(at, sizeof(at), "held_names[%d].tenant_id", i);
	assert_text(t.id, a, at);
	/* Its own it may have back, and leave again. */
	assert_status(200, client_patch(operator, path, "{'domain':'leaver.controlcore.io'}"));
	assert_int_equal(-1, place_of(operator, "leaver"));
	assert_error(409, "slug_taken", client_post(operator, "/tenants", CREATE, "moved-on"));
	assert_status(200, client_patch(operator, path, "{'domain':'moved-on.controlcore.io'}"));
	assert_error(409, "slug_taken", client_post(operator, "/tenants", CREATE, "leaver"));
	assert_text("leaver", assert_status(200, client_delete(operator, "/held-names/leaver")), "name");
	assert_error(404, "resource_not_found", client_delete(operator, "/held-names/leaver"));
	assert_status(201, client_post(operator, "/tenants", CREATE, "leaver"));
	client_close(operator);
}

static bool has_reason(const struct claim *k, const char *reason)
{
	const struct answer *a = claim_look(k);

	return !answer_null(a, "reason") && strcmp(reason, answer_text(a, "reason")) == 0;
}

static void a_claim_says_how_long_it_waits(void **state)
{
	struct client *operator = client_operator(*state);
	struct claim giver, taker;
	const struct answer *a;
	char path[200];

	claim_make(*state, "giver", "www.waiting.org", &giver);
	claim_make(*state, "taker", "www.waiting.org", &taker);
	claim_publish(&giver);
	assert_status(200, claim_verify(&giver));
	snprintf(path, sizeof(path), "/tenants/%s/domains", taker.t.id);
	for (int i = 0; i < STEPS && strcmp("expired", answer_text(claim_look(&taker), "status")) != 0; i++)
		usleep(STEP_US);
	a = assert_error(409, "domain_active_elsewhere",
			 client_post(taker.c, path, "{'domain':'www.waiting.org'}"));
	assert_null(strstr(answer_text(a, "message"), "until"));
	assert_status(200, client_delete(giver.c, "/tenants/%s/domains/%s", giver.t.id, giver.domain));
	a = assert_error(409, "domain_active_elsewhere",
			 client_post(taker.c, path, "{'domain':'www.waiting.org'}"));
	assert_non_null(strstr(answer_text(a, "message"), "is kept for that one until 20"));
	/* One that was pending before waits for nothing else. */
	fixture_control(*state, "UPDATE cc.domain SET status = 'pending', next_check_at = now(),"
				" claim_expires_at = now() + interval '6 days'"
				" WHERE domain = 'www.waiting.org'");
	for (int i = 0; i < STEPS && !has_reason(&taker, "quarantined"); i++)
		usleep(STEP_US);
	a = claim_look(&taker);
	assert_text("quarantined", a, "reason");
	assert_text("pending", a, "status");
	assert_false(answer_null(a, "held_until"));
	assert_non_null(strstr(answer_text(assert_error(409, "domain_active_elsewhere",
		claim_verify(&taker)), "message"), "until 20"));
	assert_status(200, client_delete(operator, "/held-names/www.waiting.org"));
	assert_true(answer_null(claim_look(&taker), "held_until"));
	assert_int_equal(1, answer_count(assert_status(200, client_get(
		giver.c, "/audit/logs?action=releaseName")), "logs"));
	claim_clear();
	snprintf(taker.txt, sizeof(taker.txt), "%s",
		 answer_text(claim_look(&taker), "dns_instructions.txt_record"));
	claim_publish(&taker);
	assert_status(200, claim_verify(&taker));
	client_close(giver.c);
	client_close(taker.c);
	client_close(operator);
}

/* The audit of a tenant goes with it; who released its names afterwards is kept with what is left of it. */
static void a_release_is_recorded_when_its_tenant_is_gone(void **state)
{
	struct client *operator = client_operator(*state);
	struct tenant_fixture t;
	char sql[900];

	fixture_tenant(*state, "goner", NULL, NULL, NULL, &t);
	assert_true(client_delete(operator, "/tenants/%s", t.id)->status < 300);
	fixture_control(*state, "UPDATE cc.tenant SET purge_at = now() WHERE slug = 'goner'");
	for (int i = 0; i < STEPS && place_of(operator, "goner") < 0; i++)
		usleep(STEP_US);
	assert_status(200, client_delete(operator, "/held-names/goner"));
	/* An error if there is none. */
	snprintf(sql, sizeof(sql), "DO $$ BEGIN"
		 " ASSERT (SELECT count(*) FROM cc.tenant_audit a JOIN cc.tenant_tombstone t ON t.id ="
		 " a.tenant_id WHERE t.id = '%s' AND a.action = 'releaseName' AND a.object_id = 'goner'"
		 " AND a.actor_kind = 'operator' AND a.seq = 1 AND t.audit_seq = 1 AND t.audit_mac = a.mac)"
		 " = 1; END $$", t.id);
	fixture_control(*state, sql);
	client_close(operator);
}

/* What docs/api.md says of a domain that was sold. */
static void a_sold_domain_is_handed_over_at_once(void **state)
{
	struct client *operator = client_operator(*state);
	struct claim seller, buyer;
	char path[200];

	claim_make(*state, "seller", "www.traded.org", &seller);
	claim_publish(&seller);
	assert_status(200, claim_verify(&seller));
	fixture_tenant(*state, "buyer", NULL, NULL, NULL, &buyer.t);
	buyer.c = client_of(*state, &buyer.t);
	snprintf(buyer.domain, sizeof(buyer.domain), "%s", seller.domain);
	snprintf(path, sizeof(path), "/tenants/%s/domains", buyer.t.id);
	assert_status(200, client_delete(operator, "/tenants/%s/domains/www.traded.org", seller.t.id));
	assert_error(409, "domain_active_elsewhere",
		     client_post(buyer.c, path, "{'domain':'www.traded.org'}"));
	assert_status(200, client_delete(operator, "/held-names/www.traded.org"));
	claim_again(&buyer);
	claim_clear();
	claim_publish(&buyer);
	assert_text("verified", assert_status(200, claim_verify(&buyer)), "status");
	client_close(seller.c);
	client_close(buyer.c);
	client_close(operator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_resolvers_are_no_weakness),
		cmocka_unit_test_setup(a_slug_that_was_given_up_is_held, claim_clean),
		cmocka_unit_test_setup(a_claim_says_how_long_it_waits, claim_clean),
		cmocka_unit_test_setup(a_release_is_recorded_when_its_tenant_is_gone, claim_clean),
		cmocka_unit_test_setup(a_sold_domain_is_handed_over_at_once, claim_clean),
	};

	return cmocka_run_group_tests(tests, setup, claim_teardown);
}
