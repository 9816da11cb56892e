/* SPDX-License-Identifier: Apache-2.0 */
/* config/plans.conf and what may stand in a file like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "temp.h"

#define GOOD_REST \
	"tenant_rate = { limit = 10; window = 60; };\nkey_rate = { limit = 5; window = 1; };\n" \
	"price = { minor = 9900; currency = \"USD\"; };\nterm_months = 12;\n"
#define GOOD_LIMITS "limits = { max_policies = 1; max_resources = 2; max_users = 3; max_bouncers = 0; };\n"

struct bench {
	struct arena *arena;
	struct plan_set plans;
	struct config_faults faults;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof *b);

	b->arena = arena_create(8192);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	arena_destroy(b->arena);
	free(b);
	return 0;
}

static bool load(struct bench *b, const char *text)
{
	config_faults_init(&b->faults, b->arena);
	return plans_load(b->arena, text, "p", &b->plans, &b->faults);
}

static void expect_fault(const struct bench *b, const char *text)
{
	if (strstr(b->faults.text.data, text) == NULL) {
		print_error("expected: %s\nfound:\n%s", text, b->faults.text.data);
		fail();
	}
}

static void built_in_plans_are_those_of_the_file(void **state)
{
	const char *source = getenv("CC_SOURCE_DIR");
	char *path = temp_path(source != NULL ? source : ".", "config/plans.conf");
	char *text = temp_read(path);

	(void)state;
	assert_non_null(text);
	assert_string_equal(text, embedded_plans_conf);
	free(text);
	free(path);
}

static void built_in_plans_say_what_the_product_sells(void **state)
{
	struct bench *b = *state;

	assert_true(load(b, embedded_plans_conf));
	assert_int_equal(3, b->plans.n);
	const struct plan *free_plan = plan_find(&b->plans, "free"), *pro = plan_find(&b->plans, "pro");
	const struct plan *enterprise = plan_find(&b->plans, "enterprise");
	assert_non_null(free_plan);
	assert_non_null(pro);
	assert_non_null(enterprise);
	assert_int_equal(100, free_plan->limits.max_policies);
	assert_int_equal(2, free_plan->limits.max_bouncers);
	assert_int_equal(0, free_plan->price_minor);
	assert_int_equal(1000, pro->limits.max_policies);
	assert_int_equal(50, pro->limits.max_users);
	assert_int_equal(10, pro->limits.max_bouncers);
	assert_int_equal(5000, pro->tenant_rate.limit);
	assert_int_equal(60, pro->tenant_rate.window);
	assert_int_equal(3000, pro->key_rate.limit);
	assert_int_equal(9900, pro->price_minor);
	assert_string_equal("USD", pro->currency);
	assert_int_equal(12, pro->term_months);
	assert_true(enterprise->limits.max_policies == INT_NULL);
	assert_true(enterprise->limits.max_users == INT_NULL);
}

static void unlimited_is_a_word_or_minus_one(void **state)
{
	struct bench *b = *state;

	assert_true(
		load(b, "a = { limits = { max_policies = -1; max_resources = \"unlimited\"; max_users = 0;"
			" max_bouncers = 7; };\n" GOOD_REST "};\n"));
	const struct limits *l = &b->plans.v[0].limits;
	assert_true(l->max_policies == INT_NULL);
	assert_true(l->max_resources == INT_NULL);
	assert_int_equal(0, l->max_users);
	assert_int_equal(7, l->max_bouncers);
}

static void order_of_the_file_is_kept(void **state)
{
	struct bench *b = *state;

	assert_true(load(b, "z = { " GOOD_LIMITS GOOD_REST "};\na = { " GOOD_LIMITS GOOD_REST "};\n"));
	assert_string_equal("z", b->plans.v[0].name);
	assert_string_equal("a", b->plans.v[1].name);
	assert_null(plan_find(&b->plans, "b"));
}

static void everything_is_required(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "a = {\n limits = { max_policies = 1; };\n};\n"));
	expect_fault(b, "p:2: a.limits.max_users: is required");
	expect_fault(b, "p:1: a.tenant_rate: is required and must be a group");
	expect_fault(b, "p:1: a.key_rate: is required");
	expect_fault(b, "p:1: a.price: is required");
	expect_fault(b, "p:1: a.term_months: is required");
}

static void unknown_members_are_faults(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "a = { " GOOD_LIMITS GOOD_REST "colour = 1;\n };\n"));
	expect_fault(b, "a.colour: unknown setting");
	assert_false(load(b,
		"a = { limits = { max_policies = 1; max_resources = 2; max_users = 3; max_bouncers = 0;"
		" max_cats = 1; };\n" GOOD_REST " };\n"));
	expect_fault(b, "p:1: a.limits.max_cats: unknown setting");
}

static void bounds_are_kept(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "a = { limits = { max_policies = -2; max_resources = 2; max_users = 3; "
			     "max_bouncers = 0; };\n" GOOD_REST " };\n"));
	expect_fault(b, "p:1: a.limits.max_policies: expected an integer from 0 to 1000000000, found \"-2\"");
	assert_false(load(b, "a = { " GOOD_LIMITS "tenant_rate = { limit = 0; window = 60; };\n"
			     "key_rate = { limit = 1; window = \"x\"; };\n"
			     "price = { minor = 1; currency = \"usd\"; };\nterm_months = 0; };\n"));
	expect_fault(b, "a.tenant_rate.limit: expected an integer from 1 to");
	expect_fault(b, "p:3: a.key_rate.window: expected an integer from 1 to 86400, found \"x\"");
	expect_fault(b, "p:4: a.price.currency: must be three capital letters such as USD, found \"usd\"");
	expect_fault(b, "p:5: a.term_months: expected an integer from 1 to 120, found \"0\"");
}

static void rates_are_never_unlimited(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "a = { " GOOD_LIMITS "tenant_rate = { limit = \"unlimited\"; window = 60; };\n"
			     "key_rate = { limit = -1; window = 1; };\n"
			     "price = { minor = 1; currency = \"EUR\"; };\nterm_months = 1; };\n"));
	expect_fault(b, "a.tenant_rate.limit: expected an integer");
	expect_fault(b, "a.key_rate.limit: expected an integer");
}

static void names_of_plans_are_plain(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "Gold = { };\n"));
	expect_fault(b, "p:1: Gold: expected a plan { … } whose name is");
	assert_false(load(b, "gold = 3;\n"));
	expect_fault(b, "p:1: gold: expected a plan");
	assert_false(load(b, ""));
	expect_fault(b, "expected 1 to 32 plans, found 0");
}

static void meters_and_stripe_may_be_left_out(void **state)
{
	struct bench *b = *state;

	assert_true(load(b, "a = { " GOOD_LIMITS GOOD_REST "};\nb = { " GOOD_LIMITS GOOD_REST
			    "api_calls = { included = 5; minor = 31; per = 100; };\n"
			    "stripe = { base = \"price_1\"; api_calls = \"price_2\"; "
			    "bouncer_requests = \"price_3\"; };\n};\n"));
	assert_null(b->plans.v[0].stripe.base);
	assert_int_equal(0, meter_cost(&b->plans.v[0].meter[METER_API_CALLS], INT64_MAX));
	assert_int_equal(31, b->plans.v[1].meter[METER_API_CALLS].minor);
	assert_string_equal("price_1", b->plans.v[1].stripe.base);
	assert_string_equal("price_3", b->plans.v[1].stripe.meter[METER_BOUNCER_REQUESTS]);
	assert_false(load(b, "a = { " GOOD_LIMITS GOOD_REST
			     "api_calls = { included = 5; minor = 31; };\n};\n"));
	expect_fault(b, "a.api_calls.per: is required");
}

#define SOLD(base, calls, requests) \
	"stripe = { base = \"" base "\"; api_calls = \"" calls "\"; bouncer_requests = \"" requests "\"; };\n"

static void a_price_is_one_plan_s(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "a = { " GOOD_LIMITS GOOD_REST SOLD("price_1", "price_2", "price_3") "};\n"
			     "b = { " GOOD_LIMITS GOOD_REST SOLD("price_4", "price_2", "price_6") "};\n"));
	expect_fault(b, "b.stripe: has a price that the plan a has as well, or has it twice: price_2");
	assert_false(load(b, "a = { " GOOD_LIMITS GOOD_REST SOLD("price_1", "price_2", "price_1") "};\n"));
	expect_fault(b, "a.stripe: has a price that the plan a has as well, or has it twice: price_1");
	assert_true(load(b, "a = { " GOOD_LIMITS GOOD_REST SOLD("price_1", "price_2", "price_3") "};\n"
			    "b = { " GOOD_LIMITS GOOD_REST SOLD("price_4", "price_5", "price_6") "};\n"));
}

#define BEFORE(lists) "stripe_before = { " lists " };\n"

static void prices_that_were_replaced_are_known(void **state)
{
	struct bench *b = *state;

	assert_true(load(b, "a = { " GOOD_LIMITS GOOD_REST SOLD("price_1", "price_2", "price_3")
			    BEFORE("base = [ \"price_4\", \"price_5\" ]; bouncer_requests = [ \"price_6\" ];")
			    "};\nb = { " GOOD_LIMITS GOOD_REST SOLD("price_7", "price_8", "price_9") "};\n"));
	assert_int_equal(0, plan_price_kind(&b->plans, "price_1"));
	assert_int_equal(0, plan_price_kind(&b->plans, "price_5"));
	assert_int_equal(0, plan_price_kind(&b->plans, "price_7"));
	assert_int_equal(1 + METER_API_CALLS, plan_price_kind(&b->plans, "price_2"));
	assert_int_equal(1 + METER_BOUNCER_REQUESTS, plan_price_kind(&b->plans, "price_6"));
	assert_int_equal(-1, plan_price_kind(&b->plans, "price_support"));
	assert_int_equal(-1, plan_price_kind(&b->plans, NULL));
	assert_false(load(b, "a = { " GOOD_LIMITS GOOD_REST SOLD("price_1", "price_2", "price_3")
				     BEFORE("base = [ \"price_2\" ];") "};\n"));
	expect_fault(b, "a.stripe: has a price that the plan a has as well, or has it twice: price_2");
	assert_false(
		load(b, "a = { " GOOD_LIMITS GOOD_REST BEFORE("base = [ \"a b\" ]; colour = [ ];") "};\n"));
	expect_fault(b, "must be the id of a price at Stripe");
	expect_fault(b, "a.stripe_before.colour: unknown setting");
}

static void amounts_have_two_decimals(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "a = { " GOOD_LIMITS "tenant_rate = { limit = 1; window = 60; };\n"
			     "key_rate = { limit = 1; window = 1; };\n"
			     "price = { minor = 1; currency = \"JPY\"; };\nterm_months = 1; };\n"));
	expect_fault(b, "a.price.currency: must be a currency with two decimals");
}

static void a_block_that_was_begun_counts(void **state)
{
	const struct meter_price p = { .included = 10000, .minor = 31, .per = 100 };
	const struct meter_price dear = { .included = 0, .minor = INT64_C(1000000000), .per = 1 };

	(void)state;
	assert_int_equal(0, meter_cost(&p, 0));
	assert_int_equal(0, meter_cost(&p, 10000));
	assert_int_equal(31, meter_cost(&p, 10001));
	assert_int_equal(31, meter_cost(&p, 10100));
	assert_int_equal(62, meter_cost(&p, 10101));
	assert_int_equal(1550, meter_cost(&p, 15000));
	assert_true(meter_cost(&dear, INT64_MAX) == INT64_MAX);
}

static void parts_of_an_amount_are_rounded_to_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(0, money_part(9900, 0, 100));
	assert_int_equal(9900, money_part(9900, 100, 100));
	assert_int_equal(4950, money_part(9900, 1, 2));
	assert_int_equal(3300, money_part(9900, 1, 3));
	assert_int_equal(33, money_part(100, 1, 3));
	assert_int_equal(67, money_part(100, 2, 3));
	assert_int_equal(1, money_part(1, 1, 2));
	assert_true(money_part(INT64_C(1000000000000), 2678399, 2678400) == INT64_C(999999626643));
}

static void syntax_fault_names_its_line(void **state)
{
	struct bench *b = *state;

	assert_false(load(b, "a = {\n\n limits = = ;\n};\n"));
	expect_fault(b, "p:3: syntax error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(built_in_plans_are_those_of_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(built_in_plans_say_what_the_product_sells, setup, teardown),
		cmocka_unit_test_setup_teardown(meters_and_stripe_may_be_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_price_is_one_plan_s, setup, teardown),
		cmocka_unit_test_setup_teardown(prices_that_were_replaced_are_known, setup, teardown),
		cmocka_unit_test_setup_teardown(amounts_have_two_decimals, setup, teardown),
		cmocka_unit_test(a_block_that_was_begun_counts),
		cmocka_unit_test(parts_of_an_amount_are_rounded_to_the_nearest),
		cmocka_unit_test_setup_teardown(unlimited_is_a_word_or_minus_one, setup, teardown),
		cmocka_unit_test_setup_teardown(order_of_the_file_is_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(everything_is_required, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_members_are_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(rates_are_never_unlimited, setup, teardown),
		cmocka_unit_test_setup_teardown(names_of_plans_are_plain, setup, teardown),
		cmocka_unit_test_setup_teardown(syntax_fault_names_its_line, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
