/* SPDX-License-Identifier: Apache-2.0 */
/* How descriptors are shared out between the pools and the clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/descriptors.h"

static const struct config usual = {
	.server = { .workers = 16, .connections_max = 10000, .connections_per_address = 4096 },
	.control = { .connections = 16 },
	.region = { { .connections = 32 }, { .connections = 32 } },
	.nregions = 2,
};

static void with_enough_the_setting_counts(void **state)
{
	struct descriptors d;

	(void)state;
	assert_true(descriptors_share(&usual, 1048576, &d));
	assert_int_equal(10000, d.clients);
	assert_true(d.own > 2 * 16 + 2 * 32);
}

static void with_few_the_pools_come_first(void **state)
{
	struct descriptors d;

	(void)state;
	assert_true(descriptors_share(&usual, 1024, &d));
	assert_int_equal(1024, d.own + d.clients);
	assert_true(d.clients < 1024 - 2 * 16 - 2 * 32);
	assert_true(descriptors_share(&usual, d.own + DESCRIPTORS_CLIENTS_MIN, &d));
	assert_int_equal(DESCRIPTORS_CLIENTS_MIN, d.clients);
}

static void with_too_few_nothing_is_served(void **state)
{
	struct config one = usual;
	struct descriptors d;

	(void)state;
	assert_false(descriptors_share(&usual, 64, &d));
	assert_false(descriptors_share(&usual, d.own + DESCRIPTORS_CLIENTS_MIN - 1, &d));
	one.server.connections_max = 1;
	assert_true(descriptors_share(&one, d.own + 1, &d));
	assert_false(descriptors_share(&one, d.own, &d));
}

static void one_address_never_has_all(void **state)
{
	struct server_conf c = usual.server;

	(void)state;
	assert_int_equal(4096, descriptors_per_address(&c, 10000));
	assert_int_equal(600, descriptors_per_address(&c, 800));
	assert_int_equal(1, descriptors_per_address(&c, 1));
	c.connections_per_address = 0;
	assert_int_equal(0, descriptors_per_address(&c, 800));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_enough_the_setting_counts),
		cmocka_unit_test(with_few_the_pools_come_first),
		cmocka_unit_test(with_too_few_nothing_is_served),
		cmocka_unit_test(one_address_never_has_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
