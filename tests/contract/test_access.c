/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call a route at all: credentials, scopes, methods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "contract.h"

#include "cc/core/scope.h"

static struct client *client_with(struct contract *k, const char *key)
{
	struct client *c = client_open(daemon_port(k->d));

	client_key(c, key);
	return c;
}

static void every_route_names_a_known_scope(void **state)
{
	(void)state;
	FOR_EACH_ROUTE(r, prefix)
	{
		if (r->scope != NULL && scope_bit(r->scope) == 0 && strcmp(r->scope, SCOPE_ANY) != 0)
			fail_msg("%s: unknown scope %s", r->op, r->scope);
		if (r->scope_or != NULL && scope_bit(r->scope_or) == 0)
			fail_msg("%s: unknown scope %s", r->op, r->scope_or);
		if (r->mode == DB_WRITE && r->object == NULL)
			fail_msg("%s: its audit does not know what it changes", r->op);
	}
}

static void without_a_credential_only_public_routes_answer(void **state)
{
	struct contract *k = *state;
	struct client *c = client_with(k, NULL);

	FOR_EACH_ROUTE(r, prefix)
	{
		const struct answer *a = contract_call(k, c, r, prefix);

		/* Of an object that is none. */
		if (r->auth == AUTH_PUBLIC && strchr(r->path, '{') != NULL)
			assert_status(404, a);
		else if (r->auth == AUTH_PUBLIC)
			assert_status(r->status, a);
		else
			assert_error(401, "unauthorized", a);
	}
	client_close(c);
}

static void a_credential_that_is_none_is_refused(void **state)
{
	static const char *const keys[] = { "x", "cc_live_",
		"cc_op_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL" };
	struct contract *k = *state;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct client *c = client_with(k, keys[i]);

		FOR_EACH_ROUTE(r, prefix)
		if (r->auth != AUTH_PUBLIC)
			assert_error(401, "unauthorized", contract_call(k, c, r, prefix));
		client_close(c);
	}
}

/* metrics:read opens no route of this version. */
static void without_its_scope_a_route_is_refused(void **state)
{
	struct contract *k = *state;
	char *operator= daemon_make_operator_key(k->d, "metrics:read");
	char *tenant = fixture_key(k->d, k->t.id, "metrics:read", NULL);
	struct client *as_operator = client_with(k, operator), *as_tenant = client_with(k, tenant);

	FOR_EACH_ROUTE(r, prefix)
	{
		if (r->auth == AUTH_PUBLIC || strcmp(r->scope, "metrics:read") == 0 ||
			strcmp(r->scope, SCOPE_ANY) == 0)
			continue;
		assert_error(403, "insufficient_scope", contract_call(k, as_operator, r, prefix));
		if (r->auth == AUTH_TENANT)
			assert_error(403, "insufficient_scope", contract_call(k, as_tenant, r, prefix));
		else
			assert_status(403, contract_call(k, as_tenant, r, prefix));
	}
	client_close(as_operator);
	client_close(as_tenant);
	free(operator);
	free(tenant);
}

/* Writes are asked with a body that has a fault, so that nothing but the gate is passed. */
static void each_of_its_scopes_is_enough_for_a_route(void **state)
{
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		const char *const scopes[] = { r->scope, r->scope_or };
		struct ask ask = { .r = r, .prefix = prefix, .method = r->method };

		if ((r->mode == DB_WRITE && r->body == NULL) ||
			(r->scope != NULL && strcmp(r->scope, SCOPE_ANY) == 0))
			continue;
		if (r->body != NULL)
			ask.body = "{\"no such field\":1}";
		for (size_t i = 0; i < 2; i++) {
			char *key = scopes[i] != NULL ? daemon_make_operator_key(k->d, scopes[i]) : NULL;
			struct client *c = client_with(k, key);
			const struct answer *a = contract_ask(k, c, &ask);

			if (key != NULL && (a->status == 401 || a->status == 403))
				fail_msg("%s: %s is not enough: %s", a->asked, scopes[i], a->body);
			client_close(c);
			free(key);
		}
	}
}

static bool lists_method(const char *allow, const char *method)
{
	const size_t n = strlen(method);

	for (const char *p = allow; p != NULL && *p != '\0'; p += strcspn(p, ",")) {
		p += strspn(p, ", ");
		if (strncmp(p, method, n) == 0 && (p[n] == ',' || p[n] == '\0' || p[n] == ' '))
			return true;
	}
	return false;
}

static void other_methods_are_refused_with_those_allowed(void **state)
{
	static const enum method methods[] = { M_GET, M_POST, M_PUT, M_PATCH, M_DELETE };
	struct contract *k = *state;

	FOR_EACH_ROUTE(r, prefix)
	{
		for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
			const struct ask ask = { .r = r, .prefix = prefix, .method = methods[i] };
			const struct answer *a;

			if (route_find(methods[i], r->path) != NULL)
				continue;
			a = assert_error(405, "method_not_allowed", contract_ask(k, k->c, &ask));
			for (size_t j = 0; j < sizeof(methods) / sizeof(methods[0]); j++)
				if (lists_method(answer_header(a, "Allow"), method_name(methods[j])) !=
					(route_find(methods[j], r->path) != NULL))
					fail_msg("%s: Allow: %s", a->asked, answer_header(a, "Allow"));
		}
	}
}

static void unknown_paths_are_not_found(void **state)
{
	struct contract *k = *state;

	assert_error(404, "not_found", client_get(k->c, "/no-such-thing"));
	assert_error(404, "not_found", client_get(k->c, "/policies/1/no-such-thing"));
	assert_error(404, "not_found", client_get(k->c, "/"));
	assert_error(404, "not_found", client_call(k->c, "GET", "/api/v2/policies", NULL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_names_a_known_scope),
		cmocka_unit_test(without_a_credential_only_public_routes_answer),
		cmocka_unit_test(a_credential_that_is_none_is_refused),
		cmocka_unit_test(without_its_scope_a_route_is_refused),
		cmocka_unit_test(each_of_its_scopes_is_enough_for_a_route),
		cmocka_unit_test(other_methods_are_refused_with_those_allowed),
		cmocka_unit_test(unknown_paths_are_not_found),
	};

	return cmocka_run_group_tests(tests, contract_setup, contract_teardown);
}
