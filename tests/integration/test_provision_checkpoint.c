/* SPDX-License-Identifier: Apache-2.0 */
/* When the heads of the audit are signed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plane.h"

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

static int clean(void **state)
{
	plane_clean(*state);
	return 0;
}

static int64_t due_within(struct plane *p, const char *span)
{
	return plane_number(p, PLANE_CONTROL,
		"SELECT count(*) FROM cc.tenant WHERE checkpoint_at < now() + interval '%s'", span);
}

static void a_head_is_looked_at_when_its_turn_comes(void **state)
{
	struct plane *p = *state;

	(void)plane_tenant(p, "acme");
	assert_true(plane_tick(p).signed_heads > 0);
	assert_int_equal(0, due_within(p, "59 min"));
	assert_int_equal(1, due_within(p, "61 min"));
	assert_int_equal(0, plane_tick(p).signed_heads);
}

/* Not only when its turn comes again, in an hour. */
static void a_head_that_could_not_be_signed_is_tried_again_soon(void **state)
{
	struct plane *p = *state;
	const char *schema = plane_schema(p, plane_tenant(p, "acme"));
	struct ctx cx = plane_ctx(p);
	struct tick_report r;

	plane_sql(p, PLANE_EAST, "ALTER TABLE %s.audit RENAME TO away", schema);
	assert_int_not_equal(ERR_NONE, provision_tick(&cx, &r));
	assert_int_equal(0, r.signed_heads);
	assert_int_equal(1, due_within(p, "61 s"));
	assert_int_equal(0, due_within(p, "1 s"));
	plane_sql(p, PLANE_EAST, "ALTER TABLE %s.away RENAME TO audit", schema);
	plane_sql(p, PLANE_CONTROL, "UPDATE cc.tenant SET checkpoint_at = now()");
	assert_true(plane_tick(p).signed_heads > 0);
	assert_int_equal(0, due_within(p, "59 min"));
	plane_done(&cx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_head_is_looked_at_when_its_turn_comes, clean),
		cmocka_unit_test_setup(a_head_that_could_not_be_signed_is_tried_again_soon, clean),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
