/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/api/api.h"
#include "cc/core/scope.h"

/* Scopes whose operations are not served yet: a key may hold them already. */
static const char *const waiting[] = {
	"decisions:evaluate",
	"webhooks:read",    "webhooks:write",   "exports:read",    "exports:write",
};

static bool is_waiting(const char *name)
{
	for (size_t i = 0; i < sizeof(waiting) / sizeof(waiting[0]); i++)
		if (strcmp(waiting[i], name) == 0)
			return true;
	return false;
}

static bool is_used(const char *name)
{
	for (const struct route_group *const *g = api_groups; *g != NULL; g++)
		for (size_t i = 0; i < (*g)->n; i++)
			if (str_eq((*g)->routes[i].scope, name) || str_eq((*g)->routes[i].scope_or, name))
				return true;
	return false;
}

static void every_scope_of_a_route_is_in_the_table(void **state)
{
	(void)state;
	for (const struct route_group *const *g = api_groups; *g != NULL; g++)
		for (size_t i = 0; i < (*g)->n; i++) {
			const struct route *r = &(*g)->routes[i];

			if (r->auth == AUTH_PUBLIC)
				assert_null(r->scope);
			else
				assert_true(scope_bit(r->scope) != 0 || str_eq(r->scope, SCOPE_ANY));
			if (r->scope_or != NULL)
				assert_true(scope_bit(r->scope_or) != 0);
		}
}

static void every_scope_of_the_table_is_used_or_waits(void **state)
{
	(void)state;
	for (const char *const *s = scope_names; *s != NULL; s++)
		if (is_used(*s) == is_waiting(*s))
			fail_msg("%s: used by a route %d, listed as waiting %d", *s, is_used(*s),
				 is_waiting(*s));
}

static void operators_routes_need_a_scope_of_the_platform(void **state)
{
	(void)state;
	for (const struct route_group *const *g = api_groups; *g != NULL; g++)
		for (size_t i = 0; i < (*g)->n; i++) {
			const struct route *r = &(*g)->routes[i];

			if (r->auth == AUTH_OPERATOR)
				assert_true((scope_bit(r->scope) & scope_all_platform()) != 0);
		}
}

static void names_and_bits_turn_into_each_other(void **state)
{
	const char *const some[] = { "policies:read", "tenant:delete", "no:such", "platform:read" };
	struct arena *a = arena_create(1024);
	struct strv names = { some, 4 };
	uint64_t bits = scope_bits(&names);
	struct strv back = scope_list(a, bits);

	(void)state;
	assert_int_equal(3, back.n);
	assert_string_equal("platform:read", back.v[0]);
	assert_string_equal("tenant:delete", back.v[1]);
	assert_string_equal("policies:read", back.v[2]);
	assert_int_equal(0, scope_bit("no:such"));
	assert_int_equal(0, scope_bit(NULL));
	arena_destroy(a);
}

static void tenants_scopes_are_all_but_the_platforms(void **state)
{
	uint64_t seen = 0;
	size_t n = 0;

	(void)state;
	for (const char *const *s = tenant_scope_names; *s != NULL; s++, n++) {
		assert_int_not_equal(0, strncmp(*s, "platform:", 9));
		assert_int_equal(0, seen & scope_bit(*s));
		seen |= scope_bit(*s);
	}
	assert_int_equal(31, n);
	assert_true(seen == scope_all_tenant());
	assert_true((seen & scope_all_platform()) == 0);
	for (const char *const *s = scope_names; s != tenant_scope_names; s++)
		assert_int_equal(0, strncmp(*s, "platform:", 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_scope_of_a_route_is_in_the_table),
		cmocka_unit_test(every_scope_of_the_table_is_used_or_waits),
		cmocka_unit_test(operators_routes_need_a_scope_of_the_platform),
		cmocka_unit_test(names_and_bits_turn_into_each_other),
		cmocka_unit_test(tenants_scopes_are_all_but_the_platforms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
