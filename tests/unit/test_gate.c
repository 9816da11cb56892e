/* SPDX-License-Identifier: Apache-2.0 */
/* Which tenant a request means, row by row of the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gate_fake.h"

static void the_credential_comes_before_any_tenant(void **state)
{
	EXPECT(ERR_UNAUTHORIZED, LIST, .header = "alpha");
	EXPECT(ERR_UNAUTHORIZED, LIST, .header = "");
	EXPECT(ERR_UNAUTHORIZED, LIST, .host = "who.example.org");
	EXPECT(ERR_UNAUTHORIZED, GET, .path = "beta", .key = "no such key");
	EXPECT(ERR_KEY_EXPIRED, LIST, .header = "nowhere", .key = "expired");
	assert_int_equal(0, lookups);
}

static void one_credential_and_not_in_the_query(void **state)
{
	EXPECT(ERR_INVALID_REQUEST, LIST, .key = "key-alpha", .also_api_key = true);
	EXPECT(ERR_INVALID_REQUEST, LIST, .key = "key-alpha", .extra = "api_key");
	EXPECT(ERR_INVALID_REQUEST, LIST, .extra = "access_token");
	EXPECT(ERR_INVALID_REQUEST, LIST, .extra = "key");
	EXPECT(ERR_NONE, LIST, .also_api_key = true);
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .extra = "status");
	assert_int_equal(2, lookups);
}

static void public_routes_ask_for_nothing(void **state)
{
	EXPECT(ERR_NONE, .route = &live, .host = "who.example.org");
	EXPECT(ERR_NONE, .route = &live, .header = "a b");
}

static void without_a_source_the_credentials_tenant_is_meant(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ERR_NONE, pass(f, &(struct ask){ LIST, .key = "key-alpha" }));
	assert_ptr_equal(&tenants[0], f->cx.tenant);
	assert_string_equal("key-alpha", f->cx.actor->id);
	assert_string_equal("tenant-alpha-aaaaaa", f->rq.tenant_named);
	api_hooks.done(&f->cx, &f->rq, 200);
}

static void every_way_of_naming_ones_own_is_taken(void **state)
{
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .header = "alpha");
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .header = "tenant-alpha-aaaaaa");
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .query = "alpha");
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .host = "alpha.controlcore.io");
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .host = "tenant-alpha-aaaaaa.controlcore.io");
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .host = ALPHA_HOST);
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .host = "controlcore.io");
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .host = "api.controlcore.io");
	EXPECT(ERR_NONE, LIST, .key = "key-alpha", .host = "");
	EXPECT(ERR_NONE, GET, .key = "key-alpha", .path = "alpha", .header = "tenant-alpha-aaaaaa",
	       .query = "alpha",
	       .host = "alpha.controlcore.io");
	EXPECT(ERR_NONE, LIST, .key = "cold key-alpha", .header = "alpha");
}

static void a_foreign_and_an_unknown_tenant_look_the_same(void **state)
{
	static const char *const others[] = { "beta", "tenant-beta-bbbbbb", "nowhere",
					      "tenant-nowhere-zzzzzz", "going" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const char *host = arena_printf(f->arena, "%s.controlcore.io", others[i]);
		const struct ask asks[] = {
			{ LIST, .key = "key-alpha", .header = others[i] },
			{ LIST, .key = "key-alpha", .query = others[i] },
			{ LIST, .key = "key-alpha", .host = host },
			{ GET, .key = "key-alpha", .path = others[i] },
			{ LIST, .key = "key-alpha", .header = others[i], .host = "alpha.controlcore.io" },
			{ LIST, .key = "key-alpha", .header = "alpha", .query = others[i] },
		};

		for (size_t k = 0; k < sizeof(asks) / sizeof(asks[0]); k++) {
			lookups = 0;
			assert_int_equal(ERR_TENANT_DENIED, pass(f, &asks[k]));
			assert_string_equal(others[i], f->rq.tenant_named);
			assert_string_equal(arena_printf(f->arena, "Access denied for tenant %s", others[i]),
					    f->cx.problem.message);
			/* its own only: nobody asked whether the other exists */
			assert_int_equal(1, lookups);
			api_hooks.done(&f->cx, &f->rq, 403);
		}
	}
}

static void another_host_is_denied_and_a_strange_one_misdirected(void **state)
{
	EXPECT(ERR_TENANT_DENIED, LIST, .key = "key-alpha", .host = BETA_HOST);
	EXPECT(ERR_MISDIRECTED, LIST, .key = "key-alpha", .host = "who.example.org");
	EXPECT(ERR_MISDIRECTED, LIST, .key = "key-alpha", .host = "alpha.notcontrolcore.io");
	EXPECT(ERR_MISDIRECTED, LIST, .key = "key-alpha", .host = "who.example.org", .header = "beta");
	EXPECT(ERR_MISDIRECTED, LIST, .key = "op", .host = "who.example.org", .header = "alpha");
}

static void malformed_sources_are_refused_first(void **state)
{
	static const char *const bad[] = {
		"", " ", "a b", "Alpha", "../x", "a,b", "a_b", "-a", "a-", "alpha.", "a'b",
		"0123456789012345678901234567890123456789012345678901234567890123",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT(ERR_TENANT_INVALID, LIST, .key = "key-alpha", .header = bad[i]);
		EXPECT(ERR_TENANT_INVALID, LIST, .key = "key-alpha", .query = bad[i]);
		EXPECT(ERR_TENANT_INVALID, GET, .key = "key-alpha", .path = bad[i]);
		EXPECT(ERR_TENANT_INVALID, LIST, .key = "op", .header = bad[i]);
	}
	EXPECT(ERR_TENANT_INVALID, LIST, .key = "key-alpha", .header = "alpha", .headers = 2);
	EXPECT(ERR_TENANT_INVALID, LIST, .key = "key-alpha", .query = "alpha", .query_twice = true);
	EXPECT(ERR_TENANT_INVALID, LIST, .key = "key-alpha", .header = "beta", .query = "");
}

static void an_operator_names_one_tenant(void **state)
{
	EXPECT(ERR_TENANT_REQUIRED, LIST, .key = "op");
	EXPECT(ERR_NONE, LIST, .key = "op", .header = "alpha");
	EXPECT(ERR_NONE, LIST, .key = "op", .query = "tenant-alpha-aaaaaa");
	EXPECT(ERR_NONE, GET, .key = "op", .path = "alpha");
	EXPECT(ERR_NONE, GET, .key = "op", .path = "alpha", .header = "tenant-alpha-aaaaaa",
	       .query = "alpha");
	EXPECT(ERR_TENANT_NOT_FOUND, LIST, .key = "op", .header = "nowhere");
	EXPECT(ERR_TENANT_NOT_FOUND, GET, .key = "op", .path = "going");
	EXPECT(ERR_TENANT_CONFLICT, LIST, .key = "op", .header = "alpha", .query = "beta");
	EXPECT(ERR_TENANT_CONFLICT, GET, .key = "op", .header = "alpha", .path = "beta");
	EXPECT(ERR_NONE, .route = &list_tenants, .key = "op");
}

static void the_404_of_an_operator_says_what_it_wrote(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ERR_TENANT_NOT_FOUND, pass(f, &(struct ask){ GET, .key = "op",
								      .path = "tenant-acme-123" }));
	assert_string_equal("Tenant tenant-acme-123 not found", f->cx.problem.message);
	assert_string_equal("tenant-acme-123", f->rq.tenant_named);
	api_hooks.done(&f->cx, &f->rq, 404);
}

static void operators_are_refused_on_hosts_of_tenants(void **state)
{
	EXPECT(ERR_OPERATOR_HOST, LIST, .key = "op", .host = "alpha.controlcore.io");
	EXPECT(ERR_OPERATOR_HOST, LIST, .key = "op", .host = "nowhere.controlcore.io", .header = "alpha");
	EXPECT(ERR_OPERATOR_HOST, .route = &list_tenants, .key = "op", .host = ALPHA_HOST);
	EXPECT(ERR_NONE, .route = &list_tenants, .key = "op", .host = "api.controlcore.io");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_credential_comes_before_any_tenant, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(one_credential_and_not_in_the_query, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(public_routes_ask_for_nothing, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(without_a_source_the_credentials_tenant_is_meant, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(every_way_of_naming_ones_own_is_taken, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(a_foreign_and_an_unknown_tenant_look_the_same, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(another_host_is_denied_and_a_strange_one_misdirected,
						open_gate, close_gate),
		cmocka_unit_test_setup_teardown(malformed_sources_are_refused_first, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(an_operator_names_one_tenant, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(the_404_of_an_operator_says_what_it_wrote, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(operators_are_refused_on_hosts_of_tenants, open_gate,
						close_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
