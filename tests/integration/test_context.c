/* SPDX-License-Identifier: Apache-2.0 */
/* Which tenant is meant, over the wire: the spec's bodies to the letter. The table is tests/isolation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libpq-fe.h>

#include "client.h"

static void the_403_of_the_spec(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "denied", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	client_tenant(c, "tenant-acme-123");
	a = client_get(c, "/policies");
	assert_error(403, "tenant_access_denied", a);
	assert_text("Access denied for tenant tenant-acme-123", a, "message");
	assert_text("tenant-acme-123", a, "tenant_id");
	client_close(c);
}

static void the_404_of_the_spec(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *a = client_get(op, "/tenants/tenant-acme-123");

	assert_error(404, "tenant_not_found", a);
	assert_text("Tenant tenant-acme-123 not found", a, "message");
	assert_text("tenant-acme-123", a, "tenant_id");
	client_close(op);
}

static void a_foreign_tenant_looks_like_none(void **state)
{
	struct tenant_fixture mine, yours;
	struct client *c;
	const struct answer *a, *b;

	fixture_tenant(*state, "mine", NULL, NULL, NULL, &mine);
	fixture_tenant(*state, "yours", NULL, NULL, NULL, &yours);
	c = client_of(*state, &mine);
	a = client_get(c, "/tenants/yours");
	b = client_get(c, "/tenants/yourz");
	assert_error(403, "tenant_access_denied", a);
	assert_error(403, "tenant_access_denied", b);
	assert_int_equal(json_object_size(a->json), json_object_size(b->json));
	assert_int_equal(a->body_len, b->body_len);
	client_host(c, "yours.controlcore.io");
	assert_text("yours", client_get(c, "/policies"), "tenant_id");
	client_host(c, "yourz.controlcore.io");
	assert_text("yourz", client_get(c, "/policies"), "tenant_id");
	client_close(c);
}

static void all_sources_together_mean_one_tenant(void **state)
{
	struct tenant_fixture t;
	struct client *c, *op = client_operator(*state);

	fixture_tenant(*state, "agreed", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	client_host(c, t.domain);
	client_tenant(c, t.id);
	assert_status(200, client_get(c, "/policies?tenant_id=agreed"));
	assert_status(200, client_get(c, "/tenants/%s?tenant_id=agreed", t.id));
	assert_error(403, "tenant_access_denied", client_get(c, "/policies?tenant_id=other"));
	client_host(c, "other.controlcore.io");
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));
	/* By the name with the group of a region, as a move shows it. */
	client_host(c, "agreed.na.controlcore.io");
	assert_status(200, client_get(c, "/policies"));
	client_host(c, "other.na.controlcore.io");
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));
	client_host(c, "agreed.nowhere.controlcore.io");
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));

	assert_error(400, "tenant_required", client_get(op, "/policies"));
	client_tenant(op, "agreed");
	assert_status(200, client_get(op, "/policies"));
	assert_status(200, client_get(op, "/policies?tenant_id=%s", t.id));
	assert_error(404, "tenant_not_found", client_get(op, "/policies?tenant_id=nowhere"));
	client_close(c);
	client_close(op);
}

static void an_operator_must_not_contradict_itself(void **state)
{
	struct tenant_fixture a, b;
	struct client *op = client_operator(*state);

	fixture_tenant(*state, "this", NULL, NULL, NULL, &a);
	fixture_tenant(*state, "that", NULL, NULL, NULL, &b);
	client_tenant(op, "this");
	assert_error(400, "tenant_context_conflict", client_get(op, "/policies?tenant_id=that"));
	assert_error(400, "tenant_context_conflict", client_get(op, "/tenants/that"));
	client_tenant(op, NULL);
	client_host(op, "this.controlcore.io");
	assert_error(403, "operator_key_refused", client_get(op, "/tenants/this"));
	client_host(op, "nobody.controlcore.io");
	assert_error(403, "operator_key_refused", client_get(op, "/tenants/this"));
	client_close(op);
}

static void a_source_is_there_once_and_well_formed(void **state)
{
	static const char *const bad[] = { "X-Tenant-ID: \r\n", "X-Tenant-ID: a b\r\n", "X-Tenant-ID: A\r\n",
					   "X-Tenant-ID: once\r\nX-Tenant-ID: once\r\n" };
	struct tenant_fixture t;
	struct client *c;

	fixture_tenant(*state, "once", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_error(400, "tenant_context_invalid", client_call(c, "GET", "/api/v1/policies",
									bad[i], NULL));
	assert_error(400, "tenant_context_invalid", client_get(c, "/policies?tenant_id="));
	assert_error(400, "tenant_context_invalid", client_get(c, "/policies?tenant_id=once&tenant_id=once"));
	assert_error(400, "tenant_context_invalid", client_get(c, "/tenants/on%%20ce"));
	client_close(c);
}

static void hosts_that_are_not_ours_are_misdirected(void **state)
{
	struct tenant_fixture t;
	struct client *c;
	const struct answer *a;

	fixture_tenant(*state, "hosts", NULL, NULL, NULL, &t);
	c = client_of(*state, &t);
	client_host(c, "hosts.example.org");
	a = client_get(c, "/policies");
	assert_error(421, "misdirected_request", a);
	assert_null(answer_at(a, "tenant_id"));
	client_host(c, "controlcore.io");
	assert_status(200, client_get(c, "/policies"));
	client_host(c, "API.controlcore.io:8443");
	assert_status(200, client_get(c, "/policies"));
	client_host(c, "HOSTS.controlcore.io.");
	assert_status(200, client_get(c, "/policies"));
	client_close(c);
}

/* Here the database is told that its verification took place. */
static void a_verified_domain_is_a_host_of_its_tenant(void **state)
{
	struct tenant_fixture t, other;
	struct client *c, *op = client_operator(*state);

	fixture_tenant(*state, "custom", NULL, NULL, NULL, &t);
	fixture_tenant(*state, "stranger", NULL, NULL, NULL, &other);
	c = client_of(*state, &t);
	client_host(c, "policies.custom.org");
	assert_error(421, "misdirected_request", client_get(c, "/policies"));
	fixture_control(*state, "INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token)"
			    " SELECT id, 'policies.custom.org', 'verified', 'pending', 't' FROM cc.tenant"
			    " WHERE slug = 'custom'");
	/* a change of the tenant tells the nodes */
	assert_status(200, client_patch(op, "/tenants/custom", "{'name':'Now with a domain'}"));
	assert_status(200, client_get(c, "/policies"));
	client_key(c, other.key);
	assert_error(403, "tenant_access_denied", client_get(c, "/policies"));
	client_host(op, "policies.custom.org");
	assert_error(403, "operator_key_refused", client_get(op, "/tenants/custom"));
	client_close(c);
	client_close(op);
}

static void operators_need_the_scope_too(void **state)
{
	struct tenant_fixture t;
	char *key = daemon_make_operator_key(*state, "platform:read,platform:tenants");
	struct client *op = client_open(daemon_port(*state));

	fixture_tenant(*state, "scoped", NULL, NULL, NULL, &t);
	client_key(op, key);
	assert_status(200, client_get(op, "/tenants/scoped"));
	assert_status(200, client_get(op, "/tenants"));
	assert_error(403, "insufficient_scope", client_get(op, "/policies?tenant_id=scoped"));
	assert_error(403, "insufficient_scope", client_get(op, "/audit/logs?tenant_id=scoped"));
	assert_status(201, client_post(op, "/tenants/scoped/api-keys",
				       "{'name':'n','scopes':['policies:read']}"));
	assert_status(202, client_delete(op, "/tenants/scoped"));
	free(key);
	client_close(op);
}

static void what_needs_no_credential_works_everywhere(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "10.1.2.3", "anything.example.org",
					     "x.controlcore.io" };
	struct client *c = client_open(daemon_port(*state));

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const struct answer *a;

		client_host(c, hosts[i]);
		assert_text("ok", assert_status(200, client_call(c, "GET", "/livez", NULL, NULL)), "status");
		assert_text("ok", assert_status(200, client_call(c, "GET", "/readyz", NULL, NULL)), "status");
		a = assert_status(200, client_get(c, "/health"));
		assert_text("healthy", a, "status");
		assert_text("healthy", a, "components.database.status");
		assert_text("healthy", a, "components.redis.status");
		a = assert_status(200, client_get(c, "/openapi.json"));
		assert_text("3.1.0", a, "openapi");
	}
	client_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_403_of_the_spec),
		cmocka_unit_test(the_404_of_the_spec),
		cmocka_unit_test(a_foreign_tenant_looks_like_none),
		cmocka_unit_test(all_sources_together_mean_one_tenant),
		cmocka_unit_test(an_operator_must_not_contradict_itself),
		cmocka_unit_test(a_source_is_there_once_and_well_formed),
		cmocka_unit_test(hosts_that_are_not_ours_are_misdirected),
		cmocka_unit_test(a_verified_domain_is_a_host_of_its_tenant),
		cmocka_unit_test(operators_need_the_scope_too),
		cmocka_unit_test(what_needs_no_credential_works_everywhere),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
