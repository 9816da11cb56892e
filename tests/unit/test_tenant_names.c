/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cc/core/plan.h"
#include "cc/core/tenant.h"
#include "cc/model/apikey.h"
#include "cc/model/names.h"
#include "cc/model/registry.h"
#include "cc/model/tenant.h"

typedef const char *(*check_fn)(const char *text);

static void all_pass(check_fn check, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (check(texts[i]) != NULL)
			fail_msg("\"%s\" %s", texts[i], check(texts[i]));
}

static void none_passes(check_fn check, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (check(texts[i]) == NULL)
			fail_msg("\"%s\" passed", texts[i]);
}

#define FORTY "a123456789b123456789c123456789d123456789"
#define PASS(check, ...) \
	all_pass(check, (const char *const[]){ __VA_ARGS__ }, \
		 sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define REFUSE(check, ...) \
	none_passes(check, (const char *const[]){ __VA_ARGS__ }, \
		    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void slugs_are_labels(void **state)
{
	(void)state;
	PASS(check_slug, "a", "acme", "acme-corp", "7", "a1-b2--c3", FORTY, "tenant", "tenant-acme",
	     "tenant-acme-1234");
	REFUSE(check_slug, "", "-a", "a-", "-", "Acme", "a_b", "a.b", "a b", "\xc3\xa9", FORTY "e");
}

static void some_slugs_are_reserved(void **state)
{
	(void)state;
	REFUSE(check_slug, "www", "api", "app", "admin", "mail", "status", "auth", "login", "static", "cdn",
	       "ns1", "ns2",
	       "localhost", "xn--bcher-kva");
}

/* acme.eu.controlcore.io is acme in Europe, never a host of a tenant called eu. */
static void places_are_no_slugs(void **state)
{
	(void)state;
	REFUSE(check_slug, "eu", "na", "ap", "us-east-1", "eu-central-1", "ap-southeast-12", "me-south-1");
	PASS(check_slug, "eur", "e", "us-east", "usa-east-1", "us-east-1a", "us-1", "us--1");
}

static void no_slug_looks_like_an_id(void **state)
{
	(void)state;
	REFUSE(check_slug, "tenant-acme-abc234", "tenant-a-aaaaaa", "tenant-a-b-c-234567");
	PASS(check_slug, "tenant-acme-abc189", "tenant--abc234x", "tenant-abc234");
}

static void a_domain_begins_with_a_slug(void **state)
{
	(void)state;
	PASS(check_tenant_domain, "acme.controlcore.io", "a.b", FORTY ".example.org");
	REFUSE(check_tenant_domain, "", ".", "acme.", "acme..io", "www.controlcore.io", "Acme.controlcore.io",
	       FORTY "e.controlcore.io", "10.0.0.1", "a_b.c", "acme.io/x", "acme.io:80");
}

static void a_custom_domain_is_a_host_name_of_two_labels(void **state)
{
	(void)state;
	PASS(check_custom_domain, "policies.acme.com", "acme.com", "www.acme.co.uk", "1.acme.com");
	REFUSE(check_custom_domain, "", "acme", "10.0.0.1", "acme.123", "acme.com.", "-a.com", "a-.com",
	       "*.acme.com",
	       "http://acme.com", "[::1]", "acme.com:443");
}

static void addresses_are_checked(void **state)
{
	(void)state;
	PASS(check_email, "a@b.co", "owner@acme.controlcore.io", "first.last+tag@Example.COM",
	     "o'neil@x.org");
	REFUSE(check_email, "", "@b.co", "a@", "a@b", "a@@b.co", "a b@c.de", ".a@b.co", "a.@b.co",
	       "a..b@c.de", "a@b..co",
	       "a@-b.co", "a@10.0.0.1", "a\n@b.co", FORTY FORTY "@b.co");
}

static void names_are_well_formed_or_not(void **state)
{
	(void)state;
	assert_true(name_is_wellformed("acme"));
	assert_true(name_is_wellformed("tenant-acme-abc234"));
	assert_false(name_is_wellformed(""));
	assert_false(name_is_wellformed("-acme"));
	assert_false(name_is_wellformed("acme "));
	assert_false(name_is_wellformed("ACME"));
	assert_false(name_is_wellformed("a,b"));
	assert_false(name_is_wellformed(FORTY "123456789012345678901234"));
}

static void a_label_stands_before_the_base(void **state)
{
	struct arena *a = arena_create(256);

	(void)state;
	assert_string_equal("acme", host_label(a, "acme.controlcore.io", "controlcore.io"));
	assert_string_equal("acme.eu", host_label(a, "acme.eu.controlcore.io", "controlcore.io"));
	assert_null(host_label(a, "controlcore.io", "controlcore.io"));
	assert_null(host_label(a, ".controlcore.io", "controlcore.io"));
	assert_null(host_label(a, "acme.notcontrolcore.io", "controlcore.io"));
	assert_null(host_label(a, "notcontrolcore.io", "controlcore.io"));
	assert_null(host_label(a, "acme.controlcore.io.evil.org", "controlcore.io"));
	arena_destroy(a);
}

static void tables_are_sound(void **state)
{
	static const struct schema *const all[] = {
		&tenant_new_schema, &tenant_row_schema, &tenant_item_schema, &tenant_suspension_schema,
		&tenant_place_row_schema, &cred_row_schema, &feed_row_schema,
		&api_key_new_schema, &api_key_created_schema, &api_key_row_schema, &api_key_deletion_schema,
	};
	struct arena *a = arena_create(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *why = schema_self_check(a, all[i]);

		if (why != NULL)
			fail_msg("%s", why);
	}
	assert_null(schema_field(&tenant_item_schema, "limits"));
	assert_non_null(schema_field(&tenant_row_schema, "limits"));
	arena_destroy(a);
}

static void a_status_has_one_name(void **state)
{
	enum tenant_status s;

	(void)state;
	for (int i = TENANT_PROVISIONING; i <= TENANT_DELETING; i++) {
		assert_true(tenant_status_parse(tenant_status_name((enum tenant_status)i), &s));
		assert_int_equal(i, s);
		assert_string_equal(tenant_statuses[i], tenant_status_name((enum tenant_status)i));
	}
	assert_false(tenant_status_parse("no", &s));
	assert_false(tenant_status_parse(NULL, &s));
}

static void plans_are_found_by_name(void **state)
{
	const struct plan plans[] = { { .name = "free" }, { .name = "pro" } };
	const struct plan_set set = { plans, 2 };

	(void)state;
	assert_ptr_equal(&plans[1], plan_find(&set, "pro"));
	assert_null(plan_find(&set, "Pro"));
	assert_null(plan_find(&set, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slugs_are_labels),
		cmocka_unit_test(some_slugs_are_reserved),
		cmocka_unit_test(places_are_no_slugs),
		cmocka_unit_test(no_slug_looks_like_an_id),
		cmocka_unit_test(a_domain_begins_with_a_slug),
		cmocka_unit_test(a_custom_domain_is_a_host_name_of_two_labels),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(names_are_well_formed_or_not),
		cmocka_unit_test(a_label_stands_before_the_base),
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(a_status_has_one_name),
		cmocka_unit_test(plans_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
