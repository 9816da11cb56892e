/* SPDX-License-Identifier: Apache-2.0 */
/* DNS records of tenants that have moved, when the server does not take them with the move. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mover.h"

#include "cc/core/moves.h"
#include "cc/core/world.h"

static void change(const char *d, const char *what)
{
	plane_sql(plane, PLANE_CONTROL, "UPDATE cc.deployment SET %s, lease_until = now() WHERE id = '%s'",
		what, d);
}

static struct {
	bool takes;
	int calls;
	char slug[64], region[64];
} dns;

static enum err lead_names(struct ctx *cx, const char *slug, const char *region)
{
	dns.calls++;
	if (!dns.takes)
		return refuse(cx, ERR_UNAVAILABLE, "the server says REFUSED");
	snprintf(dns.slug, sizeof(dns.slug), "%s", slug);
	snprintf(dns.region, sizeof(dns.region), "%s", region);
	return ERR_NONE;
}

static struct round lead_late(void)
{
	struct ctx cx = plane_ctx(plane);
	struct round round;

	assert_int_equal(ERR_NONE, moves_lead_names(&cx, &round));
	plane_done(&cx);
	return round;
}

static int64_t names_alerts(const char *d, const char *condition)
{
	return plane_number(plane, PLANE_CONTROL,
		"SELECT count(*) FROM cc.alert WHERE type = 'move_names_late' AND subject = '%s' AND %s", d,
		condition);
}

/* A name server that takes nothing holds no move up, and is not forgotten. */
static void names_that_nobody_takes_are_tried_again(void **state)
{
	const char *d = mover_begin(mover_tenant(5), WEST, false);
	struct round round;

	(void)state;
	memset(&dns, 0, sizeof(dns));
	plane->world.lead_names = lead_names;
	mover_run_until(d, "step = 'cleanup' AND failures = 1");
	change(d, "failures = 5, not_before = now()");
	mover_run(d);
	assert_string_equal("completed t", mover_column(d, "concat_ws(' ', step, names_due <= now())"));
	assert_int_equal(1, plane_number(plane, PLANE_CONTROL,
				    "SELECT count(*) FROM cc.deployment_seen WHERE deployment_id = '%s' AND"
				    " \"progress.dns_update\" = 'failed' AND status = 'completed'", d));
	round = lead_late();
	assert_int_equal(1, round.done);
	assert_int_equal(1, names_alerts(d, "resolved_at IS NULL AND message LIKE '%REFUSED%'"));
	dns.calls = 0;
	(void)lead_late();
	assert_int_equal(0, dns.calls); /* not before its minute is over */
	dns.takes = true;
	change(d, "names_due = now()");
	(void)lead_late();
	assert_string_equal(WEST, dns.region);
	assert_int_equal(0, names_alerts(d, "resolved_at IS NULL"));
	assert_int_equal(1, names_alerts(d, "resolved_at IS NOT NULL"));
	assert_string_equal("t", mover_column(d, "names_due IS NULL"));
	plane->world.lead_names = NULL;
}

/* Those of a tenant that has moved on lead to where it is, and a move under way sees to its own. */
static void late_names_follow_the_last_move(void **state)
{
	const char *id = mover_tenant(5), *first = mover_begin(id, WEST, false), *second;

	(void)state;
	memset(&dns, 0, sizeof(dns));
	dns.takes = true;
	mover_run(first);
	change(first, "names_due = now()");
	second = mover_begin(id, EAST, false);
	plane->world.lead_names = lead_names;
	(void)lead_late();
	assert_int_equal(0, dns.calls);
	mover_run(second);
	assert_string_equal(EAST, dns.region);
	(void)lead_late();
	assert_int_equal(2, dns.calls);
	assert_string_equal(EAST, dns.region);
	assert_string_equal("t", mover_column(first, "names_due IS NULL"));
	plane->world.lead_names = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_nobody_takes_are_tried_again),
		cmocka_unit_test(late_names_follow_the_last_move),
	};

	return cmocka_run_group_tests(tests, mover_start, mover_stop);
}
