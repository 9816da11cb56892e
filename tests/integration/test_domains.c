/* SPDX-License-Identifier: Apache-2.0 */
/* Domains of tenants: names, claims, the default one, and what is left when they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "daemon.h"

static const struct answer *add(struct client *c, const struct tenant_fixture *t, const char *domain)
{
	char path[200];

	snprintf(path, sizeof(path), "/tenants/%s/domains", t->id);
	return client_post(c, path, "{'domain':'%s'}", domain);
}

static const struct answer *get(struct client *c, const struct tenant_fixture *t, const char *domain)
{
	return client_get(c, "/tenants/%s/domains/%s", t->id, domain);
}

static const struct answer *make_default(struct client *c, const struct tenant_fixture *t, const char *domain)
{
	char path[300];

	snprintf(path, sizeof(path), "/api/v1/tenants/%s/domains/%s/default", t->id, domain);
	return client_call(c, "POST", path, NULL, NULL);
}

/* Here the database is told that the proof was given. */
static void prove(struct daemon *d, const struct tenant_fixture *t, const char *domain)
{
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "UPDATE cc.domain SET status = 'verified', verified_at = now(), reason = NULL,"
		 " claim_expires_at = NULL WHERE tenant_id = '%s' AND domain = '%s'", t->id, domain);
	fixture_control(d, sql);
}

static void a_new_domain_says_what_proves_it(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;
	char token[100];

	fixture_tenant(*state, "acme", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = assert_status(201, add(c, &t, "policies.acme.com"));
	assert_text("policies.acme.com", a, "domain");
	assert_text("pending", a, "status");
	assert_text("pending", a, "ssl_status");
	assert_text("acme.controlcore.io", a, "dns_instructions.cname_record");
	snprintf(token, sizeof(token), "%s", answer_text(a, "dns_instructions.txt_record"));
	assert_memory_equal("control-core-verification=", token, 26);
	assert_int_equal(26 + 32, strlen(token));
	assert_text("_control-core-verification.policies.acme.com", a, "txt_name");
	assert_text("not_checked", a, "reason");
	assert_int_equal(2, answer_count(a, "records"));
	assert_text("TXT", a, "records[0].type");
	assert_text("_control-core-verification.policies.acme.com", a, "records[0].name");
	assert_text(token, a, "records[0].value");
	assert_true(json_is_false(answer_at(a, "records[0].verified")));
	assert_int_equal(0, answer_count(a, "records[0].seen"));
	assert_true(answer_null(a, "records[0].checked_at"));
	assert_text("CNAME", a, "records[1].type");
	assert_text("policies.acme.com", a, "records[1].name");
	assert_text("acme.controlcore.io", a, "records[1].value");
	assert_non_null(strstr(answer_header(a, "Location"), "/domains/policies.acme.com"));
	a = assert_status(201, add(c, &t, "POLICIES.Acme.com."));
	assert_text(token, a, "dns_instructions.txt_record");
	a = assert_status(200, get(c, &t, "policies.acme.com"));
	assert_text(token, a, "dns_instructions.txt_record");
	a = assert_status(200, client_get(c, "/tenants/%s/domains", t.id));
	assert_int_equal(2, answer_count(a, ""));
	assert_text("policies.acme.com", a, "[0].domain");
	assert_text("acme.controlcore.io", a, "[1].domain");
	assert_true(json_is_true(answer_at(a, "[1].is_default")));
	assert_text("active", a, "[1].status");
	assert_text("active", a, "[1].ssl_status");
	client_close(c);
}

static void names_are_kept_as_they_are_looked_up(void **state)
{
	static const char *const names[][2] = {
		{ "Shop.Example.ORG", "shop.example.org" },
		{ "shop.example.org.", "shop.example.org" },
		{ "b\xC3\xBC" "cher.example.org", "xn--bcher-kva.example.org" },
		{ "XN--BCHER-KVA.example.org", "xn--bcher-kva.example.org" },
		{ "stra\xC3\x9F" "e.example.org", "xn--strae-oqa.example.org" },
		{ "\xEF\xBC\xA1.example.org", "a.example.org" },
	};
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "names", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_text(names[i][1], assert_status(201, add(c, &t, names[i][0])), "domain");
		assert_text(names[i][1], assert_status(200, get(c, &t, names[i][1])), "domain");
	}
	client_close(c);
}

static void names_that_nobody_can_own_are_refused(void **state)
{
	static const char *const names[] = {
		"localhost", "10.0.0.1", "127.1", "0x7f.0x1", "[::1]", "::1", "fe80::1%eth0", "acme", "com.",
		"co.uk", "github.io", "xn--p1ai.", "controlcore.io", "api.controlcore.io",
		"other.controlcore.io", "a.b.controlcore.io", "ControlCore.IO.", "*.acme.com", "acme..com",
		"acme.com..",
		".acme.com", "-a.acme.com", "a_b.acme.com", "acme.com/x", "acme.com:443", "user@acme.com",
		"acme .com", "xn--a.acme.com",
		"a\xE2\x80\x8B.controlcore.io",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com",
	};
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "refused", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_fault("domain", "invalid_domain", add(c, &t, names[i]));
		client_forget(c);
	}
	client_close(c);
}

static void an_address_is_called_one(void **state)
{
	static const char *const addresses[] = { "10.0.0.1", "127.1", "0x7f.0x1", "[::1]", "::1",
						 "fe80::1%eth0", "2001:db8::1", "10.0.0.1." };
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "addresses", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		const struct answer *a = add(c, &t, addresses[i]);

		assert_fault("domain", "invalid_domain", a);
		if (strstr(answer_text(a, "details[0].message"), "no address") == NULL)
			fail_msg("%s: %s", addresses[i], answer_text(a, "details[0].message"));
	}
	assert_null(strstr(answer_text(add(c, &t, "acme.com:443"), "details[0].message"), "no address"));
	client_close(c);
}

/* 226 characters are the most that leave room for the label of the TXT record. */
static void a_name_leaves_room_for_its_record(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	char name[256] = "";
	size_t n = 0;

	fixture_tenant(*state, "long", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	while (n < 216)
		n += (size_t)snprintf(name + n, sizeof(name) - n, "%053d.", 0);
	n += (size_t)snprintf(name + n, sizeof(name) - n, "aaaaaa.com");
	assert_int_equal(226, n);
	assert_status(201, add(c, &t, name));
	snprintf(name + n - 4, sizeof(name) - n + 4, "a.com");
	assert_fault("domain", "invalid_domain", add(c, &t, name));
	client_close(c);
}

static void many_may_claim_a_name_until_one_has_it(void **state)
{
	struct tenant_fixture first, second;
	struct client *a, *b;
	char token[100];

	fixture_tenant(*state, "firstone", NULL, NULL, NULL, &first);
	fixture_tenant(*state, "secondone", NULL, NULL, NULL, &second);
	a = client_of(*state, &first);
	b = client_of(*state, &second);
	snprintf(token, sizeof(token), "%s",
		 answer_text(assert_status(201, add(a, &first, "shared.example.net")),
			     "dns_instructions.txt_record"));
	assert_string_not_equal(token, answer_text(assert_status(201, add(b, &second, "shared.example.net")),
						   "dns_instructions.txt_record"));
	assert_error(404, "resource_not_found", get(a, &first, "nobody.example.net"));
	assert_error(403, "tenant_access_denied", get(a, &second, "shared.example.net"));
	prove(*state, &first, "shared.example.net");
	assert_error(409, "domain_taken", add(a, &first, "shared.example.net"));
	assert_status(200, client_delete(b, "/tenants/%s/domains/shared.example.net", second.id));
	assert_error(409, "domain_active_elsewhere", add(b, &second, "shared.example.net"));
	client_close(a);
	client_close(b);
}

static void a_verified_domain_can_be_the_default(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "shown", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_status(201, add(c, &t, "www.shown.org"));
	assert_status(201, add(c, &t, "api.shown.org"));
	assert_error(409, "not_active", make_default(c, &t, "www.shown.org"));
	prove(*state, &t, "www.shown.org");
	a = assert_status(200, make_default(c, &t, "www.shown.org"));
	assert_true(json_is_true(answer_at(a, "is_default")));
	a = assert_status(200, get(c, &t, "shown.controlcore.io"));
	assert_true(json_is_false(answer_at(a, "is_default")));
	assert_error(409, "default_domain", client_delete(c, "/tenants/%s/domains/www.shown.org", t.id));
	assert_error(409, "default_domain", client_delete(c, "/tenants/%s/domains/%s", t.id, t.domain));
	assert_status(200, make_default(c, &t, t.domain));
	assert_status(200, client_delete(c, "/tenants/%s/domains/www.shown.org", t.id));
	client_close(c);
}

static void a_deleted_domain_begins_anew(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;
	char token[100];

	fixture_tenant(*state, "leaver", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	a = assert_status(201, add(c, &t, "www.leaver.org"));
	snprintf(token, sizeof(token), "%s", answer_text(a, "dns_instructions.txt_record"));
	prove(*state, &t, "www.leaver.org");
	a = assert_status(200, client_delete(c, "/tenants/%s/domains/WWW.leaver.org", t.id));
	assert_text("www.leaver.org", a, "domain");
	assert_error(404, "resource_not_found", get(c, &t, "www.leaver.org"));
	client_host(c, "www.leaver.org");
	assert_error(421, "misdirected_request", client_get(c, "/policies"));
	client_host(c, NULL);
	assert_string_not_equal(token, answer_text(assert_status(201, add(c, &t, "www.leaver.org")),
						   "dns_instructions.txt_record"));
	client_close(c);
}

static void the_audit_names_the_domain(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "audited", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	assert_status(201, add(c, &t, "www.audited.org"));
	a = assert_status(200, client_get(c, "/audit/logs?object=domain"));
	assert_int_equal(1, answer_count(a, "logs"));
	assert_text("addDomain", a, "logs[0].action");
	assert_text("www.audited.org", a, "logs[0].object_id");
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_domain_says_what_proves_it),
		cmocka_unit_test(names_are_kept_as_they_are_looked_up),
		cmocka_unit_test(an_address_is_called_one),
		cmocka_unit_test(names_that_nobody_can_own_are_refused),
		cmocka_unit_test(a_name_leaves_room_for_its_record),
		cmocka_unit_test(many_may_claim_a_name_until_one_has_it),
		cmocka_unit_test(a_verified_domain_can_be_the_default),
		cmocka_unit_test(a_deleted_domain_begins_anew),
		cmocka_unit_test(the_audit_names_the_domain),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
