/* SPDX-License-Identifier: Apache-2.0 */
/* What a node makes of the certificates in the database: what is new, what stays, who is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keeper.h"

#include "daemon/tls_tenants.h"

static struct tls_tenants held;

static int begin(void **state)
{
	struct plane *p = *state;

	plane_clean(p);
	keeper_keks(p, "old");
	tls_tenants_open(&held, plane_ctx(p).world);
	return 0;
}

static int end(void **state)
{
	(void)state;
	tls_tenants_close(&held);
	return 0;
}

static bool changed(const char *tenant_id)
{
	bool ret = false;

	assert_true(tls_tenants_refresh(&held, tenant_id, &ret));
	return ret;
}

/* What is shown for the only domain there is; NULL: nothing. Good until the next refresh. */
static const struct tls_cert *shown(void)
{
	struct tls_entry v[4];

	assert_true(tls_tenants_count(&held) <= 4);
	return tls_tenants_list(&held, v) > 0 ? v[0].cert : NULL;
}

/* … that are open when what was to be told has been told. */
static int64_t alerts(struct plane *p, const char *tenant_id)
{
	tls_tenants_tell(&held);
	return plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.alert WHERE tenant_id = '%s' AND"
			    " type = 'certificate_not_servable' AND severity = 'critical' AND"
			    " subject = 'www.acme.org' AND resolved_at IS NULL", tenant_id);
}

static void only_what_is_another_is_a_change(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *other = plane_tenant(p, "other");

	assert_false(changed(NULL));
	(void)keeper_bring(p, acme, "www.acme.org");
	assert_false(changed(other));
	assert_true(changed(acme));
	assert_false(changed(acme));
	assert_false(changed(NULL));
	keeper_replace(p, acme, "www.acme.org");
	assert_true(changed(NULL));
	assert_false(changed(acme));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.domain SET status = 'stale', stale_at = now()"
		  " WHERE domain = 'www.acme.org'");
	assert_false(changed(acme));
	plane_sql(p, PLANE_CONTROL, "DELETE FROM cc.certificate");
	assert_true(changed(acme));
	assert_false(changed(acme));
}

static void what_cannot_be_shown_leaves_the_one_before(void **state)
{
	static const char *const damages[] = {
		"chain = replace(chain, 'M', 'A')",
		"wrapped_dek = set_byte(wrapped_dek, 20, get_byte(wrapped_dek, 20) # 1)",
	};
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	(void)keeper_bring(p, acme, "www.acme.org");
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct tls_cert *before;

		(void)changed(acme);
		before = shown();
		assert_non_null(before);
		keeper_replace(p, acme, "www.acme.org");
		plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate SET %s", damages[i]);
		assert_false(changed(acme));
		assert_ptr_equal(before, shown());
		assert_int_equal(1, alerts(p, acme));
		assert_false(changed(NULL));
		assert_ptr_equal(before, shown());
		assert_int_equal(1, alerts(p, acme));
		keeper_replace(p, acme, "www.acme.org");
		assert_int_equal(0, alerts(p, acme));
		assert_true(changed(acme));
		assert_non_null(shown());
		assert_int_equal(0, alerts(p, acme));
	}
}

static void a_node_that_can_again_says_so(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	(void)keeper_bring(p, acme, "www.acme.org");
	keeper_keks(p, "lost");
	assert_false(changed(NULL));
	assert_null(shown());
	assert_int_equal(1, alerts(p, acme));
	keeper_keks(p, "old");
	assert_true(changed(acme));
	assert_non_null(shown());
	assert_int_equal(0, alerts(p, acme));
	/* So does one that was started anew in between. */
	keeper_keks(p, "lost");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.alert SET resolved_at = NULL");
	(void)end(state);
	tls_tenants_open(&held, plane_ctx(p).world);
	keeper_keks(p, "old");
	assert_true(changed(NULL));
	assert_int_equal(0, alerts(p, acme));
}

/* A certificate is never shown for another tenant than whose it was. */
static void another_tenants_is_not_left(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *evil = plane_tenant(p, "evil");

	(void)keeper_bring(p, acme, "www.acme.org");
	assert_true(changed(NULL));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.domain SET status = 'expired' WHERE domain = 'www.acme.org';"
		  "INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token)"
		  " VALUES ('%s', 'www.acme.org', 'verified', 'active', 'x');"
		  "UPDATE cc.certificate SET tenant_id = '%s'", evil, evil);
	assert_true(changed(evil));
	assert_null(shown());
	assert_int_equal(1, alerts(p, evil));
	assert_int_equal(0, alerts(p, acme));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_is_another_is_a_change, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_shown_leaves_the_one_before, begin, end),
		cmocka_unit_test_setup_teardown(a_node_that_can_again_says_so, begin, end),
		cmocka_unit_test_setup_teardown(another_tenants_is_not_left, begin, end),
	};

	return cmocka_run_group_tests_name("tls_keeper", tests, keeper_start, keeper_stop);
}
