/* SPDX-License-Identifier: Apache-2.0 */
/* What bodies about tenants must not hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"

#define PATH "/tenants/faults"

static void what_the_server_counts_is_read_before_it_is_ignored(void **state)
{
	struct client *op = client_operator(*state);
	struct tenant_fixture t;
	const struct answer *a;

	fixture_tenant(*state, "faults", NULL, NULL, NULL, &t);
	a = client_patch(op, PATH, "{'limits':'garbage','updated_at':17}");
	assert_error(422, "validation_error", a);
	assert_fault("limits", "type", a);
	assert_fault("updated_at", "type", a);
	a = client_patch(op, PATH, "{'limits':{'foo':1,'users_used':'one'},'updated_at':'yesterday'}");
	assert_fault("limits.foo", "unknown", a);
	assert_fault("limits.users_used", "type", a);
	assert_fault("updated_at", "format", a);
	assert_fault("limits", "null", client_patch(op, PATH, "{'limits':null}"));
	/* What was got goes back, whatever has changed meanwhile. */
	a = client_patch(op, PATH, "{'name':'New','limits':{'users_used':9,'policies_used':null},"
				   "'updated_at':'2020-01-01T00:00:00Z'}");
	assert_text("New", assert_status(200, a), "name");
	client_close(op);
}

static void the_owner_counts_as_a_user(void **state)
{
	struct client *op = client_operator(*state);
	const struct answer *a;

	a = client_post(op, "/tenants", "{'name':'N','domain':'nobody.controlcore.io','region':'us-east-1',"
					"'settings':{'max_users':0}}");
	assert_fault("settings.max_users", "range", assert_error(422, "validation_error", a));
	a = client_post(op, "/tenants", "{'name':'N','domain':'somebody.controlcore.io','region':'us-east-1',"
					"'settings':{'max_users':1}}");
	assert_int(1, assert_status(201, a), "limits.users_used");
	client_close(op);
}

static void places_are_no_names_of_tenants(void **state)
{
	static const char *const slugs[] = { "eu", "na", "ap", "eu-west-1", "ap-southeast-1" };
	struct client *op = client_operator(*state);

	for (size_t i = 0; i < sizeof(slugs) / sizeof(slugs[0]); i++)
		assert_fault("domain", "format",
			     client_post(op, "/tenants", "{'name':'N','domain':'%s.controlcore.io',"
							 "'region':'us-east-1'}", slugs[i]));
	client_close(op);
}

/* Who names an issuer would have the daemon ask whom he likes. */
static void keys_of_issuers_come_from_public_places(void **state)
{
	static const char *const urls[] = { "http://id.example.com/keys", "https://10.0.0.1/keys",
					    "https://127.0.0.1:5432/", "https://169.254.169.254/latest",
					    "https://[::1]/keys", "https://2130706433/",
					    "https://localhost/keys" };
	struct client *op = client_operator(*state);
	struct tenant_fixture t;

	fixture_tenant(*state, "issued", NULL, NULL, NULL, &t);
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		assert_fault("issuers[0].jwks_url", "format",
			     client_put(op, "/tenants/issued/auth/issuers",
					"{'issuers':[{'issuer':'a','audience':'b','algorithms':['ES256'],"
					"'jwks_url':'%s'}]}", urls[i]));
	client_close(op);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_server_counts_is_read_before_it_is_ignored),
		cmocka_unit_test(the_owner_counts_as_a_user),
		cmocka_unit_test(places_are_no_names_of_tenants),
		cmocka_unit_test(keys_of_issuers_come_from_public_places),
	};

	return cmocka_run_group_tests(tests, daemon_group_setup, daemon_group_teardown);
}
