/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys in a real database: opened for whom they were sealed, and sealed anew under another KEK. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keeper.h"
#include "temp.h"

#include "cc/base/clock.h"
#include "cc/core/certificates.h"

#define MANY 103 /* more than a page */
#define SLOW_MS 20

static int clean(void **state)
{
	plane_clean(*state);
	keeper_keks(*state, "old");
	return 0;
}

static void assert_opens(struct plane *p, const char *domain, const char *key)
{
	const char *got = keeper_key(p, domain);

	assert_non_null(got);
	assert_string_equal(key, got);
}

/* It would be served, but for what was done to it. */
static void assert_shut(struct plane *p, const char *domain)
{
	assert_int_equal(1, plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.certificate c"
					 " JOIN cc.domain d USING (tenant_id, domain)"
					 " WHERE d.routed AND c.not_after > now() AND domain = '%s'",
					 domain));
	assert_null(keeper_key(p, domain));
	assert_null(strstr(keeper_served(p, NULL), domain));
}

static void all_are_told_with_their_own_keys(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *other = plane_tenant(p, "other");
	const char *key[MANY];
	struct str wanted;

	str_init(&wanted, p->arena, 8192);
	for (size_t i = 0; i < MANY; i++) {
		const char *domain = arena_printf(p->arena, "d%03zu.acme.org", i);

		key[i] = keeper_bring(p, i % 2 ? acme : other, domain);
		str_addf(&wanted, "%s %s\n", domain, i % 2 ? acme : other);
	}
	assert_string_equal(wanted.data, keeper_served(p, NULL));
	assert_null(strstr(keeper_served(p, acme), other));
	assert_non_null(strstr(keeper_served(p, acme), "d101.acme.org"));
	for (size_t i = 0; i < MANY; i += 17)
		assert_opens(p, arena_printf(p->arena, "d%03zu.acme.org", i), key[i]);
}

static void take_time(struct ctx *cx, const struct served_certificate *c, void *arg)
{
	int *n = arg;

	(void)cx;
	(void)c;
	++*n;
	temp_sleep_ms(SLOW_MS);
}

/* The page is what has a deadline: who takes long over one gets the next all the same. */
static void none_is_missed_for_want_of_time(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");
	struct ctx cx = plane_ctx(p);
	int told = 0;

	for (int i = 0; i < MANY; i++)
		(void)keeper_bring(p, acme, arena_printf(p->arena, "d%03d.acme.org", i));
	cx.deadline_ms = clock_mono_ms() + MANY * SLOW_MS / 2;
	assert_int_equal(ERR_NONE, certificates_each(&cx, NULL, take_time, &told));
	assert_int_equal(MANY, told);
	plane_done(&cx);
}

static void what_must_not_be_served_is_not_told(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	(void)keeper_bring(p, acme, "www.acme.org");
	(void)keeper_bring(p, acme, "late.acme.org");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.domain SET status = 'pending' WHERE domain = 'www.acme.org';"
		  "UPDATE cc.certificate SET not_after = now() WHERE domain = 'late.acme.org'");
	assert_string_equal("", keeper_served(p, NULL));
}

static void a_row_that_is_moved_does_not_open(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *evil = plane_tenant(p, "evil");
	const char *key = keeper_bring(p, acme, "www.acme.org");

	(void)keeper_bring(p, acme, "api.acme.org");
	(void)keeper_bring(p, evil, "www.evil.org");
	/* What is sealed of acme's, in a row of the other tenant's, and of another domain. */
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate e SET (serial, fingerprint, chain, sealed_key,"
		  " wrapped_dek) = (SELECT serial, fingerprint, chain, sealed_key, wrapped_dek"
		  " FROM cc.certificate WHERE domain = 'www.acme.org') WHERE domain <> 'www.acme.org'");
	assert_shut(p, "www.evil.org");
	assert_shut(p, "api.acme.org");
	assert_opens(p, "www.acme.org", key);
	/* The whole row, with its domain, in the other tenant's hands. */
	plane_sql(p, PLANE_CONTROL, "DELETE FROM cc.certificate WHERE domain <> 'www.acme.org';"
		  "UPDATE cc.domain SET status = 'expired' WHERE domain = 'www.acme.org';"
		  "INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token)"
		  " VALUES ('%s', 'www.acme.org', 'verified', 'active', 'x');"
		  "UPDATE cc.certificate SET tenant_id = '%s'", evil, evil);
	assert_shut(p, "www.acme.org");
}

static void a_row_that_is_changed_does_not_open(void **state)
{
	static const char *const changes[] = {
		"sealed_key = set_byte(sealed_key, 40, get_byte(sealed_key, 40) # 1)",
		"sealed_key = substr(sealed_key, 1, 10)",
		"wrapped_dek = set_byte(wrapped_dek, 0, get_byte(wrapped_dek, 0) # 128)",
		"wrapped_dek = ''",
		"serial = serial || '0'",
	};
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *domain = arena_printf(p->arena, "d%zu.acme.org", i);

		(void)keeper_bring(p, acme, domain);
		plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate SET %s WHERE domain = '%s'", changes[i],
			  domain);
		assert_shut(p, domain);
	}
}

static enum err rotate(struct plane *p, struct ctx *cx, void *arg)
{
	struct kek_rotation *r = arg;

	(void)p;
	return certificates_rotate(cx, r);
}

static struct kek_rotation rotated(struct plane *p)
{
	struct ctx cx = plane_ctx(p);
	struct kek_rotation r;

	assert_int_equal(ERR_NONE, rotate(p, &cx, &r));
	plane_done(&cx);
	return r;
}

static const char *sealed(struct plane *p)
{
	return plane_text(p, PLANE_CONTROL, "SELECT string_agg(encode(sealed_key, 'hex'), ' '"
			  " ORDER BY domain) FROM cc.certificate");
}

static void rotation_changes_what_deks_are_under_and_nothing_else(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");
	const char *one = keeper_bring(p, acme, "one.acme.org"), *two = keeper_bring(p, acme, "two.acme.org");
	const char *before = sealed(p), *three;
	struct kek_rotation r;

	keeper_keks(p, "new old");
	three = keeper_bring(p, acme, "three.acme.org");
	before = sealed(p);
	r = rotated(p);
	assert_string_equal("new", r.kek_id);
	assert_int_equal(2, r.changed);
	assert_int_equal(1, r.unchanged);
	assert_string_equal(before, sealed(p));
	keeper_keks(p, "new");
	assert_opens(p, "one.acme.org", one);
	assert_opens(p, "two.acme.org", two);
	assert_opens(p, "three.acme.org", three);
	assert_int_equal(2, plane_count(p, "cc.tenant_audit WHERE action = 'rotateKek'"));
	assert_int_equal(0, rotated(p).changed);
	assert_int_equal(2, plane_count(p, "cc.tenant_audit WHERE action = 'rotateKek'"));
	keeper_keks(p, "old");
	assert_shut(p, "one.acme.org");
}

static void rotation_does_nothing_while_a_kek_is_missing(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");
	struct ctx cx = plane_ctx(p);
	struct kek_rotation r;

	(void)keeper_bring(p, acme, "one.acme.org");
	keeper_keks(p, "lost");
	(void)keeper_bring(p, acme, "two.acme.org");
	(void)keeper_bring(p, acme, "three.acme.org");
	keeper_keks(p, "new old");
	assert_int_equal(ERR_CONFLICT, certificates_rotate(&cx, &r));
	assert_non_null(strstr(cx.problem.message, "lost (2)"));
	assert_int_equal(0, plane_count(p, "cc.certificate WHERE kek_id = 'new'"));
	ctx_clear_problem(&cx);
	keeper_keks(p, "");
	assert_int_equal(ERR_KEK_MISSING, certificates_rotate(&cx, &r));
	plane_done(&cx);
}

/* DEKs that another key of the same name sealed are found out, and keep no others from being sealed anew. */
static void rotation_names_all_that_does_not_open(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *other = plane_tenant(p, "other");
	struct ctx cx = plane_ctx(p);
	struct str broken;
	struct kek_rotation r;

	for (int i = 0; i < MANY; i++)
		(void)keeper_bring(p, acme, arena_printf(p->arena, "d%03d.acme.org", i));
	(void)keeper_bring(p, other, "one.other.org");
	(void)keeper_bring(p, other, "two.other.org");
	str_init(&broken, p->arena, 64);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate SET wrapped_dek = set_byte(wrapped_dek, 20,"
		  " get_byte(wrapped_dek, 20) # 1) WHERE domain IN ('d000.acme.org', 'd101.acme.org',"
		  " 'one.other.org')");
	keeper_keks(p, "new old");
	for (int again = 0; again < 2; again++) {
		assert_int_equal(ERR_CONFLICT, certificates_rotate(&cx, &r));
		assert_int_equal(again ? 0 : MANY + 2 - 3, r.changed);
		assert_int_equal(3, r.ndamaged);
		for (size_t i = 0; i < r.ndamaged; i++) {
			const struct kek_damage *d = &r.damaged[i];

			assert_string_equal("old", d->kek_id);
			assert_string_equal(plane_text(p, PLANE_CONTROL, "SELECT tenant_id || ' ' || serial"
						       " FROM cc.certificate WHERE domain = '%s'", d->domain),
					    arena_printf(p->arena, "%s %s", d->tenant_id, d->serial));
			str_addf(&broken, "%s ", d->domain);
		}
		assert_string_equal("3 certificates do not open, and stay as before", cx.problem.message);
		ctx_clear_problem(&cx);
	}
	assert_non_null(strstr(broken.data, "d000.acme.org "));
	assert_non_null(strstr(broken.data, "d101.acme.org "));
	assert_non_null(strstr(broken.data, "one.other.org "));
	assert_int_equal(3, plane_count(p, "cc.certificate WHERE kek_id = 'old'"));
	plane_done(&cx);
}

/* At each message to PostgreSQL and at each step in turn; each time it goes on from where it was. */
static void rotation_may_die_anywhere(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *other = plane_tenant(p, "other");
	const char *one = keeper_bring(p, acme, "one.acme.org");
	const char *two = keeper_bring(p, other, "two.other.org");
	int64_t rows = 0, audited = 0;
	int n = 1;
	bool died;

	do {
		struct kek_rotation r;

		keeper_keks(p, n % 2 ? "new old" : "old new");
		died = plane_dies_at(p, arena_printf(p->arena, "*:%d", n++), rotate, &r);
		assert_opens(p, "one.acme.org", one);
		assert_opens(p, "two.other.org", two);
		rows = plane_count(p, "cc.certificate WHERE kek_id IN ('new', 'old')");
		assert_int_equal(2, rows);
		(void)rotated(p);
		assert_int_equal(2, plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.certificate"
						 " WHERE kek_id = '%s'", p->settings.keks.v[0].id));
		/* One record for each change, whoever made it, and none for what was not done. */
		audited = plane_count(p, "cc.tenant_audit WHERE action = 'rotateKek'");
		assert_int_equal(2 * (n - 1), audited);
	} while (died);
	assert_true(n > 12);
}

static void a_tenant_takes_its_certificates_with_it(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *other = plane_tenant(p, "other");

	(void)keeper_bring(p, acme, "www.acme.org");
	(void)keeper_bring(p, other, "www.other.org");
	plane_schedule(p, acme);
	plane_recover(p);
	assert_int_equal(1, plane_count(p, "cc.tenant"));
	assert_int_equal(1, plane_count(p, "cc.certificate"));
	assert_int_equal(1, plane_count(p, "cc.certificate WHERE domain = 'www.other.org'"));
}

/* The role of tenants' requests sees what is shown of its own, and what is sealed not even of these. */
static void tenants_cannot_read_what_is_sealed(void **state)
{
	struct plane *p = *state;

	assert_string_equal("f f", plane_text(p, PLANE_CONTROL, "SELECT concat_ws(' ',"
		" has_column_privilege('cc_ctl_tenant', 'cc.certificate', 'sealed_key', 'SELECT'),"
		" has_column_privilege('cc_ctl_tenant', 'cc.certificate', 'wrapped_dek', 'SELECT'))"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_are_told_with_their_own_keys, clean),
		cmocka_unit_test_setup(none_is_missed_for_want_of_time, clean),
		cmocka_unit_test_setup(what_must_not_be_served_is_not_told, clean),
		cmocka_unit_test_setup(a_row_that_is_moved_does_not_open, clean),
		cmocka_unit_test_setup(a_row_that_is_changed_does_not_open, clean),
		cmocka_unit_test_setup(rotation_changes_what_deks_are_under_and_nothing_else, clean),
		cmocka_unit_test_setup(rotation_does_nothing_while_a_kek_is_missing, clean),
		cmocka_unit_test_setup(rotation_names_all_that_does_not_open, clean),
		cmocka_unit_test_setup(rotation_may_die_anywhere, clean),
		cmocka_unit_test_setup(a_tenant_takes_its_certificates_with_it, clean),
		cmocka_unit_test_setup(tenants_cannot_read_what_is_sealed, clean),
	};

	return cmocka_run_group_tests(tests, keeper_start, keeper_stop);
}
