/* SPDX-License-Identifier: Apache-2.0 */
/* Domains are proven by what two resolvers see, and are then hosts of their tenant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "daemon.h"
#include "dns_peer.h"

static struct dns_peer *dns[2];
static char resolvers[100];
static const char *const proof_env[] = { resolvers, "CONTROLCORE_DOMAINS_DNS_MS=700", NULL };

static int setup(void **state)
{
	for (int i = 0; i < 2; i++)
		dns[i] = dns_peer_start();
	snprintf(resolvers, sizeof(resolvers), "CONTROLCORE_DOMAINS_RESOLVERS=%s,%s",
		 dns_peer_address(dns[0]), dns_peer_address(dns[1]));
	*state = daemon_start(&(struct daemon_options){ .env = proof_env });
	return 0;
}

static int teardown(void **state)
{
	daemon_finish(*state);
	for (int i = 0; i < 2; i++)
		dns_peer_stop(dns[i]);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		dns_peer_clear(dns[i]);
	return 0;
}

struct claim {
	struct tenant_fixture t;
	struct client *c;
	char domain[128], txt_name[160], txt[100];
};

static void claim(struct daemon *d, const char *slug, const char *domain, struct claim *ret)
{
	const struct answer *a;
	char path[200];

	fixture_tenant(d, slug, NULL, NULL, NULL, &ret->t);
	ret->c = client_of(d, &ret->t);
	snprintf(ret->domain, sizeof(ret->domain), "%s", domain);
	snprintf(path, sizeof(path), "/tenants/%s/domains", ret->t.id);
	a = assert_status(201, client_post(ret->c, path, "{'domain':'%s'}", domain));
	snprintf(ret->txt_name, sizeof(ret->txt_name), "%s", answer_text(a, "txt_name"));
	snprintf(ret->txt, sizeof(ret->txt), "%s", answer_text(a, "dns_instructions.txt_record"));
}

static const struct answer *verify(const struct claim *k)
{
	char path[300];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/verify", k->t.id, k->domain);
	return client_call(k->c, "POST", path, NULL, NULL);
}

static const struct answer *look(const struct claim *k)
{
	return assert_status(200, client_get(k->c, "/tenants/%s/domains/%s", k->t.id, k->domain));
}

static void publish(const struct claim *k, int resolver)
{
	dns_peer_txt(dns[resolver], k->txt_name, k->txt);
	dns_peer_cname(dns[resolver], k->domain, k->t.domain);
}

/* Why it failed, in the answer and to be read afterwards. */
static const struct answer *fails(const struct claim *k, const char *reason)
{
	const struct answer *a = assert_error(409, "verification_failed", verify(k));

	assert_true(answer_fault(a, "records[0]", reason));
	a = look(k);
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

	claim(*state, "proven", "policies.proven.org", &k);
	client_host(k.c, k.domain);
	assert_error(421, "misdirected_request", client_get(k.c, "/policies"));
	client_host(k.c, NULL);
	publish(&k, 0);
	publish(&k, 1);
	a = assert_status(200, verify(&k));
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
	assert_status(200, verify(&k));
	assert_status(200, client_delete(k.c, "/tenants/%s/domains/%s", k.t.id, k.domain));
	client_host(k.c, k.domain);
	assert_error(421, "misdirected_request", client_get(k.c, "/policies"));
	client_close(k.c);
}

static void what_is_missing_or_wrong_is_said(void **state)
{
	struct claim k;
	const struct answer *a;

	claim(*state, "missing", "www.missing.org", &k);
	a = fails(&k, "record_missing");
	assert_text(dns_peer_address(dns[0]), a, "records[0].seen[0].resolver");
	assert_text("there is no such name", a, "records[0].seen[0].problem");
	for (int i = 0; i < 2; i++)
		dns_peer_txt(dns[i], k.txt_name, "control-core-verification=somebodyelse");
	a = fails(&k, "record_wrong");
	assert_text("control-core-verification=somebodyelse", a, "records[0].seen[1].values[0]");
	publish(&k, 0);
	fails(&k, "resolvers_disagree");
	dns_peer_mood(dns[1], DNS_SERVFAIL);
	fails(&k, "resolver_failed");
	dns_peer_mood(dns[1], DNS_SILENT);
	a = fails(&k, "resolver_failed");
	assert_text("it did not answer in time", a, "records[0].seen[1].problem");
	dns_peer_mood(dns[1], DNS_CUT);
	publish(&k, 1);
	assert_text("verified", assert_status(200, verify(&k)), "status");
	client_close(k.c);
}

static void a_proof_is_good_for_one_tenant(void **state)
{
	struct claim first, second;

	claim(*state, "winner", "www.contested.org", &first);
	claim(*state, "loser", "www.contested.org", &second);
	for (int i = 0; i < 2; i++)
		publish(&first, i);
	fails(&second, "record_wrong");
	assert_status(200, verify(&first));
	for (int i = 0; i < 2; i++)
		publish(&second, i);
	assert_error(409, "domain_active_elsewhere", verify(&second));
	client_host(second.c, "www.contested.org");
	assert_error(403, "tenant_access_denied", client_get(second.c, "/policies"));
	client_close(first.c);
	client_close(second.c);
}

static void a_record_of_an_earlier_claim_proves_nothing(void **state)
{
	struct claim k;
	char path[200];

	claim(*state, "earlier", "www.earlier.org", &k);
	for (int i = 0; i < 2; i++)
		publish(&k, i);
	assert_status(200, verify(&k));
	assert_status(200, client_delete(k.c, "/tenants/%s/domains/%s", k.t.id, k.domain));
	snprintf(path, sizeof(path), "/tenants/%s/domains", k.t.id);
	assert_status(201, client_post(k.c, path, "{'domain':'%s'}", k.domain));
	fails(&k, "record_wrong");
	client_close(k.c);
}

static void a_claim_that_is_over_cannot_be_proven(void **state)
{
	struct claim k;

	claim(*state, "tardy", "www.tardy.org", &k);
	for (int i = 0; i < 2; i++)
		publish(&k, i);
	fixture_control(*state, "UPDATE cc.domain SET claim_expires_at = now()"
				" WHERE domain = 'www.tardy.org'");
	assert_error(409, "verification_failed", verify(&k));
	client_close(k.c);
}

static void a_rehearsal_keeps_nothing(void **state)
{
	struct claim k;
	char path[300];

	claim(*state, "rehearsal", "www.rehearsal.org", &k);
	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/verify?dry_run=true", k.t.id, k.domain);
	assert_error(409, "verification_failed", client_call(k.c, "POST", path, NULL, NULL));
	assert_text("not_checked", look(&k), "reason");
	for (int i = 0; i < 2; i++)
		publish(&k, i);
	assert_text("verified", assert_status(200, client_call(k.c, "POST", path, NULL, NULL)), "status");
	assert_text("pending", look(&k), "status");
	client_close(k.c);
}

static void the_platforms_own_name_needs_no_proof(void **state)
{
	struct claim k;

	claim(*state, "needless", "www.needless.org", &k);
	snprintf(k.domain, sizeof(k.domain), "%s", k.t.domain);
	assert_error(409, "conflict", verify(&k));
	client_close(k.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_proven_domain_is_a_host_of_its_tenant, clean),
		cmocka_unit_test_setup(what_is_missing_or_wrong_is_said, clean),
		cmocka_unit_test_setup(a_proof_is_good_for_one_tenant, clean),
		cmocka_unit_test_setup(a_record_of_an_earlier_claim_proves_nothing, clean),
		cmocka_unit_test_setup(a_claim_that_is_over_cannot_be_proven, clean),
		cmocka_unit_test_setup(a_rehearsal_keeps_nothing, clean),
		cmocka_unit_test_setup(the_platforms_own_name_needs_no_proof, clean),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
