/* SPDX-License-Identifier: Apache-2.0 */
/* What is due about one tenant's domains keeps no other tenant waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plane.h"

#include "cc/core/domains.h"

static int start(void **state)
{
	*state = plane_start();
	return 0;
}

static int stop(void **state)
{
	plane_stop(*state);
	return 0;
}

static int tick(struct plane *p)
{
	struct ctx cx = plane_ctx(p);
	struct round round;

	assert_int_equal(ERR_NONE, domains_tick(&cx, &round));
	assert_int_equal(0, round.failed);
	plane_done(&cx);
	return round.done;
}

/* Claims that ended so long ago: nobody has to be asked about them. */
static void claims(struct plane *p, const char *tenant_id, const char *name, int n, const char *ago)
{
	plane_sql(p, PLANE_CONTROL,
		  "INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token, claim_expires_at)"
		  " SELECT '%s', '%s' || i || '.org', 'pending', 'pending', 'x', now() - interval '%s'"
		  " FROM generate_series(1, %d) i", tenant_id, name, ago, n);
}

/* Whatever would end a claim of this tenant fails from now on, as it would with a row that is damaged. */
static void poison(struct plane *p, const char *tenant_id)
{
	plane_sql(p, PLANE_CONTROL,
		  "CREATE FUNCTION cc.test_refuse() RETURNS trigger LANGUAGE plpgsql AS"
		  " $f$ BEGIN RAISE EXCEPTION 'damaged'; END $f$;"
		  "CREATE TRIGGER test_refuse BEFORE UPDATE ON cc.domain FOR EACH ROW"
		  " WHEN (OLD.tenant_id = '%s' AND OLD.status <> NEW.status)"
		  " EXECUTE FUNCTION cc.test_refuse()",
		  tenant_id);
}

static int64_t expired(struct plane *p, const char *tenant_id)
{
	return plane_number(p, PLANE_CONTROL, "SELECT count(*) FROM cc.domain WHERE tenant_id = '%s'"
			    " AND status = 'expired'", tenant_id);
}

static void a_thousand_of_one_tenant_keep_no_other_waiting(void **state)
{
	struct plane *p = *state;
	const char *loud = plane_tenant(p, "loud"), *quiet = plane_tenant(p, "quiet");
	const char *calm = plane_tenant(p, "calm");
	int done;

	claims(p, loud, "loud", 1000, "1 hour");
	claims(p, quiet, "quiet", 1, "1 minute");
	claims(p, calm, "calm", 3, "1 second");
	done = tick(p);
	assert_int_equal(1, expired(p, quiet));
	assert_int_equal(1, expired(p, calm));
	assert_int_equal(done - 2, expired(p, loud));
	/* Each has a share in every round, and nobody's turn is lost. */
	(void)tick(p);
	(void)tick(p);
	assert_int_equal(3, expired(p, calm));
	assert_true(expired(p, loud) > 3);
	for (int n = 1; n > 0; done += n)
		n = tick(p);
	assert_int_equal(1000, expired(p, loud));
	assert_int_equal(0, tick(p));
}

static void a_tenant_whose_turns_fail_keeps_no_other_waiting(void **state)
{
	struct plane *p = *state;
	const char *broken = plane_tenant(p, "broken"), *whole = plane_tenant(p, "whole");
	struct ctx cx = plane_ctx(p);
	struct round round;

	claims(p, broken, "broken", 12, "1 hour");
	claims(p, whole, "whole", 6, "1 minute");
	poison(p, broken);
	assert_int_equal(ERR_NONE, domains_tick(&cx, &round));
	assert_int_equal(1, round.done);
	assert_int_equal(7, round.failed);
	assert_string_equal(broken, round.tenant_id);
	assert_int_not_equal(ERR_NONE, round.error);
	assert_non_null(strstr(round.problem.cause, "damaged"));
	assert_int_equal(1, expired(p, whole));
	/* What failed comes again, behind what became due before that. */
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.domain SET lease_until = now() WHERE lease_until IS NOT NULL");
	assert_int_equal(ERR_NONE, domains_tick(&cx, &round));
	assert_int_equal(8, round.done + round.failed);
	assert_true(round.done >= 3);
	assert_int_equal(round.done + 1, expired(p, whole));
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.domain SET lease_until = now() WHERE lease_until IS NOT NULL;"
				    "DROP TRIGGER test_refuse ON cc.domain; DROP FUNCTION cc.test_refuse()");
	while (tick(p) > 0)
		continue;
	assert_int_equal(6, expired(p, whole));
	assert_int_equal(12, expired(p, broken));
	plane_done(&cx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_of_one_tenant_keep_no_other_waiting),
		cmocka_unit_test(a_tenant_whose_turns_fail_keeps_no_other_waiting),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
