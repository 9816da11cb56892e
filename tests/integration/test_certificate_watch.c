/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a certificate is told in good time, more urgently as it comes near, and once; then it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keeper.h"

#include "cc/core/certificates.h"

static int clean(void **state)
{
	struct plane *p = *state;

	plane_clean(p);
	plane_sql(p, PLANE_CONTROL, "DELETE FROM cc.alert");
	keeper_keks(p, "old");
	return 0;
}

static int tick(struct plane *p)
{
	struct ctx cx = plane_ctx(p);
	struct round round;

	assert_int_equal(ERR_NONE, certificates_tick(&cx, &round));
	assert_int_equal(0, round.failed);
	plane_done(&cx);
	return round.done;
}

/* It began `age` ago and has `left`; then everybody looks. */
static void live(struct plane *p, const char *domain, const char *age, const char *left)
{
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate SET not_before = now() - interval '%s',"
		  " not_after = now() + interval '%s', look_at = now() WHERE domain = '%s'", age, left,
		  domain);
	assert_int_equal(1, tick(p));
	assert_int_equal(0, tick(p));
}

/* "type severity" of what is open. */
static const char *open_alerts(struct plane *p, const char *domain)
{
	return plane_text(p, PLANE_CONTROL, "SELECT coalesce(string_agg(type || ' ' || severity, ', '"
			  " ORDER BY type), '') FROM cc.alert"
			  " WHERE subject = '%s' AND resolved_at IS NULL", domain);
}

/* From now to the next look. */
static const char *next_look(struct plane *p)
{
	return plane_text(p, PLANE_CONTROL, "SELECT CASE WHEN look_at = 'infinity' THEN 'never'"
			  " ELSE round(extract(epoch FROM look_at - now()) / 3600)::text END"
			  " FROM cc.certificate");
}

static void an_end_is_told_as_it_comes_near(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	(void)keeper_bring(p, acme, "www.acme.org");
	live(p, "www.acme.org", "10 days", "80 days");
	assert_string_equal("", open_alerts(p, "www.acme.org"));
	assert_string_equal("1380", next_look(p)); /* 80 d - 22.5 d */
	live(p, "www.acme.org", "70 days", "20 days");
	assert_string_equal("certificate_expiring info", open_alerts(p, "www.acme.org"));
	assert_string_equal("312", next_look(p));
	live(p, "www.acme.org", "84 days", "6 days");
	assert_string_equal("certificate_expiring warning", open_alerts(p, "www.acme.org"));
	assert_string_equal("96", next_look(p));
	live(p, "www.acme.org", "89 days", "1 day");
	assert_string_equal("certificate_expiring critical", open_alerts(p, "www.acme.org"));
	assert_string_equal("24", next_look(p));
	assert_int_equal(1, plane_count(p, "cc.alert"));
	assert_int_equal(0, plane_count(p, "cc.tenant_audit WHERE action = 'expireCertificate'"));
}

static void a_short_life_is_told_of_as_well(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	(void)keeper_bring(p, acme, "www.acme.org");
	live(p, "www.acme.org", "1 hour", "8 days");
	assert_string_equal("", open_alerts(p, "www.acme.org"));
	assert_string_equal("24", next_look(p));
	live(p, "www.acme.org", "2 days", "6 days");
	assert_string_equal("certificate_expiring warning", open_alerts(p, "www.acme.org"));
}

static void an_end_ends_it(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");
	const int64_t before = plane_count(p, "cc.change");

	(void)keeper_bring(p, acme, "www.acme.org");
	live(p, "www.acme.org", "89 days", "1 day");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.domain SET status = 'active' WHERE domain = 'www.acme.org'");
	live(p, "www.acme.org", "90 days", "0 days");
	assert_string_equal("certificate_expired critical", open_alerts(p, "www.acme.org"));
	assert_string_equal("never", next_look(p));
	assert_string_equal("verified expired", plane_text(p, PLANE_CONTROL,
		"SELECT concat_ws(' ', status, ssl_status) FROM cc.domain WHERE domain = 'www.acme.org'"));
	assert_int_equal(1, plane_count(p, "cc.tenant_audit WHERE action = 'expireCertificate'"));
	assert_true(plane_count(p, "cc.change") > before);
	assert_string_equal("", keeper_served(p, NULL));
}

static void the_next_one_ends_the_alarm(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	(void)keeper_bring(p, acme, "www.acme.org");
	live(p, "www.acme.org", "90 days", "0 days");
	assert_string_equal("certificate_expired critical", open_alerts(p, "www.acme.org"));
	keeper_replace(p, acme, "www.acme.org");
	assert_string_equal("", open_alerts(p, "www.acme.org"));
	assert_string_equal("verified active", plane_text(p, PLANE_CONTROL,
		"SELECT concat_ws(' ', status, ssl_status) FROM cc.domain WHERE domain = 'www.acme.org'"));
	assert_int_equal(1, tick(p));
	assert_string_equal("", open_alerts(p, "www.acme.org"));
}

/* More than a round takes, and of tenants that wait for their deletion nothing. */
static void many_are_looked_at_in_rounds(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme"), *gone = plane_tenant(p, "gone");
	int done = 0;

	for (int i = 0; i < 25; i++)
		(void)keeper_bring(p, acme, arena_printf(p->arena, "d%d.acme.org", i));
	(void)keeper_bring(p, gone, "www.gone.org");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant SET status = 'deletion_scheduled' WHERE id = '%s';"
		  "UPDATE cc.certificate SET not_after = now() + interval '1 day', look_at = now()", gone);
	for (int n = 1; n > 0; done += n)
		n = tick(p);
	assert_int_equal(25, done);
	assert_int_equal(25, plane_count(p, "cc.alert WHERE severity = 'critical'"));
	assert_int_equal(0, plane_count(p, "cc.alert WHERE subject = 'www.gone.org'"));
}

/* Its alerts cannot be written, as with a row that is damaged; and they are as many as a round takes. */
static void a_tenant_whose_turns_fail_keeps_no_other_waiting(void **state)
{
	struct plane *p = *state;
	const char *broken = plane_tenant(p, "broken"), *whole = plane_tenant(p, "whole");
	struct ctx cx = plane_ctx(p);
	struct round round;

	for (int i = 0; i < 20; i++)
		(void)keeper_bring(p, broken, arena_printf(p->arena, "d%d.broken.org", i));
	(void)keeper_bring(p, whole, "www.whole.org");
	plane_sql(p, PLANE_CONTROL,
		  "UPDATE cc.certificate SET not_after = now() + interval '1 day', look_at = now() -"
		  " CASE tenant_id WHEN '%s' THEN interval '1 hour' ELSE interval '1 minute' END;"
		  "CREATE FUNCTION cc.test_refuse() RETURNS trigger LANGUAGE plpgsql AS"
		  " $f$ BEGIN RAISE EXCEPTION 'damaged'; END $f$;"
		  "CREATE TRIGGER test_refuse BEFORE INSERT ON cc.alert FOR EACH ROW"
		  " WHEN (NEW.tenant_id = '%s') EXECUTE FUNCTION cc.test_refuse()", broken, broken);
	assert_int_equal(ERR_NONE, certificates_tick(&cx, &round));
	assert_int_equal(0, round.done);
	assert_int_equal(20, round.failed);
	assert_string_equal(broken, round.tenant_id);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate SET lease_until = now()"
				    " WHERE lease_until > now()");
	assert_int_equal(ERR_NONE, certificates_tick(&cx, &round));
	assert_int_equal(1, round.done);
	assert_string_equal("certificate_expiring critical", open_alerts(p, "www.whole.org"));
	plane_sql(p, PLANE_CONTROL, "DROP TRIGGER test_refuse ON cc.alert; DROP FUNCTION cc.test_refuse()");
	plane_done(&cx);
}

static enum err one_round(struct plane *p, struct ctx *cx, void *arg)
{
	struct round round;

	(void)p;
	(void)arg;
	return certificates_tick(cx, &round);
}

static void what_another_node_has_in_hand_is_its_own(void **state)
{
	struct plane *p = *state;
	const char *acme = plane_tenant(p, "acme");

	(void)keeper_bring(p, acme, "www.acme.org");
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate SET not_after = now() + interval '1 day',"
				    " look_at = now()");
	assert_true(plane_dies_at(p, "certificate.look.claimed:1", one_round, NULL));
	assert_int_equal(0, tick(p));
	assert_string_equal("", open_alerts(p, "www.acme.org"));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.certificate SET lease_until = now()");
	assert_int_equal(1, tick(p));
	assert_string_equal("certificate_expiring critical", open_alerts(p, "www.acme.org"));
	assert_int_equal(1, plane_count(p, "cc.certificate WHERE lease_until IS NULL"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_end_is_told_as_it_comes_near, clean),
		cmocka_unit_test_setup(a_short_life_is_told_of_as_well, clean),
		cmocka_unit_test_setup(an_end_ends_it, clean),
		cmocka_unit_test_setup(the_next_one_ends_the_alarm, clean),
		cmocka_unit_test_setup(many_are_looked_at_in_rounds, clean),
		cmocka_unit_test_setup(a_tenant_whose_turns_fail_keeps_no_other_waiting, clean),
		cmocka_unit_test_setup(what_another_node_has_in_hand_is_its_own, clean),
	};

	return cmocka_run_group_tests(tests, keeper_start, keeper_stop);
}
