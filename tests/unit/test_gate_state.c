/* SPDX-License-Identifier: Apache-2.0 */
/* What is decided once the tenant is known: scope, state, rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gate_fake.h"

static void scopes_decide_after_the_tenant(void **state)
{
	struct fixture *f = *state;

	EXPECT(ERR_NONE, LIST, .key = "key-reader");
	EXPECT(ERR_TENANT_DENIED, CREATE, .key = "key-reader", .header = "beta");
	assert_int_equal(ERR_SCOPE, pass(f, &(struct ask){ CREATE, .key = "key-reader" }));
	assert_non_null(strstr(f->cx.problem.message, "policies:write"));
	api_hooks.done(&f->cx, &f->rq, 403);
	EXPECT(ERR_SCOPE, LIST, .key = "op-platform", .header = "alpha");
	EXPECT(ERR_NONE, GET, .key = "op-platform", .path = "alpha");
	EXPECT(ERR_NONE, PATCH, .key = "op-platform", .path = "alpha");
	EXPECT(ERR_SCOPE, .route = &list_tenants, .key = "key-alpha");
}

static void a_suspended_tenant_is_blocked_or_read_only(void **state)
{
	EXPECT(ERR_TENANT_SUSPENDED, LIST, .key = "key-quiet");
	EXPECT(ERR_TENANT_SUSPENDED, CREATE, .key = "key-quiet");
	EXPECT(ERR_NONE, GET, .key = "key-quiet", .path = "quiet");
	EXPECT(ERR_NONE, LIST, .key = "key-still");
	EXPECT(ERR_TENANT_SUSPENDED, CREATE, .key = "key-still");
	EXPECT(ERR_TENANT_SUSPENDED, PATCH, .key = "key-still", .path = "still");
	EXPECT(ERR_NONE, CREATE, .key = "op", .header = "quiet");
	EXPECT(ERR_NONE, PATCH, .key = "op", .path = "still");
}

static void a_deleted_tenant_is_gone_but_for_some_routes(void **state)
{
	EXPECT(ERR_TENANT_GONE, LIST, .key = "key-gone");
	EXPECT(ERR_TENANT_GONE, PATCH, .key = "key-gone", .path = "gone");
	EXPECT(ERR_NONE, GET, .key = "key-gone", .path = "gone");
	EXPECT(ERR_TENANT_GONE, LIST, .key = "op", .header = "gone");
	EXPECT(ERR_NONE, GET, .key = "op", .path = "gone");
	EXPECT(ERR_NONE, .route = &list_tenants, .key = "op", .header = "gone");
}

static void a_tenant_that_comes_or_goes_has_no_credentials(void **state)
{
	EXPECT(ERR_UNAUTHORIZED, LIST, .key = "key-coming");
	EXPECT(ERR_UNAUTHORIZED, LIST, .key = "key-going");
	EXPECT(ERR_UNAUTHORIZED, LIST, .key = "key-nobody");
	EXPECT(ERR_TENANT_PROVISIONING, LIST, .key = "op", .header = "coming");
	EXPECT(ERR_TENANT_PROVISIONING, PATCH, .key = "op", .path = "coming");
	EXPECT(ERR_NONE, GET, .key = "op", .path = "coming");
}

static void without_the_control_database_nothing_is_changed(void **state)
{
	struct fixture *f = *state;

	degraded = true;
	assert_int_equal(ERR_NONE, pass(f, &(struct ask){ LIST, .key = "key-alpha" }));
	assert_string_equal("true", header_of(f, "X-Degraded"));
	api_hooks.done(&f->cx, &f->rq, 200);
	EXPECT(ERR_UNAVAILABLE, CREATE, .key = "key-alpha");
	trust = ERR_UNAVAILABLE;
	EXPECT(ERR_UNAVAILABLE, LIST, .key = "key-alpha");
}

static void the_rate_is_taken_last_and_only_once(void **state)
{
	struct fixture *f = *state;

	/* refused for another reason: free of charge, but told */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ERR_TENANT_DENIED, pass(f, &(struct ask){ LIST, .key = "key-tight",
									   .header = "beta" }));
		assert_string_equal("3", header_of(f, "X-RateLimit-Remaining"));
		api_hooks.done(&f->cx, &f->rq, 403);
	}
	EXPECT(ERR_NONE, LIST, .key = "cold key-tight");
	EXPECT(ERR_NONE, LIST, .key = "key-tight");
	assert_int_equal(ERR_NONE, pass(f, &(struct ask){ LIST, .key = "key-tight" }));
	assert_string_equal("0", header_of(f, "X-RateLimit-Remaining"));
	assert_string_equal("\"default\";q=3;w=60", header_of(f, "RateLimit-Policy"));
	api_hooks.done(&f->cx, &f->rq, 200);
}

/* A body takes its time, and the gate is asked again when it is complete. */
static void who_is_asked_again_pays_once(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(ERR_NONE, pass(f, &(struct ask){ CREATE, .key = "key-tight" }));
		f->rq.nheaders = 0;
		assert_int_equal(ERR_NONE, api_hooks.gate(&f->cx, &f->rq, true));
		assert_string_equal(arena_printf(f->arena, "%d", 2 - i),
				    header_of(f, "X-RateLimit-Remaining"));
		assert_string_equal("key-tight", f->cx.actor->id);
		api_hooks.done(&f->cx, &f->rq, 201);
	}
	EXPECT(ERR_RATE_LIMITED, CREATE, .key = "key-tight");
}

static void what_is_refused_when_asked_again_speaks_for_nobody(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ERR_NONE, pass(f, &(struct ask){ CREATE, .key = "key-alpha" }));
	degraded = true;
	assert_int_equal(ERR_UNAVAILABLE, api_hooks.gate(&f->cx, &f->rq, true));
	assert_null(f->cx.actor);
	assert_null(f->cx.tenant);
	api_hooks.done(&f->cx, &f->rq, 503);
}

static void over_the_limit_the_answer_says_when_to_return(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		EXPECT(ERR_NONE, LIST, .key = "key-tight");
	assert_int_equal(ERR_RATE_LIMITED, pass(f, &(struct ask){ LIST, .key = "key-tight" }));
	assert_string_equal("Rate limit exceeded for tenant tenant-tight-hhhhhh", f->cx.problem.message);
	assert_int_equal(3, f->cx.problem.limit);
	assert_int_equal(20, f->cx.problem.retry_after);
	assert_string_equal("3", header_of(f, "X-RateLimit-Limit"));
	assert_string_equal("0", header_of(f, "X-RateLimit-Remaining"));
	assert_string_equal("\"default\";r=0;t=20", header_of(f, "RateLimit"));
	assert_int_equal(5, f->rq.nheaders);
	api_hooks.done(&f->cx, &f->rq, 429);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(scopes_decide_after_the_tenant, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(a_suspended_tenant_is_blocked_or_read_only, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(a_deleted_tenant_is_gone_but_for_some_routes, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(a_tenant_that_comes_or_goes_has_no_credentials, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(without_the_control_database_nothing_is_changed, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(the_rate_is_taken_last_and_only_once, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(who_is_asked_again_pays_once, open_gate, close_gate),
		cmocka_unit_test_setup_teardown(what_is_refused_when_asked_again_speaks_for_nobody, open_gate,
						close_gate),
		cmocka_unit_test_setup_teardown(over_the_limit_the_answer_says_when_to_return, open_gate,
						close_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
