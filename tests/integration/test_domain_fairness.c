/* SPDX-License-Identifier: Apache-2.0 */
/* What is due about one tenant's domains keeps no other tenant waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
	int done = 0;

	assert_int_equal(ERR_NONE, domains_tick(&cx, &done));
	plane_done(&cx);
	return done;
}

/* Claims that ended so long ago: nobody has to be asked about them. */
static void claims(struct plane *p, const char *tenant_id, const char *name, int n, const char *ago)
{
	plane_sql(p, PLANE_CONTROL,
		  "INSERT INTO cc.domain (tenant_id, domain, status, ssl_status, token, claim_expires_at)"
		  " SELECT '%s', '%s' || i || '.org', 'pending', 'pending', 'x', now() - interval '%s'"
		  " FROM generate_series(1, %d) i", tenant_id, name, ago, n);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_of_one_tenant_keep_no_other_waiting),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
