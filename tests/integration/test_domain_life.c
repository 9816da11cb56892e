/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to domains by itself, with seconds in place of days. */
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
#include "dns_peer.h"

#define STEP_US 100000
#define STEPS 300

static const char *const quick[] = {
	"CONTROLCORE_DOMAINS_DNS_MS=1500", "CONTROLCORE_DOMAINS_CHECK_S=1",
	"CONTROLCORE_DOMAINS_CHECK_MOST_S=1",
	"CONTROLCORE_DOMAINS_RECHECK_FIRST_S=1", "CONTROLCORE_DOMAINS_RECHECK_SECOND_S=1",
	"CONTROLCORE_DOMAINS_RECHECK_S=1", "CONTROLCORE_DOMAINS_STALE_S=3", "CONTROLCORE_DOMAINS_DETACH_S=3",
	"CONTROLCORE_DOMAINS_QUARANTINE_S=6", "CONTROLCORE_DOMAINS_PENDING_ALERT_S=4", NULL
};

static int setup(void **state)
{
	*state = claim_daemon(quick);
	return 0;
}

/* The domain when it has come to this status. */
static const struct answer *await(const struct claim *k, const char *status)
{
	for (int i = 0; i < STEPS; i++) {
		const struct answer *a = claim_look(k);

		if (strcmp(status, answer_text(a, "status")) == 0)
			return a;
		client_forget(k->c);
		usleep(STEP_US);
	}
	assert_text(status, claim_look(k), "status");
	return NULL;
}

static const struct answer *await_reason(const struct claim *k, const char *reason)
{
	for (int i = 0; i < STEPS; i++) {
		const struct answer *a = claim_look(k);

		if (!answer_null(a, "reason") && strcmp(reason, answer_text(a, "reason")) == 0)
			return a;
		client_forget(k->c);
		usleep(STEP_US);
	}
	assert_text(reason, claim_look(k), "reason");
	return NULL;
}

static const struct answer *alerts(const struct claim *k, const char *query)
{
	return assert_status(200, client_get(k->c, "/tenants/%s/alerts?%s", k->t.id, query));
}

static void await_alert(const struct claim *k, const char *type, bool open)
{
	char query[100];

	snprintf(query, sizeof(query), "status=open&type=%s", type);
	for (int i = 0; i < STEPS && (answer_count(alerts(k, query), "") == 1) != open; i++) {
		client_forget(k->c);
		usleep(STEP_US);
	}
	assert_int_equal(open, answer_count(alerts(k, query), ""));
}

static void assert_alert(const struct claim *k, const char *type, const char *severity)
{
	char query[100];
	const struct answer *a;

	snprintf(query, sizeof(query), "status=open&type=%s", type);
	a = alerts(k, query);
	assert_int_equal(1, answer_count(a, ""));
	assert_text(severity, a, "[0].severity");
	assert_text(k->domain, a, "[0].subject");
	assert_non_null(strstr(answer_text(a, "[0].message"), k->domain));
}

static void assert_audited(const struct claim *k, const char *action, const char *actor)
{
	const struct answer *a =
		assert_status(200, client_get(k->c, "/audit/logs?object=domain&action=%s", action));

	assert_int_equal(1, answer_count(a, "logs"));
	assert_text(actor, a, "logs[0].actor_kind");
	assert_text(k->domain, a, "logs[0].object_id");
}

static void assert_served(const struct claim *k, bool served)
{
	client_host(k->c, k->domain);
	if (served)
		assert_status(200, client_get(k->c, "/policies"));
	else
		assert_error(421, "misdirected_request", client_get(k->c, "/policies"));
	client_host(k->c, NULL);
}

static void assert_shown_by(const struct claim *k, const char *domain)
{
	const struct answer *a = assert_status(200, client_get(k->c, "/tenants/%s", k->t.id));

	if (domain == NULL)
		assert_true(answer_null(a, "custom_domain"));
	else
		assert_text(domain, a, "custom_domain");
}

static void a_claim_is_proven_without_being_asked(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "byitself", "www.byitself.org", &k);
	assert_false(answer_null(claim_look(&k), "next_check_at"));
	a = await_reason(&k, "record_missing");
	assert_false(answer_null(a, "next_check_at"));
	assert_text(claim_resolver(0), a, "records[0].seen[0].resolver");
	assert_text("no_address", a, "findings[0].note");
	claim_publish(&k);
	a = await(&k, "verified");
	assert_true(answer_null(a, "reason"));
	assert_true(answer_null(a, "claim_expires_at"));
	assert_false(answer_null(a, "next_check_at"));
	assert_served(&k, true);
	assert_shown_by(&k, k.domain);
	assert_audited(&k, "verifyDomain", "system");
	client_close(k.c);
}

static void a_claim_that_is_not_proven_expires(void **state)
{
	struct claim k;
	char token[100];

	claim_make(*state, "tooslow", "www.tooslow.org", &k);
	snprintf(token, sizeof(token), "%s", k.txt);
	fixture_control(*state, "UPDATE cc.tenant SET custom_domain = 'www.tooslow.org'"
				" WHERE slug = 'tooslow';"
				"UPDATE cc.domain SET claim_expires_at = now()"
				" WHERE domain = 'www.tooslow.org'");
	await(&k, "expired");
	assert_shown_by(&k, NULL);
	assert_text("claim_expired", claim_look(&k), "reason");
	assert_true(answer_null(claim_look(&k), "next_check_at"));
	assert_alert(&k, "domain_claim_expired", "warning");
	assert_audited(&k, "expireDomainClaim", "system");
	claim_publish(&k);
	assert_error(409, "verification_failed", claim_verify(&k));
	claim_again(&k);
	assert_string_not_equal(token, k.txt);
	assert_int_equal(0, answer_count(alerts(&k, "status=open"), ""));
	claim_publish(&k);
	await(&k, "verified");
	client_close(k.c);
}

static void a_domain_whose_records_are_gone_is_let_go_in_steps(void **state)
{
	struct claim k, other;
	const struct answer *a;
	char path[300], token[100];

	claim_make(*state, "steps", "www.steps.org", &k);
	snprintf(token, sizeof(token), "%s", k.txt);
	claim_publish(&k);
	await(&k, "verified");
	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/default", k.t.id, k.domain);
	assert_status(200, client_call(k.c, "POST", path, NULL, NULL));
	claim_clear();
	a = await_reason(&k, "record_missing");
	assert_text("verified", a, "status");
	assert_false(answer_null(a, "stale_at"));
	assert_served(&k, true);
	a = await(&k, "stale");
	assert_false(answer_null(a, "detach_at"));
	assert_served(&k, true);
	assert_alert(&k, "domain_stale", "warning");
	assert_audited(&k, "staleDomain", "system");
	a = await(&k, "detached");
	assert_false(answer_null(a, "release_at"));
	assert_true(answer_null(a, "next_check_at"));
	assert_true(json_is_false(answer_at(a, "is_default")));
	assert_served(&k, false);
	assert_shown_by(&k, NULL);
	assert_alert(&k, "domain_detached", "critical");
	assert_int_equal(0, answer_count(alerts(&k, "status=open&type=domain_stale"), ""));
	assert_audited(&k, "detachDomain", "system");
	claim_publish(&k);
	assert_error(409, "verification_failed", claim_verify(&k));
	fixture_tenant(*state, "heir", NULL, NULL, NULL, &other.t);
	other.c = client_of(*state, &other.t);
	snprintf(path, sizeof(path), "/tenants/%s/domains", other.t.id);
	assert_error(409, "domain_active_elsewhere",
		     client_post(other.c, path, "{'domain':'www.steps.org'}"));
	await(&k, "released");
	assert_audited(&k, "releaseDomain", "system");
	assert_status(201, client_post(other.c, path, "{'domain':'www.steps.org'}"));
	claim_again(&k);
	assert_string_not_equal(token, k.txt);
	client_close(k.c);
	client_close(other.c);
}

/* What of its certificate counts here is that there is one. */
static void give_certificate(struct daemon *d, const struct claim *k)
{
	char sql[600];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO cc.certificate (tenant_id, domain, source, serial, fingerprint, issuer,"
		 " key_type, not_before, not_after, chain, sealed_key, wrapped_dek, kek_id)"
		 " VALUES ('%s', '%s',"
		 " 'supplied', '01', '00', 'CN=ca', 'EC', now() - interval '1 day',"
		 " now() + interval '90 days', '', '', '', 'none')", k->t.id, k->domain);
	fixture_control(d, sql);
}

static void what_has_a_certificate_becomes_active(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "whole", "www.whole.org", &k);
	give_certificate(*state, &k);
	claim_publish(&k);
	a = await(&k, "active");
	assert_text("active", a, "ssl_status");
	assert_audited(&k, "verifyDomain", "system");
	assert_audited(&k, "activateDomain", "system");
	claim_clear();
	await(&k, "stale");
	assert_served(&k, true);
	claim_publish(&k);
	await(&k, "active");
	claim_clear();
	a = await(&k, "detached");
	assert_text("pending", a, "ssl_status");
	assert_true(answer_null(a, "certificate.fingerprint"));
	client_close(k.c);
}

static void a_stale_domain_recovers(void **state)
{
	struct claim k;

	claim_make(*state, "comeback", "www.comeback.org", &k);
	claim_publish(&k);
	await(&k, "verified");
	claim_clear();
	await(&k, "stale");
	claim_publish(&k);
	await(&k, "verified");
	assert_true(answer_null(claim_look(&k), "detach_at"));
	assert_int_equal(0, answer_count(alerts(&k, "status=open"), ""));
	assert_int_equal(1, answer_count(alerts(&k, "status=resolved&type=domain_stale"), ""));
	assert_audited(&k, "recoverDomain", "system");
	assert_served(&k, true);
	client_close(k.c);
}

static void a_cname_that_led_here_must_go_on_to(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "astray", "www.astray.org", &k);
	claim_publish(&k);
	await(&k, "verified");
	claim_clear();
	claim_publish_txt(&k);
	for (int i = 0; i < 2; i++) {
		dns_peer_a(claim_dns(i), k.domain, "192.0.2.7");
		dns_peer_caa(claim_dns(i), "astray.org", "ca.example");
	}
	a = await_reason(&k, "record_missing");
	assert_true(json_is_true(answer_at(a, "records[0].verified")));
	assert_true(json_is_false(answer_at(a, "records[1].verified")));
	assert_text("A", a, "findings[0].type");
	assert_text("addresses_instead_of_cname", a, "findings[0].note");
	assert_text("192.0.2.7", a, "findings[0].seen[1].values[0]");
	assert_true(answer_null(a, "findings[1].note"));
	assert_text("issuers_restricted", a, "findings[2].note");
	assert_text("astray.org CAA 0 issue \"ca.example\"", a, "findings[2].seen[0].values[0]");
	a = assert_error(409, "verification_failed", claim_verify(&k));
	assert_true(answer_fault(a, "records[1]", "record_missing"));
	await(&k, "stale");
	client_close(k.c);
}

/* The name that the CNAME leads to was the tenant's; now the tenant has another. */
static void a_tenant_that_is_renamed_keeps_its_domains(void **state)
{
	struct client *operator = client_operator(*state);
	struct claim k;
	const struct answer *a;
	char path[200];

	claim_make(*state, "oldname", "www.renamed.org", &k);
	claim_publish(&k);
	await(&k, "verified");
	snprintf(path, sizeof(path), "/tenants/%s", k.t.id);
	assert_status(200, client_patch(operator, path, "{'domain':'newname.controlcore.io'}"));
	for (int i = 0; i < STEPS && json_is_true(answer_at(claim_look(&k), "records[1].verified")); i++)
		usleep(STEP_US);
	sleep(5);
	a = claim_look(&k);
	assert_text("newname.controlcore.io", a, "records[1].value");
	assert_true(json_is_false(answer_at(a, "records[1].verified")));
	assert_text("verified", a, "status");
	assert_true(answer_null(a, "stale_at"));
	client_close(operator);
	client_close(k.c);
}

/* Resolvers that say nothing, or one that says the opposite of what nobody confirms. */
static void silence_is_no_evidence(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "silence", "www.silence.org", &k);
	claim_publish(&k);
	await(&k, "verified");
	dns_peer_mood(claim_dns(0), DNS_SILENT);
	dns_peer_mood(claim_dns(1), DNS_SERVFAIL);
	a = await_reason(&k, "resolver_failed");
	assert_true(answer_null(a, "stale_at"));
	sleep(5);
	a = claim_look(&k);
	assert_text("verified", a, "status");
	assert_true(answer_null(a, "stale_at"));
	await_alert(&k, "domain_unchecked", true);
	assert_alert(&k, "domain_unchecked", "warning");
	dns_peer_mood(claim_dns(1), DNS_PROPER);
	dns_peer_mood(claim_dns(0), DNS_PROPER);
	for (int i = 0; i < STEPS && !answer_null(claim_look(&k), "reason"); i++)
		usleep(STEP_US);
	assert_true(answer_null(claim_look(&k), "reason"));
	await_alert(&k, "domain_unchecked", false);
	client_close(k.c);
}

static void a_claim_that_waits_for_long_is_told_of(void **state)
{
	struct claim k;

	claim_make(*state, "waits", "www.waits.org", &k);
	assert_int_equal(0, answer_count(alerts(&k, "status=open"), ""));
	await_alert(&k, "domain_pending", true);
	assert_alert(&k, "domain_pending", "warning");
	assert_non_null(strstr(answer_text(alerts(&k, "status=open"), "[0].message"), "record_missing"));
	/* Adding it again brings no more time, and no silence: not until it is looked at, nor after it. */
	claim_again(&k);
	assert_alert(&k, "domain_pending", "warning");
	await_reason(&k, "record_missing");
	assert_alert(&k, "domain_pending", "warning");
	claim_publish(&k);
	await(&k, "verified");
	assert_int_equal(0, answer_count(alerts(&k, "status=open"), ""));
	client_close(k.c);
}

static void who_loses_a_name_is_told(void **state)
{
	struct claim first, second;
	const struct answer *a;

	claim_make(*state, "luckier", "www.wanted.org", &first);
	claim_make(*state, "unlucky", "www.wanted.org", &second);
	claim_publish(&first);
	await(&first, "verified");
	a = await(&second, "expired");
	assert_text("held_elsewhere", a, "reason");
	/* Whose it is, is told by the DNS alone: `seen` may have it. */
	assert_alert(&second, "domain_claim_lost", "warning");
	a = alerts(&second, "status=open");
	assert_null(strstr(a->body, first.t.slug));
	assert_audited(&second, "cancelDomainClaim", "system");
	assert_int_equal(0, answer_count(alerts(&first, ""), ""));
	assert_status(200, client_delete(second.c, "/tenants/%s/domains/%s", second.t.id, second.domain));
	assert_int_equal(0, answer_count(alerts(&second, "status=open"), ""));
	client_close(first.c);
	client_close(second.c);
}

static void what_was_given_up_is_held_for_a_while(void **state)
{
	struct claim first, second;
	char path[200];

	claim_make(*state, "giver", "www.given.org", &first);
	claim_publish(&first);
	await(&first, "verified");
	assert_status(200, client_delete(first.c, "/tenants/%s/domains/%s", first.t.id, first.domain));
	fixture_tenant(*state, "taker", NULL, NULL, NULL, &second.t);
	second.c = client_of(*state, &second.t);
	snprintf(path, sizeof(path), "/tenants/%s/domains", second.t.id);
	assert_error(409, "domain_active_elsewhere",
		     client_post(second.c, path, "{'domain':'www.given.org'}"));
	claim_again(&first);
	assert_status(200, client_delete(first.c, "/tenants/%s/domains/%s", first.t.id, first.domain));
	assert_error(409, "domain_active_elsewhere",
		     client_post(second.c, path, "{'domain':'www.given.org'}"));
	for (int i = 0; i < STEPS; i++) {
		if (client_post(second.c, path, "{'domain':'www.given.org'}")->status == 201)
			break;
		client_forget(second.c);
		usleep(STEP_US);
	}
	assert_status(200, client_get(second.c, "/tenants/%s/domains/www.given.org", second.t.id));
	client_close(first.c);
	client_close(second.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_claim_is_proven_without_being_asked, claim_clean),
		cmocka_unit_test_setup(a_claim_that_is_not_proven_expires, claim_clean),
		cmocka_unit_test_setup(a_domain_whose_records_are_gone_is_let_go_in_steps, claim_clean),
		cmocka_unit_test_setup(what_has_a_certificate_becomes_active, claim_clean),
		cmocka_unit_test_setup(a_stale_domain_recovers, claim_clean),
		cmocka_unit_test_setup(a_cname_that_led_here_must_go_on_to, claim_clean),
		cmocka_unit_test_setup(a_tenant_that_is_renamed_keeps_its_domains, claim_clean),
		cmocka_unit_test_setup(silence_is_no_evidence, claim_clean),
		cmocka_unit_test_setup(a_claim_that_waits_for_long_is_told_of, claim_clean),
		cmocka_unit_test_setup(who_loses_a_name_is_told, claim_clean),
		cmocka_unit_test_setup(what_was_given_up_is_held_for_a_while, claim_clean),
	};

	return cmocka_run_group_tests(tests, setup, claim_teardown);
}
