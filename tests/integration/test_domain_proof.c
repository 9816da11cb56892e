/* SPDX-License-Identifier: Apache-2.0 */
/* Domains are proven by what two resolvers see, and are then hosts of their tenant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "claim.h"
#include "client.h"
#include "daemon.h"
#include "dns_peer.h"

#include "cc/base/clock.h"

static const char *const proof_env[] = { "CONTROLCORE_DOMAINS_DNS_MS=3000", NULL };

static int setup(void **state)
{
	*state = claim_daemon(proof_env);
	return 0;
}

/* Why it failed, in the answer and to be read afterwards. */
static const struct answer *fails(const struct claim *k, const char *reason)
{
	const struct answer *a = assert_error(409, "verification_failed", claim_verify(k));

	assert_true(answer_fault(a, "records[0]", reason));
	a = claim_look(k);
	assert_text("pending", a, "status");
	assert_text(reason, a, "reason");
	assert_false(answer_null(a, "checked_at"));
	assert_int_equal(2, answer_count(a, "records[0].seen"));
	return a;
}

static void a_proven_domain_is_a_host_of_its_tenant(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "proven", "policies.proven.org", &k);
	client_host(k.c, k.domain);
	assert_error(421, "misdirected_request", client_get(k.c, "/policies"));
	client_host(k.c, NULL);
	claim_publish(&k);
	a = assert_status(200, claim_verify(&k));
	assert_text(k.domain, a, "domain");
	assert_text("verified", a, "status");
	assert_false(answer_null(a, "verified_at"));
	assert_true(answer_null(a, "reason"));
	assert_true(answer_null(a, "claim_expires_at"));
	assert_true(json_is_true(answer_at(a, "records[0].verified")));
	assert_true(json_is_true(answer_at(a, "records[1].verified")));
	assert_text(k.txt, a, "records[0].seen[0].values[0]");
	assert_text(k.t.domain, a, "records[1].seen[1].values[0]");
	client_host(k.c, k.domain);
	assert_status(200, client_get(k.c, "/policies"));
	client_host(k.c, NULL);
	assert_status(200, claim_verify(&k));
	assert_status(200, client_delete(k.c, "/tenants/%s/domains/%s", k.t.id, k.domain));
	client_host(k.c, k.domain);
	assert_error(421, "misdirected_request", client_get(k.c, "/policies"));
	client_close(k.c);
}

static void what_is_missing_or_wrong_is_said(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "missing", "www.missing.org", &k);
	a = fails(&k, "record_missing");
	assert_text(claim_resolver(0), a, "records[0].seen[0].resolver");
	assert_text("there is no such name", a, "records[0].seen[0].problem");
	for (int i = 0; i < 2; i++)
		dns_peer_txt(claim_dns(i), k.txt_name, "control-core-verification=somebodyelse");
	a = fails(&k, "record_wrong");
	assert_text("control-core-verification=somebodyelse", a, "records[0].seen[1].values[0]");
	claim_publish_at(&k, 0);
	fails(&k, "resolvers_disagree");
	dns_peer_mood(claim_dns(1), DNS_SERVFAIL);
	fails(&k, "resolver_failed");
	dns_peer_mood(claim_dns(1), DNS_SILENT);
	a = fails(&k, "resolver_failed");
	assert_text("it did not answer in time", a, "records[0].seen[1].problem");
	dns_peer_mood(claim_dns(1), DNS_CUT);
	claim_publish_at(&k, 1);
	assert_text("verified", assert_status(200, claim_verify(&k)), "status");
	client_close(k.c);
}

static void assert_dns(const struct claim *k, const char *status, const char *silent)
{
	const struct answer *a = assert_status(200, client_get(k->c, "/health"));

	assert_text("healthy", a, "status");
	assert_text(status, a, "components.dns.status");
	if (silent == NULL)
		assert_true(answer_null(a, "components.dns.detail"));
	else
		assert_non_null(strstr(answer_text(a, "components.dns.detail"), silent));
}

static void health_tells_of_resolvers_that_do_not_answer(void **state)
{
	struct claim k;

	claim_make(*state, "listener", "www.listener.org", &k);
	(void)claim_verify(&k);
	assert_dns(&k, "healthy", NULL);
	dns_peer_mood(claim_dns(0), DNS_SERVFAIL);
	(void)claim_verify(&k);
	assert_dns(&k, "healthy", NULL);
	dns_peer_mood(claim_dns(1), DNS_SILENT);
	(void)claim_verify(&k);
	assert_dns(&k, "degraded", "1 of 2 resolvers");
	dns_peer_mood(claim_dns(0), DNS_SILENT);
	(void)claim_verify(&k);
	assert_dns(&k, "unhealthy", "2 of 2 resolvers");
	claim_clear();
	(void)claim_verify(&k);
	assert_dns(&k, "healthy", NULL);
	client_close(k.c);
}

static void a_proof_is_good_for_one_tenant(void **state)
{
	struct claim first, second;

	claim_make(*state, "winner", "www.contested.org", &first);
	claim_make(*state, "loser", "www.contested.org", &second);
	claim_publish(&first);
	fails(&second, "record_wrong");
	assert_status(200, claim_verify(&first));
	claim_publish(&second);
	assert_error(409, "domain_active_elsewhere", claim_verify(&second));
	client_host(second.c, "www.contested.org");
	assert_error(403, "tenant_access_denied", client_get(second.c, "/policies"));
	client_close(first.c);
	client_close(second.c);
}

static void a_record_of_an_earlier_claim_proves_nothing(void **state)
{
	struct claim k;
	char path[200];

	claim_make(*state, "earlier", "www.earlier.org", &k);
	claim_publish(&k);
	assert_status(200, claim_verify(&k));
	assert_status(200, client_delete(k.c, "/tenants/%s/domains/%s", k.t.id, k.domain));
	snprintf(path, sizeof(path), "/tenants/%s/domains", k.t.id);
	assert_status(201, client_post(k.c, path, "{'domain':'%s'}", k.domain));
	fails(&k, "record_wrong");
	client_close(k.c);
}

static void a_claim_that_is_over_cannot_be_proven(void **state)
{
	struct claim k;

	claim_make(*state, "tardy", "www.tardy.org", &k);
	claim_publish(&k);
	fixture_control(*state, "UPDATE cc.domain SET claim_expires_at = now()"
				" WHERE domain = 'www.tardy.org'");
	assert_error(409, "verification_failed", claim_verify(&k));
	client_close(k.c);
}

static void a_rehearsal_keeps_nothing(void **state)
{
	struct claim k;
	char path[300];

	claim_make(*state, "rehearsal", "www.rehearsal.org", &k);
	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/verify?dry_run=true", k.t.id, k.domain);
	assert_error(409, "verification_failed", client_call(k.c, "POST", path, NULL, NULL));
	assert_text("not_checked", claim_look(&k), "reason");
	claim_publish(&k);
	assert_text("verified", assert_status(200, client_call(k.c, "POST", path, NULL, NULL)), "status");
	assert_text("pending", claim_look(&k), "status");
	client_close(k.c);
}

/* A month away: nobody but who asks looks meanwhile. */
static void verify_for_a_month(const struct claim *k, struct daemon *d)
{
	char sql[300];

	claim_publish(k);
	assert_status(200, claim_verify(k));
	snprintf(sql, sizeof(sql), "UPDATE cc.domain SET next_check_at = now() + interval '30 days'"
				   " WHERE domain = '%s'", k->domain);
	fixture_control(d, sql);
}

static int64_t seconds(const struct answer *a, const char *from, const char *to)
{
	int64_t at[2];

	assert_true(time_parse(answer_text(a, from), false, &at[0]));
	assert_true(time_parse(answer_text(a, to), false, &at[1]));
	return (at[1] - at[0]) / 1000000;
}

static void a_look_that_was_asked_for_starts_the_clock(void **state)
{
	struct claim k;
	const struct answer *a;
	char path[300], stale_at[40];

	claim_make(*state, "sold", "www.sold.org", &k);
	verify_for_a_month(&k, *state);
	claim_clear();
	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/verify?dry_run=true", k.t.id, k.domain);
	assert_error(409, "verification_failed", client_call(k.c, "POST", path, NULL, NULL));
	assert_true(answer_null(claim_look(&k), "stale_at"));
	assert_error(409, "verification_failed", claim_verify(&k));
	a = claim_look(&k);
	assert_text("verified", a, "status");
	assert_text("record_missing", a, "reason");
	assert_int_equal(72 * 3600, seconds(a, "checked_at", "stale_at"));
	assert_int_equal(12 * 3600, seconds(a, "checked_at", "next_check_at"));
	snprintf(stale_at, sizeof(stale_at), "%s", answer_text(a, "stale_at"));
	assert_error(409, "verification_failed", claim_verify(&k));
	assert_text(stale_at, claim_look(&k), "stale_at");
	claim_publish(&k);
	assert_true(answer_null(assert_status(200, claim_verify(&k)), "stale_at"));
	client_close(k.c);
}

static void a_cname_that_led_here_is_missed_by_who_asks(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "moved", "www.moved.org", &k);
	verify_for_a_month(&k, *state);
	claim_clear();
	claim_publish_txt(&k);
	assert_error(409, "verification_failed", claim_verify(&k));
	a = claim_look(&k);
	assert_text("record_missing", a, "reason");
	assert_true(json_is_true(answer_at(a, "records[0].verified")));
	assert_false(answer_null(a, "stale_at"));
	client_close(k.c);
}

static void silence_starts_no_clock(void **state)
{
	struct claim k;
	const struct answer *a;

	claim_make(*state, "mute", "www.mute.org", &k);
	verify_for_a_month(&k, *state);
	for (int i = 0; i < 2; i++)
		dns_peer_mood(claim_dns(i), DNS_SERVFAIL);
	assert_error(409, "verification_failed", claim_verify(&k));
	a = claim_look(&k);
	assert_text("resolver_failed", a, "reason");
	assert_true(answer_null(a, "stale_at"));
	assert_int_equal(12 * 3600, seconds(a, "checked_at", "next_check_at"));
	for (int i = 0; i < 2; i++)
		dns_peer_mood(claim_dns(i), DNS_PROPER);
	client_close(k.c);
}

static void assert_shown_by(const struct claim *k, const char *domain)
{
	const struct answer *a = assert_status(200, client_get(k->c, "/tenants/%s", k->t.id));

	if (domain == NULL)
		assert_true(answer_null(a, "custom_domain"));
	else
		assert_text(domain, a, "custom_domain");
}

static void make_default(const struct claim *k, const char *domain)
{
	char path[300];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/default", k->t.id, domain);
	assert_status(200, client_call(k->c, "POST", path, NULL, NULL));
}

static void a_tenant_is_shown_by_a_domain_of_its_own(void **state)
{
	struct claim k, more;

	claim_make(*state, "named", "www.named.org", &k);
	assert_shown_by(&k, NULL);
	claim_publish(&k);
	assert_status(200, claim_verify(&k));
	assert_shown_by(&k, "www.named.org");
	more = k;
	snprintf(more.domain, sizeof(more.domain), "api.named.org");
	claim_again(&more);
	claim_publish(&more);
	assert_status(200, claim_verify(&more));
	assert_shown_by(&k, "www.named.org");
	make_default(&k, more.domain);
	assert_shown_by(&k, more.domain);
	make_default(&k, k.t.domain);
	assert_shown_by(&k, more.domain);
	assert_status(200, client_delete(k.c, "/tenants/%s/domains/%s", k.t.id, more.domain));
	assert_shown_by(&k, "www.named.org");
	assert_status(200, client_delete(k.c, "/tenants/%s/domains/%s", k.t.id, k.domain));
	assert_shown_by(&k, NULL);
	client_close(k.c);
}

static void a_claim_that_is_added_again_ends_no_later(void **state)
{
	struct claim k;
	char token[100], ends[40];

	claim_make(*state, "endless", "www.endless.org", &k);
	fixture_control(*state, "UPDATE cc.domain SET claim_expires_at = date_trunc('second', now()) +"
				" interval '1 day' WHERE domain = 'www.endless.org'");
	snprintf(token, sizeof(token), "%s", k.txt);
	snprintf(ends, sizeof(ends), "%s", answer_text(claim_look(&k), "claim_expires_at"));
	claim_again(&k);
	assert_string_equal(token, k.txt);
	assert_text(ends, claim_look(&k), "claim_expires_at");
	/* Whether or not it was noticed that it ended. */
	fixture_control(*state, "UPDATE cc.domain SET claim_expires_at = now()"
				" WHERE domain = 'www.endless.org'");
	claim_again(&k);
	assert_string_not_equal(token, k.txt);
	assert_text("pending", claim_look(&k), "status");
	assert_int_equal(7 * 24 * 3600 - 60, seconds(claim_look(&k), "next_check_at", "claim_expires_at"));
	client_close(k.c);
}

static void the_platforms_own_name_needs_no_proof(void **state)
{
	struct claim k;

	claim_make(*state, "needless", "www.needless.org", &k);
	snprintf(k.domain, sizeof(k.domain), "%s", k.t.domain);
	assert_error(409, "conflict", claim_verify(&k));
	client_close(k.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_proven_domain_is_a_host_of_its_tenant, claim_clean),
		cmocka_unit_test_setup(what_is_missing_or_wrong_is_said, claim_clean),
		cmocka_unit_test_setup(health_tells_of_resolvers_that_do_not_answer, claim_clean),
		cmocka_unit_test_setup(a_proof_is_good_for_one_tenant, claim_clean),
		cmocka_unit_test_setup(a_record_of_an_earlier_claim_proves_nothing, claim_clean),
		cmocka_unit_test_setup(a_claim_that_is_over_cannot_be_proven, claim_clean),
		cmocka_unit_test_setup(a_rehearsal_keeps_nothing, claim_clean),
		cmocka_unit_test_setup(a_look_that_was_asked_for_starts_the_clock, claim_clean),
		cmocka_unit_test_setup(a_cname_that_led_here_is_missed_by_who_asks, claim_clean),
		cmocka_unit_test_setup(silence_starts_no_clock, claim_clean),
		cmocka_unit_test_setup(a_tenant_is_shown_by_a_domain_of_its_own, claim_clean),
		cmocka_unit_test_setup(a_claim_that_is_added_again_ends_no_later, claim_clean),
		cmocka_unit_test_setup(the_platforms_own_name_needs_no_proof, claim_clean),
	};

	return cmocka_run_group_tests(tests, setup, claim_teardown);
}
