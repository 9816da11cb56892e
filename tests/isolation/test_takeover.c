/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fourteen ways to get at a name of somebody else, none of which leads there. In each a victim has what an
 * attacker wants, and has it afterwards.
 */
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

/* Nothing happens by itself unless a test moves a time. */
static const char *const calm[] = { "CONTROLCORE_DOMAINS_DNS_MS=3000", "CONTROLCORE_DOMAINS_CHECK_S=86400",
				    "CONTROLCORE_DOMAINS_CHECK_MOST_S=86400", NULL };

static int setup(void **state)
{
	*state = claim_daemon(calm);
	return 0;
}

static const struct answer *add(const struct claim *k, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "/tenants/%s/domains", k->t.id);
	return client_post(k->c, path, "{'domain':'%s'}", name);
}

/* Two tenants; the victim has proven its domain, the attacker has claimed what it wants. */
static void open_scene(struct daemon *d, const char *slug, struct claim *victim, struct claim *attacker,
		       const char *wanted)
{
	char name[64], domain[100];

	snprintf(name, sizeof(name), "v-%s", slug);
	snprintf(domain, sizeof(domain), "www.%s.com", slug);
	claim_make(d, name, domain, victim);
	snprintf(name, sizeof(name), "a-%s", slug);
	claim_make(d, name, wanted != NULL ? wanted : domain, attacker);
	claim_publish(victim);
	assert_status(200, claim_verify(victim));
}

static void close_scene(struct claim *victim, struct claim *attacker)
{
	client_close(victim->c);
	client_close(attacker->c);
}

/* Requests to the name are still the victim's, and not the attacker's. */
static void victim_has(const struct claim *victim, const struct claim *attacker, const char *name)
{
	client_host(victim->c, name);
	assert_status(200, client_get(victim->c, "/policies"));
	client_host(victim->c, NULL);
	client_host(attacker->c, name);
	assert_error(403, "tenant_access_denied", client_get(attacker->c, "/policies"));
	client_host(attacker->c, NULL);
}

static void nobody_has(const struct claim *k, const char *name)
{
	client_host(k->c, name);
	assert_error(421, "misdirected_request", client_get(k->c, "/policies"));
	client_host(k->c, NULL);
}

static void fails(const struct claim *k, const char *reason)
{
	assert_true(answer_fault(assert_error(409, "verification_failed", claim_verify(k)), "records[0]",
				 reason));
	assert_text("pending", claim_look(k), "status");
}

static void attack_1_proving_a_name_that_another_has_proven(void **state)
{
	struct claim victim, attacker;

	open_scene(*state, "proven", &victim, &attacker, NULL);
	claim_publish(&attacker);
	assert_error(409, "domain_active_elsewhere", claim_verify(&attacker));
	assert_error(403, "tenant_access_denied",
		     client_get(attacker.c, "/tenants/%s/domains/%s", victim.t.id, victim.domain));
	assert_error(403, "tenant_access_denied",
		     client_delete(attacker.c, "/tenants/%s/domains/%s", victim.t.id, victim.domain));
	assert_status(200, client_delete(attacker.c, "/tenants/%s/domains/%s", attacker.t.id, victim.domain));
	assert_error(409, "domain_active_elsewhere", add(&attacker, victim.domain));
	victim_has(&victim, &attacker, victim.domain);
	close_scene(&victim, &attacker);
}

static void attack_2_names_above_and_below_anothers(void **state)
{
	static const char *const names[] = { "below.www.family.com", "family.com", "_x.family.com" };
	struct claim victim, attacker;
	char name[200];

	open_scene(*state, "family", &victim, &attacker, names[0]);
	for (int i = 0; i < CLAIM_RESOLVERS; i++) {
		snprintf(name, sizeof(name), "_control-core-verification.%s", names[0]);
		dns_peer_txt(claim_dns(i), name, victim.txt);
		dns_peer_cname(claim_dns(i), names[0], victim.t.domain);
	}
	fails(&attacker, "record_wrong");
	nobody_has(&attacker, names[0]);
	nobody_has(&victim, names[0]);
	assert_status(201, add(&attacker, names[1]));
	snprintf(attacker.domain, sizeof(attacker.domain), "%s", names[1]);
	fails(&attacker, "record_missing");
	assert_fault("domain", "invalid_domain", add(&attacker, names[2]));
	victim_has(&victim, &attacker, victim.domain);
	close_scene(&victim, &attacker);
}

static void attack_3_names_of_the_platform_and_its_tenants(void **state)
{
	struct claim victim, attacker;
	char names[8][160];

	open_scene(*state, "platform", &victim, &attacker, NULL);
	snprintf(names[0], sizeof(names[0]), "%s", victim.t.domain);
	snprintf(names[1], sizeof(names[1]), "%s.", victim.t.domain);
	snprintf(names[2], sizeof(names[2]), "www.%s", victim.t.domain);
	snprintf(names[3], sizeof(names[3]), "controlcore.io");
	snprintf(names[4], sizeof(names[4]), "api.controlcore.io");
	snprintf(names[5], sizeof(names[5]), "_acme-challenge.controlcore.io");
	snprintf(names[6], sizeof(names[6]), "not-yet-there.controlcore.io");
	snprintf(names[7], sizeof(names[7]), "CONTROLCORE.io.");
	for (size_t i = 0; i < 8; i++)
		assert_fault("domain", "invalid_domain", add(&attacker, names[i]));
	victim_has(&victim, &attacker, victim.t.domain);
	close_scene(&victim, &attacker);
}

static void attack_4_names_that_are_everybodys(void **state)
{
	static const char *const names[] = {
		"com", "co.uk", "github.io", "s3.amazonaws.com", "xn--p1ai", "localhost", "127.0.0.1",
		"[::1]", "10.1", "0x7f000001", "*.example.com", "%2e.example.com",
	};
	struct claim victim, attacker;

	open_scene(*state, "everybody", &victim, &attacker, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_fault("domain", "invalid_domain", add(&attacker, names[i]));
	close_scene(&victim, &attacker);
}

static void attack_5_other_spellings_of_the_same_name(void **state)
{
	static const char *const same[] = {
		"WWW.Spelling.Com", "www.spelling.com.", "\xEF\xBD\x97\xEF\xBD\x97\xEF\xBD\x97.spelling.com",
	};
	static const char *const none[] = {
		"www.spelling.com..", "www..spelling.com", "www.spelling.com:443", "www.spelling.com/",
		"www.spelling.com%00", "www.spelling.com%2e", " www.spelling.com", "x@www.spelling.com",
		"www.spelling.com#.example.com", "www.spelling.com\\u0000.example.com",
		"www.spel\xEF\xBC\x8Fling.com", "www.spel\xEF\xBC\x9Aling.com",
		"www.spel\xEF\xBC\xBFling.com", "www.spel\xEF\xBC\xA0ling.com",
		"www.spell\xE2\x91\xB4ng.com", "www.spe\xCD\xBAlling.com",
		("www\xE3\x80\x82spelling\xE3\x80\x82" "com"), "www.spel\xC2\xADling.com",
	};
	struct claim victim, attacker;

	open_scene(*state, "spelling", &victim, &attacker, "www.other-spelling.com");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_error(409, "domain_active_elsewhere", add(&attacker, same[i]));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		const int status = add(&attacker, none[i])->status;

		assert_true(status == 422 || status == 400 || status == 409);
	}
	/* What only looks the same is another name, of its own. */
	assert_text("www.xn--spellng-vfb.com", assert_status(201, add(&attacker, "www.spell\xC4\xB1ng.com")),
		    "domain");
	victim_has(&victim, &attacker, victim.domain);
	close_scene(&victim, &attacker);
}

/* Who had the name once kept the record, and the name has another owner by now. */
static void attack_6_a_record_of_an_earlier_claim(void **state)
{
	struct claim victim, attacker;
	char old[100];

	open_scene(*state, "earlier", &attacker, &victim, NULL);
	snprintf(old, sizeof(old), "%s", attacker.txt);
	assert_status(200, client_delete(attacker.c, "/tenants/%s/domains/%s", attacker.t.id,
					 attacker.domain));
	claim_again(&attacker);
	assert_string_not_equal(old, attacker.txt);
	fails(&attacker, "record_wrong");
	nobody_has(&attacker, attacker.domain);
	assert_status(200, client_delete(attacker.c, "/tenants/%s/domains/%s", attacker.t.id,
					 attacker.domain));
	fixture_control(*state, "UPDATE cc.domain_quarantine SET until = now()");
	claim_publish(&victim);
	assert_status(200, claim_verify(&victim));
	assert_error(409, "domain_active_elsewhere", add(&attacker, victim.domain));
	victim_has(&victim, &attacker, victim.domain);
	close_scene(&victim, &attacker);
}

static void attack_7_a_name_that_still_leads_here(void **state)
{
	struct claim victim, attacker;

	open_scene(*state, "dangling", &victim, &attacker, NULL);
	assert_status(200, client_delete(victim.c, "/tenants/%s/domains/%s", victim.t.id, victim.domain));
	nobody_has(&victim, victim.domain);
	nobody_has(&attacker, victim.domain);
	assert_error(409, "domain_active_elsewhere", claim_verify(&attacker));
	fixture_control(*state, "UPDATE cc.domain_quarantine SET until = now()");
	fails(&attacker, "record_wrong");
	nobody_has(&attacker, victim.domain);
	close_scene(&victim, &attacker);
}

static void attack_8_a_name_in_quarantine(void **state)
{
	struct claim victim, attacker;
	struct client *operator = client_operator(*state);

	open_scene(*state, "quarantine", &victim, &attacker, NULL);
	assert_status(200, client_delete(attacker.c, "/tenants/%s/domains/%s", attacker.t.id, victim.domain));
	claim_clear();
	fixture_control(*state, "UPDATE cc.domain SET status = 'stale', detach_at = now(),"
				" next_check_at = now() WHERE domain = 'www.quarantine.com'");
	for (int i = 0; i < STEPS && strcmp("detached", answer_text(claim_look(&victim), "status")) != 0; i++)
		usleep(STEP_US);
	assert_text("detached", claim_look(&victim), "status");
	nobody_has(&victim, victim.domain);
	assert_error(409, "domain_active_elsewhere", add(&attacker, victim.domain));
	assert_error(409, "domain_taken",
		     client_post(operator, "/tenants", "{'name':'X','domain':'a-new.controlcore.io',"
				 "'custom_domain':'www.quarantine.com','plan_type':'pro',"
				 "'region':'us-east-1'}"));
	claim_again(&victim);
	assert_error(409, "domain_active_elsewhere", add(&attacker, victim.domain));
	assert_status(200, client_delete(victim.c, "/tenants/%s/domains/%s", victim.t.id, victim.domain));
	assert_error(409, "domain_active_elsewhere", add(&attacker, victim.domain));
	client_close(operator);
	close_scene(&victim, &attacker);
}

static void attack_9_one_resolver_that_lies(void **state)
{
	struct claim victim, attacker;

	open_scene(*state, "lies", &victim, &attacker, "www.bank-of-lies.com");
	claim_publish_at(&attacker, 0);
	fails(&attacker, "resolvers_disagree");
	dns_peer_mood(claim_dns(1), DNS_SILENT);
	fails(&attacker, "resolver_failed");
	dns_peer_mood(claim_dns(1), DNS_PROPER);
	/* Answers to another question, as one sends them who guesses. */
	claim_publish_at(&attacker, 1);
	dns_peer_mood(claim_dns(0), DNS_STRANGER);
	dns_peer_mood(claim_dns(1), DNS_STRANGER);
	fails(&attacker, "resolver_failed");
	nobody_has(&attacker, attacker.domain);
	close_scene(&victim, &attacker);
}

static void attack_10_records_with_other_values(void **state)
{
	struct claim victim, attacker;
	char values[6][220];

	open_scene(*state, "values", &victim, &attacker, "www.bank-of-values.com");
	snprintf(values[0], sizeof(values[0]), "%s", victim.txt);
	snprintf(values[1], sizeof(values[1]), "%sx", attacker.txt);
	snprintf(values[2], sizeof(values[2]), "x%s", attacker.txt);
	snprintf(values[3], sizeof(values[3]), "%.*s", (int)strlen(attacker.txt) - 1, attacker.txt);
	snprintf(values[4], sizeof(values[4]), "%s", strchr(attacker.txt, '=') + 1);
	snprintf(values[5], sizeof(values[5]), "control-core-verification= %.99s", values[4]);
	for (size_t n = 0; n < 6; n++)
		for (int i = 0; i < CLAIM_RESOLVERS; i++)
			dns_peer_txt(claim_dns(i), attacker.txt_name, values[n]);
	/* The right one in the wrong place. */
	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		dns_peer_txt(claim_dns(i), attacker.domain, attacker.txt);
	fails(&attacker, "record_wrong");
	nobody_has(&attacker, attacker.domain);
	close_scene(&victim, &attacker);
}

static void attack_11_the_token_of_another_claim(void **state)
{
	struct claim victim, attacker;
	char own[100];

	open_scene(*state, "reuse", &victim, &attacker, "www.attackers-own.com");
	claim_publish(&attacker);
	assert_status(200, claim_verify(&attacker));
	snprintf(own, sizeof(own), "%s", attacker.txt);
	snprintf(attacker.domain, sizeof(attacker.domain), "www.bank-of-reuse.com");
	claim_again(&attacker);
	assert_string_not_equal(own, attacker.txt);
	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		dns_peer_txt(claim_dns(i), attacker.txt_name, own);
	fails(&attacker, "record_wrong");
	nobody_has(&attacker, attacker.domain);
	close_scene(&victim, &attacker);
}

/* Bytes of a request with the attacker's key: it must not be answered as the victim's. */
static void smuggle(const struct claim *attacker, const char *target, const char *hosts)
{
	char bytes[1024];
	const struct answer *a;
	int n;

	n = snprintf(bytes, sizeof(bytes), "GET %s HTTP/1.1\r\n%sAuthorization: Bearer %s\r\n"
		     "Connection: close\r\n\r\n", target, hosts, attacker->t.key);
	a = client_raw(attacker->c, bytes, (size_t)n);
	if (a->status != 400 && a->status != 403 && a->status != 421)
		fail_msg("%s with %s: %d", target, hosts, a->status);
}

static void attack_12_hosts_that_say_two_things(void **state)
{
	struct claim victim, attacker;
	char hosts[600], target[300];
	const char *v, *own;

	open_scene(*state, "hosts", &victim, &attacker, "www.not-proven-hosts.com");
	v = victim.domain;
	own = attacker.t.domain;
	nobody_has(&attacker, attacker.domain);
	snprintf(hosts, sizeof(hosts), "Host: %s\r\nHost: %s\r\n", own, v);
	smuggle(&attacker, "/api/v1/policies", hosts);
	snprintf(hosts, sizeof(hosts), "Host: %s, %s\r\n", own, v);
	smuggle(&attacker, "/api/v1/policies", hosts);
	snprintf(hosts, sizeof(hosts), "Host: %s@%s\r\n", own, v);
	smuggle(&attacker, "/api/v1/policies", hosts);
	snprintf(hosts, sizeof(hosts), "Host: %s.\r\n", v);
	smuggle(&attacker, "/api/v1/policies", hosts);
	snprintf(hosts, sizeof(hosts), "Host: %s:443\r\n", v);
	smuggle(&attacker, "/api/v1/policies", hosts);
	snprintf(hosts, sizeof(hosts), "Host: %s\r\n", own);
	snprintf(target, sizeof(target), "http://%s/api/v1/policies", v);
	smuggle(&attacker, target, hosts);
	snprintf(hosts, sizeof(hosts), "Host: %s\r\nX-Tenant-ID: %s\r\n", v, attacker.t.id);
	smuggle(&attacker, "/api/v1/policies", hosts);
	/* Nobody whom the service trusts says these. */
	snprintf(hosts, sizeof(hosts), "Host: %s\r\nX-Forwarded-Host: %s\r\nForwarded: host=%s\r\n", v, own,
		 own);
	smuggle(&attacker, "/api/v1/policies", hosts);
	victim_has(&victim, &attacker, victim.domain);
	close_scene(&victim, &attacker);
}

static void attack_13_a_wildcard_that_leads_to_the_attacker(void **state)
{
	struct claim victim, attacker;

	open_scene(*state, "wild", &victim, &attacker, "wild.com");
	for (int i = 0; i < CLAIM_RESOLVERS; i++) {
		dns_peer_txt(claim_dns(i), "*", attacker.txt);
		dns_peer_cname(claim_dns(i), "wild.com", attacker.t.domain);
	}
	fails(&attacker, "record_wildcard");
	nobody_has(&attacker, "wild.com");
	victim_has(&victim, &attacker, victim.domain);
	close_scene(&victim, &attacker);
}

/*
 * The vendor behind a wildcard is asked for the same name of his, whatever was asked for, and may answer each
 * time as he likes: here once with the proof, or only where it is looked for.
 */
static void attack_14_a_wildcard_whose_answers_vary(void **state)
{
	struct claim victim, attacker;

	open_scene(*state, "vary", &victim, &attacker, "vary.com");
	for (int times = 1; times <= 2; times++) {
		claim_clear();
		for (int i = 0; i < CLAIM_RESOLVERS; i++) {
			dns_peer_cname(claim_dns(i), "*", "shop.vendor.net");
			dns_peer_cname(claim_dns(i), "_control-core-verification.*", "shop.vendor.net");
			dns_peer_txt_times(claim_dns(i), "_control-core-verification.*", attacker.txt, times);
			dns_peer_cname(claim_dns(i), "vary.com", attacker.t.domain);
		}
		fails(&attacker, "record_wildcard");
	}
	nobody_has(&attacker, "vary.com");
	/* Without CNAMEs: every other answer has it. */
	claim_clear();
	for (int i = 0; i < CLAIM_RESOLVERS; i++)
		dns_peer_txt_times(claim_dns(i), "*", attacker.txt, 2);
	fails(&attacker, "record_wildcard");
	nobody_has(&attacker, "vary.com");
	/* Where nothing is for everybody, a record that its owner put behind a CNAME is as good. */
	claim_clear();
	for (int i = 0; i < CLAIM_RESOLVERS; i++) {
		dns_peer_cname(claim_dns(i), attacker.txt_name, "proofs.vary.net");
		dns_peer_txt(claim_dns(i), attacker.txt_name, attacker.txt);
	}
	assert_status(200, claim_verify(&attacker));
	close_scene(&victim, &attacker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(attack_1_proving_a_name_that_another_has_proven, claim_clean),
		cmocka_unit_test_setup(attack_2_names_above_and_below_anothers, claim_clean),
		cmocka_unit_test_setup(attack_3_names_of_the_platform_and_its_tenants, claim_clean),
		cmocka_unit_test_setup(attack_4_names_that_are_everybodys, claim_clean),
		cmocka_unit_test_setup(attack_5_other_spellings_of_the_same_name, claim_clean),
		cmocka_unit_test_setup(attack_6_a_record_of_an_earlier_claim, claim_clean),
		cmocka_unit_test_setup(attack_7_a_name_that_still_leads_here, claim_clean),
		cmocka_unit_test_setup(attack_8_a_name_in_quarantine, claim_clean),
		cmocka_unit_test_setup(attack_9_one_resolver_that_lies, claim_clean),
		cmocka_unit_test_setup(attack_10_records_with_other_values, claim_clean),
		cmocka_unit_test_setup(attack_11_the_token_of_another_claim, claim_clean),
		cmocka_unit_test_setup(attack_12_hosts_that_say_two_things, claim_clean),
		cmocka_unit_test_setup(attack_13_a_wildcard_that_leads_to_the_attacker, claim_clean),
		cmocka_unit_test_setup(attack_14_a_wildcard_whose_answers_vary, claim_clean),
	};

	return cmocka_run_group_tests(tests, setup, claim_teardown);
}
