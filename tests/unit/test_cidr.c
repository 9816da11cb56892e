/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cc/base/cidr.h"

static void a_network_has_one_way_to_be_written(void **state)
{
	static const char *const pairs[][2] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "10.1.2.3/8", "10.0.0.0/8" },
		{ "192.0.2.77/31", "192.0.2.76/31" },
		{ "192.0.2.1", "192.0.2.1/32" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "2001:DB8:0:0::1/32", "2001:db8::/32" },
		{ "2001:db8::1", "2001:db8::1/128" },
		{ "2001:db8::ffff/121", "2001:db8::ff80/121" },
		{ "::/0", "::/0" },
		{ "::ffff:10.1.2.3", "10.1.2.3/32" },
		{ "::ffff:10.1.2.3/104", "10.0.0.0/8" },
		{ "::ffff:10.1.2.3/95", "::fffe:0:0/95" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char text[CIDR_TEXT_MAX];
		struct cidr c;

		assert_true(cidr_parse(pairs[i][0], &c));
		cidr_print(&c, text);
		assert_string_equal(pairs[i][1], text);
	}
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
		"10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0/8", "010.0.0.0/8", "10.0.0.0/8/8", "::/129", "::1/x",
		"fe80::1%lo/64", "localhost", "*", "2001:db8::1::/64", "10.0.0.0/99999999999999999999",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd/8",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cidr c;

		if (cidr_parse(bad[i], &c))
			fail_msg("taken: %s", bad[i]);
	}
}

static bool within(const char *inner, const char *outer)
{
	struct cidr a, b;

	assert_true(cidr_parse(inner, &a));
	assert_true(cidr_parse(outer, &b));
	return cidr_within(&a, &b);
}

static void a_network_holds_its_parts_and_no_more(void **state)
{
	(void)state;
	assert_true(within("10.255.0.1", "10.0.0.0/8"));
	assert_true(within("10.0.0.0/8", "10.0.0.0/8"));
	assert_true(within("192.0.2.5", "192.0.2.4/30"));
	assert_false(within("192.0.2.8", "192.0.2.4/30"));
	assert_false(within("10.0.0.0/7", "10.0.0.0/8"));
	assert_false(within("11.0.0.1", "10.0.0.0/8"));
	assert_true(within("203.0.113.9", "0.0.0.0/0"));
	assert_true(within("2001:db8:1::/48", "2001:db8::/32"));
	assert_false(within("2001:db9::1", "2001:db8::/32"));
	assert_true(within("::ffff:10.9.9.9", "10.0.0.0/8"));
}

static void one_family_is_not_in_the_other(void **state)
{
	(void)state;
	assert_false(within("10.0.0.1", "::/0"));
	assert_false(within("::ffff:10.0.0.1", "::/0"));
	assert_false(within("2001:db8::1", "0.0.0.0/0"));
	assert_true(within("2001:db8::1", "::/0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_has_one_way_to_be_written),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(a_network_holds_its_parts_and_no_more),
		cmocka_unit_test(one_family_is_not_in_the_other),
	};

	return cmocka_run_group_tests_name("cidr", tests, NULL, NULL);
}
