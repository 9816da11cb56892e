/* SPDX-License-Identifier: Apache-2.0 */
/* A plan or a region that tenants have and the settings of a node do not name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "temp.h"

#define RATES "tenant_rate = { limit = 1000000; window = 60; }; key_rate = { limit = 1000000; window = 60; };"
#define REST RATES "price = { minor = 0; currency = \"USD\"; }; term_months = 12; };\n"
static const char with_vintage[] =
	"pro = { limits = { max_policies = 100; max_resources = 100; max_users = 5; max_bouncers = 2; };" REST
	"vintage = { limits = { max_policies = 7; max_resources = 7; max_users = 7; max_bouncers = 7; };"
	REST;

/* The node that knows neither plan nor region; the group's daemon knows both. */
static struct daemon *poor;

static int setup(void **state)
{
	*state = daemon_start(&(struct daemon_options){ .nine_regions = true, .plans = with_vintage });
	return 0;
}

static int teardown(void **state)
{
	daemon_finish(*state);
	return 0;
}

static void operators_can_move_a_tenant_to_a_plan_that_is_there(void **state)
{
	struct tenant_fixture t;
	struct client *op, *c;
	const struct answer *a;
	char path[120];

	fixture_tenant(*state, "vintage", "vintage", NULL, NULL, &t);
	poor = daemon_join(*state, NULL);
	op = client_open(daemon_port(poor));
	client_key(op, daemon_operator_key(*state));
	c = client_of(poor, &t);
	a = assert_error(503, "service_unavailable", client_get(c, "/resources"));
	assert_non_null(strstr(answer_text(a, "message"), "plan is not configured"));
	assert_error(503, "service_unavailable", client_post(c, "/resources", "{'name':'r','type':'api'}"));
	a = assert_status(200, client_get(op, "/tenants/%s", t.id));
	assert_text("vintage", a, "plan_type");
	(void)snprintf(path, sizeof(path), "/tenants/%s", t.id);
	assert_text("Renamed", assert_status(200, client_patch(op, path, "{'name':'Renamed'}")), "name");
	assert_status(202, client_delete(op, "%s", path));
	(void)snprintf(path, sizeof(path), "/tenants/%s/restore", t.id);
	assert_status(200, client_post(op, path, "%s", ""));
	(void)snprintf(path, sizeof(path), "/tenants/%s", t.id);
	a = assert_status(200, client_patch(op, path, "{'plan_type':'pro'}"));
	assert_text("pro", a, "plan_type");
	assert_status(200, client_get(c, "/resources"));
	client_close(op);
	client_close(c);
}

static void a_tenant_of_a_region_that_is_not_served_can_be_seen(void **state)
{
	struct tenant_fixture t;
	struct client *op, *c;
	const struct answer *a;

	fixture_tenant(*state, "faraway", NULL, "us-west-2", NULL, &t);
	op = client_open(daemon_port(poor));
	client_key(op, daemon_operator_key(*state));
	c = client_of(poor, &t);
	a = assert_error(503, "service_unavailable", client_get(c, "/resources"));
	assert_non_null(strstr(answer_text(a, "message"), "region is not served"));
	a = assert_status(200, client_get(op, "/tenants/%s", t.id));
	assert_text("us-west-2", a, "region");
	assert_status(200, client_get(c, "/tenants/%s", t.id));
	assert_status(202, client_delete(op, "/tenants/%s", t.id));
	client_close(op);
	client_close(c);
}

static void the_log_says_which_at_start(void **state)
{
	struct tenant_fixture t;

	fixture_tenant(*state, "stray", "vintage", "ca-central-1", NULL, &t);
	assert_int_equal(0, daemon_stop(poor));
	daemon_restart(poor);
	assert_true(daemon_log_lines(poor, "a plan or region that is not configured") > 0);
	assert_true(daemon_log_lines(poor, "plan vintage: 1; region ca-central-1: 1") > 0);
	daemon_finish(poor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_can_move_a_tenant_to_a_plan_that_is_there),
		cmocka_unit_test(a_tenant_of_a_region_that_is_not_served_can_be_seen),
		cmocka_unit_test(the_log_says_which_at_start),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
